// Inputs from the field, one row each: shared/vectors/field/README.md says which answer is right and why. The rows are parleyctl commands.
//
// A row: {id, args, status, says, not}. id is the README's, with the input's name where an id has several. In args FIELD/ stands for the
// directory of the inputs. status: one exit status, or several when more than one answer is right. says, not: expressions that standard
// output and error together must match, and must not.
'use strict';
const assert = require('node:assert');
const fs = require('fs');
const os = require('os');
const path = require('path');
const test = require('node:test');
const { spawnSync } = require('child_process');

const ROOT = path.resolve(__dirname, '../..');
const CTL = path.join(ROOT, 'build/parleyctl');
const FIELD = path.join(path.resolve(ROOT, process.env.PARLEY_VECTORS || '../shared/vectors'), 'field');
const skip = fs.existsSync(FIELD) ? false : 'no vectors (PARLEY_VECTORS)';
const AT = ['--at', '2026-11-28T18:00:00Z'];

const GENUINE = 0, USAGE = 2, UNACCEPTABLE = 3, NOT_GENUINE = 4, UNCHECKED = 5;

// --- Evidence ---
const turin = (report) => ['verify', '--report', `FIELD/snp/${report}`, '--certs', 'FIELD/snp/s01-chain.pem', '--amd-root', 'FIELD/snp/root-turin.pem', ...AT];
const CORRUPTION = /reserved/;
const evidence = [
  { id: 'S01', args: turin('s01-report.bin'), status: GENUINE, says: [/^passed +report\.form +version 5$/m, /^genuine: yes/m] },
  { id: 'S01 in words', args: [...turin('s01-report.bin'), '--verbose'], status: GENUINE, says: [/^ +platform +smt ecc alias_check_complete iommu_write_safe$/m] },
  { id: 'S01 report', args: ['report', 'FIELD/snp/s01-report.bin'], status: GENUINE, says: [/^platform_info +0x65$/m, /^platform +smt ecc alias_check_complete iommu_write_safe$/m] },
  // Without an endorsement neither is acceptable; what the platform's bits say is another line.
  { id: 'S01, bits demanded', args: [...turin('s01-report.bin'), '--platform-required', 'alias_check_complete', '--platform-required', '6', '--platform-forbidden', 'tsme'],
    status: UNACCEPTABLE, says: [/^passed +accept\.platform +smt ecc alias_check_complete iommu_write_safe$/m] },
  { id: 'S01, a bit forbidden', args: [...turin('s01-report.bin'), '--platform-forbidden', 'smt'], status: UNACCEPTABLE,
    says: [/^FAILED +accept\.platform +PLATFORM_INFO .*expected without smt; found smt ecc/m] },
  { id: 'S01 control lacks a bit', args: [...turin('s01-report-bit6-clear.bin'), '--platform-required', 'iommu_write_safe'], status: UNACCEPTABLE,
    says: [/^FAILED +accept\.platform /m] },
  { id: 'S01, a bit of no name', args: [...turin('s01-report.bin'), '--platform-required', 'aliascheck'], status: USAGE, says: [/aliascheck/] },
  { id: 'S01, a bit demanded and forbidden', args: [...turin('s01-report.bin'), '--platform-required', 'smt', '--platform-forbidden', '0'], status: USAGE, says: [/named already/] },
  { id: 'S01 control', args: turin('s01-report-bit6-clear.bin'), status: GENUINE, says: [/^passed +vcek\.chip +04a1b2c3d4e5f607$/m] },
  { id: 'S04', args: turin('s04-report-v2.bin'), status: GENUINE, says: [/^passed +report\.form +version 2$/m, /^passed +vcek\.kind +VCEK$/m], not: [CORRUPTION] },
  { id: 'S04 report', args: ['report', 'FIELD/snp/s04-report-v2.bin'], status: GENUINE, says: [/^product +unknown \(version 2 does not name the processor/m], not: [CORRUPTION] },
  { id: 'S04 report of a Turin', args: ['report', '--product', 'Turin', 'FIELD/snp/s04-report-v2.bin'], status: GENUINE,
    says: [/^reported_tcb +5100000004010101 \(fmc 1, boot loader 1, tee 1, snp 4, microcode 81\)$/m] },
  { id: 'S04 certificates', args: ['fetch-certs', '--report', 'FIELD/snp/s04-report-v2.bin', '--kds', 'nowhere'], status: UNCHECKED,
    says: [/version 2 does not name the processor.*--product/], not: [CORRUPTION] },
  { id: 'S04 certificates of a Turin', args: ['fetch-certs', '--product', 'Turin', '--report', 'FIELD/snp/s04-report-v2.bin', '--kds', 'nowhere'],
    status: UNCHECKED, says: [/endpoint is not a URL/], not: [CORRUPTION, /version 2/] },
  { id: 'S04 certificates of another', args: ['fetch-certs', '--product', 'Rome', '--report', 'FIELD/snp/s04-report-v2.bin'], status: USAGE, says: [/Rome/] },
];

const DID = fs.existsSync(FIELD) ? fs.readFileSync(path.join(FIELD, 'uvm/did.txt'), 'utf8').trim() : '';
const endorsed = (endorsement) => ['verify', '--report', 'FIELD/uvm/report.bin', '--certs', 'FIELD/uvm/chain.pem', '--amd-root', 'FIELD/snp/root-milan.pem', ...AT,
  '--uvm-issuer', DID, '--uvm-feed', 'ContainerPlat-AMD-UVM', '--endorsement', `FIELD/uvm/${endorsement}`];
const ANOTHER = /another issuer/;
const via = (keys) => ['verify', '--proof', 'FIELD/maa/proof.json', '--via', 'maa', '--maa-keys', `FIELD/maa/${keys}`, ...AT];
const tokens = [
  ...['u01-new.cose', 'u01-new.b64'].map((name) => ({ id: `U01 ${name}`, args: [...endorsed(name), '--verbose'], status: GENUINE, says: [/^ +uvm_svn +104$/m, /^passed +uvm\.issued +2025-11-20T/m] })),
  { id: 'U01 bad subject', args: endorsed('u01-bad-sub.cose'), status: NOT_GENUINE, says: [/^FAILED +uvm\.feed .*found ConfAKS-AMD-UVM$/m], not: [ANOTHER] },
  { id: 'U01 bad measurement', args: endorsed('u01-bad-measurement.cose'), status: NOT_GENUINE, says: [/^FAILED +uvm\.measurement/m], not: [ANOTHER] },
  { id: 'U02 control', args: [...endorsed('u02-svn-text.cose'), '--verbose'], status: GENUINE, says: [/^ +uvm_svn +104$/m] },
  { id: 'M01', args: via('m01-keys-kid-twice-same.json'), status: GENUINE, says: [/^passed +token\.signature/m], not: [/lists no key/] },
  { id: 'M01 control', args: via('m00-keys-plain.json'), status: GENUINE, says: [/^passed +token\.signature/m] },
  { id: 'M01 by a policy', args: [...via('m00-keys-plain.json'), '--host-data', 'f4b7acdb1c14ebc8b267cdd591d3c0b4f73dca5244280bdecfd17c0d57fbc797'], status: UNACCEPTABLE,
    says: [/^FAILED +accept\.debug +the token does not say$/m, /^passed +accept\.uvm +104$/m] },
  { id: 'M01 of nobody named', args: ['verify', '--proof', 'FIELD/maa/proof.json', '--via', 'maa', ...AT], status: USAGE, says: [/need --maa/] },
];

// --- Policies ---
const LOOSE = 1, DENIED = 1, DIFFERENT = 1;
const explain = (policy) => ['policy', 'explain', '--strict', `FIELD/policy/${policy}.rego`];
const simulate = (policy, request) => ['policy', 'simulate', `FIELD/policy/${policy}.rego`, '--request', `FIELD/policy/${request}.json`];
const keeps = (...names) => names.map((name) => new RegExp(`^ {6}keeps ${name}=`, 'm'));
const allowed = (point) => new RegExp(`^allow ${point}$`, 'm');
const P06 = /^d03dd3a52f689992809908b707ea13d2d463256918acc5543b243fcb6e4396fc$/m;
const policies = [
  { id: 'P00 control', args: simulate('p00-control', 'p00-control'), status: 0, says: [allowed('create_container')] },
  { id: 'P00 control explained', args: explain('p00-control'), status: 0, not: [/LOOSE/] },
  { id: 'P01 compared', args: ['policy', 'diff', 'FIELD/policy/p01-without.rego', 'FIELD/policy/p01-with.rego'], status: DIFFERENT,
    says: [/^\+ .*LD_PRELOAD/m, /^\+ .*FABRIC/m, /^\+ .*\/app-config/m], not: [/the same is allowed/] },
  { id: 'P01 explained', args: explain('p01-with'), status: LOOSE, says: [/^LOOSE: .*LD_PRELOAD=\.\*$/m, /^LOOSE: .*name.*FABRIC/m, /^LOOSE: .*writable.*\/app-config$/m] },
  { id: 'P01', args: simulate('p01-with', 'p01'), status: 0, says: [allowed('create_container'), ...keeps('PATH', 'Fabric_NodeName', 'LD_PRELOAD')] },
  { id: 'P01 without the rules', args: simulate('p01-without', 'p01'), status: DENIED, says: [/^deny {2}create_container: mounts$/m] },
  { id: 'P01 under an old framework', args: simulate('p01-old-framework', 'p01'), status: DENIED, says: [/^deny {2}create_container: mounts$/m] },
  { id: 'P03 explained', args: explain('p03-host-network-flag'), status: LOOSE, says: [/^LOOSE: .*host network/m] },
  { id: 'P03', args: simulate('p03-host-network-flag', 'p03'), status: 0, says: [allowed('host_network')] },
  { id: 'P04 explained', args: explain('p04-escaped-dollar'), status: LOOSE, says: [/^LOOSE: .*anchor.*PRICE=\[0-9\]\+\\\$$/m] },
  { id: 'P04 exact', args: simulate('p04-escaped-dollar', 'p04-exact'), status: 0, says: keeps('PRICE') },
  { id: 'P04 with more behind it', args: simulate('p04-escaped-dollar', 'p04-suffix'), status: 0, says: keeps('PRICE') },
  ...['p06.rego', 'p06-one-line.b64', 'p06-wrapped-76.b64'].map((name) => ({ id: `P06 ${name}`, args: ['policy', 'hash', `FIELD/policy/${name}`], status: 0, says: [P06] })),
  { id: 'P11 explained', args: explain('p11-api-0.1.0'), status: LOOSE, says: [/^LOOSE: request exec_external .*default/m, /^LOOSE: request dump_stacks .*default/m] },
  { id: 'P11 exec_external', args: simulate('p11-api-0.1.0', 'p11-exec-external'), status: 0, says: [allowed('exec_external')] },
  { id: 'P11 dump_stacks', args: simulate('p11-api-0.1.0', 'p11-dump-stacks'), status: 0, says: [allowed('dump_stacks')] },
  { id: 'P13', args: simulate('p13', 'p13'), status: 0, says: keeps('PATH', 'ADDR', 'JSON', 'QUOTED', 'WIN', 'UMLAUT'), not: [/drops/] },
];

// D3: one file of requests a case; and points that cannot be judged, with one behind them that can.
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'parley-field-'));
test.after(() => fs.rmSync(scratch, { recursive: true, force: true }));
const cases = skip ? [] : JSON.parse(fs.readFileSync(path.join(FIELD, 'policy/mounts.json'), 'utf8')).cases;
const unknown = { name: 'points that cannot be judged', guest: 'go on', requests: [{ point: 'mount_blockdev' }, { point: 'rw_unmount_device' }, { point: 'get_properties' }] };
for (const [i, { name, guest, requests }] of [...cases, unknown].entries()) {
  const file = path.join(scratch, `${i}.json`);
  fs.writeFileSync(file, JSON.stringify(requests));
  policies.push({ id: `D3 ${name}`, args: ['policy', 'simulate', 'FIELD/../policy/policy-p05.rego', '--request', file], status: guest === 'allow' ? 0 : DENIED,
    says: { allow: [allowed('create_container')], deny: [/^deny {2}create_container: mounts$/m],
      'go on': [/^\? +mount_blockdev: cannot be judged/m, /^\? +rw_unmount_device: cannot be judged/m, allowed('get_properties')] }[guest] });
}

