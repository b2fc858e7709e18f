// State fuzzing of the server's connections: sequences of requests from a grammar, cut anywhere, pipelined, half-closed, broken off, over plain
// sockets and TLS, against a model that knows which answer each request gets and whether the connection lives on. All choices follow from a seed.
'use strict';
const assert = require('node:assert');
const net = require('node:net');
const { sleep } = require('../e2e/raw');

// A small generator of numbers (mulberry32); good enough to choose.
function dice(seed) {
  let a = seed >>> 0;
  const next = () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const roll = (n) => Math.floor(next() * n);
  return { roll, chance: (p) => next() < p, pick: (list) => list[roll(list.length)] };
}

const CRLF = '\r\n';
const bytes = (text) => Buffer.from(text, 'latin1');

// --- the grammar: each production gives {text, method, status, ends, note} ---------------------------------------------

// Odd but right: fields that change nothing.
function padding(d) {
  const fields = [];
  while (d.chance(0.3)) fields.push(d.pick(['X-A: b', 'x-empty:', `X-Long: ${'v'.repeat(d.roll(900))}`, 'Accept:\t*/*  ', 'X-Wide: \xe9\xff', 'Cookie: a=b; c', 'TE: trailers', 'Upgrade: h2c']));
  return fields;
}

function chunked(d, body) {
  let text = '';
  while (body.length) {
    const n = 1 + d.roll(body.length);
    const size = d.chance(0.2) ? n.toString(16).padStart(1 + d.roll(8), '0') : n.toString(16);
    text += `${d.chance(0.5) ? size : size.toUpperCase()}${d.chance(0.2) ? ';a=b;c="d"' : ''}${CRLF}${body.slice(0, n)}${CRLF}`;
    body = body.slice(n);
  }
  return `${text}0${CRLF}${d.chance(0.2) ? `X-Trailer: 1${CRLF}Content-Length: 3${CRLF}` : ''}${CRLF}`;
}

// How a request says its end: version, Connection. -> {version, fields, ends}
function persistence(d) {
  const [version, fields, ends] = d.pick([
    ['1.1', [], false], ['1.1', [], false], ['1.1', [], false], ['1.1', [], false], ['1.1', ['Connection: keep-alive'], false], ['1.2', [], false],
    ['1.1', ['Connection: x, Close'], true], ['1.0', ['Connection: Keep-Alive'], false], ['1.0', [], true],
  ]);
  return { version, fields, ends };
}

function request(d, { method, target, fields = [], body, framing, status, refusedBeforeBody = false }) {
  const p = persistence(d);
  const head = [...p.fields, ...fields, ...padding(d)];
  if (!(p.version === '1.0' && d.chance(0.5))) head.push(d.pick(['Host: localhost', 'host: a:8080', 'HOST:[::1]']));
  let tail = '';
  let expects = false;
  if (body !== undefined) {
    const kind = p.version === '1.0' ? 'length' : framing || d.pick(['length', 'length', 'chunked']);
    head.push(kind === 'length' ? `Content-Length: ${body.length}` : d.pick(['Transfer-Encoding: chunked', 'transfer-encoding:  Chunked']));
    if (p.version !== '1.0' && d.chance(0.15)) {
      head.push('Expect: 100-continue');
      expects = true;
    }
    tail = kind === 'length' ? body : chunked(d, body);
    // What is refused by its head leaves the body unread: the connection cannot go on. An empty body with a length is none.
    if (refusedBeforeBody && (kind === 'chunked' || body.length)) p.ends = true;
  }
  for (let i = head.length - 1; i > 0; i--) { // any order
    const k = d.roll(i + 1);
    [head[i], head[k]] = [head[k], head[i]];
  }
  const text = `${d.chance(0.05) ? CRLF : ''}${method} ${target} HTTP/${p.version}${CRLF}${head.map((f) => f + CRLF).join('')}${CRLF}${tail}`;
  return { text, method, status, ends: p.ends, expects, early: refusedBeforeBody, note: `${method} ${target}` };
}

const query = (d) => d.pick(['', '', '?', '?a=1&b=%20', '?x=%00&&']);
const junk = (d) => 'GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n'.slice(0, 1 + d.roll(35)).padEnd(1 + d.roll(300), 'x');

