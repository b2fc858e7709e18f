// Key wrapping as Azure does it: a fresh AES-256 key under RSA-OAEP, then the secret under AES-KWP (azure-protocols.md 4.5, RFC 5649).
'use strict';
const crypto = require('crypto');

// OAEP and MGF1 use the same hash.
const HASH = { CKM_RSA_AES_KEY_WRAP: 'sha1', RSA_AES_KEY_WRAP_256: 'sha256', RSA_AES_KEY_WRAP_384: 'sha384' };
const AIV = Buffer.from('A65959A6', 'hex');

const rsaKey = (key, enc) => ({ key, padding: crypto.constants.RSA_PKCS1_OAEP_PADDING, oaepHash: HASH[enc] });
const cipherOf = (kek) => `id-aes${kek.length * 8}-wrap-pad`;

function kwpWrap(kek, plain) {
  const c = crypto.createCipheriv(cipherOf(kek), kek, AIV);
  return Buffer.concat([c.update(plain), c.final()]);
}

function kwpUnwrap(kek, wrapped) {
  const d = crypto.createDecipheriv(cipherOf(kek), kek, AIV);
  return Buffer.concat([d.update(wrapped), d.final()]);
}

function wrap(enc, publicKey, plain) {
  const kek = crypto.randomBytes(32);
  return Buffer.concat([crypto.publicEncrypt(rsaKey(publicKey, enc), kek), kwpWrap(kek, plain)]);
}

function unwrap(enc, privateKey, wrapped) {
  const n = privateKey.asymmetricKeyDetails.modulusLength / 8;
  return kwpUnwrap(crypto.privateDecrypt(rsaKey(privateKey, enc), wrapped.subarray(0, n)), wrapped.subarray(n));
}

module.exports = { HASH, wrap, unwrap, kwpWrap, kwpUnwrap };
