// What the end-to-end tests share: a party by itself with its own stand-ins, requests as ever new peers, and what a failure must say.
'use strict';
const assert = require('node:assert');
const crypto = require('crypto');
const fs = require('fs');
const os = require('os');
const path = require('path');
const pkis = require('../standin/pki');
const ports = require('../world/ports');
const standin = require('../standin/main');
const { provision, adminToken, putKey } = require('../standin/provision');
const { Party, PARLEY, SNPBOX, ROOT, sleep } = require('../world/party');

const bare = (url) => url.replace(/^https?:\/\//, '');
const VECTORS = path.join(path.resolve(ROOT, process.env.PARLEY_VECTORS || '../shared/vectors'), 'multiparty');
const noVectors = fs.existsSync(VECTORS) ? false : 'no vectors (PARLEY_VECTORS)';
const notBuilt = [PARLEY, SNPBOX].find((f) => !fs.existsSync(f));
if (notBuilt) throw new Error(`${path.relative(ROOT, notBuilt)} is not built`);

// A directory of this test process, removed at its end.
const SCRATCH = path.join(ROOT, `build/e2e-${process.pid}`);
process.on('exit', () => fs.rmSync(SCRATCH, { recursive: true, force: true }));
let made = 0;
const scratch = (name) => path.join(SCRATCH, `${name}-${++made}`);
// One that every user may enter: the tree itself may stand where only root may look.
function openScratch(name) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), `parley-${name}-`));
  process.on('exit', () => fs.rmSync(dir, { recursive: true, force: true }));
  fs.chmodSync(dir, 0o755);
  return dir;
}

// Limits are per peer address, and any address of 127.0.0.0/8 is one of ours.
let peers = 1;
function newPeer() {
  peers++;
  return `127.1.${peers >> 8}.${peers & 255}`;
}
const release = (party, options) => party.post('/skr/release', undefined, { localAddress: newPeer(), ...options });
const attest = (party, options) => party.post('/attest/maa', { runtime_data: 'AAAA' }, { localAddress: newPeer(), ...options });

// One party (default Contoso) with stand-ins of its own; it does nothing by itself (AUTO_INIT=off, TLS_CERT_EVIDENCE=off) unless told
// otherwise.
// options: role, kind ('vault' or 'hsm'), key (body of the key's creation or import), settings, box, context (null: no security context;
// else what makes one), wrap, open (files that another user may read), certs ('azure', 'amd': where certificates come from). box, context and settings may be
// functions of the stand-ins.
async function solo(options = {}) {
  const { role = 'contoso', kind = 'vault' } = options;
  const services = await standin.start({ vaults: kind === 'vault' ? [role] : [], hsms: kind === 'hsm' ? [role] : [], identities: [role], ...options.standin });
  try { return await alone(services, options); } catch (e) { await services.stop(); throw e; }
}

