#!/usr/bin/env node
// A stand-in for az, kubectl, skopeo, helm, git and curl as scripts/deploy.sh calls them: knows the grammar of the calls used and
// refuses any other, keeps the resources in FAKE_CLOUD (a JSON file), and records every call. FAKE_FAIL="words of a call" makes the
// calls that begin so fail; FAKE_FORBID=N refuses the first N key creations the way Azure does before a role has spread.
// cloud.js --check WORD... only judges the grammar.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');

// Options of each call: name: 'value', 'flag' or 'list'; a name that ends in ! is required. $n: how many bare words.
const group = { 'resource-group!': 'value' };
const query = { query: 'value', output: 'value' };
const AZ = {
  'account show': query,
  'ad signed-in-user show': query,
  'group create': { 'name!': 'value', 'location!': 'value', tags: 'list' },
  'group show': { 'name!': 'value', ...query },
  'group delete': { 'name!': 'value', yes: 'flag' },
  'resource list': { ...group, ...query },
  'acr create': { ...group, 'name!': 'value', location: 'value', 'sku!': 'value', 'admin-enabled': 'value' },
  'acr login': { 'name!': 'value', 'expose-token': 'flag', ...query },
  'identity create': { ...group, 'name!': 'value', location: 'value' },
  'identity show': { ...group, 'name!': 'value', ...query },
  'role assignment create': { 'assignee-object-id!': 'value', 'assignee-principal-type!': 'value', 'role!': 'value', 'scope!': 'value' },
  'keyvault create': {
    ...group, 'name!': 'value', 'location!': 'value', sku: 'value', 'enable-rbac-authorization': 'value', 'retention-days': 'value', 'enable-purge-protection': 'value',
  },
  'keyvault show': { 'resource-group': 'value', 'name!': 'value', ...query },
  'keyvault list-deleted': { 'resource-type': 'value', ...query },
  'keyvault recover': { 'name!': 'value', location: 'value' },
  'keyvault purge': { 'name!': 'value', location: 'value' },
  'keyvault key show': { 'vault-name!': 'value', 'name!': 'value', ...query },
  'keyvault key create': {
    'vault-name!': 'value', 'name!': 'value', 'kty!': 'value', size: 'value', ops: 'list', 'exportable!': 'value', 'policy!': 'value', tags: 'list',
  },
  'deployment group create': { ...group, 'name!': 'value', 'template-file!': 'value' },
  'network vnet create': { ...group, 'name!': 'value', location: 'value', 'address-prefixes': 'list', 'subnet-name': 'value', 'subnet-prefixes': 'list' },
  'network vnet subnet create': {
    ...group, 'vnet-name!': 'value', 'name!': 'value', 'address-prefixes!': 'list', delegations: 'list', 'nat-gateway': 'value',
  },
  'network public-ip create': { ...group, 'name!': 'value', location: 'value', sku: 'value' },
  'network public-ip show': { ...group, 'name!': 'value', ...query },
  'network nat gateway create': { ...group, 'name!': 'value', location: 'value', 'public-ip-addresses': 'list' },
  'aks create': {
    ...group, 'name!': 'value', location: 'value', 'node-count': 'value', 'node-vm-size': 'value', 'network-plugin': 'value', 'vnet-subnet-id': 'value', 'service-cidr': 'value',
    'dns-service-ip': 'value', 'attach-acr': 'value', 'generate-ssh-keys': 'flag',
  },
  'aks show': { ...group, 'name!': 'value', ...query },
  'aks get-credentials': { ...group, 'name!': 'value', file: 'value', 'overwrite-existing': 'flag' },
};
const KUBECTL = {
  'create namespace': { $n: 1 },
  apply: { 'filename!': 'value' },
  wait: { 'for!': 'value', namespace: 'value', timeout: 'value', $n: 1 },
  get: { namespace: 'value', output: 'value', $n: 2 },
};
const SKOPEO = {
  login: { 'username!': 'value', 'password-stdin!': 'flag', authfile: 'value', $n: 1 },
  copy: { 'preserve-digests': 'flag', authfile: 'value', $n: 2 },
};
const HELM = { upgrade: { install: 'flag', namespace: 'value', 'create-namespace': 'flag', set: 'value', $n: 2 } };
const GIT = { clone: { depth: 'value', branch: 'value', $n: 2 } };
const CURL = { '': { silent: 'flag', insecure: 'flag', head: 'flag', 'max-time': 'value', output: 'value', $n: 1 } };
const GRAMMARS = { az: AZ, kubectl: KUBECTL, skopeo: SKOPEO, helm: HELM, git: GIT, curl: CURL };

