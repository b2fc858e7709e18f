// The server as hostile and as honest HTTP clients see it. Every answer is also checked for what all answers must have (raw.js).
'use strict';
const assert = require('node:assert');
const { describe, it, before, after } = require('node:test');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { PARLEY } = require('../world/party');
const { free } = require('../world/ports');
const { Server, ownServers, leave, get, post, lines, list, records, peer, scan, sleep } = require('./raw');

const NO_KEY = 'No key has been released.';
const VALUE = '{"plaintext":"x"}';
const chunk = (text, extension = '') => `${Buffer.byteLength(text).toString(16)}${extension}\r\n${text}\r\n`;
const both = [false, true]; // plain, TLS
const all = (list, fn) => Promise.all(list.map(fn));

// Everything below runs at once: most of the time is spent waiting for deadlines.
describe('the HTTP server', { concurrency: true }, () => {
  let s;
  let auth;
  const { own, stopAll } = ownServers();
  before(async () => {
    s = await own({});
    auth = `Authorization: Bearer ${s.token}`;
  });
  after(stopAll);

  // --- reading requests --------------------------------------------------------------------------------------------
  describe('reads requests', { concurrency: 6 }, () => {
    it('that come one byte at a time', () => all(both, async (tls) => {
      const w = await s.connect({ tls });
      const text = post('/encrypt', VALUE, auth) + get('/health');
      for (const c of text) {
        w.write(c);
        if (!tls) await new Promise(setImmediate);
      }
      assert.strictEqual((await w.answer()).json.message, NO_KEY);
      assert.strictEqual((await w.answer()).json.status, 'healthy');
      w.destroy();
    }));

    it('that come cut anywhere, with pauses', () => all(Array.from({ length: 24 }), async (_, n) => {
      const w = await s.connect({ tls: n % 2 === 1 });
      const kinds = [[get('/health'), 200], [get('/nothing'), 404], [post('/encrypt', VALUE, auth), 400], [lines('OPTIONS /info HTTP/1.1', 'Host: a'), 204],
        [lines('POST /encrypt HTTP/1.1', 'Host: a', auth, 'Content-Type: application/json', 'Transfer-Encoding: chunked') +
          chunk('{"plain') + chunk('text":"x"}') + '0\r\n\r\n', 400]];
      const turns = Array.from({ length: 25 }, (unused, i) => kinds[(i * 7 + n) % kinds.length]);
      let text = turns.map((k) => k[0]).join('');
      const statuses = (async () => { const got = []; for (const k of turns) got.push((await w.answer()).status + 0 * k[1]); return got; })();
      let seed = n + 1;
      while (text) {
        seed = (seed * 1103515245 + 12345) % 2147483648;
        const cut = 1 + (seed >> 8) % 90;
        w.write(text.slice(0, cut));
        text = text.slice(cut);
        if (seed % 5 === 0) await sleep(seed % 4);
      }
      assert.deepStrictEqual(await statuses, turns.map((k) => k[1]));
      w.destroy();
    }));

    it('pipelined, and answers in order', () => all(both, async (tls) => {
      const w = await s.connect({ tls });
      const turns = Array.from({ length: 60 }, (_, i) => [['/health', 200, /healthy/], ['/nothing', 404, /nothing at this path/],
        ['/company/info', 200, /key_released/], ['/skr/key-status', 200, /released/]][i % 4]);
      w.write(turns.map(([t]) => get(t)).join('') + post('/encrypt', VALUE, auth) + lines('HEAD / HTTP/1.1', 'Host: a') + get('/readyz', 'Connection: close'));
      for (const [target, status, text] of turns) {
        const a = await w.answer();
        assert.strictEqual(a.status, status, target);
        assert.match(a.text, text);
      }
      assert.strictEqual((await w.answer()).json.message, NO_KEY);
      assert.strictEqual((await w.answer('HEAD')).status, 200);
      assert.strictEqual((await w.answer()).json.status, 'ready');
      await w.closes();
    }));

    // One report of the poll set can stand for several arrivals, of which some came after the last read.
    it('pipelined in bursts that arrive while earlier ones are answered: none is forgotten', () => all(both, async (tls) => {
      for (let round = 0; round < 40; round++) {
        const w = await s.connect({ tls });
        const target = get('/skr/config');
        let [sent, got] = [1, 0];
        w.write(target);
        while (got < 50) {
          await w.answer();
          got++;
          const more = Math.min(50 - sent, got === 1 ? 33 : 1);
          if (more > 0) w.write(target.repeat(more));
          sent += more;
        }
        w.destroy();
      }
    }));

    it('after an empty line, of HTTP/1.2, in absolute form, and with odd but right fields', async () => {
      for (const text of [`\r\n${get('/health')}`, lines('GET /health HTTP/1.2', 'Host: a'), lines('GET http://a/health HTTP/1.1', 'Host: a'), lines('GET https://b:8443/health HTTP/1.1', 'Host: a'),
        lines('GET /health?x=%20y&&& HTTP/1.1', 'Host:a:80', 'X-Empty:', 'X-Wide: \xe9\xff'), lines('GET /health HTTP/1.1', 'host: [::1]:8080'),
        lines('OPTIONS * HTTP/1.1', 'Host: a'), lines('GET /health HTTP/1.0')]) {
        const a = await s.ask(Buffer.from(text, 'latin1'));
        assert.match(String(a.status), /^20[04]$/, text);
      }
    });

    it('with percent-encoding: decoded once, then compared exactly', async () => {
      const status = async (target) => (await s.ask(get(target))).status;
      assert.strictEqual(await status('/he%61lth'), 200);
      assert.strictEqual(await status('/%68%65%61%6C%74%68?a=%00'), 200);
      for (const target of ['/%2e%2e/health', '/./health', '/x/../health', '//health', '/health/', '/health%20', '/HEALTH', '/he%2561lth', '/health%3f', '/health;a', '/%c3%a9']) {
        assert.strictEqual(await status(target), 404, target);
      }
      for (const target of ['/health%00', '/%0d%0a', '/health%', '/health%6', '/health%zz', '/%7f', '/health%u0061']) {
        assert.strictEqual(await status(target), 400, target);
      }
      // However a path is written, its access class is that of the route it leads to.
      assert.strictEqual((await s.ask(post('/%65ncrypt', VALUE))).status, 401);
      assert.strictEqual((await s.ask(post('/skr%2frelease', '{}'))).status, 401);
      const a = await s.ask(get('/skr%2Fconfig'));
      assert.strictEqual(a.status, 200);
      assert.strictEqual(a.headers.pragma, 'no-cache');
    });

    it('chunked, with extensions and trailers, and finds the next request behind them', () => all(both, async (tls) => {
      const w = await s.connect({ tls });
      const head = lines('POST /encrypt HTTP/1.1', 'Host: a', 'Content-Type: application/json; charset=utf-8', auth, 'Transfer-Encoding: Chunked');
      const bodies = [chunk(VALUE) + '0\r\n\r\n', [...VALUE].map((c) => chunk(c, ';a=b;c="d"')).join('') + '000;last\r\nX-Trailer: 1\r\nContent-Length: 5\r\n\r\n',
        chunk(VALUE + ' '.repeat(9000)) + chunk(' '.repeat(7000)) + '0\r\n\r\n'];
      for (const body of bodies) {
        w.write(head + body + get('/health'));
        assert.strictEqual((await w.answer()).json.message, NO_KEY);
        assert.strictEqual((await w.answer()).status, 200);
      }
      w.write(head + '0\r\n\r\n');
      assert.match((await w.answer()).json.message, /empty/);
      w.destroy();
    }));

    it('with a body nobody asked for, which is read and ignored', async () => {
      const w = await s.connect();
      const body = lines('GET /nothing HTTP/1.1', 'Host: a');
      w.write(lines('GET /health HTTP/1.1', 'Host: a', `Content-Length: ${body.length}`) + body + get('/skr/config'));
      assert.strictEqual((await w.answer()).json.status, 'healthy');
      assert.strictEqual((await w.answer()).json.company_name, 'Contoso');
      w.destroy();
    });

    it('up to its limits: a head of 16 KiB, a line of 2 KiB, 100 fields, a body of 16 KiB', async () => {
      const padded = (n) => { const t = get('/health', 'X: '); return t.replace('X: ', `X: ${'a'.repeat(n - t.length)}`); };
      assert.strictEqual((await s.ask(padded(16384))).status, 200);
      assert.strictEqual((await s.ask(padded(16385))).status, 431);
      assert.strictEqual((await s.ask(get(`/health?${'a'.repeat(2048 - 'GET /health? HTTP/1.1'.length)}`))).status, 200);
      assert.strictEqual((await s.ask(get(`/health?${'a'.repeat(2049 - 'GET /health? HTTP/1.1'.length)}`))).status, 414);
      const fields = (n) => Array.from({ length: n - 1 }, (_, i) => `X-${i}: v`);
      assert.strictEqual((await s.ask(get('/health', ...fields(100)))).status, 200);
      assert.strictEqual((await s.ask(get('/health', ...fields(101)))).status, 431);
      assert.strictEqual((await s.ask(post('/encrypt', VALUE.padEnd(16384), auth))).json.message, NO_KEY);
      assert.strictEqual((await s.ask(post('/encrypt', VALUE.padEnd(16385), auth))).status, 413);
    });

    it('of several pages of head and body behind each other over one connection', () => all(both, async (tls) => {
      const w = await s.connect({ tls });
      const big = post('/encrypt', VALUE.padEnd(16384), auth, `X-Pad: ${'a'.repeat(15000)}`);
      w.write(big.repeat(8) + get('/health'));
      for (let i = 0; i < 8; i++) assert.strictEqual((await w.answer()).json.message, NO_KEY);
      assert.strictEqual((await w.answer()).status, 200);
      w.destroy();
    }));

    it('of a client that has half-closed', () => all(both, async (tls) => {
      const w = await s.connect({ tls });
      w.write(get('/health') + get('/skr/config'));
      w.end();
      assert.strictEqual((await w.answer()).json.status, 'healthy');
      assert.strictEqual((await w.answer()).json.company_name, 'Contoso');
      await w.closes();
      const cut = await s.connect({ tls });
      cut.write('GET /health HTTP/1.1\r\nHost');
      cut.end();
      await cut.closes();
    }));
  });

  // --- answers -----------------------------------------------------------------------------------------------------
  describe('answers', { concurrency: 6 }, () => {
    it('keep-alive by default in 1.1, close by default in 1.0, and as the client says', async () => {
      const cases = [['HTTP/1.1', [], true], ['HTTP/1.1', ['Connection: close'], false], ['HTTP/1.1', ['Connection: x, CLOSE'], false],
        ['HTTP/1.0', [], false], ['HTTP/1.0', ['Connection: keep-alive'], true], ['HTTP/1.0', ['Connection: keep-alive, close'], false]];
      for (const tls of both) {
        for (const [version, fields, stays] of cases) {
          const w = await s.connect({ tls });
          w.write(lines(`GET /health ${version}`, 'Host: a', ...fields));
          assert.strictEqual((await w.answer()).headers.connection, stays ? 'keep-alive' : 'close', `${version} ${fields}`);
          if (stays) { await w.stillOpen(); w.destroy(); } else await w.closes();
        }
      }
    });

    it('streams to HTTP/1.0 clients without chunks, to the end of the connection', async () => {
      const a = await s.ask(lines('GET /company/list HTTP/1.0', 'Connection: keep-alive', auth));
      assert.strictEqual(a.headers.connection, 'close');
      assert.strictEqual(a.headers['transfer-encoding'], undefined);
      assert.deepStrictEqual(JSON.parse(a.text).records, []);
    });

    it('HEAD like GET without the body, with the same length', () => all(both, async (tls) => {
      for (const target of ['/', '/health', '/healthz', '/readyz', '/info', '/skr/config', '/skr/key-status', '/company/info', '/company/list', '/nothing', '/encrypt']) {
        const w = await s.connect({ tls });
        w.write(get(target, auth));
        const full = await w.answer();
        w.write(lines(`HEAD ${target} HTTP/1.1`, 'Host: localhost', auth));
        const head = await w.answer('HEAD');
        for (const name of ['date', 'x-ratelimit-remaining', 'x-ratelimit-reset']) delete full.headers[name], delete head.headers[name];
        assert.strictEqual(head.status, full.status);
        assert.deepStrictEqual(head.headers, full.headers, target);
        await w.stillOpen();
        w.destroy();
      }
      const w = await s.connect({ tls });
      w.write(lines('HEAD /partner/analyze-stream HTTP/1.1', 'Host: a', auth));
      const a = await w.answer('HEAD');
      assert.strictEqual(a.headers['content-type'], 'text/event-stream');
      assert.strictEqual(a.headers['content-length'], undefined);
      w.destroy();
    }));

    it('OPTIONS with what is allowed, 404 and 405 also without a token', async () => {
      const w = await s.connect();
      for (const [target, allow] of [['/health', 'GET, HEAD, OPTIONS'], ['/encrypt', 'POST, OPTIONS'], ['/skr/release', 'POST, OPTIONS'], ['*', 'GET, HEAD, POST, OPTIONS']]) {
        w.write(lines(`OPTIONS ${target} HTTP/1.1`, 'Host: a'));
        const a = await w.answer();
        assert.strictEqual(a.status, 204);
        assert.strictEqual(a.headers.allow, allow);
        assert.strictEqual(a.headers['content-length'], undefined);
      }
      for (const [method, target, allow] of [['GET', '/encrypt', 'POST, OPTIONS'], ['HEAD', '/skr/release', 'POST, OPTIONS'], ['POST', '/health', 'GET, HEAD, OPTIONS'],
        ['DELETE', '/', 'GET, HEAD, OPTIONS'], ['TRACE', '/info', 'GET, HEAD, OPTIONS'], ['PATCH', '/decrypt', 'POST, OPTIONS']]) {
        w.write(lines(`${method} ${target} HTTP/1.1`, 'Host: a'));
        const a = await w.answer(method);
        assert.strictEqual(a.status, 405, `${method} ${target}`);
        assert.strictEqual(a.headers.allow, allow);
      }
      for (const request of ['GET /nothing', 'POST /nothing', 'OPTIONS /nothing', 'CONNECT a:1', 'PUT /skr']) {
        w.write(lines(`${request} HTTP/1.1`, 'Host: a:1'));
        assert.strictEqual((await w.answer()).status, 404, request);
      }
      await w.stillOpen();
      w.destroy();
    });

    it('with headers against storing on everything that may hold secrets, errors included', async () => {
      const secret = [get('/skr/config'), get('/skr/nothing'), get('/encrypt'), post('/encrypt', VALUE), post('/encrypt', '{', auth), post('/decrypt', '{}', auth),
        post('/skr/release', '{}', auth), post('/encrypt', VALUE.padEnd(16385), auth), lines('POST /decrypt HTTP/1.1', 'Host: a', auth),
        lines('POST /decrypt HTTP/1.1', 'Host: a', auth, 'Content-Type: application/json', 'Transfer-Encoding: chunked') + 'zz\r\n'];
      for (const text of secret) {
        const a = await s.ask(text);
        assert.strictEqual(a.headers.pragma, 'no-cache', text);
        assert.strictEqual(a.headers['cache-control'], 'no-store, no-cache, must-revalidate, max-age=0');
      }
      assert.strictEqual((await s.ask(get('/health'))).headers.pragma, undefined);
    });

    it('503 with the reason where there is no SNP device, 200 on /info', async () => {
      assert.strictEqual((await s.ask(get('/info'))).json.status.attestation_works, false);
      for (const target of ['/attest/raw', '/attest/maa']) {
        const a = await s.ask(post(target, '{}'));
        assert.strictEqual(a.status, 503);
        assert.strictEqual(a.json.step, 'snp_report');
        assert.ok(a.json.diagnosis.solution);
      }
    });
  });

  // --- refusals ----------------------------------------------------------------------------------------------------
  describe('refuses', { concurrency: 6 }, () => {
    const host = 'Host: a';
    const length = (n) => `Content-Length: ${n}`;
    const bad = (name, text) => [400, name, text];
    const cases = [
      bad('two content lengths', lines('POST /encrypt HTTP/1.1', host, length(2), length(2)) + '{}'),
      bad('two different content lengths', lines('POST /encrypt HTTP/1.1', host, length(2), length(3)) + '{}'),
      bad('a list of content lengths', lines('POST /encrypt HTTP/1.1', host, length('2, 2')) + '{}'),
      ...['-1', '+2', '0x2', '2 2', '', '99999999999999999999999', '2a', '\xb2'].map((n) => bad(`content length "${n}"`, lines('POST /encrypt HTTP/1.1', host, length(n)) + '{}')),
      bad('content length with transfer encoding', lines('POST /encrypt HTTP/1.1', host, length(2), 'Transfer-Encoding: chunked') + '0\r\n\r\n'),
      bad('two transfer encodings', lines('POST /encrypt HTTP/1.1', host, 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked') + '0\r\n\r\n'),
      bad('transfer encoding in HTTP/1.0', lines('POST /encrypt HTTP/1.0', host, 'Transfer-Encoding: chunked') + '0\r\n\r\n'),
      bad('a folded field', 'GET /health HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n'),
      bad('a fold before the first field', 'GET /health HTTP/1.1\r\n Host: a\r\n\r\n'),
      bad('bare LF after the request line', 'GET /health HTTP/1.1\nHost: a\r\n\r\n'),
      bad('bare LF after a field', 'GET /health HTTP/1.1\r\nHost: a\nX: b\r\n\r\n'),
      bad('bare LF as the empty line', 'GET /health HTTP/1.1\r\nHost: a\r\n\n'),
      bad('bare CR in a field', 'GET /health HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n'),
      bad('bare CR in the request line', 'GET /health\r HTTP/1.1\r\nHost: a\r\n\r\n'),
      ...[0, 1, 8, 11, 12, 27, 127].map((c) => bad(`control character ${c} in a value`, lines('GET /health HTTP/1.1', host, `X: a${String.fromCharCode(c)}b`))),
      bad('a control character in a target', lines('GET /hea\x01lth HTTP/1.1', host)),
      bad('a zero in a name', lines('GET /health HTTP/1.1', host, 'X\0Y: b')),
      bad('a space before the colon', lines('GET /health HTTP/1.1', 'Host : a')),
      bad('a tab before the colon', lines('GET /health HTTP/1.1', host, 'X\t: a')),
      bad('a field without a colon', lines('GET /health HTTP/1.1', host, 'X')),
      bad('a field without a name', lines('GET /health HTTP/1.1', host, ': a')),
      bad('a missing Host', lines('GET /health HTTP/1.1')),
      bad('two Hosts', lines('GET /health HTTP/1.1', host, host)),
      bad('an empty Host', lines('GET /health HTTP/1.1', 'Host:')),
      bad('a Host that is none', lines('GET /health HTTP/1.1', 'Host: a/b@c')),
      bad('a target of another host without a Host', lines('GET http://b/health HTTP/1.1')),
      bad('no target', lines('GET HTTP/1.1', host)),
      bad('no version', lines('GET /health', host)),
      bad('two blanks in the request line', lines('GET  /health HTTP/1.1', host)),
      bad('a blank behind the version', lines('GET /health HTTP/1.1 ', host)),
      bad('a fragment', lines('GET /health#x HTTP/1.1', host)),
      bad('a byte over 127 in the target', lines('GET /\xe9 HTTP/1.1', host)),
      bad('"*" with GET', lines('GET * HTTP/1.1', host)),
      bad('a lower-case protocol', lines('GET /health http/1.1', host)),
      bad('a method that is no token', lines('G(T /health HTTP/1.1', host)),
      bad('two empty lines before the request', `\r\n\r\n${get('/health')}`),
      [414, 'a target that never ends', `GET /${'a'.repeat(3000)}`],
      [431, 'a head that never ends', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(17000)}`],
      [417, 'another expectation', lines('POST /encrypt HTTP/1.1', host, length(2), 'Expect: 200-ok')],
      [417, 'two expectations', lines('POST /encrypt HTTP/1.1', host, length(2), 'Expect: 100-continue', 'Expect: 100-continue')],
      [501, 'an unknown method', lines('BREW /health HTTP/1.1', host)],
      [501, 'a lower-case method', lines('get /health HTTP/1.1', host)],
      [501, 'another transfer coding', lines('POST /encrypt HTTP/1.1', host, 'Transfer-Encoding: gzip')],
      [501, 'chunked behind another coding', lines('POST /encrypt HTTP/1.1', host, 'Transfer-Encoding: gzip, chunked')],
      [505, 'HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
      [505, 'HTTP/0.9', lines('GET /health HTTP/0.9', host)],
    ];
    for (const [status, name, text] of cases) {
      it(`${name} with ${status}, and ends the connection`, () => all(both, async (tls) => {
        const w = await s.connect({ tls });
        w.write(Buffer.from(text, 'latin1'));
        const a = await w.answer();
        assert.strictEqual(a.status, status);
        assert.strictEqual(a.headers.connection, 'close');
        w.write(get('/health')); // what follows must not be taken for a request
        await w.closes();
      }));
    }

    const chunkedHead = lines('POST /encrypt HTTP/1.1', host, `Content-Type: application/json`, 'Transfer-Encoding: chunked');
    for (const [name, body, status = 400] of [['no size', '\r\n'], ['a size with a sign', '+2\r\n{}\r\n0\r\n\r\n'], ['a size with 0x', '0x2\r\n{}\r\n0\r\n\r\n'], ['a size that overflows', `${'f'.repeat(17)}\r\n`],
      ['a huge size', `${'f'.repeat(15)}\r\n${' '.repeat(20000)}`, 413], ['bare LF behind the size', '2\n{}\r\n0\r\n\r\n'], ['data longer than the size', '2\r\n{}}\r\n0\r\n\r\n'],
      ['a blank before the size', ' 2\r\n{}\r\n0\r\n\r\n'], ['a control character in an extension', '2;\x01\r\n{}\r\n0\r\n\r\n'], ['an endless extension', `2;${'a'.repeat(300)}`],
      ['endless trailers', `0\r\n${'X: y\r\n'.repeat(1100)}`], ['a folded trailer', '0\r\n X: y\r\n\r\n']]) {
      it(`a chunked body with ${name} (${status})`, () => all(both, async (tls) => {
        const w = await s.connect({ tls });
        w.write(chunkedHead.replace('\r\n\r\n', `\r\n${auth}\r\n\r\n`) + body);
        assert.strictEqual((await w.answer()).status, status);
        await w.closes();
      }));
    }

    it('a body that is too large: when it is declared, and when it grows', () => all(both, async (tls) => {
      const w = await s.connect({ tls });
      w.write(lines('POST /encrypt HTTP/1.1', host, auth, 'Content-Type: application/json', 'Content-Length: 16385'));
      assert.strictEqual((await w.answer()).status, 413);
      await w.closes();
      const grow = await s.connect({ tls });
      grow.write(chunkedHead.replace('\r\n\r\n', `\r\n${auth}\r\n\r\n`));
      for (let i = 0; i < 5; i++) grow.write(chunk(' '.repeat(4096)));
      assert.strictEqual((await grow.answer()).status, 413);
      await grow.closes();
    }));

    it('a JSON route without a length (411), with another type or coding (415), with broken JSON (400)', async () => {
      const json = 'Content-Type: application/json';
      const post1 = (...fields) => lines('POST /encrypt HTTP/1.1', host, auth, ...fields);
      for (const [status, text] of [[411, post1(json)], [415, post1(length(2)) + '{}'], [415, post1(length(2), 'Content-Type: text/plain') + '{}'],
        [415, post1(length(2), 'Content-Type: application/json-patch+json') + '{}'], [415, post1(length(2), json, json) + '{}'],
        [415, post1(length(2), json, 'Content-Encoding: gzip') + '{}'], [400, post1(length(0), json)], [400, post1(length(2), json) + '[]'],
        [400, post1(length(2), json) + '{,'], [400, post1(length(17), json) + '{"a":1,"a":2}    '], [400, post1(length(2), json) + '{}']]) {
        assert.strictEqual((await s.ask(text)).status, status, text);
      }
      // An optional body may be missing, but not be of another type.
      assert.notStrictEqual((await s.ask(lines('POST /skr/release HTTP/1.1', host, auth))).status, 411);
      assert.strictEqual((await s.ask(lines('POST /skr/release HTTP/1.1', host, auth, length(2)) + '{}')).status, 415);
    });

    it('to take other endpoints and keys from a request', async () => {
      for (const body of ['{"maa_endpoint":"evil.example"}', '{"akv_endpoint":"evil.example"}', '{"kid":"other"}']) {
        const a = await s.ask(post('/skr/release', body, auth));
        assert.strictEqual(a.status, 400, body);
        assert.match(a.json.message, /fixed by the measured settings/);
      }
    });

    it('early, and the client that is still sending gets the answer', () => all(both, async (tls) => {
      for (const [target, status, fields] of [['/nothing', 404, []], ['/encrypt', 401, []], ['/encrypt', 413, [auth]], ['/health', 405, []]]) {
        const w = await s.connect({ tls });
        w.write(lines(`POST ${target} HTTP/1.1`, host, 'Content-Type: application/json', `Content-Length: ${1 << 20}`, ...fields));
        for (let i = 0; i < 16; i++) {
          w.write(' '.repeat(1 << 16));
          await sleep(2);
        }
        const a = await w.answer();
        assert.strictEqual(a.status, status, target);
        assert.strictEqual(a.headers.connection, 'close');
        await w.closes();
      }
    }));
  });

  // --- Expect ------------------------------------------------------------------------------------------------------
  describe('Expect: 100-continue', { concurrency: 3 }, () => {
    const expect = (target, ...fields) => lines(`POST ${target} HTTP/1.1`, 'Host: a', 'Content-Type: application/json', 'Expect: 100-Continue', ...fields);

    it('is answered before the body is sent, once', () => all(both, async (tls) => {
      for (const fields of [['Content-Length: 17'], ['Transfer-Encoding: chunked']]) {
        const w = await s.connect({ tls });
        w.write(expect('/encrypt', auth, ...fields));
        assert.strictEqual((await w.answer()).status, 100);
        w.write(fields[0].startsWith('T') ? chunk(VALUE) + '0\r\n\r\n' : VALUE);
        assert.strictEqual((await w.answer()).json.message, NO_KEY);
        await w.stillOpen();
        w.destroy();
      }
    }));

    it('is not answered when the body is here already, when there is none, or in HTTP/1.0', async () => {
      const w = await s.connect();
      w.write(expect('/encrypt', auth, 'Content-Length: 17') + VALUE);
      assert.strictEqual((await w.answer()).status, 400);
      w.write(expect('/encrypt', auth, 'Content-Length: 0'));
      assert.strictEqual((await w.answer()).status, 400);
      w.destroy();
      const old = await s.connect();
      old.write(expect('/encrypt', auth, 'Content-Length: 17').replace('1.1', '1.0'));
      await sleep(100);
      assert.strictEqual(old.data.length, 0);
      old.write(VALUE);
      assert.strictEqual((await old.answer()).status, 400);
      old.destroy();
    });

    it('is refused with the final status when the head is enough to tell', async () => {
      for (const [status, target, ...fields] of [[401, '/encrypt', 'Content-Length: 17'], [413, '/encrypt', auth, 'Content-Length: 99999'], [404, '/nothing', 'Content-Length: 17'],
        [405, '/health', 'Content-Length: 17'], [415, '/encrypt', auth, 'Content-Length: 17', 'Content-Encoding: br']]) {
        const w = await s.connect();
        w.write(expect(target, ...fields));
        assert.strictEqual((await w.answer()).status, status);
        await w.closes();
      }
    });
  });

  // --- access and rates --------------------------------------------------------------------------------------------
  describe('access', { concurrency: 3 }, () => {
    const operator = ['POST /skr/release', 'POST /skr/release-other', 'POST /skr/release-partner', 'POST /encrypt', 'POST /decrypt', 'POST /company/populate',
      'POST /partner/analyze', 'GET /partner/analyze-stream', 'HEAD /partner/analyze-stream'];
    const ask = (server, request, ...fields) => server.ask(lines(`${request} HTTP/1.1`, 'Host: a', 'Content-Type: application/json',
      ...(request.startsWith('POST') ? ['Content-Length: 2'] : []), ...fields) + (request.startsWith('POST') ? '{}' : ''));

    // Refused, if at all, by the route itself.
    const granted = (a, request) => {
      assert.ok(![401, 404, 405, 429, 500].includes(a.status), `${request}: ${a.status}`);
      assert.doesNotMatch(a.text, /operator/i, request);
    };

    it('is for the operator only: 401 without or with a wrong token, granted with the right one', async () => {
      const good = s.token;
      for (const request of operator) {
        const wrong = ['', 'Bearer ', `Bearer ${good}x`, `Bearer ${good.slice(1)}`, `Basic ${good}`, good, `Bearer ${good.toUpperCase()}`, `Bearer ${good} x`];
        for (const proof of [[], ...wrong.map((v) => [`Authorization: ${v}`]), [`Authorization: Bearer ${good}`, `Authorization: Bearer ${good}`]]) {
          const a = await ask(s, request, ...proof);
          assert.strictEqual(a.status, 401, `${request} ${proof}`);
          assert.match(a.headers['www-authenticate'], /^Bearer /);
          assert.ok(!a.text.includes(good));
        }
        granted(await ask(s, request, `Authorization: bearer  ${good} `), request);
      }
    });

    it('is closed (403) where no operator is configured, open with OPERATOR_AUTH=none', async () => {
      const [closed, open] = await Promise.all([own({ OPERATOR_AUTH: undefined }), own({ OPERATOR_AUTH: 'none' })]);
      for (const request of operator) {
        assert.strictEqual((await ask(closed, request)).status, 403, request);
        assert.strictEqual((await ask(closed, request, 'Authorization: Bearer ')).status, 403, request);
        granted(await ask(open, request), request);
      }
      assert.strictEqual((await closed.ask(get('/health'))).status, 200);
    });

    // Every way to guess, and every way to be right: each at another route, port or method.
    const cookie = (tls, id) => `Cookie: ${tls ? '__Host-' : ''}parley-session=${id}`;
    const login = (token) => post('/login', JSON.stringify({ token }));
    const wrong = [
      [post('/encrypt', VALUE, 'Authorization: Bearer secret-of-a-client'), 401], [get('/company/list', 'Authorization: Basic c2VjcmV0'), 401],
      [lines('HEAD /company/list HTTP/1.1', 'Host: localhost', 'Authorization: Bearer x'), 401, { tls: true }],
      [lines('GET http://localhost/company/list?a=b HTTP/1.1', 'Host: localhost', 'Authorization: bearer x'), 401],
      [post('/%65ncrypt', VALUE, cookie(true, 'A'.repeat(43))), 401, { tls: true }], [get('/company/list', cookie(false, 'B')), 401],
      [login('x'), 401, { tls: true }], [login(''), 401], [post('/login', '{"token":7}'), 401],
      // This one answers 200 with operator: false.
      [get('/session', 'Authorization: Bearer x'), 200, { tls: true }], [get('/session', cookie(false, 'C'.repeat(43))), 200],
    ];
    const right = (session) => [
      [post('/encrypt', VALUE, auth), 400], [post('/encrypt', VALUE, auth), 400, { tls: true }], [get('/session', auth), 200], [login(s.token), 200, { tls: true }],
      [get('/session', cookie(true, session)), 200, { tls: true }], [post('/encrypt', VALUE, cookie(true, session), 'Origin: https://localhost'), 400, { tls: true }],
    ];
    const open = async () => /=([A-Za-z0-9_-]{43});/.exec((await s.ask(login(s.token), { tls: true })).headers['set-cookie'])[1];

    it('wrong proofs of all kinds together are limited to 10 a minute and address; beyond it the right one is refused too', async () => {
      const session = await open();
      const from = peer();
      const start = Date.now();
      const refilled = () => Math.ceil((Date.now() - start) / 6000);
      let count = 0;
      let a;
      do {
        const [request, status, options] = wrong[count % wrong.length];
        a = await s.ask(request, { from, ...options });
        if (a.status !== 429) assert.strictEqual(a.status, status, request);
        assert.notStrictEqual(a.json && a.json.operator, true);
        count++;
      } while (a.status !== 429);
      assert.ok(count > 10 && count <= 11 + refilled(), `${count} guesses`);
      assert.match(a.headers['retry-after'], /^[1-6]$/);
      assert.deepStrictEqual([a.headers['x-ratelimit-limit'], a.headers['x-ratelimit-remaining']], ['10', '0']);
      // One more guess comes back every 6 s: each is used up before the right proof is tried.
      for (const [request, status, options] of right(session)) {
        for (let last = {}; ;) {
          const at = Date.now();
          last = await s.ask(wrong[0][0], { from });
          if (last.status === 401 || Number(last.headers['retry-after']) < 4) continue;
          const refused = await s.ask(request, { from, ...options });
          if (Date.now() - at > 2000) continue;
          assert.strictEqual(refused.status, 429, request);
          assert.match(refused.headers['retry-after'], /^[1-6]$/);
          assert.match(refused.json.message, /wrong operator proofs/);
          break;
        }
        const elsewhere = await s.ask(request, options);
        assert.strictEqual(elsewhere.status, status, `another address: ${request}`);
        if (status === 200) assert.strictEqual(elsewhere.json.operator, true);
      }
      assert.strictEqual((await s.ask(get('/health'), { from })).status, 200, 'what is public goes on');
      assert.strictEqual((await s.ask(post('/encrypt', VALUE), { from })).status, 401, 'no proof is no guess');
    });

    it('as many guesses at once as there are connections: 10 are compared', async () => {
      const from = peer();
      const start = Date.now();
      const answers = await all(Array.from({ length: 60 }), async (_, i) => {
        const w = await s.connect({ from, tls: i % 3 === 0 });
        w.write(get('/session', 'Authorization: Bearer x').repeat(2));
        const got = [await w.answer(), await w.answer()].map((x) => x.status);
        w.destroy();
        return got;
      });
      const compared = answers.flat().filter((x) => x !== 429).length;
      assert.ok(compared >= 10 && compared <= 10 + Math.ceil((Date.now() - start) / 6000), `${compared} were compared`);
    });

    it('right proofs and requests without any are not limited', async () => {
      const session = await open();
      const from = peer();
      const w = await s.connect({ from, tls: true });
      for (let i = 0; i < 40; i++) {
        w.write(get('/session', auth) + get('/session', cookie(true, session)) + get('/session') + lines('GET /company/list HTTP/1.1', 'Host: localhost'));
        assert.deepStrictEqual([(await w.answer()).json.operator, (await w.answer()).json.operator, (await w.answer()).json.operator], [true, true, false]);
        assert.strictEqual((await w.answer()).status, 401);
      }
      w.destroy();
    });

    // Another address of this machine is what comes nearest to another machine.
    const outside = Object.values(os.networkInterfaces()).flat().filter((i) => !i.internal && !/^fe80/.test(i.address)).map((i) => i.address);
    it('without TLS a proof is taken from this machine only, and the answer says where to go', { skip: outside.length ? false : 'no address but loopback' }, async () => {
      const [server, no] = await all([{}, { OPERATOR_AUTH: 'none' }], (more) => own({ LISTEN: 'all', ...more }));
      const good = `Authorization: Bearer ${server.token}`;
      const named = (host, ...more) => lines('POST /encrypt HTTP/1.1', ...(host ? [`Host: ${host}`] : []), 'Content-Type: application/json', 'Content-Length: 15', ...more) + VALUE;
      for (const host of outside) {
        const url = `https://${host.includes(':') ? `[${host}]` : host}:${server.secure}`;
        const at = url.slice(8);
        for (const request of [...operator, 'POST /login']) {
          for (const proof of [good, 'Authorization: Bearer x', cookie(false, 'D'.repeat(43)), 'X-Forwarded-For: 127.0.0.1', 'X-Forwarded-Proto: https']) {
            const text = lines(`${request} HTTP/1.1`, `Host: ${at}`, 'Content-Type: application/json', ...(request.startsWith('POST') ? ['Content-Length: 2'] : []), proof) + (request.startsWith('POST') ? '{}' : '');
            const a = await server.ask(text, { host });
            assert.strictEqual(a.status, 403, `${request} ${proof}`);
            if (!request.startsWith('HEAD')) assert.strictEqual(a.json.https, `${url}${request.split(' ')[1]}`);
            assert.ok(request.startsWith('HEAD') || a.json.message.includes(a.json.https));
          }
        }
        assert.deepStrictEqual((await server.ask(get('/session', good), { host })).json, { operator: false, open: false, configured: true, https: `https://localhost:${server.secure}` });
        for (const target of ['/', '/health', '/compare', '/skr/config', '/company/info']) assert.strictEqual((await server.ask(get(target), { host })).status, 200, target);
        // None of these was a guess, and over TLS all is as ever.
        assert.strictEqual((await server.ask(post('/encrypt', VALUE, good), { host, tls: true })).status, 400);
        assert.strictEqual((await server.ask(post('/login', JSON.stringify({ token: server.token })), { host, tls: true })).status, 200);
        // What the request calls us is a host name, or nothing.
        for (const [name, want] of [['a.example:99', `https://a.example:${server.secure}/encrypt`], ['A.Example', `https://a.example:${server.secure}/encrypt`]]) {
          assert.strictEqual((await server.ask(named(name), { host })).json.https, want);
        }
        const old = (await server.ask(named(null).replace('HTTP/1.1', 'HTTP/1.0'), { host }));
        assert.deepStrictEqual([old.status, old.json.https], [403, null]);
        for (const name of ['a/b', 'a@b', 'a b', '"><script>', 'a:b', 'a\\b']) assert.strictEqual((await server.ask(named(name), { host })).status, 400, name);
        granted(await no.ask(post('/encrypt', VALUE), { host }), 'open to all'); // no secret crosses
      }
      assert.strictEqual((await server.ask(post('/encrypt', VALUE, good))).status, 400, 'loopback, plain');
      const off = await own({ LISTEN: 'all', HTTPS_PORT: 'off' });
      const a = await off.ask(named('a'), { host: outside[0] });
      assert.deepStrictEqual([a.status, a.json.https], [403, null]);
      assert.match(a.json.message, /HTTPS_PORT is off/);
    });

    it('rates: each group has its limit a minute and address, told in headers', () => all([[20, '/attest/raw', 503], [10, '/skr/release', 400], [60, '/encrypt', 400],
      [5, '/company/populate', 400]], async ([limit, target, status]) => {
      const from = peer();
      const start = Date.now();
      let w = await s.connect({ from });
      for (let i = 1; i <= limit; i++) {
        w.write(post(target, VALUE, auth));
        const a = await w.answer();
        assert.strictEqual(a.status, status, target);
        assert.strictEqual(a.headers['x-ratelimit-limit'], String(limit));
        // The bucket refills all the time.
        const left = Number(a.headers['x-ratelimit-remaining']) - (limit - i);
        assert.ok(left >= 0 && left <= 1 + (Date.now() - start) * limit / 60000, `${target}: ${left} more than expected`);
        assert.match(a.headers['x-ratelimit-reset'], /^[0-9]+$/);
        assert.strictEqual(a.headers['retry-after'], undefined);
        if (a.headers.connection === 'close') { await w.closes(); w = await s.connect({ from }); }
      }
      for (let more = 0; ; more++) {
        const a = await s.ask(post(target, VALUE, auth), { from });
        if (a.status === status && more <= (Date.now() - start) * limit / 60000) continue;
        assert.strictEqual(a.status, 429, target);
        assert.match(a.headers['retry-after'], /^[0-9]+$/);
        assert.strictEqual(a.headers['retry-after'], a.headers['x-ratelimit-reset']);
        assert.strictEqual(a.headers['x-ratelimit-remaining'], '0');
        break;
      }
      assert.strictEqual((await s.ask(get('/health'), { from })).status, 200, 'other routes go on');
    }));
  });

  // --- clocks ------------------------------------------------------------------------------------------------------
  describe('deadlines', { concurrency: true }, () => {
    let slow;
    before(async () => { slow = await own({}); });
    const timed = async (w, answer, least, most) => {
      const start = w.started;
      if (answer) {
        const a = await w.answer('GET', most + 5000);
        assert.strictEqual(a.status, 408);
        assert.strictEqual(a.headers.connection, 'close');
      }
      await w.closes(most + 5000);
      const ms = Date.now() - start;
      assert.ok(ms >= least && ms <= most, `${ms} ms`);
    };
    // Sends a byte a second until the connection ends.
    const drip = (w, text) => {
      let i = 0;
      const timer = setInterval(() => { if (w.ended || i === text.length) clearInterval(timer); else w.write(text[i++]); }, 1000);
    };

    it('a head has 10 s: 408, also when it keeps trickling', () => all(both, async (tls) => {
      const still = await slow.connect({ tls });
      still.write('GET /health HTTP/1.1\r\n');
      const trickling = await slow.connect({ tls });
      drip(trickling, get('/health'));
      await all([still, trickling], (w) => timed(w, true, 10000, 18000));
    }));

    it('a body has 30 s: 408', () => all(both, async (tls) => {
      const still = await slow.connect({ tls });
      still.write(post('/attest/raw', '{}').slice(0, -1));
      const chunks = await slow.connect({ tls });
      chunks.write(lines('POST /attest/raw HTTP/1.1', 'Host: a', 'Content-Type: application/json', 'Transfer-Encoding: chunked'));
      drip(chunks, chunk(' ').repeat(20));
      await all([still, chunks], (w) => timed(w, true, 30000, 40000));
    }));

    it('who sends nothing at all is let go after 10 s, who waits between requests after 30 s', () => all(both, async (tls) => {
      const silent = await slow.connect({ tls });
      const idle = await slow.connect({ tls });
      await idle.stillOpen();
      await Promise.all([timed(silent, false, 10000, 18000), timed(idle, false, 30000, 40000)]);
    }));

    it('a TLS handshake has 10 s', async () => {
      const start = Date.now();
      const stalled = await Promise.all(['', '\x16', '\x16\x03\x01\x02\x00\x01'].map(async (bytes) => {
        const half = await new Promise((resolve, reject) => {
          const c = leave(net.connect({ port: slow.secure, host: '127.0.0.1' }, () => resolve(c)).on('error', reject));
        });
        half.write(Buffer.from(bytes, 'latin1'));
        return half;
      }));
      await all(stalled, (c) => new Promise((resolve) => c.on('data', () => {}).on('error', resolve).on('close', resolve)));
      const ms = Date.now() - start;
      assert.ok(ms >= 10000 && ms <= 18000, `${ms} ms`);
    });

    it('start anew with each request', () => all(both, async (tls) => {
      const w = await slow.connect({ tls });
      for (let i = 0; i < 4; i++) {
        await sleep(4000);
        w.write('GET /health HT');
        await sleep(i < 2 ? 3500 : 0);
        w.write('TP/1.1\r\nHost: a\r\n\r\n');
        assert.strictEqual((await w.answer()).status, 200);
      }
      w.destroy();
    }));
  });

  // --- many clients ------------------------------------------------------------------------------------------------
  describe('many clients', { concurrency: 2 }, () => {
    // All 256 slots can be used at the same time: each connection is answered twice, none had to give way to another.
    const allSlots = async (server) => {
      await sleep(1500); // lingering connections of what was before
      const list = await all(Array.from({ length: 256 }), () => server.connect());
      for (let round = 0; round < 2; round++) await all(list, (w) => w.stillOpen());
      for (const w of list) w.destroy();
      await sleep(200);
    };
    const noSpin = async (server, what) => {
      // What still has to be done may take a moment; what spins never rests.
      const used = [];
      do {
        const start = server.cpu();
        await sleep(1000);
        used.push(server.cpu() - start);
      } while (used.at(-1) > 50 && used.length < 6);
      assert.ok(used.at(-1) <= 50, `${what}: ${used} ms of processor time a second`);
    };
    const slots = async (server, n, options, text) => all(Array.from({ length: n }), async () => {
      const w = await server.connect(options);
      if (text) w.write(text);
      return w;
    });
    const honest = async (server, n = 20, limit = 8000) => {
      for (let i = 0; i < n; i++) {
        const start = Date.now();
        assert.strictEqual((await server.ask(get('/health'), { tls: i % 2 === 1 })).status, 200);
        assert.ok(Date.now() - start < limit, `an honest client waited ${Date.now() - start} ms`);
      }
    };
    const drop = (list) => { for (const w of list) w.destroy(); };

    it('300 idle connections: honest requests go on, all slots come back, nothing spins', async () => {
      const server = await own({});
      const idle = await slots(server, 300);
      await honest(server);
      const kept = await slots(server, 256, {}, get('/health'));
      await all(kept, (w) => w.answer());
      await honest(server);
      await noSpin(server, 'idle connections');
      drop([...idle, ...kept]);
      await allSlots(server);
    });

    it('300 unfinished heads: honest requests go on', async () => {
      const server = await own({});
      const heads = await slots(server, 300, {}, 'GET /health HTTP/1.1\r\nHost: a\r\nX: ');
      await honest(server);
      // Newcomers are not the ones who give way to the next, even when they have sent nothing yet.
      const fresh = await slots(server, 40);
      await honest(server);
      await all(fresh, (w) => w.stillOpen());
      drop(fresh);
      const told = heads.filter((w) => w.data.length); // the oldest were told
      assert.ok(told.length >= 40, `${told.length}`);
      for (const w of told) {
        assert.strictEqual((await w.answer()).status, 503);
        await w.closes();
      }
      await noSpin(server, 'unfinished heads');
      drop(heads);
      await allSlots(server);
    });

    it('300 unfinished TLS handshakes: honest requests go on', async () => {
      const server = await own({});
      const stalled = await all(Array.from({ length: 300 }), () => new Promise((resolve, reject) => {
        const c = leave(net.connect({ port: server.secure, host: '127.0.0.1', localAddress: peer() }, () => { c.write('\x16\x03\x01'); resolve(c); }));
        c.once('error', reject).on('error', () => {});
      }));
      await honest(server);
      await noSpin(server, 'unfinished handshakes');
      drop(stalled);
      await allSlots(server);
    });

    it('64 honest clients side by side, over plain and TLS', async () => {
      const server = await own({});
      await all(Array.from({ length: 64 }), async (_, i) => {
        const w = await server.connect({ tls: i % 2 === 0 });
        for (let n = 0; n < 10; n++) {
          w.write(post('/encrypt', VALUE, `Authorization: Bearer ${server.token}`));
          assert.strictEqual((await w.answer()).json.message, NO_KEY);
          await w.stillOpen();
        }
        w.destroy();
      });
      await allSlots(server);
    });

    it('clients that send requests without end and take no answers stop nobody', async () => {
      const server = await own({});
      const floods = await all(Array.from({ length: 20 }), async (_, i) => {
        const w = await server.connect({ tls: i % 4 === 3 });
        w.raw.pause(); // reads nothing from now on
        w.socket.pause();
        const text = get('/').repeat(500);
        while (w.socket.writableLength < (1 << 20)) {
          w.write(text);
          await sleep(5);
          if (w.ended) break;
        }
        return w;
      });
      await honest(server);
      await noSpin(server, 'clients that do not read');
      const clogged = floods.filter((w) => !w.ended);
      assert.ok(clogged.length > 15, 'they are still waited for');
      drop(floods);
      await allSlots(server);
    });

    it('clients that pipeline without end and take the answers stop nobody', async () => {
      const server = await own({});
      let on = true;
      const text = get('/health').repeat(200);
      const floods = await all(Array.from({ length: 12 }), async () => {
        const w = await server.connect();
        w.socket.removeAllListeners('data').on('data', () => {});
        const more = () => { if (on && !w.ended) w.socket.write(text, more); };
        more();
        return w;
      });
      await honest(server, 10);
      on = false;
      drop(floods);
      await allSlots(server);
    });

    it('slow readers of a long answer: no more than 6 at once, then 503; quick requests go on', async () => {
      const server = await own({}, records(20000));
      const readers = await slots(server, 6, {});
      for (const w of readers) {
        w.socket.pause();
        w.write(list(server));
      }
      await sleep(500);
      const a = await server.ask(list(server));
      assert.strictEqual(a.status, 503);
      assert.strictEqual(a.headers['retry-after'], '2');
      await honest(server);
      await noSpin(server, 'slow readers');
      // One of them reads on and gets everything; one goes away in the middle: both places are free again.
      readers[0].socket.resume();
      const full = await readers[0].answer();
      assert.strictEqual(full.json.records.length, 20000);
      assert.strictEqual(full.json.record_count, 20000);
      await readers[0].stillOpen();
      readers[1].destroy();
      await sleep(300);
      assert.strictEqual((await server.ask(list(server))).status, 200);
      drop(readers);
      await allSlots(server);
    });

    it('a storm of broken, cut and odd connections leaves nothing behind', async () => {
      const server = await own({}, records(3000));
      const token = `Authorization: Bearer ${server.token}`;
      const kinds = [
        (w) => w.destroy(),
        (w) => { w.write(get('/health')); w.destroy(); },
        (w) => { w.write(list(server)); setTimeout(() => w.destroy(), 3); },
        (w) => { w.write(list(server).repeat(20)); w.socket.pause(); },
        (w) => { w.write('\0\0\0\0garbage'); },
        (w) => { w.write(lines('POST /encrypt HTTP/1.1', 'Host: a', token, 'Content-Type: application/json', 'Content-Length: 9')); w.end(); },
        (w) => { w.write(lines('POST /company/populate HTTP/1.1', 'Host: a', token, 'Content-Type: text/csv', 'Transfer-Encoding: chunked') + chunk('name\r\n')); w.end(); },
        (w) => { w.write(lines('POST /nothing HTTP/1.1', 'Host: a', 'Content-Length: 100000') + ' '.repeat(50000)); },
        (w) => { w.write(get('/health') + 'GET /hea'); w.raw.resetAndDestroy(); },
        (w) => { w.write(post('/encrypt', VALUE, token).repeat(30)); w.end(); },
        (w) => { w.end(); },
        (w) => { w.write(lines('GET /health HTTP/1.1', 'Host: a', 'Connection: close') + get('/health').repeat(50)); },
      ];
      const sockets = [];
      for (let round = 0; round < 8; round++) {
        await all(kinds, (kind) => all(both, async (tls) => {
          const w = await server.connect({ tls });
          sockets.push(w);
          kind(w);
        }));
        for (let i = 0; i < 6; i++) {
          const c = leave(net.connect(server.secure, '127.0.0.1'));
          c.on('error', () => {}).on('connect', () => { c.write(['', 'GET / HTTP/1.1\r\n\r\n', '\x16\x03\x01\x00\x05hello', '\x15\x03\x03\x00\x02\x02\x28', '\x80\x2e\x01', '\x17\x03\x03\xff\xff'][i], 'latin1'); if (i % 2) c.end(); });
          sockets.push(c);
        }
        await honest(server, 2);
      }
      await noSpin(server, 'what the storm left');
      drop(sockets);
      await allSlots(server);
    });
  });

  // --- secrets -----------------------------------------------------------------------------------------------------
  it('wipes what requests carried', async (t) => {
    const server = await own({});
    const marks = both.map((tls) => `mark-${tls ? 'tls' : 'plain'}-${Math.random().toString(36).slice(2)}`);
    for (const [i, tls] of both.entries()) {
      const w = await server.connect({ tls });
      for (let n = 0; n < 3; n++) {
        w.write(post('/encrypt', JSON.stringify({ plaintext: `${marks[i]}-body` }), `Authorization: Bearer ${server.token}`, `X-Secret: ${marks[i]}-head`));
        await w.answer();
      }
      if (tls) { w.destroy(); await sleep(100); } // the record buffer of an open connection is overwritten by its next record
    }
    let found;
    try { found = scan(server.child.pid, [...marks, server.token]); } catch (e) {
      if (e.code !== 'EACCES' && e.code !== 'EPERM') throw e;
      t.skip('reading another process needs CAP_SYS_PTRACE');
      return;
    }
    assert.deepStrictEqual(found, []);
  });

  // --- start and stop ----------------------------------------------------------------------------------------------
  describe('start', { concurrency: 3 }, () => {
    const run = (env, args) => Server.spawn({ ...env }, { args }).ended;

    it('refuses wrong settings with one line that names the variable, and exit status 2', async () => {
      const hash = 'a'.repeat(64);
      const cases = { HTTP_PORT: '65536', HTTPS_PORT: 'https', LISTEN: 'localhost', OPERATOR_AUTH: 'sha256:abc', DATA_DIR: 'relative', LOG_LEVEL: 'loud', AUTO_INIT: 'yes',
        SKR_KEY_NAME: 'a_b', SKR_MAA_ENDPOINT: 'https://a', SKR_AKV_ENDPOINT: 'a b', PARTNER_CONTOSO_URL: 'http://a', PARTNER_CONTOSO_HOST_DATA: hash.slice(1), CSV_PATH: 'x.csv',
        MIN_GROUP_SIZE: '0', GENERATION_YEAR: '26', CERT_CACHE: 'none', SECURITY_POLICY_HASH: 'x', IMDS_ENDPOINT: 'http://example.com', EXTRA_TRUST_ANCHOR: '/nonexistent',
        SKR_KEYNAME: 'x', PARTNER_WINGTIP_URL: 'https://a', OPERATOR_TOKEN: 'x' };
      await all(Object.entries(cases), async ([name, value]) => {
        const { code, out, log } = await run({ [name]: value });
        assert.strictEqual(code, 2, `${name}: ${log}`);
        assert.strictEqual(out, '');
        assert.match(log, new RegExp(`^parley: ${name}: [^\\n]+\\n$`));
      });
      const twice = await run({ SKR_KEY_NAME: 'contoso-fabrikam-key' });
      assert.match(twice.log, /^parley: SKR_KEY_NAME: [^\n]+\n$/);
      const off = await run({ HTTP_PORT: 'off', HTTPS_PORT: 'off' });
      assert.deepStrictEqual([off.code, /^parley: HTTP_PORT: [^\n]+\n$/.test(off.log)], [2, true]);
      const secret = await run({ OPERATOR_AUTH: 'my-password' });
      assert.ok(secret.code === 2 && !secret.log.includes('my-password'), 'a secret is not shown');
    });

    it('tells all problems of the settings at once, in at most ten lines', async () => {
      const { code, out, log } = await run({ LOG_LEVEL: 'loud', SKR_MAA_ENDPIONT: 'x', TLS_CERT: 'x', OPERATOR_AUTH: 'my-password' });
      assert.deepStrictEqual([code, out], [2, '']);
      const lines = log.trim().split('\n').sort();
      assert.deepStrictEqual(lines.map((l) => l.split(': ').slice(0, 2).join(': ')), ['LOG_LEVEL', 'OPERATOR_AUTH', 'SKR_MAA_ENDPIONT', 'TLS_KEY'].map((n) => `parley: ${n}`), log);
      assert.match(lines[0], /expected error, warn, info or debug, got "loud"$/);
      assert.match(lines[2], /did you mean SKR_MAA_ENDPOINT\?$/);
      assert.ok(!log.includes('my-password'));
      const many = await run(Object.fromEntries(Array.from({ length: 14 }, (_, i) => [`SKR_${i}`, 'x'])));
      assert.deepStrictEqual([many.code, many.log.trim().split('\n').length, many.log.trim().split('\n').pop()], [2, 10, 'parley: and 5 more']);
    });

    it('--check says whether it would start, without a device, a port or a directory', async () => {
      const good = await run({ DATA_DIR: '/nonexistent/x', HTTP_PORT: '1', PEER_PORT: 'tcp://10.0.0.1:1' }, ['--check']);
      assert.deepStrictEqual([good.code, good.out], [0, '']);
      assert.match(good.log, /^parley: note: PEER_PORT: a service variable of Kubernetes[^\n]+\n$/);
      const bad = await run({ HTTP_PORT: '65536', EXTRA_TRUST_ANCHOR: '/nonexistent' }, ['--check']);
      assert.deepStrictEqual([bad.code, bad.out], [2, '']);
      assert.match(bad.log, /^parley: HTTP_PORT: [^\n]+\n$/);
    });

    it('--settings lists all settings and what is in force, without secrets', async () => {
      const r = await run({ OPERATOR_AUTH: `sha256:${'ab'.repeat(32)}`, MIN_GROUP_SIZE: '7' }, ['--settings']);
      assert.strictEqual(r.code, 0, r.log);
      const [table, list] = r.out.split('\n\n');
      assert.match(table, /^\| setting \| default \| values \| meaning \|\n\|---\|---\|---\|---\|\n/);
      const rows = table.split('\n').slice(2);
      assert.ok(rows.length > 50 && rows.every((row) => /^\| `[A-Z_]+` \|( `[^`]+`)? \| [^|]+ \| [^|]+ \|$/.test(row)), table);
      assert.strictEqual(new Set(rows.map((row) => row.split('`')[1])).size, rows.length, 'each once');
      assert.ok(list.includes('MIN_GROUP_SIZE=7\n') && list.includes('OPERATOR_AUTH=(secret)\n') && !r.out.includes('abab'), list);
      assert.strictEqual((await run({ LOG_LEVEL: 'loud' }, ['--settings'])).code, 2);
    });

    it('takes no other arguments than --check, --settings, --version and --help', async () => {
      for (const args of [['-x'], ['--version', 'x'], ['--check', '--settings'], ['']]) {
        const { code, out, log } = await run({}, args);
        assert.deepStrictEqual([code, out], [2, '']);
        assert.match(log, /^usage: parley [^\n]+\n/);
      }
      const version = await run({}, ['--version']);
      assert.deepStrictEqual([version.code, version.log], [0, '']);
      assert.match(version.out, /^parley \d+\.\d+\.\d+\n$/);
      const help = await run({}, ['--help']);
      assert.deepStrictEqual([help.code, help.log], [0, '']);
      assert.match(help.out, /^usage: parley [^\n]+\n/);
    });

    it('warns when nobody can operate it', async () => {
      for (const [auth, warns] of [[undefined, true], ['none', false], [`sha256:${'0'.repeat(64)}`, false]]) {
        const server = await own({ OPERATOR_AUTH: auth });
        assert.strictEqual(/warn .*OPERATOR_AUTH is not set: nobody can operate this party/.test(server.log), warns, server.log);
      }
    });

    it('says which port is taken, or that DATA_DIR cannot be written, and exits with 1', async () => {
      const [port] = await free(1);
      const holder = leave(net.createServer().listen(port, '127.0.0.1'));
      await new Promise((resolve) => holder.on('listening', resolve));
      for (const name of ['HTTP_PORT', 'HTTPS_PORT']) {
        const { code, out, log } = await run({ [name]: String(port) });
        assert.deepStrictEqual([code, out], [1, '']);
        assert.match(log, new RegExp(`error contoso http: cannot listen; is the port taken.* port=${port}\\n`));
      }
      holder.close();
      const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'parley-http-')), 'file');
      fs.writeFileSync(file, '');
      const { code, log } = await run({ DATA_DIR: file });
      assert.strictEqual(code, 1);
      assert.match(log, /DATA_DIR/);
      fs.rmSync(path.dirname(file), { recursive: true });
    });

    it('works with one port only, and can be restarted on the same port at once', async () => {
      const [port] = await free(1);
      for (const [on, off] of [['HTTP_PORT', 'HTTPS_PORT'], ['HTTPS_PORT', 'HTTP_PORT'], ['HTTP_PORT', 'HTTPS_PORT']]) {
        const server = await own({ [on]: String(port), [off]: 'off' });
        assert.strictEqual((await server.ask(get('/health'), { tls: on === 'HTTPS_PORT' })).status, 200);
        assert.strictEqual((await server.stop()).code, 0);
      }
    });

    it('survives that nobody reads its log', async () => {
      const child = spawn(PARLEY, [], { env: { ...(await own({})).settings, HTTP_PORT: String((await free(1))[0]) }, stdio: ['ignore', 'ignore', 'pipe'] });
      const port = await new Promise((resolve) => {
        let log = '';
        child.stderr.on('data', (d) => { log += d; const m = /plain port=(\d+)/.exec(log); if (m) resolve(Number(m[1])); });
      });
      child.stderr.destroy();
      for (let i = 0; i < 5; i++) {
        const status = await new Promise((resolve, reject) => {
          require('node:http').get({ port, host: '127.0.0.1', path: '/health', agent: false }, (r) => { r.resume(); resolve(r.statusCode); }).on('error', reject);
        });
        assert.strictEqual(status, 200);
      }
      child.kill('SIGTERM');
      assert.strictEqual(await new Promise((resolve) => child.on('exit', resolve)), 0);
    });
  });
});
