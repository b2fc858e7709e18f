// Small and large answers, handshakes, start and memory, beside nginx and gunicorn.
'use strict';
const fs = require('fs');
const path = require('path');
const tls = require('tls');
const { DIR, SERVER_CORE, run, client, meter, residentKiB, median, rounds, say } = require('./lib');
const servers = require('./servers');
const { World } = require('../world/world');

const SECONDS = 2;
const ROUNDS = 7; // of which the median counts: one alone is off by several per cent
const CONNECTIONS = 64;
const LIST_RECORDS = 20000; // about 20 MB of ciphertext

const UNITS = { us: 1e-6, ms: 1e-3, s: 1, m: 60, B: 1, KB: 1024, MB: 1 << 20, GB: 2 ** 30 };
function quantity(text) {
  const [, n, unit] = /^([\d.]+)([A-Za-z]+)$/.exec(text);
  return Number(n) * UNITS[unit];
}

// One run of wrk: requests and bytes a second, the 99th percentile of latency, and the server's processor time for each request.
async function load(server, target, { secure, connections = CONNECTIONS, headers = [] }) {
  const cpu = meter(server.child.pid);
  const before = cpu();
  const out = await client('wrk', ['-t1', `-c${connections}`, `-d${SECONDS}s`, '--latency', ...headers.flatMap((h) => ['-H', h]), server.url(target, secure)]);
  const spent = cpu() - before;
  const of = (pattern) => (pattern.exec(out) || [])[1];
  const requests = Number(of(/(\d+) requests in/));
  const bad = of(/Non-2xx or 3xx responses: (\d+)/) || (/connect [1-9]|write [1-9]/.test(of(/Socket errors: (.*)/) || '') && out);
  if (bad || !requests) throw new Error(`${server.name} ${target}: ${bad || 'no answers'}\n${out}`);
  return { rate: Number(of(/Requests\/sec:\s+([\d.]+)/)), bytes: quantity(of(/Transfer\/sec:\s+(\S+)/)), p99: quantity(of(/^\s+99%\s+(\S+)/m)), cpu: spent / requests };
}

// Connections made one after the other: what each costs the server in processor time. s_time marks each resumed one with an r.
async function handshakes(server, kind) {
  const cpu = meter(server.child.pid);
  const before = cpu();
  const out = await client('openssl', ['s_time', '-connect', `127.0.0.1:${server.tlsPort}`, kind, '-tls1_2', '-time', String(SECONDS)]);
  return { cpu: (cpu() - before) / Number(/(\d+) connections in \d+ real seconds/.exec(out)[1]), resumed: /r{9}/.test(out) ? 1 : 0 };
}

async function startTimes(list) {
  const out = {};
  for (const server of list) {
    const times = [];
    for (let i = 0; i < (server.name === 'gunicorn' ? 3 : 15); i++) {
      const { stdout } = await run(path.join(DIR, 'start'), [SERVER_CORE, String(server.port), '/health', ...server.command], { env: server.env, cwd: DIR });
      times.push(Number(stdout) / 1e6);
    }
    out[server.name] = median(times);
  }
  return out;
}

// n TLS connections that have each had an answer, from several addresses of the loopback, held while then() runs.
async function holding(server, n, then) {
  const sockets = [];
  const open = (i) => new Promise((resolve, reject) => {
    const s = tls.connect({ host: '127.0.0.1', port: server.tlsPort, localAddress: `127.0.1.${1 + (i % 16)}`, rejectUnauthorized: false }, () => {
      s.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n');
    });
    s.once('data', resolve).once('error', reject).once('close', () => reject(new Error(`${server.name} closed a connection`)));
    sockets.push(s);
  });
  for (let i = 0; i < n; i += 16) await Promise.all(Array.from({ length: Math.min(16, n - i) }, (_, k) => open(i + k)));
  try { return await then(); } finally {
    for (const s of sockets) s.removeAllListeners('close').on('error', () => {}).destroy();
  }
}

async function memory(server) {
  const idle = residentKiB(server.child.pid);
  const held = await holding(server, 256, () => residentKiB(server.child.pid));
  return { idle, held };
}

// The list of a provider's records, and the same bytes from nginx, over TLS.
async function bulk(out) {
  const world = await World.make({ dir: path.join(DIR, 'world-bulk'), csv: { contoso: await require('./jobs').sample('contoso', LIST_RECORDS) }, standin: { } });
  const provider = world.contoso;
  provider.wrap = ['taskset', '-c', SERVER_CORE];
  let nginx;
  try {
    await world.start(['contoso']);
    nginx = await (await servers.nginx(out.sample, world.settings.contoso.DATA_DIR)).start();
    const file = fs.readdirSync(world.settings.contoso.DATA_DIR).find((n) => n.endsWith('.jsonl'));
    const ours = { name: 'parley', child: provider.child, url: () => `${provider.secure.replace('localhost', '127.0.0.1')}` };
    const list = [[ours, '/company/list'], [nginx, `/${file}`]];
    [out.bulk.parley, out.bulk.nginx] = await rounds(ROUNDS, list, ([s, target]) => {
      const at = s === ours ? { ...s, url: (t) => s.url() + t } : s;
      return load(at, target, { secure: true, connections: 2, headers: ['Accept: application/x-ndjson', `Authorization: Bearer ${world.token}`] });
    });
  } finally {
    if (nginx) await nginx.stop();
    await world.stop();
    world.clearData();
  }
}

async function httpBench() {
  const out = { plain: {}, tls: {}, config: {}, full: {}, resumed: {}, bulk: {}, memory: {} };
  const parley = await (await servers.parley()).start();
  const nginx = await (await servers.nginx(parley.sample)).start();
  const flask = await (await servers.gunicorn(false)).start();
  const flaskTls = await (await servers.gunicorn(true)).start();
  const all = [parley, nginx, flask];
  out.sample = parley.sample;
  try {
    say('  memory');
    for (const s of [parley, nginx, flaskTls]) out.memory[s.name] = await memory(s);
    const take = (into, list, results) => list.forEach((s, i) => { into[s.name] = results[i]; });
    say('  requests, plain');
    take(out.plain, all, await rounds(ROUNDS, all, (s) => load(s, '/health', {})));
    take(out.config, [parley, flask], await rounds(1, [parley, flask], (s) => load(s, '/skr/config', {})));
    say('  requests, TLS');
    const secure = [parley, nginx, flaskTls];
    take(out.tls, secure, await rounds(ROUNDS, secure, (s) => load(s, '/health', { secure: true })));
    say('  handshakes');
    take(out.full, [parley, nginx], await rounds(ROUNDS, [parley, nginx], (s) => handshakes(s, '-new')));
    take(out.resumed, [parley, nginx], await rounds(ROUNDS, [parley, nginx], (s) => handshakes(s, '-reuse')));
  } finally {
    await Promise.all([parley, nginx, flask, flaskTls].map((s) => s.stop()));
  }
  say('  start');
  out.start = await startTimes(all);
  say('  bulk over TLS');
  await bulk(out);
  return out;
}

module.exports = { httpBench };
if (require.main === module) {
  fs.mkdirSync(path.join(DIR, 'data'), { recursive: true });
  httpBench().then((r) => { console.dir(r, { depth: null }); process.exit(0); });
}
