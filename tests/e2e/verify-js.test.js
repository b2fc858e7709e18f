// src/ui/verify.mjs and parleyctl verify say the same: over real evidence, over a live party's, and over both with a byte changed or parts
// exchanged. Every check is compared: its name, whether it passed, and what was expected and found.
'use strict';
const assert = require('node:assert');
const crypto = require('crypto');
const fs = require('fs');
const https = require('https');
const path = require('path');
const test = require('node:test');
const { spawn, spawnSync } = require('child_process');
const { request } = require('../standin/client');
const jose = require('../standin/jose');
const pkis = require('../standin/pki');
const snp = require('../standin/snp');
const uvm = require('../standin/uvm');
const x509 = require('../standin/x509');
const der = require('../standin/der');
const { DEFAULT_DIR } = require('../standin/main');
const { ROOT } = require('../world/party');
const { scratch, solo, newPeer } = require('./lib');

const CTL = path.join(ROOT, 'build/parleyctl');
const MODULE = path.join(ROOT, 'src/ui/verify.mjs');
const AZURE = path.join(path.resolve(ROOT, process.env.PARLEY_VECTORS || '../shared/vectors'), 'azure');
const skip = fs.existsSync(AZURE) ? false : 'no vectors (PARLEY_VECTORS)';
const NOT_GENUINE = 4;
const NOW = Math.floor(Date.now() / 1000);

const DIR = scratch('verify-js');
fs.mkdirSync(DIR, { recursive: true });
let files = 0;
const file = (content) => {
  const name = path.join(DIR, `f${++files}`);
  fs.writeFileSync(name, typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content));
  return name;
};

let verify;
let pki;
test.before(async () => {
  verify = await import(MODULE);
  pki = await pkis.open(DEFAULT_DIR);
});

// --- Both, on the same question ---

