// The SNP device fails in every way its driver can: each failure is told with its layers apart, nothing is attested or released by it, and
// the party works again as soon as the device does. Certificates that do not fit the report are replaced from every source there is.
'use strict';
const assert = require('node:assert');
const { describe, test } = require('node:test');
const { OLD_TCB } = require('../standin/pki');
const { solo, attest, release, newPeer, assertFault, assertReleased, keyStatus } = require('./lib');

const report = { step: 'snp_report' };
const EIO = 5;
// faults file, what must come of it (null: it works). A layer that is silent is not in the answer.
const cases = [
  ['busy 1', null],
  ['busy 0', { ...report, status: 503, error: 'throttled', errno: 110, fw_error: undefined, vmm_error: 2 }],
  ['vmm 1', { ...report, status: 503, error: 'snp_firmware', errno: EIO, fw_error: undefined, vmm_error: 1 }],
  ['vmm 2 0', { ...report, status: 503, error: 'throttled', errno: EIO, fw_error: undefined, vmm_error: 2 }],
  ['vmm 0x77', { ...report, status: 503, error: 'snp_firmware', errno: EIO, fw_error: undefined, vmm_error: 0x77 }],
  ['fw 0x16', { ...report, status: 503, error: 'snp_firmware', errno: EIO, fw_error: 0x16, vmm_error: undefined }],
  ['status 0x16', { ...report, status: 503, error: 'snp_firmware', errno: undefined, code: /^STATUS_0x16$/ }],
  ['status 0x27', { ...report, status: 503, error: 'snp_firmware', errno: undefined, code: /^STATUS_0x27$/ }],
  ['status 0x1', { ...report, status: 503, error: 'snp_firmware', errno: undefined, code: /^STATUS_0x1$/ }],
  ['enotty 1', { ...report, error: 'system', errno: 25 }],
  ['ebadmsg', { ...report, error: 'system', errno: 74 }],
  ['eintr 3', null],
  ['short', { ...report, status: 502, error: 'protocol' }],
  ['mbz', { ...report, status: 502, error: /^(syntax|protocol)$/ }],
  ['noreportdata', { ...report, status: 502, error: 'mismatch' }],
  ['badsig 0', { step: 'attestation', error: 'http_status', http_status: 400, status: 400 }],
  ['badsig 1', null],
  ['delay 400 1', null],
  ['open-error EACCES', { ...report, error: 'system', errno: 13 }],
  ['open-error EBUSY', { ...report, errno: 16 }],
  ['open-error ENOENT', { ...report, status: 503, error: 'no_snp_device' }],
];

async function eachFault(t, lane) {
  t.after(() => lane.stop());
  for (const [line, want] of cases) {
    await t.test(line, async () => {
      lane.faults(`${line}\n`);
      const r = await attest(lane.party);
      if (want) assertFault(r, { service: line.endsWith('ENOENT') ? undefined : /sev|maa/, ...want }, line);
      else assert.strictEqual(r.status, 200, `${line}: ${r.text}`);
      lane.faults('');
      assert.strictEqual((await attest(lane.party)).status, 200, `after ${line}`);
    });
  }
  await t.test('the same for the key and the bare report', async () => {
    lane.faults('fw 0x16 2\n');
    assertFault(await release(lane.party), { ...report, error: 'snp_firmware', fw_error: 0x16 });
    assertFault(await lane.party.post('/attest/raw', {}, { localAddress: newPeer() }), { ...report, error: 'snp_firmware', fw_error: 0x16 });
    assert.strictEqual((await keyStatus(lane.party)).released, false);
    lane.faults('');
    assertReleased(await release(lane.party));
  });
  await t.test('the driver wiped its key: ENOTTY until the restart, then well again', async () => {
    lane.faults('fw 0x16 1\nwipe\n');
    assertFault(await attest(lane.party), { ...report, error: 'snp_firmware', fw_error: 0x16 });
    for (let i = 0; i < 2; i++) {
      const r = await attest(lane.party);
      assertFault(r, { ...report, error: 'system', errno: 25, fw_error: undefined });
      assert.match(r.json.diagnosis.likely_cause, /key was disabled/);
    }
    lane.faults('');
    await lane.restart();
    assertReleased(await release(lane.party));
  });
}

