// One listening service: HTTP or HTTPS on loopback, request body read whole, every request logged, misbehaviour applied to the answer.
'use strict';
const http = require('http');
const https = require('https');
const tls = require('tls');
const modes = require('./modes');

const BODY_MAX = 1 << 20;

// The User-Agent by which the stand-ins' own requests are known: they are logged as internal and no rule meets them unless it says so.
const INTERNAL_AGENT = 'parley-standin';

function readBody(req) {
  return new Promise((resolve, reject) => {
    const parts = [];
    let size = 0;
    req.on('data', (d) => {
      size += d.length;
      if (size <= BODY_MAX) parts.push(d);
    });
    req.on('end', () => resolve(size <= BODY_MAX ? Buffer.concat(parts) : null));
    req.on('error', reject);
    req.on('close', () => reject(new Error('request cut')));
  });
}

class Service {
  // name: as in rules and log; kind: what it is; host: name in its certificate, null for plain HTTP; handle(ctx) -> {status, headers?, body}.
  constructor(world, { name, kind, host = null, port = 0, handle, errorBody = plainError, errorHeaders = () => ({}) }) {
    Object.assign(this, { world, name, kind, host, handle, wantedPort: port, errorBody, errorHeaders, raws: new Map(), sockets: new Set() });
  }

  async listen() {
    const onRequest = (req, res) => this.serve(req, res).catch((e) => {
      if (!res.destroyed) res.destroy();
      if (e.message !== 'request cut') process.stderr.write(`standin ${this.name}: ${e.stack}\n`);
    });
    this.server = this.host ? https.createServer(await this.tlsOptions(), onRequest) : http.createServer(onRequest);
    this.server.on('connection', (raw) => { // under TLS this is the TCP socket, which "reset" needs
      const port = raw.remotePort;
      this.raws.set(port, raw);
      this.sockets.add(raw);
      raw.on('close', () => {
        this.sockets.delete(raw);
        if (this.raws.get(port) === raw) this.raws.delete(port); // another connection may have the port by now
      });
      raw.on('error', () => {});
    });
    this.server.on('tlsClientError', (e) => this.world.log.push({ service: this.name, kind: this.kind, tlsError: e.code || e.message }));
    this.server.on('clientError', (e, socket) => socket.destroy());
    await new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(this.wantedPort, '127.0.0.1', resolve);
    });
    this.port = this.server.address().port;
    this.origin = this.host ? `https://${this.host}:${this.port}` : `http://127.0.0.1:${this.port}`;
    return this;
  }

  // The certificate is chosen for each connection, so that the tls-* modes can be put in force while the service runs.
  async tlsOptions() {
    const { pki } = this.world;
    const contexts = {};
    const context = async (host, kind) => {
      const id = `${kind}/${host}`;
      const leaf = await pki.leaf(host, kind);
      contexts[id] = contexts[id] || tls.createSecureContext({ key: leaf.keyPem, cert: leaf.certPem });
      return contexts[id];
    };
    const leaf = await pki.leaf(this.host);
    const SNICallback = (_name, done) => {
      const rule = this.world.modes.take({ service: this, path: '', method: '' }, modes.TLS);
      const wanted = { 'tls-untrusted': [this.host, 'rogue'], 'tls-expired': [this.host, 'expired'], 'tls-wrong-host': ['wrong.localhost', ''] };
      context(...(rule ? wanted[rule.mode] : [this.host, ''])).then((c) => done(null, c), done);
    };
    return { key: leaf.keyPem, cert: leaf.certPem, minVersion: 'TLSv1.2', SNICallback };
  }

  async serve(req, res) {
    const url = new URL(req.url, 'http://x');
    const internal = (req.headers['user-agent'] || '').startsWith(INTERNAL_AGENT);
    const entry = { time: Date.now(), service: this.name, kind: this.kind, method: req.method, path: url.pathname, query: url.search, status: null, facts: {} };
    if (internal) entry.internal = true;
    if (this.host) entry.tls = req.socket.getProtocol();
    this.world.log.push(entry);
    const body = await readBody(req);
    const ctx = {
      service: this, origin: this.origin, method: req.method, path: url.pathname, query: url.searchParams, headers: req.headers, body, internal,
      facts: entry.facts, segments: url.pathname.split('/').filter(Boolean),
      // The content rule in force, if any; asked for only where it would take effect, as asking uses it up.
      mode: (...names) => {
        const rule = this.world.modes.take(ctx, names);
        if (rule) entry.mode = rule.mode;
        return rule;
      },
    };
    const rule = ctx.mode(...modes.TRANSPORT);
    const answer = this.finish((rule && modes.replaced(rule, this)) || await this.answer(ctx), rule);
    entry.status = answer.status;
    await this.send(rule, req, res, answer);
  }

  async answer(ctx) {
    if (ctx.body === null) return { status: 413, body: this.errorBody(413) };
    return this.handle(ctx);
  }

  finish({ status, headers = {}, body = '' }, rule) {
    const json = typeof body === 'object' && !Buffer.isBuffer(body);
    const bytes = Buffer.from(json ? JSON.stringify(body) : body);
    const type = rule && rule.mode === 'bad-content-type' ? 'text/html' : 'application/json; charset=utf-8';
    return { status, body: bytes, headers: { ...(bytes.length ? { 'Content-Type': type } : {}), ...headers, ...(rule && rule.mode === 'bad-content-type' ? { 'Content-Type': type } : {}) } };
  }

  async send(rule, req, res, answer) {
    const whole = !rule || modes.replaced(rule, this) || rule.mode === 'bad-content-type';
    if (!whole) return modes.misSend(rule, req.socket, this.raws.get(req.socket.remotePort), answer);
    res.writeHead(answer.status, { ...answer.headers, 'Content-Length': answer.body.length });
    return void res.end(answer.body);
  }

  async close() {
    this.server.closeAllConnections();
    for (const raw of this.sockets) raw.destroy();
    await new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`waited 10 s for: end of ${this.name}, ${this.sockets.size} connections`)), 10000);
      this.server.close(() => { clearTimeout(late); resolve(); });
    });
  }
}

function plainError(status) {
  return { error: { code: `Status${status}`, message: `answered with ${status} on demand` } };
}

module.exports = { Service, INTERNAL_AGENT };
