// The guest's answers, evaluated a second time: framework 0.5.0 and API 0.12.0 as cce-policy.md and the field's rows describe them,
// over plain values and sets. Written for tests/e2e/policy-property.test.js from those rules, not from policy/simulate.c.
//
// A policy is {statement: value}; {ref: 'data.framework.x'} is a reference. undefined stands for Rego's undefined: whatever needs it fails.
'use strict';

const FRAMEWORK = [0, 5, 0];
const POINTS = {
  mount_device: ['0.1.0', 'deny'], mount_overlay: ['0.1.0', 'deny'], create_container: ['0.1.0', 'deny'], unmount_device: ['0.2.0', 'allow'],
  exec_in_container: ['0.2.0', 'allow'], exec_external: ['0.3.0', 'allow'], shutdown_container: ['0.4.0', 'allow'],
  signal_container_process: ['0.5.0', 'allow'], unmount_overlay: ['0.6.0', 'allow'], plan9_mount: ['0.6.0', 'allow'],
  plan9_unmount: ['0.6.0', 'allow'], get_properties: ['0.7.0', 'allow'], dump_stacks: ['0.7.0', 'allow'], runtime_logging: ['0.8.0', 'allow'],
  load_fragment: ['0.9.0', 'deny'], scratch_mount: ['0.10.0', 'allow'], scratch_unmount: ['0.10.0', 'allow'],
  rw_mount_device: ['0.11.0', 'framework'], host_network: ['0.12.0', 'deny'],
};
const USUAL = ['CHOWN', 'DAC_OVERRIDE', 'FSETID', 'FOWNER', 'MKNOD', 'NET_RAW', 'SETGID', 'SETUID', 'SETFCAP', 'SETPCAP', 'NET_BIND_SERVICE',
  'SYS_CHROOT', 'KILL', 'AUDIT_WRITE'].map((c) => `CAP_${c}`);
const FURTHER = ['DAC_READ_SEARCH', 'LINUX_IMMUTABLE', 'NET_BROADCAST', 'NET_ADMIN', 'IPC_LOCK', 'IPC_OWNER', 'SYS_MODULE', 'SYS_RAWIO',
  'SYS_PTRACE', 'SYS_PACCT', 'SYS_ADMIN', 'SYS_BOOT', 'SYS_NICE', 'SYS_RESOURCE', 'SYS_TIME', 'SYS_TTY_CONFIG', 'LEASE', 'AUDIT_CONTROL',
  'MAC_OVERRIDE', 'MAC_ADMIN', 'SYSLOG', 'WAKE_ALARM', 'BLOCK_SUSPEND', 'AUDIT_READ', 'PERFMON', 'BPF', 'CHECKPOINT_RESTORE'].map((c) => `CAP_${c}`);
const SETS = ['bounding', 'effective', 'inheritable', 'permitted', 'ambient'];
const mount = (destination, type, source, options) => ({ destination, type, source, options: options.split(' ') });
const DEFAULT_MOUNTS = [
  mount('/proc', 'proc', 'proc', 'nosuid noexec nodev'), mount('/dev', 'tmpfs', 'tmpfs', 'nosuid strictatime mode=755 size=65536k'),
  mount('/dev/pts', 'devpts', 'devpts', 'nosuid noexec newinstance ptmxmode=0666 mode=0620 gid=5'),
  mount('/dev/shm', 'tmpfs', 'shm', 'nosuid noexec nodev mode=1777 size=65536k'), mount('/dev/mqueue', 'mqueue', 'mqueue', 'nosuid noexec nodev'),
  mount('/sys', 'sysfs', 'sysfs', 'nosuid noexec nodev ro'), mount('/run', 'tmpfs', 'tmpfs', 'nosuid strictatime mode=755 size=65536k'),
  mount('/sys/fs/cgroup', 'cgroup', 'cgroup', 'nosuid noexec nodev relatime ro'),
  mount('/sys/fs/cgroup', 'cgroup2', 'cgroup2', 'nosuid noexec nodev relatime ro'),
];
const SYS_RW = mount('/sys', 'sysfs', 'sysfs', 'nosuid noexec nodev rw');
const PRIVILEGED_MOUNTS = [SYS_RW, mount('/sys/fs/cgroup', 'cgroup', 'cgroup', 'nosuid noexec nodev relatime rw'),
  mount('/sys/fs/cgroup', 'cgroup2', 'cgroup2', 'nosuid noexec nodev relatime rw')];

const truth = (v) => v !== undefined && v !== false;
const here = (...all) => all.every((v) => v !== undefined);
const asSet = (list) => [...new Set(list)].sort();
const equal = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const sameMembers = (a, b) => a.length === b.length && a.every((x) => b.includes(x)) && b.every((x) => a.includes(x));

