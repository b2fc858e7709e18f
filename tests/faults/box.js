// A party under faultbox: rules for its system calls, what was called, and what must hold whatever happened.
'use strict';
const assert = require('node:assert');
const { spawnSync } = require('child_process');
const crypto = require('crypto');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { ROOT, PARLEY } = require('../world/party');

const FAULTBOX = path.join(ROOT, 'build/tests/faultbox');
const { errno } = os.constants;

// Tracing may be forbidden here (a container's seccomp profile, Yama).
function why() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'faultbox-'));
  const r = spawnSync(FAULTBOX, ['/bin/true', `${dir}/rules`, `${dir}/report`, '--', 'true']);
  fs.rmSync(dir, { recursive: true, force: true });
  return r.status === 0 ? false : `faultbox cannot trace here: ${r.stderr}`;
}

class Box {
  constructor(dir, { clock = false } = {}) {
    this.dir = dir;
    this.rulesFile = path.join(dir, 'rules');
    this.report = path.join(dir, 'report');
    this.at = 0;
    fs.mkdirSync(dir, { recursive: true });
    // For Party's or solo's wrap.
    this.wrap = [FAULTBOX, PARLEY, this.rulesFile, this.report, ...(clock ? ['--clock'] : []), '--'];
  }

  // The rules from now on: lines as tests/faults/README.md says, '' for none. What was called before is forgotten.
  arm(text) {
    fs.writeFileSync(`${this.rulesFile}.new`, text);
    fs.renameSync(`${this.rulesFile}.new`, this.rulesFile);
    this.forget();
  }

  forget() { this.at = fs.existsSync(this.report) ? fs.statSync(this.report).size : 0; }

  // What was called since: lines "CALL[@KIND][ FAULT]".
  calls() {
    if (!fs.existsSync(this.report)) return [];
    const fd = fs.openSync(this.report, 'r');
    const bytes = Buffer.alloc(fs.fstatSync(fd).size - this.at);
    fs.readSync(fd, bytes, 0, bytes.length, this.at);
    fs.closeSync(fd);
    return bytes.toString('latin1').split('\n').filter((l) => l && l !== 'rules');
  }

  // Those in which a rule did something.
  hits() { return this.calls().filter((l) => l.includes(' ') && !l.startsWith('end ')); }
}

// Process number of the shipped program below a party's outermost process, 0 when it has ended.
function pidOf(party) {
  const below = (pid) => {
    try {
      return fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
    } catch { return []; }
  };
  const nameOf = (pid) => { try { return fs.readFileSync(`/proc/${pid}/comm`, 'utf8').trim(); } catch { return ''; } };
  for (let todo = [party.child.pid]; todo.length;) {
    const pid = todo.pop();
    if (nameOf(pid) === 'parley') return pid;
    todo.push(...below(pid));
  }
  return 0;
}

// kill -9 of the program itself, not of what is around it; resolves when all of that has ended too.
async function killed(party) {
  const pid = pidOf(party);
  if (pid) process.kill(pid, 'SIGKILL');
  return party.ended;
}

// Open descriptors and threads; null where we may not look (not root, a program that is not dumpable).
function resources(party) {
  const pid = pidOf(party);
  try {
    return { descriptors: fs.readdirSync(`/proc/${pid}/fd`).length, threads: fs.readdirSync(`/proc/${pid}/task`).length };
  } catch { return null; }
}

// What each thread waits for, for a person who looks at a hang.
function threads(party) {
  const pid = pidOf(party);
  const of = (tid, name) => { try { return fs.readFileSync(`/proc/${pid}/task/${tid}/${name}`, 'latin1').trim(); } catch { return '?'; } };
  try {
    return fs.readdirSync(`/proc/${pid}/task`).map((tid) => `${tid} ${of(tid, 'stat').split(' ')[2]} ${of(tid, 'wchan')} ${of(tid, 'syscall')}`).join('\n');
  } catch { return 'no process'; }
}

// Every form in which private members of a key could be met in a log, a reply or a file.
function secretsOf(key) {
  const jwk = key.export({ format: 'jwk' });
  return ['d', 'p', 'q', 'dp', 'dq', 'qi'].filter((m) => jwk[m]).flatMap((m) => {
    const raw = Buffer.from(jwk[m], 'base64url').subarray(0, 60);
    return [raw.subarray(4, 28), ...['base64', 'base64url', 'hex'].map((f) => Buffer.from(raw.toString(f).slice(0, 64)))];
  });
}

// needles: Buffers or strings. what: {name: Buffer or string}
function assertNoneOf(needles, what) {
  for (const [name, text] of Object.entries(what)) {
    const bytes = Buffer.isBuffer(text) ? text : Buffer.from(text);
    for (const n of needles) assert.ok(!bytes.includes(n), `${name} holds a secret`);
  }
}

const filesBelow = (dir) => Object.fromEntries(fs.readdirSync(dir, { recursive: true }).map((n) => path.join(dir, n))
  .filter((f) => fs.statSync(f).isFile()).map((f) => [f, fs.readFileSync(f)]));

// A number from text, the same in every run: [0, n).
const pick = (text, n) => crypto.createHash('sha256').update(text).digest().readUInt32BE() % n;

// --- Which faults a call can have ---

