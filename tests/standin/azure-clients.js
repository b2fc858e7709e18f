// Microsoft's own clients against the stand-ins: run by azure-clients.test.js in a process of its own, because the trusted CA
// (NODE_EXTRA_CA_CERTS) and the identity's environment variables are read at its start. Prints one line of JSON.
//
//   node azure-clients.js managed | workload     with VAULT, TARGET, and the variables @azure/identity knows
'use strict';
// Node.js 18 has WebCrypto as a global only when asked; Microsoft's clients want it.
globalThis.crypto ??= require('node:crypto').webcrypto;
const dns = require('dns');
const { loopback } = require('./client');

// The C library need not know names under .localhost; everything else is left alone.
const { lookup } = dns;
dns.lookup = (host, options, done) => {
  if (!String(host).endsWith('.localhost')) return lookup(host, options, done);
  return loopback(host, typeof options === 'object' ? options : {}, done || options);
};

const { ManagedIdentityCredential, WorkloadIdentityCredential } = require('@azure/identity');
const { KeyClient } = require('@azure/keyvault-keys');

// Only Entra's public clouds are known to Microsoft's client; instance discovery asks them.
function credential(kind) {
  const options = { disableInstanceDiscovery: true, authorityHost: process.env.AZURE_AUTHORITY_HOST };
  return kind === 'workload' ? new WorkloadIdentityCredential(options) : new ManagedIdentityCredential({ clientId: process.env.AZURE_CLIENT_ID });
}

// KeyClient wants the numbers of a JWK as bytes.
const jwkBytes = (text) => JSON.parse(text, (k, v) => (typeof v === 'string' && k !== 'kty' ? Buffer.from(v, 'base64url') : v));

// What the calls do in turn; the errors that must come are caught and told by status and code.
async function useVault(client, policy) {
  const releasePolicy = { contentType: 'application/json; charset=utf-8', encodedPolicy: Buffer.from(policy) };
  const made = await client.createRsaKey('by-client', { hsm: true, keySize: 2048, exportable: true, releasePolicy, keyOps: ['encrypt', 'decrypt', 'wrapKey', 'unwrapKey'] });
  const got = await client.getKey('by-client');
  const imported = await client.importKey('imported', jwkBytes(process.env.IMPORT_JWK), { hardwareProtected: true, exportable: true, releasePolicy });
  const refusal = (p) => p.then(() => null, (e) => ({ status: e.statusCode, code: e.code, message: e.message }));
  const release = (name, algorithm) => client.releaseKey(name, process.env.TARGET, { algorithm, nonce: 'from-client' }).then((r) => r.value);
  const released = {};
  for (const algorithm of ['CKM_RSA_AES_KEY_WRAP', 'RSA_AES_KEY_WRAP_256', 'RSA_AES_KEY_WRAP_384']) released[algorithm] = await release('by-client', algorithm);
  const refusals = {
    denied: await refusal(client.releaseKey('by-client', 'not.a.token')), missing: await refusal(client.getKey('nowhere')),
    unprotected: await refusal(client.createRsaKey('unprotected', { exportable: true })),
  };
  const versions = [made.properties.version, got.properties.version];
  const poller = await client.beginDeleteKey('by-client', { intervalInMs: 10 });
  const deleted = await poller.pollUntilDone();
  await client.purgeDeletedKey('by-client');
  return {
    id: got.id, versions, type: got.keyType, exportable: got.properties.exportable, n: Buffer.from(got.key.n).toString('base64url'), importedId: imported.id,
    policy: Buffer.from(got.properties.releasePolicy.encodedPolicy).toString(), released, importedRelease: await release('imported', 'RSA_AES_KEY_WRAP_256'), refusals,
    recoveryId: deleted.properties.recoveryId,
  };
}

async function main() {
  const cred = credential(process.argv[2]);
  const { token, expiresOnTimestamp } = await cred.getToken('https://vault.azure.net/.default');
  const out = { token, expiresOnTimestamp };
  // The challenge of a stand-in names vault.azure.net, which is not the domain of a host under .localhost.
  if (process.env.VAULT) out.vault = await useVault(new KeyClient(process.env.VAULT, cred, { disableChallengeResourceVerification: true }), process.env.POLICY);
  process.stdout.write(JSON.stringify(out) + '\n');
}

main().catch((e) => { process.stderr.write(`${e.stack}\n`); process.exit(1); });