// Requests that are right, whatever the answer.
const good = [
  (d) => request(d, { method: d.pick(['GET', 'HEAD']), target: d.pick(['/health', '/healthz', 'http://b/health', 'HTTPS://b:8443/healthz', '/he%61lth', '/skr/config', '/skr%2Fkey-status', '/company/info', '/']) + query(d), status: 200 }),
  (d) => request(d, { method: d.pick(['GET', 'HEAD']), target: d.pick(['/nothing', '/health/', '//health', '/./health', '/HEALTH', '/health%20']) + query(d), status: 404 }),
  (d) => request(d, { method: 'OPTIONS', target: d.pick(['/health', '/encrypt', '*']), status: 204 }),
  (d) => request(d, { method: d.pick(['DELETE', 'PUT', 'PATCH', 'TRACE', 'POST']), target: '/health', status: 405 }),
  (d) => request(d, { method: d.pick(['DELETE', 'PUT', 'POST']), target: '/health', body: junk(d), status: 405, refusedBeforeBody: true }),
  (d) => request(d, { method: 'POST', target: '/nothing', body: junk(d), status: 404, refusedBeforeBody: true }),
  (d) => request(d, { method: 'GET', target: '/health', body: junk(d), status: 200 }), // read and ignored
  (d) => request(d, { method: 'GET', target: '/skr/config', body: 'x'.repeat(d.roll(16385)), status: 200 }),
  (d) => request(d, { method: 'CONNECT', target: 'a:1', status: 404 }),
];

const JSON_TYPE = ['Content-Type: application/json', 'content-type:application/json;charset=utf-8'];
// Requests to the operator's routes; each address has 60 a minute of them, and 10 refused proofs.
const operator = (auth) => [
  (d) => request(d, { method: 'POST', target: '/encrypt', fields: [auth, d.pick(JSON_TYPE)], body: '{"plaintext":"x"}'.padEnd(17 + d.roll(400)), status: 400 }), // no key is released
  (d) => request(d, { method: 'POST', target: '/encrypt', fields: [auth, d.pick(JSON_TYPE)], body: d.pick(['{', '[]', '{"a":1,"a":2}', '\xff', '']), framing: 'length', status: 400 }),
  (d) => request(d, { method: 'POST', target: '/decrypt', fields: [auth, 'Content-Type: text/plain'], body: '{}', status: 415, refusedBeforeBody: true }),
  (d) => request(d, { method: 'POST', target: '/encrypt', fields: [auth, JSON_TYPE[0]], status: 411 }),
  (d) => ({ ...request(d, { method: 'POST', target: '/encrypt', fields: [auth, JSON_TYPE[0]], body: ' '.repeat(16385 + d.roll(3000)), status: 413 }), ends: true }),
];
const stranger = [
  (d) => request(d, { method: 'POST', target: '/encrypt', fields: [d.pick(['Authorization: Bearer wrong', 'Authorization: Basic eDp5', 'X: y'])], body: '{}', status: 401, refusedBeforeBody: true }),
  (d) => request(d, { method: 'POST', target: '/skr/release', status: 401 }),
];

