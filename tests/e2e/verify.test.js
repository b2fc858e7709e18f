// parleyctl verify and release-policy explain, the shipped binary: verdicts and exit statuses on real and made evidence, and the
// same decisions about release policies as an independent implementation.
'use strict';
const assert = require('node:assert');
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const test = require('node:test');
const { spawnSync } = require('child_process');
const { DEFAULT_DIR } = require('../standin/main');
const jose = require('../standin/jose');
const pkis = require('../standin/pki');
const policies = require('../standin/policy');
const snp = require('../standin/snp');
const x509 = require('../standin/x509');

const ROOT = path.resolve(__dirname, '../..');
const CTL = path.join(ROOT, 'build/parleyctl');
const AZURE = path.join(path.resolve(ROOT, process.env.PARLEY_VECTORS || '../shared/vectors'), 'azure');
const skip = fs.existsSync(AZURE) ? false : 'no vectors (PARLEY_VECTORS)';
const DIR = fs.mkdtempSync(path.join(ROOT, 'build/verify-'));
process.on('exit', () => fs.rmSync(DIR, { recursive: true, force: true }));

const GOOD = 0, USAGE = 2, UNACCEPTABLE = 3, NOT_GENUINE = 4, UNCHECKED = 5;
const ctl = (...args) => {
  const r = spawnSync(CTL, args, { encoding: 'utf8' });
  assert.strictEqual(r.signal, null, `killed by ${r.signal}: ${args.join(' ')}`);
  return { status: r.status, out: r.stdout, err: r.stderr };
};
let files = 0;
const file = (content) => {
  const name = path.join(DIR, `f${++files}`);
  fs.writeFileSync(name, typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content));
  return name;
};
const real = (name) => path.join(AZURE, name);
const SKR = { report: real('skr-sidecar/snp_report.bin'), certs: real('skr-sidecar/uvm_host_amd_certificate.pem'), uvm: real('skr-sidecar/body.uvm_reference_info.bin') };
const failedIds = (out) => out.split('\n').filter((l) => l.startsWith('FAILED')).map((l) => l.split(/\s+/)[1]);

