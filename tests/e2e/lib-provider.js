// A provider made of the test's own code, in Contoso's or Fabrikam's place: an HTTPS server whose evidence and records are whatever a test
// wants, and a proxy in front of a real party.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const https = require('https');
const net = require('net');
const { Guest } = require('../standin/guest');
const x509 = require('../standin/x509');

const DAY = 86400e3;

// Key and self-signed certificate: {keyPem, certPem, spki: hex of the SHA-256}.
function ownCertificate(host = 'localhost') {
  const { publicKey, privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  const name = [['CN', host]];
  const der = x509.make({
    subject: name, issuer: name, publicKey, signKey: privateKey, algorithm: 'rsa-sha256', notBefore: new Date(Date.now() - DAY), notAfter: new Date(Date.now() + 30 * DAY),
    extensions: [x509.ext.notCa(), x509.ext.san(host), x509.ext.eku('serverAuth')],
  });
  const spki = crypto.createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' })).digest('hex');
  return { keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }), certPem: x509.toPem(der), spki };
}

// Starts an HTTPS server. routes: {'GET /company/list': (body, req) => [status, type, text]}. What was asked is in .asked.
async function serve(routes, certificate = ownCertificate()) {
  const asked = [];
  const server = https.createServer({ key: certificate.keyPem, cert: certificate.certPem }, async (req, res) => {
    const parts = [];
    for await (const d of req) parts.push(d);
    asked.push(`${req.method} ${req.url}`);
    const route = routes[`${req.method} ${req.url}`];
    const [status, type, text] = route ? await route(Buffer.concat(parts).toString(), req) : [404, 'application/json', '{}'];
    res.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) });
    res.end(text);
  });
  server.on('tlsClientError', () => {});
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address();
  return { ...certificate, asked, url: `https://localhost:${port}`, port, close: () => { server.closeAllConnections(); return new Promise((r) => server.close(r)); } };
}

// Evidence as a party gives it, made by the test's own guest: a real token of the stand-in authority, about whatever is wanted.
// guest: parts of the report; runtime: members replaced; change: of the attest request.
async function evidence(services, { guest = {}, runtime = {}, change = {} }, spki, role, clientData) {
  const g = new Guest(services, guest);
  g.runtime = JSON.stringify({ client_data: clientData, purpose: 'parley-attest', role, tls_spki_sha256: spki, ...runtime });
  return g.token(change);
}

// A provider with that evidence and these records (text of the list). token: a function that replaces evidence altogether.
async function provider(services, { role, guest, runtime, change, token, list = '[]', type = 'application/json', certificate = ownCertificate() }) {
  return serve({
    'POST /attest/maa': async (body) => {
      const { runtime_data: clientData } = JSON.parse(body);
      const t = token ? await token(clientData, certificate) : await evidence(services, { guest, runtime, change }, certificate.spki, role, clientData);
      return Array.isArray(t) ? t : [200, 'application/json', JSON.stringify({ status: 'success', attestation_token: t })];
    },
    'GET /company/list': async () => (typeof list === 'function' ? list() : [200, type, list]),
  }, certificate);
}

// A TCP relay: whoever connects talks to that port, unchanged.
async function relay(port) {
  const server = net.createServer((from) => {
    const to = net.connect(port, '127.0.0.1');
    from.pipe(to).pipe(from);
    for (const s of [from, to]) s.on('error', () => { from.destroy(); to.destroy(); });
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return { url: `https://localhost:${server.address().port}`, close: () => new Promise((r) => server.close(r)) };
}

// Records in the original's form (multiparty-app.md 3.2, 3.3): RSA-OAEP of each value under the vault key's public part.
function legacyRecords(csvFile, company, { n, e }) {
  const key = crypto.createPublicKey({ key: { kty: 'RSA', n, e }, format: 'jwk' });
  const seal = (v) => (v === '' ? null : crypto.publicEncrypt({ key, padding: crypto.constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, Buffer.from(v)).toString('base64'));
  const [head, ...rows] = fs.readFileSync(csvFile, 'utf8').trim().split('\n').map((l) => l.split(','));
  return rows.map((row, i) => ({
    line_number: i + 1, timestamp: new Date().toISOString().replace('Z', '000Z'), company, ...Object.fromEntries(head.map((name, k) => [`${name}_encrypted`, seal(row[k])])),
  }));
}

module.exports = { ownCertificate, serve, provider, evidence, relay, legacyRecords };
