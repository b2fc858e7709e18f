// Is this SNP evidence genuine: report signature, VCEK -> ASK -> ARK, and the VCEK made for this chip and this TCB.
'use strict';
const der = require('./der');
const x509 = require('./x509');
const snp = require('./snp');

const AMD = '1.3.6.1.4.1.3704.1.';
const SPL_OID = { bl: '3.1', tee: '3.2', snp: '3.3', ucode: '3.8', fmc: '3.9' };

// The AMD extensions of a VCEK (azure-protocols.md 2.2).
function vcekFacts(cert) {
  const get = (suffix) => cert.extensions.get(AMD + suffix);
  const product = get('2') ? der.whole(get('2')).body.toString('latin1') : '';
  const levels = {};
  for (const [k, suffix] of Object.entries(SPL_OID)) {
    const v = get(suffix);
    if (!v) continue;
    const i = der.whole(v);
    if (i.tag !== 2 || i.body.length > 2) throw new Error('VCEK: security patch level is not a small integer');
    levels[k] = i.body.readUIntBE(0, i.body.length);
  }
  let hwid = get('4');
  if (hwid && hwid.length > 64 && hwid[0] === 4) hwid = der.whole(hwid).body;
  return { product, levels, hwid, vlek: cert.extensions.has(AMD + '5') };
}

function checkChain(certs, arks, now) {
  if (certs.length !== 3) throw new Error('chain is not VCEK, ASK, ARK');
  const [vcek, ask, ark] = certs;
  if (!arks.some((d) => d.equals(ark.der))) throw new Error('root of the chain is not a trusted ARK');
  if (!x509.signedBy(ark, ark.publicKey)) throw new Error('ARK is not self-signed');
  if (!ask.issuer.equals(ark.subject) || !x509.signedBy(ask, ark.publicKey)) throw new Error('ASK is not signed by the ARK');
  if (!vcek.issuer.equals(ask.subject) || !x509.signedBy(vcek, ask.publicKey)) throw new Error('VCEK is not signed by the ASK');
  for (const c of certs) if (now < c.notBefore || now > c.notAfter) throw new Error('a certificate of the chain is outside its validity');
}

// report: bytes; chainPem: text VCEK, ASK, ARK; arks: trusted ARK certificates as DER. Returns the parsed report; throws saying what is wrong.
function verify({ report, chainPem, arks, now = new Date() }) {
  const r = snp.parse(report);
  const wrong = snp.fault(r);
  if (wrong) throw new Error(wrong);
  const certs = x509.fromPem(chainPem).map(x509.parse);
  checkChain(certs, arks, now);
  const key = certs[0].publicKey;
  if (key.asymmetricKeyDetails.namedCurve !== 'secp384r1') throw new Error('VCEK is not a P-384 key');
  const facts = vcekFacts(certs[0]);
  const want = snp.spl(r.reportedTcb, facts.product);
  for (const k of Object.keys(want)) {
    if (facts.levels[k] !== want[k]) throw new Error(`VCEK ${k} level ${facts.levels[k]} is not the reported ${want[k]}`);
  }
  if (facts.vlek !== (r.signingKey === 1)) throw new Error('the certificate is of another kind than the signing key of the report');
  const chip = facts.product.startsWith('Turin') ? r.chipId.subarray(0, 8) : r.chipId;
  const hidden = r.chipId.every((x) => x === 0);
  if (!facts.vlek && !(facts.hwid && (hidden || facts.hwid.equals(chip)))) throw new Error('VCEK is for another chip');
  if (!snp.verify(report, key)) throw new Error('report signature is not valid');
  return { ...r, levels: want };
}

module.exports = { verify, vcekFacts, SPL_OID, AMD };
