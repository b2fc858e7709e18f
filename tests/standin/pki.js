// Test PKI: CA and TLS certificates, MAA and login signing keys, an AMD-format chain of our own, UVM endorsements. Made once, kept in DIR.
//
//   node pki.js DIR [--context OUT --policy FILE [--tcb HEX]]     makes DIR if need be; OUT: a security-context directory
//
// In DIR: ca.pem (trust anchor for TLS), ark.pem (trust anchor for reports), ask.pem, vcek.pem, chain.pem (VCEK, ASK, ARK for the default
// chip and TCB), vcek-key.pem (PKCS#8 P-384: signs reports), vcek-key.hex (its scalar, 96 digits), uvm.cose, maa.pem, tls/HOST.pem
// (key, leaf, intermediate), thim.json, snpbox.conf (settings of the simulated device that fit all this), pki.json (the constants below
// and the did:x509 of the UVM signer).
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const { promisify } = require('util');
const x509 = require('./x509');
const der = require('./der');
const snp = require('./snp');
const uvm = require('./uvm');
const { AMD } = require('./evidence');

const generate = promisify(crypto.generateKeyPair);
const FORMAT = 3; // of DIR: raise it when its contents change, so that old caches are made anew
const DAY = 86400e3;

const CHIP_ID = crypto.createHash('sha512').update('parley test chip').digest('hex');
const TCB = 'DB18000000000004';
// A chip of Turin: an identity of 8 bytes, which is how it is told apart here, and another layout of the TCB.
const TURIN_CHIP_ID = CHIP_ID.slice(0, 16).padEnd(128, '0');
const TURIN_TCB = '5100000004010101';
const productOf = (chipId) => (/^.{16}0{112}$/.test(chipId) ? 'Turin' : 'Milan');
const OLD_TCB = 'D118000000000004';
const MEASUREMENT = crypto.createHash('sha384').update('parley test utility VM').digest('hex');
const SVN = 104;

const rsa = (bits) => generate('rsa', { modulusLength: bits });
const ec = (curve) => generate('ec', { namedCurve: curve });
const amdName = (cn) => [['OU', 'Engineering'], ['C', 'US'], ['L', 'Santa Clara'], ['ST', 'CA'], ['O', 'Advanced Micro Devices'], ['CN', cn]];
const testName = (cn) => [['C', 'US'], ['O', 'Parley Test'], ['CN', cn]];
const privatePem = (key) => key.export({ type: 'pkcs8', format: 'pem' });
const validity = (years, from = Date.now() - DAY) => ({ notBefore: new Date(from), notAfter: new Date(from + years * 365.25 * DAY) });

const writeNew = (file, text) => { // whole or not at all, even when two processes write it
  const tmp = `${file}.${process.pid}.tmp`;
  fs.writeFileSync(tmp, text, { mode: 0o600 });
  fs.renameSync(tmp, file);
};

function makeCa(subject, issuer, pair, signer, algorithm, years = 20) {
  return x509.make({
    subject, issuer, publicKey: pair.publicKey, signKey: signer.privateKey, algorithm, ...validity(years),
    extensions: [x509.ext.ca(), x509.ext.usage(0x86), x509.ext.ski(pair.publicKey), x509.ext.aki(signer.publicKey)],
  });
}

async function makeWebCa(put, prefix, label) {
  const [root, inter] = await Promise.all([rsa(2048), rsa(2048)]);
  const rootName = testName(`${label} Root`);
  put(`${prefix}.pem`, x509.toPem(makeCa(rootName, rootName, root, root, 'rsa-sha256')));
  put(`${prefix}-inter.pem`, x509.toPem(makeCa(testName(`${label} TLS Issuing CA`), rootName, inter, root, 'rsa-sha384')));
  put(`${prefix}-inter-key.pem`, privatePem(inter.privateKey));
}

async function makeAmd(put) {
  const [ark, ask, vcek] = await Promise.all([rsa(4096), rsa(4096), ec('secp384r1')]);
  const make = (cn, pair, signer, serial, product = 'Milan') => x509.make({
    subject: amdName(cn), issuer: amdName(`ARK-${product}`), publicKey: pair.publicKey, signKey: signer.privateKey, serial,
    algorithm: 'pss-sha384', ...validity(25), extensions: [x509.ext.ca(cn.startsWith('SEV-') ? 0 : undefined), x509.ext.usage(0x06)],
  });
  put('ark.pem', x509.toPem(make('ARK-Milan', ark, ark, 0x10000)));
  put('ask.pem', x509.toPem(make('SEV-Milan', ask, ark, 0x10001)));
  // Other products and kinds of key have authorities of their own, here on the same keys: parties trust one root key beside AMD's.
  put('ark-Turin.pem', x509.toPem(make('ARK-Turin', ark, ark, 0x30000, 'Turin')));
  put('ask-Turin.pem', x509.toPem(make('SEV-Turin', ask, ark, 0x30001, 'Turin')));
  put('asvk.pem', x509.toPem(make('SEV-VLEK-Milan', ask, ark, 0x10002)));
  put('asvk-Turin.pem', x509.toPem(make('SEV-VLEK-Turin', ask, ark, 0x30002, 'Turin')));
  put('ark-key.pem', privatePem(ark.privateKey));
  put('ask-key.pem', privatePem(ask.privateKey));
  put('vcek-key.pem', privatePem(vcek.privateKey));
  put('vcek-key.hex', Buffer.from(vcek.privateKey.export({ format: 'jwk' }).d, 'base64url').toString('hex'));
}

