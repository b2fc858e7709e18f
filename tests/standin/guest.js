// A guest in JavaScript for the tests: makes its own report, attests, asks for a key, and opens the answer as a careful client would.
'use strict';
const crypto = require('crypto');
const jose = require('./jose');
const pkis = require('./pki');
const snp = require('./snp');
const wrapping = require('./wrap');

class Guest {
  // parts: what the report says that is not the default (hostData, vmpl, policy, tcb, chipId, measurement, edit, version).
  constructor(started, parts = {}) {
    this.started = started;
    this.parts = { hostData: pkis.hostData('policy of a test'), measurement: pkis.MEASUREMENT, chipId: pkis.CHIP_ID, tcb: pkis.TCB, ...parts };
    const { publicKey, privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
    this.wrappingKey = privateKey;
    const { n, e } = publicKey.export({ format: 'jwk' });
    this.jwk = { e, key_ops: ['encrypt'], kid: jose.thumbprint({ n, e }), kty: 'RSA', n };
    this.runtime = JSON.stringify({ keys: [this.jwk] });
  }

  report(runtime = this.runtime) {
    const reportData = Buffer.concat([jose.sha256(runtime), Buffer.alloc(32)]);
    return snp.make({ key: this.started.pki.vcekKey, reportData, ...this.parts }); // a key among the parts is another signer
  }

  // The body of an attest request. change: members replaced; cose: endorsements, null for none; nonce: null for none.
  attestBody({ report = this.report(), chain, cose = [this.started.pki.uvmEndorsement()], nonce = '7394904505194784658', ...change } = {}) {
    const pem = chain || this.started.pki.chainFor(this.parts.chipId, this.parts.tcb);
    const r = {
      SnpReport: jose.b64uPad(report), VcekCertChain: jose.b64uPad(pem),
      ...(cose ? { Endorsements: jose.b64uPad(JSON.stringify({ Uvm: cose.map(jose.b64uPad) })) } : {}),
    };
    return {
      report: jose.b64uPad(JSON.stringify(r)), runtimeData: { data: jose.b64uPad(this.runtime), dataType: 'JSON' },
      initTimeData: { data: '', dataType: '' }, ...(nonce === null ? {} : { nonce }), ...change,
    };
  }

  attest(options, { path = '/attest/SevSnpVM?api-version=2020-10-01' } = {}) {
    return this.started.request({ url: this.started.addresses.maa + path, method: 'POST', body: this.attestBody(options), headers: { 'User-Agent': 'guest' } });
  }

  async token(options) {
    const r = await this.attest(options);
    if (r.status !== 200) throw new Error(`attest: ${r.status} ${r.body}`);
    return r.json.token;
  }

  async accessToken(clientId, resource = 'https://vault.azure.net') {
    const url = `${this.started.addresses.imds}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=${encodeURIComponent(resource)}&client_id=${clientId}`;
    return (await this.started.request({ url, headers: { Metadata: 'true' } })).json.access_token;
  }

  // POST release. origin: of the vault; target, bearer: the two tokens.
  release(origin, name, { target, bearer, enc = 'RSA_AES_KEY_WRAP_256', nonce = 'n1', api = '7.4' }) {
    return this.started.request({
      url: `${origin}/keys/${name}/release?api-version=${api}`, method: 'POST', headers: { Authorization: `Bearer ${bearer}` }, body: { target, enc, nonce },
    });
  }

  // Checks the JWS of a release as a client must, and unwraps. Throws saying which check failed. -> {plain, payload}
  open(value, { host, kid, nonce = 'n1' }) {
    const jwt = jose.split(value);
    const certs = jwt.header.x5c.map((c) => new crypto.X509Certificate(Buffer.from(c, 'base64')));
    const root = new crypto.X509Certificate(this.started.pki.caPem);
    if (jwt.header['x5t#S256'] !== jose.b64u(jose.sha256(certs[0].raw)) || jwt.header.kid !== jwt.header['x5t#S256']) throw new Error('thumbprint');
    if (jwt.header.alg !== 'RS256') throw new Error('algorithm');
    if (!jose.verifyRs256(jwt, certs[0].publicKey)) throw new Error('signature');
    if (!certs[0].verify(certs[1].publicKey) || !certs[1].verify(root.publicKey)) throw new Error('chain');
    if (new Date(certs[0].validTo) < new Date()) throw new Error('time');
    if (!certs[0].checkHost(host)) throw new Error('host');
    const { request, response } = jwt.payload;
    if (!request.kid.startsWith(kid)) throw new Error('kid');
    if (request.nonce !== nonce) throw new Error('nonce');
    const { key } = response.key;
    const hsm = JSON.parse(jose.fromB64u(key.key_hsm));
    if (hsm.header.kid !== this.jwk.kid) throw new Error('wrapping key');
    const plain = wrapping.unwrap(request.enc, this.wrappingKey, jose.fromB64u(hsm.ciphertext));
    if (key.kty === 'oct') return { plain, payload: jwt.payload };
    const jwk = crypto.createPrivateKey({ key: plain, format: 'der', type: 'pkcs8' }).export({ format: 'jwk' });
    if (jwk.n !== key.n || jwk.x !== key.x) throw new Error('key does not fit its public part');
    return { plain, payload: jwt.payload };
  }
}

module.exports = { Guest };
