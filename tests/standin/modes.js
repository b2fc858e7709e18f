// Misbehaviour on demand: the rules in force, which of them meets a request, and the answers that are wrong at the level of HTTP.
'use strict';

// Done here to any service's answer.
const TRANSPORT = ['status', 'slow', 'stall', 'cut', 'reset', 'garbage', 'wrong-length', 'huge', 'chunked', 'redirect', 'bad-content-type', 'not-http',
  'no-length', 'interim'];
// Done by the TLS listener of a service, for connections made while the rule is in force.
const TLS = ['tls-untrusted', 'tls-wrong-host', 'tls-expired'];
// Done by the services, which ask for them by name.
const CONTENT = {
  imds: ['expired', 'wrong-audience', 'adapter-500', 'number-types', 'stale-certs', 'wrong-chip'],
  appid: ['expired', 'wrong-audience'],
  login: ['expired', 'wrong-audience'],
  maa: ['expired', 'wrong-key', 'wrong-nonce', 'no-nonce', 'wrong-issuer', 'alg-none', 'alg-hs256', 'wrong-kid', 'bad-signature'],
  vault: ['expired', 'wrong-key', 'wrong-nonce', 'no-nonce', 'alg-none', 'alg-hs256', 'wrong-kid', 'wrong-host', 'untrusted-chain', 'wrong-request-kid',
    'bad-signature', 'bad-wrap', 'bad-key', 'no-enc256', 'extra-key-ops'],
  azcache: ['stale-certs', 'wrong-chip'],
  kds: ['stale-certs', 'wrong-chip'],
};
CONTENT.hsm = CONTENT.vault;
const ALL = new Set([...TRANSPORT, ...TLS, ...Object.values(CONTENT).flat()]);

class Modes {
  constructor() { this.rules = []; }

  // rule: {service, mode, path?, method?, count?, skip?, internal?, ...what the mode takes}. Throws when it could never have an effect.
  add(rule) {
    if (!rule || typeof rule.service !== 'string') throw new Error('a rule needs a service');
    if (!ALL.has(rule.mode)) throw new Error(`unknown mode ${rule.mode}`);
    const kept = { count: Infinity, skip: 0, hits: 0, ...rule };
    this.rules.push(kept);
    return kept;
  }

  clear() { this.rules = []; }

  // The first rule in force for this request with one of these modes; it is used up by one.
  take(ctx, modes) {
    for (const r of this.rules) {
      if (!modes.includes(r.mode) || r.count <= 0 || !meets(r, ctx)) continue;
      if (r.skip > 0) { r.skip--; continue; }
      r.count--;
      r.hits++;
      return r;
    }
    return null;
  }
}

// path is a prefix of the request's path, or a regular expression when it begins with ^. The stand-ins' own requests are left alone.
function meets(rule, ctx) {
  const s = ctx.service;
  if (![s.name, s.kind, s.name.split('.')[0], '*'].includes(rule.service)) return false;
  if (ctx.internal && !rule.internal) return false;
  if (rule.method && rule.method !== ctx.method) return false;
  if (!rule.path) return true;
  return rule.path.startsWith('^') ? new RegExp(rule.path).test(ctx.path) : ctx.path.startsWith(rule.path);
}

const head = (status, headers) => `HTTP/1.1 ${status} X\r\n${Object.entries(headers).map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n`;
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

function oddPieces(body, rule) {
  const sizes = [1, 2, 3, 5, 7, 13, 31, 127, 1021];
  const parts = [];
  for (let off = 0, i = 0; off < body.length; i++) {
    const piece = body.subarray(off, off + sizes[i % sizes.length]);
    off += piece.length;
    parts.push(Buffer.from(`${piece.length.toString(16)}${rule.extension ? ';a="b"' : ''}\r\n`), piece, Buffer.from('\r\n'));
  }
  parts.push(Buffer.from(rule.trailer ? '0\r\nX-Trailer: 1\r\n\r\n' : '0\r\n\r\n'));
  return parts;
}

// Modes that replace the answer before the service is asked: {status, headers, body}, or null.
function replaced(rule, service) {
  switch (rule.mode) {
    case 'status': return {
      status: rule.status || 500, headers: { ...service.errorHeaders(rule.status || 500), ...(rule.retryAfter !== undefined ? { 'Retry-After': String(rule.retryAfter) } : {}), ...rule.headers },
      body: rule.body !== undefined ? rule.body : service.errorBody(rule.status || 500),
    };
    case 'garbage': return { status: 200, headers: {}, body: rule.body || '\u0000\u0001{"value":"}}}<html>not what you asked for' };
    case 'redirect': return { status: 302, headers: { Location: rule.location || 'https://elsewhere.localhost/' }, body: '' };
    case 'huge': return { status: 200, headers: {}, body: `{"value":"${'A'.repeat(rule.bytes || 8 << 20)}"}` };
    default: return null;
  }
}

// Sends answer (status, headers, body Buffer) the wrong way the rule says, writing to the socket itself. raw: the TCP socket under TLS.
async function misSend(rule, socket, raw, { status, headers, body }) {
  const lines = { ...headers, Connection: 'close' };
  const close = () => socket.end(() => socket.destroy());
  switch (rule.mode) {
    case 'slow':
      await sleep(rule.ms || 1000);
      socket.write(head(status, { ...lines, 'Content-Length': body.length }));
      for (let off = 0, step = rule.dripBytes || body.length || 1; off < body.length; off += step) {
        if (rule.dripMs) await sleep(rule.dripMs);
        if (socket.destroyed) return;
        socket.write(body.subarray(off, off + step));
      }
      return close();
    case 'stall':
      if (rule.at === 'body') {
        socket.write(head(status, { ...lines, 'Content-Length': body.length }));
        socket.write(body.subarray(0, body.length >> 1));
      }
      return undefined;
    case 'cut':
      socket.write(head(status, { ...lines, 'Content-Length': body.length }));
      return socket.write(body.subarray(0, body.length >> 1), () => socket.destroy());
    case 'reset': return void raw.resetAndDestroy();
    case 'wrong-length':
      socket.write(head(status, { ...lines, 'Content-Length': body.length + (rule.delta || 10) }));
      socket.write(body);
      return close();
    case 'chunked':
      socket.write(head(status, { ...lines, 'Transfer-Encoding': 'chunked' }));
      for (const part of oddPieces(body, rule)) socket.write(part);
      return close();
    case 'not-http':
      socket.write(rule.body || 'SSH-2.0-OpenSSH_9.2p1\r\n');
      return close();
    case 'no-length':
      socket.write(head(status, lines));
      socket.write(body);
      return close();
    case 'interim':
      for (let i = 0; i < (rule.times || 1); i++) socket.write(`HTTP/1.1 ${rule.status || 103} Early Hints\r\nLink: </x>\r\n\r\n`);
      socket.write(head(status, { ...lines, 'Content-Length': body.length }));
      socket.write(body);
      return close();
    default: throw new Error(`no way to send ${rule.mode}`);
  }
}

module.exports = { Modes, TRANSPORT, TLS, CONTENT, replaced, misSend };