test('real evidence is genuine, in every form in which it is found', { skip }, () => {
  const hex = file(`${fs.readFileSync(SKR.report).toString('hex')}\n`);
  const thim = fs.readFileSync(real('skr-sidecar/uvm_host_amd_certificate.json'));
  const ders = x509.fromPem(fs.readFileSync(SKR.certs, 'latin1'));
  const cases = [
    [SKR.report, SKR.certs], [hex, SKR.certs], [SKR.report, real('skr-sidecar/uvm_host_amd_certificate.json')],
    [SKR.report, file(thim.toString('base64'))], [SKR.report, file(Buffer.concat(ders))], [SKR.report, ...ders.map((d) => file(d))],
    [real('skr-sidecar/cert_fetcher_test_report_v3.bin'), real('skr-sidecar/cert_fetcher_test_chain.pem')],
    [real('go-sev-guest/attestation.bin'), real('go-sev-guest/vcek.testcer'), real('go-sev-guest/milan.testcer')],
  ];
  for (const [report, ...certs] of cases) {
    const r = ctl('verify', '--report', report, ...certs.flatMap((c) => ['--certs', c]));
    assert.deepStrictEqual([r.status, failedIds(r.out)], [GOOD, []], r.out + r.err);
    assert.match(r.out, /^genuine: yes/m);
    assert.match(r.out, /^passed +chain\.root +AMD's root key for Milan$/m);
    assert.match(r.out, /^skipped +crl /m);
  }
});

test('what does not belong together is not genuine', { skip }, () => {
  const pairs = [
    [SKR.report, real('skr-sidecar/security-context-test/host-amd-cert-base64')], [SKR.report, real('skr-sidecar/cert_fetcher_test_chain.pem')],
    [real('skr-sidecar/cert_fetcher_test_report_v3.bin'), SKR.certs], [real('go-sev-guest/attestation.bin'), SKR.certs],
    [real('skr-sidecar/fake_report_template.bin'), SKR.certs],
  ];
  for (const [report, certs] of pairs) {
    const r = ctl('verify', '--report', report, '--certs', certs);
    assert.strictEqual(r.status, NOT_GENUINE, r.out);
    assert.ok(failedIds(r.out).length > 0);
    assert.match(r.out, /^genuine: NO/m);
    assert.match(r.out, /^acceptable: not judged/m);
  }
  // the order of a chain matters
  const [leaf, ask, ark] = x509.fromPem(fs.readFileSync(SKR.certs, 'latin1'));
  assert.strictEqual(ctl('verify', '--report', SKR.report, '--certs', file(Buffer.concat([leaf, ark, ask]))).status, NOT_GENUINE);
  assert.strictEqual(ctl('verify', '--report', SKR.report, '--certs', file(Buffer.concat([leaf, ask]))).status, NOT_GENUINE);
});

test('the endorsement belongs to its measurement and to Microsoft', { skip }, () => {
  const base = ['verify', '--report', SKR.report, '--certs', SKR.certs];
  assert.strictEqual(ctl(...base, '--endorsement', SKR.uvm).status, GOOD);
  assert.strictEqual(ctl(...base, '--endorsement', file(fs.readFileSync(SKR.uvm).toString('base64'))).status, GOOD);
  const other = ctl(...base, '--endorsement', real('skr-sidecar/security-context-test/reference-info-base64'));
  assert.deepStrictEqual([other.status, failedIds(other.out)], [NOT_GENUINE, ['uvm.measurement']]);
  const issuer = ctl(...base, '--endorsement', SKR.uvm, '--uvm-issuer', 'did:x509:0:sha256:someone');
  assert.deepStrictEqual([issuer.status, failedIds(issuer.out)], [NOT_GENUINE, ['uvm.issuer']]);
});

test('genuine but not acceptable has its own status', { skip }, () => {
  const policy = Buffer.from(fs.readFileSync(real('skr-sidecar/uvm_security_policy.base64'), 'latin1'), 'base64');
  const hostData = crypto.createHash('sha256').update(policy).digest('hex');
  const base = ['verify', '--report', SKR.report, '--certs', SKR.certs, '--endorsement', SKR.uvm];
  const old = ctl(...base, '--host-data', hostData);
  assert.deepStrictEqual([old.status, failedIds(old.out)], [UNACCEPTABLE, ['accept.uvm']]); // a pre-production utility VM
  const p = file({ parley_policy: 1, min_uvm_svn: 22 });
  assert.strictEqual(ctl(...base, '--host-data', hostData, '--policy', p).status, GOOD);
  const wrong = ctl(...base, '--host-data', 'ab'.repeat(32), '--policy', p);
  assert.deepStrictEqual([wrong.status, failedIds(wrong.out)], [UNACCEPTABLE, ['accept.host_data']]);
  assert.ok(wrong.out.includes(`expected ${'ab'.repeat(32)}; found ${hostData}`));
  assert.strictEqual(ctl(...base, '--policy', p).status, UNACCEPTABLE); // names nobody
  // not genuine stays not genuine, whatever the policy says
  const r = ctl('verify', '--report', SKR.report, '--certs', real('skr-sidecar/cert_fetcher_test_chain.pem'), '--host-data', hostData);
  assert.strictEqual(r.status, NOT_GENUINE);
  assert.ok(!r.out.includes('accept.'));
});

test('wrong use and unreadable files have their own statuses', { skip }, () => {
  const base = ['verify', '--report', SKR.report, '--certs', SKR.certs];
  for (const args of [['verify'], ['verify', '--report', SKR.report], ['verify', '--proof', 'x', '--report', 'y'], [...base, '--nope'], [...base, 'word'],
    [...base, '--at', 'yesterday'], [...base, '--host-data', '00'], [...base, '--report', SKR.report], [...base, '--maa', 'x'], [...base, '--crl-max-age', '0'],
    ['verify', '--report'], ['release-policy'], ['release-policy', 'explain'], ['release-policy', 'other']]) {
    const r = ctl(...args);
    assert.deepStrictEqual([r.status, r.out], [USAGE, ''], args.join(' '));
    assert.match(r.err, /^parleyctl: .+\n$/);
  }
  for (const args of [['verify', '--report', '/nonexistent', '--certs', SKR.certs], ['verify', '--report', SKR.report, '--certs', DIR],
    ['verify', '--proof', '/nonexistent'], [...base, '--policy', file('{}')], [...base, '--policy', '/nonexistent'], [...base, '--amd-root', SKR.report],
    [...base, '--crl', '/nonexistent']]) {
    assert.strictEqual(ctl(...args).status, UNCHECKED, args.join(' '));
  }
  for (const args of [['verify', '--report', file('short'), '--certs', SKR.certs], ['verify', '--report', SKR.report, '--certs', file('')],
    ['verify', '--proof', file('{}')], [...base, '--crl', file('x')], [...base, '--endorsement', file('x')]]) {
    assert.strictEqual(ctl(...args).status, NOT_GENUINE, args.join(' '));
  }
  for (const command of ['verify', 'release-policy']) {
    const help = ctl(command, '--help');
    assert.strictEqual(help.status, GOOD);
    assert.match(help.out, /^usage: parleyctl/);
  }
});

test('time: judged now, or when it is said', { skip }, () => {
  const base = ['verify', '--report', SKR.report, '--certs', SKR.certs, '--at'];
  assert.strictEqual(ctl(...base, '2023-06-01').status, GOOD);
  assert.strictEqual(ctl(...base, '2023-06-01T12:00:00Z').status, GOOD);
  for (const at of ['2022-11-28', '2029-11-30', '0', '4102444800']) {
    const r = ctl(...base, at);
    assert.deepStrictEqual([r.status, failedIds(r.out)], [NOT_GENUINE, ['chain.dates']], at);
  }
});

test('output: quiet, JSON, fields; no colour where no terminal is', { skip }, () => {
  const base = ['verify', '--report', SKR.report, '--certs', SKR.certs];
  assert.strictEqual(ctl(...base, '-q').out, '');
  const j = JSON.parse(ctl(...base, '--json').out);
  assert.deepStrictEqual([j.genuine, j.acceptable, j.report.product, j.report.reported_tcb.microcode], [true, null, 'Milan', 115]);
  assert.deepStrictEqual(j.checks.filter((c) => c.state === 'skipped').map((c) => c.id), ['crl', 'uvm']);
  assert.ok(j.checks.every((c) => c.group === 'genuine'));
  const verbose = ctl(...base, '-v').out;
  assert.match(verbose, /^ +tcb\.microcode +115$/m);
  assert.ok(!verbose.includes('\x1b'));
});

// --- Proofs, made with the stand-in's keys ---

let pki;
test.before(async () => { pki = await pkis.open(DEFAULT_DIR); });
const NONCE = crypto.randomBytes(32).toString('base64url');
const POLICY = 'package policy\n\nallow := true\n';

function proof({ runtime = {}, report = {}, members = {}, token } = {}) {
  const tls = 'cd'.repeat(32);
  const data = Buffer.from(JSON.stringify({ key: '', nonce: NONCE, purpose: 'parley-evidence-1', role: 'contoso', tls_spki_sha256: tls, ...runtime }));
  const bytes = snp.make({
    key: pki.vcekKey, reportData: Buffer.concat([jose.sha256(data), Buffer.alloc(32)]), hostData: jose.sha256(Buffer.from(POLICY)).toString('hex'),
    measurement: pkis.MEASUREMENT, chipId: pkis.CHIP_ID, tcb: pkis.TCB, ...report,
  });
  const b64 = (b) => Buffer.from(b).toString('base64');
  const p = {
    parley_proof: 1, tee_type: 'sevsnp', report: b64(bytes), certificates: x509.fromPem(pki.chainFor(pkis.CHIP_ID, pkis.TCB)).map(b64), crl: b64(pki.crl()),
    endorsement: b64(pki.uvmEndorsement()), policy: b64(POLICY), runtime_data: b64(data), nonce: NONCE, tls_spki_sha256: tls, ...members,
  };
  if (token) p.token = token(snp.parse(bytes));
  for (const k of Object.keys(p)) if (p[k] === undefined) delete p[k];
  return p;
}
const trust = () => ['--amd-root', path.join(pki.dir || DEFAULT_DIR, 'ark.pem'), '--uvm-issuer', pki.uvmDid];
const HOST_DATA = jose.sha256(Buffer.from(POLICY)).toString('hex');

test('a proof verifies offline, and only for those who configured its root', () => {
  const f = file(proof());
  assert.ok(fs.statSync(f).size <= 32768);
  const r = ctl('verify', '--proof', f, ...trust(), '--host-data', HOST_DATA, '--nonce', NONCE);
  assert.deepStrictEqual([r.status, failedIds(r.out)], [GOOD, []], r.out + r.err);
  assert.match(r.out, /^genuine: yes, by the root that was configured, NOT by AMD/m);
  for (const id of ['proof.runtime_data', 'proof.policy', 'proof.tls_key', 'connection.nonce', 'crl.revoked', 'uvm.measurement', 'accept.host_data']) {
    assert.match(r.out, new RegExp(`^passed +${id.replace('.', '\\.')}`, 'm'));
  }
  for (const id of ['token', 'connection.tls_key', 'accept.freshness']) assert.match(r.out, new RegExp(`^skipped +${id.replace('.', '\\.')}`, 'm'));
  const stranger = ctl('verify', '--proof', f);
  assert.deepStrictEqual([stranger.status, failedIds(stranger.out)], [NOT_GENUINE, ['chain.root', 'uvm.issuer']]);
});

test('proofs that are replayed, of another party, another policy, debuggable', () => {
  const cases = [
    [proof(), ['--nonce', crypto.randomBytes(32).toString('base64url')], NOT_GENUINE, 'connection.nonce'],
    [proof({ members: { policy: Buffer.from('package other').toString('base64') } }), [], NOT_GENUINE, 'proof.policy'],
    [proof({ members: { tls_spki_sha256: 'ee'.repeat(32) } }), [], NOT_GENUINE, 'proof.tls_key'],
    [proof({ runtime: { purpose: 'parley-evidence-2' } }), [], NOT_GENUINE, 'proof.purpose'],
    [proof({ members: { runtime_data: Buffer.from('{}').toString('base64') } }), [], NOT_GENUINE, 'proof.runtime_data'],
    [proof({ report: { tcb: pkis.OLD_TCB } }), [], NOT_GENUINE, 'report.signature|vcek.tcb'],
    [proof({ report: { policy: 0xb001fn } }), ['--host-data', HOST_DATA], UNACCEPTABLE, 'accept.debug'],
    [proof(), ['--host-data', '00'.repeat(32)], UNACCEPTABLE, 'accept.host_data'],
    [proof(), ['--policy', file({ parley_policy: 1, host_data: [HOST_DATA], role: 'fabrikam' })], UNACCEPTABLE, 'accept.role'],
    [proof(), ['--policy', file({ parley_policy: 1, host_data: [HOST_DATA], max_age_s: 60 })], UNACCEPTABLE, 'accept.freshness'],
    [proof({ members: { crl: undefined } }), ['--policy', file({ parley_policy: 1, host_data: [HOST_DATA], crl_required: true })], UNACCEPTABLE, 'accept.crl'],
    [proof({ members: { endorsement: undefined } }), ['--host-data', HOST_DATA], UNACCEPTABLE, 'accept.uvm'],
  ];
  for (const [p, args, status, id] of cases) {
    const r = ctl('verify', '--proof', file(p), ...trust(), ...args);
    assert.deepStrictEqual([r.status, id.split('|').includes(failedIds(r.out)[0])], [status, true], `${id}: ${r.out}${r.err}`);
  }
  const roomy = ctl('verify', '--proof', file(proof()), ...trust(), '--crl-max-age', '1', '--at', String(Math.floor(Date.now() / 1000) + 3 * 86400));
  assert.deepStrictEqual([roomy.status, failedIds(roomy.out)], [NOT_GENUINE, ['crl.dates']]);
});

test('a changed byte of a proof is refused, none crashes', () => {
  const bytes = Buffer.from(JSON.stringify(proof({ members: { crl: undefined } })));
  const whole = bytes.toString();
  const unprotected = whole.length; // the stand-in's endorsement has an empty unprotected header: all of it is signed
  for (let i = 0; i < unprotected; i += 61) {
    const copy = Buffer.from(bytes);
    copy[i] ^= 1 << i % 8;
    const r = ctl('verify', '--proof', file(copy), ...trust(), '-q');
    assert.strictEqual(r.status, NOT_GENUINE, `byte ${i}: ${whole.slice(Math.max(0, i - 20), i + 20)}`);
  }
});

test('a token beside the report says the same and is signed by the service', async () => {
  const issuer = 'https://maa.localhost';
  const key = pki.key('maa-key.pem');
  const now = Math.floor(Date.now() / 1000);
  const sign = (claims, signer = key) => {
    const head = jose.b64u(Buffer.from(JSON.stringify({ alg: 'RS256', kid: 'one', typ: 'JWT' })));
    const body = jose.b64u(Buffer.from(JSON.stringify(claims)));
    return `${head}.${body}.${jose.b64u(crypto.sign('sha256', Buffer.from(`${head}.${body}`), signer))}`;
  };
  const claims = (r, more) => ({
    iss: issuer, exp: now + 28800, nbf: now, iat: now, 'x-ms-attestation-type': 'sevsnpvm', 'x-ms-sevsnpvm-hostdata': r.hostData,
    'x-ms-sevsnpvm-reportdata': r.reportData.toString('hex'), 'x-ms-sevsnpvm-launchmeasurement': r.measurement, 'x-ms-sevsnpvm-vmpl': r.vmpl, ...more,
  });
  const keys = file({ keys: [{ kid: 'one', ...crypto.createPublicKey(key).export({ format: 'jwk' }) }] });
  const check = (token, ...args) => ctl('verify', '--proof', file(proof({ token })), ...trust(), ...args);
  const good = check((r) => sign(claims(r)), '--maa', issuer, '--maa-keys', keys, '--policy', file({ parley_policy: 1, host_data: 'any', max_age_s: 600 }));
  assert.deepStrictEqual([good.status, failedIds(good.out)], [GOOD, []], good.out);
  assert.match(good.out, /^passed +token\.signature/m);
  const noKeys = check((r) => sign(claims(r)));
  assert.strictEqual(noKeys.status, GOOD);
  assert.match(noKeys.out, /^skipped +token\.signature/m);
  const other = check((r) => sign(claims(r), pki.key('maa-other-key.pem')), '--maa', issuer, '--maa-keys', keys);
  assert.deepStrictEqual([other.status, failedIds(other.out)], [NOT_GENUINE, ['token.signature']]);
  const issuedBy = check((r) => sign(claims(r)), '--maa', 'https://sharedeus.eus.attest.azure.net', '--maa-keys', keys);
  assert.deepStrictEqual([issuedBy.status, failedIds(issuedBy.out)], [NOT_GENUINE, ['token.issuer']]);
  const about = check((r) => sign(claims(r, { 'x-ms-sevsnpvm-hostdata': '00'.repeat(32) })), '--maa', issuer, '--maa-keys', keys);
  assert.deepStrictEqual([about.status, failedIds(about.out)], [NOT_GENUINE, ['token.report']]);
  const kept = check((r) => sign(claims(r, { exp: now - 4000, nbf: now - 8000, iat: now - 8000 })), '--maa', issuer, '--maa-keys', keys);
  assert.strictEqual(kept.status, GOOD);
  assert.match(kept.out, /^skipped +token\.time/m);
});

// What a token says of the guest, and the attacker's report beside it, which nobody signed.
test('--via maa decides by what the token signs', () => {
  const issuer = 'https://maa.localhost';
  const S = 'x-ms-sevsnpvm-';
  const key = pki.key('maa-key.pem');
  const now = Math.floor(Date.now() / 1000);
  const keys = file({ keys: [{ kid: 'one', ...crypto.createPublicKey(key).export({ format: 'jwk' }) }] });
  const signed = (claims) => {
    const input = [{ alg: 'RS256', kid: 'one' }, claims].map((v) => jose.b64u(JSON.stringify(v))).join('.');
    return `${input}.${jose.b64u(crypto.sign('sha256', Buffer.from(input), key))}`;
  };
  const reportOf = (p) => snp.parse(Buffer.from(p.report, 'base64'));
  const genuine = reportOf(proof());
  const all = {
    iss: issuer, exp: now + 28800, nbf: now, iat: now, 'x-ms-attestation-type': 'sevsnpvm', [`${S}hostdata`]: genuine.hostData, [`${S}reportdata`]: genuine.reportData.toString('hex'),
    [`${S}launchmeasurement`]: genuine.measurement, [`${S}vmpl`]: 0, [`${S}is-debuggable`]: false, [`${S}migration-allowed`]: false, [`${S}bootloader-svn`]: 4, [`${S}tee-svn`]: 0,
    [`${S}snpfw-svn`]: 24, [`${S}microcode-svn`]: 219, 'x-ms-compliance-status': 'azure-compliant-uvm',
    [`${S}uvm-endorsement`]: { [`${S}guestsvn`]: '104', [`${S}guestsvn-int`]: 104 },
  };
  const via = (parts, claims, policy, ...args) => ctl('verify', '--proof', file(proof({ ...parts, token: () => signed(claims) })), '--via', 'maa', '--maa-keys', keys,
    ...(policy ? ['--policy', file({ parley_policy: 1, host_data: [HOST_DATA], ...policy })] : []), ...args);
  const without = (...names) => Object.fromEntries(Object.entries(all).filter(([name]) => !names.includes(name.replace(S, ''))));
  const full = { min_tcb: { Milan: { bootloader: 4, tee: 0, snp: 24, microcode: 219 } }, measurement: [genuine.measurement], min_uvm_svn: 104, role: 'contoso', max_age_s: 600, vmpl: 0 };
  const says = (r, status, ids, what) => assert.deepStrictEqual([r.status, failedIds(r.out)], [status, ids], `${what}: ${r.out}${r.err}`);
  for (const named of [[], ['--maa', issuer]]) says(via({}, all, full, ...named), GOOD, [], 'everything is said');
  says(via({}, all, full, '--maa', 'https://other.eus.attest.azure.net'), NOT_GENUINE, ['token.issuer'], 'of another service');
  // Of whom nobody said that he is believed: any service in the cloud, with a policy of its owner's.
  for (const v of ['maa', 'both']) {
    const r = ctl('verify', '--proof', file(proof({ token: () => signed({ ...all, iss: 'https://mine.eus.attest.azure.net' }) })), ...trust(), '--via', v);
    assert.strictEqual(r.status, 2);
    assert.match(r.err, /need --maa/);
  }
  // What the policy asks for and the token does not say; what it does not ask for is not missed.
  const unsaid = { 'is-debuggable': 'debug', 'migration-allowed': 'migration', vmpl: 'vmpl', 'bootloader-svn': 'tcb.bootloader', 'snpfw-svn': 'tcb.snp', 'microcode-svn': 'tcb.microcode',
    'x-ms-compliance-status': 'uvm', 'uvm-endorsement': 'uvm' };
  for (const [claim, id] of Object.entries(unsaid)) {
    const r = via({}, without(claim), full);
    says(r, UNACCEPTABLE, [`accept.${id}`], `without ${claim}`);
    assert.match(r.out, new RegExp(`^FAILED +accept\\.${id.replace('.', '\\.')} +the token does not say$`, 'm'));
    says(via({}, without(claim)), GOOD, [], `without ${claim}, which nobody asks for`);
  }
  says(via({}, without(...Object.keys(unsaid)), { debug_allowed: true, migration_allowed: true, min_uvm_svn: 'any' }), UNACCEPTABLE, ['accept.vmpl'], 'next to nothing asked for');
  says(via({}, without('tee-svn'), full), GOOD, [], 'a level of which nothing is demanded');
  for (const claim of ['hostdata', 'reportdata', 'launchmeasurement']) says(via({}, without(claim)), NOT_GENUINE, ['token.report'], `without ${claim}`);
  // The token's own word.
  says(via({ report: { policy: 0xb001fn } }, { ...all, [`${S}is-debuggable`]: true }, full), UNACCEPTABLE, ['accept.debug'], 'debuggable, and said so');
  says(via({}, { ...all, [`${S}uvm-endorsement`]: { [`${S}guestsvn`]: '104', [`${S}guestsvn-int`]: 99 } }, full), UNACCEPTABLE, ['accept.uvm'], 'the smaller version of two');
  says(via({}, { ...all, 'x-ms-compliance-status': 'azure-compliant-cvm' }, full), UNACCEPTABLE, ['accept.uvm'], 'of another compliance');
  says(via({}, { ...all, iat: now - 601 }, full), UNACCEPTABLE, ['accept.freshness'], 'too old');
  // A genuine token for one report beside another: refused, or judged by the token alone.
  const bare = without('is-debuggable', 'migration-allowed', 'vmpl', 'bootloader-svn', 'tee-svn', 'snpfw-svn', 'microcode-svn');
  for (const [what, report] of Object.entries({ 'another policy': { hostData: 'ab'.repeat(32) }, 'another measurement': { measurement: 'ab'.repeat(48) },
    'other runtime data': { reportData: Buffer.alloc(64, 1) } })) {
    for (const claims of [all, bare]) assert.strictEqual(via({ report }, claims).status, NOT_GENUINE, what);
  }
  for (const [what, report] of Object.entries({ 'a lower patch level': { tcb: pkis.OLD_TCB }, debugging: { policy: 0xb001fn }, migration: { policy: 0x7001fn }, 'another VMPL': { vmpl: 1 } })) {
    says(via({ report }, all), NOT_GENUINE, ['token.report'], what);
    // The attacker shows a report that looks as the policy wants it; the token, which says nothing of that, does not.
    says(via({}, bare, full), UNACCEPTABLE, ['debug', 'migration', 'vmpl', 'tcb.bootloader', 'tcb.snp', 'tcb.microcode'].map((id) => `accept.${id}`), what);
  }
  // Which product it is, no token says: the strictest of those that the policy names.
  const rows = (min_tcb) => via({}, all, { ...full, min_tcb });
  says(rows({ Milan: { microcode: 1 }, Genoa: { microcode: 220 } }), UNACCEPTABLE, ['accept.tcb.microcode'], 'the other product’s row');
  says(rows({ Milan: { microcode: 219 }, Genoa: { snp: 24 } }), GOOD, [], 'all rows hold');
  says(rows({ Turin: { fmc: 1 } }), UNACCEPTABLE, ['accept.tcb.fmc'], 'the FMC');
  says(rows({ Turin: { snp: 24 } }), GOOD, [], 'nothing of the FMC');
  says(via({}, all, { ...full, crl_required: true }), UNACCEPTABLE, ['accept.crl'], 'a revocation list');
  for (const bits of [{ platform_required: ['smt'] }, { platform_forbidden: ['tsme'] }]) { // no claim is about the platform's bits
    const r = via({}, all, { ...full, ...bits });
    says(r, UNACCEPTABLE, ['accept.platform'], JSON.stringify(bits));
    assert.match(r.out, /^FAILED +accept\.platform +the token does not say$/m);
  }
  // What is shown is what the token says.
  const shown = JSON.parse(via({}, bare, null, '--json').out).report;
  assert.deepStrictEqual([shown.product, shown.host_data, shown.chip_id, shown.vmpl, shown.debug_allowed, shown.reported_tcb, shown.uvm_svn],
    ['unknown', HOST_DATA, undefined, undefined, undefined, {}, 104]);
  assert.doesNotMatch(via({}, bare, null, '-v').out, /chip_id|vmpl|tcb\./);
});

// --- Release policies ---

const CLAIMS = {
  iss: 'https://maa.example', exp: 4102444800, nbf: 1, 'x-ms-runtime': { keys: [{ kty: 'RSA' }], client: { n: 5 } }, 'x-ms-sevsnpvm-hostdata': 'ab'.repeat(32),
  'x-ms-compliance-status': 'azure-compliant-uvm', 'x-ms-sevsnpvm-is-debuggable': false, 'x-ms-sevsnpvm-vmpl': 0, 'x-ms-sevsnpvm-guestsvn': 2, text: 'Word',
};
const entry = (condition, authority = 'https://maa.example') => ({ version: '1.0.0', anyOf: [{ authority, ...condition }] });
const explain = (policy, claims = CLAIMS, ...args) => ctl('release-policy', 'explain', '--policy', file(policy), '--token', file(claims), ...args);

test('a refused release is explained: the claim, its value, the smallest change', () => {
  const policy = entry({ allOf: [
    { claim: 'x-ms-sevsnpvm-hostdata', equals: 'cd'.repeat(32) }, { claim: 'x-ms-compliance-status', equals: 'azure-compliant-uvm' },
    { claim: 'x-ms-sevsnpvm-is-debuggable', equals: 'false' },
  ] });
  const r = explain(policy);
  assert.strictEqual(r.status, UNACCEPTABLE);
  assert.deepStrictEqual(failedIds(r.out), ['x-ms-sevsnpvm-hostdata']);
  assert.ok(r.out.includes(`the token says    ${'ab'.repeat(32)}`));
  assert.ok(r.out.includes(`set the policy's value to ${'ab'.repeat(32)}`));
  assert.match(r.out, /signature was not verified/);
  // doing what it says makes it pass
  policy.anyOf[0].allOf[0].equals = 'ab'.repeat(32);
  assert.strictEqual(explain(policy).status, GOOD);
});

test('of several ways the cheapest is told', () => {
  const two = { allOf: [{ claim: 'a', equals: '1' }, { claim: 'b', equals: '2' }] };
  const policy = entry({ anyOf: [two, { allOf: [{ claim: 'text', equals: 'word' }, { claim: 'x-ms-sevsnpvm-vmpl', equals: 0 }] }] });
  policy.anyOf.unshift({ authority: 'https://other.example', allOf: [{ claim: 'text', equals: 'Word' }] });
  const j = JSON.parse(explain(policy, CLAIMS, '--json').out);
  assert.deepStrictEqual(j.in_the_way.map((w) => [w.claim, w.wanted, w.found]), [['text', 'word', 'Word']]);
  assert.match(j.in_the_way[0].meaning, /upper and lower case/);
  const foreign = JSON.parse(explain(entry({ allOf: [{ claim: 'text', exists: true }] }, 'https://other.example'), CLAIMS, '--json').out);
  assert.deepStrictEqual(foreign.in_the_way.map((w) => [w.claim, w.operator]), [['iss', 'authority']]);
});

test('what else a vault asks for: a valid token and a wrapping key', () => {
  const policy = entry({ allOf: [{ claim: 'text', exists: true }] });
  assert.strictEqual(explain(policy).status, GOOD);
  assert.match(explain(policy, { ...CLAIMS, exp: 5 }).out, /token has expired/);
  assert.strictEqual(explain(policy, { ...CLAIMS, exp: 5 }, '--at', '4').status, GOOD);
  assert.match(explain(policy, { ...CLAIMS, 'x-ms-runtime': {} }).out, /no RSA key/);
});

test('policies and tokens in the forms in which they are found', () => {
  const policy = entry({ allOf: [{ claim: 'text', equals: 'Word' }] });
  const data = Buffer.from(JSON.stringify(policy)).toString('base64url');
  const part = (v) => Buffer.from(JSON.stringify(v)).toString('base64url');
  const jwt = `${part({ alg: 'RS256' })}.${part(CLAIMS)}.AAAA`;
  const wrapped = { contentType: 'application/json; charset=utf-8', data, immutable: false };
  const bundle = { attributes: { exportable: true }, key: { kid: 'https://v/keys/k/1', kty: 'RSA-HSM', n: 'AA', e: 'AQAB' }, release_policy: wrapped };
  const released = { request: {}, response: { key: bundle } };
  const jws = `${part({ alg: 'RS256' })}.${part(released)}.AAAA`;
  const lines = (text) => text.replace(/.{64}/g, '$&\n');
  const std = Buffer.from(JSON.stringify(policy)).toString('base64');
  for (const p of [policy, data, std, lines(std), wrapped, { content_type: 'x', data }, { ...wrapped, data: `${std}` }, bundle, { properties: bundle },
    { key: bundle.key, releasePolicy: { contentType: 'x', encodedPolicy: JSON.stringify(policy), immutable: false } }, { releasePolicy: { encodedPolicy: std } },
    released, { value: jws }, jws, Buffer.from(JSON.stringify(bundle)).toString('base64'), { release_policy: policy }, JSON.stringify(JSON.stringify(policy))]) {
    const r = explain(p, jwt);
    assert.strictEqual(r.status, GOOD, `${JSON.stringify(p)}: ${r.err}`);
  }
  const says = (p, pattern) => { const r = explain(p); assert.strictEqual(r.status, UNCHECKED); assert.match(r.err, pattern); };
  says({ attributes: {}, key: bundle.key }, /key without a release policy/);
  says({ value: part('sealed').repeat(9) }, /backup of a key is sealed/);
  says({ value: 'a.b.c' }, /no release policy is found/);
  says('words', /no release policy is found/);
  says({ ...policy, version: '2.0.0' }, /version of policy is not supported \(known: .*1\.0\.0\): 2\.0\.0/);
  says({ ...policy, more: 1 }, /member of the policy is not supported .*: more/);
  says(entry({ allOf: [{ claim: 'a', matches: 'x' }] }), /operator of a condition is not supported \(known: equals, .*: matches/);
  says({ version: '1.0.0', anyOf: [{ authority: 'https://maa.example', noneOf: [] }] }, /member of the policy's entry is not supported .*: noneOf/);
  for (const version of ['0.2', '1.0', '1.0.0']) assert.strictEqual(explain({ ...policy, version }, jwt).status, GOOD);
  for (const p of ['{', '[]', {}, { version: '1.0.0' }, entry({}), entry({ allOf: [] }), entry({ allOf: [{}] }), entry({ allOf: [{ claim: 'a' }] }),
    entry({ allOf: [{ claim: 'a', equals: 1, less: 2 }] }), entry({ allOf: [{ claim: 'a', equals: {} }] }), entry({ allOf: [{ claim: 'a', matches: 'x' }] }),
    entry({ allOf: [{ claim: 'text', exists: true }], anyOf: [{ claim: 'text', exists: true }] })]) {
    assert.strictEqual(explain(p).status, UNCHECKED, JSON.stringify(p));
  }
  assert.strictEqual(explain(policy, 'a.b').status, UNCHECKED);
});

// Numbers that look random and are the same in every run.
let seed = 12345;
const random = (n) => {
  seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
  return (seed >> 8) % n;
};
const pick = (list) => list[random(list.length)];
function randomCondition(depth) {
  if (depth < 3 && random(3) === 0) {
    return { [pick(['allOf', 'anyOf'])]: Array.from({ length: 1 + random(3) }, () => randomCondition(depth + 1)) };
  }
  const op = pick(['equals', 'equals', 'notEquals', 'less', 'lessOrEquals', 'greater', 'greaterOrEquals', 'exists']);
  const claim = pick(['text', 'x-ms-sevsnpvm-vmpl', 'x-ms-sevsnpvm-guestsvn', 'x-ms-sevsnpvm-is-debuggable', 'x-ms-runtime.client.n', 'x-ms-runtime', 'none', 'text.more']);
  const value = op === 'exists' ? pick([true, false, 'true']) : pick(['Word', 'word', 0, '0', 2, '2', 1.5, '1.50', -1, 5, 'false', false, true, '', '10']);
  return { claim, [op]: value };
}

test('the same decisions as an independent implementation, on policies at random', () => {
  let released = 0;
  const rounds = 250;
  for (let i = 0; i < rounds; i++) {
    const policy = { version: '1.0.0', anyOf: Array.from({ length: 1 + random(2) }, () => (
      { authority: pick(['https://maa.example', 'https://maa.example/', 'https://maa.example', 'https://other.example']),
        [pick(['allOf', 'anyOf'])]: Array.from({ length: 1 + random(3) }, () => randomCondition(0)) })) };
    const checked = policies.check(policy);
    const wanted = policies.entriesFor(checked, CLAIMS.iss).some((e) => policies.holds(e, CLAIMS));
    const r = explain(policy, CLAIMS, '--json');
    assert.strictEqual(r.status, wanted ? GOOD : UNACCEPTABLE, JSON.stringify(policy));
    const way = JSON.parse(r.out).in_the_way;
    assert.strictEqual(way.length === 0, wanted, JSON.stringify(policy));
    released += wanted;
  }
  assert.ok(released > rounds / 10 && released < rounds * 9 / 10, `${released} of ${rounds} released: the test says little`);
});
