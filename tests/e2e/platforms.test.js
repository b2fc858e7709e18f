// Parties on platforms that differ: a Turin, whose PLATFORM_INFO is 0x65, in versions 5 and 2 of the report; a host with a VLEK that masks the
// chip's key and identity; bits that nobody knows. Each attests, gets its key, shows evidence that verifies, and meets partners.
'use strict';
const assert = require('node:assert');
const fs = require('fs');
const path = require('path');
const { spawn } = require('child_process');
const { describe, test } = require('node:test');
const pkis = require('../standin/pki');
const { World } = require('../world/world');
const { solo, release, scratch, newPeer, assertFault, assertReleased, ROOT } = require('./lib');

const CTL = path.join(ROOT, 'build/parleyctl');
const TURIN = { product: 'Turin', 'chip-id': pkis.TURIN_CHIP_ID, tcb: pkis.TURIN_TCB };
const TURIN_CONTEXT = { chipId: pkis.TURIN_CHIP_ID, tcb: pkis.TURIN_TCB };
const VLEK = { vlek: '1', 'mask-chip-key': '1', 'mask-chip-id': '1' };

const ctl = (...args) => new Promise((resolve, reject) => {
  const child = spawn(CTL, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const s of [child.stdout, child.stderr]) s.setEncoding('utf8').on('data', (d) => { text += d; });
  child.on('error', reject).on('close', (status) => resolve({ status, text }));
});
// The party's evidence as an outsider sees it.
const judged = (services, party, ...more) => ctl('verify', party.secure, '--verbose', '--amd-root', services.addresses.ark, '--uvm-issuer', services.addresses.uvmDid, ...more);

describe('platforms', () => {
  test('partners on a Turin, under a VLEK and on a Milan: each meets the others', async (t) => {
    const world = await World.make({ dir: scratch('platforms'), box: { contoso: TURIN, fabrikam: VLEK }, context: { contoso: TURIN_CONTEXT, fabrikam: { vlek: true } } });
    t.after(async () => {
      await world.stop();
      world.clearData();
    });
    await world.start(['contoso', 'fabrikam', 'woodgrove']);
    const r = await world.woodgrove.post('/partner/analyze', {}, { localAddress: newPeer() });
    assert.deepStrictEqual([r.status, r.json.status, r.json.errors], [200, 'success', null], r.text);
    for (const [name, says] of Object.entries({
      contoso: [/^passed +report\.form +version 5$/m, /^ +platform +smt ecc alias_check_complete iommu_write_safe$/m, /^passed +vcek\.kind +VCEK$/m, /^ +product +Turin$/m],
      fabrikam: [/^passed +vcek\.kind +VLEK$/m, /^skipped +vcek\.chip +.*the chip id is masked/m], woodgrove: [/^ +product +Milan$/m],
    })) {
      const v = await judged(world.services, world[name], '--host-data', world.hostData[name], '--platform-required', 'alias_check_complete');
      assert.strictEqual(v.status, 0, v.text);
      for (const x of says) assert.match(v.text, x);
    }
  });

  for (const [what, box, context] of [
    ['a Turin that reports in version 2', { ...TURIN, 'report-version': '2' }, TURIN_CONTEXT],
    ['a Turin that reports in version 6', { ...TURIN, 'report-version': '6' }, TURIN_CONTEXT],
    ['bits of the platform that nobody knows', { 'platform-info': 'f00000000000ff25' }, {}],
    ['a Milan that masks its chip’s identity', { 'mask-chip-id': '1' }, {}],
    ['a Turin with a VLEK', { ...TURIN, ...VLEK }, { ...TURIN_CONTEXT, vlek: true }],
  ]) {
    test(`${what}: attests and gets its key`, async (t) => {
      const lane = await (await solo({ box, context })).start();
      t.after(() => lane.stop());
      assertReleased(await release(lane.party));
      const v = await judged(lane.services, lane.party, '--host-data', lane.hostData.contoso);
      assert.strictEqual(v.status, 0, v.text);
    });
  }

  // What the party holds says which processor it is, also while the source has newer certificates.
  for (const certs of ['azure', 'amd']) {
    test(`a Turin in version 2 whose certificates are stale: ${certs}`, async (t) => {
      const lane = await (await solo({ box: { ...TURIN, 'report-version': '2' }, context: { ...TURIN_CONTEXT, tcb: '5000000004010101' }, certs })).start();
      t.after(() => lane.stop());
      assertReleased(await release(lane.party));
    });
  }

  test('a Turin in version 2 without certificates: AMD’s service cannot be asked, and the reason is said', async (t) => {
    const lane = await (await solo({ box: { ...TURIN, 'report-version': '2' }, context: null, certs: 'amd' })).start();
    t.after(() => lane.stop());
    const r = await release(lane.party);
    assertFault(r, { step: 'platform_certificates' });
    assert.match(r.text, /version 2 of the report does not name the processor/);
  });

  test('a host that masks the chip’s key and has no VLEK: reports are not signed, and that is said', async (t) => {
    const lane = await (await solo({ box: { 'mask-chip-key': '1' } })).start();
    t.after(() => lane.stop());
    const r = await release(lane.party);
    assertFault(r, { status: 502, step: 'snp_report' });
    assert.match(r.text, /SIGNING_KEY is 7, none: the report is not signed/);
  });

  test('parleyctl fetches a Turin’s certificates, of version 2 when told the product, and they verify', async (t) => {
    const lane = await solo();
    t.after(() => lane.stop());
    const { pki, addresses } = lane.services;
    const snp = require('../standin/snp');
    const dir = scratch('fetch');
    fs.mkdirSync(dir, { recursive: true });
    const at = (name) => path.join(dir, name);
    const made = (name, version, edit = () => {}) => {
      fs.writeFileSync(at(name), snp.make({
        key: pki.vcekKey, reportData: Buffer.alloc(64), hostData: lane.hostData.contoso, measurement: pkis.MEASUREMENT, chipId: pkis.TURIN_CHIP_ID, tcb: pkis.TURIN_TCB, version,
        edit(b) { if (version > 2) b.set([0x1a, 0x02, 0x01], 0x188); edit(b); },
      }));
      return at(name);
    };
    const fetch = (report, ...more) => ctl('fetch-certs', '--report', report, '--kds', addresses.kds, '--ca', addresses.ca, '--out', at('chain.pem'), '--crl', at('list.crl'), ...more);
    for (const [report, ...more] of [[made('v5', 5)], [made('v2', 2), '--product', 'Turin']]) {
      const f = await fetch(report, ...more);
      assert.strictEqual(f.status, 0, f.text);
      const v = await ctl('verify', '--report', report, '--certs', at('chain.pem'), '--crl', at('list.crl'), '--amd-root', pki.path('ark-Turin.pem'));
      assert.strictEqual(v.status, 0, v.text);
      assert.match(v.text, /^passed +chain\.product +Turin$/m);
    }
    assert.match((await fetch(at('v2'))).text, /version 2 does not name the processor/);
    assert.match((await fetch(at('v2'), '--product', 'Genoa')).text, /parleyctl: /);
    assert.match((await fetch(made('masked', 5, (b) => b.fill(0, 0x1a0, 0x1e0)))).text, /the chip's identity is masked/);
    assert.match((await fetch(made('vlek', 5, (b) => { b[0x48] = 4; }))).text, /provider's key \(VLEK\)/);
  });
});
