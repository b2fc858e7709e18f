// The shipped server and clients that write and read bytes: for what no well-behaved HTTP library would send.
'use strict';
const assert = require('node:assert');
const { spawn } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const tls = require('node:tls');
const { PARLEY, sleep } = require('../world/party');

const servers = new Set();
process.on('exit', () => { for (const s of servers) s.child.kill('SIGKILL'); });

// What a failed test left open would keep the process alive: register with leave(), end with closeAll().
const left = new Set();
function leave(thing) {
  left.add(thing);
  return thing;
}
function closeAll() {
  for (const thing of left) thing.destroy ? thing.destroy() : thing.close();
  left.clear();
  for (const s of servers) s.child.kill('SIGKILL');
}

// build/parley with nothing around it: loopback, ports chosen by the kernel, a fresh data directory, no start-up work.
class Server {
  constructor(settings, files) {
    this.token = crypto.randomBytes(24).toString('base64url');
    this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'parley-http-'));
    for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(this.dir, name), text);
    this.settings = {
      LISTEN: 'loopback', HTTP_PORT: '0', HTTPS_PORT: '0', DATA_DIR: this.dir, AUTO_INIT: 'off', SKR_KEY_NAME: 'contoso-secret-key',
      OPERATOR_AUTH: `sha256:${crypto.createHash('sha256').update(this.token).digest('hex')}`, LOG_LEVEL: 'debug', ...settings,
    };
    for (const [name, value] of Object.entries(this.settings)) if (value === undefined) delete this.settings[name];
    this.out = '';
    this.log = '';
  }

  // settings: more of them, or undefined to leave one out. files: of the data directory. args: of the command line.
  // program: another than build/parley.
  static spawn(settings = {}, { files = {}, args = [], program = PARLEY } = {}) {
    const s = new Server(settings, files);
    const { PARLEY_TEST_RUN } = process.env; // how a left-over process is found
    s.child = spawn(program, args, { env: { ...s.settings, ...(PARLEY_TEST_RUN && { PARLEY_TEST_RUN }) }, stdio: ['ignore', 'pipe', 'pipe'] });
    s.child.stdout.on('data', (d) => { s.out += d; });
    s.child.stderr.on('data', (d) => { s.log += d; });
    s.ended = new Promise((resolve) => {
      s.child.on('close', (code, signal) => {
        servers.delete(s);
        fs.rmSync(s.dir, { recursive: true, force: true });
        resolve({ code, signal, out: s.out, log: s.log });
      });
    });
    servers.add(s);
    return s;
  }

  static async start(settings, options) {
    const s = Server.spawn(settings, options);
    const port = (kind) => Number((new RegExp(`listening, ${kind} port=(\\d+)`).exec(s.log) || [])[1]);
    const wanted = ['HTTP_PORT', 'HTTPS_PORT'].filter((n) => s.settings[n] !== 'off').length;
    await within(20000, 'listening', async () => {
      while ((s.log.match(/listening/g) || []).length < wanted) {
        if (!servers.has(s)) throw new Error(`ended at once: ${s.log}`);
        await sleep(5);
      }
    });
    s.plain = port('plain');
    s.secure = port('TLS');
    return s;
  }

  // -> {code, signal, out, log, ms}
  async stop(signal = 'SIGTERM') {
    const start = Date.now();
    this.child.kill(signal);
    return { ...await within(20000, `end after ${signal}`, () => this.ended), ms: Date.now() - start };
  }

  connect(options = {}) { return Wire.open(options.tls ? this.secure : this.plain, options); }

  // One request over its own connection.
  async ask(text, options = {}) {
    const w = await this.connect(options);
    w.write(text);
    const answer = await w.answer(/^HEAD /.test(text) ? 'HEAD' : 'GET', options.ms);
    w.destroy();
    return answer;
  }

  // Open descriptors; 0 where only root may look at them.
  descriptors() {
    try { return fs.readdirSync(`/proc/${this.child.pid}/fd`).length; } catch (e) {
      if (e.code === 'EACCES') return 0;
      throw e;
    }
  }

  // A line of /proc/PID/status (or limits) that is a number: VmRSS and VmHWM in KiB, Threads.
  status(name, file = 'status') { return Number(new RegExp(`^${name}:?\\s+(\\d+)`, 'm').exec(fs.readFileSync(`/proc/${this.child.pid}/${file}`, 'latin1'))[1]); }

  // User and system time used so far, in milliseconds.
  cpu() {
    const fields = fs.readFileSync(`/proc/${this.child.pid}/stat`, 'latin1').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }
}