const error = (...names) => names.map((n) => `error ${errno[n]}`);
const after = (...names) => names.map((n) => `after ${errno[n]}`);
const NO_DESCRIPTOR = ['EMFILE', 'ENFILE', 'ENOMEM'];
// By name, or name@kind where that is narrower. A call that is not here cannot fail in a way that its caller has to expect.
const FAULTS = {
  'open@read': error('EINTR', 'EACCES', 'EIO', ...NO_DESCRIPTOR), 'open@device': error('EINTR', 'EACCES', 'EBUSY', 'EMFILE'),
  'openat@read': error('EINTR', 'EACCES', 'EIO', ...NO_DESCRIPTOR), 'openat@dir': error('EACCES', 'EIO', 'EMFILE'),
  'openat@data': error('EINTR', 'ENOSPC', 'EDQUOT', 'EACCES', 'EROFS', 'EMFILE'),
  'read@read': [...error('EIO', 'EINTR'), 'short 0'], readv: error('EIO'), 'write@data': [...error('ENOSPC', 'EIO', 'EINTR', 'EDQUOT', 'EFBIG'), 'short 0'],
  'write@log': [...error('EPIPE', 'EAGAIN', 'EIO', 'ENOSPC'), 'short 0'], close: after('EIO', 'EINTR'), fstat: error('EIO', 'ENOMEM'),
  stat: error('EACCES', 'EIO'), lstat: error('EACCES', 'EIO'), newfstatat: error('EACCES', 'EIO'), access: error('EACCES', 'EROFS'), faccessat: error('EACCES', 'EROFS'), lseek: error('EIO'), getdents64: error('EIO'),
  fsync: [...error('EIO', 'ENOSPC', 'EINTR'), ...after('EIO')], renameat: error('EIO', 'ENOSPC', 'EACCES', 'EROFS'), unlinkat: error('EIO', 'EACCES', 'EBUSY'),
  mkdir: error('ENOSPC', 'EACCES', 'EROFS'), mkdirat: error('ENOSPC', 'EACCES', 'EROFS'), 'ioctl@device': error('EINTR', 'EIO', 'EBUSY', 'ENOTTY'),
  socket: error('EMFILE', 'ENFILE', 'ENOBUFS', 'EACCES'), 'connect@out': [...error('ECONNREFUSED', 'ENETUNREACH', 'ETIMEDOUT', 'EADDRNOTAVAIL'), ...after('EINTR')],
  bind: error('EADDRINUSE', 'EACCES'), listen: error('EADDRINUSE'), getsockname: error('ENOBUFS'), 'accept4@listen': error('EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'ECONNABORTED', 'EINTR', 'EPROTO'),
  'sendto@out': [...error('ECONNRESET', 'EPIPE', 'EINTR', 'EAGAIN', 'ENOBUFS'), 'short 0'], 'recvfrom@out': [...error('ECONNRESET', 'ETIMEDOUT', 'EINTR', 'EAGAIN'), 'short 0'],
  'sendto@in': [...error('ECONNRESET', 'EPIPE', 'EINTR', 'EAGAIN', 'ENOBUFS'), 'short 0'], 'recvfrom@in': [...error('ECONNRESET', 'EINTR', 'EAGAIN'), 'short 0'],
  setsockopt: error('ENOBUFS', 'ENOPROTOOPT'), getsockopt: error('ENOBUFS'), shutdown: error('ENOTCONN'), poll: error('EINTR', 'ENOMEM'),
  epoll_create1: error('EMFILE', 'ENOMEM'), epoll_ctl: error('ENOMEM', 'ENOSPC'), epoll_wait: error('EINTR'), epoll_pwait: error('EINTR'), nanosleep: error('EINTR'),
  clock_nanosleep: error('EINTR'), 'futex@wait': error('EINTR', 'EAGAIN'), rt_sigtimedwait: error('EINTR'), getrandom: [...error('EINTR', 'ENOSYS'), 'short 0'],
  mmap: error('ENOMEM'), mprotect: error('ENOMEM'), madvise: error('EINVAL'), mlock: error('ENOMEM', 'EPERM'), clone: error('EAGAIN', 'ENOMEM'), prctl: error('EPERM', 'EINVAL'),
  prlimit64: error('EPERM'), setrlimit: error('EPERM'), seccomp: error('EINVAL', 'ENOSYS'), landlock_create_ruleset: error('ENOSYS', 'EOPNOTSUPP', 'ENOMEM'),
  landlock_add_rule: error('ENOMEM'), landlock_restrict_self: error('EPERM'),
};
const DELAY = 'delay 80';
const faultsOf = (call) => FAULTS[call] || FAULTS[call.split('@')[0]] || [];

// The injections for one step, of which `calls` is what it calls when nothing interferes: [{call, n, fault, rule}].
// all: every fault (and a delay) at the n-th call for every n, up to `most` calls of a kind, evenly spread. Otherwise `few` places for each kind of
// call, evenly spread, each with one fault; which, the step's and the call's names decide. All random bytes come from one place of the program, hundreds
// of times in a step: fewer of those.
function plan(step, calls, { all = false, most = 24, few = 2 } = {}) {
  const count = new Map();
  for (const line of calls) count.set(line.split(' ')[0], (count.get(line.split(' ')[0]) || 0) + 1);
  const out = [];
  for (const [call, n] of [...count].sort()) {
    const faults = faultsOf(call);
    if (!faults.length) continue;
    const places = Math.min(n, !all ? few : call === 'getrandom' ? Math.min(most, 6) : most);
    for (let i = 0; i < places; i++) {
      const at = places === 1 ? 1 + pick(call + step, n) : 1 + Math.round((i * (n - 1)) / (places - 1));
      const chosen = all ? [...faults, DELAY] : [[...faults, DELAY][(pick(step + call, faults.length + 1) + i) % (faults.length + 1)]];
      for (const fault of chosen) out.push({ call, n: at, fault, rule: `${call} ${at} ${fault}\n` });
    }
  }
  return out;
}

module.exports = { Box, why, pidOf, killed, threads, resources, secretsOf, assertNoneOf, filesBelow, plan, pick, FAULTBOX };
