// Makes the signed inputs of the fuzz targets anew: tests/fuzz/data and some seeds. Not run by any test: its output is committed, because keys
// are random. All keys are made for this, by the stand-ins' own PKI, and protect nothing.
//
//   node tests/fuzz/make-data.js          then   FUZZ_SEEDS=tests/corpus build/fuzz/recedit -runs=0, the same with certev, tls and tlsclient
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const os = require('os');
const path = require('path');
const pkis = require('../standin/pki');
const jose = require('../standin/jose');
const snp = require('../standin/snp');
const wrap = require('../standin/wrap');
const x509 = require('../standin/x509');

const corpus = (target, name, bytes) => {
  const dir = path.join(__dirname, '../corpus', target);
  fs.mkdirSync(dir, { recursive: true });
  fs.writeFileSync(path.join(dir, name), bytes);
};
const data = (name, bytes) => fs.writeFileSync(path.join(__dirname, 'data', name), bytes);
const derOf = (pem) => x509.fromPem(pem);
const join = (ders) => Buffer.concat(ders);

async function main() {
  fs.mkdirSync(path.join(__dirname, 'data'), { recursive: true });
  const dir = path.join(os.tmpdir(), `parley-fuzz-pki-${process.pid}`);
  const pki = await pkis.open(dir);
  const rsa = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  const p8 = rsa.privateKey.export({ type: 'pkcs8', format: 'der' });
  data('rsa.p8', p8);

  // Evidence: report, then VCEK, ASK, ARK; data/ark.der is the configured root.
  const runtime = JSON.stringify({
    key: 'k'.repeat(43), nonce: jose.b64u(Buffer.alloc(32, 5)), purpose: 'parley-evidence-1', role: 'contoso', tls_spki_sha256: 'ab'.repeat(32),
  });
  const report = snp.make({
    key: pki.vcekKey, reportData: Buffer.concat([jose.sha256(runtime), Buffer.alloc(32)]), hostData: pkis.hostData('policy of a fuzz target'),
    measurement: pkis.MEASUREMENT, chipId: pkis.CHIP_ID, tcb: pkis.TCB,
  });
  const chain = derOf(pki.chainFor(pkis.CHIP_ID, pkis.TCB));
  corpus('evidence', 'genuine', join([report, ...chain]));
  data('ark.der', pki.arkDer);
  corpus('report', 'genuine', report);
  corpus('x509', 'vcek', chain[0]);
  corpus('x509', 'ark', chain[2]);
  corpus('x509', 'crl', pki.crl());
  corpus('context', 'thim.json', JSON.stringify(pki.thim(pkis.CHIP_ID, pkis.TCB)));
  corpus('context', 'base64', Buffer.from(JSON.stringify({ vcekCert: x509.toPem(chain[0]), tcbm: 'db18000000000004', certificateChain: x509.toPem(chain[0]), cacheControl: 5 })).toString('base64'));

  corpus('cose', 'genuine', pki.uvmEndorsement());
  corpus('cose', 'envelope', pki.uvmEndorsement({ envelope: true }));
  data('uvm.did', pki.uvmDid);
  data('uvm-envelope.did', pki.uvmDid);

  // A token of an attestation service about that report, and a proof with everything in it.
  const field = (from, n) => report.subarray(from, from + n).toString('hex');
  const claims = {
    exp: 2500000000, nbf: 1700000000, iat: 1700000000, iss: 'https://maa.fuzz', 'x-ms-attestation-type': 'sevsnpvm', 'x-ms-sevsnpvm-vmpl': 0,
    'x-ms-sevsnpvm-reportdata': field(0x50, 64), 'x-ms-sevsnpvm-hostdata': field(0xc0, 32), 'x-ms-sevsnpvm-launchmeasurement': field(0x90, 48),
    'x-ms-sevsnpvm-is-debuggable': false, 'x-ms-sevsnpvm-microcode-svn': 219,
  };
  const tokenInput = `${jose.b64u('{"alg":"RS256","kid":"k"}')}.${jose.b64u(JSON.stringify(claims))}`;
  const token = `${tokenInput}.${jose.b64u(crypto.sign('sha256', Buffer.from(tokenInput), rsa.privateKey))}`;
  corpus('token', 'genuine', token);
  corpus('maa', 'genuine', token);
  corpus('maa', 'claims', JSON.stringify({ ...claims, 'x-ms-compliance-status': 'azure-compliant-uvm' }));
  const base64 = (b) => Buffer.from(b).toString('base64');
  corpus('proof', 'genuine', JSON.stringify({
    parley_proof: 1, tee_type: 'sevsnp', report: base64(report), certificates: chain.map(base64), policy: base64('policy of a fuzz target'),
    runtime_data: base64(runtime), nonce: JSON.parse(runtime).nonce, tls_spki_sha256: 'ab'.repeat(32), token,
  }));
  corpus('rules', 'runtime', runtime);
  corpus('rules', 'accept', JSON.stringify({
    parley_policy: 1, host_data: [field(0xc0, 32)], measurement: [field(0x90, 48)], debug_allowed: false, migration_allowed: true, vmpl: 0, min_uvm_svn: 100,
    min_tcb: { Milan: { bootloader: 4, tee: 0, snp: 24, microcode: 219 } }, report_data: field(0x50, 64), role: 'contoso', crl_required: false, max_age_s: 60,
  }));
  corpus('rules', 'any', '{"parley_policy":1,"host_data":"any","min_uvm_svn":"any"}');

  // A server's chain, and its root; good from 2020 to 2049, whenever this is read.
  const times = { notBefore: new Date('2020-01-01T00:00:00Z'), notAfter: new Date('2049-01-01T00:00:00Z') };
  const pair = () => crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  const [root, inter, server] = [pair(), pair(), pair()];
  const name = (cn) => [['C', 'US'], ['O', 'Parley Fuzz'], ['CN', cn]];
  const ca = (cn, of, issuer, by) => x509.make({
    subject: name(cn), issuer: name(issuer), publicKey: of.publicKey, signKey: by.privateKey, algorithm: 'rsa-sha256', ...times,
    extensions: [x509.ext.ca(), x509.ext.usage(0x86), x509.ext.ski(of.publicKey), x509.ext.aki(by.publicKey)],
  });
  const leaf = x509.make({
    subject: name('fuzz.example'), issuer: name('Fuzz CA'), publicKey: server.publicKey, signKey: inter.privateKey, algorithm: 'rsa-sha256', ...times,
    extensions: [x509.ext.notCa(), x509.ext.usage(0xa0), x509.ext.eku('serverAuth'), x509.ext.san('fuzz.example'), x509.ext.ski(server.publicKey), x509.ext.aki(inter.publicKey)],
  });
  const served = [leaf, ca('Fuzz CA', inter, 'Fuzz Root', root)];
  corpus('chain', 'genuine', join(served));
  corpus('chain', 'leaf', leaf);
  corpus('x509', 'leaf', leaf);
  data('root.pem', x509.toPem(ca('Fuzz Root', root, 'Fuzz Root', root)));

  // A vault's answer to a release, signed with that chain: the oct key of 32 bytes 7, for data/rsa.p8.
  const wrapped = wrap.wrap('RSA_AES_KEY_WRAP_256', rsa.publicKey, Buffer.alloc(32, 7));
  const answer = {
    request: { api_version: '7.4', enc: 'RSA_AES_KEY_WRAP_256', kid: 'https://fuzz.example/keys/contoso-secret-key/1', nonce: '0'.repeat(32) },
    response: { key: { key: {
      kid: 'https://fuzz.example/keys/contoso-secret-key/1', kty: 'oct-HSM',
      key_hsm: jose.b64u(JSON.stringify({ ciphertext: jose.b64u(wrapped), header: { alg: 'dir', enc: 'CKM_RSA_AES_KEY_WRAP', kid: 'k' }, schema_version: '1.0' })),
    } } },
  };
  const answerInput = `${jose.b64u(JSON.stringify({ alg: 'RS256', kid: 'x', x5c: served.map((c) => c.toString('base64')), 'x5t#S256': jose.b64u(jose.sha256(leaf)) }))}.${jose.b64u(JSON.stringify(answer))}`;
  corpus('release', 'genuine', `${answerInput}.${jose.b64u(crypto.sign('sha256', Buffer.from(answerInput), server.privateKey))}`);

  corpus('release', 'payload', JSON.stringify(answer));
  corpus('release', 'header', JSON.stringify({ alg: 'RS256', x5c: served.map((c) => c.toString('base64')) }));

  // Tokens by an RSA and an EC key; data/*.jwk verify them.
  const sign = (alg, key, options = {}) => {
    const input = `${jose.b64u(JSON.stringify({ alg, typ: 'JWT', kid: 'k' }))}.${jose.b64u(JSON.stringify({ iss: 'https://a', nonce: 'n', n: 1 }))}`;
    return `${input}.${jose.b64u(crypto.sign('sha256', Buffer.from(input), { key, ...options }))}`;
  };
  const ec = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
  corpus('identity', 'imds', '{"access_token":"eyJ0.a-b.c","expires_in":"86399","expires_on":"1790000000","resource":"https://vault.azure.net","token_type":"Bearer"}');
  corpus('identity', 'entra', '{"token_type":"Bearer","expires_in":3599,"access_token":"abc"}');
  corpus('jws', 'rs256', sign('RS256', rsa.privateKey));
  corpus('jws', 'ps256', sign('PS256', rsa.privateKey, { padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }));
  corpus('jws', 'es256', sign('ES256', ec.privateKey, { dsaEncoding: 'ieee-p1363' }));
  corpus('jws', 'none', `${jose.b64u('{"alg":"none"}')}.${jose.b64u('{}')}.`);
  data('rsa.jwk', JSON.stringify({ ...rsa.publicKey.export({ format: 'jwk' }), kid: 'k' }));
  data('ec.jwk', JSON.stringify({ ...ec.publicKey.export({ format: 'jwk' }), kid: 'k' }));
  corpus('jwk', 'rsa', JSON.stringify({ kid: 'a', ...rsa.publicKey.export({ format: 'jwk' }) }));
  corpus('jwk', 'ec', JSON.stringify(ec.publicKey.export({ format: 'jwk' })));
  corpus('jwk', 'x5c', JSON.stringify({ kty: 'RSA', x5c: [leaf.toString('base64')] }));

  // Keys as the vault releases them, and wrapped with data/rsa.p8.
  corpus('pkcs8', 'rsa', p8);
  for (const namedCurve of ['P-256', 'P-384', 'P-521']) {
    corpus('pkcs8', namedCurve, crypto.generateKeyPairSync('ec', { namedCurve }).privateKey.export({ type: 'pkcs8', format: 'der' }));
  }
  corpus('unwrap', 'oct', wrap.wrap('RSA_AES_KEY_WRAP_256', rsa.publicKey, crypto.createHash('sha256').update('oct').digest()));
  corpus('unwrap', 'rsa', wrap.wrap('CKM_RSA_AES_KEY_WRAP', rsa.publicKey, p8));
  fs.rmSync(dir, { recursive: true, force: true });
}

main();