async function makeUvm(put) {
  const [root, inter, leaf] = await Promise.all([rsa(3072), rsa(3072), rsa(3072)]);
  const rootName = testName('Supply Chain RSA Root CA');
  const interName = testName('SCD Products RSA CA');
  const leafDer = x509.make({
    subject: [['C', 'US'], ['O', 'Parley Test'], ['CN', 'ContainerPlat']], issuer: interName, publicKey: leaf.publicKey,
    signKey: inter.privateKey, algorithm: 'rsa-sha384', ...validity(1),
    extensions: [x509.ext.notCa(), x509.ext.eku(uvm.EKU_ANY, uvm.EKU), x509.ext.ski(leaf.publicKey), x509.ext.aki(inter.publicKey)],
  });
  const chain = [leafDer, makeCa(interName, rootName, inter, root, 'rsa-sha384'), makeCa(rootName, rootName, root, root, 'rsa-sha384')];
  put('uvm-chain.pem', chain.map((c) => x509.toPem(c)).join(''));
  put('uvm-key.pem', privatePem(leaf.privateKey));
}

async function makeSigners(put) {
  const [maa, maaOther, login] = await Promise.all([rsa(2048), rsa(2048), rsa(2048)]);
  const name = [['CN', 'https://maa.localhost']];
  put('maa.pem', x509.toPem(x509.make({
    subject: name, issuer: name, publicKey: maa.publicKey, signKey: maa.privateKey, algorithm: 'rsa-sha256', ...validity(10),
    extensions: [x509.ext.notCa()],
  })));
  put('maa-key.pem', privatePem(maa.privateKey));
  put('maa-other-key.pem', privatePem(maaOther.privateKey));
  put('login-key.pem', privatePem(login.privateKey));
}

// finalDir: where dir will be when it is complete.
async function makeAll(dir, finalDir) {
  fs.rmSync(dir, { recursive: true, force: true });
  fs.mkdirSync(path.join(dir, 'tls'), { recursive: true });
  const put = (file, text) => fs.writeFileSync(path.join(dir, file), text, { mode: 0o600 });
  await Promise.all([makeAmd(put), makeUvm(put), makeWebCa(put, 'ca', 'Parley Test'), makeWebCa(put, 'rogue', 'Parley Rogue'), makeSigners(put)]);
  const pki = new Pki(dir);
  put('chain.pem', pki.chainFor(CHIP_ID, TCB));
  put('vcek.pem', pki.vcekFor(CHIP_ID, TCB));
  put('thim.json', JSON.stringify(pki.thim(CHIP_ID, TCB)));
  put('uvm.cose', pki.uvmEndorsement());
  const box = { 'vcek-key': path.join(finalDir, 'vcek-key.pem'), certs: path.join(finalDir, 'chain.pem'), 'chip-id': CHIP_ID, tcb: TCB, measurement: MEASUREMENT };
  put('snpbox.conf', Object.entries(box).map(([k, v]) => `${k}=${v}\n`).join(''));
  put('pki.json', JSON.stringify({ format: FORMAT, chipId: CHIP_ID, tcb: TCB, oldTcb: OLD_TCB, measurement: MEASUREMENT, svn: SVN, uvmDid: pki.uvmDid, uvmFeed: uvm.FEED }, null, 1) + '\n');
}

const alive = (pid) => { if (!pid) return false; try { process.kill(pid, 0); return true; } catch (e) { return e.code === 'EPERM'; } };

function complete(dir) {
  try {
    return JSON.parse(fs.readFileSync(path.join(dir, 'pki.json'))).format === FORMAT;
  } catch {
    return false;
  }
}

// The process that holds the lock; null when it was let go meanwhile. One that was killed before it wrote its number is 0 and not alive.
function holder(lock) {
  try {
    const pid = Number(fs.readFileSync(lock, 'utf8'));
    return pid > 0 || Date.now() - fs.statSync(lock).mtimeMs > 5000 ? pid : null;
  } catch { return null; }
}