function version(v) {
  const m = typeof v === 'string' && /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/.exec(v);
  return m ? m.slice(1).map(Number) : null;
}
const compare = (a, b) => Math.sign(a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
const atLeast = (v, text) => compare(v, version(text)) >= 0;

// The anchors are added by looks; the flag (?i) is JavaScript's only outside the pattern. What does not compile matches nothing.
function matches(pattern, text) {
  let whole = (pattern.startsWith('^') ? '' : '^') + pattern + (pattern.endsWith('$') ? '' : '$');
  let flags = 'u';
  whole = whole.replace(/^\^\(\?i\)/, () => { flags += 'i'; return '^'; });
  try {
    return new RegExp(whole, flags).test(text);
  } catch {
    return false;
  }
}
const strategy = { string: (pattern, text) => pattern === text, re2: (pattern, text) => typeof pattern === 'string' && matches(pattern, text) };
const byStrategy = (pattern, how, text) => here(pattern, how) && Object.hasOwn(strategy, how) && strategy[how](pattern, text);

function ruleTakes(rule, env) {
  if (byStrategy(rule.pattern, rule.strategy, env)) return true;
  const at = env.indexOf('=');
  return at >= 0 && byStrategy(rule.name, rule.name_strategy, env.slice(0, at)) && byStrategy(rule.value, rule.value_strategy, env.slice(at + 1));
}

const idOk = (rule, id) => here(rule.pattern, rule.strategy) && ({
  any: () => true, id: () => rule.pattern === id.id, name: () => rule.pattern === id.name, re2: () => matches(rule.pattern, id.name),
}[rule.strategy] || (() => false))();

class Guest {
  constructor(policy) {
    const pick = (now, old) => {
      if (here(policy[now], policy[old]) && policy[now] !== policy[old]) return null;
      return version(here(policy[now]) ? policy[now] : policy[old]);
    };
    this.policy = policy;
    this.api = pick('api_version', 'api_svn');
    this.framework = pick('framework_version', 'framework_svn');
    this.usable = this.framework && compare(this.framework, FRAMEWORK) <= 0;
    Object.assign(this, { layers: new Map(), writable: new Set(), overlays: new Set(), matches: new Map(), started: new Map(), plan9: new Set(), scratch: new Set() });
  }

  since(text) { return this.framework && atLeast(this.framework, text); }

  flag(name) {
    const from = { allow_capability_dropping: '0.2.2', allow_host_network: '0.5.0' }[name];
    return (!from || this.since(from)) && truth(this.policy[name]);
  }

  // Containers as the framework sees them: older ones brought up to date, current ones with the platform's rules.
  containers() {
    if (!this.usable || !Array.isArray(this.policy.containers)) return [];
    if (compare(this.framework, FRAMEWORK) === 0) {
      const rules = (name) => (this.policy.platform_rules || []).flatMap((r) => r[name] || []);
      return this.policy.containers.map((c) => ({ ...c, env_rules: c.env_rules && [...c.env_rules, ...rules('env_rules')], mounts: c.mounts && [...c.mounts, ...rules('mounts')] }));
    }
    const old = (c) => ({
      command: c.command, env_rules: c.env_rules, layers: c.layers, mounts: c.mounts, allow_elevated: c.allow_elevated, working_dir: c.working_dir,
      exec_processes: c.exec_processes, allow_stdio_access: c.allow_stdio_access,
      signals: c.signals && (this.since('0.4.1') ? c.signals : [...c.signals, 9, 15]),
      no_new_privileges: this.since('0.2.0') ? c.no_new_privileges : false,
      user: this.since('0.2.1') ? c.user : { umask: '0022', user_idname: { pattern: '', strategy: 'any' }, group_idnames: [{ pattern: '', strategy: 'any' }] },
      capabilities: this.since('0.2.2') ? c.capabilities : null,
      seccomp_profile_sha256: this.since('0.2.3') ? c.seccomp_profile_sha256 : '',
    });
    return this.policy.containers.map(old).filter((c) => here(...Object.values(c)));
  }

  enforce(r) {
    const info = POINTS[r.point], rule = this.policy[r.point];
    if (!this.api || !info) return { allow: false };
    if (rule === undefined) {
      if (atLeast(this.api, info[0]) || info[1] === 'deny') return { allow: false };
      if (info[1] === 'allow') return { allow: true };
    } else if (!rule.ref) {
      return { allow: rule.allowed === true };
    }
    const answer = this[r.point](r);
    return answer && answer.allow ? answer : { allow: Boolean(answer) };
  }

  // --- mounts ---
  mount_device(r) {
    const known = (this.policy.containers || []).some((c) => (c.layers || []).includes(r.deviceHash));
    const ok = known && !this.layers.has(r.target) && !this.writable.has(r.target) && matches('/run/mounts/scsi/m[0-9]+', r.target);
    if (ok) this.layers.set(r.target, r.deviceHash);
    return ok;
  }

  unmount_device(r) { return this.layers.delete(r.unmountTarget); }

  rw_mount_device(r) {
    const ok = !this.layers.has(r.target) && !this.writable.has(r.target) && (truth(r.encrypted) || this.flag('allow_unencrypted_scratch')) &&
      truth(r.ensureFilesystem) && ['ext4', 'xfs'].includes(r.filesystem) && matches('/run/gcs/c/[0-9a-fA-F]{64}', r.target);
    if (ok) this.writable.add(r.target);
    return ok;
  }

  mount_overlay(r) {
    const hashes = r.layerPaths.map((p) => this.layers.get(p)).reverse();
    const found = this.containers().filter((c) => c.layers && c.layers.length === hashes.length && c.layers.every((l, i) => l === hashes[i]));
    const ok = !this.matches.has(r.containerID) && !this.overlays.has(r.target) && found.length > 0;
    if (ok) this.matches.set(r.containerID, found) && this.overlays.add(r.target);
    return ok;
  }

  unmount_overlay(r) { return this.overlays.delete(r.unmountTarget); }

  plan9_mount(r) {
    const ok = !this.plan9.has(r.target) && [...this.matches.keys()].some((id) => matches(`^/run/gcs/c/${id}/mounts/m[0-9]+$`, r.target));
    if (ok) this.plan9.add(r.target);
    return ok;
  }

  plan9_unmount(r) { return this.plan9.delete(r.unmountTarget); }

  scratch_mount(r) {
    const ok = !this.scratch.has(r.target) && (truth(r.encrypted) || this.flag('allow_unencrypted_scratch'));
    if (ok) this.scratch.add(r.target);
    return ok;
  }

  scratch_unmount(r) { return this.scratch.delete(r.unmountTarget); }

  // --- narrowing ---
  variables(items, list) {
    if (!this.flag('allow_environment_variable_dropping')) return list;
    const subsets = items.filter((c) => here(c.env_rules)).map((c) => asSet(list.filter((env) => c.env_rules.some((rule) => ruleTakes(rule, env)))));
    const most = Math.max(...subsets.map((s) => s.length));
    const largest = subsets.filter((s) => s.length === most);
    return largest.length && largest.every((s) => equal(s, largest[0])) ? largest[0] : undefined;
  }

  takesVariables(c, list) {
    return here(c.env_rules) && list.every((env) => c.env_rules.some((rule) => ruleTakes(rule, env))) &&
      c.env_rules.every((rule) => !truth(rule.required) || list.some((env) => ruleTakes(rule, env)));
  }

  capabilitiesOf(c, privileged) {
    if (c.capabilities !== null) return c.capabilities;
    const all = privileged && truth(c.allow_elevated), most = all ? [...USUAL, ...FURTHER] : USUAL;
    return { bounding: most, effective: most, permitted: most, inheritable: all ? most : [], ambient: [] };
  }

  capabilities(items, r, privileged) {
    if (!this.flag('allow_capability_dropping')) return r.capabilities;
    const kept = items.map((c) => this.capabilitiesOf(c, privileged)).filter((caps) => caps && SETS.every((s) => here(caps[s])))
      .map((caps) => Object.fromEntries(SETS.map((s) => [s, asSet(r.capabilities[s].filter((cap) => caps[s].includes(cap)))])));
    const size = (caps) => SETS.reduce((n, s) => n + caps[s].length, 0);
    const most = Math.max(...kept.map(size));
    const largest = kept.filter((caps) => size(caps) === most);
    return largest.length && largest.every((caps) => equal(caps, largest[0])) ? largest[0] : undefined;
  }

  hasCapabilities(c, privileged, caps) {
    const own = this.capabilitiesOf(c, privileged);
    return here(own) && SETS.every((s) => here(own[s]) && sameMembers(own[s], caps[s]));
  }

  userOk(user, r) {
    return here(user) && user.umask === r.umask && here(user.user_idname) && idOk(user.user_idname, r.user) &&
      r.groups.every((g) => (user.group_idnames || []).some((rule) => idOk(rule, g)));
  }

  mountOk(c, m, r) {
    const dir = r.sandboxDir.replace(/\/sandboxMounts$/, ''), own = ['hostname', 'hosts', 'resolv.conf'].flatMap((f) => ['bind', 'bind ro'].map(
      (options) => mount(`/etc/${f}`, 'bind', `${dir}/${f}`, options)));
    const rules = [...c.mounts, ...DEFAULT_MOUNTS, ...own, ...(truth(c.allow_elevated) ? PRIVILEGED_MOUNTS : []), ...(truth(r.isSandboxContainer) ? [SYS_RW] : [])];
    const source = (rule) => rule.source === m.source || [['sandbox://', r.sandboxDir], ['hugepages://', r.hugePagesDir]].some(
      ([prefix, to]) => typeof rule.source === 'string' && rule.source.startsWith(prefix) && matches(rule.source.split(prefix).join(to), m.source));
    return m.destination !== '' && rules.some((rule) => rule.type === m.type && rule.destination === m.destination && here(rule.options) &&
      sameMembers(rule.options, m.options) && source(rule));
  }

  admits(c, r) {
    return here(c.no_new_privileges, c.user, c.allow_elevated, c.working_dir, c.command, c.mounts, c.seccomp_profile_sha256) &&
      (!truth(c.no_new_privileges) || truth(r.noNewPrivileges)) && this.userOk(c.user, r) && (!truth(r.privileged) || r.privileged === c.allow_elevated) &&
      c.working_dir === r.workingDir && equal(c.command, r.argList) && r.mounts.every((m) => this.mountOk(c, m, r)) &&
      c.seccomp_profile_sha256 === r.seccompProfileSHA256 && r.devices.length === 0;
  }

  // The three steps that requests to run something share; undefined: denied.
  settle(items, r, privileged, withCaps) {
    const env = items.length ? this.variables(items, r.envList) : undefined;
    if (!env) return undefined;
    let left = items.filter((c) => this.takesVariables(c, env));
    if (left.length && withCaps) {
      const caps = this.capabilities(left, r, privileged);
      left = caps ? left.filter((c) => this.hasCapabilities(c, privileged, caps)) : [];
    }
    return left.length ? { env, left } : undefined;
  }

  create_container(r) {
    if (this.started.has(r.containerID)) return false;
    // What a request says of layers stands for mounts before it.
    let items = this.matches.get(r.containerID);
    if (!items && r.layers) items = this.containers().filter((c) => equal(c.layers, r.layers));
    const done = this.settle((items || []).filter((c) => this.admits(c, r)), r, truth(r.privileged), true);
    const stdio = done && done.left[0].allow_stdio_access;
    if (!done || !here(stdio) || !done.left.every((c) => c.allow_stdio_access === stdio)) return false;
    this.matches.set(r.containerID, done.left);
    this.started.set(r.containerID, truth(r.privileged));
    return { allow: true, env: done.env, stdio };
  }

  exec_in_container(r) {
    if (!this.started.has(r.containerID)) return false;
    const items = (this.matches.get(r.containerID) || []).filter((c) => c.working_dir === r.workingDir &&
      (!truth(c.no_new_privileges) || truth(r.noNewPrivileges)) && this.userOk(c.user, r) && (c.exec_processes || []).some((x) => equal(x.command, r.argList)));
    const done = this.settle(items, r, this.started.get(r.containerID), true);
    if (done) this.matches.set(r.containerID, done.left);
    return done ? { allow: true, env: done.env } : false;
  }

  exec_external(r) {
    const list = this.usable ? this.policy.external_processes || [] : [], now = this.usable && compare(this.framework, FRAMEWORK) === 0;
    const items = list.filter((x) => (now || here(x.command, x.env_rules, x.working_dir, x.allow_stdio_access)) &&
      x.working_dir === r.workingDir && equal(x.command, r.argList));
    const done = this.settle(items, r, false, false);
    const stdio = done && done.left[0].allow_stdio_access;
    return done && here(stdio) && done.left.every((x) => x.allow_stdio_access === stdio) ? { allow: true, env: done.env } : false;
  }

  shutdown_container(r) {
    if (!this.started.has(r.containerID)) return false;
    this.matches.delete(r.containerID);
    return true;
  }

  signal_container_process(r) {
    if (!this.started.has(r.containerID)) return false;
    const left = (this.matches.get(r.containerID) || []).filter((c) => (r.isInitProcess ? (c.signals || []).includes(r.signal) :
      (c.exec_processes || []).some((x) => equal(x.command, r.argList) && (x.signals || []).includes(r.signal))));
    if (left.length) this.matches.set(r.containerID, left);
    return left.length > 0;
  }

  // --- flags and fragments ---
  get_properties() { return this.flag('allow_properties_access'); }

  dump_stacks() { return this.flag('allow_dump_stacks'); }

  runtime_logging() { return this.flag('allow_runtime_logging'); }

  host_network() { return this.flag('allow_host_network'); }

  load_fragment(r) {
    return this.usable && (this.policy.fragments || []).some((f) => f.issuer === r.issuer && f.feed === r.feed &&
      (!here(r.svn) || Number(r.svn) >= Number(f.minimum_svn)));
  }
}

module.exports = { Guest, POINTS, DEFAULT_MOUNTS, USUAL };
