// How the server ends: at once when idle, after the running requests, and never later than 5 s.
'use strict';
const assert = require('node:assert');
const { describe, it, after } = require('node:test');
const net = require('node:net');
const { Server, ownServers, get, post, list, records, sleep } = require('./raw');

const all = (of, fn) => Promise.all(of.map(fn));

describe('SIGTERM and SIGINT', { concurrency: true }, () => {
  const { own, stopAll } = ownServers();
  after(stopAll);
  const refused = (port) => new Promise((resolve) => net.connect(port, '127.0.0.1').on('error', (e) => resolve(e.code)).on('connect', () => resolve('connected')));

  it('end an idle server at once with 0', () => all(['SIGTERM', 'SIGINT'], async (signal) => {
    const { code, ms, log } = await (await own({})).stop(signal);
    assert.strictEqual(code, 0);
    assert.ok(ms < 4000, `${ms} ms`);
    assert.match(log, /keys wiped; goodbye\n$/);
  }));

  it('are heard from the first moment on', () => all([0, 2, 5, 10, 20], async (ms) => {
    const server = Server.spawn({});
    await sleep(ms);
    server.child.kill('SIGTERM');
    const { code, signal, log } = await server.ended;
    assert.ok(code === 0 || (signal === 'SIGTERM' && log === ''), `${code} ${signal} ${log}`); // or before main()
  }));

  it('end it with connections parked in every state', () => all(['SIGTERM', 'SIGINT'], async (signal) => {
    const server = await own({});
    const list = await all(['', 'GET /heal', post('/attest/raw', '{}').slice(0, -1), get('/health'), get('/health', 'Connection: close'), 'garbage\r\n'],
      (text) => all([false, true], async (tls) => { const w = await server.connect({ tls }); if (text) w.write(text); return w; }));
    await sleep(300);
    const { code, ms } = await server.stop(signal);
    assert.strictEqual(code, 0);
    assert.ok(ms < 4000, `${ms} ms`);
    for (const w of list.flat()) { await w.over(); w.destroy(); }
  }));

  it('let a running request finish; the listeners are closed at once', async () => {
    const server = await own({}, records(20000));
    const w = await server.connect();
    w.socket.pause();
    w.write(list(server));
    await sleep(500);
    const ended = server.stop();
    await sleep(200);
    assert.strictEqual(await refused(server.plain), 'ECONNREFUSED');
    assert.strictEqual(await refused(server.secure), 'ECONNREFUSED');
    w.socket.resume();
    assert.strictEqual((await w.answer()).json.records.length, 20000);
    const { code, ms } = await ended;
    assert.strictEqual(code, 0);
    assert.ok(ms < 4500, `${ms} ms`);
    w.destroy();
  });

  it('do not wait longer than 5 s for one that does not', async () => {
    const server = await own({}, records(20000));
    const w = await server.connect();
    w.socket.pause();
    w.write(list(server));
    await sleep(500);
    const { code, ms } = await server.stop();
    assert.strictEqual(code, 0);
    assert.ok(ms > 4000 && ms < 7000, `${ms} ms`);
    w.destroy();
  });
});
