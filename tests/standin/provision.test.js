// The demonstration's set-up: who gets which key, and that without the release policy's leave no permission helps.
'use strict';
const assert = require('node:assert');
const test = require('node:test');
const { Guest } = require('./guest');
const { start } = require('./main');
const { hostData } = require('./pki');
const { provision } = require('./provision');

const NAMES = ['contoso', 'fabrikam', 'woodgrove'];
const hashes = Object.fromEntries(NAMES.map((n) => [n, hostData(`policy of ${n}`)]));
let s;
test.before(async () => { s = await start({ hsms: [] }); });
test.after(() => s.stop());

// The outcome of a party's environment asking for a key, as "status" or "status innermost code or message".
async function outcome(set, who, whose, { env = who } = {}) {
  const guest = new Guest(s, { hostData: hashes[env] || '99'.repeat(32) });
  const r = await s.request({ url: `${set.parties[who].imds}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net`, headers: { Metadata: 'true' } });
  const { vault, key, kid, host } = set.parties[whose];
  const answer = await guest.release(vault, key, { target: await guest.token(), bearer: r.json.access_token });
  if (answer.status === 200) guest.open(answer.json.value, { host: new URL(`https://${host}`).hostname, kid });
  return answer.status === 200 ? 'released' : /policy requirements/.test(answer.json.error.message) ? 'denied by policy' : 'denied by permission';
}

async function matrix(set) {
  const out = {};
  for (const who of NAMES) for (const whose of NAMES) out[`${who} ${whose}`] = await outcome(set, who, whose);
  return out;
}

test('each its own, Woodgrove all, the others stopped at the door', async () => {
  const set = await provision(s, { hostData: hashes });
  assert.deepStrictEqual(Object.values(set.parties).map((p) => p.key), NAMES.map((n) => `${n}-secret-key`));
  assert.deepStrictEqual(Object.values(set.parties).map((p) => p.policy.anyOf.length), [2, 2, 1]);
  assert.deepStrictEqual(await matrix(set), {
    'contoso contoso': 'released', 'contoso fabrikam': 'denied by permission', 'contoso woodgrove': 'denied by permission',
    'fabrikam contoso': 'denied by permission', 'fabrikam fabrikam': 'released', 'fabrikam woodgrove': 'denied by permission',
    'woodgrove contoso': 'released', 'woodgrove fabrikam': 'released', 'woodgrove woodgrove': 'released',
  });
});

test('with every permission granted the release policy alone denies', async () => {
  const set = await provision(s, { hostData: hashes, grantAll: true });
  assert.deepStrictEqual(await matrix(set), {
    'contoso contoso': 'released', 'contoso fabrikam': 'denied by policy', 'contoso woodgrove': 'denied by policy',
    'fabrikam contoso': 'denied by policy', 'fabrikam fabrikam': 'released', 'fabrikam woodgrove': 'denied by policy',
    'woodgrove contoso': 'released', 'woodgrove fabrikam': 'released', 'woodgrove woodgrove': 'released',
  });
  assert.strictEqual(await outcome(set, 'woodgrove', 'contoso', { env: 'a changed environment' }), 'denied by policy');
});

test('host data must be given for every party', async () => {
  await assert.rejects(provision(s, { hostData: { ...hashes, fabrikam: 'x' } }), /fabrikam/);
});

test('the same in Managed HSMs', async () => {
  const set = await provision(s, { hostData: hashes, kind: 'hsm', parties: ['contoso', 'woodgrove'] });
  assert.match(set.parties.contoso.host, /^contoso\.managedhsm\.localhost:/);
  assert.match(set.parties.contoso.kid, /\/keys\/contoso-secret-key\/[0-9a-f]{32}$/);
});
