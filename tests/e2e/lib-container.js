// A party run as a container by runc, from the layer that is shipped.
'use strict';
const { execFileSync, spawn, spawnSync } = require('child_process');
const fs = require('fs');
const path = require('path');
const policies = require('../world/policies');
const { Party, SNPBOX } = require('../world/party');

process.env.PATH += ':/usr/sbin:/sbin'; // where Debian keeps runc

// Writes the bundle: user 0, the layer as root file system. options: mounts [[path, writable]], capabilities, noNewPrivileges, seccomp and
// readonly as the OCI runtime specification has them; by default no capability, no new privileges, no profile, read-only.
function bundle(to, env, { mounts = [], capabilities = [], noNewPrivileges = true, seccomp, readonly = true, args = ['/parley'] } = {}) {
  fs.mkdirSync(path.join(to, 'rootfs'), { recursive: true });
  execFileSync('tar', ['-xf', policies.LAYER, '-C', path.join(to, 'rootfs')]);
  const sets = { bounding: capabilities, effective: capabilities, permitted: capabilities, inheritable: [], ambient: [] };
  const bind = ([p, rw]) => ({ type: 'bind', source: p, destination: p, options: ['bind', 'nosuid', 'nodev', rw ? 'rw' : 'ro'] });
  fs.writeFileSync(path.join(to, 'config.json'), JSON.stringify({
    ociVersion: '1.0.2',
    process: {
      terminal: false, user: { uid: 0, gid: 0, umask: 0o22 }, args, env: Object.entries(env).map(([k, v]) => `${k}=${v}`), cwd: '/',
      capabilities: sets, noNewPrivileges,
    },
    root: { path: 'rootfs', readonly },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }, ...mounts.map(bind)],
    linux: { namespaces: [{ type: 'pid' }, { type: 'ipc' }, { type: 'uts' }, { type: 'mount' }], ...(seccomp ? { seccomp } : {}) },
  }));
  return to;
}

// Not every machine lets containers be made; ours must then be skipped with the reason.
function whyNoContainers(dir) {
  if (spawnSync('runc', ['--version']).status !== 0) return 'runc is not installed';
  if (process.getuid() !== 0) return 'needs root';
  const probe = bundle(path.join(dir, 'probe'), {}, { args: ['/parley', '--version'] });
  const r = spawnSync('runc', ['--root', path.join(dir, 'probe-runc'), 'run', '--bundle', probe, `probe-${process.pid}`], { encoding: 'utf8' });
  return r.status === 0 && /^parley \d/.test(r.stdout + r.stderr) ? null : `containers cannot be made here: ${r.stderr.trim().split('\n').pop()}`;
}

let made = 0;

// A party whose settings are those of another; under the simulated device if it has one. dir: for runc's state and the bundle.
class Contained extends Party {
  constructor(plain, dir, options) {
    super(plain);
    this.id = `parley-${process.pid}-${++made}`;
    this.state = path.join(dir, 'runc');
    this.bundle = bundle(path.join(dir, this.id), plain.settings, options);
  }

  start() {
    const run = ['runc', '--root', this.state, 'run', '--bundle', this.bundle, this.id];
    const [command, ...args] = this.box ? [SNPBOX, ...Object.entries(this.box).flatMap(([k, v]) => [`--${k}`, v]), '--', ...run] : run;
    this.log = '';
    this.child = spawn(command, args, { env: { PATH: process.env.PATH }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.ended = new Promise((resolve) => { this.child.on('exit', (code, signal) => resolve({ code, signal })); });
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on('data', (d) => { this.log += d; });
    return this;
  }

  // The container's first process, as the host sees it.
  pid() {
    return JSON.parse(execFileSync('runc', ['--root', this.state, 'state', this.id], { encoding: 'utf8' })).pid;
  }
}

module.exports = { Contained, whyNoContainers };
