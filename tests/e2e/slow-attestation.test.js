// An attestation that somebody else asks for, and that the service answers slowly, holds up neither this party's own release nor the renewal of
// its certificate.
'use strict';
const assert = require('node:assert');
const { after, before, describe, test } = require('node:test');
const ports = require('../world/ports');
const { solo, bare, attest, release, assertReleased, sleep } = require('./lib');

const SLOW_MS = 60000;
let lane;
let local;

// The next request for a token is answered after SLOW_MS. What ask() begins stays open while work() runs, and ends well.
async function meanwhile(ask, work) {
  const rule = lane.control.misbehave({ service: 'maa', path: '/attest', mode: 'slow', ms: SLOW_MS, count: 1 });
  let over = false;
  const asked = ask().finally(() => { over = true; });
  for (let i = 0; rule.hits === 0; i++) {
    assert.ok(i < 600 && !over, 'the slow request did not reach the service');
    await sleep(50);
  }
  await work();
  assert.strictEqual(over, false, 'the slow request was over before: nothing was shown');
  const r = await asked;
  assert.strictEqual(r.status, 200);
}

describe('a slow attestation for somebody else', () => {
  before(async () => {
    [local] = await ports.free(1);
    lane = await (await solo({ settings: { TLS_CERT_EVIDENCE: 'on', SIDECAR_PORT: String(local) } })).start();
    await lane.party.showsEvidence();
  });
  after(() => lane && lane.stop());

  test('a stranger\'s /attest/maa: the key is released, and a certificate that names it is made', async () => {
    const renewed = () => lane.party.log.split('\n').filter((l) => /new certificate in use/.test(l)).length;
    const had = renewed();
    await meanwhile(() => attest(lane.party, { auth: false }), async () => {
      assertReleased(await release(lane.party));
      await lane.party.until('a certificate that names the released key', () => renewed() > had, SLOW_MS / 2);
    });
  });

  test('a release for a program of the container group: this party\'s own release goes through', async () => {
    const body = JSON.stringify({ maa_endpoint: lane.party.settings.SKR_MAA_ENDPOINT, akv_endpoint: bare(lane.own.vault), kid: lane.own.key });
    await meanwhile(() => fetch(`http://127.0.0.1:${local}/key/release`, { method: 'POST', body }), async () => assertReleased(await release(lane.party)));
  });
});