// Opens the PKI in dir, making it first when it is not there. Processes that start together wait for the one that makes it.
async function open(dir) {
  const lock = `${dir}.lock`;
  const end = Date.now() + 120000;
  fs.mkdirSync(path.dirname(path.resolve(dir)), { recursive: true });
  while (!complete(dir)) {
    try {
      fs.writeFileSync(lock, String(process.pid), { flag: 'wx' });
    } catch (e) {
      if (e.code !== 'EEXIST') throw e;
      const pid = holder(lock);
      if (pid !== null && !alive(pid)) fs.rmSync(lock, { force: true });
      if (Date.now() > end) throw new Error(`waited 120 s for: ${dir}, which process ${pid} makes (${lock})`);
      await new Promise((r) => setTimeout(r, 100));
      continue;
    }
    try {
      if (!complete(dir)) {
        const tmp = `${dir}.making`;
        await makeAll(tmp, path.resolve(dir));
        fs.rmSync(dir, { recursive: true, force: true });
        fs.renameSync(tmp, dir);
      }
    } finally {
      fs.rmSync(lock, { force: true });
    }
  }
  return new Pki(dir);
}

class Pki {
  constructor(dir) {
    this.dir = dir;
    this.texts = new Map();
    this.leaves = new Map();
    this.vceks = new Map();
  }

  path(file) { return path.join(this.dir, file); }

  text(file) { // read once: what is being served must not change when the directory is made anew
    if (!this.texts.has(file)) this.texts.set(file, fs.readFileSync(this.path(file), 'utf8'));
    return this.texts.get(file);
  }

  key(file) { return crypto.createPrivateKey(this.text(file)); }
  certs(file) { return x509.fromPem(this.text(file)); }
  get caPem() { return this.text('ca.pem'); }
  get arkDer() { return this.certs('ark.pem')[0]; }
  get arks() { return [this.arkDer, this.certs('ark-Turin.pem')[0]]; }
  get arkSpki() { return crypto.createHash('sha256').update(x509.parse(this.arkDer).publicKey.export({ type: 'spki', format: 'der' })).digest('hex'); }
  get vcekKey() { return this.key('vcek-key.pem'); }
  get uvmDid() { return uvm.did(this.certs('uvm-chain.pem')[2]); }

  // TLS certificate and key of a host, made on first use and kept: {key, keyPem, certPem (leaf, intermediate), chain: [leaf, intermediate, root] DER}.
  // kind: '' good; 'rogue' from a CA nobody trusts; 'expired' from ours, but over.
  async leaf(host, kind = '') {
    const id = kind ? `${kind}-${host}` : host;
    if (!this.leaves.has(id)) this.leaves.set(id, this.loadLeaf(host, kind, this.path(`tls/${id}.pem`)));
    return this.leaves.get(id);
  }

  // Key and certificates share a file, so that two processes making the same leaf cannot leave the key of one with the certificate of the other.
  async loadLeaf(host, kind, file) {
    const ca = kind === 'rogue' ? 'rogue' : 'ca';
    if (!fs.existsSync(file)) {
      const pair = await rsa(2048);
      const inter = this.key(`${ca}-inter-key.pem`);
      const period = kind === 'expired' ? validity(1, Date.now() - 800 * DAY) : validity(10);
      const cert = x509.make({
        subject: testName(host), issuer: testName(`Parley ${ca === 'ca' ? 'Test' : 'Rogue'} TLS Issuing CA`), publicKey: pair.publicKey, signKey: inter,
        algorithm: 'rsa-sha384', ...period,
        extensions: [x509.ext.notCa(), x509.ext.usage(0xa0), x509.ext.eku('serverAuth', 'clientAuth'),
          x509.ext.san(...(host.includes('managedhsm') ? [`*.${host}`, host] : [host])), x509.ext.ski(pair.publicKey), x509.ext.aki(crypto.createPublicKey(inter))],
      });
      writeNew(file, privatePem(pair.privateKey) + x509.toPem(cert) + this.text(`${ca}-inter.pem`));
    }
    const text = fs.readFileSync(file, 'utf8');
    const cut = text.indexOf('-----BEGIN CERTIFICATE');
    const [keyPem, certPem] = [text.slice(0, cut), text.slice(cut)];
    return { keyPem, certPem, key: crypto.createPrivateKey(keyPem), chain: [...x509.fromPem(certPem), ...this.certs(`${ca}.pem`)] };
  }

