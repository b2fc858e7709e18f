// Chains of certificates as services show them, towards parleyctl and the server's clients; and what the far end of a failed handshake is told.
'use strict';
const assert = require('node:assert');
const { spawn, execFile } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const tls = require('node:tls');
const { after, before, describe, test } = require('node:test');
const der = require('../standin/der');
const x509 = require('../standin/x509');
const { Server, leave, closeAll, sleep, within } = require('./raw');
const { solo, scratch, release, assertFault, ROOT } = require('./lib');

const CTL = path.join(ROOT, 'build/parleyctl');
const FIELD = path.join(path.resolve(ROOT, process.env.PARLEY_VECTORS || '../shared/vectors'), 'field/tls');
const noField = fs.existsSync(FIELD) ? false : 'no vectors (PARLEY_VECTORS)';
const DAY = 86400e3;

const ctl = (...args) => new Promise((resolve) => {
  execFile(CTL, args, { timeout: 20000 }, (error, out, err) => resolve({ status: error ? error.code : 0, text: out + err }));
});

// --- A public key infrastructure of one root, whose intermediate certificates a test shapes ---

const key = () => crypto.generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const name = (cn) => [['O', 'Chain Test'], ['CN', cn]];
const [rootKey, issuerKey, leafKey] = [key(), key(), key()];
const certificate = (subject, issuer, pair, signer, extensions) => x509.make({
  subject: name(subject), issuer: name(issuer), publicKey: pair.publicKey, signKey: signer.privateKey, algorithm: 'ecdsa-sha256',
  notBefore: new Date(Date.now() - DAY), notAfter: new Date(Date.now() + DAY), extensions,
});
const CA = [x509.ext.ca(), x509.ext.usage(0x06)];
const root = certificate('Chain Root', 'Chain Root', rootKey, rootKey, CA);
const EMAIL = '1.3.6.1.5.5.7.3.4';
const CODE = '1.3.6.1.5.5.7.3.3';
const permitted = (host, critical) => x509.extension('2.5.29.30', der.seq(der.tlv(0xa0, der.seq(der.tlv(0x82, host)))), critical);
// What a server shows whose issuer has these further extensions.
function shown(extensions) {
  const issuer = certificate('Shaped CA', 'Chain Root', issuerKey, rootKey, [...CA, ...extensions]);
  const leaf = certificate('localhost', 'Shaped CA', leafKey, issuerKey, [x509.ext.notCa(), x509.ext.usage(0x80), x509.ext.eku('serverAuth'), x509.ext.san('localhost')]);
  return { key: leafKey.privateKey.export({ type: 'pkcs8', format: 'pem' }), cert: x509.toPem(leaf) + x509.toPem(issuer) };
}

const allowed = {
  'no limits': [],
  'extended key usage with serverAuth': [x509.ext.eku('serverAuth', 'clientAuth')],
  'name constraints for this name': [permitted('localhost', false)],
  'critical name constraints for this name': [permitted('localhost', true)],
};
const refused = {
  'emailProtection only': [[x509.ext.eku(EMAIL)], /"Shaped CA" is no authority for servers \(extended key usage\)/],
  'codeSigning only': [[x509.ext.eku(CODE)], /"Shaped CA" is no authority for servers/],
  'name constraints for another name': [[permitted('vault.example', false)], /name constraints of the issuer: "Shaped CA" does not permit localhost/],
  'critical name constraints for another name': [[permitted('vault.example', true)], /name constraints of the issuer: "Shaped CA" does not permit localhost/],
  'extended key usage twice, with serverAuth the second time': [[x509.ext.eku(CODE), x509.ext.eku('serverAuth')], /extension, or one twice/],
  'key usage twice': [[x509.ext.usage(0x80)], /extension, or one twice/],
};