// Servers of a file's own, stopped at its end, when nothing in their logs may tell a secret or break a line's form.
function ownServers() {
  const made = [];
  const own = async (settings, options) => {
    const server = await Server.start(settings, options);
    made.push(server);
    return server;
  };
  const stopAll = async () => {
    const ends = await Promise.all(made.map((server) => server.stop()));
    closeAll();
    for (const { code, out } of ends) assert.deepStrictEqual([code, out], [0, '']);
    for (const server of made) {
      assert.ok(!server.log.includes(server.token), 'a token in the log');
      assert.doesNotMatch(server.log, /Bearer|secret-of-a-client/);
      assert.match(server.log, /^([0-9]+\.[0-9]{3} (error|warn|info|debug) [a-z]+ [a-z]+: [ -~]*\n)*$/, 'form of the log');
    }
  };
  return { own, stopAll };
}

// Records in the original format: no key is needed to list them.
const record = (i) => JSON.stringify({ line_number: i, timestamp: '2026-01-01T00:00:00Z', company: 'contoso', name_encrypted: 'A'.repeat(684) });
const records = (n) => ({ files: { 'contoso-encrypted.jsonl': `${Array.from({ length: n }, (_, i) => record(i + 1)).join('\n')}\n` } });
const list = (server) => get('/company/list', `Authorization: Bearer ${server.token}`);

async function within(ms, what, fn) {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms); });
  try { return await Promise.race([fn(), late]); } finally { clearTimeout(timer); }
}

// Every connection comes from its own loopback address unless it says otherwise, so that rate limits do not meet.
let peers = 0;
function peer() {
  peers += 1;
  return `127.${1 + (peers >> 14)}.${(peers >> 7) & 127}.${1 + (peers & 127)}`;
}

const SECURITY = {
  'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY', 'x-xss-protection': '1; mode=block',
  'referrer-policy': 'strict-origin-when-cross-origin', 'permissions-policy': 'camera=(), microphone=(), geolocation=()',
};

function checkHeaders(a, tls) {
  assert.strictEqual(a.headers['strict-transport-security'], tls ? 'max-age=31536000' : undefined);
  for (const [name, value] of Object.entries(SECURITY)) assert.strictEqual(a.headers[name], value, `${a.status}: ${name}`);
  assert.match(a.headers['content-security-policy'], /default-src 'self'.*frame-ancestors 'none'/);
  assert.match(a.headers['cache-control'], a.headers.etag ? /^no-cache/ : /^no-store/);
  assert.ok(Math.abs(Date.parse(a.headers.date) - Date.now()) < 60000, 'date');
  assert.match(a.headers.connection, /^(keep-alive|close)$/);
  if (a.status >= 400) {
    assert.strictEqual(a.headers['content-type'], 'application/json');
    if (a.body.length) assert.strictEqual(a.json.status === 'error' || a.status === 503, true, a.text);
  }
}

// One connection. Bytes go out as given; answers are parsed strictly, and each is checked for what all must have.
class Wire {
  static open(port, { tls: secure = false, host = '127.0.0.1', from = host === '127.0.0.1' ? peer() : undefined, tlsOptions = {}, noDelay = true, ms = 15000 } = {}) {
    return within(ms, `connection to ${port}`, () => new Promise((resolve, reject) => {
      const started = Date.now();
      const raw = net.connect({ port, host, localAddress: from, allowHalfOpen: true, noDelay });
      raw.once('error', reject);
      raw.once('connect', () => {
        if (!secure) { resolve(new Wire(raw, raw, started)); return; }
        const s = tls.connect({ socket: raw, rejectUnauthorized: false, allowHalfOpen: true, ...tlsOptions });
        s.once('error', reject).once('secureConnect', () => resolve(new Wire(s, raw, started)));
      });
    }));
  }

  constructor(socket, raw, started) {
    leave(socket);
    leave(raw);
    Object.assign(this, { socket, raw, parts: [], size: 0, ended: false, reset: false, waiting: [], started });
    socket.on('data', (d) => { this.parts.push(d); this.size += d.length; this.wake(); });
    const over = () => { this.ended = true; this.wake(); };
    socket.on('end', over).on('close', over);
    for (const s of new Set([socket, raw])) s.on('error', (e) => { this.reset = e.code !== 'EPIPE'; this.error = e; over(); });
  }

  // What has arrived and was not taken. It is joined when somebody looks: joining at every arrival would cost the square.
  get data() {
    if (this.parts.length !== 1) this.parts = [Buffer.concat(this.parts)];
    return this.parts[0];
  }
  set data(rest) { Object.assign(this, { parts: [rest], size: rest.length }); }

  write(data) { return this.socket.write(data); }
  end() { this.socket.end(); return this; }
  destroy() {
    for (const s of [this.socket, this.raw]) {
      s.destroy();
      left.delete(s);
    }
  }

