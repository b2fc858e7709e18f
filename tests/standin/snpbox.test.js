// snpbox: the simulated guest device, as a program under it sees it. Needs build/tests/snpbox and build/tests/snpbox_client.
'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const snp = require('./snp');

const built = path.resolve(__dirname, '../../build/tests');
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'snpbox-'));
fs.chmodSync(dir, 0o755);
process.on('exit', () => fs.rmSync(dir, { recursive: true, force: true }));
const inDir = (name) => path.join(dir, name);

const genkey = spawnSync('openssl', ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384', '-out', inDir('vcek.pem')]);
assert.equal(genkey.status, 0, String(genkey.stderr));
fs.chmodSync(inDir('vcek.pem'), 0o644);
const vcek = crypto.createPublicKey(fs.readFileSync(inDir('vcek.pem')));
const box = path.join(built, 'snpbox');
const client = path.join(built, 'snpbox_client');
const DATA = crypto.randomBytes(64);

function run(options, argv, more = {}) {
  const r = spawnSync(box, ['--vcek-key', inDir('vcek.pem'), ...options, '--', ...argv], { encoding: 'utf8', timeout: 60000, maxBuffer: 1 << 26, ...more });
  return { ...r, lines: r.stdout.split('\n').slice(0, -1) };
}
function report(options, flags = []) {
  const r = run(options, [client, ...flags, DATA.toString('hex')]);
  assert.equal(r.status, 0, r.stdout + r.stderr);
  return Buffer.from(r.lines[0], 'hex');
}
let faultFiles = 0;
function faults(text) {
  const name = inDir(`faults-${++faultFiles}`);
  fs.writeFileSync(name, text);
  return ['--faults', name];
}
// What n requests in a row bring: a report in hex or a line of error each.
const asked = (text, n, flags = [], options = []) => run([...faults(text), ...options], [client, ...flags, '-n', String(n), DATA.toString('hex')]).lines;
const isReport = (line) => /^[0-9a-f]{2368}$/.test(line) && snp.verify(Buffer.from(line, 'hex'), vcek);
const error = (errno, fw, vmm, status = 0, size = 0) =>
  `error errno=${errno} fw=0x${fw.toString(16)} vmm=0x${vmm.toString(16)} status=0x${status.toString(16)} size=${size} certs_len=0`;
const E = os.constants.errno;

test('a report has the fields asked for and a good signature', () => {
  const [hostData, measurement, chipId] = [32, 48, 64].map((n) => crypto.randomBytes(n).toString('hex'));
  const b = report(['--host-data', hostData, '--measurement', measurement, '--chip-id', chipId, '--tcb', '7308000000000003',
    '--current-tcb', 'DB18000000000004', '--guest-svn', '9', '--policy', '3001f']);
  const r = snp.parse(b);
  assert.equal(snp.fault(r), null);
  assert.ok(snp.verify(b, vcek));
  assert.equal(r.version, 3);
  assert.equal(r.guestSvn, 9);
  assert.equal(r.policy, 0x3001fn);
  assert.deepEqual(r.reportData, DATA);
  assert.deepEqual([r.hostData, r.measurement, r.chipId.toString('hex')], [hostData, measurement, chipId]);
  assert.equal(r.reportedTcb.toString('hex'), '0300000000000873');
  assert.equal(b.subarray(0x38, 0x40).toString('hex'), '04000000000018db');
  assert.deepEqual([r.familyId, r.imageId], ['01' + '00'.repeat(15), '02' + '00'.repeat(15)]);
  assert.equal(r.vmpl, 0);
  assert.deepEqual([...b.subarray(0x188, 0x18b)], [0x19, 1, 1]);
});

test('every flipped byte of the signed part breaks the signature', () => {
  const b = report([]);
  for (let i = 0; i < 0x2a0; i += 7) {
    b[i] ^= 1;
    assert.equal(snp.verify(b, vcek), false, `byte ${i}`);
    b[i] ^= 1;
  }
  assert.ok(snp.verify(b, vcek));
});

for (const version of [2, 3, 5]) {
  for (const product of ['Milan', 'Genoa', 'Turin']) {
    test(`report version ${version} of ${product} has that layout`, () => {
      const b = report(['--report-version', String(version), '--product', product]);
      const r = snp.parse(b);
      assert.equal(snp.fault(r), null);
      assert.ok(snp.verify(b, vcek));
      assert.equal(r.version, version);
      const cpuid = { Milan: [0x19, 0x01], Genoa: [0x19, 0x11], Turin: [0x1a, 0x02] }[product];
      assert.deepEqual([...b.subarray(0x188, 0x18a)], version < 3 ? [0, 0] : cpuid);
      assert.equal(r.chipId.subarray(8).every((x) => x === 0), product === 'Turin');
      assert.equal(snp.spl(r.reportedTcb, product).fmc, product === 'Turin' ? 1 : undefined);
    });
  }
}

test('Turin is as real machines are: version 5, PLATFORM_INFO 0x65; what the host masks is masked', () => {
  const turin = report(['--product', 'Turin']);
  assert.deepEqual([turin.readUInt32LE(0), turin.readBigUInt64LE(0x40), turin.readUInt32LE(0x48)], [5, 0x65n, 0]);
  assert.equal(report([]).readBigUInt64LE(0x40), 0x25n);
  assert.equal(report(['--platform-info', '8000000000000001']).readBigUInt64LE(0x40), 0x8000000000000001n);
  const vlek = report(['--vlek', '--mask-chip-key', '--mask-chip-id']);
  assert.deepEqual([vlek.readUInt32LE(0x48), snp.parse(vlek).chipId.some((x) => x !== 0), snp.fault(snp.parse(vlek))], [6, false, null]);
  assert.ok(snp.verify(vlek, vcek));
  const unsigned = report(['--mask-chip-key']);
  assert.deepEqual([unsigned.readUInt32LE(0x48), unsigned.subarray(0x2a0).some((x) => x !== 0)], [7 << 2 | 2, false]);
});

test('REPORT_ID is new with each start, and the same within one', () => {
  const two = asked('', 2).map((l) => snp.parse(Buffer.from(l, 'hex')).reportId);
  assert.equal(two[0], two[1]);
  assert.notEqual(snp.parse(report([])).reportId, two[0]);
});

test('the legacy device gives the same kind of report, and only the selected device is there', () => {
  assert.ok(snp.verify(report(['--device', 'sev'], ['-l']), vcek));
  const missing = `open errno=${E.ENOENT}`;
  assert.deepEqual(run(['--device', 'sev'], [client, '00']).lines, [missing]);
  assert.deepEqual(run([], [client, '-l', '00']).lines, [missing]);
  for (const flag of [[], ['-l']]) assert.deepEqual(run(['--device', 'none'], [client, ...flag, '00']).lines, [missing]);
});

test('wrong arguments get the errors of the driver', () => {
  const lines = Object.fromEntries(run([], [client, '-p']).lines.map((l) => [l.slice(0, l.indexOf(' ')), l.slice(l.indexOf(' ') + 1)]));
  assert.deepEqual(lines, {
    good: '0 5555', filled: '1', version: `${E.EINVAL} 5555`, 'null-request': `${E.EINVAL} ff`, 'null-response': `${E.EINVAL} ff`,
    'bad-request': `${E.EFAULT} ff`, 'bad-response': `${E.EFAULT} 5555`, 'bad-argument': `${E.EFAULT} 0`,
    'derived-key': `${E.ENOTTY} ff`, unknown: `${E.ENOTTY} 5555`, 'legacy-number': `${E.ENOTTY} ff`,
    'ext-unaligned': `${E.EINVAL} ff`, 'reserved-set': '0 5555', 'reserved-status': '16',
    'other-file': `${E.ENOTTY} 5555`, replaced: `${E.ENOTTY} 5555`, closed: `${E.EBADF} 5555`,
    stat: '0 20600', access: '0', 'legacy-access': String(E.ENOENT), relative: '1',
  });
});

test('VMPL and key selection are judged as by the firmware', () => {
  const ask = (options, flags) => run(options, [client, ...flags, '00']).lines[0];
  assert.equal(snp.parse(report([], ['-v', '2'])).vmpl, 2);
  assert.equal(ask([], ['-v', '4']), error(0, 0, 0, 0x16));
  assert.equal(ask(['--vmpl', '1'], ['-v', '0']), error(0, 0, 0, 0x16));
  assert.ok(isReport(ask(['--vmpl', '1'], ['-v', '1'])));
  assert.ok(isReport(ask([], ['-k', '1'])));
  assert.equal(ask([], ['-k', '2']), error(0, 0, 0, 0x27));
});

test('an extended request brings the certificates, or the size they need', () => {
  const cert = spawnSync('openssl', ['req', '-x509', '-new', '-key', inDir('vcek.pem'), '-subj', '/CN=SEV-VCEK', '-days', '2', '-out', inDir('certs.pem')]);
  assert.equal(cert.status, 0, String(cert.stderr));
  const der = new crypto.X509Certificate(fs.readFileSync(inDir('certs.pem'))).raw;
  const options = ['--certs', inDir('certs.pem')];
  const tooSmall = error(E.EIO, 0, 1).replace('certs_len=0', 'certs_len=4096');
  assert.deepEqual(run(options, [client, '-e', '0', '00']).lines, [tooSmall]);
  const [line, certs] = run(options, [client, '-e', '8192', '00']).lines;
  assert.ok(isReport(line));
  const table = Buffer.from(certs.slice('certs '.length), 'hex');
  assert.equal(table.length, 8192);
  assert.equal(table.toString('hex', 0, 16), '63da758de6644564adc5f4b93be8accd');
  const [at, len] = [table.readUInt32LE(16), table.readUInt32LE(20)];
  assert.deepEqual(table.subarray(at, at + len), der);
  assert.ok(table.subarray(24, 48).every((x) => x === 0));
  // Without certificates on the host any buffer will do, and comes back empty.
  assert.ok(isReport(run([], [client, '-e', '0', '00']).lines[0]));
  assert.match(run([], [client, '-e', '4096', '00']).lines[1], /^certs (00){4096}$/);
  assert.match(run([], [client, '-e', '20480', '00']).lines[0], new RegExp(`^error errno=${E.EINVAL} fw=0xff `));
});

const FAILING = [
  ['busy 1', error(E.ETIMEDOUT, 0, 2)], ['vmm 0x2 1', error(E.EIO, 0, 2)], ['fw 0x16 1', error(E.EIO, 0x16, 0)],
  ['status 0x27 1', error(0, 0, 0, 0x27)], ['enotty 1', error(E.ENOTTY, 0, 0)], ['ebadmsg 1', error(E.EBADMSG, 0, 0)],
  ['eintr 1', error(E.EINTR, 0, 0)], ['short 1', error(0, 0, 0, 0, 1024)],
];
for (const [line, expected] of FAILING) {
  test(`fault "${line}" spoils one call`, () => {
    const [first, second, ...rest] = asked(line + '\n', 2);
    assert.equal(first, expected);
    assert.ok(isReport(second));
    assert.equal(rest.length, 0);
  });
}

test('the error field of the legacy device carries the firmware error', () => {
  const [first, second] = asked('fw 0x16\n', 2, ['-l'], ['--device', 'sev']);
  assert.equal(first, error(E.EIO, 0x16, 0));
  assert.ok(isReport(second));
});

test('faults that change the report sign what they changed, except badsig', () => {
  const of = (line) => asked(line, 1).map((l) => Buffer.from(l, 'hex'))[0];
  const mbz = of('mbz 1');
  assert.ok(snp.verify(mbz, vcek));
  assert.match(snp.fault(snp.parse(mbz)), /reserved/);
  const bad = of('badsig 1');
  assert.equal(snp.verify(bad, vcek), false);
  assert.equal(snp.fault(snp.parse(bad)), null);
  const old = of('oldtcb 7308000000000002');
  assert.ok(snp.verify(old, vcek));
  assert.equal(snp.tcbHex(snp.parse(old).reportedTcb), '7308000000000002');
  const silent = of('noreportdata 1');
  assert.ok(snp.verify(silent, vcek));
  assert.ok(snp.parse(silent).reportData.every((x) => x === 0));
});

test('0 means for good, counts go line by line, comments and nonsense do no harm', () => {
  assert.deepEqual(asked('enotty 0\n', 3), Array(3).fill(error(E.ENOTTY, 0, 0)));
  const lines = asked('# a comment\nbusy 2 # twice\nnonsense 1\nfw 3\n', 4);
  assert.deepEqual(lines.slice(0, 3), [error(E.ETIMEDOUT, 0, 2), error(E.ETIMEDOUT, 0, 2), error(E.EIO, 3, 0)]);
  assert.ok(isReport(lines[3]));
});

test('with wipe a firmware error costs the key for good', () => {
  assert.deepEqual(asked('wipe\nfw 0x5 1\n', 3), [error(E.EIO, 5, 0), error(E.ENOTTY, 0, 0), error(E.ENOTTY, 0, 0)]);
});

test('open-error fails the open', () => {
  assert.deepEqual(asked('open-error EACCES\n', 1), [`open errno=${E.EACCES}`]);
  assert.deepEqual(asked(`open-error ${E.EMFILE} 1\n`, 1), [`open errno=${E.EMFILE}`]);
});

test('the fault file may change while the program runs', () => {
  const file = inDir('changing');
  const r = run(['--faults', file], ['sh', '-c', `"$0" 01; echo 'fw 0x16 1' > "$1"; "$0" -n 2 01; echo 'fw 0x16 1' > "$1"; "$0" 01; true`, client, file]);
  assert.equal(r.status, 0);
  assert.deepEqual(r.lines.map((l) => (isReport(l) ? 'report' : l)),
    ['report', error(E.EIO, 0x16, 0), 'report', error(E.EIO, 0x16, 0)]);
});

test('a delayed request does not hold up others', () => {
  const start = Date.now();
  const lines = run(faults('delay 700\n'), [client, '-t', '20', '01']).lines;
  const took = Date.now() - start;
  assert.equal(lines.filter(isReport).length, 20);
  assert.ok(took >= 700 && took < 7000, `${took} ms`);
});

test('threads, forks, duplicates and a seccomp filter of the program itself are served', () => {
  const many = run([], [client, '-t', '32', '-n', '5', '01']);
  assert.equal(many.lines.filter(isReport).length, 160);
  for (const flag of ['-f', '-s', '-u']) assert.ok(isReport(run([], [client, flag, '01']).lines[0]), flag);
});

test('an ordinary user may run it, also for a program that is not dumpable', (t) => {
  if (process.getuid() !== 0) return t.skip('the tests run as an ordinary user anyway');
  const nobody = { uid: 65534, gid: 65534, cwd: dir };
  if (spawnSync('unshare', ['-U', 'true'], nobody).status !== 0) return t.skip('no user namespaces here');
  for (const f of [box, client]) fs.copyFileSync(f, inDir(path.basename(f)));
  const r = spawnSync(inDir('snpbox'), ['--vcek-key', inDir('vcek.pem'), '--', inDir('snpbox_client'), '-u', '01'], { ...nobody, encoding: 'utf8' });
  assert.ok(isReport(r.stdout.trim()), r.stdout + r.stderr);
});

test('options may come from a file, and wrong ones are refused', () => {
  fs.writeFileSync(inDir('conf'), `# box\nhost-data=${'ab'.repeat(32)}\nguest-svn=5\n`);
  const r = snp.parse(report(['--config', inDir('conf'), '--guest-svn=6']));
  assert.deepEqual([r.hostData, r.guestSvn], ['ab'.repeat(32), 6]);
  for (const wrong of [['--host-data', 'ab'], ['--tcb', '7308000001000003'], ['--report-version', '7'], ['--report-version', '1'], ['--nonsense', '1'],
    ['--device', 'sev-host'], ['--vcek-key', inDir('conf')], ['--product', 'Turin', '--chip-id', '01'.repeat(64)], ['--guest-svn', '-1']]) {
    const refused = run(wrong, ['true']);
    assert.equal(refused.status, 2, wrong.join(' '));
    assert.match(refused.stderr, /^snpbox: .+\n$/);
  }
});

test('the exit code is the program\'s', () => {
  assert.equal(run([], ['sh', '-c', 'exit 7']).status, 7);
  assert.equal(run([], ['sh', '-c', 'kill -9 $$']).status, 137);
  assert.equal(run([], [inDir('no-such-program')]).status, 127);
  assert.equal(run([], [inDir('vcek.pem')]).status, 126);
  assert.equal(run([], [box, '--device', 'none', '--', 'true']).status, 125);
});

const alive = (pid) => {
  try {
    return !/^State:\s+[ZX]/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};
const gone = async (pid) => {
  for (let i = 0; i < 100 && alive(pid); i++) await new Promise((r) => { setTimeout(r, 50); });
  return !alive(pid);
};
const firstLine = (child) => new Promise((resolve) => { child.stdout.once('data', (d) => resolve(String(d).trim())); });
const start = (...argv) => spawn(box, ['--vcek-key', inDir('vcek.pem'), '--', ...argv], { stdio: ['ignore', 'pipe', 'inherit'] });

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
  test(`${signal} reaches the program`, async () => {
    const child = start('sh', '-c', `trap 'exit 9' ${signal.slice(3)}; echo ready; while :; do sleep 0.05; done`);
    const ended = new Promise((resolve) => { child.once('exit', resolve); });
    assert.equal(await firstLine(child), 'ready');
    child.kill(signal);
    assert.equal(await ended, 9);
  });
}

test('nothing is left behind when the program ends', async () => {
  const r = run([], ['sh', '-c', 'setsid sleep 600 > /dev/null 2>&1 & echo $!']);
  assert.equal(r.status, 0);
  assert.ok(await gone(r.lines[0]));
});

test('the program dies with the supervisor', async () => {
  const child = start('sh', '-c', 'echo $$; exec sleep 600');
  const pid = await firstLine(child);
  assert.ok(alive(pid));
  child.kill('SIGKILL');
  assert.ok(await gone(pid));
});