// What must end the connection with this status, and nothing behind it be looked at.
const HOST = `Host: a${CRLF}`;
const poison = [
  [400, `GET /health HTTP/1.1${CRLF}${CRLF}`], [400, `GET /health HTTP/1.1\n${HOST}${CRLF}`], [400, `GET  /health HTTP/1.1${CRLF}${HOST}${CRLF}`],
  [400, `POST /encrypt HTTP/1.1${CRLF}${HOST}Content-Length: 2${CRLF}Content-Length: 2${CRLF}${CRLF}{}`],
  [400, `POST /encrypt HTTP/1.1${CRLF}${HOST}Content-Length: 2${CRLF}Transfer-Encoding: chunked${CRLF}${CRLF}0${CRLF}${CRLF}`],
  [400, `GET /health HTTP/1.1${CRLF}${HOST}X: a${CRLF} folded${CRLF}${CRLF}`], [400, `GET /health HTTP/1.1${CRLF}${HOST}X : a${CRLF}${CRLF}`],
  [400, `GET /health HTTP/1.1${CRLF}${HOST}${HOST}${CRLF}`], [400, `GET /heal\x01th HTTP/1.1${CRLF}${HOST}${CRLF}`], [400, `GET /health%00 HTTP/1.1${CRLF}${HOST}${CRLF}`],
  [400, `GET /health HTTP/1.1${CRLF}${HOST}X: a\x00b${CRLF}${CRLF}`], [400, `GET http://b/ HTTP/1.1${CRLF}${CRLF}`], [400, `GET * HTTP/1.1${CRLF}${HOST}${CRLF}`],
  [400, `POST /x HTTP/1.0${CRLF}${HOST}Transfer-Encoding: chunked${CRLF}${CRLF}`], [400, `POST /x HTTP/1.1${CRLF}${HOST}Content-Length: +1${CRLF}${CRLF}x`],
  [414, `GET /${'a'.repeat(2100)}`], [431, `GET / HTTP/1.1${CRLF}${HOST}X: ${'a'.repeat(16500)}`], [417, `POST /encrypt HTTP/1.1${CRLF}${HOST}Expect: x${CRLF}Content-Length: 1${CRLF}${CRLF}1`],
  [431, `GET / HTTP/1.1${CRLF}${HOST}${`X: y${CRLF}`.repeat(101)}${CRLF}`],
  [501, `BREW /health HTTP/1.1${CRLF}${HOST}${CRLF}`], [501, `POST /x HTTP/1.1${CRLF}${HOST}Transfer-Encoding: gzip, chunked${CRLF}${CRLF}`],
  [505, `PRI * HTTP/2.0${CRLF}${CRLF}SM${CRLF}${CRLF}`],
].map(([status, text]) => () => ({ text, method: 'GET', status, ends: true, note: `refused: ${text.slice(0, 60)}` }));
const badChunks = (auth) => ['\r\n', '+1\r\nx\r\n0\r\n\r\n', '1\nx\r\n0\r\n\r\n', '1\r\nxy\r\n0\r\n\r\n', `${'f'.repeat(17)}\r\n`, '0x1\r\n', '1;\x01\r\n', '0\r\n folded: y\r\n\r\n'].map((body) => () => ({
  text: `POST /encrypt HTTP/1.1${CRLF}${HOST}${auth}${CRLF}${JSON_TYPE[0]}${CRLF}Transfer-Encoding: chunked${CRLF}${CRLF}${body}`,
  method: 'POST', status: 400, ends: true, note: `chunks: ${JSON.stringify(body)}`,
}));

// --- one connection ----------------------------------------------------------------------------------------------

