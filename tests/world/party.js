// One party: the shipped binary, under the simulated device or (the Snooper) without it, with its measured settings.
'use strict';
const { spawn } = require('child_process');
const fs = require('fs');
const http = require('http');
const https = require('https');
const path = require('path');

const ROOT = path.join(__dirname, '../..');
const PARLEY = path.join(ROOT, 'build/parley');
const SNPBOX = path.join(ROOT, 'build/tests/snpbox');

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class Party {
  // box: snpbox options as {name: value}, null for no device. wrap: a command put in front (strace).
  constructor({ name, dir, settings, box, token, wrap = [] }) {
    // program: what is run; a test may put another build of it there.
    Object.assign(this, { name, dir, settings, box, token, wrap, program: PARLEY, log: '', ended: null });
    this.plain = `http://localhost:${settings.HTTP_PORT}`;
    this.secure = `https://localhost:${settings.HTTPS_PORT}`;
    // For browsers: a host of its own, as parties have, because ports of one host share their cookies.
    this.page = `https://${name}.localhost:${settings.HTTPS_PORT}`;
    this.plainPage = `http://${name}.localhost:${settings.HTTP_PORT}`;
  }

  start() {
    fs.mkdirSync(this.dir, { recursive: true });
    const boxed = this.box ? [SNPBOX, ...Object.entries(this.box).map(([k, v]) => `--${k}=${v}`), '--', this.program] : [this.program];
    const [command, ...args] = [...this.wrap, ...boxed];
    this.log = '';
    this.child = spawn(command, args, { env: this.settings, stdio: ['ignore', 'pipe', 'pipe'], cwd: this.dir });
    this.ended = new Promise((resolve) => {
      this.child.on('error', (e) => resolve({ code: null, signal: null, error: e.message }));
      this.child.on('exit', (code, signal) => resolve({ code, signal }));
    });
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on('data', (d) => { this.log += d; });
    return this;
  }

  // {code, signal}. A party that does not end within ms is killed, and the error has its log.
  async stop(signal = 'SIGTERM', ms = 60000) {
    if (this.child && this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => {
        this.child.kill('SIGKILL');
        reject(new Error(`waited ${ms / 1000} s for: end of ${this.name} after ${signal}\n${this.log}`));
      }, ms);
    });
    try { return await Promise.race([this.ended, late]); } finally { clearTimeout(timer); }
  }

  // One request. auth: send the operator's token (default true). localAddress: come from this address of 127.0.0.0/8, as another peer.
  // -> {status, headers, text, json}
  request(method, target, { body, headers = {}, auth = true, tls = true, timeout = 130000, localAddress } = {}) {
    const text = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const all = {
      ...(auth && this.token ? { Authorization: `Bearer ${this.token}` } : {}),
      ...(text === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }), ...headers,
    };
    for (const name of Object.keys(all)) if (all[name] === undefined) delete all[name];
    return new Promise((resolve, reject) => {
      // The certificate is self-signed; that the evidence binds it is tested where parties talk to each other.
      const r = (tls ? https : http).request((tls ? this.secure : this.plain) + target, { method, headers: all, rejectUnauthorized: false, agent: false, timeout, ...(localAddress ? { localAddress, family: 4 } : {}) }, (res) => {
        const parts = [];
        res.on('data', (d) => parts.push(d)).on('error', reject).on('end', () => {
          const out = { status: res.statusCode, headers: res.headers, text: Buffer.concat(parts).toString() };
          try { out.json = JSON.parse(out.text); } catch { out.json = undefined; }
          resolve(out);
        });
      });
      r.on('timeout', () => r.destroy(new Error(`${method} ${target}: no answer within ${timeout} ms`))).on('error', reject);
      r.end(text);
    });
  }

  get(target, options) { return this.request('GET', target, options); }
  post(target, body, options) { return this.request('POST', target, { body, ...options }); }

  // The event stream: calls on(event) for each, resolves with all of them.
  events(target, on = () => {}) {
    return new Promise((resolve, reject) => {
      const r = https.request(this.secure + target, { headers: this.token ? { Authorization: `Bearer ${this.token}` } : {}, rejectUnauthorized: false, agent: false }, (res) => {
        const all = [];
        let rest = '';
        res.setEncoding('utf8');
        res.on('data', (d) => {
          const lines = (rest + d).split('\n\n');
          rest = lines.pop();
          for (const line of lines) {
            if (!line.startsWith('data: ')) continue;
            all.push(JSON.parse(line.slice(6)));
            on(all[all.length - 1]);
          }
        }).on('end', () => resolve({ status: res.statusCode, headers: res.headers, events: all })).on('error', reject);
      });
      r.on('error', reject).end();
    });
  }

  // Polls until test() is true. what: for the error.
  async until(what, test, ms = 60000) {
    const end = Date.now() + ms;
    let last = '';
    for (;;) {
      if (this.child.exitCode !== null || this.child.signalCode !== null) throw new Error(`${this.name} ended (${this.child.exitCode ?? this.child.signalCode}) before: ${what}\n${this.log}`);
      try { if (await test()) return; } catch (e) {
        if (e.final) throw e;
        last = e.message;
      }
      if (Date.now() > end) throw new Error(`waited ${ms / 1000} s for: ${what} of ${this.name}; ${last}\n${this.log}`);
      await sleep(50);
    }
  }

  listening() { return this.until('listening', async () => (await this.get('/health', { timeout: 1000 })).status === 200); }
  ready() { return this.until('its own key', async () => (await this.get('/readyz', { timeout: 5000 })).status === 200); }
  // The evidence of hardware, in its certificate.
  showsEvidence() { return this.settings.TLS_CERT_EVIDENCE === 'off' ? undefined : this.until('evidence in its certificate', () => /tls: new certificate in use/.test(this.log)); }
  // The party tries again, but the data of tests and demo do not change: the wait ends with the party's own line.
  hasRecords() {
    return this.until('its records', () => {
      const failed = /^.*FAILED: data not imported.* step=storage .*$/m.exec(this.log);
      if (failed) throw Object.assign(new Error(`${this.name}: ${failed[0]}`), { final: true });
      return /data (encrypted|are stored)/.test(this.log);
    });
  }
  hasPartnerKeys() {
    return this.until("its partners' keys", async () => Object.values((await this.get('/skr/key-status')).json.partner_keys).every(Boolean));
  }
}

module.exports = { Party, PARLEY, SNPBOX, ROOT, sleep };
