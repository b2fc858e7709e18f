// The parties' policies, made the way a deployment makes them: from the built layer and each party's settings, by parleyctl.
'use strict';
const { execFileSync } = require('child_process');
const fs = require('fs');
const path = require('path');

const ROOT = path.join(__dirname, '../..');
const CTL = path.join(ROOT, 'build/parleyctl');
const LAYER = path.join(ROOT, 'build/image/layer.tar');
// What a policy can hold as an exact value. Any other (a shared access signature, an odd path) must be there, but is not measured.
const plain = (value) => /^[A-Za-z0-9 ./_=:,@+-]*$/.test(value);

// The HOST_DATA of a party whose own settings hold this one's: its form is measured, not its value.
const LATER = /^\$\{HOST_DATA:([a-z]+)\}\?$/;

const party = (name, settings, authority, releaseTo) => ({
  name, container: 'parley', command: ['/parley'], platform_env: { aci: 'aci-2' },
  env: Object.fromEntries(Object.entries(settings).filter(([, v]) => plain(v) || (v.startsWith('${') && !LATER.test(v)))),
  secret_env: Object.keys(settings).filter((k) => !plain(settings[k]) && !settings[k].startsWith('${')),
  host_data_env: Object.fromEntries(Object.entries(settings).filter(([, v]) => LATER.test(v)).map(([k, v]) => [k, LATER.exec(v)[1]])),
  key: { name: `${name}-secret-key`, authority, release_to: releaseTo },
});

// settings: {party: {NAME: value}}; ${HOST_DATA:other} in a value stands for that party's, ${HOST_DATA:other}? for one that is not measured. releaseTo: {party: [party, ...]}.
// -> {party: {text, hostData, release, settings}}, settings with the values filled in.
function generate(dir, settings, authority, releaseTo) {
  if (!fs.existsSync(LAYER)) throw new Error(`${LAYER} is not there: run make build/image/layer.tar`);
  fs.mkdirSync(dir, { recursive: true });
  const names = Object.keys(settings);
  const files = names.map((name) => path.join(dir, `${name}.json`));
  names.forEach((name, i) => fs.writeFileSync(files[i], JSON.stringify(party(name, settings[name], authority, releaseTo[name]), null, 1)));
  execFileSync(CTL, ['policy', 'generate', '--layer', LAYER, '--out', dir, '--platform', path.join(ROOT, 'policy/platform.json'), ...files]);
  const read = (name, suffix) => fs.readFileSync(path.join(dir, name + suffix), 'utf8');
  return Object.fromEntries(names.map((name) => {
    const filled = Object.fromEntries(JSON.parse(read(name, '.env.json')).map((e) => [e.name, e.value]));
    return [name, {
      text: read(name, '.rego'), hostData: read(name, '.hostdata').trim(), release: JSON.parse(read(name, '.release.json')), settings: { ...settings[name], ...filled },
    }];
  }));
}

module.exports = { generate, LAYER, CTL };
