// All stand-ins of the Azure services in one process, on 127.0.0.1.
//
//   node main.js [--dir PKIDIR] [--port-base N] [--vault NAME]... [--hsm NAME]... [--identity NAME]... [--federated CLIENT_ID=FILE]... [--with-stdin]
//
// Prints one line of JSON with every address when ready; ends on SIGTERM, SIGINT, or (--with-stdin) when its standard input is closed.
// As a library: start(options) -> {addresses, control, stop, pki, directory, addVault, addImds, provision...}.
'use strict';
const path = require('path');
const client = require('./client');
const collateral = require('./collateral');
const { startControl } = require('./control');
const identity = require('./identity');
const maa = require('./maa');
const { Modes } = require('./modes');
const pkis = require('./pki');
const { Service } = require('./service');
const { Vault } = require('./vault');

const DEFAULT_DIR = path.join(__dirname, '../../build/standin');
const PARTIES = ['contoso', 'fabrikam', 'woodgrove'];
const APP_SECRET = '853b9a84-5bfa-4b22-a3f3-0b9a43d9ad8a'; // sent as X-IDENTITY-HEADER; a made-up value, like the one App Service gives each container

const vaultLabel = (name, kind) => `${name}.${kind === 'hsm' ? 'managedhsm' : 'vault'}`;

// options: dir; portBase (0: any free ports); vaults, hsms, identities: names; federated: [{clientId, file}].
async function start(options = {}) {
  const { dir = DEFAULT_DIR, portBase = 0, vaults = PARTIES, hsms = ['contoso'], identities = PARTIES, federated = [] } = options;
  const pki = await pkis.open(dir);
  const world = { pki, log: [], modes: new Modes(), chips: new Set([pkis.CHIP_ID, pkis.TURIN_CHIP_ID]), directory: new identity.Directory(pki) };
  const platform = { chipId: pkis.CHIP_ID, tcb: pkis.TCB };
  const services = [];
  const vaultMap = new Map();
  const addresses = { ca: pki.path('ca.pem'), ark: pki.path('ark.pem'), chipId: platform.chipId, uvmDid: pki.uvmDid, tenant: world.directory.tenant, vaults: {}, hsms: {}, clients: {} };

  const nextPort = () => (portBase ? portBase + services.length + 1 : 0);
  const add = async (parts) => {
    const service = new Service(world, { port: nextPort(), ...parts });
    services.push(service);
    try { return await service.listen(); } catch (e) {
      await Promise.allSettled(services.map((s) => s.close()));
      throw e;
    }
  };

  const addIdentity = (name, clientId) => {
    addresses.clients[name] = world.directory.add(name, clientId);
    return addresses.clients[name];
  };

  // Another vault or HSM; name alone is the first label of its host.
  const addVault = async (name, kind = 'vault', more = {}) => {
    const label = vaultLabel(name, kind);
    const vault = new Vault(world, { name, kind, host: `${label}.localhost`, ...more });
    const service = await add({ name: label, kind, host: vault.host, handle: vault.handle, errorBody: vault.errorBody, errorHeaders: vault.errorHeaders });
    vaultMap.set(label, vault);
    addresses[kind === 'hsm' ? 'hsms' : 'vaults'][name] = service.origin;
    return vault;
  };

  // IMDS of another container group: only these identities attached, perhaps another chip. Returns its address.
  const addImds = async (clientIds, own = platform) => {
    world.chips.add(own.chipId);
    return (await add({ name: 'imds', kind: 'imds', errorBody: identity.errorBody, handle: identity.imds(world, { attached: () => clientIds, platform: () => own }) })).origin;
  };

  identities.forEach((name) => addIdentity(name));
  federated.forEach(({ clientId, file }) => world.directory.federate(clientId, file));
  const everyone = () => Object.values(addresses.clients);
  const authority = new maa.Maa(world);
  addresses.imds = (await add({ name: 'imds', kind: 'imds', errorBody: identity.errorBody, handle: identity.imds(world, { attached: everyone, platform: () => platform }) })).origin;
  const app = await add({ name: 'appid', kind: 'appid', errorBody: identity.errorBody, handle: identity.appService(world, { attached: everyone, secret: APP_SECRET }) });
  addresses.appIdentity = { endpoint: `${app.origin}/msi/token`, header: APP_SECRET };
  addresses.login = (await add({ name: 'login', kind: 'login', host: 'login.localhost', errorBody: identity.errorBody, handle: identity.login(world) })).origin;
  addresses.maa = (await add({ name: 'maa', kind: 'maa', host: 'maa.localhost', handle: authority.handle, errorBody: maa.errorBody })).origin;
  addresses.azcache = (await add({ name: 'azcache', kind: 'azcache', host: 'azcache.localhost', errorBody: () => '', handle: collateral.azCache(world) })).origin;
  addresses.kds = (await add({ name: 'kds', kind: 'kds', host: 'kds.localhost', errorBody: () => '', handle: collateral.kds(world) })).origin;
  for (const name of vaults) await addVault(name);
  for (const name of hsms) await addVault(name, 'hsm');

  const started = {
    addresses, pki, world, directory: world.directory, vaults: vaultMap, vaultNamed: (name, kind) => vaultMap.get(vaultLabel(name, kind)), platform, addIdentity, addVault, addImds,
    request: (r) => client.request({ ca: pki.caPem, ...r }),
    stop: async () => { await Promise.all([...services.map((s) => s.close()), controlService.close()]); },
  };
  const controlService = await startControl(started, portBase);
  addresses.control = controlService.origin;
  started.control = controlService.api;
  return started;
}

function options(args) {
  const o = {};
  const push = (key, v) => { o[key] = [...(o[key] || []), v]; };
  for (let i = 0; i < args.length; i++) {
    const take = () => { if (++i >= args.length) throw new Error(`${args[i - 1]} needs a value`); return args[i]; };
    switch (args[i]) {
      case '--dir': o.dir = take(); break;
      case '--port-base': o.portBase = Number(take()); break;
      case '--vault': push('vaults', take()); break;
      case '--hsm': push('hsms', take()); break;
      case '--identity': push('identities', take()); break;
      case '--federated': { const v = take(); push('federated', { clientId: v.slice(0, v.indexOf('=')), file: v.slice(v.indexOf('=') + 1) }); break; }
      case '--with-stdin': o.withStdin = true; break;
      default: throw new Error(`unknown option ${args[i]}`);
    }
  }
  return o;
}

async function cli(args) {
  const o = options(args);
  const started = await start(o);
  const end = () => started.stop().then(() => process.exit(0));
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  if (o.withStdin) process.stdin.on('end', end).on('error', end).resume();
  process.stdout.write(JSON.stringify({ ready: true, ...started.addresses }) + '\n');
}

module.exports = { start, DEFAULT_DIR, PARTIES };

if (require.main === module) cli(process.argv.slice(2)).catch((e) => { process.stderr.write(`standin: ${e.message}\n`); process.exit(2); });
