// Many connections that are of no use, and honest clients beside them (tests/load).
'use strict';
const assert = require('node:assert');
const { describe, it, after } = require('node:test');
const { fork } = require('node:child_process');
const net = require('node:net');
const path = require('node:path');
const { Server, leave, closeAll, get, post, within, sleep } = require('./raw');
const { work, quantile, median } = require('../load/honest');

const SLOTS = 256;
const from = (net, n) => Array.from({ length: n }, (_, i) => `127.${net}.${i >> 7}.${1 + (i & 127)}`);

// Runs fn(count) beside 2,000 idle connections and 500 slow ones, which come back when they are ended, once the server has had to do with all of them.
async function beside(server, addresses, fn) {
  const child = fork(path.join(__dirname, '../load/hostile.js'), [JSON.stringify({ plain: server.plain, secure: server.secure, idle: 2000, slow: 500, from: addresses })]);
  const message = () => within(60000, 'hostile connections', () => new Promise((resolve) => child.once('message', resolve)));
  const count = () => { child.send('count'); return message(); };
  try {
    await message();
    await within(60000, 'that they are too many', async () => { while ((await count()).ended < 2500 - SLOTS) await sleep(20); });
    return await fn(count);
  } finally {
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
  }
}

describe('2,000 idle connections and 500 of a byte a second', () => {
  // A server of its own for each, which must end well, within the 1,024 descriptors that a process has by default.
  const withServer = async (options, fn) => {
    const s = await Server.start({ LOG_LEVEL: 'info', ...options.settings }, options);
    await fn(s);
    assert.ok(s.status('Max open files', 'limits') <= 1024, 'it allows itself more');
    const { code, log } = await s.stop();
    assert.strictEqual(code, 0);
    assert.doesNotMatch(log, /out of descriptors|no slot/);
  };
  const small = (s) => {
    assert.ok(s.descriptors() <= SLOTS + 64, `${s.descriptors()} descriptors`);
    assert.ok(s.status('VmHWM') <= 64 * 1024, `${s.status('VmHWM')} KiB at most`);
  };
  after(closeAll);

  it('64 honest clients: no failure, 99 of 100 requests within three times the time without them, at most 64 MiB', (t) => withServer({}, async (s) => {
    const requests = [[get('/health'), 200], [get('/skr/config'), 200], [get('/nothing'), 404], [`${get('/health', 'Content-Length: 3')}abc`, 200]];
    const addresses = from(10, 64);
    const round = async () => {
      const { times, failures } = await work(s, { clients: 64, ms: 1500, requests, from: (i) => addresses[i] });
      assert.deepStrictEqual(failures, []);
      return quantile(times, 0.99);
    };
    const measure = async () => {
      const [free, loaded] = [[], []];
      for (let i = 0; i < 5; i++) {
        free.push(await round());
        await beside(s, from(66, 25), async () => { loaded.push(await round()); small(s); });
      }
      const ratio = median(loaded.map((ms, i) => ms / free[i]));
      t.diagnostic(`99 of 100 within ${free.map((x) => x.toFixed(1))} ms, with them ${loaded.map((x) => x.toFixed(1))} ms: ratio ${ratio.toFixed(2)}; ${s.status('VmHWM')} KiB`);
      return ratio;
    };
    await round(); // warm
    const ratio = await measure();
    // Once more before saying no: the machine may have been busy with something else.
    if (ratio > 3) assert.ok(await measure() <= 3, 'three times');
  }));

  it('from one address: others get all the connections they want and keep them', () => withServer({}, (s) => beside(s, ['127.66.1.1'], async (count) => {
    const others = await Promise.all(from(11, 128).map((address, i) => s.connect({ tls: i % 4 === 0, from: address })));
    const { ended } = await count();
    await within(60000, 'that 1,000 more hostile ones have come and gone', async () => {
      while ((await count()).ended < ended + 1000) await Promise.all(others.map((w) => w.stillOpen())).then(() => sleep(500));
    });
    await Promise.all(others.map((w) => w.stillOpen()));
    small(s);
    for (const w of others) w.destroy();
  })));

  it('an unfinished request of the address with the most connections is told why it has to go', () => withServer({}, async (s) => {
    const flood = await Promise.all(Array.from({ length: SLOTS }, () => s.connect({ from: '127.14.1.1' })));
    for (const w of flood) w.write(`${get('/health')}GET /health HTTP/1.1\r\nX: `);
    await Promise.all(flood.map((w) => w.answer()));
    const others = [];
    while (!flood.some((w) => w.data.length) && others.length < SLOTS / 2) {
      others.push(await s.connect({ from: '127.14.1.2' }));
      await others.at(-1).stillOpen();
    }
    const told = flood.find((w) => w.data.length);
    const a = await told.answer();
    assert.deepStrictEqual([a.status, a.headers.connection], [503, 'close']);
    assert.match(a.json.message, /its address has the most/);
    await told.closes();
    for (const w of [...flood, ...others]) w.destroy();
  }));

  it('all connections may come from one address while nobody else wants them: a proxy, a network behind one address', () => withServer({}, async (s) => {
    const list = await Promise.all(Array.from({ length: SLOTS }, () => s.connect({ from: '127.12.1.1' })));
    await Promise.all(list.map((w) => w.stillOpen()));
    await Promise.all(list.map((w) => w.stillOpen()));
    for (const w of list) w.destroy();
  }));

  it('the storage for strangers: no more than 2 of its 5 places for one address', async () => {
    const waiting = [];
    const storage = leave(net.createServer((socket) => { waiting.push(leave(socket.on('error', () => {}))); })); // never answers
    await new Promise((resolve) => { storage.listen(0, '127.0.0.1', resolve); });
    const settings = { AZURE_STORAGE_BLOB_ENDPOINT: `http://127.0.0.1:${storage.address().port}/a`, AZURE_STORAGE_SAS: 'sv=1&sig=x' };
    await withServer({ settings }, async (s) => {
      const asking = [];
      const ask = async (address) => {
        const w = await s.connect({ from: address });
        w.write(get('/storage/list'));
        asking.push(w);
        return w;
      };
      for (const [i, address] of ['127.13.1.1', '127.13.1.1', '127.13.1.4', '127.13.1.4', '127.13.1.5'].entries()) {
        if (i === 2) assert.strictEqual((await (await ask('127.13.1.1')).answer()).status, 503);
        await ask(address);
        await within(20000, `operation ${i} runs`, async () => { while (waiting.length <= i) await sleep(5); });
      }
      assert.strictEqual((await s.ask(get('/storage/list'))).status, 503);
      assert.strictEqual((await s.ask(post('/skr/release', '{}', `Authorization: Bearer ${s.token}`))).status, 400, 'the operator has a place');
      for (const w of [...asking, ...waiting]) w.destroy();
    });
  });
});