const ctl = (args) => new Promise((resolve, reject) => {
  const child = spawn(CTL, ['verify', '--json', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const out = [];
  child.stdout.on('data', (d) => out.push(d));
  child.stderr.resume();
  child.on('error', reject).on('close', (status, signal) => (signal ? reject(new Error(`killed by ${signal}`)) : resolve({ status, text: Buffer.concat(out).toString() })));
});

const spkiHash = (cert) => jose.sha256(cert.publicKey.export({ type: 'spki', format: 'der' })).toString('hex');

// rules: as the module has them, but root is a certificate in DER.
function asked(rules) {
  const { root, token = {}, policy, ...rest } = rules;
  const args = ['--at', String(rules.now)];
  const add = (name, value) => { if (value !== undefined) args.push(name, value); };
  add('--amd-root', root && file(root));
  add('--uvm-issuer', rules.uvmIssuer);
  add('--uvm-feed', rules.uvmFeed);
  add('--nonce', rules.nonce);
  add('--crl-max-age', rules.crlMaxAge && String(rules.crlMaxAge / 86400));
  add('--maa', token.issuer);
  add('--maa-keys', token.keys && file(token.keys));
  add('--policy', policy && file(policy));
  return { args, options: { ...rest, token, policy, root: root && spkiHash(x509.parse(root)) } };
}

// What is compared: all but the sentences that say why.
const told = (v) => ({ genuine: v.genuine, acceptable: v.acceptable, configured_root: v.configured_root, checks: v.checks.map(({ why, ...c }) => c) });
const failed = (v) => v.checks.filter((c) => c.state === 'failed').map((c) => c.id);

async function compare(js, args, what) {
  const c = await ctl(args);
  if (c.text === '') { // not even a proof, or not even a report
    assert.deepStrictEqual([c.status, js.genuine, js.acceptable], [NOT_GENUINE, false, null], what);
    assert.deepStrictEqual(failed(js), ['proof.form'], what);
    return js;
  }
  assert.deepStrictEqual(told(js), told(JSON.parse(c.text)), what);
  assert.ok(js.checks.every((x) => (x.state === 'passed') === !x.why), what);
  return js;
}

async function proofBoth(proof, rules, what) {
  const bytes = Buffer.isBuffer(proof) ? proof : Buffer.from(typeof proof === 'string' ? proof : JSON.stringify(proof));
  const { args, options } = asked(rules);
  return compare(await verify.verifyProof(new Uint8Array(bytes), options), ['--proof', file(bytes), ...args], what);
}

async function reportBoth({ report, certs, crl, endorsement }, rules = {}, what) {
  const all = { now: NOW, ...rules };
  const { args, options } = asked(all);
  const more = (name, bytes) => (bytes ? [name, file(bytes)] : []);
  const js = await verify.verifyReport({ report, chain: certs, crl, endorsement }, options);
  return compare(js, ['--report', file(report), '--certs', file(certs), ...more('--crl', crl), ...more('--endorsement', endorsement), ...args], what);
}

// Some at a time: parleyctl runs beside this process.
async function each(list, work) {
  const rest = list[Symbol.iterator]();
  await Promise.all(Array.from({ length: 3 }, async () => { for (const x of rest) await work(x); }));
}

// --- Real evidence ---

const real = (name) => fs.readFileSync(path.join(AZURE, name));
const pem = (name) => Buffer.concat(x509.fromPem(real(name).toString('latin1')));
const base64File = (name) => Buffer.from(real(name).toString('latin1'), 'base64');

test('real reports, chains and endorsements, those that belong together and those that do not', { skip }, async () => {
  const reports = ['skr-sidecar/snp_report.bin', 'skr-sidecar/cert_fetcher_test_report_v3.bin', 'go-sev-guest/attestation.bin', 'skr-sidecar/fake_report_template.bin',
    'turin/turin_attestation_report.bin', '../field/snp/s04-report-v2.bin'].map(real);
  const thim = (json) => { const t = JSON.parse(json); return Buffer.concat(x509.fromPem(t.vcekCert + t.certificateChain)); };
  const vcek = real('go-sev-guest/vcek.testcer');
  const chains = [
    pem('skr-sidecar/uvm_host_amd_certificate.pem'), pem('skr-sidecar/cert_fetcher_test_chain.pem'), Buffer.concat([vcek, pem('go-sev-guest/milan.testcer')]),
    thim(base64File('skr-sidecar/security-context-test/host-amd-cert-base64')), thim(real('skr-sidecar/uvm_host_amd_certificate.json')), Buffer.concat([vcek, pem('go-sev-guest/milanvlek.testcer')]),
    pem('turin/turin_chain.pem'), pem('../field/snp/s01-chain.pem'),
    ...['genoa', 'genoa_vlek', 'milan', 'milan_vlek', 'turin_vcek', 'turin_vlek'].map((name) => Buffer.concat([vcek, pem(`go-sev-guest/ask_ark_${name}.pem`)])),
  ];
  const endorsements = [undefined, real('skr-sidecar/body.uvm_reference_info.bin'), base64File('skr-sidecar/security-context-test/reference-info-base64'), real('uvm-envelope/uvm_0.2.10.cose')];
  const policy = { parley_policy: 1, host_data: 'any', min_uvm_svn: 22 };
  let genuine = 0;
  for (const [i, report] of reports.entries()) {
    for (const [k, certs] of chains.entries()) {
      for (const [m, endorsement] of endorsements.entries()) genuine += (await reportBoth({ report, certs, endorsement }, { policy }, `report ${i}, chain ${k}, endorsement ${m}`)).genuine;
    }
  }
  // snp_report.bin with its certificates in two forms, alone and with its endorsement; the others alone, go-sev-guest's chain in two forms
  assert.strictEqual(genuine, 2 * 2 + 1 + 2 + 1);
  const field = { report: real('../field/snp/s04-report-v2.bin'), certs: pem('../field/snp/s01-chain.pem') };
  const v = await reportBoth(field, { root: x509.fromPem(real('../field/snp/root-turin.pem').toString('latin1'))[0] }, 'version 2 of a new processor');
  assert.deepStrictEqual([v.genuine, v.product], [true, 'Turin']);
});

// --- Evidence of our own making: any product, any mistake, signed all the same ---

const LEVELS = { bootloader: 4, tee: 1, snp: 24, microcode: 219, fmc: 3 };
const LAYOUT = { Milan: ['bootloader', 'tee', , , , , 'snp', 'microcode'], Turin: ['fmc', 'bootloader', 'tee', 'snp', , , , 'microcode'] };
LAYOUT.Genoa = LAYOUT.Milan;
const CPUID = { Milan: [0x19, 0x01], Genoa: [0x19, 0xa0], Turin: [0x1a, 0x02] };
const SPL = { bootloader: '3.1', tee: '3.2', snp: '3.3', microcode: '3.8', fmc: '3.9' };
const tcbOf = (product, levels = LEVELS) => Buffer.from(LAYOUT[product].concat(Array(8)).slice(0, 8)).map((_, i) => levels[LAYOUT[product][i]] || 0).reverse().toString('hex');
const CHIP = crypto.createHash('sha512').update('a chip').digest();
const DAY = 86400;
const S = 'x-ms-sevsnpvm-';
const date = (s) => new Date(s * 1000);
const rsa = (bits = 2048) => crypto.generateKeyPairSync('rsa', { modulusLength: bits });
const ec = (namedCurve) => crypto.generateKeyPairSync('ec', { namedCurve });
const keys = {};
const key = (name, make = rsa) => { keys[name] ||= make(); return keys[name]; };
const p384 = () => ec('secp384r1');
const made = new Map();
const once = (make) => { if (!made.has(make)) made.set(make, make()); return made.get(make); }; // what most cases have unchanged

const named = (cn) => [['O', 'Advanced Micro Devices'], ['CN', cn]];
const CA = [x509.ext.ca(), x509.ext.usage(0x06)];
const cert = (signer, owner, parts) => x509.make({
  publicKey: owner.publicKey, signKey: signer.privateKey, algorithm: 'pss-sha384', serial: 0, notBefore: date(NOW - 9 * DAY), notAfter: date(NOW + 900 * DAY), extensions: [],
  ...parts,
});
const amd = (number, ...value) => x509.extension(`1.3.6.1.4.1.3704.1.${number}`, ...value);

// Extensions of a VCEK or VLEK by number; edits replace them, null removes one.
function leafExtensions({ product = 'Milan', vlek = false, levels = LEVELS, edits = {} }) {
  const chip = product === 'Turin' ? CHIP.subarray(0, 8) : CHIP;
  const all = { 1: der.integer(0), 2: der.ia5(`${product}-B0`),
  ...Object.fromEntries(Object.keys(SPL).filter((l) => LAYOUT[product].includes(l)).map((l) => [SPL[l], der.integer(levels[l])])),
  ...(vlek ? { 5: der.ia5('azure') } : { 4: chip }), ...edits };
  return Object.entries(all).filter(([, v]) => v).map(([n, v]) => amd(n, v));
}
// What AMD would give for a product: [leaf, ask, ark] in DER. leaf, ask, ark: parts of the certificates to be made otherwise.
function chainOf(o = {}) {
  const { product = 'Milan', vlek = false } = o;
  const [ark, ask, leaf] = [key('ark'), key('ask'), key('leaf', p384)];
  const [root, middle] = [named(`ARK-${product}`), named(`SEV-${vlek ? 'VLEK-' : ''}${product}`)];
  return [
    cert(ask, leaf, { subject: named(vlek ? 'SEV-VLEK' : 'SEV-VCEK'), issuer: middle, extensions: leafExtensions(o), ...o.leaf }),
    cert(ark, ask, { subject: middle, issuer: root, serial: 0x10001, extensions: CA, ...o.ask }), cert(ark, ark, { subject: root, issuer: root, serial: 0x10000, extensions: CA, ...o.ark }),
  ];
}
const ROOT_HERE = () => once(chainOf)[2];

const POLICY = 'package policy\n\nallow := true\n';
const HOST_DATA = jose.sha256(POLICY).toString('hex');
const NONCE = Buffer.alloc(32, 9).toString('base64url');
const TLS = 'cd'.repeat(32);
const RUNTIME = { key: '', nonce: NONCE, purpose: 'parley-evidence-1', role: 'contoso', tls_spki_sha256: TLS };
const sized = (b) => Buffer.concat([b, Buffer.alloc(64)]).subarray(0, 64);

function reportOf({ product = 'Milan', vlek = false, levels, runtime = JSON.stringify(RUNTIME), edit = () => {}, ...o } = {}) {
  const chip = Buffer.from(CHIP);
  if (product === 'Turin') chip.fill(0, 8);
  return snp.make({
    key: key('leaf', p384).privateKey, reportData: sized(jose.sha256(runtime)), hostData: HOST_DATA, measurement: pkis.MEASUREMENT, chipId: chip.toString('hex'), tcb: tcbOf(product, levels),
    ...o,
    edit(b) {
      if (b[0] > 2) b.set(CPUID[product], 0x188);
      if (vlek) b[0x48] = 4;
      edit(b);
    },
  });
}

const uvmName = (cn) => [['CN', cn]];
function uvmChain(o = {}) {
  const [root, middle, leaf] = ['uvm root', 'uvm middle', 'uvm leaf'].map((n) => key(n));
  const one = (signer, owner, cn, issuer, extensions, more) => cert(signer, owner, { subject: uvmName(cn), issuer: uvmName(issuer), serial: 5, algorithm: 'rsa-sha384', extensions, ...more });
  return [
    one(middle, leaf, 'leaf', 'middle', [x509.ext.notCa(), x509.ext.eku(uvm.EKU_ANY, uvm.EKU)], o.leaf),
    one(root, middle, 'middle', 'root', [x509.ext.ca()], o.middle), one(root, root, 'root', 'root', [x509.ext.ca()], o.root),
  ];
}
const endorsementOf = (parts = {}) => uvm.make({ chain: once(uvmChain), key: key('uvm leaf').privateKey, measurement: pkis.MEASUREMENT, svn: 104, time: NOW, ...parts });
const did = () => uvm.did(once(uvmChain)[2]);
const crlOf = (parts = {}) => crlWith(key('ark'), parts);
function crlWith(signer, { from = NOW - DAY, until = NOW + 300 * DAY, serials = [], extensions, issuer = named('ARK-Milan'), version = 1 } = {}) {
  const plain = x509.makeCrl({ issuer, signKey: signer.privateKey, algorithm: 'pss-sha384', thisUpdate: date(from), nextUpdate: date(until) });
  const [tbs, alg] = der.list(der.whole(plain).body);
  const fields = der.list(tbs.body).map((f) => f.raw);
  fields[0] = der.integer(version);
  if (serials.length) fields.push(der.seq(...serials.map((n) => der.seq(der.integer(n), der.time(date(from))))));
  if (extensions) fields.push(der.ctx(0, der.seq(...extensions)));
  return resigned(der.seq(...fields), alg.raw, signer);
}
// tbs under a signature that is right for it.
const PSS = { padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 48 };
const resigned = (tbs, alg, signer, salt = 48) => der.seq(tbs, alg, der.bits(crypto.sign('sha384', tbs, { key: signer.privateKey, ...PSS, saltLength: salt })));

// A proof's members; parts replace what it is made of, null leaves one out.
function proofOf({ runtime = JSON.stringify(RUNTIME), report = reportOf({ runtime }), chain = once(chainOf), crl = once(crlOf), endorsement = once(endorsementOf), policy = POLICY, members = {}, token } = {}) {
  const b64 = (b) => (b ? Buffer.from(b).toString('base64') : undefined);
  const p = {
    parley_proof: 1, tee_type: 'sevsnp', report: b64(report), certificates: chain.map(b64), crl: b64(crl), endorsement: b64(endorsement), policy: b64(policy), runtime_data: b64(runtime),
    nonce: NONCE, tls_spki_sha256: TLS, token, ...members,
  };
  return JSON.parse(JSON.stringify(p));
}
const trusting = (more = {}) => ({ now: NOW, root: ROOT_HERE(), uvmIssuer: did(), nonce: NONCE, policy: { parley_policy: 1, host_data: [HOST_DATA], role: 'contoso' }, ...more });

// list: [what, expected failures (ids; none: good), proof's parts, rules]
async function cases(list) {
  const wrong = [];
  await each(list, async ([what, ids, parts, rules = {}]) => {
    try {
      const v = await proofBoth(typeof parts === 'function' ? parts() : proofOf(parts), trusting(rules), what);
      if (failed(v).join() !== ids.join()) wrong.push(`${what}: ${failed(v)} failed, not ${ids}`);
    } catch (e) {
      wrong.push(e.message);
    }
  });
  assert.strictEqual(wrong.length, 0, wrong.join('\n'));
}

test('every product, version and kind of key', async () => {
  const list = [];
  for (const product of ['Milan', 'Genoa', 'Turin']) {
    for (const vlek of [false, true]) {
      for (const version of [2, 3, 4, 5, 6]) {
        list.push([`${product} ${vlek ? 'VLEK' : 'VCEK'} ${version}`, [], { report: reportOf({ product, vlek, version }), chain: chainOf({ product, vlek }), crl: crlOf({ issuer: named(`ARK-${product}`) }) }]);
      }
    }
  }
  await cases(list);
});

// What permits, or says how to read the report, is refused where it is not known.
test('reports whose fields are not as they must be, well signed', async () => {
  const bad = (what, edit, o) => [what, ['report.form'], () => proofOf({ report: reportOf({ edit, ...o }) })];
  const u64 = (at, add) => (b) => b.writeBigUInt64LE(b.readBigUInt64LE(at) | add, at);
  const list = [bad('VERSION 1', (b) => { b[0] = 1; }), bad('VERSION 7', (b) => { b[0] = 7; }), bad('VERSION 258', (b) => { b[1] = 1; }), bad('VMPL 4', (b) => { b[0x30] = 4; }),
  bad('VMPL of the host', (b) => b.fill(0xff, 0x30, 0x34)),
    bad('ALGO 0', (b) => { b[0x34] = 0; }), bad('bit 17', (b) => { b[10] &= ~2; }), bad('policy bit 26', u64(8, 1n << 26n)), bad('policy bit 63', u64(8, 1n << 63n)),
    ...[2, 3, 4, 5, 6, 7].map((k) => bad(`key ${k}`, (b) => { b[0x48] = k << 2; })), bad('author key', (b) => { b[0x110] = 1; })];
  list.push(['short', ['proof.form'], () => proofOf({ report: reportOf().subarray(1) })]);
  for (const at of [0x2d0, 0x2e7, 0x318, 0x32f, 0x330, 0x49f]) { // beside R and S
    const unsigned = reportOf();
    unsigned[at] = 1;
    list.push([`byte ${at}, which nothing signs`, ['report.form'], { report: unsigned }]);
  }
  await cases(list);
});

// What only describes is shown by both, in the same words, and never refused.
test('reports with bits that nobody knows, well signed', async () => {
  const P = (product) => ({ chain: chainOf({ product }), crl: null });
  const wrong = [];
  const shows = async (what, names, edit, { product = 'Milan', ids = [], ...o } = {}) => {
    try {
      const v = await proofBoth(proofOf({ ...P(product), report: reportOf({ edit, product, ...o }) }), trusting({ policy: undefined }), what);
      const { found } = v.checks.find((c) => c.id === 'report.form');
      if (failed(v).join() !== ids.join() || !found.endsWith(names ? `; set and not known: ${names}` : `version ${o.version ?? 3}`)) wrong.push(`${what}: ${failed(v)}, ${found}`);
    } catch (e) {
      wrong.push(e.message);
    }
  };
  const set = (at, x = 1) => (b) => { b[at] |= x; };
  for (let i = 0; i < 64; i++) await shows(`PLATFORM_INFO bit ${i}`, i > 7 ? `PLATFORM_INFO bit ${i}` : '', set(0x40 + (i >> 3), 1 << i % 8));
  for (let i = 5; i < 32; i++) await shows(`flag ${i}`, `key flags bit ${i}`, set(0x48 + (i >> 3), 1 << i % 8));
  await shows('author key', '', (b) => { b[0x48] = 1; b[0x110] = 1; });
  for (const [version, ats] of Object.entries({ 2: [0x4c, 0x188, 0x1f8], 3: [0x18b, 0x19f, 0x1eb], 4: [0x1f8, 0x29f], 5: [0x208, 0x1eb, 0x1ef, 0x4f], 6: [0x220, 0x27f] })) {
    for (const at of ats) await shows(`version ${version}, byte ${at}`, `byte 0x${at.toString(16)}`, set(at, 0x80), { version: Number(version) });
  }
  await shows('mitigations', '', (b) => b.fill(1, 0x1f8, 0x208), { version: 5 });
  await shows('LAUNCH_TCB', 'LAUNCH_TCB byte 3', set(0x1f3));
  await shows('CURRENT_TCB of Turin', 'CURRENT_TCB byte 4', set(0x3c), { product: 'Turin', version: 5 });
  await shows('the chip of a Turin', 'byte 0x1a8', set(0x1a8), { product: 'Turin', version: 5 });
  await shows('all of it', 'PLATFORM_INFO bit 8, 63, key flags bit 5, 31, COMMITTED_TCB byte 2, byte 0x4d, byte 0x1ef', (b) => {
    for (const [at, x] of [[0x41, 1], [0x47, 0x80], [0x48, 0x20], [0x4b, 0x80], [0x1e2, 9], [0x1e5, 9], [0x4d, 1], [0x4f, 1], [0x1ef, 1]]) b[at] |= x;
  });
  // The levels that a certificate is for are judged, also those of reserved bytes: spl_4 to spl_7.
  await shows('a reserved level that is not certified', 'REPORTED_TCB byte 3', set(0x183, 7), { ids: ['vcek.tcb', 'vcek.kind'] });
  assert.strictEqual(wrong.length, 0, wrong.join('\n'));
  const certified = (product, number, at, ids) => [`${product} spl_${number}`, ids, () => proofOf({
    chain: chainOf({ product, edits: { [`3.${number}`]: der.integer(7) } }), crl: null, report: reportOf({ product, version: 5, edit: set(at, 7) }) })];
  await cases([
    ...[4, 5, 6, 7].map((n) => certified('Milan', n, 0x180 + n - 2, [])), ...[5, 6, 7].map((n) => certified('Turin', n, 0x180 + n - 1, [])),
    certified('Milan', 4, 0x1f2, ['vcek.tcb', 'vcek.kind']), certified('Turin', 4, 0x184, ['vcek.tcb', 'vcek.kind']), certified('Milan', 5, 0x182, ['vcek.tcb', 'vcek.kind']),
  ]);
});

// MASK_CHIP_KEY is about the VCEK, MASK_CHIP_ID about the chip's identity; a host with a VLEK may have both.
test('keys and chips that the host masks', async () => {
  const hide = (b) => b.fill(0, 0x1a0, 0x1e0);
  const key2 = (b) => { b[0x48] |= 2; };
  const both = (b) => { hide(b); key2(b); };
  const blank = () => { const b = reportOf({ edit: key2 }); b.fill(0, 0x2a0); return b; };
  const masked = (product, vlek, version, edit) => [`${product} ${vlek} ${version} ${edit.name}`, vlek || edit === hide ? [] : ['report.signature'], () => proofOf({
    report: reportOf({ product, vlek, version, edit }), chain: chainOf({ product, vlek }), crl: null })];
  await cases([
    ...['Milan', 'Genoa', 'Turin'].flatMap((p) => [true, false].flatMap((vlek) => [2, 3, 5].flatMap((v) => [hide, key2, both].map((e) => masked(p, vlek, v, e))))),
    ['not signed', ['report.signature'], () => proofOf({ report: blank() })],
    ['a VLEK’s, of another provider’s key', ['report.signature'], () => proofOf({ report: reportOf({ vlek: true, edit: both, key: key('other leaf', p384).privateKey }), chain: chainOf({ vlek: true }), crl: null })],
    ['a VLEK’s, of another level', ['vcek.tcb', 'vcek.kind'], () => proofOf({ report: reportOf({ vlek: true, edit: both, levels: { ...LEVELS, snp: 23 } }), chain: chainOf({ vlek: true }), crl: null })],
    ['a VLEK’s, with a VCEK’s certificate', ['vcek.kind'], () => proofOf({ report: reportOf({ vlek: true, edit: both }) })],
  ]);
  const why = (v) => v.checks.find((c) => c.id === 'vcek.chip').why;
  const proof = (o) => proofBoth(proofOf({ report: reportOf({ ...o, edit: hide }), chain: chainOf(o), crl: null }), trusting(), 'masked');
  assert.match(why(await proof({ vlek: true })), /not a chip; .*the chip id is masked/);
  assert.match(why(await proof({ vlek: false })), /the chip id is masked/);
});

test('certificates: order, roots, dates, curves, names, extensions, paddings', async () => {
  const [leaf, ask, ark] = chainOf();
  const foreign = key('foreign');
  const P = { product: 'Milan' };
  const chain = (what, ids, o) => [what, ids, () => proofOf({ chain: chainOf({ ...P, ...o }) })];
  const spl = (number, value) => ({ edits: { [number]: value } });
  const twice = (list) => ({ leaf: { extensions: [...leafExtensions({}), ...list] } });
  const cut = (c, salt, signer) => { const [tbs, alg] = der.list(der.whole(c).body); return resigned(tbs.raw, alg.raw, key(signer), salt); };
  const past = { notBefore: date(NOW - 90 * DAY), notAfter: date(NOW - DAY) };
  const p256 = key('p256', () => ec('prime256v1'));
  await cases([
    ['order: ark before ask', ['chain.root', 'chain.root_signature', 'chain.intermediate', 'chain.leaf', 'chain.product'], { chain: [leaf, ark, ask], crl: null }],
    ['a third that is none', ['chain.form', 'report.signature'], { members: { certificates: [leaf, ask, Buffer.from([5, 0])].map((b) => b.toString('base64')) } }],
    ['order: ask first', ['chain.root_signature', 'chain.intermediate', 'chain.leaf', 'chain.product', 'report.signature'].slice(1), { chain: [ask, leaf, ark], crl: null }],
    ['foreign root', ['chain.root', 'crl.signature'], () => proofOf({ chain: [cert(ask && key('ask'), key('leaf', p384), { subject: named('SEV-VCEK'), issuer: named('SEV-Milan'), extensions: leafExtensions({}) }),
    cert(foreign, key('ask'), { subject: named('SEV-Milan'), issuer: named('ARK-Milan'), extensions: CA }),
    cert(foreign, foreign, { subject: named('ARK-Milan'), issuer: named('ARK-Milan'), extensions: CA })] })],
    ['two certificates in one', ['proof.form'], { members: { certificates: [Buffer.concat([leaf, ask]), ark, ark].map((b) => b.toString('base64')) } }],
    ['two certificates', ['proof.form'], { members: { certificates: [leaf, ask].map((b) => b.toString('base64')) } }],
    chain('leaf expired', ['chain.dates'], { leaf: past }), chain('ask expired', ['chain.dates'], { ask: past }), chain('ark expired', ['chain.dates'], { ark: past }),
    chain('leaf not yet valid', ['chain.dates'], { leaf: { notBefore: date(NOW + DAY) } }), chain('until 2060', [], { leaf: { notAfter: date(2840140800) } }),
    chain('leaf on P-256', ['chain.leaf', 'report.signature'], { leaf: { publicKey: p256.publicKey } }),
    chain('leaf with RSA', ['chain.leaf', 'report.signature'], { leaf: { publicKey: key('ask').publicKey } }),
    chain('other leaf key', ['report.signature'], { leaf: { publicKey: key('other leaf', p384).publicKey } }),
    chain('leaf is CA', ['chain.leaf'], { leaf: { extensions: [...leafExtensions({}), x509.ext.ca()] } }),
    chain('ask is none', ['chain.intermediate'], { ask: { extensions: [x509.ext.notCa()] } }),
    chain('ark without extensions', ['chain.root_signature'], { ark: { extensions: [x509.ext.ski(key('ark').publicKey)] } }),
    chain('ask may not sign', ['chain.intermediate'], { ask: { extensions: [x509.ext.ca(), x509.ext.usage(0x80)] } }),
    chain('unknown critical extension of the leaf', ['chain.leaf'], twice([x509.extension('1.2.3.4', der.nul(), true)])),
    chain('unknown critical extension of ask', ['chain.intermediate'], { ask: { extensions: [...CA, x509.extension('1.2.3.4', der.nul(), true)] } }),
    chain('unknown extension', [], twice([x509.extension('1.2.3.4', der.nul())])),
    chain('the other encoding', [], { leaf: { algorithm: 'pss-sha384-short' } }), chain('PKCS #1', ['chain.leaf'], { leaf: { algorithm: 'rsa-sha384' } }),
    chain('PKCS #1, ask', ['chain.intermediate'], { ask: { algorithm: 'rsa-sha384' } }),
    ['salt of 32', ['chain.leaf'], { chain: [cut(leaf, 32, 'ask'), ask, ark] }], ['salt of 48', [], { chain: [cut(leaf, 48, 'ask'), ask, ark] }],
    ['signed by ark', ['chain.leaf'], { chain: [cut(leaf, 48, 'ark'), ask, ark] }],
    chain('names', ['chain.product'], { leaf: { subject: named('SEV-VLEK') } }),
    chain('two common names', ['chain.product'], { leaf: { subject: [...named('SEV-VCEK'), ['CN', 'x']] } }),
    chain('no common name', ['chain.product'], { leaf: { subject: [['O', 'AMD']] } }),
    chain('authority for VLEKs', ['chain.leaf', 'chain.product'], { ask: { subject: named('SEV-VLEK-Milan') } }),
    chain('another product', ['chain.product', 'vcek.kind'], spl(2, der.ia5('Genoa'))),
    chain('unknown product', ['chain.product', 'report.signature'], spl(2, der.ia5('Rome'))),
    chain('product as UTF8String', ['chain.product', 'report.signature'], spl(2, der.utf8('Milan'))),
    chain('a prototype is no product', ['chain.product', 'report.signature'], spl(2, der.ia5('constructor'))),
    chain('SPL one below', ['vcek.tcb', 'vcek.kind'], spl('3.8', der.integer(218))),
    chain('SPL of 256', ['chain.product', 'report.signature'], spl('3.8', der.integer(256))), chain('no SPL', ['chain.product', 'report.signature'], spl('3.1', null)),
    chain('SPL not shortest', ['chain.product', 'report.signature'], spl('3.1', Buffer.from([2, 2, 0, 4]))),
    chain('SPL and more', ['chain.product', 'report.signature'], spl('3.1', Buffer.concat([der.integer(4), der.nul()]))),
    chain('chip wrapped', [], spl(4, der.octets(CHIP))), chain('another chip', ['vcek.chip', 'vcek.kind'], spl(4, Buffer.alloc(64, 1))),
    chain('short chip', ['chain.product', 'report.signature'], spl(4, CHIP.subarray(1))), chain('no chip', ['chain.product', 'report.signature'], spl(4, null)),
    chain('chip twice', ['chain.product', 'report.signature'], twice([amd(4, CHIP)])), chain('a provider’s too', ['chain.product', 'vcek.kind'], spl(5, der.ia5('x'))),
    ['VLEK’s report, VCEK’s certificate', ['vcek.kind'], { report: reportOf({ vlek: true }) }], ['VCEK’s report, VLEK’s certificate', ['vcek.kind'], { chain: chainOf({ vlek: true }) }],
    ['Genoa’s report', ['vcek.kind'], { report: reportOf({ product: 'Genoa' }) }], ['unknown processor', ['vcek.kind'], { report: reportOf({ edit: (b) => { b[0x188] = 0x1b; } }) }],
    ['not AMD’s', ['chain.root', 'uvm.issuer'], {}, { root: undefined, uvmIssuer: undefined }],
    ['wrong root configured', ['chain.root'], {}, { root: cert(foreign, foreign, { subject: named('ARK-Milan'), issuer: named('ARK-Milan'), extensions: CA }) }],
    ['years later', ['chain.dates', 'crl.dates'], {}, { now: NOW + 4000 * DAY }], ['long ago', ['chain.dates', 'crl.dates'], {}, { now: 0 }],
  ]);
});

test('revocation lists', async () => {
  const crl = (what, ids, parts, rules) => [what, ids, () => proofOf({ crl: crlOf(parts) }), rules];
  const asks = { policy: { parley_policy: 1, host_data: 'any', crl_required: true } };
  await cases([
    crl('good', [], {}, asks), ['none', ['accept.crl'], { crl: null }, asks], crl('others revoked', [], { serials: [5, 0x10002] }),
    crl('ask revoked', ['crl.revoked'], { serials: [5, 0x10001] }), crl('ark revoked', ['crl.revoked'], { serials: [0x10000] }),
    crl('stale', ['crl.dates'], { until: NOW - 1 }), crl('from the future', ['crl.dates'], { from: NOW + 301 }), crl('a little early', [], { from: NOW + 299 }),
    crl('too old', ['crl.dates'], { from: NOW - 3 * DAY }, { crlMaxAge: 2 * DAY }), crl('young enough', [], { from: NOW - 3 * DAY }, { crlMaxAge: 4 * DAY }),
    ['another signer', ['crl.signature'], () => proofOf({ crl: crlWith(key('ask')) })], crl('another issuer', ['crl.signature'], { issuer: named('ARK-Genoa') }),
    crl('version 1', ['crl.form'], { version: 0 }),
    crl('number', [], { extensions: [x509.extension('2.5.29.20', der.integer(4))] }),
    crl('delta', ['crl.form'], { extensions: [x509.extension('2.5.29.27', der.integer(4), true)] }), ['garbage', ['crl.form'], { crl: Buffer.from('garbage') }],
    crl('of another product', ['crl.signature'], { issuer: named('ARK-Turin') }),
  ]);
});

test('endorsements', async () => {
  const [leaf, middle, root] = uvmChain();
  const of = (what, ids, parts, rules) => [what, ids, () => proofOf({ endorsement: endorsementOf(parts) }), rules];
  const chain = (what, ids, list, rules) => of(what, ids, { chain: list, iss: did() }, rules);
  const UVM = (svn) => ({ policy: { parley_policy: 1, host_data: 'any', min_uvm_svn: svn } });
  // The same message with another header, payload or unprotected part, signed for it. header: Map's entries.
  const cbor = require('../standin/cbor');
  const message = ({ edit = () => {}, payload, unprotected = new Map(), alg }) => {
    const [head, , was] = cbor.decode(endorsementOf()).value;
    const map = cbor.decode(head);
    if (alg) map.set(1, alg);
    edit(map);
    const bytes = cbor.encode(map);
    const text = Buffer.from(payload === undefined ? was : typeof payload === 'string' ? payload : JSON.stringify({ ...JSON.parse(was), ...payload }));
    const toSign = cbor.encode(['Signature1', bytes, Buffer.alloc(0), text]);
    return cbor.encode(new cbor.Tagged(18, [bytes, unprotected, text, crypto.sign('sha384', toSign, { key: key('uvm leaf').privateKey, ...PSS })]));
  };
  const raw = (what, ids, parts, rules) => [what, ids, () => proofOf({ endorsement: message(parts) }), rules];
  const selfSigned = cert(key('uvm leaf'), key('uvm leaf'), { subject: uvmName('root'), issuer: uvmName('root'), algorithm: 'rsa-sha384', extensions: [x509.ext.ca(), x509.ext.eku(uvm.EKU)] });
  await cases([
    of('good', [], {}), ['none', ['accept.uvm'], { endorsement: null }], ['none, and none asked for', [], { endorsement: null }, UVM('any')],
    of('another measurement', ['uvm.measurement'], { measurement: 'ab'.repeat(48) }),
    of('another issuer', ['uvm.issuer'], { iss: uvm.did(leaf) }), of('another feed', ['uvm.feed'], { feed: 'Else' }),
    of('the feed asked for', [], { feed: 'Else' }, { uvmFeed: 'Else' }),
    of('neither, nor measurement', ['uvm.issuer', 'uvm.feed', 'uvm.measurement'], { iss: 'x', feed: 'ü', measurement: 'ab'.repeat(48) }),
    of('issuer who is no did', ['uvm.issuer'], { iss: 'Microsoft' }, { uvmIssuer: 'Microsoft' }),
    ...['did:x509:0:sha256:AAAA::eku:1.2.3', did().replace('::eku:', '::subject:'), did().replace('sha256', 'sha512'), `${did()}.`, did().replace(/1\.2$/, '01.2'),
      ...['1.40.3', '1.3.6.1.5.5.7.3.1', '1.2.4294967296', `1.2${'.3'.repeat(60)}`].map((oid) => did().replace(/::eku.*/, `::eku:${oid}`))]
      .map((iss) => of(iss, ['uvm.issuer'], { iss }, { uvmIssuer: iss })),
    of('without purpose', ['uvm.issuer'], { chain: uvmChain({ leaf: { extensions: [x509.ext.notCa()] } }) }), chain('one certificate', ['uvm.chain'], [leaf]),
    chain('without root', ['uvm.chain'], [leaf, middle]), chain('swapped', ['uvm.chain'], [middle, leaf, root]),
    chain('a fifth', ['uvm.form'], [leaf, middle, root, root, root]), chain('root twice', [], [leaf, middle, root, root]),
    of('middle is no authority', ['uvm.chain'], { chain: uvmChain({ middle: { extensions: [x509.ext.notCa()] } }) }),
    of('critical extension', ['uvm.chain'], { chain: uvmChain({ leaf: { extensions: [x509.ext.eku(uvm.EKU), x509.extension('1.2.3', der.nul(), true)] } }) }),
    of('expired: the clock does not matter', [], { chain: uvmChain({ leaf: { notBefore: date(NOW - 99 * DAY), notAfter: date(NOW - 90 * DAY), extensions: [x509.ext.eku(uvm.EKU)] } }) }),
    of('PSS in the chain', [], { chain: uvmChain({ leaf: { algorithm: 'pss-sha384', extensions: [x509.ext.eku(uvm.EKU)] } }) }),
    of('another key', ['uvm.signature'], { key: key('uvm middle').privateKey }), chain('self-signed leaf', ['uvm.chain'], [selfSigned, middle, root]),
    raw('as it was', [], {}), raw('ES384', ['uvm.signature'], { alg: -35 }), raw('crit', ['uvm.form'], { edit: (m) => m.set(2, [1]) }),
    raw('unprotected', [], { unprotected: new Map([['x', [1, -5, 'text', Buffer.from('b'), new cbor.Tagged(5, 7)]]]) }),
    raw('unprotected list', ['uvm.form'], { unprotected: [] }),
    raw('no algorithm', ['uvm.form'], { edit: (m) => m.delete(1) }), raw('no issuer', ['uvm.issuer'], { edit: (m) => m.delete('iss') }),
    raw('no chain', ['uvm.chain'], { edit: (m) => m.delete(33) }), raw('chain of one, alone', ['uvm.chain'], { edit: (m) => m.set(33, leaf) }),
    raw('chain of texts', ['uvm.form'], { edit: (m) => m.set(33, ['a', 'b']) }), raw('issuer as number', ['uvm.form'], { edit: (m) => m.set('iss', 5) }),
    raw('chain of none', ['uvm.form'], { edit: (m) => m.set(33, []) }), raw('a certificate of garbage', ['uvm.chain'], { edit: (m) => m.set(33, [leaf, Buffer.from('x')]) }),
    raw('payload no JSON', ['uvm.measurement'], { payload: '{' }), raw('payload list', ['uvm.measurement'], { payload: '[]' }),
    raw('measurement short', ['uvm.measurement'], { payload: { [`${S}launchmeasurement`]: 'ab' } }),
    raw('measurement twice', ['uvm.measurement'], { payload: `{"${S}launchmeasurement":"${pkis.MEASUREMENT}","${S}launchmeasurement":"${pkis.MEASUREMENT}","${S}guestsvn":"104"}` }),
    raw('svn too small', ['accept.uvm'], { payload: { [`${S}guestsvn`]: '99', [`${S}guestsvn-int`]: 99 } }),
    raw('the smaller one', ['accept.uvm'], { payload: { [`${S}guestsvn`]: '104', [`${S}guestsvn-int`]: 99 } }),
    raw('the smaller text', ['accept.uvm'], { payload: { [`${S}guestsvn`]: '99' } }),
    raw('text alone', [], { payload: { [`${S}guestsvn-int`]: undefined } }), raw('number alone', [], { payload: { [`${S}guestsvn`]: undefined } }),
    raw('number for text', [], { payload: { [`${S}guestsvn`]: 104 } }),
    raw('neither', ['uvm.measurement'], { payload: { [`${S}guestsvn`]: undefined, [`${S}guestsvn-int`]: undefined } }),
    raw('text for number', ['uvm.measurement'], { payload: { [`${S}guestsvn-int`]: '104' } }),
    raw('no number', ['uvm.measurement'], { payload: { [`${S}guestsvn`]: '-5' } }), raw('a fraction', ['uvm.measurement'], { payload: { [`${S}guestsvn-int`]: 104.5 } }),
    raw('svn asked for', [], {}, UVM(104)), raw('svn over', ['accept.uvm'], {}, UVM(105)),
  ]);
});

// RFC 5280 section 6.1, in both forms; what a chain of Microsoft's has none of is honoured where it is there, or refused.
test('what the authorities of an endorsement may certify', async () => {
  const { ca, eku, usage, notCa } = x509.ext;
  const names = (critical) => x509.extension('2.5.29.30', der.seq(der.ctx(0, der.seq(der.tlv(0x82, 'x.example')))), critical);
  const EMAIL = eku('1.3.6.1.5.5.7.3.4'), OURS = eku(uvm.EKU);
  const leaf = (what, ids, ...extensions) => [what, ids, { leaf: { extensions: [notCa(), OURS, ...extensions] } }];
  const middle = (what, ids, ...extensions) => [what, ids, { middle: { extensions } }];
  const rows = [
    middle('no purpose, so any', [], ca()), middle('the purpose', [], ca(), OURS), middle('the purpose among others', [], ca(), eku(uvm.EKU_ANY, uvm.EKU)),
    middle('any purpose', [], ca(), eku('2.5.29.37.0')), middle('for mail only', ['uvm.issuer'], ca(), EMAIL), middle('the other of the two purposes', ['uvm.issuer'], ca(), eku(uvm.EKU_ANY)),
    middle('for mail, then for all', ['uvm.issuer'], ca(), EMAIL, OURS), middle('a critical purpose', ['uvm.issuer'], ca(), x509.extension('2.5.29.37', der.seq(der.oid('1.2.3')), true)),
    middle('purposes of garbage', ['uvm.issuer'], ca(), x509.extension('2.5.29.37', Buffer.from('x'))),
    ['a root for mail only', ['uvm.issuer'], { root: { extensions: [ca(), EMAIL] } }],
    middle('names', ['uvm.chain'], ca(), names()), middle('critical names', ['uvm.chain'], ca(), names(true)), leaf('names of the leaf', ['uvm.chain'], names()),
    middle('none below', [], ca(0)), middle('path length of garbage', ['uvm.chain'], x509.extension('2.5.29.19', der.seq(der.bool(true), der.nul()), true)),
    ['a root with none below', ['uvm.chain'], { root: { extensions: [ca(0)] } }], ['a root with one below', [], { root: { extensions: [ca(1)] } }],
    middle('usage twice, the first for nothing', ['uvm.chain'], ca(), usage(0x80), usage(0x04)),
    leaf('for signatures', [], usage(0x80)), leaf('for keys', ['uvm.chain'], usage(0x20)), leaf('usage twice', ['uvm.chain'], usage(0x20), usage(0x80)),
  ];
  await cases(rows.flatMap(([what, ids, o]) => {
    const chain = uvmChain(o);
    return [false, true].map((envelope) => [`${what}, ${envelope ? 'envelope' : 'JSON'}`, ids, () => proofOf({ endorsement: endorsementOf({ chain, envelope }) }), { uvmIssuer: uvm.did(chain[2]) }]);
  }));
});

// The second form: edit changes the protected headers, claims the CWT claims among them.
test('endorsements as hash envelopes', async () => {
  const chain = once(uvmChain);
  const EDGE = NOW - 9 * DAY; // when the certificates begin to be valid
  const of = (what, ids, { claims = () => {}, edit = () => {}, ...parts } = {}, rules = {}) => [what, ids.map((id) => (/\./.test(id) ? id : `uvm.${id}`)), () => proofOf({
    endorsement: endorsementOf({ envelope: true, edit: (m) => { claims(m.get(15)); edit(m); }, ...parts }),
  }), rules];
  const min = (svn) => ({ policy: { parley_policy: 1, host_data: 'any', min_uvm_svn: svn } });
  const again = (m, label, v) => { // written with one pair more
    const all = [...m, [label, v]];
    Object.defineProperty(m, 'size', { value: all.length });
    m[Symbol.iterator] = () => all[Symbol.iterator]();
  };
  const Tagged = require('../standin/cbor').Tagged;
  await cases([
    of('good', []), of('as it is asked for', [], {}, min(104)), of('too old', ['accept.uvm'], {}, min(105)), of('too old itself', ['accept.uvm'], { svn: 99 }),
    of('another measurement', ['measurement'], { measurement: 'ab'.repeat(48) }), of('another subject', ['feed'], { feed: 'Else' }),
    of('another issuer', ['issuer'], { iss: uvm.did(chain[0]) }), of('another key', ['signature'], { key: key('uvm middle').privateKey }),
    of('issued as the certificates begin', [], { time: EDGE }), of('issued before', ['issued'], { time: EDGE - 1 }), of('issued after', ['issued'], { time: NOW + 901 * DAY }),
    of('time without tag', [], { claims: (m) => m.set(6, NOW) }), of('time of another tag', ['form'], { claims: (m) => m.set(6, new Tagged(2, NOW)) }),
    of('time tagged twice', ['form'], { claims: (m) => m.set(6, new Tagged(1, new Tagged(1, NOW))) }), of('time as text', ['form'], { claims: (m) => m.set(6, String(NOW)) }),
    of('time before all', ['form'], { claims: (m) => m.set(6, -1) }),
    ...[1, 2, 6, 'svn'].map((name) => of(`claim ${name} missing`, ['form'], { claims: (m) => m.delete(name) })),
    ...[1, 2, 6, 'svn'].map((name) => of(`claim ${name} of another type`, ['form'], { claims: (m) => m.set(name, Buffer.from('x')) })),
    of('svn as text', ['form'], { claims: (m) => m.set('svn', '104') }), of('svn negative', ['form'], { claims: (m) => m.set('svn', -1) }),
    of('svn tagged', ['form'], { claims: (m) => m.set('svn', new Tagged(1, 104)) }), of('svn as large as may be', [], { svn: 2 ** 32 - 1 }),
    of('more claims', [], { claims: (m) => m.set(4, 1).set('x', [1, new Map([[1, 'y']])]).set(-1, Buffer.from('z')) }), of('a claim named by bytes', ['form'], { claims: (m) => m.set(Buffer.from('1'), 1) }),
    of('claims empty', ['form'], { edit: (m) => m.set(15, new Map()) }), of('claims no map', ['form'], { edit: (m) => m.set(15, [1, 'x']) }), of('claims as bytes', ['form'], { edit: (m) => m.set(15, Buffer.from('a0', 'hex')) }),
    of('no claims', ['form'], { edit: (m) => m.delete(15) }), of('no hash algorithm', ['form'], { edit: (m) => m.delete(258) }), of('SHA-256', ['form'], { edit: (m) => m.set(258, -16) }),
    of('hash algorithm 0', ['form'], { edit: (m) => m.set(258, 0) }), of('hash algorithm as text', ['form'], { edit: (m) => m.set(258, 'SHA-384') }), of('without 259', [], { edit: (m) => m.delete(259) }),
    of('a content type', ['form'], { edit: (m) => m.set(3, 'application/json') }), of('JSON under it', ['measurement'], { payload: Buffer.from(JSON.stringify({ [`${S}launchmeasurement`]: pkis.MEASUREMENT })) }),
    of('a hash cut', ['measurement'], { payload: Buffer.from(pkis.MEASUREMENT, 'hex').subarray(0, 47) }), of('a hash and more', ['measurement'], { payload: Buffer.from(`${pkis.MEASUREMENT}00`, 'hex') }),
    of('no payload', ['measurement'], { payload: Buffer.alloc(0) }),
    of('the first form’s labels too', [], { edit: (m) => m.set('iss', did()).set('feed', uvm.FEED) }), of('another issuer there', ['form'], { edit: (m) => m.set('iss', uvm.did(chain[0])) }),
    of('another feed there', ['form'], { edit: (m) => m.set('feed', 'Else') }), of('the right feed there, another in the claims', ['form'], { feed: 'Else', edit: (m) => m.set('feed', uvm.FEED) }),
    of('claims in the first form', ['form'], { envelope: false, claims: () => {}, edit: (m) => m.set(15, new Map([[1, did()], [2, uvm.FEED], [6, NOW], ['svn', 104]])) }),
    of('hash algorithm in the first form', ['form'], { envelope: false, claims: () => {}, edit: (m) => m.set(258, -43) }),
    ...[[1, -38], [33, chain], [15, new Map()], [258, -43], [3, 'x']].map(([label, v]) => of(`label ${label} twice`, ['form'], { edit: (m) => again(m, label, v) })),
    ...[[1, did()], [2, uvm.FEED], [6, NOW], ['svn', 104]].map(([name, v]) => of(`claim ${name} twice`, ['form'], { claims: (m) => again(m, name, v) })),
    of('a claim that is not known, twice', ['form'], { claims: (m) => again(m.set(4, 1), 4, 2) }),
  ]);
});

// What neither knows is said to be not known, by both: never that something is wrong with it.
test('what is not known is said to be so', async () => {
  const said = async (id, proof, rules = {}) => {
    const { args, options } = asked(trusting(rules));
    const bytes = Buffer.from(JSON.stringify(proof));
    const [js, c] = [await verify.verifyProof(new Uint8Array(bytes), options), JSON.parse((await ctl(['--proof', file(bytes), ...args])).text)];
    return [js, c].map((v) => { const x = v.checks.find((y) => y.id === id); return `${x?.state}: ${x?.why}: ${x?.found ?? ''}`; });
  };
  const endorsed = (parts) => proofOf({ endorsement: endorsementOf(parts) });
  const report = reportOf();
  const set = { keys: [{ ...key('maa').publicKey.export({ format: 'jwk' }), kid: 'k' }] };
  const EKU = x509.ext.eku(uvm.EKU);
  const token = (head, claims, keys = set.keys) => [proofOf({ report, token: tokenOf({ ...claimsOf(report), ...claims }, { head: { kid: 'k', ...head } }) }), believing({ keys: JSON.stringify({ keys }) })];
  const rows = {
    'a form of endorsement': ['uvm.form', endorsed({ edit: (m) => { m.delete('iss'); m.delete('feed'); m.set(999, 'x'); } }), /form of endorsement is not supported \(known: .*: 1, 3, 33, 34, signingtime, 999/],
    'an envelope with a content type': ['uvm.form', endorsed({ envelope: true, edit: (m) => m.set(3, 'x') }), /form of endorsement is not supported/],
    'a hash of the payload': ['uvm.form', endorsed({ envelope: true, edit: (m) => m.set(258, -16) }), /hash algorithm .* not supported \(known: -43.*: -16/],
    'a COSE algorithm': ['uvm.signature', endorsed({ edit: (m) => m.set(1, -35) }), /COSE algorithm is not supported \(known: -38.*: -35/],
    'a COSE algorithm of the envelope': ['uvm.signature', endorsed({ envelope: true, edit: (m) => m.set(1, -37) }), /COSE algorithm is not supported .*: -37/],
    'a did:x509 form': ['uvm.issuer', endorsed({ iss: did().replace('::eku:', '::subject:') }), /form is not supported \(known: did:x509:0:sha256:/],
    'a did:x509 hash': ['uvm.issuer', endorsed({ iss: did().replace('sha256', 'sha384') }), /form is not supported/],
    'a certificate’s signature': ['uvm.chain', endorsed({ chain: uvmChain({ leaf: { algorithm: 'rsa-sha1', extensions: [EKU] } }) }), /signature algorithm of a certificate is not supported/],
    'a certificate’s key': ['uvm.chain', endorsed({ chain: uvmChain({ leaf: { publicKey: crypto.generateKeyPairSync('ed25519').publicKey, extensions: [EKU] } }) }), /key is (not supported|of a type that is not supported)/],
    'a signer’s key': ['uvm.signature', endorsed({ chain: uvmChain({ leaf: { publicKey: key('ec', p384).publicKey, extensions: [EKU] } }) }), /type of key is not supported/],
    'a token’s algorithm': ['token.signature', ...token({ alg: 'RS512' }), /signature algorithm is not supported \(known: RS256, .*: RS512/],
    'none': ['token.signature', ...token({ alg: 'none' }), /signature algorithm is not supported .*: none/],
    'a token’s critical header': ['token.signature', ...token({ crit: ['b64'] }), /critical .* not supported/],
    'a type of key': ['token.signature', ...token({}, {}, [{ kid: 'k', kty: 'OKP', crv: 'Ed25519', x: 'AA' }]), /key type is not supported \(known: RSA, EC/],
    'a curve': ['token.signature', ...token({}, {}, [{ kid: 'k', kty: 'EC', crv: 'P-521', x: 'AA', y: 'AA' }]), /key type is not supported \(known: RSA, EC/],
    'a kind of guest': ['token.type', ...token({}, { 'x-ms-attestation-type': 'tdxvm' }), /kind of guest.* not supported \(known: sevsnpvm.*: tdxvm/],
    'a version of runtime data': ['proof.purpose', (() => { const runtime = JSON.stringify({ ...RUNTIME, purpose: 'parley-evidence-2' }); return proofOf({ runtime, report: reportOf({ runtime }) }); })(),
      /version of runtime data is not supported \(known: parley-evidence-1\): parley-evidence-2/],
  };
  await each(Object.entries(rows), async ([what, row]) => {
    const [id, proof, rules, pattern] = row.length === 4 ? row : [row[0], row[1], {}, row[2]];
    for (const text of await said(id, proof, rules)) {
      assert.match(text, /^failed/, what);
      assert.match(text, pattern, what);
    }
  });
});

test('runtime data, nonce, keys, policies: what belongs together', async () => {
  const rt = (what, ids, change, rules) => {
    const runtime = typeof change === 'string' ? change : JSON.stringify({ ...RUNTIME, ...change });
    return [what, ids, () => proofOf({ runtime, report: reportOf({ runtime }) }), rules];
  };
  const nothing = ['proof.purpose', 'connection.nonce'];
  const accept = (what, ids, policy, report, rules) => [what, ids.map((i) => `accept.${i}`), () => proofOf({ report: reportOf(report) }), { policy: { parley_policy: 1, host_data: [HOST_DATA],
  ...policy }, ...rules }];
  const tcb = (min_tcb) => ({ min_tcb });
  await cases([
    rt('good', [], {}), rt('another purpose', nothing, { purpose: 'parley-evidence-2' }), rt('a member more', nothing, { more: 1 }),
    rt('a member less', nothing, { key: undefined }), rt('reordered', [], JSON.stringify(RUNTIME, Object.keys(RUNTIME).reverse(), 1)), rt('a list', nothing, '[]'),
    rt('nothing', nothing, '{}'),
    rt('a name twice', nothing, JSON.stringify(RUNTIME).replace('{', '{"key":"",')), rt('escaped', [], JSON.stringify(RUNTIME).replace('contoso', 'cont\\u006fso')),
    rt('nonce with padding', nothing, { nonce: `${NONCE}=` }), rt('short nonce', nothing, { nonce: 'AAAA' }),
    rt('nonce not canonical', nothing, { nonce: `${NONCE.slice(0, -1)}B` }), rt('nonce in base64', nothing, { nonce: `${'+'.repeat(43)}` }),
    rt('long role', nothing, { role: 'r'.repeat(64) }), rt('role of 63 bytes', ['accept.role'], { role: 'ü'.repeat(31) }),
    rt('role of 64 bytes', nothing, { role: 'ü'.repeat(32) }), rt('long key', nothing, { key: 'k'.repeat(44) }), rt('no string', nothing, { role: 5 }),
    rt('NUL', nothing, { role: 'con\0toso' }), rt('short TLS key', nothing, { tls_spki_sha256: 'cd' }),
    rt('TLS key in capitals', [], { tls_spki_sha256: TLS.toUpperCase() }),
    rt('another TLS key', ['proof.tls_key'], { tls_spki_sha256: 'ee'.repeat(32) }),
    rt('another nonce', ['proof.nonce', 'connection.nonce'], { nonce: Buffer.alloc(16).toString('base64url') }),
    rt('another role', ['accept.role'], { role: 'fabrikam' }),
    ['other runtime data', ['proof.runtime_data'], { report: reportOf({ runtime: 'x' }) }],
    ['second half not zero', ['proof.runtime_data'], { report: reportOf({ reportData: Buffer.concat([jose.sha256(JSON.stringify(RUNTIME)), Buffer.alloc(32, 1)]) }) }],
    ['replayed', ['connection.nonce'], {}, { nonce: Buffer.alloc(32, 1).toString('base64url') }], ['no nonce asked for', [], {}, { nonce: undefined }],
    ['another policy', ['proof.policy'], { policy: 'package other' }], ['no policy', [], { policy: null }],
    accept('another HOST_DATA', ['host_data'], { host_data: ['ab'.repeat(32)] }), accept('among others', [], { host_data: ['ab'.repeat(32), HOST_DATA.toUpperCase()] }),
    accept('not among them', ['host_data'], { host_data: ['ab'.repeat(32), 'cd'.repeat(32)] }), accept('nobody', ['host_data'], { host_data: [] }),
    accept('anybody', [], { host_data: 'any' }),
    accept('debug', ['debug'], {}, { policy: 0xb001fn }), accept('debug allowed', [], { debug_allowed: true }, { policy: 0xb001fn }),
    accept('migration', ['migration'], {}, { policy: 0x7001fn }), accept('migration allowed', [], { migration_allowed: true }, { policy: 0x7001fn }),
    accept('both', ['debug', 'migration'], {}, { policy: 0xf001fn }),
    accept('VMPL 1', ['vmpl'], {}, { vmpl: 1 }), accept('VMPL 1 asked for', [], { vmpl: 1 }, { vmpl: 1 }), accept('VMPL 0 for 1', ['vmpl'], { vmpl: 1 }),
    accept('measurement', [], { measurement: [pkis.MEASUREMENT] }), accept('another measurement', ['measurement'], { measurement: ['ab'.repeat(48)] }),
    accept('of two', [], { measurement: [pkis.MEASUREMENT, 'ab'.repeat(48)] }),
    accept('of two others', ['measurement'], { measurement: ['cd'.repeat(48), 'ab'.repeat(48)] }),
    accept('TCB', [], tcb({ Milan: { bootloader: 4, tee: 1, snp: 24, microcode: 219 } })),
    accept('TCB over', ['tcb.tee', 'tcb.microcode'], tcb({ Milan: { bootloader: 4, tee: 2, snp: 24, microcode: 220 }, Turin: { fmc: 1 } })),
    accept('TCB in part', ['tcb.snp'], tcb({ Milan: { snp: 25 } })), accept('TCB of others', ['tcb'], tcb({ Genoa: { snp: 1 } })),
    accept('platform', [], { platform_required: ['ecc', 0], platform_forbidden: ['tsme', 63] }), accept('platform lacks', ['platform'], { platform_required: ['alias_check_complete', 'ecc'] }),
    accept('platform has', ['platform'], { platform_forbidden: ['smt'] }), accept('platform has an unknown one', ['platform'], { platform_forbidden: [40, 9] }, { edit: (b) => { b[0x45] = 1; } }),
    accept('unknown one asked for', [], { platform_required: [40] }, { edit: (b) => { b[0x45] = 1; } }), accept('nothing there', ['platform'], { platform_required: [40] }, { edit: (b) => { b[0x40] = 0; } }),
    accept('report data', [], { report_data: jose.sha256(JSON.stringify(RUNTIME)).toString('hex') }),
    accept('whole report data', [], { report_data: jose.sha256(JSON.stringify(RUNTIME)).toString('hex') + '00'.repeat(32) }),
    accept('other report data', ['report_data'], { report_data: 'ab'.repeat(64) }),
    accept('age', ['freshness'], { max_age_s: 60 }),
    ['Turin', ['accept.tcb.fmc'], () => proofOf({ report: reportOf({ product: 'Turin' }), chain: chainOf({ product: 'Turin' }), crl: null }),
      { policy: { parley_policy: 1, host_data: 'any', min_tcb: { Turin: { fmc: 4, microcode: 219 } } } }],
    ['a policy in its text', [], {}, { policy: JSON.stringify({ parley_policy: 1, host_data: [HOST_DATA] }) }], ['nothing asked for', [], {}, { policy: undefined }],
  ]);
});

test('policies that are not understood: neither judges by them', async () => {
  const proof = proofOf();
  const ok = { parley_policy: 1, host_data: 'any' };
  await each([{}, [], 'x', '', { host_data: 'any' }, { ...ok, parley_policy: 2 }, { ...ok, debug: false }, { ...ok, host_data: 'some' }, { ...ok, host_data: ['ab'] },
  { ...ok, host_data: HOST_DATA }, { ...ok, host_data: [5] }, { ...ok, measurement: [] }, { ...ok, measurement: [HOST_DATA] }, { ...ok, debug_allowed: 1 },
    { ...ok, debug_allowed: 'true' },
    ...[[], 'smt', ['SMT'], ['6'], [64], [-1], [1.5], [null], [[5]], ['smt', 0], { smt: true }, ['constructor']].flatMap((v) => [{ ...ok, platform_required: v }, { ...ok, platform_forbidden: v }]),
    { ...ok, platform_required: ['smt'], platform_forbidden: [0] }, { ...ok, platform: ['smt'] },
    { ...ok, vmpl: 4 }, { ...ok, vmpl: -1 }, { ...ok, vmpl: '0' }, { ...ok, min_tcb: {} }, { ...ok, min_tcb: { Rome: { snp: 1 } } },
    { ...ok, min_tcb: { Milan: {} } }, { ...ok, min_tcb: { Milan: { fmc: 1 } } }, { ...ok, min_tcb: { Milan: { snp: 256 } } }, { ...ok, min_tcb: { Milan: 5 } },
    { ...ok, min_tcb: { Milan: { '': 5 } } },
    { ...ok, min_uvm_svn: null }, { ...ok, min_uvm_svn: -1 }, { ...ok, min_uvm_svn: 'none' }, { ...ok, report_data: 'ab' }, { ...ok, role: '' },
    { ...ok, role: 'r'.repeat(64) }, { ...ok, crl_required: 'no' }, { ...ok, max_age_s: 0 }, { ...ok, constructor: 1 }], async (policy) => {
    const { args, options } = asked(trusting({ policy }));
    await assert.rejects(verify.verifyProof(JSON.stringify(proof), options), /policy/, JSON.stringify(policy));
    const c = await ctl(['--proof', file(proof), ...args]);
    assert.deepStrictEqual([c.status, c.text], [5, ''], JSON.stringify(policy));
  });
});

// --- Tokens ---

const ISSUER = 'https://maa.localhost';
const keySet = () => ({ keys: [['one', 'maa'], ['two', 'maa other']].map(([kid, name]) => ({ kid, ...key(name).publicKey.export({ format: 'jwk' }) })) });
const believing = (more = {}) => ({ token: { issuer: ISSUER, keys: JSON.stringify(keySet()), ...more } });
function claimsOf(report) {
  const r = snp.parse(report);
  return {
    iss: ISSUER, exp: NOW + 28800, nbf: NOW, iat: NOW - 50, 'x-ms-attestation-type': 'sevsnpvm', [`${S}hostdata`]: r.hostData, [`${S}reportdata`]: r.reportData.toString('hex'),
    [`${S}launchmeasurement`]: r.measurement, [`${S}vmpl`]: 0,
    [`${S}reportid`]: r.reportId, [`${S}idkeydigest`]: r.idKeyDigest, [`${S}authorkeydigest`]: r.authorKeyDigest, [`${S}familyId`]: r.familyId,
    [`${S}imageId`]: r.imageId, [`${S}guestsvn`]: 2, [`${S}bootloader-svn`]: 4, [`${S}tee-svn`]: 1,
    [`${S}snpfw-svn`]: 24, [`${S}microcode-svn`]: 219, [`${S}is-debuggable`]: false, [`${S}migration-allowed`]: false, [`${S}smt-allowed`]: true,
  };
}
const HASHES = { RS256: 'sha256', RS384: 'sha384', PS256: 'sha256', PS384: 'sha384' };
const EC_HASHES = { ES256: 'sha256', ES384: 'sha384' };
function tokenOf(payload, { head = {}, signer = key('maa') } = {}) {
  const input = [{ alg: 'RS256', kid: 'one', typ: 'JWT', ...head }, payload].map((x) => jose.b64u(JSON.stringify(x))).join('.');
  const how = /^PS/.test(head.alg) ? { ...PSS, saltLength: crypto.constants.RSA_PSS_SALTLEN_DIGEST } : { dsaEncoding: 'ieee-p1363' };
  const hashes = { ...HASHES, ...EC_HASHES };
  return `${input}.${jose.b64u(crypto.sign(Object.hasOwn(hashes, head.alg) ? hashes[head.alg] : 'sha256', Buffer.from(input), { key: signer.privateKey, ...how }))}`;
}

test('tokens', async () => {
  const [mine, other, set] = [key('maa'), key('maa other'), keySet()];
  const report = reportOf();
  const claims = claimsOf(report);
  const r = snp.parse(report);
  const token = ({ change = {}, payload = { ...claims, ...change }, ...o } = {}) => tokenOf(payload, o);
  const rules = believing();
  const another = (v) => (typeof v === 'string' ? v.replace(/^./, (x) => (x === '0' ? '1' : '0')) : typeof v === 'number' ? v + 1 : !v);
  const of = (what, ids, parts, more = rules) => [what, ids.map((i) => (/\./.test(i) ? i : `token.${i}`)), () => proofOf({ report, token: typeof parts === 'string' ? parts : token(parts) }), more];
  const ecKey = (crv) => ({ kid: 'one', ...key(crv, () => ec(crv)).publicKey.export({ format: 'jwk' }) });
  const sets = (list) => believing({ keys: typeof list === 'string' ? list : JSON.stringify({ keys: list }) });
  const x5c = cert(mine, mine, { subject: [['CN', 'm']], issuer: [['CN', 'm']], algorithm: 'rsa-sha256', extensions: [x509.ext.notCa()] }).toString('base64');
  await cases([
    of('good', [], {}), of('keys not given', [], {}, { token: { issuer: ISSUER } }), of('nothing given', [], {}, {}),
    of('issuer not given', [], {}, { token: { keys: JSON.stringify(set) } }), of('another issuer', ['issuer'], { change: { iss: 'https://else' } }),
    of('issuer as number', ['issuer'], { change: { iss: 5 } }),
    of('another key', ['signature'], { signer: other }), of('the other key', [], { signer: other, head: { kid: 'two' } }),
    of('unknown key', ['signature'], { head: { kid: 'three' } }), of('no key id', ['signature'], { head: { kid: undefined } }),
    of('key id a number', ['signature'], { head: { kid: 1 } }),
    of('a key twice', [], {}, sets([...set.keys, set.keys[0]])), of('two keys of one id', [], {}, sets([{ ...set.keys[1], kid: 'one' }, set.keys[0]])),
    of('two keys of one id, the other way round', [], {}, sets([set.keys[0], { ...set.keys[1], kid: 'one' }])), of('two keys of one id, neither its', ['signature'], { signer: key('ask') },
      sets([set.keys[0], { ...set.keys[1], kid: 'one' }])),
    of('others of its id', [], {}, sets([{ kid: 'one' }, { kid: 'one', kty: 'oct', k: 'AAAA' }, { kid: 'one', kty: 'EC', crv: 'P-521', x: 'AA', y: 'AA' }, { kid: 'one', kty: 'RSA', n: 'x' },
      { ...set.keys[0], use: 'enc' }, null, 'one', { ...set.keys[0], kid: undefined }, { ...set.keys[0], use: 'sig' }])),
    of('for encryption', ['signature'], {}, sets([{ ...set.keys[0], use: 'enc' }])), of('use no text', ['signature'], {}, sets([{ ...set.keys[0], use: 5 }])),
    of('a key without id', ['signature'], {}, sets([{ ...set.keys[0], kid: undefined }])), of('keys no list', ['signature'], {}, sets('{"keys":{}}')),
    of('an EC key', ['signature'], {}, sets([ecKey('P-256')])),
    ...['ES256', 'ES384'].flatMap((alg) => ['P-256', 'P-384'].map((crv) => of(`${alg} on ${crv}`, (alg === 'ES256') === (crv === 'P-256') ? [] : ['signature'],
      { head: { alg }, signer: key(crv, () => ec(crv)) }, sets([ecKey(crv)])))),
    of('EC with a short coordinate', ['signature'], { head: { alg: 'ES256' }, signer: key('P-256', () => ec('P-256')) }, sets([{ ...ecKey('P-256'), x: 'AAAA' }])),
    of('RSA for ES256', ['signature'], { head: { alg: 'ES256' } }), of('EC for RS256', ['signature'], { signer: key('P-256', () => ec('P-256')) }, sets([ecKey('P-256')])),
    of('x5c', [], {}, sets([{ kid: 'one', kty: 'RSA', x5c: [x5c] }])),
    of('x5c of garbage', ['signature'], {}, sets([{ kid: 'one', kty: 'RSA', x5c: ['x'] }])), of('no members', ['signature'], {}, sets([{ kid: 'one', kty: 'RSA' }])),
    of('another kind', ['signature'], {}, sets([{ ...set.keys[0], kty: 'EC' }])),
    of('padded members', ['signature'], {}, sets([{ ...set.keys[0], e: 'AQAB==' }])), of('leading zero', ['signature'], {}, sets([{ ...set.keys[0], e: 'AAEAAQ' }])),
    of('exponent one', ['signature'], {}, sets([{ ...set.keys[0], e: 'AQ' }])),
    of('short key', ['signature'], {}, sets([{ ...set.keys[0], n: set.keys[0].n.slice(0, 170) }])), of('set of garbage', ['signature'], {}, sets('garbage')),
    of('set without keys', ['signature'], {}, sets('{}')),
    ...Object.keys(HASHES).map((alg) => of(alg, [], { head: { alg } })), of('none', ['signature'], { head: { alg: 'none' } }),
    of('HS256', ['signature'], { head: { alg: 'HS256' } }), of('a prototype’s', ['signature'], { head: { alg: 'constructor' } }),
    of('crit', ['signature'], { head: { crit: ['exp'] } }),
    of('RS384 for RS256', ['signature'], token({ head: { alg: 'RS384' } }).replace(/^[^.]*/, jose.b64u(JSON.stringify({ alg: 'RS256', kid: 'one' })))),
    of('expired since', [], { change: { exp: NOW - 400, nbf: NOW - 4000 } }), of('just expired', [], { change: { exp: NOW - 299 } }),
    of('not yet', ['time'], { change: { nbf: NOW + 301 } }), of('nearly', [], { change: { nbf: NOW + 299 } }), of('no nbf', [], { change: { nbf: undefined } }),
    of('no exp', ['time'], { change: { exp: undefined } }), of('exp as text', ['time'], { change: { exp: String(NOW) } }),
    of('nbf as text', ['time'], { change: { nbf: '0' } }), of('nbf null', ['time'], { change: { nbf: null } }), of('for ever', [], { change: { exp: 99999999999999 } }),
    of('another type', ['type'], { change: { 'x-ms-attestation-type': 'tdx' } }), of('no type', ['type'], { change: { 'x-ms-attestation-type': undefined } }),
    of('two failures', ['issuer', 'type', 'report'], { change: { iss: '', 'x-ms-attestation-type': 5, [`${S}vmpl`]: 1 } }),
    ...Object.keys(claims).filter((c) => c.startsWith(S)).flatMap((c) => [of(`${c} changed`, ['report'], { change: { [c]: another(claims[c]) } }),
    of(`${c} of another type`, ['report'], { change: { [c]: typeof claims[c] === 'string' ? 5 : String(claims[c]) } }),
      of(`${c} missing`, ['hostdata', 'reportdata', 'launchmeasurement'].includes(c.slice(S.length)) ? ['report'] : [], { change: { [c]: undefined } })]),
    of('in capitals', [], { change: { [`${S}hostdata`]: r.hostData.toUpperCase() } }), of('a claim null', ['report'], { change: { [`${S}vmpl`]: null } }),
    of('claims a list', ['issuer', 'time', 'type', 'report'], { payload: [] }), of('claims null', ['issuer', 'time', 'type', 'report'], { payload: null }),
    of('two parts', ['form'], token().split('.').slice(0, 2).join('.')), of('four parts', ['form'], `${token()}.AAAA`),
    of('an empty part', ['form'], token().replace(/\.[^.]*$/, '.')), of('padding', ['form'], `${token()}=`),
    of('a claim twice', ['form'], token().replace(/\.[^.]*\./, `.${jose.b64u(JSON.stringify(claims).replace('{', '{"iss":"x",'))}.`)),
    of('age', [], {}, { ...rules, policy: { parley_policy: 1, host_data: 'any', max_age_s: 60 } }),
    of('too old', ['accept.freshness'], { change: { iat: NOW - 61 } }, { ...rules, policy: { parley_policy: 1, host_data: 'any', max_age_s: 60 } }),
    of('age of an unknown service', ['accept.freshness'], {}, { token: { keys: JSON.stringify(set) }, policy: { parley_policy: 1, host_data: 'any', max_age_s: 60 } }),
  ]);
});

// --- The text of a proof ---

test('proofs that are written otherwise', async () => {
  const report = reportOf();
  const good = proofOf({ report, token: tokenOf(claimsOf(report)) });
  const text = JSON.stringify(good);
  const of = (what, ids, change) => [what, ids, () => (typeof change === 'object' && !Buffer.isBuffer(change) ? { ...good, ...change } : change)];
  const form = (what, change) => of(what, ['proof.form'], change);
  const bytes = (v) => Buffer.from(v, 'latin1');
  await cases([
    of('written out', [], `\r\n\t ${JSON.stringify(good, null, 2)}\n`), of('backwards', [], JSON.stringify(Object.fromEntries(Object.entries(good).reverse()))),
    ...Object.keys(good).flatMap((name) => [of(`without ${name}`, { crl: [], endorsement: ['accept.uvm'], policy: [], token: [] }[name] || ['proof.form'], { [name]: undefined }),
    form(`${name} null`, { [name]: null }), of(`${name} empty`, [name === 'nonce' ? 'proof.nonce' : 'proof.form'], { [name]: '' }),
    form(`${name} a list`, { [name]: [] }), form(`${name} an object`, { [name]: {} }),
      form(`${name} twice`, text.replace('{', `{"${name}":${JSON.stringify(good[name])},`)), form(`${name} in capitals`, text.replace(`"${name}"`, `"${name.toUpperCase()}"`))]),
    form('a member more', { more: 1 }), form('a prototype’s member', { constructor: 1 }), form('__proto__', text.replace('{', '{"__proto__":1,')),
    form('version 2', { parley_proof: 2 }), form('version as text', { parley_proof: '1' }), form('version 1.0', text.replace('"parley_proof":1', '"parley_proof":1.5')),
    form('another kind', { tee_type: 'tdx' }),
    form('report cut', { report: good.report.slice(0, -4) }),
    form('unpadded', { report: good.report.replace(/=+$/, '').concat('') === good.report ? `${good.report}=` : good.report.replace(/=+$/, '') }),
    form('blank in base64', { report: ` ${good.report}` }), form('base64url', { tls_spki_sha256: undefined, nonce: `${NONCE}${'A'.repeat(60)}` }),
    form('not canonical', { policy: 'YR==' }), form('hash in capitals', { tls_spki_sha256: TLS.toUpperCase() }), form('short hash', { tls_spki_sha256: TLS.slice(2) }),
    form('hash of no digits', { tls_spki_sha256: 'xy'.repeat(32) }),
    form('list', '[]'), form('text', '"x"'), form('null', 'null'), form('nothing', ''), form('blanks', ' \n'), form('cut', text.slice(0, -1)),
    form('more behind', `${text}x`), form('byte order mark', Buffer.concat([bytes('\xef\xbb\xbf'), Buffer.from(text)])),
    form('not UTF-8', Buffer.from(text.replace(NONCE, 'ÿ'), 'latin1')), form('NUL behind', `${text}\0`),
    form('trailing comma', text.replace(/}$/, ',}')), form('too long', { policy: Buffer.alloc(24000, 'x').toString('base64') }), form('another blank', `\u00a0${text}`),
    of('another nonce', ['proof.nonce'], { nonce: 'x' }), of('nonce of NUL', ['proof.form'], text.replace(NONCE, '\\u0000')),
  ]);
});

// --- One byte at a time ---

const flip = (b, i) => { const copy = Buffer.from(b); copy[i] ^= 1 << i % 8; return copy; };
function* everyNth(n, length) { for (let i = n >> 1; i < length; i += n) yield i; }

test('a changed byte anywhere: refused by both, for the same reasons', async () => {
  const report = reportOf();
  const [chain, crl, endorsement, runtime, token] = [chainOf(), crlOf(), endorsementOf(), Buffer.from(JSON.stringify(RUNTIME)), tokenOf(claimsOf(report))];
  const whole = { report, chain, crl, endorsement, runtime, policy: Buffer.from(POLICY), token };
  const rules = trusting(believing());
  const good = proofOf(whole);
  assert.deepStrictEqual(failed(await proofBoth(good, rules, 'unchanged')), []);
  const list = [];
  const add = (what, n, b, make) => { for (const i of everyNth(n, b.length)) list.push([`${what}, byte ${i}`, make(flip(b, i))]); };
  add('report', 19, report, (b) => proofOf({ ...whole, report: b }));
  chain.forEach((c, k) => add(`certificate ${k}`, 29, c, (b) => proofOf({ ...whole, members: { certificates: chain.map((x, i) => (i === k ? b : x).toString('base64')) } })));
  add('revocation list', 17, crl, (b) => proofOf({ ...whole, crl: b }));
  add('endorsement', 67, endorsement, (b) => proofOf({ ...whole, endorsement: b }));
  add('envelope', 67, endorsementOf({ envelope: true }), (b) => proofOf({ ...whole, endorsement: b }));
  add('runtime data', 3, runtime, (b) => proofOf({ ...whole, runtime: b, report }));
  add('policy', 5, whole.policy, (b) => proofOf({ ...whole, policy: b }));
  add('token', 41, Buffer.from(token), (b) => proofOf({ ...whole, token: b.toString('latin1') }));
  add('text', 173, Buffer.from(JSON.stringify(good)), (b) => b);
  const wrong = [];
  await each(list, async ([what, p]) => {
    try {
      const v = await proofBoth(p, rules, what);
      if (v.genuine) wrong.push(`${what}: genuine`);
    } catch (e) {
      wrong.push(e.message);
    }
  });
  assert.strictEqual(wrong.length, 0, wrong.join('\n'));
});

test('a changed byte under a signature that is right again: judged alike', async () => {
  const cbor = require('../standin/cbor');
  const [chain, crl, report, endorsement] = [chainOf(), crlOf({ serials: [5, 0x10002] }), reportOf(), endorsementOf()];
  const rules = trusting();
  const list = [];
  const add = (what, n, b, make) => { for (const i of everyNth(n, b.length)) list.push([`${what}, byte ${i}`, () => make(flip(b, i))]); };
  const split = (c) => der.list(der.whole(c).body).map((x) => x.raw);
  const signers = ['ask', 'ark', 'ark'].map((n) => key(n));
  chain.forEach((c, k) => { const [tbs, alg] = split(c); add(`certificate ${k}`, 11, tbs, (b) => ({ chain: chain.map((x, i) => (i === k ? resigned(b, alg, signers[k]) : x)) })); });
  const [tbs, alg] = split(crl);
  add('revocation list', 5, tbs, (b) => ({ crl: resigned(b, alg, key('ark')) }));
  add('report', 11, report.subarray(0, 0x2a0), (b) => ({ report: snp.sign(Buffer.concat([b, report.subarray(0x2a0)]), key('leaf').privateKey) }));
  const [head, unprotected, payload] = cbor.decode(endorsement).value;
  const message = (h, p) => cbor.encode(new cbor.Tagged(18, [h, unprotected, p, crypto.sign('sha384', cbor.encode(['Signature1', h, Buffer.alloc(0), p]), { key: key('uvm leaf').privateKey, ...PSS })]));
  add('endorsement’s header', 97, head, (b) => ({ endorsement: message(b, payload) }));
  add('endorsement’s end of header', 3, head.subarray(-160), (b) => ({ endorsement: message(Buffer.concat([head.subarray(0, -160), b]), payload) }));
  add('endorsement’s payload', 3, payload, (b) => ({ endorsement: message(head, b) }));
  const [head2, , payload2] = cbor.decode(endorsementOf({ envelope: true })).value;
  const claims = head2.indexOf(Buffer.from('0f', 'hex')); // the CWT claims stand right behind the algorithm
  add('envelope’s claims', 3, head2.subarray(0, claims + 160), (b) => ({ endorsement: message(Buffer.concat([b, head2.subarray(claims + 160)]), payload2) }));
  add('envelope’s end of header', 1, head2.subarray(-80), (b) => ({ endorsement: message(Buffer.concat([head2.subarray(0, -80), b]), payload2) }));
  add('envelope’s payload', 5, payload2, (b) => ({ endorsement: message(head2, b) }));
  add('runtime data', 3, Buffer.from(JSON.stringify(RUNTIME)), (b) => ({ runtime: b, report: reportOf({ runtime: b }) }));
  const wrong = [];
  await each(list, async ([what, parts]) => {
    try {
      await proofBoth(proofOf({ chain, crl, report, endorsement, ...parts() }), rules, what);
    } catch (e) {
      wrong.push(e.message);
    }
  });
  assert.strictEqual(wrong.length, 0, wrong.join('\n'));
});

// --- A live party ---

const ask = (url) => new Promise((resolve, reject) => {
  https.get(url, { rejectUnauthorized: false, agent: false, localAddress: newPeer() }, (res) => {
    const spki = crypto.createPublicKey(`-----BEGIN CERTIFICATE-----\n${res.socket.getPeerCertificate().raw.toString('base64')}\n-----END CERTIFICATE-----`);
    const parts = [];
    res.on('data', (d) => parts.push(d)).on('error', reject).on('end', () => resolve({ status: res.statusCode, headers: res.headers, body: Buffer.concat(parts), tlsKey: spkiHash({ publicKey: spki }) }));
  }).on('error', reject);
});

test('a live party: its proof, fresh, over its own connection, and its token', async (t) => {
  const lane = await solo();
  t.after(() => lane.stop());
  await lane.start();
  const { addresses, pki } = lane.services;
  const nonce = crypto.randomBytes(32).toString('base64url');
  const r = await ask(`${lane.party.secure}/.well-known/parley/proof?nonce=${nonce}&token=maa`);
  assert.deepStrictEqual([r.status, r.headers['access-control-allow-origin']], [200, '*'], r.body.toString());
  const rules = {
    now: Math.floor(Date.now() / 1000), root: pki.arkDer, uvmIssuer: pki.uvmDid, nonce, policy: { parley_policy: 1, host_data: [lane.hostData.contoso] },
    token: { issuer: addresses.maa, keys: (await request({ url: `${addresses.maa}/certs`, ca: pki.caPem })).body.toString() },
  };
  const v = await proofBoth(r.body, rules, 'live');
  assert.deepStrictEqual([v.genuine, v.acceptable, v.product, v.host_data], [true, true, 'Milan', lane.hostData.contoso]);
  for (const id of ['token.signature', 'token.report', 'connection.nonce', 'uvm.measurement', 'proof.policy']) assert.ok(v.checks.some((c) => c.id === id && c.state === 'passed'), id);
  assert.deepStrictEqual(failed(await proofBoth(r.body, { ...rules, policy: { parley_policy: 1, host_data: [lane.hostData.woodgrove] } }, 'another party asked for')), ['accept.host_data']);
  assert.deepStrictEqual(failed(await proofBoth(r.body, { ...rules, root: undefined, uvmIssuer: undefined }, 'a stranger’s view')), ['chain.root', 'uvm.issuer']);
  // What a file cannot show: the connection, and that it was made just now.
  const live = { ...asked(rules).options, live: true, tlsKey: r.tlsKey, policy: { ...rules.policy, max_age_s: 1 } };
  const over = await verify.verifyProof(r.body, live);
  assert.deepStrictEqual([over.genuine, over.acceptable, failed(over)], [true, true, []]);
  const relayed = await verify.verifyProof(r.body, { ...live, tlsKey: 'ab'.repeat(32) });
  assert.deepStrictEqual([relayed.genuine, failed(relayed)], [false, ['connection.tls_key']]);
});

test('it runs where WebCrypto is a module only, and takes text as well as bytes', async () => {
  const proof = JSON.stringify(proofOf());
  const { options } = asked(trusting());
  assert.deepStrictEqual(await verify.verifyProof(proof, options), await verify.verifyProof(new Uint8Array(Buffer.from(proof)), options));
  const script = `delete globalThis.crypto;
    const { verifyProof } = await import(${JSON.stringify(MODULE)});
    const v = await verifyProof(${JSON.stringify(proof)}, ${JSON.stringify(options)});
    console.log(typeof crypto, v.genuine, v.acceptable);`;
  const out = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.deepStrictEqual([out.stdout, out.stderr], ['undefined true true\n', '']);
});

// --- As a command ---

test('node verify.mjs PROOF: a line for each check, a verdict, and the exit status of parleyctl verify', () => {
  const run = (args, script = MODULE) => {
    const r = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
    return { status: r.status, out: r.stdout, err: r.stderr };
  };
  const proof = file(proofOf());
  const policy = file({ parley_policy: 1, host_data: [], vmpl: 0 });
  const rules = trusting({});
  const trust = ['--root', spkiHash(x509.parse(rules.root)), '--uvm-issuer', rules.uvmIssuer, '--at', String(rules.now)];
  const own = proofOf();
  const hostData = Buffer.from(own.report, 'base64').subarray(0xc0, 0xe0).toString('hex');
  const said = (r, status, ...words) => {
    assert.strictEqual(r.status, status, JSON.stringify(r));
    for (const w of words) assert.match(status === 2 || status === 5 ? r.err : r.out, w);
    assert.strictEqual(status === 2 || status === 5 ? r.out : r.err, '');
  };
  const good = run([proof, ...trust]);
  said(good, 0, /^passed {3}report\.signature/m, /^skipped {2}connection\.nonce/m, /^genuine: yes, by the root that was given, NOT by AMD's$/m, /^acceptable: not judged$/m);
  assert.doesNotMatch(good.out, /FAILED/);
  said(run([proof]), 4, /^FAILED {3}chain\.root: .*; expected .*; found /m, /^genuine: NO$/m);
  said(run([proof, ...trust, '--host-data', hostData]), 0, /^passed {3}accept\.host_data/m, /^acceptable: yes$/m);
  said(run([proof, ...trust, '--host-data', '00'.repeat(32), '--host-data', hostData]), 0, /^acceptable: yes$/m);
  said(run([proof, ...trust, '--host-data', '00'.repeat(32)]), 3, /^FAILED {3}accept\.host_data/m, /^genuine: yes/m, /^acceptable: NO$/m);
  said(run([proof, ...trust, '--policy', policy]), 3, /^FAILED {3}accept\.host_data/m);
  said(run([proof, ...trust, '--policy', policy, '--host-data', hostData]), 0);
  said(run([proof, ...trust, '--nonce', own.nonce]), 0, /^passed {3}connection\.nonce/m);
  said(run([proof, ...trust, '--nonce', 'A'.repeat(22)]), 4, /^FAILED {3}connection\.nonce/m);
  said(run([proof, ...trust.slice(0, 4), '--at', '2000-01-01']), 4, /^FAILED {3}chain\.dates/m);
  assert.strictEqual(JSON.parse(run([proof, ...trust, '--json']).out).genuine, true);
  for (const bad of ['{}', 'no JSON', '']) said(run([file(bad), ...trust]), 4, /^FAILED {3}proof\.form/m, /^genuine: NO$/m);
  // Nothing that is asked for is passed over.
  for (const args of [[], [proof, proof], [proof, '--no-such'], [proof, '--at', 'soon'], [proof, '--root', 'ab'], [proof, '--policy', ''], [proof, '--host-data'], [proof, '--nonce', ''], [proof, '--root', ''],
    [proof, '--at', '1', '--at', '2']]) said(run(args), 2, /^usage: node verify\.mjs PROOF/);
  said(run([path.join(DIR, 'not there')]), 5, /^verify\.mjs: ENOENT/);
  said(run([proof, ...trust, '--policy', file('{')]), 5, /^verify\.mjs: /);
  said(run([proof, ...trust, '--host-data', 'xyz']), 5, /host_data is not understood/);
  said(run([proof, ...trust, '--host-data', '']), 5, /host_data is not understood/);
  // By a link, and in a directory with a blank in its name, it is the same command; imported it says nothing.
  const odd = path.join(DIR, 'a b%20c');
  fs.mkdirSync(odd);
  fs.symlinkSync(MODULE, path.join(odd, 'v.mjs'));
  fs.copyFileSync(MODULE, path.join(odd, 'copy.mjs'));
  for (const f of ['v.mjs', 'copy.mjs']) said(run([proof, ...trust], path.join(odd, f)), 0, /^genuine: yes/m);
  const imports = spawnSync(process.execPath, ['--input-type=module', '-e', `await import(${JSON.stringify(MODULE)})`, 'x'], { encoding: 'utf8' });
  assert.deepStrictEqual([imports.status, imports.stdout, imports.stderr], [0, '', '']);
});
