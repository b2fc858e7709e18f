// A party made of the test's own code, at either end of a peer connection: its key and certificate, whatever evidence a test wants in it and
// of it, a client of the peer port, a server in a provider's place, and relays in front of a real party.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const https = require('https');
const net = require('net');
const tls = require('tls');
const cbor = require('../standin/cbor');
const der = require('../standin/der');
const jose = require('../standin/jose');
const pkis = require('../standin/pki');
const snp = require('../standin/snp');
const x509 = require('../standin/x509');
const { Wire, post, get } = require('./raw');

const CMW = '1.3.6.1.5.5.7.1.35';
const TYPES = ['application/vnd.amd.sev-snp.attestation-report', 'application/pkix-cert', 'application/pkix-cert', 'application/pkix-cert', 'application/json', 'application/cose; cose-type="cose-sign1"'];
const INDICATORS = [4, 2, 2, 2, 4, 2];
const CLIENT = 0;
const SERVER = 1;
const DAY = 86400e3;

const spkiHash = (publicKey) => jose.sha256(publicKey.export({ type: 'spki', format: 'der' }));

// What one side's report of a connection must have as nonce (src/party/peer.h). talk: {nonces: [client's, server's], spkis: [..]}.
const bind = (side, { nonces, spkis }) => jose.b64u(jose.sha256(Buffer.concat([Buffer.from('parley-peer-1'), Buffer.from([side]), ...nonces, ...spkis])));

// The extension that carries evidence in a certificate. parts: bytes in the order of TYPES.
const evidenceExtension = (parts) => x509.extension(CMW, der.octets(cbor.encode(new Map(parts.map((p, i) => [i + 1, [TYPES[i], p, INDICATORS[i]]])))));

// One party. what: {role, guest: parts of its reports (hostData, policy, vmpl, chipId, tcb, key, ...), runtime: members of its runtime data replaced,
// chain: PEM, cose: null for none, evidence: an extension in place of its own, or null for none, kind: 'rsa' for another kind of key,
// from, to: dates, signKey: who signs the certificate}. Whatever is not given is as it must be.
class Peer {
  constructor(services, what = {}) {
    Object.assign(this, { services, role: what.role, what });
    this.guest = { key: services.pki.vcekKey, measurement: pkis.MEASUREMENT, chipId: pkis.CHIP_ID, tcb: pkis.TCB, ...what.guest };
    const { publicKey, privateKey } = what.kind === 'rsa' ? crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }) : crypto.generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    this.spki = spkiHash(publicKey);
    const chain = x509.fromPem(what.chain || services.pki.chainFor(this.guest.chipId, this.guest.tcb));
    const { report, runtime } = this.evidence({ nonce: jose.b64u(crypto.randomBytes(32)), purpose: 'parley-evidence-1', ...what.runtime });
    const parts = [report, ...chain, Buffer.from(runtime), ...(what.cose === null ? [] : [what.cose || services.pki.uvmEndorsement()])];
    const extension = what.evidence === undefined ? evidenceExtension(parts) : what.evidence;
    const name = [['CN', what.role || 'nobody']];
    const cert = x509.make({
      subject: name, issuer: name, publicKey, signKey: what.signKey || privateKey, algorithm: what.kind === 'rsa' ? 'rsa-sha256' : 'ecdsa-sha256',
      notBefore: what.from || new Date(Date.now() - DAY), notAfter: what.to || new Date(Date.now() + DAY),
      extensions: [x509.ext.notCa(), x509.ext.san('localhost'), x509.ext.eku('serverAuth', 'clientAuth'), ...(extension ? [].concat(extension) : [])],
    });
    this.tls = { key: privateKey.export({ type: 'pkcs8', format: 'pem' }), cert: x509.toPem(cert), maxVersion: 'TLSv1.2' };
  }

  // Runtime data with these members, and a report made for them by this guest (guest: other parts of the report).
  evidence(members, guest = {}) {
    const runtime = JSON.stringify({ key: '', nonce: '', purpose: '', role: this.role, tls_spki_sha256: this.spki.toString('hex'), ...members });
    const reportData = Buffer.concat([jose.sha256(runtime), Buffer.alloc(32)]);
    return { runtime, report: snp.make({ ...this.guest, ...guest, reportData }) };
  }

  // The answer to a connection's nonces. runtime, guest: as above, of this answer only.
  prove(side, talk, { runtime = {}, guest = {} } = {}) {
    const e = this.evidence({ nonce: bind(side, talk), purpose: 'parley-peer-1', ...runtime }, guest);
    return { report: e.report.toString('base64'), runtime_data: Buffer.from(e.runtime).toString('base64') };
  }
}

