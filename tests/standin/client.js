// A small HTTPS client: names under .localhost go to loopback, trust is the given CA. For the stand-ins among themselves and for tests.
'use strict';
const http = require('http');
const https = require('https');

function loopback(host, options, done) {
  if (options.all) return done(null, [{ address: '127.0.0.1', family: 4 }]);
  return done(null, '127.0.0.1', 4);
}

// -> {status, headers, body (Buffer), json (undefined when it is none)}. body: string, Buffer, or an object sent as JSON.
function request({ url, method = 'GET', headers = {}, body, ca, timeout = 30000 }) {
  const u = new URL(url);
  const json = body !== undefined && typeof body === 'object' && !Buffer.isBuffer(body);
  const bytes = body === undefined ? undefined : Buffer.from(json ? JSON.stringify(body) : body);
  const all = { ...(json ? { 'Content-Type': 'application/json' } : {}), ...(bytes ? { 'Content-Length': bytes.length } : {}), ...headers };
  return new Promise((resolve, reject) => {
    const req = (u.protocol === 'https:' ? https : http).request(u, {
      method, headers: all, ca, agent: false, ...(u.hostname.endsWith('.localhost') ? { lookup: loopback } : {}),
    }, (res) => {
      const parts = [];
      res.on('data', (d) => parts.push(d));
      res.on('error', reject);
      res.on('end', () => {
        const whole = Buffer.concat(parts);
        let parsed;
        try { parsed = JSON.parse(whole); } catch { /* not JSON: json stays undefined */ }
        resolve({ status: res.statusCode, headers: res.headers, body: whole, json: parsed });
      });
      res.on('close', () => { if (!res.complete) reject(new Error('answer cut short')); });
    });
    req.setTimeout(timeout, () => req.destroy(new Error(`waited ${timeout / 1000} s for: ${method} ${url}`)));
    req.on('error', reject);
    req.end(bytes);
  });
}

module.exports = { request, loopback };