  // VCEK certificate (PEM) for a chip (128 hex digits, which say its product) and a TCB (numeric hex form), or a provider's VLEK. One key
  // serves all; serial 0 as AMD's.
  vcekFor(chipId, tcb, { vlek = false } = {}) {
    const id = `${chipId} ${tcb.toUpperCase()} ${vlek}`;
    if (this.vceks.has(id)) return this.vceks.get(id);
    const product = productOf(chipId);
    const l = snp.spl(snp.tcbBytes(tcb), product);
    const e = (suffix, value) => x509.extension(AMD + suffix, value);
    const turin = product === 'Turin';
    const pem = x509.toPem(x509.make({
      subject: amdName(vlek ? 'SEV-VLEK' : 'SEV-VCEK'), issuer: amdName(`SEV-${vlek ? 'VLEK-' : ''}${product}`),
      publicKey: crypto.createPublicKey(this.vcekKey), signKey: this.key('ask-key.pem'),
      serial: 0, algorithm: l.ucode >= 128 ? 'pss-sha384-short' : 'pss-sha384', ...validity(7),
      extensions: [e('1', der.integer(turin ? 1 : 0)), e('2', der.ia5(turin ? 'Turin' : 'Milan-B0')), e('3.1', der.integer(l.bl)), e('3.2', der.integer(l.tee)),
        ...[...(turin ? [] : ['3.4']), '3.5', '3.6', '3.7'].map((s) => e(s, der.integer(0))),
        e('3.3', der.integer(l.snp)), e('3.8', der.integer(l.ucode)), ...(turin ? [e('3.9', der.integer(l.fmc))] : []),
        vlek ? e('5', der.ia5('azure')) : e('4', Buffer.from(chipId, 'hex').subarray(0, turin ? 8 : 64))],
    }));
    this.vceks.set(id, pem);
    return pem;
  }

  // ASK (or ASVK) and ARK of a product.
  authorities(product, vlek = false) {
    const of = product === 'Milan' ? '' : `-${product}`;
    return this.text(`${vlek ? 'asvk' : 'ask'}${of}.pem`) + this.text(`ark${of}.pem`);
  }

  chainFor(chipId, tcb, { vlek } = {}) { return this.vcekFor(chipId, tcb, { vlek }) + this.authorities(productOf(chipId), vlek); }

  // The THIM object (azure-protocols.md 2.4).
  thim(chipId, tcb, { vlek } = {}) {
    return { vcekCert: this.vcekFor(chipId, tcb, { vlek }), tcbm: tcb.toUpperCase(), certificateChain: this.authorities(productOf(chipId), vlek), cacheControl: '86400' };
  }

  crl(product = 'Milan') {
    const from = new Date(Date.now() - DAY);
    return x509.makeCrl({ issuer: amdName(`ARK-${product}`), signKey: this.key('ark-key.pem'), algorithm: 'pss-sha384', thisUpdate: from, nextUpdate: new Date(from.getTime() + 365 * DAY) });
  }

  // COSE_Sign1 bytes; every part can be replaced (see uvm.make).
  uvmEndorsement(parts = {}) {
    return uvm.make({ chain: this.certs('uvm-chain.pem'), key: this.key('uvm-key.pem'), measurement: MEASUREMENT, svn: SVN, ...parts });
  }

  // Writes a security-context directory (azure-protocols.md 2.5) and returns what a guest with it must report as HOST_DATA.
  securityContext(dir, { policyText, tcb = TCB, chipId = CHIP_ID, vlek = false, cose = this.uvmEndorsement() }) {
    fs.mkdirSync(dir, { recursive: true });
    const put = (file, bytes) => fs.writeFileSync(path.join(dir, file), Buffer.from(bytes).toString('base64'));
    put('host-amd-cert-base64', JSON.stringify(this.thim(chipId, tcb, { vlek })));
    put('reference-info-base64', cose);
    put('security-policy-base64', policyText);
    return hostData(policyText);
  }
}

const hostData = (policyText) => crypto.createHash('sha256').update(policyText).digest('hex');

async function cli(args) {
  const option = (name) => { const i = args.indexOf(name); return i < 0 ? undefined : args.splice(i, 2)[1]; };
  const [context, policy, tcb] = ['--context', '--policy', '--tcb'].map(option);
  if (args.length !== 1 || !context !== !policy) throw new Error('usage: node pki.js DIR [--context OUT --policy FILE [--tcb HEX]]');
  const pki = await open(args[0]);
  const out = JSON.parse(pki.text('pki.json'));
  if (context) out.hostData = pki.securityContext(context, { policyText: fs.readFileSync(policy), tcb });
  process.stdout.write(JSON.stringify(out) + '\n');
}

module.exports = { open, hostData, productOf, TURIN_CHIP_ID, TURIN_TCB, CHIP_ID, TCB, OLD_TCB, MEASUREMENT, SVN };

if (require.main === module) cli(process.argv.slice(2)).catch((e) => { process.stderr.write(`pki: ${e.message}\n`); process.exit(2); });
