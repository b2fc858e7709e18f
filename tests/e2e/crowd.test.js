// Strangers who read slowly or ask much: what is for others goes on, and nothing that anybody may ask for without limit is dear.
'use strict';
const assert = require('node:assert');
const fs = require('fs');
const http = require('http');
const net = require('net');
const path = require('path');
const { after, before, describe, it } = require('node:test');
const { routes } = require('../contract/contract');
const { World } = require('../world/world');
const { Caller, Peer } = require('./lib-peer');
const { scratch, newPeer, sleep } = require('./lib');
const { Server, Wire, closeAll, get, leave, within } = require('./raw');

const BLOB_SIZE = 64 << 20;
const SLOW = ['127.88.1.1', '127.88.1.2'];

// A storage account with one large blob and nothing else.
async function storage() {
  const server = http.createServer((req, res) => {
    const range = /^bytes=(\d+)-(\d+)$/.exec(req.headers.range || req.headers['x-ms-range'] || '');
    if (!range) {
      res.writeHead(404, { 'x-ms-error-code': 'BlobNotFound' }).end();
      return;
    }
    const [from, to] = [Number(range[1]), Math.min(Number(range[2]), BLOB_SIZE - 1)];
    res.writeHead(206, { 'Content-Range': `bytes ${from}-${to}/${BLOB_SIZE}`, 'Content-Length': to - from + 1, 'Content-Type': 'text/plain', ETag: '"1"' });
    res.end(Buffer.alloc(to - from + 1, 'a'));
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return { endpoint: `http://127.0.0.1:${server.address().port}/account`, close: () => { server.closeAllConnections(); server.close(); } };
}

// Nanoseconds of processor time that a process has used.
const cpu = (pid) => fs.readdirSync(`/proc/${pid}/task`)
  .reduce((sum, t) => sum + Number(fs.readFileSync(`/proc/${pid}/task/${t}/schedstat`, 'latin1').split(' ')[0]), 0);

describe('strangers', { timeout: 160000 }, () => {
  let account;
  let world;
  let contoso;
  let plain;

  before(async () => {
    account = await storage();
    world = await World.make({
      dir: scratch('crowd'), grantAll: true,
      settings: { contoso: { AZURE_STORAGE_BLOB_ENDPOINT: account.endpoint, AZURE_STORAGE_ACCOUNT: 'account', AZURE_STORAGE_SAS: 'sv=1&sig=x', OPERATOR_AUTH: 'none' } },
    });
    contoso = world.parties.contoso;
    await world.start(['contoso']);
    plain = Number(contoso.settings.HTTP_PORT);
  });
  after(async () => {
    closeAll();
    if (world) await world.stop();
    if (account) account.close();
  });

  const download = async (from) => {
    const w = await Wire.open(plain, { from });
    w.write(get('/storage/download/big.txt'));
    await w.until(() => w.data.length > 0, 20000, 'the beginning of an answer');
    return w;
  };

  it('two addresses that read slowly stop neither storage, attestation and proofs nor the peer port', async () => {
    const stalled = [];
    for (const from of [...SLOW, ...SLOW]) {
      const w = await download(from);
      assert.match(w.data.toString('latin1'), /^HTTP\/1\.1 200/);
      w.socket.pause();
      stalled.push(w);
    }
    // They have all that they may have.
    const more = await Wire.open(plain, { from: SLOW[0] });
    more.write(get('/storage/download/big.txt'));
    const refused = await more.answer();
    assert.strictEqual(refused.status, 503, refused.text);
    assert.strictEqual(refused.headers['retry-after'], '2');
    for (let i = 0; i < 10; i++) {
      const from = newPeer();
      const ask = (method, target, body) => contoso.request(method, target, { auth: false, localAddress: from, body });
      const answers = await Promise.all([
        ask('POST', '/attest/maa', { runtime_data: 'AAAA' }), ask('POST', '/attest/raw', { runtime_data: 'AAAA' }),
      ]);
      answers.push(...await Promise.all([
        ask('GET', `/attestation?nonce=${Buffer.alloc(32, i).toString('base64url')}`), ask('GET', '/.well-known/parley/proof'),
      ]), await ask('GET', '/security/policy'), await ask('GET', '/company/encrypted-status'));
      for (const a of answers) assert.strictEqual(a.status, 200, a.text);
      const peer = new Peer(world.services, { role: 'woodgrove', guest: { hostData: world.hostData.woodgrove } });
      const c = await Caller.connect(world.ports.contoso.peer, peer, { from });
      assert.strictEqual((await c.hello()).status, 200);
      assert.strictEqual((await c.proof()).status, 204);
      assert.strictEqual((await c.list()).status, 200);
      c.end();
    }
    // Storage, too, has a place left for a third address.
    (await download(newPeer())).destroy();
    for (const w of [...stalled, more]) w.destroy();
  });

  // Takes 6 KiB a second: each piece of the answer goes out in less than the time that one may take.
  const trickle = (from) => {
    const socket = net.connect({
      port: plain, host: '127.0.0.1', localAddress: from,
      onread: { buffer: Buffer.alloc(3072), callback: () => { setTimeout(() => socket.resume(), 500); return false; } },
    });
    leave(socket.on('error', () => {})).write(get('/storage/download/big.txt'));
  };

  it('who takes 6 KiB a second of a long answer is let go', async () => {
    const from = newPeer();
    const started = Date.now();
    trickle(from);
    trickle(from);
    const status = async () => {
      const w = await Wire.open(plain, { from });
      w.write(get('/storage/download/big.txt'));
      await w.until(() => w.data.length > 12, 20000, 'the beginning of an answer');
      w.destroy();
      return w.data.toString('latin1').slice(9, 12);
    };
    await within(10000, 'that both are being answered', async () => { while (await status() !== '503') await sleep(100); });
    await within(90000, 'that one of them is let go', async () => { while (await status() === '503') await sleep(500); });
    assert.ok(Date.now() - started > 20000, 'a slow reader has 20 s at least');
  });

  // Pipelined, so that what is measured is the request and not the waiting for it; one answer's size is that of all.
  const run = (port, text, n) => within(30000, text, () => new Promise((resolve, reject) => {
    const c = net.connect({ port, host: '127.0.0.1', localAddress: newPeer() });
    let [sent, bytes, size] = [1, 0, 0];
    c.on('error', reject).on('close', () => reject(new Error(`closed after ${bytes} bytes`))).on('data', (d) => {
      bytes += d.length;
      if (!size) {
        const head = d.toString('latin1');
        const length = /^Content-Length: (\d+)/m.exec(head);
        size = head.indexOf('\r\n\r\n') + 4 + (length ? Number(length[1]) : 0);
      }
      const done = Math.floor(bytes / size);
      const next = Math.min(n, done + 16) - sent;
      if (next > 0) {
        c.write(text.repeat(next));
        sent += next;
      }
      if (done >= n) {
        c.removeAllListeners('close').destroy();
        resolve();
      }
    });
    c.write(text);
  }));

  it('what anybody may ask for without limit costs at most three times as much as /health', async (t) => {
    // By itself: beside the simulated device each look for it would be the simulation's time.
    const server = await Server.start({ LOG_LEVEL: 'info' });
    const cost = async (text) => {
      await run(server.plain, text, 30);
      const start = cpu(server.child.pid);
      await run(server.plain, text, 800);
      return cpu(server.child.pid) - start;
    };
    const files = fs.readdirSync(path.join(__dirname, '../../src/ui')).filter((n) => /\.(m?js|css)$/.test(n)).map((n) => ({ method: 'GET', path: `/ui/${n}` }));
    const open = [...routes.filter((r) => r.access === 'public' && r.rate === 0), ...files];
    assert.ok(open.length >= 20, `${open.length} routes`);
    const dear = [];
    for (const r of open) {
      for (const line of ['', 'Accept-Encoding: gzip\r\n']) {
        const text = `${r.method} ${r.ask || r.path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n${line}\r\n`;
        // More than once before saying no: the machine may have been busy with something else.
        let ratio = Infinity;
        for (let i = 0; i < 4 && ratio > 3; i++) ratio = Math.min(ratio, (await cost(text)) / (await cost(get('/health'))));
        if (ratio > 3) dear.push(`${r.method} ${r.path} ${line.trim()}: ${ratio.toFixed(1)}`);
        t.diagnostic(`${r.path} ${line.trim()} ${ratio.toFixed(2)}`);
      }
    }
    assert.deepStrictEqual(dear, []);
    assert.strictEqual((await server.stop()).code, 0);
  });
});