async function alone(services, options) {
  const { role = 'contoso', kind = 'vault', wrap, certs } = options;
  const given = (name) => (typeof options[name] === 'function' ? options[name](services) : options[name]);
  const [box, context] = [given('box'), options.context === undefined ? {} : given('context')];
  const settings = given('settings') || {};
  const hostData = { [role]: pkis.hostData(`policy of ${role}`), woodgrove: pkis.hostData('policy of woodgrove') };
  const provisioned = await provision(services, { hostData, parties: [role], kind });
  const own = provisioned.parties[role];
  if (options.key) {
    const { token: admin } = await adminToken(services, kind === 'hsm' ? 'https://managedhsm.azure.net' : 'https://vault.azure.net');
    own.kid = (await putKey(services, own.vault, admin, own.key, own.policy, options.key)).key.kid;
  }
  const dir = options.open ? openScratch(role) : scratch(role);
  const [http, https] = await ports.free(2);
  const token = crypto.randomBytes(24).toString('base64url');
  const { addresses } = services;
  const contextDir = path.join(dir, 'security-context');
  fs.mkdirSync(contextDir, { recursive: true });
  if (context) services.pki.securityContext(contextDir, { policyText: `policy of ${role}`, ...context });
  const all = {
    SKR_KEY_NAME: own.key, SKR_MAA_ENDPOINT: bare(addresses.maa), SKR_AKV_ENDPOINT: bare(own.vault), HTTP_PORT: String(http), HTTPS_PORT: String(https),
    LISTEN: 'loopback', OPERATOR_AUTH: `sha256:${crypto.createHash('sha256').update(token).digest('hex')}`, EXTRA_TRUST_ANCHOR: addresses.ca,
    DATA_DIR: path.join(dir, 'data'), IMDS_ENDPOINT: own.imds, UVM_SECURITY_CONTEXT_DIR: contextDir, AUTO_INIT: 'off', TLS_CERT_EVIDENCE: 'off', CSV_PATH: path.join(ROOT, `tests/data/${role}.csv`),
    ...(certs ? { CERT_CACHE: certs, CERT_CACHE_ENDPOINT: certs === 'azure' ? bare(addresses.azcache) : bare(addresses.kds) } : {}), ...settings,
  };
  for (const name of Object.keys(all)) if (all[name] === null) delete all[name];
  const faultsFile = path.join(dir, 'faults');
  const device = {
    'vcek-key': services.pki.path('vcek-key.pem'), 'host-data': hostData[role], measurement: pkis.MEASUREMENT, 'chip-id': pkis.CHIP_ID, tcb: pkis.TCB, faults: faultsFile, ...box,
  };
  const party = new Party({ name: role, dir, settings: all, box: box === null ? null : device, token, wrap });
  return {
    services, party, hostData, provisioned, own, dir, kind,
    control: services.control,
    vault: services.vaultNamed(role, kind),
    // The device's faults from now on; '' for none. Another file is renamed over the old one: never half-written.
    faults(text) {
      fs.writeFileSync(`${faultsFile}.new`, text);
      fs.renameSync(`${faultsFile}.new`, faultsFile);
    },
    async start() {
      party.start();
      try { await party.listening(); } catch (e) { await this.stop(); throw e; }
      return this;
    },
    async restart() {
      await party.stop();
      return this.start();
    },
    async stop() {
      const end = party.child ? await party.stop() : null;
      await services.stop();
      fs.rmSync(dir, { recursive: true, force: true });
      return end;
    },
  };
}

const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'];
function assertNoPrivateMembers(value, where = 'reply') {
  if (value === null || typeof value !== 'object') return;
  for (const [name, v] of Object.entries(value)) {
    assert.ok(!PRIVATE.includes(name), `${where} has a member ${name}`);
    assertNoPrivateMembers(v, `${where}.${name}`);
  }
}

// A released key as the reply of /skr/release shows it: public members only.
function assertReleased(r) {
  assert.strictEqual(r.status, 200, r.text);
  assert.strictEqual(r.json.status, 'success');
  assert.strictEqual(r.json.private_material, 'held in TEE memory');
  assertNoPrivateMembers(r.json);
}

// A failure as every one must be told. want: {status, step, error, http_status, service, code} of which those given are compared;
// service and code may be regular expressions.
function assertFault(r, want, what = '') {
  const about = `${what}: ${r.status} ${r.text}`;
  assert.ok(r.status >= 400, about);
  assert.ok(r.json, about);
  const j = r.json;
  assert.strictEqual(j.status, 'error', about);
  for (const name of ['message', 'failure_reason', 'step', 'error']) assert.ok(typeof j[name] === 'string' && j[name], `${name} is missing; ${about}`);
  for (const name of ['likely_cause', 'solution']) assert.ok(typeof j.diagnosis[name] === 'string' && j.diagnosis[name], `diagnosis.${name} is missing; ${about}`);
  assert.ok(!('key' in j) && !('attestation_token' in j), about);
  if (want.status) assert.strictEqual(r.status, want.status, about);
  for (const name of ['step', 'error', 'http_status', 'errno', 'fw_error', 'vmm_error']) {
    if (want[name] instanceof RegExp) assert.match(String(j[name]), want[name], `${name}; ${about}`);
    else if (name in want) assert.strictEqual(j[name], want[name], `${name}; ${about}`);
  }
  if (want.service) assert.match(String(j.service), want.service, about);
  if (want.code) assert.match(String(j.service_code), want.code, about);
  assertNoPrivateMembers(j);
}

const keyStatus = async (party) => (await party.get('/skr/key-status')).json;

// POST /company/populate with a CSV of ours.
const upload = (party, csv, options) => party.request('POST', '/company/populate', { body: csv, headers: { 'Content-Type': 'text/csv' }, localAddress: newPeer(), ...options });

module.exports = {
  solo, scratch, bare, newPeer, release, attest, upload, keyStatus, assertFault, assertReleased, assertNoPrivateMembers, VECTORS, noVectors, ROOT, PARLEY, SNPBOX, Party, sleep,
};