const fail = (text, code = 1) => { process.stderr.write(`${text}\n`); process.exit(code); };

// {verb, options, words}; exits on anything that the grammar does not know.
function parse(tool, args) {
  const grammar = GRAMMARS[tool];
  if (!grammar) fail(`cloud: no such tool: ${tool}`, 2);
  const verb = Object.keys(grammar).sort((a, b) => b.length - a.length).find((v) => v === '' || args.slice(0, v.split(' ').length).join(' ') === v);
  if (verb === undefined) fail(`cloud: ${tool}: unknown call: ${args.join(' ')}`, 2);
  const rules = Object.fromEntries(Object.entries(grammar[verb]).map(([k, v]) => [k.replace('!', ''), v]));
  const options = {};
  const words = [];
  const rest = args.slice(verb ? verb.split(' ').length : 0);
  while (rest.length) {
    let word = rest.shift();
    if (!word.startsWith('--')) { words.push(word); continue; }
    word = word.slice(2);
    if (word.includes('=')) { rest.unshift(word.slice(word.indexOf('=') + 1)); word = word.slice(0, word.indexOf('=')); }
    if (!Object.hasOwn(rules, word) || word === '$n') fail(`cloud: ${tool} ${verb}: unrecognized argument --${word}`, 2);
    if (rules[word] === 'flag') options[word] = true;
    else if (rules[word] === 'value') {
      if (!rest.length || rest[0].startsWith('--')) fail(`cloud: ${tool} ${verb}: --${word}: expected one argument`, 2);
      options[word] = rest.shift();
    } else {
      options[word] = [];
      while (rest.length && !rest[0].startsWith('--')) options[word].push(rest.shift());
      if (!options[word].length) fail(`cloud: ${tool} ${verb}: --${word}: expected at least one argument`, 2);
    }
  }
  if (words.length !== (rules.$n || 0)) fail(`cloud: ${tool} ${verb}: words: ${words.join(' ')}`, 2);
  for (const k of Object.keys(grammar[verb])) if (k.endsWith('!') && !(k.slice(0, -1) in options)) fail(`cloud: ${tool} ${verb}: --${k.slice(0, -1)} is required`, 2);
  return { verb, options, words };
}