// The report is of the older TCB although all certificates at hand are of the newer, or the other way round.
async function staleCertificates(t, certs, kind) {
  const lane = await solo({ certs, context: { tcb: OLD_TCB } });
  t.after(() => lane.stop());
  await lane.start();
  const asked = () => lane.control.log({ service: kind }).filter((e) => !e.path.startsWith('/metadata/identity')).length;
  assertReleased(await release(lane.party));
  assert.ok(asked() >= 1, 'the source was asked');
  const before = asked();
  assertReleased(await release(lane.party));
  assert.strictEqual((await attest(lane.party)).status, 200);
  assert.strictEqual(asked(), before, 'what was fetched is kept');
  // The host goes back to older firmware: the report says so, and the certificates follow it.
  lane.faults(`oldtcb ${OLD_TCB}\n`);
  assertReleased(await release(lane.party));
  assert.ok(asked() > before);
  assert.ok(lane.control.log({ service: kind }).some((e) => (e.facts.tcb || '').toUpperCase() === OLD_TCB));
  // One old report among new ones: the token is for the report that was sent with its own certificates.
  lane.faults('');
  assertReleased(await release(lane.party));
  lane.faults(`oldtcb ${OLD_TCB} 1\n`);
  assertReleased(await release(lane.party));
  assertReleased(await release(lane.party));
}

describe('device', { concurrency: true }, () => {
  test('/dev/sev-guest: every fault', async (t) => eachFault(t, await (await solo()).start()));
  test('legacy /dev/sev: attests, releases, and tells its faults', async (t) => {
    const lane = await (await solo({ box: { device: 'sev' } })).start();
    t.after(() => lane.stop());
    assertReleased(await release(lane.party));
    for (const [line, want] of [['fw 0x16', { error: 'snp_firmware', errno: EIO, fw_error: 0x16 }], ['status 0x27', { error: 'snp_firmware', code: /^STATUS_0x27$/ }],
      ['short', { error: 'protocol' }], ['enotty 1', { error: 'system', errno: 25 }], ['open-error EACCES', { error: 'system', errno: 13 }]]) {
      lane.faults(`${line}\n`);
      assertFault(await attest(lane.party), { ...report, service: /^\/dev\/sev$/, ...want }, line);
    }
    lane.faults('');
    assert.strictEqual((await attest(lane.party)).status, 200);
  });
  for (const [version, product] of [[2, 'Milan'], [3, 'Milan'], [5, 'Milan']]) {
    test(`a report of version ${version} (${product})`, async (t) => {
      const lane = await (await solo({ box: { 'report-version': String(version), product } })).start();
      t.after(() => lane.stop());
      assertReleased(await release(lane.party));
    });
  }
  test('a certificate with a report, from the host, is not needed', async (t) => {
    const lane = await solo();
    lane.party.box.certs = lane.services.pki.path('chain.pem');
    t.after(() => lane.stop());
    await lane.start();
    assertReleased(await release(lane.party));
  });
  test('no security context at all: certificates are fetched, the missing endorsement is for the vault to refuse', async (t) => {
    const lane = await (await solo({ context: null })).start();
    t.after(() => lane.stop());
    assert.strictEqual((await attest(lane.party)).status, 200);
    assertFault(await release(lane.party), { status: 403, step: 'key_release', error: 'denied', http_status: 403 });
    assert.strictEqual((await keyStatus(lane.party)).released, false);
  });
  test('stale certificates: THIM', (t) => staleCertificates(t, undefined, 'imds'));
  test('stale certificates: the Azure cache', (t) => staleCertificates(t, 'azure', 'azcache'));
  test("stale certificates: AMD's key distribution service", (t) => staleCertificates(t, 'amd', 'kds'));
});
