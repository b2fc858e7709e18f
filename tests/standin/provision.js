// What the deployment script does in Azure before the containers start: vaults, identities, permissions, and keys with release policies.
'use strict';

const PARTIES = ['contoso', 'fabrikam', 'woodgrove'];
const ANALYST = 'woodgrove';
const ADMIN_PERMISSIONS = ['create', 'import', 'get', 'update', 'delete', 'purge'];
const KEY_OPS = ['wrapKey', 'unwrapKey', 'encrypt', 'decrypt'];

// One entry: an attested environment that may have the key.
function entry(authority, hostData) {
  const claims = {
    'x-ms-attestation-type': 'sevsnpvm', 'x-ms-compliance-status': 'azure-compliant-uvm', 'x-ms-sevsnpvm-hostdata': hostData,
    'x-ms-sevsnpvm-is-debuggable': 'false', 'x-ms-sevsnpvm-vmpl': '0',
  };
  return { authority, allOf: Object.entries(claims).map(([claim, equals]) => ({ claim, equals })) };
}

const releasePolicy = (authority, hashes) => ({ version: '1.0.0', anyOf: hashes.map((h) => entry(authority, h)) });

// An administrator's token, got as any identity's is.
async function adminToken(started, resource) {
  const clientId = started.addresses.clients.admin || started.addIdentity('admin');
  const url = `${started.addresses.imds}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=${encodeURIComponent(resource)}&client_id=${clientId}`;
  const r = await started.request({ url, headers: { Metadata: 'true', 'User-Agent': 'parley-standin-admin' } });
  if (r.status !== 200) throw new Error(`admin token: ${r.status}`);
  return { clientId, token: r.json.access_token };
}

// Makes (body has no "key") or imports a key with a policy; an older key of that name is deleted and purged first, as the script does.
async function putKey(started, origin, token, name, policy, body = { kty: 'RSA-HSM', key_size: 2048, key_ops: KEY_OPS }) {
  const headers = { Authorization: `Bearer ${token}`, 'User-Agent': 'parley-standin-admin' };
  const call = (method, path, b) => started.request({ url: `${origin}${path}?api-version=7.4`, method, headers, body: b });
  if ((await call('DELETE', `/keys/${name}`)).status === 200) await call('DELETE', `/deletedkeys/${name}`);
  const whole = {
    ...body, attributes: { exportable: true },
    release_policy: { contentType: 'application/json; charset=utf-8', data: Buffer.from(JSON.stringify(policy)).toString('base64url') },
  };
  const r = body.key ? await call('PUT', `/keys/${name}`, whole) : await call('POST', `/keys/${name}/create`, whole);
  if (r.status !== 200) throw new Error(`key ${name}: ${r.status} ${r.body}`);
  return r.json;
}

// hostData: {contoso, fabrikam, woodgrove}: the hash each party's environment reports. grantAll: every identity may call release on every
// vault, so that only the release policy stands between a party and a key. kind: 'vault' or 'hsm'.
// policies: {party: release policy} instead of those made here from the hashes.
// -> {authority, parties: {name: {clientId, imds, vault, host, key, kid, policy}}}; imds is the party's own, with its one identity attached.
async function provision(started, { hostData, policies = {}, grantAll = false, parties = PARTIES, kind = 'vault', keySuffix = '-secret-key' }) {
  for (const name of parties) if (!/^[0-9a-f]{64}$/.test(hostData[name])) throw new Error(`host data of ${name} is not 64 hexadecimal digits`);
  const authority = started.addresses.maa;
  const { clientId: admin, token } = await adminToken(started, kind === 'hsm' ? 'https://managedhsm.azure.net' : 'https://vault.azure.net');
  const out = { authority, grantAll, parties: {} };
  for (const name of parties) {
    const vault = started.vaultNamed(name, kind) || await started.addVault(name, kind);
    vault.grant(admin, ...ADMIN_PERMISSIONS);
    const clientId = started.addresses.clients[name] || started.addIdentity(name);
    out.parties[name] = { clientId, imds: await started.addImds([clientId]) };
  }
  await Promise.all(parties.map(async (name) => {
    const own = out.parties[name];
    const vault = started.vaultNamed(name, kind);
    for (const [reader, { clientId }] of Object.entries(out.parties)) {
      vault.revoke(clientId);
      if (reader === name || reader === ANALYST || grantAll) vault.grant(clientId, 'get', 'release');
    }
    own.vault = started.addresses[kind === 'hsm' ? 'hsms' : 'vaults'][name];
    own.host = own.vault.slice('https://'.length);
    own.key = `${name}${keySuffix}`;
    own.policy = policies[name] || releasePolicy(authority, name === ANALYST ? [hostData[name]] : [hostData[name], hostData[ANALYST]]);
    own.kid = (await putKey(started, own.vault, token, own.key, own.policy)).key.kid;
  }));
  return out;
}

module.exports = { provision, releasePolicy, entry, adminToken, putKey };
