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
const SHA384 = -43;
const SIGN = { padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 48 };

const did = (rootDer) => `did:x509:0:sha256:${b64u(sha256(rootDer))}::eku:${EKU}`;
const toBeSigned = (protectedBytes, payload) => cbor.encode(['Signature1', protectedBytes, Buffer.alloc(0), payload]);

const claimsOf = (svn, measurement) => ({
  'x-ms-sevsnpvm-guestsvn': String(svn), 'x-ms-sevsnpvm-guestsvn-int': svn, 'x-ms-sevsnpvm-launchmeasurement': measurement,
});

// chain: [leaf, intermediate, root] DER. svn: decimal number. envelope: the second form, a COSE hash envelope. Any header can be replaced to
// make a wrong one: edit changes the protected headers, a Map.
function make({ chain, key, measurement, svn, iss = did(chain[2]), feed = FEED, time = Math.floor(Date.now() / 1000), envelope = false, edit = () => {}, payload }) {
  const issued = new cbor.Tagged(1, time);
  const headers = envelope ? [
    [1, PS384], [15, new Map([[1, iss], [2, feed], [6, issued], ['svn', svn]])], [33, chain], [34, [-16, sha256(chain[0])]],
    [258, SHA384], [259, 'application/octet-stream'],
  ] : [[1, PS384], [3, 'application/json'], [33, chain], [34, [-16, sha256(chain[0])]], ['iss', iss], ['feed', feed], ['signingtime', issued]];
  const map = new Map(headers);
  edit(map);
  const head = cbor.encode(map);
  const body = payload || (envelope ? Buffer.from(measurement, 'hex') : Buffer.from(JSON.stringify(claimsOf(svn, measurement), null, 2)));
  const signature = crypto.sign('sha384', toBeSigned(head, body), { key, ...SIGN });
  return cbor.encode(new cbor.Tagged(18, [head, new Map(), body, signature]));
}

// Parses and checks the COSE and its chain; the chain is judged without the clock. Throws when it is not genuine.
// Returns {iss, feed, payload, text}. Whether iss and feed are the wanted ones is the caller's question. payload is the first form's JSON: of a
// hash envelope the same claims (what the real service tells of one is not public).
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
  const cwt = h.get(15);
  if (cwt && (h.has(3) || h.get(258) !== SHA384 || payload.length !== 48)) throw new Error('UVM: not a hash envelope of a measurement');
  const [iss, feed] = cwt ? [cwt.get(1), cwt.get(2)] : [h.get('iss'), h.get('feed')];
  const m = /^did:x509:0:sha256:([A-Za-z0-9_-]{43})::eku:([0-9.]+)$/.exec(iss);
  if (!m || m[1] !== b64u(sha256(chain[chain.length - 1].der)) || !x509.ekus(chain[0]).includes(m[2])) throw new Error('UVM: issuer does not fit the chain');
  if (cwt) return { iss, feed, payload: claimsOf(cwt.get('svn'), payload.toString('hex')) };
  return { iss, feed, payload: JSON.parse(payload), text: payload.toString() };
}

module.exports = { FEED, EKU, EKU_ANY, did, make, open };