// -> {requests, text, answers: those that must be answered, maybe: the one that may be answered by its head, closes, end}. end: what the client does when it has written everything.
function script(d, auth) {
  const requests = [];
  let closes = false;
  let operators = 0;
  let strangers = 0;
  for (let n = 1 + d.roll(12); n > 0 && !closes; n--) {
    const x = d.roll(20);
    let r;
    if (x < 11) r = d.pick(good)(d);
    else if (x < 16 && operators < 12) { operators += 1; r = d.pick(operator(auth))(d); }
    else if (x < 17 && strangers < 4) { strangers += 1; r = d.pick(stranger)(d); }
    else if (x === 18) r = d.pick(d.chance(0.7) ? poison : badChunks(auth))(d);
    else r = good[0](d);
    requests.push(r);
    closes = r.ends;
  }
  let text = Buffer.concat(requests.map((r) => bytes(r.text)));
  // Behind an end: more, which must never be taken for a request.
  if (closes && d.chance(0.7)) text = Buffer.concat([text, bytes('GET /health HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(1 + d.roll(3)))]);
  const end = d.pick(['stay', 'stay', 'half', 'half', 'cut', 'break']);
  let answers = requests;
  let maybe;
  if (end === 'cut' && !closes) { // the last request is not finished: everything before it is answered
    maybe = requests[requests.length - 1];
    text = text.subarray(0, text.length - 1 - d.roll(bytes(maybe.text).length - 1));
    answers = requests.slice(0, -1);
  }
  return { requests, text, answers, maybe, closes, end };
}

async function send(w, d, text) {
  const style = d.roll(4); // whole, bytes, small pieces, large pieces
  let at = 0;
  while (at < text.length && !w.ended) {
    const n = style === 0 ? text.length : style === 1 ? (text.length > 3000 ? 60 : 1) : 1 + d.roll(style === 2 ? 50 : 3000);
    w.write(text.subarray(at, at + n));
    at += n;
    if (style !== 0 && d.chance(0.1)) await sleep(d.roll(6));
    else if (style === 1) await new Promise(setImmediate);
  }
}

async function receive(w, answers, ms) {
  for (const [i, r] of answers.entries()) {
    const about = () => `answer ${i + 1} of ${answers.length} (${r.note})`;
    let a;
    try {
      a = await w.answer(r.method, ms);
      if (a.status === 100) {
        assert.ok(r.expects, `${about()}: 100 without Expect`);
        a = await w.answer(r.method, ms);
      }
    } catch (e) {
      e.message = `${about()}: ${e.message}`;
      throw e;
    }
    assert.strictEqual(a.status, r.status, `${about()}: ${a.text.slice(0, 200)}`);
    assert.strictEqual(a.headers.connection, r.ends ? 'close' : 'keep-alive', about());
  }
}

// A request that was not finished gets no answer, or the one that its head alone calls for.
async function receiveMaybe(w, r) {
  await w.over(6000);
  if (w.data.length === 0) return;
  let a = await w.answer(r.method, 1000);
  if (a.status === 100) {
    assert.ok(r.expects, `${r.note}: 100 without Expect`);
    if (w.data.length === 0) return;
    a = await w.answer(r.method, 1000);
  }
  assert.strictEqual(a.status, r.status, `the unfinished ${r.note}`);
  assert.ok(r.early, `the unfinished ${r.note} was answered`);
}

async function converse(server, d) {
  const tls = d.chance(0.4);
  const s = script(d, `Authorization: Bearer ${server.token}`);
  const w = await server.connect({ tls });
  try {
    if (s.end === 'break') { // gone in the middle of everything: nothing to expect, but of the server
      const sent = send(w, d, s.text.subarray(0, d.roll(s.text.length + 1)));
      if (d.chance(0.5)) await sleep(d.roll(5));
      if (d.chance(0.5)) await sent;
      if (!tls && d.chance(0.5)) w.raw.resetAndDestroy();
      w.destroy();
      await sent;
      return s.requests.length;
    }
    const sent = send(w, d, s.text).then(() => { if ((s.end === 'half' || s.end === 'cut') && !s.closes) w.end(); });
    await receive(w, s.answers, 10000);
    await sent;
    if (s.maybe) await receiveMaybe(w, s.maybe);
    if (s.closes || s.end === 'half' || s.end === 'cut') {
      await w.over(6000);
      assert.strictEqual(w.data.toString('latin1'), '', 'bytes after the last answer');
    } else {
      await w.stillOpen();
    }
    return s.answers.length;
  } finally {
    w.destroy();
  }
}

// Bytes that are no conversation at all.
async function noise(server, d) {
  await new Promise((resolve) => {
    const c = net.connect({ port: d.chance(0.7) ? server.secure : server.plain, host: '127.0.0.1', localAddress: `127.200.${d.roll(250)}.${1 + d.roll(250)}` });
    const over = () => { c.destroy(); resolve(); };
    c.on('error', over).on('close', over);
    c.on('data', () => {});
    c.on('connect', () => {
      const text = Buffer.from(Array.from({ length: d.roll(400) }, () => d.roll(256)));
      if (text.length > 5 && d.chance(0.6)) { // looks like a record: type, version, length
        text[0] = 20 + d.roll(5);
        text[1] = 3;
        text[2] = d.roll(5);
        text[3] = d.chance(0.8) ? 0 : 0x41;
      }
      c.write(d.chance(0.2) ? bytes('GET / HTTP/1.1\r\nHost: a\r\n\r\n') : text);
      if (d.chance(0.5)) c.end();
      setTimeout(over, d.roll(60));
    });
  });
  return 0;
}

// Runs connection after connection, `width` at a time, for ms. Connection i of a seed is always the same. -> {connections, answers}
async function run(server, { seed, ms, width = 24, only }) {
  const until = Date.now() + ms;
  const count = { connections: 0, answers: 0 };
  let next = 0;
  const one = async () => {
    while (Date.now() < until) {
      const i = only ?? next++;
      const d = dice(Math.imul(seed, 1000003) + i);
      try {
        const answers = d.chance(0.1) ? await noise(server, d) : await converse(server, d);
        count.answers += answers;
        count.connections += 1;
      } catch (e) {
        e.message = `seed ${seed}, connection ${i} (again: CONN_FUZZ_SEED=${seed} CONN_FUZZ_ONLY=${i}): ${e.message}`;
        throw e;
      }
      if (only !== undefined) return;
    }
  };
  await Promise.all(Array.from({ length: only === undefined ? width : 1 }, one));
  return count;
}

module.exports = { run };
