// Everything that happens to parties, for as long as asked: analyses, imports, releases, encryption, evidence; pages over plain and TLS; slow readers and slow
// senders; broken connections. What must not happen is an answer other than the right one, and growth.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const { Wire, get, post, lines, sleep } = require('../e2e/raw');
const { newPeer, release, upload } = require('../e2e/lib');

let list = ''; // of records, as the operator may ask for it
const ODD = [
  (w) => w.destroy(),
  (w) => { w.write(get('/health')); w.destroy(); },
  (w) => { w.write(list); setTimeout(() => w.destroy(), 3); },
  (w) => { w.write(list.repeat(20)); w.socket.pause(); setTimeout(() => w.destroy(), 500); },
  (w) => { w.write('\0\0\0\0garbage'); },
  (w) => { w.write(lines('POST /encrypt HTTP/1.1', 'Host: a', 'Content-Type: application/json', 'Content-Length: 9')); w.end(); },
  (w) => { w.write(lines('POST /nothing HTTP/1.1', 'Host: a', 'Content-Length: 100000') + ' '.repeat(50000)); },
  (w) => { w.write(`${get('/health')}GET /hea`); w.raw.resetAndDestroy(); },
  (w) => { w.write(post('/login', '{"token":"no"}').repeat(30)); w.end(); },
  (w) => { w.end(); },
];
const SLOW = ['GET /health HTTP/1.1\r\nHost: a\r\nX: ', lines('GET /health HTTP/1.1', 'Host: a', 'Content-Length: 1000'), ''];

// The process of a party: the program itself, not the device's stand-in around it.
function pidOf(party) {
  const all = fs.readdirSync('/proc').filter((n) => /^\d+$/.test(n)).map((pid) => {
    try {
      const [, name, rest] = /^\d+ \((.*)\) (.*)/.exec(fs.readFileSync(`/proc/${pid}/stat`, 'latin1'));
      return { pid: Number(pid), name, parent: Number(rest.split(' ')[1]) };
    } catch { return {}; /* gone meanwhile */ }
  });
  const at = all.find((p) => p.parent === party.child.pid && p.name === 'parley') || all.find((p) => p.pid === party.child.pid && p.name === 'parley');
  assert.ok(at, `the process of ${party.name}`);
  return at.pid;
}

// {memory (KiB), threads, descriptors (0 where only root may look)}
function sizes(pid) {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'latin1');
  const of = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)[1]);
  let descriptors = 0;
  try { descriptors = fs.readdirSync(`/proc/${pid}/fd`).length; } catch (e) { if (e.code !== 'EACCES') throw e; }
  return { memory: of('VmRSS'), threads: of('Threads'), descriptors };
}

const either = (n) => n % 2 === 0;
const port = (party, secure) => Number(secure ? party.settings.HTTPS_PORT : party.settings.HTTP_PORT);
const wire = (party, secure) => Wire.open(port(party, secure), { tls: secure });

// Traffic of all kinds until stop() is called. -> {done: Promise of {name: how often}, stop}
function traffic(world, csv, want) {
  const parties = ['contoso', 'fabrikam', 'woodgrove'].map((n) => world[n]);
  const providers = parties.slice(0, 2);
  const count = {};
  list = get('/company/list', `Authorization: Bearer ${world.token}`);
  let over = false;
  const loops = [];
  // fn(n) again and again, with so many ms between.
  const loop = (name, ms, fn) => {
    count[name] = 0;
    loops.push((async () => {
      for (let n = 0; !over; n++) {
        try { await fn(n); } catch (e) {
          over = true;
          e.message = `${name}, ${n}: ${e.message}`;
          throw e;
        }
        count[name] += 1;
        await sleep(ms);
      }
    })());
  };
  const good = (r, what) => { assert.strictEqual(r.status, 200, `${what}: ${r.text}`); return r; };

  loop('analysis', 300, async (n) => {
    if (either(n)) {
      assert.deepStrictEqual(good(await world.woodgrove.post('/partner/analyze', {}, { localAddress: newPeer() }), 'analysis').json, want);
    } else {
      const { events } = await world.woodgrove.events('/partner/analyze-stream');
      const last = events.at(-1);
      assert.deepStrictEqual([last.type, last.total_count, last.salary_by_country], ['complete', want.total_count, want.salary_by_country]);
    }
  });
  for (const p of providers) {
    loop(`import ${p.name}`, 1500, async (n) => good(await upload(p, csv[p.name][n % 2]), 'import'));
    loop(`crypt ${p.name}`, 200, async (n) => {
      const sealed = good(await p.post('/encrypt', { plaintext: `value ${n}` }, { localAddress: newPeer(), tls: either(n) }), 'encrypt').json.ciphertext;
      assert.strictEqual(good(await p.post('/decrypt', { ciphertext: sealed }, { localAddress: newPeer() }), 'decrypt').json.plaintext, `value ${n}`);
    });
  }
  loop('release', 1000, async (n) => good(await release(parties[n % 3]), 'release'));
  loop('evidence', 700, async (n) => good(await parties[n % 3].get(`/attestation?nonce=${'00'.repeat(31)}${String(n % 100).padStart(2, '0')}`, { localAddress: newPeer() }), 'evidence'));
  loop('reading slowly', 100, async (n) => {
    const w = await wire(providers[n % 2], either(n >> 1));
    w.write(list);
    w.socket.pause();
    await sleep(300);
    w.socket.resume();
    assert.strictEqual((await w.answer()).status, 200);
    w.destroy();
  });
  for (let i = 0; i < 6; i++) {
    loop(`page ${i}`, 0, async () => {
      const w = await wire(parties[i % 3], i < 3);
      for (let n = 0; n < 30 && !over; n++) {
        w.write(get(['/ui/app.js', '/health', '/skr/key-status', '/nothing'][n % 4]));
        assert.strictEqual((await w.answer()).status, n % 4 === 3 ? 404 : 200);
        await sleep(10);
      }
      w.destroy();
    });
  }
  for (let i = 0; i < 12; i++) {
    loop(`sending slowly ${i}`, 0, async () => {
      const w = await wire(parties[i % 3], i >= 9).catch(() => null); // the server may have ended it
      if (!w) return;
      w.write(SLOW[(i >> 2) % 3]);
      while (!w.ended && !over) {
        w.write('x');
        await sleep(1000);
      }
      w.destroy();
    });
  }
  loop('odd', 50, async (n) => {
    const w = await wire(parties[n % 3], either(n >> 1));
    ODD[n % ODD.length](w);
    setTimeout(() => w.destroy(), 1000);
  });
  return { done: Promise.all(loops).then(() => count), stop: () => { over = true; }, over: () => over };
}

// All slots of a party used once, so that their pages count from the beginning.
async function fill(party) {
  const list = await Promise.all(Array.from({ length: 256 }, () => wire(party, true)));
  await Promise.all(list.map((w) => w.stillOpen()));
  for (const w of list) w.destroy();
}

module.exports = { traffic, fill, sizes, pidOf };
