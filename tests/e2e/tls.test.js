// The server's TLS port as OpenSSL sees it: its command line, Node's, and bytes on the way between.
'use strict';
const assert = require('node:assert');
const { describe, it, before, after } = require('node:test');
const { execFile } = require('node:child_process');
const crypto = require('node:crypto');
const net = require('node:net');
const path = require('node:path');
const tls = require('node:tls');
const { Server, Wire, leave, closeAll, get, post, lines, sleep, within } = require('./raw');

const SUITES = ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384'];
const CHANGE = 20;
const ALERT = 21;
const HANDSHAKE = 22;
const DATA = 23;
const HEARTBEAT = 24;

// Types of the TLS records in a stream of bytes; it must end at the end of one.
function records(bytes) {
  const types = [];
  for (let at = 0; at < bytes.length;) {
    assert.ok(at + 5 <= bytes.length, 'a record header is cut');
    const length = bytes.readUInt16BE(at + 3);
    types.push({ type: bytes[at], length, bytes: bytes.subarray(at + 5, at + 5 + length) });
    at += 5 + length;
    assert.ok(at <= bytes.length, 'a record is cut');
  }
  return types;
}

const u16 = (n) => Buffer.from([n >> 8, n & 255]);
const u16s = (list) => Buffer.concat(list.map(u16));
const vector = (size, body) => { // body behind its length in `size` bytes
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length.subarray(4 - size), body]);
};
const record = (type, body, version = 0x0303) => Buffer.concat([Buffer.from([type]), u16(version), vector(2, body)]);
const message = (type, body) => Buffer.concat([Buffer.from([type]), vector(3, body)]);
const extension = (type, body) => Buffer.concat([u16(type), vector(2, body)]);
const GROUPS = [29, 23]; // X25519, P-256
const IDS = [0xc02b, 0xc02c]; // of SUITES
// A ClientHello (RFC 5246 section 7.4.1.2, RFC 8422): right unless told otherwise.
function clientHello({ version = 0x0303, session = Buffer.alloc(0), suites = IDS, compression = [0], groups = GROUPS, sigalgs = [0x0403], extensions = [], tail = Buffer.alloc(0) } = {}) {
  const all = [extension(10, vector(2, u16s(groups))), extension(11, vector(1, Buffer.from([0]))), extension(13, vector(2, u16s(sigalgs))), ...extensions];
  return message(1, Buffer.concat([u16(version), crypto.randomBytes(32), vector(1, session), vector(2, u16s(suites)), vector(1, Buffer.from(compression)), vector(2, Buffer.concat(all)), tail]));
}
// What the server said to a ClientHello: null, or {suite, compression, group}.
function serverHello(answer) {
  const said = Buffer.concat(records(answer).filter((r) => r.type === HANDSHAKE).map((r) => r.bytes));
  if (said.length === 0) return null;
  assert.strictEqual(said[0], 2, 'a ServerHello first');
  const at = 4 + 2 + 32 + 1 + said[4 + 2 + 32];
  let key = 0; // the ServerKeyExchange among the messages
  while (said[key] !== 12) key += 4 + said.readUIntBE(key + 1, 3);
  assert.strictEqual(said[key + 4], 3, 'a named curve');
  return { suite: said.readUInt16BE(at), compression: said[at + 2], group: said.readUInt16BE(key + 5) };
}

// Stands between a client and the server: keeps what the server says, may change what the client says.
async function between(port, change = (d) => d) {
  const seen = { server: Buffer.alloc(0), client: Buffer.alloc(0), serverEnded: false };
  const pairs = [];
  const proxy = leave(net.createServer({ allowHalfOpen: true, noDelay: true }, (c) => {
    const up = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    pairs.push(c, up);
    c.on('data', async (d) => {
      seen.client = Buffer.concat([seen.client, d]);
      const parts = change(d, up, seen);
      for (const part of Array.isArray(parts) ? parts : [parts]) up.write(part);
    }).on('end', () => up.end()).on('error', () => {});
    up.on('data', (d) => { seen.server = Buffer.concat([seen.server, d]); c.write(d); }).on('end', () => { seen.serverEnded = true; c.end(); }).on('error', () => c.destroy()).on('close', () => c.end());
    leave(c);
    leave(up);
  }));
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  seen.port = proxy.address().port;
  seen.close = () => { for (const p of pairs) p.destroy(); proxy.close(); };
  return seen;
}

