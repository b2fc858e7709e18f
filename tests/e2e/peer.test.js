// The peer port between live parties: who is let in, and who is not: each attack refused with its own reason, and no record ever flows. The attacker
// has a TLS key of his own and (the stand-in of) genuine hardware, so that his evidence is wrong in one thing alone.
'use strict';
const assert = require('node:assert');
const { execFile } = require('child_process');
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const { after, before, describe, test } = require('node:test');
const { peerRoutes, tableOf, differs } = require('../contract/contract');
const jose = require('../standin/jose');
const ports = require('../world/ports');
const { World } = require('../world/world');
const { Wire, closeAll, get, post, lines } = require('./raw');
const { scratch, newPeer } = require('./lib');
const { Peer, Caller, provider, shown, evidenceExtension, bind, CLIENT, SERVER } = require('./lib-peer');

const HOUR = 3600e3;
const other = (hex) => (hex[0] === '0' ? '1' : '0') + hex.slice(1);
const from = (party, method, target, body) => party.request(method, target, { body, localAddress: newPeer() });

let world;
let services;
let now; // what stands in Contoso's place for Woodgrove
let stand;
let asked;

// One that is who it says, but for what a test changes.
const make = (role, what = {}) => new Peer(services, { role, ...what, guest: { hostData: world.hostData[role], ...what.guest } });

const call = (peer) => Caller.connect(world.ports.contoso.peer, peer);

// Refused with this status and reason; the connection ends, and nothing was proven on it.
async function refused(c, r, status, why) {
  assert.strictEqual(r.status, status, r.text);
  assert.match(r.json.message, why);
  assert.strictEqual(r.headers.connection, 'close');
  await c.wire.closes();
}

// No list for one that has not proven who it is.
async function tooEarly(c) {
  const r = await c.list();
  assert.strictEqual(r.status, 403, r.text);
  assert.match(r.json.message, /proven on this connection/);
}

// --- What may be wrong with a certificate: as a client at Contoso's peer port, and in Contoso's place for Woodgrove. ---
// name: [what differs for a party of this role, the reason]
const certificates = {
  'evidence of another container': [() => ({ guest: { hostData: 'cd'.repeat(32) } }), /not the one expected: accept\.host_data: /],
  'a HOST_DATA that differs in one digit': [(role) => ({ guest: { hostData: other(world.hostData[role]) } }), /not the one expected: accept\.host_data: /],
  'the HOST_DATA of another party': [() => ({ guest: { hostData: world.hostData.fabrikam } }), /not the one expected: accept\.host_data: /],
  'a report of another chip': [() => ({ chain: services.pki.chainFor(crypto.randomBytes(64).toString('hex'), world.parties.contoso.box.tcb) }), /not genuine: vcek\./],
  'a report of another patch level': [() => ({ chain: services.pki.chainFor(world.parties.contoso.box['chip-id'], 'D118000000000004') }), /not genuine: vcek\./],
  'a report signed by another chip\'s key': [() => ({ guest: { key: crypto.generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey } }), /not genuine: report\.signature: /],
  'a certificate that has expired': [() => ({ from: new Date(Date.now() - 9 * HOUR), to: new Date(Date.now() - HOUR) }), /stale: expired/],
  'a certificate of tomorrow': [() => ({ from: new Date(Date.now() + HOUR), to: new Date(Date.now() + 9 * HOUR) }), /stale: expired, or not yet valid/],
  'a certificate signed by somebody else': [() => ({ signKey: crypto.generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey }), /not signed by its own key/],
  'a certificate without evidence': [() => ({ evidence: null }), /does not show who it is: the certificate has no evidence/],
  'evidence twice in a certificate': [() => ({ evidence: [1, 2].map(() => evidenceExtension([Buffer.from('x')])) }), /does not show who it is: the certificate has no evidence/],
  'evidence of another form': [() => ({ evidence: evidenceExtension([Buffer.from('x'), Buffer.from('y')]) }), /does not show who it is: the evidence is not wrapped/],
  'recorded evidence in another certificate': [(role) => ({ evidence: evidenceIn(role) }), /not genuine: proof\.tls_key: /],
  'runtime data of another key': [() => ({ runtime: { tls_spki_sha256: '00'.repeat(32) } }), /not genuine: proof\.tls_key: /],
  'evidence made for a connection': [() => ({ runtime: { purpose: 'parley-peer-1' } }), /not genuine: proof\.purpose: /],
  'evidence made for a key release': [() => ({ runtime: { purpose: 'parley-attest' } }), /does not show who it is|not genuine: proof\.purpose/],
  'a debuggable guest': [() => ({ guest: { policy: 0xb001fn } }), /not the one expected: accept\.debug: /],
  'a guest that may migrate': [() => ({ guest: { policy: 0x7001fn } }), /not the one expected: accept\.migration: /],
  'another VMPL': [() => ({ guest: { vmpl: 1 } }), /not the one expected: accept\.vmpl: /],
  'a utility VM without endorsement': [() => ({ cose: null }), /not the one expected: accept\.uvm/],
  'an endorsement of another utility VM': [() => ({ cose: services.pki.uvmEndorsement({ measurement: 'ab'.repeat(48) }) }), /not genuine: uvm\.measurement: /],
  'an old utility VM': [() => ({ cose: services.pki.uvmEndorsement({ svn: 99 }) }), /not the one expected: accept\.uvm/],
};
const evidenceOf = {};
const evidenceIn = (role) => evidenceOf[role];

