// The test PKI: AMD-format certificates, TLS and UVM chains, the security context, and refusal of anything altered.
'use strict';
const assert = require('node:assert');
const crypto = require('crypto');
const fs = require('fs');
const os = require('os');
const path = require('path');
const test = require('node:test');
const cbor = require('./cbor');
const der = require('./der');
const evidence = require('./evidence');
const { DEFAULT_DIR } = require('./main');
const pkis = require('./pki');
const snp = require('./snp');
const uvm = require('./uvm');
const x509 = require('./x509');

let pki;
test.before(async () => { pki = await pkis.open(DEFAULT_DIR); });

const makeReport = (more = {}) => snp.make({
  key: pki.vcekKey, reportData: Buffer.alloc(64, 7), hostData: '11'.repeat(32), measurement: pkis.MEASUREMENT, chipId: pkis.CHIP_ID, tcb: pkis.TCB, ...more,
});
const verify = (report, chainPem = pki.chainFor(pkis.CHIP_ID, pkis.TCB)) => evidence.verify({ report, chainPem, arks: [pki.arkDer] });

test('VCEK has AMD\'s shape: serial 0, PSS, microcode 0xDB in two bytes, chip id without a tag', () => {
  const cert = x509.parse(x509.fromPem(pki.vcekFor(pkis.CHIP_ID, pkis.TCB))[0]);
  assert.deepStrictEqual([...cert.serial], [0]);
  assert.strictEqual(cert.extensions.get(`${evidence.AMD}3.8`).toString('hex'), '020200db');
  assert.strictEqual(cert.extensions.get(`${evidence.AMD}4`).toString('hex'), pkis.CHIP_ID);
  assert.strictEqual(cert.extensions.get(`${evidence.AMD}2`).toString('latin1'), '\x16\x08Milan-B0');
  assert.deepStrictEqual([...cert.extensions.keys()].map((o) => o.slice(evidence.AMD.length)),
    ['1', '2', '3.1', '3.2', '3.4', '3.5', '3.6', '3.7', '3.3', '3.8', '4']);
  const years = (cert.notAfter - cert.notBefore) / (365.25 * 86400e3);
  assert.ok(Math.abs(years - 7) < 0.01);
});

test('both encodings of the PSS parameters occur and hold', () => {
  const lengths = ['DB18000000000004', '7308000000000003'].map((tcb) => {
    const cert = x509.parse(x509.fromPem(pki.vcekFor(pkis.CHIP_ID, tcb))[0]);
    assert.ok(x509.signedBy(cert, x509.parse(pki.certs('ask.pem')[0]).publicKey));
    return cert.algorithm.raw.length;
  });
  assert.strictEqual(lengths[1] - lengths[0], 5);
});

test('OpenSSL itself agrees about every chain', () => {
  const cert = (file, i = 0) => new crypto.X509Certificate(pki.certs(file)[i]);
  assert.ok(cert('vcek.pem').verify(cert('ask.pem').publicKey));
  assert.ok(cert('ask.pem').verify(cert('ark.pem').publicKey));
  assert.ok(cert('ark.pem').verify(cert('ark.pem').publicKey));
  assert.ok(cert('ca-inter.pem').verify(cert('ca.pem').publicKey));
  assert.ok(!cert('rogue-inter.pem').verify(cert('ca.pem').publicKey));
});

test('a TLS leaf is for its host and the same each time', async () => {
  const leaf = await pki.leaf('contoso.vault.localhost');
  const c = new crypto.X509Certificate(leaf.chain[0]);
  assert.strictEqual(c.checkHost('contoso.vault.localhost'), 'contoso.vault.localhost');
  assert.strictEqual(c.checkHost('fabrikam.vault.localhost'), undefined);
  const again = await (await pkis.open(DEFAULT_DIR)).leaf('contoso.vault.localhost');
  assert.ok(again.chain[0].equals(leaf.chain[0]));
  assert.ok(c.checkPrivateKey(again.key));
});

test('a report signed by the VCEK is accepted, at every version', () => {
  for (const version of [2, 3, 4, 5, 6]) {
    const r = verify(makeReport({ version }));
    assert.deepStrictEqual(r.levels, { bl: 4, tee: 0, snp: 0x18, ucode: 0xdb });
    assert.strictEqual(r.hostData, '11'.repeat(32));
  }
});

test('a flipped bit anywhere in the report is refused', () => {
  const good = makeReport();
  for (let i = 0; i < good.length; i += 3) {
    const bad = Buffer.from(good);
    bad[i] ^= 1 << (i % 8);
    assert.throws(() => verify(bad), `byte ${i}`);
  }
});

test('a well-signed report with forbidden fields is refused', () => {
  const wrong = {
    'version 1': (b) => b.writeUInt32LE(1, 0), 'version 7': (b) => b.writeUInt32LE(7, 0), 'requested by the host': (b) => b.writeUInt32LE(0xffffffff, 0x30),
    'signature algorithm 0': (b) => b.writeUInt32LE(0, 0x34), 'masked chip key': (b) => b.writeUInt32LE(2, 0x48), 'VLEK': (b) => b.writeUInt32LE(4, 0x48),
    'policy bit 26': (b) => b.writeUInt8(4, 0x0b), 'policy bit 17 clear': (b) => b.writeBigUInt64LE(0x1001fn, 8),
  };
  for (const [name, edit] of Object.entries(wrong)) assert.throws(() => verify(makeReport({ edit })), name);
  assert.throws(() => verify(makeReport().subarray(0, 1183)), /1184/);
  for (const at of [0x4c, 0x18b, 0x1eb, 0x29f, 0x47]) verify(makeReport({ edit: (b) => b.writeUInt8(1, at) })); // which only describe
});