// --- as a client of a party's peer port ---

class Caller {
  static async connect(port, peer, options = {}) {
    const c = new Caller();
    c.peer = peer;
    c.wire = await Wire.open(port, { tls: true, tlsOptions: { maxVersion: 'TLSv1.2', ...(peer && peer.tls) }, ...options });
    c.server = c.wire.socket.getPeerCertificate();
    c.talk = { nonces: [crypto.randomBytes(32), null], spkis: [peer ? peer.spki : null, spkiHash(new crypto.X509Certificate(c.server.raw).publicKey)] };
    return c;
  }

  async ask(text) {
    this.wire.write(text);
    return this.wire.answer();
  }

  async hello(body = { nonce: jose.b64u(this.talk.nonces[CLIENT]) }) {
    const r = await this.ask(post('/peer/hello', typeof body === 'string' ? body : JSON.stringify(body)));
    if (r.status === 200) this.talk.nonces[SERVER] = Buffer.from(r.json.nonce, 'base64url');
    return r;
  }

  // body: what a test sends instead of the right answer.
  proof(body = this.peer.prove(CLIENT, this.talk)) { return this.ask(post('/peer/proof', typeof body === 'string' ? body : JSON.stringify(body))); }
  list() { return this.ask(get('/company/list', 'Accept: application/x-ndjson')); }

  end() { this.wire.destroy(); }
}

// --- in a provider's place ---

// A server on that port. now: what it does, changed at will: {peer, hello(session) -> body, list() -> [status, type, text] or a function of the
// response, answers: {path: [status, type, text]}}. asked: what was asked of it. The key is that of now.peer at each connection.
async function provider(port, now) {
  const asked = [];
  const server = https.createServer({ requestCert: true, rejectUnauthorized: false, maxVersion: 'TLSv1.2', SNICallback: (_, done) => done(null, tls.createSecureContext(now.peer.tls)) }, async (req, res) => {
    const parts = [];
    for await (const d of req) parts.push(d);
    asked.push(`${req.method} ${req.url}`);
    const answer = now.answers && now.answers[req.url] ? now.answers[req.url] : route(req, Buffer.concat(parts).toString());
    if (typeof answer === 'function') { answer(res); return; }
    const [status, type, text] = answer;
    res.writeHead(status, text === undefined ? {} : { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) });
    res.end(text);
  });
  function route(req, body) {
    const { socket } = req;
    if (req.url === '/peer/hello') {
      const raw = socket.getPeerCertificate().raw;
      const talk = { nonces: [Buffer.from(JSON.parse(body).nonce, 'base64url'), crypto.randomBytes(32)], spkis: [spkiHash(new crypto.X509Certificate(raw).publicKey), now.peer.spki] };
      Object.assign(socket, { talk });
      return [200, 'application/json', JSON.stringify({ nonce: jose.b64u(talk.nonces[SERVER]), ...(now.hello ? now.hello(talk) : now.peer.prove(SERVER, talk)) })];
    }
    if (req.url === '/peer/proof') {
      now.proven = { talk: socket.talk, body: JSON.parse(body) };
      return [204];
    }
    return req.url === '/company/list' ? now.list() : [404, 'application/json', '{}'];
  }
  server.on('tlsClientError', () => {});
  await new Promise((resolve) => { server.listen(port, '127.0.0.1', resolve); });
  return { asked, url: `https://localhost:${server.address().port}`, close: () => { server.closeAllConnections(); return new Promise((r) => server.close(r)); } };
}

// The certificate that a party shows, and the evidence extension out of it.
const shown = (port) => new Promise((resolve, reject) => {
  const socket = tls.connect({ host: '127.0.0.1', port: Number(port), rejectUnauthorized: false }, () => {
    const { raw } = socket.getPeerCertificate();
    const value = x509.parse(raw).extensions.get(CMW);
    resolve({ raw, evidence: value && x509.extension(CMW, value) });
    socket.destroy();
  }).on('error', reject);
});

// A TCP relay: whoever connects talks to that port, unchanged.
async function relay(port) {
  const open = new Set();
  const server = net.createServer((from) => {
    const to = net.connect(port, '127.0.0.1');
    from.pipe(to).pipe(from);
    for (const s of [from, to]) {
      open.add(s);
      s.on('error', () => { from.destroy(); to.destroy(); }).on('close', () => open.delete(s));
    }
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return { url: `https://localhost:${server.address().port}`, close: () => { for (const s of open) s.destroy(); return new Promise((r) => server.close(r)); } };
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

module.exports = { Peer, Caller, provider, shown, relay, legacyRecords, evidenceExtension, bind, CLIENT, SERVER };