// --- What may be wrong with the answer to a connection's nonces, though the certificate is right. ---
const answers = {
  'another HOST_DATA': [(p, side, talk) => p.prove(side, talk, { guest: { hostData: 'cd'.repeat(32) } }), /not the one expected: accept\.host_data: /],
  'a report that another key has signed': [(p, side, talk) => p.prove(side, talk, { guest: { key: crypto.generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey } }), /not genuine: report\.signature: /],
  'a debuggable guest': [(p, side, talk) => p.prove(side, talk, { guest: { policy: 0xb001fn } }), /not the one expected: accept\.debug: /],
  'another chip than the certificate\'s': [(p, side, talk) => p.prove(side, talk, { guest: { chipId: crypto.randomBytes(64).toString('hex') } }), /not genuine: vcek\./],
  'another role': [(p, side, talk) => p.prove(side, talk, { runtime: { role: 'fabrikam' } }), /not the one expected: accept\.role: /],
  'another TLS key': [(p, side, talk) => p.prove(side, talk, { runtime: { tls_spki_sha256: '00'.repeat(32) } }), /not genuine: proof\.tls_key|not genuine: connection\.tls_key/],
  'evidence for whoever asks': [(p, side, talk) => p.prove(side, talk, { runtime: { purpose: 'parley-evidence-1' } }), /not genuine: proof\.purpose: /],
  'evidence for the other side\'s direction': [(p, side, talk) => p.prove(1 - side, talk), /not genuine: connection\.nonce: .*replayed/],
  'the nonces the other way round': [(p, side, talk) => p.prove(side, { ...talk, nonces: [...talk.nonces].reverse() }), /not genuine: connection\.nonce: /],
  'the keys the other way round': [(p, side, talk) => p.prove(side, { ...talk, spkis: [...talk.spkis].reverse() }), /not genuine: connection\.nonce: /],
  'a nonce of its own': [(p, side, talk) => p.prove(side, talk, { runtime: { nonce: jose.b64u(crypto.randomBytes(32)) } }), /not genuine: connection\.nonce: /],
  'the bare nonce as asked': [(p, side, talk) => p.prove(side, talk, { runtime: { nonce: jose.b64u(talk.nonces[1 - side]) } }), /not genuine: connection\.nonce: /],
  'a report for other runtime data': [(p, side, talk) => ({ ...p.prove(side, talk, { runtime: { key: 'x' } }), runtime_data: p.prove(side, talk).runtime_data }), /not genuine: proof\.runtime_data: /],
  'a bit of the report changed': [(p, side, talk) => changed(p.prove(side, talk), (r) => { r[0x60] ^= 1; }), /not genuine: report\.signature: /],
  'a bit of the signature changed': [(p, side, talk) => changed(p.prove(side, talk), (r) => { r[0x2a0] ^= 1; }), /not genuine: report\.signature: /],
};
function changed(answer, change) {
  const report = Buffer.from(answer.report, 'base64');
  change(report);
  return { ...answer, report: report.toString('base64') };
}
// And with its form: no evidence at all.
const malformed = {
  nothing: () => ({}), 'no report': (a) => ({ runtime_data: a.runtime_data }), 'no runtime data': (a) => ({ report: a.report }), 'a number': (a) => ({ ...a, report: 5 }),
  'a report cut short': (a) => ({ ...a, report: Buffer.from(a.report, 'base64').subarray(0, 1183).toString('base64') }),
  'a report too long': (a) => ({ ...a, report: Buffer.concat([Buffer.from(a.report, 'base64'), Buffer.alloc(1)]).toString('base64') }),
  'no base64': (a) => ({ ...a, runtime_data: `!${a.runtime_data}` }), 'runtime data that are no JSON': (a) => ({ ...a, runtime_data: Buffer.from('x').toString('base64') }),
  'runtime data beyond all measure': (a) => ({ ...a, runtime_data: Buffer.alloc(2000, 0x20).toString('base64') }),
};