test('a chain for another TCB, another chip, or to another root is refused', async () => {
  const report = makeReport();
  assert.throws(() => verify(report, pki.chainFor(pkis.CHIP_ID, pkis.OLD_TCB)), /level/);
  assert.throws(() => verify(report, pki.chainFor('ab'.repeat(64), pkis.TCB)), /another chip/);
  const [vcek, ask, ark] = x509.fromPem(pki.chainFor(pkis.CHIP_ID, pkis.TCB));
  const pem = (...certs) => certs.map((c) => x509.toPem(c)).join('');
  assert.throws(() => verify(report, pem(vcek, ark, ask)));
  assert.throws(() => verify(report, pem(vcek, ask)));
  assert.throws(() => evidence.verify({ report, chainPem: pem(vcek, ask, ark), arks: [pki.certs('ca.pem')[0]] }), /trusted ARK/);
  const bad = Buffer.from(vcek);
  bad[bad.length - 1] ^= 1;
  assert.throws(() => verify(report, pem(bad, ask, ark)), /signed by the ASK/);
});

test('UVM endorsement: good one opens; altered, re-signed by another or bound to another root is refused', () => {
  const cose = pki.uvmEndorsement();
  const e = uvm.open(cose);
  assert.deepStrictEqual([e.iss, e.feed, e.payload['x-ms-sevsnpvm-launchmeasurement']], [pki.uvmDid, 'ContainerPlat-AMD-UVM', pkis.MEASUREMENT]);
  assert.match(e.text, /^{\n {2}"x-ms-sevsnpvm-guestsvn": "104",\n {2}"x-ms-sevsnpvm-guestsvn-int": 104,/);
  const head = cbor.decode(cbor.decode(cose).value[0]);
  assert.deepStrictEqual([...head.keys()], [1, 3, 33, 34, 'iss', 'feed', 'signingtime']);
  const second = pki.uvmEndorsement({ envelope: true });
  const f = uvm.open(second);
  assert.deepStrictEqual([f.iss, f.feed, f.payload], [e.iss, e.feed, e.payload]);
  assert.deepStrictEqual([...cbor.decode(cbor.decode(second).value[0]).keys()], [1, 15, 33, 34, 258, 259]);
  for (const good of [cose, second]) {
    for (let i = 0; i < good.length; i += 97) {
      const bad = Buffer.from(good);
      bad[i] ^= 4;
      assert.throws(() => uvm.open(bad), `byte ${i}`);
    }
  }
  assert.throws(() => uvm.open(pki.uvmEndorsement({ key: pki.key('maa-key.pem') })), /signature/);
  assert.throws(() => uvm.open(pki.uvmEndorsement({ iss: pki.uvmDid.replace(/256:./, '256:_') })), /issuer/);
  assert.throws(() => uvm.open(pki.uvmEndorsement({ iss: pki.uvmDid.replace(/\d$/, '9') })), /issuer/);
});

test('security context: three files that fit together and to HOST_DATA', () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'parley-context-'));
  const hostData = pki.securityContext(dir, { policyText: 'package policy\n', tcb: '7308000000000003' });
  const read = (file) => Buffer.from(fs.readFileSync(path.join(dir, file), 'latin1'), 'base64');
  assert.strictEqual(hostData, crypto.createHash('sha256').update(read('security-policy-base64')).digest('hex'));
  const thim = JSON.parse(read('host-amd-cert-base64'));
  assert.strictEqual(thim.tcbm, '7308000000000003');
  assert.deepStrictEqual(Object.keys(thim), ['vcekCert', 'tcbm', 'certificateChain', 'cacheControl']);
  verify(makeReport({ tcb: '7308000000000003' }), thim.vcekCert + thim.certificateChain);
  uvm.open(read('reference-info-base64'));
  fs.rmSync(dir, { recursive: true });
});

test('several processes that want the same new PKI get one', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'parley-pki-'));
  const target = path.join(dir, 'pki');
  fs.cpSync(DEFAULT_DIR, `${target}`, { recursive: true });
  fs.writeFileSync(path.join(target, 'pki.json'), '{"format":0}'); // an old cache is made anew
  const { execFile } = require('child_process');
  const run = () => new Promise((resolve, reject) => execFile(process.execPath, [path.join(__dirname, 'pki.js'), target], (e, out) => (e ? reject(e) : resolve(out))));
  const outs = await Promise.all([run(), run(), run()]);
  assert.ok(outs.every((o) => o === outs[0] && JSON.parse(o).uvmDid.startsWith('did:x509:0:sha256:')));
  assert.ok(!fs.existsSync(`${target}.lock`));
  fs.rmSync(dir, { recursive: true });
});

test('DER reading is strict', () => {
  for (const hex of ['30', '3081', '308001', '30810100', '02820001', '1f0100', '0402aa']) assert.throws(() => der.whole(Buffer.from(hex, 'hex')), hex);
  assert.strictEqual(der.integer(0xdb).toString('hex'), '020200db');
  assert.strictEqual(der.integer(0).toString('hex'), '020100');
  assert.strictEqual(der.oidText(der.whole(der.oid('1.3.6.1.4.1.3704.1.3.8')).body), '1.3.6.1.4.1.3704.1.3.8');
});