// --- Release policies ---
const releases = ['r00-control', 'r04-key-bundle'].map((name) => ({
  id: name, args: ['release-policy', 'explain', '--policy', `FIELD/release/${name}.json`, '--token', 'FIELD/release/token.jwt', ...AT], status: 0, says: [/^release: yes/m],
}));

// --- Layers ---
const layer = (name) => ['policy', 'layer', `FIELD/layer/${name}.tar`];
const layers = [
  { id: 'L05 before 1901', args: layer('l05-before-1901'), status: 0, says: [/^e8b749b64a29055f22f18f0f2d41b78fad2ea0e51746e6b8422daa1d349944bc$/m] },
  { id: 'L05 minus 1', args: layer('l05-minus-1'), status: 0, says: [/^2919f0005c6f5cd480620c6c504bb8dcf48e1f1ee17e974b4337b79eb352de53$/m] },
  ...['l05-year-1', 'l05-epoch'].map((name) => ({ id: `L05 ${name}`, args: layer(name), status: 0, says: [/^3dea18568383fddd8665be156b530dbafe93ec060dc5065ffb77f3ea0127955f$/m] })),
  { id: 'L07', args: layer('l07-docker-save'), status: 1, says: [/image archive .*take the layers/], not: [/^[0-9a-f]{64}$/m] },
  { id: 'L08 gzip', args: layer('l08-gzip'), status: 1, says: [/compressed with gzip: decompress it/], not: [/zeros|checksum/] },
  { id: 'L08 zstd', args: layer('l08-zstd'), status: 1, says: [/compressed with zstd: decompress it/], not: [/zeros|checksum/] },
];

for (const { id, args, status, says = [], not = [] } of [...evidence, ...tokens, ...policies, ...releases, ...layers]) {
  test(id, { skip }, () => {
    const r = spawnSync(CTL, args.map((a) => a.replace(/^FIELD\//, `${FIELD}/`)), { encoding: 'utf8', timeout: 60000 });
    const text = `${r.stdout}${r.stderr}`;
    assert.strictEqual(r.signal, null, `killed by ${r.signal}: ${args.join(' ')}`);
    assert.ok([status].flat().includes(r.status), `exit status ${r.status}, not ${status}\n${text}`);
    for (const x of says) assert.match(text, x);
    for (const x of not) assert.doesNotMatch(text, x);
  });
}