// A service on loopback that shows a chain, counts what reaches it over TLS, and keeps how clients ended handshakes.
class Service {
  static async start(chain) {
    const s = Object.assign(new Service(), { requests: 0, alerts: [] });
    s.server = leave(tls.createServer({ ...chain, maxVersion: 'TLSv1.2' }, (c) => {
      c.on('error', () => {}).once('data', () => { s.requests++; c.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n'); });
    }).on('tlsClientError', (e) => s.alerts.push(e.code || e.message)));
    await new Promise((resolve) => s.server.listen(0, '127.0.0.1', resolve));
    s.at = `localhost:${s.server.address().port}`;
    return s;
  }

  show(chain) { this.server.setSecureContext({ ...chain, maxVersion: 'TLSv1.2' }); }

  taken() {
    const r = { requests: this.requests, alerts: this.alerts };
    this.requests = 0;
    this.alerts = [];
    return r;
  }
}

after(closeAll);

describe('what is above the leaf', () => {
  const dir = scratch('tls-chain');
  const bundle = path.join(dir, 'root.pem');
  const proof = path.join(FIELD, 'proof-localhost.json');
  let service;
  before(async () => {
    fs.mkdirSync(dir, { recursive: true });
    fs.writeFileSync(bundle, x509.toPem(root));
    service = await Service.start(shown([]));
  });

  test('parleyctl', { skip: noField }, async () => {
    const args = ['verify', '--proof', proof, '--via', 'maa', '--maa', `https://${service.at}`, '--ca', bundle];
    for (const [what, extensions] of Object.entries(allowed)) {
      service.show(shown(extensions));
      const r = await ctl(...args);
      assert.doesNotMatch(r.text, /not trusted/, `${what}: ${r.text}`);
      assert.ok(service.taken().requests > 0, `${what}: ${r.text}`);
    }
    for (const [what, [extensions, why]] of Object.entries(refused)) {
      service.show(shown(extensions));
      const r = await ctl(...args);
      assert.deepStrictEqual([r.status, service.taken().requests], [5, 0], `${what}: ${r.text}`);
      assert.match(r.text, why, what);
    }
  });

  test('the server towards the attestation service and the vault, and the missing issuer by its name', async (t) => {
    for (const [setting, step] of [['SKR_MAA_ENDPOINT', 'attestation'], ['SKR_AKV_ENDPOINT', 'key_release']]) {
      const lane = await solo();
      t.after(() => lane.stop());
      const both = path.join(lane.party.dir, 'roots.pem');
      fs.writeFileSync(both, fs.readFileSync(lane.services.addresses.ca, 'utf8') + x509.toPem(root));
      Object.assign(lane.party.settings, { [setting]: service.at, EXTRA_TRUST_ANCHOR: both });
      await lane.start();
      for (const [what, [extensions, why]] of Object.entries(refused)) {
        service.show(shown(extensions));
        const r = await release(lane.party);
        assertFault(r, { status: 502, step, error: 'untrusted' }, what);
        assert.match(r.json.message, why, what);
        assert.strictEqual(service.taken().requests, 0, what);
      }
      const whole = shown([]);
      service.show({ ...whole, cert: whole.cert.slice(0, whole.cert.indexOf('-----END')) + '-----END CERTIFICATE-----\n' });
      const r = await release(lane.party);
      assertFault(r, { status: 502, step, error: 'untrusted' });
      assert.match(r.json.message, /does not lead to a trusted root: "Shaped CA" issued the last certificate, was not sent and is no trust anchor/);
      service.taken();
      service.show(whole);
      await release(lane.party);
      assert.ok(service.taken().requests > 0, 'the control reaches the service');
      await lane.stop();
    }
  });

  test('a client that refuses says so by an alert', { skip: noField }, async () => {
    const args = ['verify', '--proof', proof, '--via', 'maa', '--maa', `https://${service.at}`];
    service.taken();
    service.show(shown([]));
    assert.strictEqual((await ctl(...args)).status, 5);
    service.show(shown([x509.ext.eku(CODE)]));
    assert.strictEqual((await ctl(...args, '--ca', bundle)).status, 5);
    await within(5000, 'two alerts', async () => { while (service.alerts.length < 2) await sleep(10); });
    assert.match(service.alerts[0], /UNKNOWN_CA/);
    assert.match(service.alerts[1], /BAD_CERTIFICATE/);
  });
});

// --- Chains as they come from the field: the commands of field/README.md ---

describe('chains from the field', { skip: noField }, () => {
  const rows = [
    ['t01-without-cross', 'old-root', 5, /"New TLS Root G2"/],
    ['t01-with-cross', 'old-root', 0],
    ['t01-with-cross', 'new-root', 0],
    ['t01-without-cross', 'new-root', 0],
    ['t04-constrained-out', 'new-root', 5, /name constraints.*"Constrained CA" does not permit localhost/],
    ['t04-constrained-in-soft', 'new-root', 0],
  ];
  // At the port that the proof's token has in its issuer; tried until it is free.
  async function serve(t, chain) {
    const args = ['s_server', '-accept', '127.0.0.1:8443', '-cert', `${chain}-leaf.pem`, '-key', 'leaf.key', '-cert_chain', `${chain}-rest.pem`, '-HTTP', '-tls1_2'];
    await within(30000, 'openssl s_server at port 8443', async () => {
      for (let out = ''; !/ACCEPT/.test(out);) {
        const child = spawn('openssl', args, { cwd: FIELD, stdio: ['ignore', 'pipe', 'ignore'] });
        t.after(() => child.kill('SIGKILL'));
        child.stdout.on('data', (d) => { out += d; });
        while (child.exitCode === null && !/ACCEPT/.test(out)) await sleep(20);
      }
    });
  }
  for (const [chain, anchor, status, why] of rows) {
    test(`${chain} with ${anchor}`, async (t) => {
      await serve(t, chain);
      const r = await ctl('verify', '--proof', path.join(FIELD, 'proof-localhost.json'), '--via', 'maa', '--maa', 'https://localhost:8443',
        '--ca', path.join(FIELD, `${anchor}.pem`), '--at', '2026-11-28T18:00:00Z');
      assert.strictEqual(r.status, status, r.text);
      if (why) assert.match(r.text, why);
    });
  }
});

// --- The server's side of a failed handshake ---

describe('alerts of the server', () => {
  let s;
  before(async () => { s = await Server.start(); });
  after(() => s.stop());

  const told = (bytes) => within(10000, 'end of the connection', () => new Promise((resolve, reject) => {
    const parts = [];
    const c = net.connect({ port: s.secure, host: '127.0.0.1' }, () => c.write(bytes));
    c.on('data', (d) => parts.push(d)).on('close', () => resolve(Buffer.concat(parts).toString('hex'))).on('error', reject);
  }));
  const alert = (number) => `150303000202${Buffer.from([number]).toString('hex')}`;

  test('a fault before encryption is followed by one fatal alert', async () => {
    assert.strictEqual(await told('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), alert(70), 'no TLS: a record of another version');
    assert.strictEqual(await told(Buffer.from('160301000501000001ff', 'hex')), alert(50), 'a ClientHello that cannot be read');
    assert.strictEqual(await told(Buffer.from('17030300050102030405', 'hex')), alert(10), 'data before a handshake');
    assert.strictEqual(await told(Buffer.from('1603010004020000000000', 'hex')), alert(10), 'a ServerHello to a server');
  });

  test('an alert is not answered by one', async () => {
    assert.strictEqual(await told(Buffer.from('15030100020228', 'hex')), '');
  });
});