  async until(test, ms, what) {
    if (test()) return; // without the promises and the timer that waiting takes: a long body is thousands of lines
    await within(ms, what, async () => {
      while (!test()) {
        if (this.ended) throw new Error(`connection ended before: ${what}; ${this.error ? this.error.message : ''} got ${JSON.stringify(this.data.toString('latin1').slice(0, 300))}`);
        await this.news();
      }
    });
  }

  // Something has arrived, or the connection has ended.
  news() { return new Promise((resolve) => { this.waiting.push(resolve); }); }
  wake() { for (const resolve of this.waiting.splice(0)) resolve(); }

  async take(n, ms) {
    await this.until(() => this.size >= n, ms, `${n} bytes`);
    const got = this.data.subarray(0, n);
    this.data = this.data.subarray(n);
    return got;
  }

  async line(ms) {
    await this.until(() => this.data.includes('\r\n'), ms, 'a line');
    const got = (await this.take(this.data.indexOf('\r\n') + 2, ms)).toString('latin1').slice(0, -2);
    assert.doesNotMatch(got, /[\r\n]/);
    return got;
  }

  async chunked(ms) {
    const parts = [];
    for (;;) {
      const size = await this.line(ms);
      assert.match(size, /^[0-9a-f]+$/i);
      const part = await this.take(parseInt(size, 16), ms);
      assert.strictEqual(await this.line(ms), '');
      if (part.length === 0) return Buffer.concat(parts);
      parts.push(part);
    }
  }

  // The next answer: {status, headers, text, body, json}. 100 is an answer of its own.
  async answer(method = 'GET', ms = 15000) {
    const first = /^HTTP\/1\.1 (\d{3}) ([A-Za-z -]+)$/.exec(await this.line(ms));
    assert.ok(first, 'status line');
    const a = { status: Number(first[1]), reason: first[2], headers: {}, body: Buffer.alloc(0) };
    for (;;) {
      const line = await this.line(ms);
      if (line === '') break;
      const field = /^([A-Za-z-]+): (.*)$/.exec(line);
      assert.ok(field, `field ${line}`);
      const name = field[1].toLowerCase();
      assert.ok(!(name in a.headers), `${name} twice`);
      a.headers[name] = field[2];
    }
    if (a.status === 100) return a;
    const bodiless = method === 'HEAD' || a.status === 204;
    if (!bodiless && a.headers['transfer-encoding'] === 'chunked') a.body = await this.chunked(ms);
    else if (!bodiless && a.headers['content-length'] !== undefined) a.body = await this.take(Number(a.headers['content-length']), ms);
    else if (!bodiless) { await this.over(ms); a.body = this.data; this.data = Buffer.alloc(0); }
    a.text = a.body.toString();
    if (a.headers['content-type'] === 'application/json' && a.body.length) a.json = JSON.parse(a.text);
    checkHeaders(a, this.socket !== this.raw);
    return a;
  }

  // Waits for the server's end of the connection.
  async over(ms = 5000) {
    if (!this.ended) await within(ms, 'end of the connection', async () => { while (!this.ended) await this.news(); });
  }

  // The server must end the connection, orderly and without another byte.
  async closes(ms = 5000) {
    await this.over(ms);
    assert.strictEqual(this.data.toString('latin1'), '');
    assert.strictEqual(this.reset, false, 'reset');
    this.destroy();
  }

  async stillOpen(target = '/health') {
    this.write(get(target));
    assert.strictEqual((await this.answer()).status, 200);
  }
}

const lines = (...all) => `${all.join('\r\n')}\r\n\r\n`;
const get = (target, ...more) => lines(`GET ${target} HTTP/1.1`, 'Host: localhost', ...more);
const post = (target, body, ...more) => lines(`POST ${target} HTTP/1.1`, 'Host: localhost', 'Content-Type: application/json',
  `Content-Length: ${Buffer.byteLength(body)}`, ...more) + body;

// Which of the texts stand anywhere in the writable memory of a process.
function scan(pid, texts) {
  const found = new Set();
  const fd = fs.openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const line of fs.readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
      const m = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line);
      if (!m || /\[v/.test(line)) continue;
      const from = parseInt(m[1], 16);
      const bytes = Buffer.alloc(parseInt(m[2], 16) - from);
      const n = fs.readSync(fd, bytes, 0, bytes.length, from);
      for (const text of texts) {
        const at = bytes.subarray(0, n).indexOf(text);
        if (at >= 0) found.add(`${text} at ${line.slice(0, 40)} + ${at}`);
      }
    }
  } finally { fs.closeSync(fd); }
  return [...found];
}

module.exports = { scan, Server, ownServers, records, list, Wire, leave, closeAll, within, peer, lines, get, post, sleep };