describe('peers', () => {
before(async () => {
  const [port] = await ports.free(1);
  world = await World.make({ dir: scratch('peer'), grantAll: true, settings: { woodgrove: { PARTNER_CONTOSO_URL: `https://localhost:${port}`, PARTNER_FABRIKAM_URL: 'https://localhost:1', PARTIAL_RESULTS: 'on' } } });
  services = world.services;
  await world.start(['contoso', 'woodgrove']);
  now = {};
  stand = await provider(port, now);
  asked = stand.asked;
});

after(async () => {
  closeAll();
  if (stand) await stand.close();
  if (world) {
    const ends = await world.stop();
    world.clearData();
    assert.deepStrictEqual(ends.map((e) => e.code), [0, 0]);
  }
});

describe('at a provider\'s peer port', () => {
  before(async () => {
    evidenceOf.woodgrove = (await shown(world.ports.woodgrove.https)).evidence;
    assert.ok(evidenceOf.woodgrove, 'Woodgrove shows evidence');
  });

  test('P-256 and X25519 are all the curves there are', async () => {
    const { key, cert } = make('woodgrove').tls;
    const [keyFile, certFile] = [['groups-key.pem', key], ['groups-cert.pem', cert]].map(([name, text]) => {
      const file = path.join(world.options.dir, name);
      fs.writeFileSync(file, text);
      return file;
    });
    const sClient = (groups) => new Promise((resolve) => {
      const args = ['s_client', '-connect', `127.0.0.1:${world.ports.contoso.peer}`, '-tls1_2', '-groups', groups, '-key', keyFile, '-cert', certFile];
      execFile('openssl', args, { timeout: 20000 }, (error, out, err) => resolve(out + err)).stdin.end();
    });
    for (const [groups, curve] of [['X25519:P-256', 'X25519, 253'], ['P-521:P-384:P-256', 'ECDH, prime256v1'], ['P-384:P-256:X25519', 'X25519, 253']]) {
      assert.match(await sClient(groups), new RegExp(`Server Temp Key: ${curve}`), groups);
    }
    for (const groups of ['P-521', 'P-384', 'P-521:P-384', 'X448']) {
      const text = await sClient(groups);
      assert.match(text, /Cipher is \(NONE\)/, groups);
      assert.match(text, /alert/, groups);
    }
  });

  test('who is Woodgrove, and proves it, gets the records; on this connection and no other', async () => {
    const peer = make('woodgrove');
    const c = await call(peer);
    const hello = await c.hello();
    assert.strictEqual(hello.status, 200, hello.text);
    assert.strictEqual(differs(hello.json, peerRoutes[0].reply), null);
    const runtime = JSON.parse(Buffer.from(hello.json.runtime_data, 'base64'));
    assert.deepStrictEqual(runtime, { key: '', nonce: bind(SERVER, c.talk), purpose: 'parley-peer-1', role: 'contoso', tls_spki_sha256: c.talk.spkis[SERVER].toString('hex') });
    assert.ok(Buffer.from(hello.json.report, 'base64').subarray(0x50, 0x70).equals(jose.sha256(Buffer.from(hello.json.runtime_data, 'base64'))));
    assert.strictEqual((await c.proof()).status, 204);
    for (let i = 0; i < 2; i++) {
      const list = await c.list();
      assert.strictEqual(list.status, 200);
      assert.strictEqual(list.text.trim().split('\n').length, 122);
    }
    const again = await call(peer); // the same key and certificate
    await tooEarly(again);
    const resuming = await Caller.connect(world.ports.contoso.peer, peer, { tlsOptions: { ...peer.tls, session: c.wire.socket.getSession() } });
    assert.strictEqual(resuming.wire.socket.isSessionReused(), false);
    await tooEarly(resuming);
    for (const x of [c, again, resuming]) x.end();
  });

  for (const [name, [what, why]] of Object.entries(certificates)) {
    test(`certificate: ${name}`, async () => {
      const c = await call(make('woodgrove', what('woodgrove')));
      await refused(c, await c.hello(), 403, why);
      assert.match(world.contoso.log, /peer: refused/);
    });
  }

  test('certificate: the role of one that is no partner here, or of this party itself', async () => {
    for (const role of ['fabrikam', 'contoso', 'mallory', '']) {
      const c = await call(make('woodgrove', { runtime: { role } }));
      await refused(c, await c.hello(), 403, /no partner of ours/);
    }
  });

  test('certificate: none, one of a kind of key that was not asked for, one too large: TLS itself ends it', async () => {
    const large = make('woodgrove', { evidence: evidenceExtension([Buffer.alloc(30000)]) });
    for (const [peer, why] of [[null, 'peer sent no certificate'], [make('woodgrove', { kind: 'rsa' }), 'peer sent no certificate'], [large, "peer's certificate too large"]]) {
      const line = `peer: TLS failed why=${why}`;
      const before_ = world.contoso.log.split(line).length;
      await assert.rejects(async () => { const c = await call(peer); await c.hello(); });
      await world.contoso.until(why, () => world.contoso.log.split(line).length > before_, 5000);
    }
  });

  for (const [name, [answer, why]] of Object.entries(answers)) {
    test(`proof: ${name}`, async () => {
      const peer = make('woodgrove');
      const c = await call(peer);
      assert.strictEqual((await c.hello()).status, 200);
      await refused(c, await c.proof(answer(peer, CLIENT, c.talk)), 403, why);
    });
  }

  test('proof: of another connection, recorded', async () => {
    const peer = make('woodgrove');
    const first = await call(peer);
    await first.hello();
    const proof = peer.prove(CLIENT, first.talk);
    assert.strictEqual((await first.proof(proof)).status, 204);
    const second = await call(peer);
    await second.hello(); // with the same nonce of ours, even
    second.talk.nonces[CLIENT] = first.talk.nonces[CLIENT];
    await refused(second, await second.proof(proof), 403, /not genuine: connection\.nonce: .*replayed/);
    const third = await call(peer);
    assert.strictEqual((await third.hello({ nonce: jose.b64u(first.talk.nonces[CLIENT]) })).status, 200);
    await refused(third, await third.proof(proof), 403, /not genuine: connection\.nonce: .*replayed/);
    first.end();
  });

  test('proof: the server\'s own answer sent back', async () => {
    const c = await call(make('woodgrove'));
    const { report, runtime_data } = (await c.hello()).json;
    await refused(c, await c.proof({ report, runtime_data }), 403, /not genuine: (proof|connection)\.tls_key/);
  });

  test('proof: what the real Woodgrove answers to whoever asks for evidence', async () => {
    const c = await call(make('woodgrove'));
    await c.hello();
    const r = await from(world.woodgrove, 'GET', `/attestation?nonce=${bind(CLIENT, c.talk)}`);
    assert.strictEqual(r.status, 200, r.text);
    await refused(c, await c.proof({ report: r.json.report, runtime_data: r.json.runtime_data }), 403, /not genuine: proof\./);
  });

  for (const [name, change] of Object.entries(malformed)) {
    test(`proof: ${name}`, async () => {
      const peer = make('woodgrove');
      const c = await call(peer);
      await c.hello();
      await refused(c, await c.proof(change(peer.prove(CLIENT, c.talk))), 400, /holds no report/);
    });
  }

  test('hello: nonces of another form', async () => {
    for (const nonce of [undefined, 5, '', 'AAAA', jose.b64u(Buffer.alloc(31)), jose.b64u(Buffer.alloc(33)), `${jose.b64u(Buffer.alloc(32))}=x`, Buffer.alloc(32, 255).toString('base64')]) {
      const c = await call(make('woodgrove'));
      await refused(c, await c.hello({ nonce }), 400, /nonce must be 32 bytes/);
    }
  });

  test('bodies: no JSON, none, too long, of another type, cut short', async () => {
    const peer = make('woodgrove');
    for (const [body, status, why] of [['[]', 400, /JSON object/], ['{"nonce":', 400, /JSON object/], [JSON.stringify({ nonce: 'A'.repeat(17000) }), 413, /16 KiB/]]) {
      const c = await call(peer);
      await refused(c, await c.hello(body), status, why);
    }
    const c = await call(peer);
    await c.hello();
    await refused(c, await c.proof(JSON.stringify({ report: 'A'.repeat(20000) })), 413, /16 KiB/);
    const plain = await call(peer);
    await refused(plain, await plain.ask(post('/peer/hello', '{}').replace('application/json', 'text/plain')), 415, /application\/json/);
    const cut = await call(peer);
    await cut.hello();
    const whole = post('/peer/proof', JSON.stringify(peer.prove(CLIENT, cut.talk)));
    cut.wire.write(whole.slice(0, whole.length - 10));
    cut.wire.end();
    await cut.wire.closes();
  });

  test('order: each step once, on one connection', async () => {
    const peer = make('woodgrove');
    let c = await call(peer);
    await refused(c, await c.proof(peer.prove(CLIENT, { ...c.talk, nonces: [c.talk.nonces[CLIENT], Buffer.alloc(32)] })), 409, /Out of order/);
    c = await call(peer);
    await c.hello();
    await tooEarly(c);
    assert.strictEqual((await c.proof()).status, 204); // asking has spoilt nothing
    await refused(c, await c.proof(), 409, /Out of order/);
    c = await call(peer);
    await c.hello();
    await refused(c, await c.hello(), 409, /Out of order/);
    c = await call(peer);
    await c.hello();
    await refused(c, await c.proof({}), 400, /holds no report/);
  });

  test('rates: so many hellos and proofs a minute of one address', async () => {
    for (const { path: target, rate } of peerRoutes.filter((r) => r.rate)) {
      const c = await call(make('woodgrove'));
      let passed = 0;
      for (;;) {
        const r = await c.ask(lines(`POST ${target} HTTP/1.1`, 'Host: localhost')); // no body: refused, but counted
        if (r.status === 429) { assert.match(r.headers['retry-after'], /^\d+$/); break; }
        assert.deepStrictEqual([r.status, r.headers['x-ratelimit-limit']], [411, String(rate)], r.text);
        passed++;
        assert.ok(passed <= rate * 2, 'no end');
      }
      assert.ok(passed >= rate, `${passed}`);
      c.end();
    }
  });

  test('routes: the peer port has these alone, and no other port has them', async () => {
    const c = await call(make('woodgrove'));
    await c.hello();
    await c.proof();
    for (const target of ['/', '/health', '/info', '/skr/key-status', '/attestation', '/company/info', '/storage/list']) {
      const r = await c.ask(get(target));
      assert.strictEqual(r.status, 404, target);
    }
    const release = await c.ask(post('/skr/release', '{}'));
    assert.strictEqual(release.status, 404);
    c.end();
    for (const tls of [true, false]) {
      const r = await world.contoso.request('POST', '/peer/hello', { body: { nonce: jose.b64u(Buffer.alloc(32)) }, tls, localAddress: newPeer() });
      assert.strictEqual(r.status, 404);
      const list = await world.contoso.request('GET', '/company/list', { auth: false, tls, localAddress: newPeer() });
      assert.strictEqual(list.status, 401);
    }
    const line = (r) => `${r.method} ${r.path} ${r.access} ${r.rate}`;
    assert.deepStrictEqual(tableOf('party', 'peers').map(line), peerRoutes.map(line));
    const plain = await Wire.open(world.ports.contoso.peer);
    plain.write(get('/company/list'));
    await plain.over();
    assert.ok(!plain.data.toString('latin1').includes('HTTP'));
    plain.destroy();
  });
});

describe('Woodgrove, towards who stands in a provider\'s place', () => {
  let records;
  before(async () => {
    evidenceOf.contoso = (await shown(world.ports.contoso.https)).evidence;
    assert.ok(evidenceOf.contoso, 'Contoso shows evidence');
    const c = await call(make('woodgrove'));
    await c.hello();
    await c.proof();
    records = (await c.list()).text;
    c.end();
  });

  // What became of Contoso's records in an analysis, and what was asked of who stands there.
  async function analyze(stands) {
    for (const name of Object.keys(now)) delete now[name];
    Object.assign(now, { peer: make('contoso'), list: () => [200, 'application/x-ndjson', records], ...stands });
    asked.length = 0;
    const r = await from(world.woodgrove, 'POST', '/partner/analyze', {});
    assert.strictEqual(r.status, 200, r.text);
    return { count: r.json.contoso_count, why: r.json.errors.filter((e) => e.startsWith('Contoso: ')).join(), asked: [...asked] };
  }
  async function refuses(stands, why, step) {
    const r = await analyze(stands);
    assert.match(r.why, why);
    assert.deepStrictEqual([r.count, r.asked], [0, step], 'nothing more was asked for');
  }
  const HELLO = ['POST /peer/hello'];

  test('who is Contoso, and proves it, is asked for the records, after Woodgrove has proven itself too', async () => {
    const r = await analyze({});
    assert.deepStrictEqual([r.count, r.why, r.asked], [120, '', ['POST /peer/hello', 'POST /peer/proof', 'GET /company/list']]);
    const { talk, body } = now.proven;
    const runtime = JSON.parse(Buffer.from(body.runtime_data, 'base64'));
    assert.deepStrictEqual(runtime, { key: '', nonce: bind(CLIENT, talk), purpose: 'parley-peer-1', role: 'woodgrove', tls_spki_sha256: talk.spkis[CLIENT].toString('hex') });
    assert.strictEqual(Buffer.from(body.report, 'base64').subarray(0xc0, 0xe0).toString('hex'), world.hostData.woodgrove);
  });

  for (const [name, [what, why]] of Object.entries(certificates)) test(`certificate: ${name}`, () => refuses({ peer: make('contoso', what('contoso')) }, why, []));
  for (const role of ['fabrikam', 'woodgrove', '']) test(`certificate: the role "${role}"`, () => refuses({ peer: make('contoso', { runtime: { role } }) }, /not the one expected: accept\.role: |does not show/, []));
  for (const [name, [answer, why]] of Object.entries(answers)) test(`proof: ${name}`, () => refuses({ hello: (talk) => answer(now.peer, SERVER, talk) }, why, HELLO));
  for (const [name, change] of Object.entries(malformed)) test(`proof: ${name}`, () => refuses({ hello: (talk) => change(now.peer.prove(SERVER, talk)) }, /holds no report/, HELLO));

  test('proof: of another connection, recorded', async () => {
    let recorded;
    const peer = make('contoso');
    assert.strictEqual((await analyze({ peer, hello: (talk) => { recorded = peer.prove(SERVER, talk); return recorded; } })).count, 120);
    await refuses({ peer, hello: () => recorded }, /not genuine: connection\.nonce: .*replayed/, HELLO);
  });
  test("proof: Woodgrove's own, sent back", async () => {
    await analyze({});
    const { body } = now.proven;
    await refuses({ hello: () => body }, /not genuine: (proof|connection)\.tls_key/, HELLO);
  });
  test('proof: what the real Contoso answers to whoever asks for evidence, and to whoever greets it', async () => {
    const r = (await from(world.contoso, 'GET', '/attestation')).json;
    await refuses({ hello: () => ({ report: r.report, runtime_data: r.runtime_data }) }, /not genuine: proof\./, HELLO);
    const c = await call(make('woodgrove'));
    const greeted = (await c.hello()).json;
    c.end();
    await refuses({ hello: () => ({ report: greeted.report, runtime_data: greeted.runtime_data }) }, /not genuine: (proof|connection)\.tls_key/, HELLO);
  });
  test('hello: no nonce, an error, no JSON', async () => {
    await refuses({ hello: (talk) => ({ ...now.peer.prove(SERVER, talk), nonce: 'AAAA' }) }, /holds no nonce/, HELLO);
    const answer = (...a) => ({ answers: { '/peer/hello': a } });
    await refuses(answer(403, 'application/json', '{"message":"no"}'), /HTTP 403/, HELLO);
    await refuses(answer(200, 'text/html', '<html>'), /holds no nonce/, HELLO);
    await refuses({ answers: { '/peer/proof': [403, 'application/json', '{"message":"not you"}'] } }, /HTTP 403/, ['POST /peer/hello', 'POST /peer/proof']);
    await world.woodgrove.until('the words of the refusal', () => /the partner answered with status 403: not you/.test(world.woodgrove.log), 5000);
  });
});

test('a relay that ends TLS between the two live parties is refused by both', async () => {
  const [contoso, woodgrove] = await Promise.all(['contoso', 'woodgrove'].map(async (n) => (await shown(world.ports[n].https)).evidence));
  const towards = await call(make('woodgrove', { evidence: woodgrove }));
  await refused(towards, await towards.hello(), 403, /not genuine: proof\.tls_key: /);
  Object.assign(now, { peer: make('contoso', { evidence: contoso }) });
  asked.length = 0;
  const r = await from(world.woodgrove, 'POST', '/partner/analyze', {});
  assert.match(r.json.errors[0], /^Contoso: the other party's evidence is not genuine: proof\.tls_key: /);
  assert.deepStrictEqual(asked, []);
});
});
