// The same parsing and checking against real data: reports and chains of Milan machines, UVM endorsements, a Key Vault wrap.
'use strict';
const assert = require('node:assert');
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const test = require('node:test');
const evidence = require('./evidence');
const jose = require('./jose');
const maa = require('./maa');
const snp = require('./snp');
const uvm = require('./uvm');
const wrapping = require('./wrap');
const x509 = require('./x509');

const dir = path.join(process.env.PARLEY_VECTORS || path.join(__dirname, '../../../shared/vectors'), 'azure');
const skip = fs.existsSync(dir) ? false : 'vectors are not here';
const read = (file) => fs.readFileSync(path.join(dir, file));
const text = (file) => read(file).toString('latin1');
const arks = () => [x509.fromPem(text('go-sev-guest/ask_ark_milan.pem'))[1]];
const MICROSOFT = 'did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::eku:1.3.6.1.4.1.311.76.59.1.2';

const sets = {
  'v2 report of ACI': () => ({ report: read('skr-sidecar/snp_report.bin'), chainPem: text('skr-sidecar/uvm_host_amd_certificate.pem'), tcb: '7308000000000003' }),
  'v3 report, microcode above 127': () => ({ report: read('skr-sidecar/cert_fetcher_test_report_v3.bin'), chainPem: text('skr-sidecar/cert_fetcher_test_chain.pem'), tcb: 'DB18000000000004' }),
  'report outside Azure': () => ({
    report: read('go-sev-guest/attestation.bin'), chainPem: x509.toPem(read('go-sev-guest/vcek.testcer')) + text('go-sev-guest/ask_ark_milan.pem'), now: new Date('2024-01-01'),
  }),
};
for (const [name, make] of Object.entries(sets)) {
  test(`real ${name} verifies, flipped it does not`, { skip }, () => {
    const set = { arks: arks(), ...make() };
    const r = evidence.verify(set);
    if (set.tcb) assert.strictEqual(snp.tcbHex(r.reportedTcb), set.tcb);
    for (let i = 0; i < set.report.length; i += 11) {
      const bad = Buffer.from(set.report);
      bad[i] ^= 0x10;
      assert.throws(() => evidence.verify({ ...set, report: bad }), `byte ${i}`);
    }
  });
}

test('a real chain is refused where only our own root is trusted', { skip }, () => {
  assert.throws(() => evidence.verify({ ...sets['v2 report of ACI'](), arks: [x509.fromPem(text('go-sev-guest/ask_ark_genoa.pem'))[1]] }), /trusted ARK/);
});

test('real UVM endorsements open and name Microsoft\'s signer', { skip }, () => {
  const envelope = uvm.open(read('uvm-envelope/uvm_0.2.10.cose'));
  assert.deepStrictEqual([envelope.feed, envelope.payload['x-ms-sevsnpvm-guestsvn-int'], envelope.payload['x-ms-sevsnpvm-launchmeasurement'].slice(0, 8)],
    ['ContainerPlat-AMD-UVM', 104, '4904167a']);
  const first = uvm.open(read('skr-sidecar/body.uvm_reference_info.bin'));
  const second = uvm.open(Buffer.from(text('skr-sidecar/security-context-test/reference-info-base64'), 'base64'));
  assert.deepStrictEqual([first.iss, second.iss], [MICROSOFT, MICROSOFT]);
  assert.deepStrictEqual([first, second].map((e) => e.payload['x-ms-sevsnpvm-guestsvn']), ['22', '100']);
});

test('MAA derives from real evidence the claims of a real token', { skip }, () => {
  const body = JSON.stringify({
    report: jose.b64uPad(JSON.stringify({
      SnpReport: jose.b64uPad(read('skr-sidecar/snp_report.bin')), VcekCertChain: jose.b64uPad(text('skr-sidecar/uvm_host_amd_certificate.pem')),
      Endorsements: jose.b64uPad(JSON.stringify({ Uvm: [jose.b64uPad(read('skr-sidecar/body.uvm_reference_info.bin'))] })),
    })),
    runtimeData: { data: jose.b64uPad('{\n   "akey" : "avalue"\n}\n'), dataType: 'JSON' }, nonce: 0,
  }).replace('"nonce":0', '"nonce":18446744073709551615');
  const claims = maa.attest(maa.open(Buffer.from(body)), { arks: arks(), did: MICROSOFT, feed: uvm.FEED });
  const real = JSON.parse(read('uid2-shared/maa_jwt_payload.json'));
  const own = Object.keys({ ...claims, exp: 0, iat: 0, nbf: 0, iss: '', jti: '' }).sort();
  assert.deepStrictEqual(own, Object.keys(real).sort());
  for (const k of Object.keys(claims)) assert.strictEqual(typeof claims[k], typeof real[k], k);
  for (const k of Object.keys(claims)) if (/idkeydigest|familyId|imageId|vmpl|is-debug|migration|smt|guestsvn$|svn$|headers|ver$|type|status|hash/.test(k) && k !== 'x-ms-sevsnpvm-uvm-endorsement') {
    if (k !== 'x-ms-policy-hash' && k !== 'x-ms-sevsnpvm-idkeydigest') assert.deepStrictEqual(claims[k], real[k], k);
  }
  assert.strictEqual(claims.nonce, '18446744073709551615');
  assert.deepStrictEqual(claims['x-ms-runtime'], { akey: 'avalue' });
});

test('a real Key Vault wrap (CKM, SHA-1) unwraps to the known key', { skip }, () => {
  const v = JSON.parse(read('skr-sidecar/akv_unwrap_test_vector.json'));
  const key = crypto.createPrivateKey(text('skr-sidecar/akv_unwrap_test_rsa2048_private_pkcs1.pem'));
  assert.strictEqual(wrapping.unwrap(v.enc, key, jose.fromB64u(v.ciphertext_b64url)).toString('hex'), v.expected_key_hex);
  for (const k of JSON.parse(read('skr-sidecar/rfc5649_kwp_vectors.json'))) {
    assert.strictEqual(wrapping.kwpWrap(Buffer.from(k.kek, 'hex'), Buffer.from(k.plain, 'hex')).toString('hex'), k.wrapped);
  }
});