describe('the TLS port', { concurrency: 8 }, () => {
  let s;
  before(async () => { s = await Server.start(); });
  after(async () => {
    const { code, out, log } = await s.stop();
    closeAll();
    assert.deepStrictEqual([code, out], [0, '']);
    assert.ok(!log.includes(s.token));
  });

  const handshake = (options, port = s.secure) => within(15000, 'handshake', () => new Promise((resolve, reject) => {
    const c = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
    c.on('error', reject).on('secureConnect', () => {
      const info = { version: c.getProtocol(), suite: c.getCipher().name, cert: c.getPeerX509Certificate(), group: c.getEphemeralKeyInfo(), alpn: c.alpnProtocol, reused: c.isSessionReused() };
      c.on('end', () => {}).destroy();
      resolve(info);
    });
  }));
  const refused = (options, what) => assert.rejects(handshake(options), (e) => !/not within/.test(e.message), what);
  // openssl s_client with a request on its input. -> its output
  const sClient = (args, input = get('/health', 'Connection: close'), port = s.secure) => new Promise((resolve) => {
    const child = execFile('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-ign_eof', ...args], { timeout: 15000, env: { PATH: process.env.PATH } },
      (error, out, err) => resolve({ failed: Boolean(error), text: out + err }));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });

  // Bytes to the port, no handshake. -> what came back until the end
  const raw = (bytes, { end = false, ms = 5000, port = s.secure } = {}) => within(ms, 'end of the connection', () => new Promise((resolve, reject) => {
    const parts = [];
    const c = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => { c.write(bytes); if (end) c.end(); });
    c.on('data', (d) => parts.push(d)).on('end', () => { c.destroy(); resolve(Buffer.concat(parts)); }).on('error', reject);
  }));
  const hello = () => new Promise((resolve) => {
    const catcher = net.createServer((c) => c.once('data', (d) => { c.destroy(); catcher.close(); resolve(d); }).on('error', () => {})).listen(0, '127.0.0.1', () => {
      tls.connect({ port: catcher.address().port, host: '127.0.0.1', maxVersion: 'TLSv1.2' }).on('error', () => {});
    });
  });

  it('speaks TLS 1.2 and nothing else', async () => {
    assert.strictEqual((await handshake({})).version, 'TLSv1.2');
    await refused({ minVersion: 'TLSv1.3' }, '1.3');
    for (const version of ['TLSv1', 'TLSv1.1']) await refused({ minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' }, version);
    for (const [option, ok] of [['-tls1_2', true], ['-tls1_1', false], ['-tls1', false], ['-tls1_3', false]]) {
      const { text } = await sClient([option, ...(option === '-tls1_3' ? [] : ['-cipher', 'ALL:@SECLEVEL=0'])]);
      assert.strictEqual(/"status":"healthy"/.test(text), ok, `${option} ${text}`);
      assert.strictEqual(/Cipher is (?!\(NONE\))/.test(text), ok, option);
    }
    // Also when a ClientHello asks for older ones byte for byte; SSL 2 too.
    const h = await hello();
    for (const minor of [0, 1, 2]) {
      const old = Buffer.from(h);
      old[10] = minor;
      for (const r of records(await raw(old))) assert.strictEqual(r.type, ALERT, 'only an alert');
    }
    assert.strictEqual((await raw(Buffer.from('802e0100020015000000100100800200800300800400800500800600400700c0', 'hex'))).includes('HTTP'), false);
  });

  it('takes each of its two suites, prefers AES-128, and refuses every other that OpenSSL knows', async () => {
    for (const suite of SUITES) {
      assert.strictEqual((await handshake({ ciphers: suite })).suite, suite);
      const { text } = await sClient(['-cipher', suite]);
      assert.match(text, new RegExp(`Cipher is ${suite}\\n`));
      assert.match(text, /"status":"healthy"/);
    }
    assert.strictEqual((await handshake({ ciphers: [...SUITES].reverse().join(':') })).suite, SUITES[0]);
    const others = tls.getCiphers().map((n) => n.toUpperCase()).filter((n) => !n.startsWith('TLS_') && !SUITES.includes(n));
    for (const kind of [/^AES128-SHA$/, /^AES256-GCM-SHA384$/, /^ECDHE-ECDSA-AES128-SHA256$/, /^ECDHE-RSA-AES128-GCM-SHA256$/, /^ECDHE-ECDSA-CHACHA20-POLY1305$/, /^DHE-RSA/, /PSK/]) assert.ok(others.some((n) => kind.test(n)), String(kind));
    for (const suite of others) await refused({ ciphers: `${suite}:@SECLEVEL=0`, maxVersion: 'TLSv1.2', pskCallback: /PSK/.test(suite) ? () => ({ psk: Buffer.alloc(16), identity: 'x' }) : undefined }, suite);
    await refused({ ciphers: 'ALL:COMPLEMENTOFALL:!ECDHE+AESGCM:@SECLEVEL=0', maxVersion: 'TLSv1.2' }, 'all others together');
  });

  it('takes X25519 and P-256 (the curve of its key must be among the client\'s), and ECDSA with SHA-2 only', async () => {
    for (const [curves, name] of [['P-256:X25519', 'X25519'], ['P-521:P-384:P-256', 'prime256v1'], ['P-256', 'prime256v1']]) {
      assert.strictEqual((await handshake({ ecdhCurve: curves })).group.name, name);
    }
    await refused({ ecdhCurve: 'secp256k1', maxVersion: 'TLSv1.2' }, 'secp256k1');
    await refused({ sigalgs: 'RSA+SHA256', maxVersion: 'TLSv1.2' }, 'RSA signatures');
    await refused({ sigalgs: 'ECDSA+SHA1', ciphers: 'ALL:@SECLEVEL=0', maxVersion: 'TLSv1.2' }, 'SHA-1');
    await handshake({ sigalgs: 'ECDSA+SHA256' });
  });

  it('shows a self-signed P-256 certificate with names, valid now, the same on each connection, another after each start', async () => {
    const { cert } = await handshake({ servername: 'anything.example' });
    assert.ok(cert.verify(cert.publicKey), 'self-signed');
    assert.strictEqual(cert.issuer, cert.subject);
    assert.strictEqual(cert.publicKey.asymmetricKeyDetails.namedCurve, 'prime256v1');
    assert.strictEqual(cert.subject, 'CN=contoso');
    assert.deepStrictEqual(cert.subjectAltName.split(', ').sort(), ['DNS:contoso', 'DNS:localhost']);
    const [from, to] = [Date.parse(cert.validFrom), Date.parse(cert.validTo)];
    assert.ok(from < Date.now() && to > Date.now() + 23 * 3600e3 && to < Date.now() + 25 * 3600e3);
    const spki = (c) => crypto.createHash('sha256').update(c.publicKey.export({ type: 'spki', format: 'der' })).digest('hex');
    assert.strictEqual(spki((await handshake({})).cert), spki(cert));
    const other = await Server.start();
    assert.notStrictEqual(spki((await handshake({}, other.secure)).cert), spki(cert));
    assert.notStrictEqual((await handshake({}, other.secure)).cert.serialNumber, cert.serialNumber);
    await other.stop();
  });

  it('a client that checks the certificate against the one it was given is satisfied', async () => {
    const { cert } = await handshake({});
    await handshake({ ca: cert.toString(), rejectUnauthorized: true, servername: 'localhost' });
    await assert.rejects(handshake({ ca: cert.toString(), rejectUnauthorized: true, servername: 'elsewhere.example' }), /altnames/);
  });

  it('refuses to renegotiate, and knows the extension that makes it safe', async () => {
    const c = tls.connect({ port: s.secure, host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.2' });
    const failed = new Promise((resolve) => c.on('error', resolve));
    await new Promise((resolve) => c.on('secureConnect', resolve));
    const result = await Promise.race([failed, new Promise((resolve) => c.renegotiate({ rejectUnauthorized: false }, (e) => resolve(e)))]);
    assert.match(String(result && result.message), /renegotiation|alert|closed/i);
    c.destroy();
    const { text } = await sClient([], `${get('/health')}R\n`);
    assert.match(text, /Secure Renegotiation IS supported/);
    assert.match(text, /Compression: NONE/);
  });

  it('resumes a session by its identifier, in the process that made it, with its suite, and gives no ticket', async () => {
    const own = await Server.start(); // other handshakes might take the session's place
    const session = await new Promise((resolve, reject) => {
      const c = tls.connect({ port: own.secure, host: '127.0.0.1', rejectUnauthorized: false }).on('error', reject).on('secureConnect', () => {
        assert.strictEqual(c.isSessionReused(), false);
        assert.strictEqual(c.getTLSTicket(), undefined);
        const session = c.getSession();
        // An orderly end: a session of a connection that failed is forgotten.
        c.on('close', () => resolve(session)).end();
      });
    });
    for (const servername of ['localhost', 'localhost', 'elsewhere.example']) { // one certificate serves all names
      const again = await handshake({ session, servername }, own.secure);
      assert.deepStrictEqual([again.reused, again.version, again.suite], [true, 'TLSv1.2', SUITES[0]]);
    }
    assert.strictEqual((await own.ask(get('/health'), { tls: true, tlsOptions: { session, maxVersion: 'TLSv1.2' } })).status, 200);
    // As bytes: the identifier that the ServerHello has.
    const id = session.subarray(session.indexOf(Buffer.from('0420', 'hex')) + 2).subarray(0, 32);
    const answered = async (options) => {
      const said = Buffer.concat(records(await raw(record(HANDSHAKE, clientHello(options)), { end: true, port: own.secure })).filter((r) => r.type === HANDSHAKE).map((r) => r.bytes));
      return { same: said.subarray(39, 71).equals(id), suite: said.readUInt16BE(71) };
    };
    const changed = Buffer.from(id);
    changed[31] ^= 1;
    assert.deepStrictEqual(await answered({ session: id }), { same: true, suite: IDS[0] });
    assert.deepStrictEqual(await answered({ session: id, suites: [...IDS].reverse() }), { same: true, suite: IDS[0] });
    assert.deepStrictEqual(await answered({ session: id, suites: [IDS[1]] }), { same: false, suite: IDS[1] });
    for (const other of [changed, id.subarray(1), Buffer.alloc(32)]) assert.deepStrictEqual(await answered({ session: other }), { same: false, suite: IDS[0] });
    assert.strictEqual((await handshake({ session })).reused, false, 'another process');
    // OpenSSL's command line says it in its own words.
    const file = path.join(own.dir, 'session');
    assert.match((await sClient(['-sess_out', file], undefined, own.secure)).text, /^New, TLSv1\.2/m);
    const { text } = await sClient(['-sess_in', file], undefined, own.secure);
    assert.match(text, /^Reused, TLSv1\.2/m);
    assert.match(text, /"status":"healthy"/);
    await own.stop();
  });

  it('offers of HTTP/2 are not taken', async () => {
    assert.strictEqual((await handshake({ ALPNProtocols: ['h2', 'http/1.1'] })).alpn, false);
  });

  it('garbage instead of a ClientHello ends the connection, without an answer in the clear', async () => {
    const h = await hello();
    const change = (at, value) => { const b = Buffer.from(h); b[at] = value; return b; };
    for (const bytes of [Buffer.alloc(100), Buffer.from(get('/health')), Buffer.from('SSH-2.0-x\r\n'), crypto.randomBytes(5000).fill(0x99, 0, 1), Buffer.from('\x17\x03\x03\x00\x05hello', 'latin1'),
      Buffer.from('\x16\x03\x03\xff\xff', 'latin1'), Buffer.from('\x14\x03\x03\x00\x01\x01', 'latin1'), Buffer.from('\x15\x03\x03\x00\x02\x02\x28', 'latin1'), change(5, 2), change(8, 0xff), change(9, 2), Buffer.concat([h, h])]) {
      const answer = await raw(bytes);
      assert.ok(!answer.includes('HTTP/1'), 'HTTP in the clear');
      for (const r of records(answer)) assert.notStrictEqual(r.type, DATA);
    }
  });

  it('every cut of a ClientHello, then the end, ends the connection at once', async () => {
    const h = await hello();
    const start = Date.now();
    await Promise.all([0, 1, 4, 5, 6, 9, 43, 44, 60, 100, h.length - 1, h.length].map((n) => raw(h.subarray(0, n), { end: true })));
    assert.ok(Date.now() - start < 5000);
    for (let i = 5; i < h.length; i += 7) { // a flipped bit: an alert or a handshake that cannot be finished, never a stuck server
      const bad = Buffer.from(h);
      bad[i] ^= 0x40;
      await raw(bad, { end: true });
    }
    assert.strictEqual((await s.ask(get('/health'), { tls: true })).status, 200);
  });

  it('a scanner finds TLS 1.2, two suites, and nothing else', async () => {
    const xml = await within(120000, 'sslscan', () => new Promise((resolve, reject) => {
      execFile('sslscan', ['--xml=-', '--show-sigs', `127.0.0.1:${s.secure}`], (error, out) => (error ? reject(error) : resolve(out)));
    }));
    const found = (tag, want, attribute) => [...xml.matchAll(new RegExp(`<${tag} ([^>]*)`, 'g'))].filter((m) => m[1].includes(want))
      .map((m) => new RegExp(`\\b${attribute}="([^"]*)"`).exec(m[1])[1]);
    assert.strictEqual(found('protocol', '', 'type').length, 6, xml);
    assert.deepStrictEqual(found('protocol', 'enabled="1"', 'version'), ['1.2']);
    assert.deepStrictEqual(found('cipher', '', 'cipher'), SUITES);
    assert.deepStrictEqual(found('renegotiation', '', 'supported'), ['0']);
    assert.deepStrictEqual(found('heartbleed', '', 'vulnerable'), ['0']);
    assert.deepStrictEqual(found('connection-signature-algorithm', '', 'name'), ['ecdsa_secp256r1_sha256', 'ecdsa_secp384r1_sha384', 'ecdsa_secp521r1_sha512']);
    assert.deepStrictEqual(found('pk', '', 'curve_name'), ['prime256v1']);
  });

  const helloed = async (options) => serverHello(await raw(record(HANDSHAKE, clientHello(options)), { end: true }));

  it('of all suites, groups and compressions that can be written, two, two and none are taken', async () => {
    assert.deepStrictEqual(await helloed({}), { suite: IDS[0], compression: 0, group: 29 });
    for (const suite of IDS) assert.strictEqual((await helloed({ suites: [suite] })).suite, suite);
    const others = Array.from({ length: 65536 }, (_, i) => i).filter((i) => !IDS.includes(i));
    for (let i = 0; i < others.length; i += 4096) assert.strictEqual(await helloed({ suites: others.slice(i, i + 4096) }), null, `suites from ${others[i]}`);
    for (const group of [...Array.from({ length: 64 }, (_, i) => i), 256, 257, 258, 259, 260, 0x0a0a, 0x11ec, 0xff01, 0xff02]) {
      const answer = await helloed({ groups: [group] });
      assert.strictEqual(answer && answer.group, GROUPS.includes(group) ? group : null, `group ${group}`);
    }
    assert.strictEqual((await helloed({ compression: [1, 64, 0] })).compression, 0);
    for (const compression of [[], [1], [1, 64]]) assert.strictEqual(await helloed({ compression }), null, `compression ${compression}`);
    for (const version of [0, 0x0002, 0x0200, 0x0300, 0x0301, 0x0302]) assert.strictEqual(await helloed({ version }), null, `version ${version}`);
  });

  it('a malformed or misplaced message of a handshake ends it', async () => {
    const good = clientHello();
    const flip = (at, value) => { const b = Buffer.from(good); b[at] = value; return b; };
    const sessionAt = 4 + 2 + 32;
    const bodies = {
      'an empty ClientHello': [[HANDSHAKE, message(1, Buffer.alloc(0))]],
      'a ClientHello with a byte behind it': [[HANDSHAKE, clientHello({ tail: Buffer.alloc(1) })]],
      'a ClientHello that says it is longer': [[HANDSHAKE, flip(3, good[3] + 1)]],
      'a ClientHello that says it is shorter': [[HANDSHAKE, flip(3, good[3] - 1)]],
      'a ClientHello of 16 MiB': [[HANDSHAKE, Buffer.concat([Buffer.from([1, 255, 255, 255]), Buffer.alloc(16380)])]],
      'a session identifier of 33 bytes': [[HANDSHAKE, clientHello({ session: Buffer.alloc(33) })]],
      'a session identifier longer than the message': [[HANDSHAKE, flip(sessionAt, 255)]],
      'an odd length of suites': [[HANDSHAKE, flip(sessionAt + 2, good[sessionAt + 2] + 1)]],
      'no suites': [[HANDSHAKE, clientHello({ suites: [] })]],
      'an extension longer than the message': [[HANDSHAKE, clientHello({ extensions: [Buffer.concat([u16(35), u16(9), Buffer.alloc(3)])] })]],
      'a renegotiation that was never begun': [[HANDSHAKE, clientHello({ extensions: [extension(0xff01, vector(1, Buffer.alloc(12)))] })]],
      'an empty handshake record': [[HANDSHAKE, Buffer.alloc(0)]],
      'a message of the server': [[HANDSHAKE, message(2, Buffer.alloc(40))]],
      'a HelloRequest': [[HANDSHAKE, message(0, Buffer.alloc(0))]],
      'a key exchange first': [[HANDSHAKE, message(16, vector(1, Buffer.alloc(32)))]],
      'Finished first': [[HANDSHAKE, message(20, Buffer.alloc(12))]],
      'a change of ciphers first': [[CHANGE, Buffer.from([1])]],
      'data first': [[DATA, Buffer.from(get('/health'))]],
      'a heartbeat': [[HEARTBEAT, Buffer.from([1, 0xff, 0xff])]],
      'a record of an unknown type': [[99, good]],
      'a fatal alert': [[ALERT, Buffer.from([2, 40])]],
      'an alert of an unknown level': [[ALERT, Buffer.from([9, 9])]],
    };
    for (const [what, list] of Object.entries(bodies)) assert.strictEqual(serverHello(await raw(Buffer.concat(list.map((r) => record(...r))), { end: true })), null, what);
    // After a good ClientHello: whatever is not the key exchange that must come now. The server has then said its part and, but for an alert, no more.
    const point = (p) => [HANDSHAKE, message(16, vector(1, p))];
    const finish = [[CHANGE, Buffer.from([1])], [HANDSHAKE, crypto.randomBytes(40)], [DATA, crypto.randomBytes(60)]];
    const p256 = clientHello({ groups: [23] });
    const after = {
      'a change of ciphers without a key': [good, ...finish],
      'Finished in the clear': [good, [HANDSHAKE, message(20, Buffer.alloc(12))]],
      'data in the clear': [good, [DATA, Buffer.from(get('/health'))]],
      'a second ClientHello': [good, [HANDSHAKE, good]],
      'a certificate nobody asked for': [good, [HANDSHAKE, message(11, vector(3, Buffer.alloc(0)))]],
      'a key exchange without a point': [good, [HANDSHAKE, message(16, Buffer.alloc(0))], ...finish],
      'an empty point': [good, point(Buffer.alloc(0)), ...finish],
      'a point of X25519 that is too short': [good, point(crypto.randomBytes(31)), ...finish],
      'a point of small order': [good, point(Buffer.alloc(32)), ...finish],
      'a point not on P-256': [p256, point(Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 1)])), ...finish],
      'the point at infinity': [p256, point(Buffer.from([0])), ...finish],
      'a compressed point': [p256, point(Buffer.concat([Buffer.from([2]), crypto.randomBytes(32)])), ...finish],
      'a key exchange, then data in the clear': [good, point(crypto.randomBytes(32)), [DATA, Buffer.from(get('/health'))]],
      'a key exchange twice': [good, point(crypto.randomBytes(32)), point(crypto.randomBytes(32))],
      'a change of ciphers that is none': [good, point(crypto.randomBytes(32)), [CHANGE, Buffer.from([2])]],
      'a false Finished': [good, point(crypto.randomBytes(32)), ...finish],
    };
    for (const [what, [first, ...list]] of Object.entries(after)) {
      const answer = await raw(Buffer.concat([record(HANDSHAKE, first), ...list.map((r) => record(...r))]));
      assert.ok(serverHello(answer), what);
      const said = records(answer);
      assert.ok(said.every((r, i) => r.type === HANDSHAKE || (r.type === ALERT && i === said.length - 1)), `${what}: types ${said.map((r) => r.type)}`);
    }
  });

  it('records of more than TLS allows end the connection, before the handshake and after it', async () => {
    for (const length of [16385 + 2048, 20000, 65535]) {
      const head = Buffer.concat([Buffer.from([HANDSHAKE]), u16(0x0303), u16(length)]);
      assert.strictEqual(serverHello(await raw(Buffer.concat([head, clientHello(), Buffer.alloc(length)]).subarray(0, 5 + length))), null);
      let on = false;
      const evil = await between(s.secure, (d) => { if (!on) return d; on = false; return Buffer.concat([Buffer.from([DATA]), u16(0x0303), u16(length), Buffer.alloc(length)]); });
      const w = await Wire.open(evil.port, { tls: true, from: '127.0.0.1' });
      await w.stillOpen();
      on = true;
      const before = evil.server.length;
      w.write(get('/health'));
      await w.over();
      assert.ok(records(evil.server.subarray(before)).every((r) => r.type === ALERT), `${length}`);
      w.destroy();
      evil.close();
    }
  });

  it('warnings without end instead of a handshake keep a connection open no longer than silence does', async () => {
    const c = leave(net.connect({ port: s.secure, host: '127.0.0.1' }));
    const over = new Promise((resolve) => c.on('close', resolve).on('error', resolve));
    c.on('data', () => {});
    const timer = setInterval(() => c.write(record(ALERT, Buffer.from([1, 90]))), 20);
    try { await within(30000, 'end of a handshake that makes no progress', () => over); } finally { clearInterval(timer); }
  });

  it('a client that goes away at any point of the handshake leaves nothing behind', async () => {
    const other = await Server.start();
    const open = other.descriptors();
    for (let flight = 0; flight < 3; flight++) {
      for (const how of ['end', 'resetAndDestroy', 'half']) {
        let seen = 0;
        const cut = await between(other.secure, (d, up) => {
          if (seen++ < flight) return d;
          if (how === 'half') up.end(d.subarray(0, d.length >> 1));
          else up[how]();
          return [];
        });
        const c = leave(tls.connect({ port: cut.port, host: '127.0.0.1', rejectUnauthorized: false }));
        const gone = new Promise((resolve) => c.on('error', resolve).on('close', resolve).on('secureConnect', () => c.write(get('/health'))).resume());
        await within(15000, `${how} at flight ${flight}`, () => gone);
        c.destroy();
        cut.close();
      }
    }
    await within(15000, 'the end of all connections', async () => { while (other.descriptors() > open) await sleep(20); });
    assert.strictEqual((await other.ask(get('/health'), { tls: true })).status, 200);
    assert.strictEqual((await other.stop()).code, 0);
  });

  it('records that come byte by byte, or one byte each, are all the same', async () => {
    const slow = await between(s.secure, (d) => [...d].map((b) => Buffer.from([b])));
    const w = await Wire.open(slow.port, { tls: true, from: '127.0.0.1' });
    await w.stillOpen();
    for (const c of get('/skr/config')) w.write(c); // a record each
    assert.strictEqual((await w.answer()).json.company_name, 'Contoso');
    w.destroy();
    slow.close();
  });

  it('records of 16 KiB are taken', async () => {
    const w = await s.connect({ tls: true });
    w.write(post('/encrypt', '{"plaintext":"x"}'.padEnd(16384), `Authorization: Bearer ${s.token}`));
    assert.match((await w.answer()).json.message, /No key/);
    w.destroy();
  });

  it('a record changed on the way ends the connection, and nothing of it is believed', async () => {
    let on = false;
    const evil = await between(s.secure, (d) => { const b = Buffer.from(d); if (on) b[b.length - 1] ^= 1; return b; });
    const w = await Wire.open(evil.port, { tls: true, from: '127.0.0.1' });
    await w.stillOpen();
    on = true;
    const before = evil.server.length;
    w.write(get('/health'));
    await w.over();
    const after = records(evil.server.subarray(before));
    assert.ok(after.every((r) => r.type === ALERT), 'no data');
    w.destroy();
    evil.close();
  });

  it('a record repeated or left out on the way ends the connection', async () => {
    for (const twice of [true, false]) {
      let on = false;
      const evil = await between(s.secure, (d) => { if (!on) return d; on = false; return twice ? [d, d] : []; });
      const w = await Wire.open(evil.port, { tls: true, from: '127.0.0.1' });
      await w.stillOpen();
      on = true;
      w.write(get('/health'));
      while (on) await sleep(5); // the first is on its way, or is gone
      w.write(get('/health'));
      const got = (async () => { let n = 0; try { for (;;) { await w.answer(); n += 1; } } catch { return n; } })();
      await w.over();
      assert.strictEqual(await got, twice ? 1 : 0);
      w.destroy();
      evil.close();
    }
  });

  it('a cut in the middle of a record ends the connection without an answer', async () => {
    let on = false;
    const evil = await between(s.secure, (d, up) => { if (!on) return d; up.end(d.subarray(0, d.length - 3)); return []; });
    const w = await Wire.open(evil.port, { tls: true, from: '127.0.0.1' });
    await w.stillOpen();
    on = true;
    const before = evil.server.length;
    w.write(get('/health'));
    await w.over();
    assert.ok(records(evil.server.subarray(before)).every((r) => r.type === ALERT));
    w.destroy();
    evil.close();
  });

  it('close_notify is the last record whenever the server ends the connection', async () => {
    const ends = [[get('/health', 'Connection: close'), 1], ['garbage\r\n', 1], [lines('POST /nothing HTTP/1.1', 'Host: a', 'Content-Length: 9'), 1], [get('/health') + get('/health') + lines('GET /health HTTP/1.0'), 3]];
    for (const [text, answers] of ends) {
      const p = await between(s.secure);
      const w = await Wire.open(p.port, { tls: true, from: '127.0.0.1' });
      w.write(text);
      for (let i = 0; i < answers; i++) await w.answer();
      await w.over();
      await within(5000, 'end of stream', async () => { while (!p.serverEnded) await sleep(5); });
      const all = records(p.server);
      assert.strictEqual(all[all.length - 1].type, ALERT, text);
      assert.strictEqual(all.filter((r) => r.type === ALERT).length, 1);
      w.destroy();
      p.close();
    }
  });

  it('close_notify of the client is answered by the same, after the answers to what came before', async () => {
    const p = await between(s.secure);
    const w = await Wire.open(p.port, { tls: true, from: '127.0.0.1' });
    w.write(get('/health'));
    w.end();
    assert.strictEqual((await w.answer()).status, 200);
    await w.over();
    const all = records(p.server);
    assert.strictEqual(all[all.length - 1].type, ALERT);
    p.close();
    w.destroy();
  });

  it('SIGTERM says goodbye with close_notify to idle connections', async () => {
    const other = await Server.start();
    const p = await between(other.secure);
    const w = await Wire.open(p.port, { tls: true, from: '127.0.0.1' });
    await w.stillOpen();
    assert.strictEqual((await other.stop()).code, 0);
    await w.over();
    const all = records(p.server);
    assert.strictEqual(all[all.length - 1].type, ALERT);
    p.close();
    w.destroy();
  });

  it('long answers are the same bytes as over the plain port', async () => {
    const text = Array.from({ length: 3000 }, (_, i) => JSON.stringify({ line_number: i + 1, timestamp: '2026-01-01T00:00:00Z', company: 'contoso', name_encrypted: crypto.randomBytes(300).toString('base64') })).join('\n');
    const other = await Server.start({}, { files: { 'contoso-encrypted.jsonl': `${text}\n` } });
    const [plain, secure] = await Promise.all([false, true].map((t) => other.ask(get('/company/list', `Authorization: Bearer ${other.token}`), { tls: t })));
    assert.strictEqual(plain.json.records.length, 3000);
    assert.ok(plain.body.equals(secure.body));
    await other.stop();
  });

  it('200 handshakes at once', async () => {
    const infos = await Promise.all(Array.from({ length: 200 }, () => handshake({})));
    assert.ok(infos.every((i) => i.version === 'TLSv1.2'));
  });
});
