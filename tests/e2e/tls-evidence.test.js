// The certificate that a party makes for itself: the evidence in it, and its renewal under connections that go on.
'use strict';
const assert = require('node:assert');
const crypto = require('crypto');
const fs = require('fs');
const https = require('https');
const path = require('path');
const tls = require('tls');
const { after, before, describe, test } = require('node:test');
const { spawn } = require('child_process');
const cbor = require('../standin/cbor');
const der = require('../standin/der');
const jose = require('../standin/jose');
const pkis = require('../standin/pki');
const x509 = require('../standin/x509');
const ports = require('../world/ports');
const { World } = require('../world/world');
const { ROOT } = require('../world/party');
const { solo, scratch, release, newPeer, sleep } = require('./lib');
const { Peer, provider, legacyRecords } = require('./lib-peer');

const CTL = path.join(ROOT, 'build/parleyctl');
const GOOD = 0, UNACCEPTABLE = 3, NOT_GENUINE = 4;
const OID = Buffer.from('06082b06010505070123', 'hex');
const TYPES = ['application/vnd.amd.sev-snp.attestation-report', 'application/pkix-cert', 'application/pkix-cert', 'application/pkix-cert', 'application/json',
  'application/cose; cose-type="cose-sign1"'];

const ctl = (...args) => new Promise((resolve, reject) => {
  const child = spawn(CTL, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const r = { out: '', err: '' };
  child.stdout.on('data', (d) => { r.out += d; });
  child.stderr.on('data', (d) => { r.err += d; });
  child.on('error', reject).on('close', (status) => resolve({ ...r, status }));
});
const failedIds = (out) => out.split('\n').filter((l) => l.startsWith('FAILED')).map((l) => l.split(/\s+/)[1]);
const trust = (services) => ['--amd-root', services.pki.path('ark.pem'), '--uvm-issuer', services.pki.uvmDid];

// What a new connection is shown.
const certificate = (party) => new Promise((resolve, reject) => {
  const socket = tls.connect({ host: '127.0.0.1', port: Number(party.settings.HTTPS_PORT), rejectUnauthorized: false }, () => {
    resolve(new crypto.X509Certificate(socket.getPeerCertificate().raw));
    socket.destroy();
  }).on('error', reject);
});
// A connection that asks for this session: {reused, session}.
const resume = (party, session) => new Promise((resolve, reject) => {
  const socket = tls.connect({ host: '127.0.0.1', port: Number(party.settings.HTTPS_PORT), rejectUnauthorized: false, session }, () => {
    resolve({ reused: socket.isSessionReused(), session: socket.getSession() });
    socket.destroy();
  }).on('error', reject);
});
const spkiOf = (c) => c.publicKey.export({ type: 'spki', format: 'der' });

// The parts by label, read by the stand-ins' own CBOR; null without the extension.
function evidenceIn(c) {
  const at = c.raw.indexOf(OID);
  if (at < 0) return null;
  const value = der.read(c.raw.subarray(at + OID.length)); // extnValue
  const cmw = der.read(value.body);
  assert.deepStrictEqual([value.tag, cmw.tag], [4, 4]);
  return cbor.decode(cmw.body);
}
const runtimeIn = (c) => JSON.parse(evidenceIn(c).get(5)[1]);

async function certificateOnce(party, test_, what, ms) {
  let found;
  await party.until(what, async () => {
    found = await certificate(party);
    return test_(found);
  }, ms);
  return found;
}
const withEvidence = (party) => certificateOnce(party, (c) => evidenceIn(c), 'a certificate with evidence');

// The host's firmware goes back: what the certificate says of the platform is no longer so as soon as somebody asks for evidence.
async function changePlatform(party, faults) {
  faults(`oldtcb ${pkis.OLD_TCB}\n`);
  const r = await party.get('/attestation', { auth: false, localAddress: newPeer() });
  assert.strictEqual(r.status, 200, r.text);
}
const tcbOf = (c) => Buffer.from(evidenceIn(c).get(1)[1].subarray(0x180, 0x188)).reverse().toString('hex').toUpperCase();

// A list that dribbles blanks until it may end, so that whoever reads it has to wait but is never kept waiting long.
const slowList = (company, lists, mayEnd) => async (res) => {
  res.writeHead(200, { 'Content-Type': 'application/json' });
  res.write('{');
  while (!mayEnd() && !res.destroyed) {
    res.write(' ');
    await sleep(100);
  }
  res.end(JSON.stringify({ status: 'success', company, record_count: lists[company].length, records: lists[company] }).slice(1));
};

describe('evidence in the certificate', () => {
  let lane, settings, box;
  before(async () => {
    lane = await solo({ settings: { TLS_CERT_EVIDENCE: 'on' } });
    ({ settings, box } = lane.party);
    await lane.start();
  });
  after(() => lane.stop());
  const restart = (changes, device = box) => {
    lane.party.settings = { ...settings, ...changes };
    lane.party.box = device;
    lane.faults('');
    return lane.restart();
  };

  test('the certificate carries evidence that verifies offline, for its own key and no other', async () => {
    const c = await withEvidence(lane.party);
    const parts = evidenceIn(c);
    assert.deepStrictEqual([...parts.keys()], [1, 2, 3, 4, 5, 6]);
    assert.deepStrictEqual([...parts.values()].map(([type]) => type), TYPES);
    assert.deepStrictEqual([...parts.values()].map(([, , indicator]) => indicator), [4, 2, 2, 2, 4, 2]);
    const [report, runtime] = [parts.get(1)[1], parts.get(5)[1]];
    assert.ok(report.subarray(0x50, 0x70).equals(jose.sha256(runtime)));
    assert.strictEqual(runtimeIn(c).tls_spki_sha256, jose.sha256(spkiOf(c)).toString('hex'));
    assert.strictEqual(runtimeIn(c).role, 'contoso');
    assert.ok(c.verify(c.publicKey));
    const hours = (new Date(c.validTo) - new Date(c.validFrom)) / 3600e3;
    assert.strictEqual(hours, 24 + 1);

    const file = (name, content) => {
      fs.writeFileSync(path.join(lane.dir, name), content);
      return path.join(lane.dir, name);
    };
    for (const form of [file('cert.pem', c.toString()), file('cert.der', c.raw)]) {
      const r = await ctl('verify', '--cert', form, ...trust(lane.services), '--host-data', lane.hostData.contoso);
      assert.deepStrictEqual([r.status, failedIds(r.out)], [GOOD, []], r.out + r.err);
      assert.match(r.out, /^passed +proof\.tls_key/m);
      assert.match(r.out, /^passed +uvm\.signature/m);
      assert.match(r.out, /^skipped +connection\.nonce/m);
    }
    const wrong = await ctl('verify', '--cert', file('cert.der', c.raw), ...trust(lane.services), '--host-data', lane.hostData.woodgrove);
    assert.deepStrictEqual([wrong.status, failedIds(wrong.out)], [UNACCEPTABLE, ['accept.host_data']]);

    // A thief puts it into a certificate of his own key.
    const thief = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
    const stolen = der.seq(OID, der.octets(der.octets(cbor.encode(parts))));
    const name = [['CN', 'contoso']];
    const forged = x509.make({
      subject: name, issuer: name, publicKey: thief.publicKey, signKey: thief.privateKey, algorithm: 'rsa-sha256', notBefore: new Date(Date.now() - 3600e3),
      notAfter: new Date(Date.now() + 3600e3), extensions: [x509.ext.notCa(), stolen],
    });
    const r = await ctl('verify', '--cert', file('forged.der', forged), ...trust(lane.services));
    assert.deepStrictEqual([r.status, failedIds(r.out)], [NOT_GENUINE, ['proof.tls_key']], r.out + r.err);
    // and /info says that there is evidence
    const info = (await lane.party.get('/info', { localAddress: newPeer() })).json;
    assert.strictEqual(info.tls_certificate.evidence, true);
    assert.match(info.tls_certificate.evidence_format, /id-pe-cmw/);
  });

  test('a new certificate when the released key and the platform become others; the key and old connections stay, sessions do not', async () => {
    const { party } = lane;
    const first = await withEvidence(party);
    assert.strictEqual(runtimeIn(first).key, '');
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
    const ask = () => new Promise((resolve, reject) => {
      https.get(`${party.secure}/health`, { agent }, (res) => {
        const { localPort } = res.socket;
        res.resume().on('end', () => resolve(localPort));
      }).on('error', reject);
    });
    const port = await ask();

    assert.strictEqual((await release(party)).status, 200);
    const second = await certificateOnce(party, (c) => runtimeIn(c).key !== '', 'a certificate that names the released key');
    assert.match(runtimeIn(second).key, /^[\w-]{43}$/);
    assert.notStrictEqual(second.serialNumber, first.serialNumber);
    assert.strictEqual(tcbOf(second), pkis.TCB);
    const { session } = await resume(party);
    assert.strictEqual((await resume(party, session)).reused, true);

    await changePlatform(party, lane.faults);
    const third = await certificateOnce(party, async (c) => {
      assert.strictEqual(await ask(), port, 'the connection goes on');
      await sleep(200);
      return tcbOf(c) === pkis.OLD_TCB;
    }, 'a certificate about the platform as it is now');
    assert.strictEqual((await resume(party, session)).reused, false, 'it would not be shown the new certificate');
    for (const c of [second, third]) assert.ok(spkiOf(c).equals(spkiOf(first)));
    fs.writeFileSync(path.join(lane.dir, 'third.der'), third.raw);
    const r = await ctl('verify', '--cert', path.join(lane.dir, 'third.der'), ...trust(lane.services), '--host-data', lane.hostData.contoso);
    assert.deepStrictEqual([r.status, failedIds(r.out)], [GOOD, []], r.out + r.err);
    assert.strictEqual(await ask(), port);
    // nothing more to do, nothing more done
    const lines = () => party.log.split('\n').filter((l) => /new certificate in use/.test(l)).length;
    assert.strictEqual(lines(), 3, party.log);
    agent.destroy();
  });

  test('without hardware there is a certificate without evidence, and it is said so', async () => {
    await restart({ TLS_CERT_HOURS: '48' }, null);
    await lane.party.until('its certificate is spoken of', () => /no evidence for a new certificate/.test(lane.party.log));
    const c = await certificate(lane.party);
    assert.strictEqual(evidenceIn(c), null);
    assert.strictEqual((new Date(c.validTo) - new Date(c.validFrom)) / 3600e3, 48 + 1);
    const info = (await lane.party.get('/info', { localAddress: newPeer() })).json;
    assert.deepStrictEqual(info.tls_certificate, { key: 'made by this process', evidence: false, evidence_format: null });
    fs.writeFileSync(path.join(lane.dir, 'cert.der'), c.raw);
    const r = await ctl('verify', '--cert', path.join(lane.dir, 'cert.der'));
    assert.strictEqual(r.status, NOT_GENUINE);
    assert.match(r.err, /has no evidence in it/);
  });

  test('off means off', async () => {
    await restart({ TLS_CERT_EVIDENCE: 'off' });
    assert.strictEqual((await release(lane.party)).status, 200);
    assert.strictEqual(evidenceIn(await certificate(lane.party)), null);
    assert.doesNotMatch(lane.party.log, /certificate in use|evidence for/);
  });

  test('as long as the platform has no certificates the failure is said once, and tried again', async () => {
    lane.control.misbehave({ service: 'imds', path: '/metadata/THIM', mode: 'status', status: 500, count: 1000 });
    fs.mkdirSync(path.join(lane.dir, 'nothing'));
    await restart({ UVM_SECURITY_CONTEXT_DIR: path.join(lane.dir, 'nothing') });
    const asked = () => lane.control.log({ service: 'imds' }).filter((e) => e.path.startsWith('/metadata/THIM')).length;
    const said = () => lane.party.log.split('\n').filter((l) => /no evidence for a new certificate/.test(l)).length;
    await lane.party.until('a failure is told', () => said() > 0);
    const before = asked();
    await lane.party.until('it is tried again', () => asked() > before);
    assert.strictEqual(evidenceIn(await certificate(lane.party)), null);
    lane.control.clear();
    await withEvidence(lane.party);
    assert.strictEqual(said(), 1, lane.party.log);
  });
});

test('an event stream outlives the renewal', async (t) => {
  const lists = {};
  let open = false;
  const dir = scratch('world');
  const faultsFile = path.join(dir, 'faults');
  const [contoso, fabrikam] = await ports.free(2);
  const at = { contoso, fabrikam };
  const world = await World.make({
    dir, box: { woodgrove: { faults: faultsFile } }, settings: { woodgrove: { PARTNER_CONTOSO_URL: `https://localhost:${contoso}`, PARTNER_FABRIKAM_URL: `https://localhost:${fabrikam}` } },
  });
  t.after(async () => {
    await world.stop();
    world.clearData();
  });
  const { woodgrove } = world;
  for (const company of ['contoso', 'fabrikam']) {
    const peer = new Peer(world.services, { role: company, guest: { hostData: world.hostData[company] } });
    const server = await provider(at[company], { peer, list: () => slowList(company, lists, () => open) });
    t.after(() => server.close());
    const [version] = world.services.vaultNamed(company).keys.get(`${company}-secret-key`);
    lists[company] = legacyRecords(path.join(ROOT, `tests/data/${company}.csv`), company, crypto.createPublicKey(version.secret.key).export({ format: 'jwk' }));
  }
  await world.start(['woodgrove']);
  const first = await withEvidence(woodgrove);
  let begun;
  const started = new Promise((resolve) => { begun = resolve; });
  const stream = woodgrove.events('/partner/analyze-stream', () => begun());
  await started;
  await changePlatform(woodgrove, (text) => {
    fs.writeFileSync(`${faultsFile}.new`, text);
    fs.renameSync(`${faultsFile}.new`, faultsFile);
  });
  const later = await certificateOnce(woodgrove, (c) => tcbOf(c) === pkis.OLD_TCB, 'a certificate about the platform as it is now');
  assert.ok(spkiOf(later).equals(spkiOf(first)));
  open = true;
  const { events } = await stream;
  assert.strictEqual(events[events.length - 1].type, 'complete', JSON.stringify(events[events.length - 1]));
  assert.strictEqual(events[events.length - 1].errors, null);
});

test("a fetch right after a partner's start waits for the evidence in its certificate", async (t) => {
  const dir = scratch('early');
  const faults = path.join(dir, 'faults');
  const world = await World.make({ dir, box: { contoso: { faults } }, settings: { woodgrove: { PARTNER_FABRIKAM_URL: 'https://localhost:1', PARTIAL_RESULTS: 'on' } } });
  t.after(async () => {
    await world.stop();
    world.clearData();
  });
  const { contoso, woodgrove } = world;
  await world.start(['contoso', 'woodgrove']);
  await contoso.stop();
  fs.writeFileSync(faults, 'delay 3000 4\n'); // reports come slowly: the fetch is there first
  contoso.start();
  await contoso.until('its peer port', () => /listening for partners/.test(contoso.log));
  const r = await woodgrove.post('/partner/analyze', {}, { localAddress: newPeer() });
  assert.strictEqual(r.status, 200, r.text);
  assert.strictEqual(r.json.contoso_count, 120);
  assert.deepStrictEqual(r.json.errors.filter((e) => e.startsWith('Contoso')), []);
  assert.match(contoso.log, /new certificate in use[^]*proven on its connection/);
});
