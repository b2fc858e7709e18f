// Inputs from the field, one row each: shared/vectors/field/README.md says which answer is right and why. The rows are parleyctl commands.
//
// A row: {id, args, status, says, not}. id is the README's, with the input's name where an id has several. In args FIELD/ stands for the
// directory of the inputs. status: one exit status, or several when more than one answer is right. says, not: expressions that standard
// output and error together must match, and must not.
'use strict';
const assert = require('node:assert');
const fs = require('fs');
const path = require('path');
const test = require('node:test');
const { spawnSync } = require('child_process');

const ROOT = path.resolve(__dirname, '../..');
const CTL = path.join(ROOT, 'build/parleyctl');
const FIELD = path.join(path.resolve(ROOT, process.env.PARLEY_VECTORS || '../shared/vectors'), 'field');
const skip = fs.existsSync(FIELD) ? false : 'no vectors (PARLEY_VECTORS)';
const AT = ['--at', '2026-11-28T18:00:00Z'];

const GENUINE = 0, USAGE = 2, UNACCEPTABLE = 3, UNCHECKED = 5;

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

for (const { id, args, status, says = [], not = [] } of [...evidence]) {
  test(id, { skip }, () => {
    const r = spawnSync(CTL, args.map((a) => a.replace(/^FIELD\//, `${FIELD}/`)), { encoding: 'utf8', timeout: 60000 });
    const text = `${r.stdout}${r.stderr}`;
    assert.strictEqual(r.signal, null, `killed by ${r.signal}: ${args.join(' ')}`);
    assert.ok([status].flat().includes(r.status), `exit status ${r.status}, not ${status}\n${text}`);
    for (const x of says) assert.match(text, x);
    for (const x of not) assert.doesNotMatch(text, x);
  });
}
