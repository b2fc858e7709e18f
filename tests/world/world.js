// The whole story on one machine: stand-ins of the Azure services, and Contoso, Fabrikam, Woodgrove and the Snooper.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const pkis = require('../standin/pki');
const azurite = require('./azurite');
const policies = require('./policies');
const ports = require('./ports');
const standin = require('../standin/main');
const { provision } = require('../standin/provision');
const { Party, ROOT } = require('./party');

const PROVIDERS = ['contoso', 'fabrikam'];
const PARTIES = [...PROVIDERS, 'woodgrove'];
// How each party proves to the storage account who it is.
const STORAGE_PROOF = {
  contoso: (a) => a.settings('sas'), fabrikam: (a) => a.settings('key'), woodgrove: (a) => a.settings('identity'), snooper: (a) => a.settings('sas', 'rl'),
};
const bare = (url) => url.replace(/^https?:\/\//, '');

class World {
  // dir: where parties keep their data. csv: {contoso, fabrikam}. minGroup. grantAll: every identity may ask every vault, so that the release
  // policy alone decides. settings: {all: {...}, contoso: {...}}: further settings. box: {contoso: {...}}: further snpbox
  // options. context: {contoso: {...}}: further parts of the security context.
  // open: OPERATOR_AUTH=none. blob: true, or 'auto' (where Azurite is installed): a storage account that all share, each with another proof; the Snooper
  // with a SAS that reads only; if it does not start, 'auto' goes on without and says so in note. compare: 'plain' or 'secure': which addresses the view of all parties side by side shows.
  static async make(options = {}) {
    const w = new World();
    w.options = { dir: path.join(ROOT, 'build/world'), csv: {}, minGroup: 5, grantAll: false, settings: {}, box: {}, context: {}, open: false, blob: false, compare: 'plain', ...options };
    try { await w.prepare(); } catch (e) { await w.stop(); throw e; }
    return w;
  }

  async prepare() {
    const w = this;
    w.services = await standin.start({ dir: path.join(ROOT, 'build/standin'), hsms: [], ...w.options.standin });
    w.token = crypto.randomBytes(24).toString('base64url');
    if (w.options.blob === true || (w.options.blob && azurite.available())) {
      const [port] = await ports.free(1);
      try {
        w.azurite = await azurite.Azurite.start({ port, pki: w.services.pki, dir: path.join(w.options.dir, 'azurite') });
      } catch (e) {
        if (w.options.blob === true) throw e;
        w.note = `no storage account: ${e.message.trim().split('\n')[0]}`;
      }
    }
    const names = [...PARTIES, 'snooper'];
    const free = await ports.free(names.length * 3);
    w.ports = Object.fromEntries(names.map((n, i) => [n, { http: free[3 * i], https: free[3 * i + 1], peer: free[3 * i + 2] }]));
    w.origins = names.map((n) => (w.options.compare === 'secure' ? `https://${n}.localhost:${w.ports[n].https}` : `http://${n}.localhost:${w.ports[n].http}`)).join(',');
    await w.provision();
  }

  // Settings without what provisioning adds; enough to be measured, because that is only where IMDS is and who we are.
  baseSettings(name) {
    const { addresses } = this.services;
    const model = name === 'snooper' ? 'contoso' : name; // the same program and settings, without the hardware
    const s = {
      SKR_KEY_NAME: `${model}-secret-key`, SKR_MAA_ENDPOINT: bare(addresses.maa), SKR_AKV_ENDPOINT: bare(addresses.vaults[model]),
      HTTP_PORT: String(this.ports[name].http), HTTPS_PORT: String(this.ports[name].https), LISTEN: 'loopback',
      OPERATOR_AUTH: this.options.open ? 'none' : `sha256:${crypto.createHash('sha256').update(this.token).digest('hex')}`,
      EXTRA_TRUST_ANCHOR: addresses.ca, DATA_DIR: path.join(this.options.dir, name, 'data'), AKV_AUDIENCE: 'https://vault.azure.net',
      COMPARE_ORIGINS: this.origins, EXTRA_AMD_ROOT: this.services.pki.arkSpki, EXTRA_UVM_ISSUER: addresses.uvmDid,
    };
    if (name !== 'snooper') s.UVM_SECURITY_CONTEXT_DIR = path.join(this.options.dir, name, 'security-context');
    for (const p of PROVIDERS) {
      if (p !== model) s[`PARTNER_${p.toUpperCase()}_AKV_ENDPOINT`] = bare(addresses.vaults[p]);
      if (name === 'woodgrove') s[`PARTNER_${p.toUpperCase()}_URL`] = `https://localhost:${this.ports[p].peer}`;
    }
    if (PROVIDERS.includes(name)) Object.assign(s, { PEER_PORT: String(this.ports[name].peer), PARTNER_WOODGROVE_HOST_DATA: '${HOST_DATA:woodgrove}?' });
    if (PROVIDERS.includes(model)) s.CSV_PATH = path.resolve(this.options.csv[model] || path.join(ROOT, `tests/data/${model}.csv`));
    if (name === 'woodgrove') s.MIN_GROUP_SIZE = String(this.options.minGroup);
    if (this.azurite) Object.assign(s, { STORAGE: 'blob', RESOURCE_GROUP_NAME: 'parley' }, STORAGE_PROOF[name](this.azurite));
    return { ...s, ...this.options.settings.all, ...this.options.settings[name] };
  }

  async provision() {
    const settings = Object.fromEntries(PARTIES.map((name) => [name, this.baseSettings(name)]));
    for (const p of PROVIDERS) settings.woodgrove[`PARTNER_${p.toUpperCase()}_HOST_DATA`] ||= `\${HOST_DATA:${p}}`;
    // Every setting is in the policy, so that HOST_DATA, its hash, changes with any of them.
    this.policies = policies.generate(path.join(this.options.dir, 'policy'), settings, this.services.addresses.maa,
      { contoso: ['contoso', 'woodgrove'], fabrikam: ['fabrikam', 'woodgrove'], woodgrove: ['woodgrove'] });
    const each = (member) => Object.fromEntries(PARTIES.map((name) => [name, this.policies[name][member]]));
    this.settings = each('settings');
    this.hostData = each('hostData');
    this.settings.snooper = this.baseSettings('snooper');
    this.provisioned = await provision(this.services, { hostData: this.hostData, policies: each('release'), grantAll: this.options.grantAll });
    this.parties = {};
    for (const name of [...PARTIES, 'snooper']) this.parties[name] = this.makeParty(name);
    Object.assign(this, this.parties);
  }

  // The platform's part, which no policy fixes: where IMDS is and which identity it serves.
  makeParty(name, changes = {}) {
    const model = name === 'snooper' ? 'contoso' : name;
    const dir = path.join(this.options.dir, name);
    const measured = this.settings[name];
    const settings = { ...measured, IMDS_ENDPOINT: this.provisioned.parties[model].imds, ...changes.settings };
    let box = null;
    if (name !== 'snooper') {
      const cose = this.services.pki.uvmEndorsement({ envelope: name === 'fabrikam' }); // each partner judges both forms
      this.services.pki.securityContext(path.join(dir, 'security-context'), { policyText: this.policies[name].text, cose, ...this.options.context[name], ...changes.context });
      box = {
        'vcek-key': this.services.pki.path('vcek-key.pem'), 'host-data': this.hostData[name], measurement: pkis.MEASUREMENT, 'chip-id': pkis.CHIP_ID,
        tcb: pkis.TCB, ...this.options.box[name], ...changes.box,
      };
    }
    return new Party({ name, dir, settings, box, token: this.token, wrap: changes.wrap });
  }

  // Starts every party (or those named) and waits until each is as far as it gets by itself.
  async start(names = [...PARTIES, 'snooper']) {
    names.forEach((n) => this.parties[n].start());
    // The first failure ends the start, and what was started.
    try { await this.settled(names); } catch (e) { await this.stop(); throw e; }
  }

  settled(names) {
    return Promise.all(names.map(async (n) => {
      const p = this.parties[n];
      await p.listening();
      if (n === 'snooper') return;
      await p.ready();
      await p.showsEvidence();
      await (n === 'woodgrove' ? p.hasPartnerKeys() : p.hasRecords());
    }));
  }

  async stop() {
    const ends = await Promise.all(Object.values(this.parties || {}).filter((p) => p.child).map((p) => p.stop()));
    if (this.azurite) await this.azurite.stop();
    if (this.services) await this.services.stop();
    return ends;
  }

  // A party's page with the stand-ins' root and endorser, and that party's HOST_DATA, in the fields of Verify This Server.
  verifyLink(name, origin) {
    return `${origin}/#verify?${new URLSearchParams({ root: this.services.pki.arkSpki, endorser: this.services.addresses.uvmDid, host_data: this.hostData[name] })}`;
  }

  clearData() { fs.rmSync(this.options.dir, { recursive: true, force: true }); }
}

module.exports = { World, PARTIES, PROVIDERS };