const SUBSCRIPTION = '11111111-2222-3333-4444-555555555555';
const id = (text) => crypto.createHash('sha256').update(text).digest('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*/, '$1-$2-$3-$4-$5');
const notFound = (what) => fail(`ERROR: (ResourceNotFound) ${what} was not found.`, 3);
const need = (condition, text) => { if (!condition) fail(`ERROR: ${text}`); };

function az(state, verb, o) {
  const { vaults, deleted, identities } = state;
  const vaultOf = (name) => vaults[name] || fail(`ERROR: Failed to resolve 'https://${name}.vault.azure.net'`);
  switch (verb) {
    case 'account show': return o.query === 'id' ? SUBSCRIPTION : '{}';
    case 'ad signed-in-user show': return id('me');
    case 'group create': state.group = { name: o.name, location: o.location }; return '{}';
    case 'group show': return state.group ? state.group.name : notFound('group');
    case 'group delete': {
      need(o.yes, 'would ask');
      for (const [n, v] of Object.entries(vaults)) { deleted[n] = v; delete vaults[n]; }
      state.group = null; state.identities = {}; state.groups = {};
      return '';
    }
    case 'resource list': return [...Object.keys(vaults), ...Object.keys(identities)].join('\n');
    case 'acr create': need(/^[a-z0-9]{5,50}$/.test(o.name), 'registry name'); need(o['admin-enabled'] === 'false', 'admin user'); state.registry = o.name; return '{}';
    case 'acr login': return 'registry-secret-token';
    case 'identity create': identities[o.name] = { principalId: id(`p${o.name}`), clientId: id(`c${o.name}`) }; return '{}';
    case 'identity show': return identities[o.name] ? identities[o.name][o.query] || '' : notFound(o.name);
    case 'role assignment create': state.roles.push({ who: o['assignee-object-id'], role: o.role, scope: o.scope }); return '{}';
    case 'keyvault create': {
      need(/^[a-zA-Z](?!.*--)[a-zA-Z0-9-]{1,22}[a-zA-Z0-9]$/.test(o.name), `vault name: ${o.name}`);
      need(!vaults[o.name], `(VaultAlreadyExists) ${o.name}`);
      need(!deleted[o.name], `(ConflictError) A vault with the same name already exists in deleted state: ${o.name}`);
      vaults[o.name] = { keys: {}, sku: o.sku, rbac: o['enable-rbac-authorization'] === 'true', protection: o['enable-purge-protection'] === 'true' };
      return '{}';
    }
    case 'keyvault show': return vaults[o.name] ? `/vaults/${o.name}` : notFound(o.name);
    case 'keyvault list-deleted': return Object.keys(deleted).filter((n) => (o.query || '').includes(`'${n}'`)).join('\n');
    case 'keyvault recover': need(deleted[o.name], 'not deleted'); vaults[o.name] = deleted[o.name]; delete deleted[o.name]; return '{}';
    case 'keyvault purge': need(deleted[o.name] && !deleted[o.name].protection, 'purge protection'); delete deleted[o.name]; return '';
    case 'keyvault key show': {
      const key = vaultOf(o['vault-name']).keys[o.name];
      return key ? key.tags[o.query.replace('tags.', '')] || '' : notFound(o.name);
    }
    case 'keyvault key create': {
      if (state.forbid > 0) { state.forbid--; fs.writeFileSync(process.env.FAKE_CLOUD, JSON.stringify(state)); fail('ERROR: (Forbidden) Caller is not authorized to perform action on resource.'); }
      need(o.kty === 'RSA-HSM' && ['2048', '3072', '4096'].includes(o.size) && o.exportable === 'true', 'key form');
      const policy = JSON.parse(fs.readFileSync(o.policy, 'utf8'));
      need(policy.version === '1.0.0' && policy.anyOf.length > 0, 'release policy');
      const keys = vaultOf(o['vault-name']).keys;
      keys[o.name] = { policy, versions: ((keys[o.name] || {}).versions || 0) + 1, size: o.size, tags: Object.fromEntries((o.tags || []).map((t) => t.split('='))) };
      return '{}';
    }
    case 'deployment group create': {
      const t = JSON.parse(fs.readFileSync(o['template-file'], 'utf8'));
      need(t.contentVersion === '1.0.0.0' && t.resources.length === 1, 'template');
      state.groups[t.resources[0].name] = t.resources[0];
      return '{}';
    }
    case 'network public-ip show': return '203.0.113.7';
    case 'aks show': return o.query === 'nodeResourceGroup' ? 'MC_nodes' : id('kubelet');
    case 'aks get-credentials': fs.writeFileSync(o.file, 'kubeconfig\n'); return '';
    default: return '{}';
  }
}

function kubectl(state, verb, o, words) {
  if (verb === 'apply') {
    const text = fs.readFileSync(o.filename, 'utf8');
    need(!text.includes('\t'), 'tabs in YAML');
    state.yaml[path.basename(o.filename)] = text;
  }
  if (verb === 'get' && words[0] === 'pod') return `10.2.0.${10 + words[1].length}`;
  return '';
}

function main() {
  let tool = path.basename(process.argv[1]);
  let args = process.argv.slice(2);
  if (args[0] === '--check') { [tool, ...args] = args.slice(1); parse(tool, args); return; }
  const { verb, options, words } = parse(tool, args);
  const file = process.env.FAKE_CLOUD;
  const state = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file)) :
    { vaults: {}, deleted: {}, identities: {}, roles: [], groups: {}, yaml: {}, calls: [], forbid: Number(process.env.FAKE_FORBID || 0), pushed: [] };
  const call = [tool, ...args].join(' ');
  state.calls.push(call);
  const save = () => { fs.writeFileSync(`${file}.new`, JSON.stringify(state)); fs.renameSync(`${file}.new`, file); };
  save();
  if (process.env.FAKE_FAIL && call.startsWith(process.env.FAKE_FAIL)) fail('ERROR: (InternalServerError) told to fail');
  let out = '';
  if (tool === 'az') out = az(state, verb, options);
  if (tool === 'kubectl') out = kubectl(state, verb, options, words);
  if (tool === 'skopeo' && verb === 'copy') state.pushed.push(words[1]);
  if (tool === 'skopeo' && verb === 'login') need(fs.readFileSync(0, 'utf8').trim() === 'registry-secret-token', 'password');
  if (tool === 'git') fs.mkdirSync(words[1], { recursive: true });
  save();
  if (out !== '') process.stdout.write(`${out}\n`);
}

main();
