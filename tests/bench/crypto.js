// Our objects' cryptography beside "openssl speed", and offline verification beside the same work done by OpenSSL.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const cbor = require('../standin/cbor');
const x509 = require('../standin/x509');
const { World } = require('../world/world');
const { DIR, client } = require('./lib');

const RSA = [2048, 3072, 4096];
const OAEP_NAMES = Object.fromEntries(RSA.map((bits) => [bits, `oaep-${bits}`]));

// "name seconds" lines.
const table = (text) => Object.fromEntries(text.trim().split('\n').map((l) => l.split(' ')).map(([name, s]) => [name, Number(s)]));
const ours = async (program, ...args) => table(await client(path.join(DIR, program), args));

// Fields of the one result line of "openssl speed -mr".
async function speed(...args) {
  const out = await client('openssl', ['speed', '-mr', '-seconds', '1', ...args]);
  return out.split('\n').filter((l) => l.startsWith('+F')).map((l) => l.split(':')).pop();
}
const bytesASecond = async (...args) => Number((await speed(...args)).pop());

async function openssl() {
  const out = {};
  for (const n of [16, 16384]) {
    out[`seal-${n}`] = n / await bytesASecond('-bytes', String(n), '-evp', 'aes-256-gcm');
    out[`open-${n}`] = n / await bytesASecond('-bytes', String(n), '-decrypt', '-evp', 'aes-256-gcm');
  }
  out['sha256-16384'] = 16384 / await bytesASecond('-bytes', '16384', '-evp', 'sha256');
  // The private operation is the same for a signature and for OAEP; signatures a second.
  for (const bits of RSA) out[OAEP_NAMES[bits]] = 1 / Number((await speed(`rsa${bits}`))[3]);
  out['ecdsa-p256'] = 1 / Number((await speed('ecdsap256'))[3]);
  out.x25519 = 1 / Number((await speed('ecdhx25519'))[3]);
  return out;
}

async function cryptoBench() {
  const keys = RSA.map((bits) => {
    const file = path.join(DIR, `rsa-${bits}.der`);
    fs.writeFileSync(file, crypto.generateKeyPairSync('rsa', { modulusLength: bits }).privateKey.export({ type: 'pkcs8', format: 'der' }), { mode: 0o600 });
    return file;
  });
  return { ours: await ours('crypto', ...keys), openssl: await openssl() };
}

const withLength = (b) => Buffer.concat([Buffer.from(new Uint32Array([b.length]).buffer), b]);

// What OpenSSL is given: the same evidence, with the endorsement's CBOR taken apart.
function parts(proof) {
  const bin = (text) => Buffer.from(text, 'base64');
  const [protectedHead, , payload, signature] = cbor.decode(bin(proof.endorsement)).value;
  const chain = cbor.decode(protectedHead).get(33);
  const signed = cbor.encode(['Signature1', protectedHead, Buffer.alloc(0), payload]);
  return Buffer.concat([bin(proof.report), ...proof.certificates.map(bin), ...chain, signed, signature].map(withLength));
}

async function verifyBench() {
  const world = await World.make({ dir: path.join(DIR, 'world-verify') });
  try {
    await world.start(['contoso']);
    const { text } = await world.contoso.get('/.well-known/parley/proof');
    fs.writeFileSync(path.join(DIR, 'proof.json'), text);
    fs.writeFileSync(path.join(DIR, 'proof.parts'), parts(JSON.parse(text)));
    const [root] = x509.fromPem(fs.readFileSync(world.services.pki.path('ark.pem'), 'utf8'));
    const spki = new crypto.X509Certificate(root).publicKey.export({ type: 'spki', format: 'der' });
    const { verify } = await ours('verify', path.join(DIR, 'proof.json'), crypto.createHash('sha256').update(spki).digest('hex'), world.services.pki.uvmDid);
    return { ours: verify, openssl: (await ours('verify_openssl', path.join(DIR, 'proof.parts'))).verify, bytes: text.length };
  } finally {
    await world.stop();
    world.clearData();
  }
}

module.exports = { cryptoBench, verifyBench };
if (require.main === module) {
  (async () => { console.log(await cryptoBench(), await verifyBench()); process.exit(0); })();
}
