// UVM endorsement: COSE_Sign1 over the launch measurement, PS384, with its own three-certificate chain (azure-protocols.md 2.7).
'use strict';
const crypto = require('crypto');
const cbor = require('./cbor');
const x509 = require('./x509');
const { b64u, sha256 } = require('./jose');

const FEED = 'ContainerPlat-AMD-UVM';
const EKU_ANY = '1.3.6.1.4.1.311.76.59.1.1';
const EKU = '1.3.6.1.4.1.311.76.59.1.2';
const PS384 = -38;
const SIGN = { padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 48 };

const did = (rootDer) => `did:x509:0:sha256:${b64u(sha256(rootDer))}::eku:${EKU}`;
const toBeSigned = (protectedBytes, payload) => cbor.encode(['Signature1', protectedBytes, Buffer.alloc(0), payload]);

// chain: [leaf, intermediate, root] DER. svn: decimal number. Any header can be replaced to make a wrong one.
function make({ chain, key, measurement, svn, iss = did(chain[2]), feed = FEED, time = Math.floor(Date.now() / 1000) }) {
  const payload = Buffer.from(JSON.stringify({
    'x-ms-sevsnpvm-guestsvn': String(svn), 'x-ms-sevsnpvm-guestsvn-int': svn, 'x-ms-sevsnpvm-launchmeasurement': measurement,
  }, null, 2));
  const head = cbor.encode(new Map([
    [1, PS384], [3, 'application/json'], [33, chain], [34, [-16, sha256(chain[0])]],
    ['iss', iss], ['feed', feed], ['signingtime', new cbor.Tagged(1, time)],
  ]));
  const signature = crypto.sign('sha384', toBeSigned(head, payload), { key, ...SIGN });
  return cbor.encode(new cbor.Tagged(18, [head, new Map(), payload, signature]));
}

// Parses and checks the COSE and its chain; the chain is judged without the clock. Throws when it is not genuine.
// Returns {iss, feed, payload, leaf EKUs and root agree with iss: bound}. Whether iss and feed are the wanted ones is the caller's question.
function open(bytes) {
  const outer = cbor.decode(bytes);
  if (!(outer instanceof cbor.Tagged) || outer.tag !== 18 || !Array.isArray(outer.value) || outer.value.length !== 4) throw new Error('UVM: not a COSE_Sign1');
  const [head, , payload, signature] = outer.value;
  const h = cbor.decode(head);
  if (h.get(1) !== PS384) throw new Error('UVM: algorithm is not PS384');
  const chain = h.get(33).map(x509.parse);
  if (chain.length < 2) throw new Error('UVM: no chain');
  for (let i = 0; i < chain.length; i++) {
    const above = chain[Math.min(i + 1, chain.length - 1)];
    if (!chain[i].issuer.equals(above.subject) || !x509.signedBy(chain[i], above.publicKey)) throw new Error('UVM: chain does not hold');
  }
  if (!crypto.verify('sha384', toBeSigned(head, payload), { key: chain[0].publicKey, ...SIGN }, signature)) throw new Error('UVM: bad signature');
  const iss = h.get('iss');
  const m = /^did:x509:0:sha256:([A-Za-z0-9_-]{43})::eku:([0-9.]+)$/.exec(iss);
  if (!m || m[1] !== b64u(sha256(chain[chain.length - 1].der)) || !x509.ekus(chain[0]).includes(m[2])) throw new Error('UVM: issuer does not fit the chain');
  return { iss, feed: h.get('feed'), payload: JSON.parse(payload), text: payload.toString() };
}

module.exports = { FEED, EKU, EKU_ANY, did, make, open };
