// Random policies and requests: parleyctl's answers are those of a second evaluator (lib-guest.js), whatever form the policy is written
// in; diff never calls the same what answers differently; explain finds every member that nobody knows. The seed is fixed.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const test = require('node:test');
const { spawnSync } = require('node:child_process');
const { Guest, POINTS, DEFAULT_MOUNTS, USUAL } = require('./lib-guest');

const CTL = path.resolve(__dirname, '../../build/parleyctl');
const POLICIES = 160, REQUESTS = 40;
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'parley-property-'));
test.after(() => fs.rmSync(dir, { recursive: true, force: true }));

// xorshift32.
let state = 20260901;
function below(n) {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % n;
}
const oneIn = (n) => below(n) === 0;
const pick = (list) => list[below(list.length)];
const some = (list, most) => Array.from({ length: below(most + 1) }, () => pick(list));
const shuffled = (list) => list.map((v) => [below(1 << 20), v]).sort((a, b) => a[0] - b[0]).map((p) => p[1]);
const copy = (v) => JSON.parse(JSON.stringify(v));

// --- Values: few of each, so that policies and requests meet often ---
const LAYERS = ['a', 'b', 'c'].map((c) => c.repeat(64));
const ID = 'd'.repeat(64), SANDBOX = `/run/gcs/c/${ID}/sandboxMounts`, HUGE = `${SANDBOX}/hugepages`;
const VARIABLES = ['A=1', 'A=', 'A=12', 'A=5$', 'A=5$ and more', 'B=x', 'B=y', 'A=aa', 'FAB_a=1', 'fab_b=', 'C={"a": 1}', 'Q="a b"', 'W=C:\\Temp',
  'U=größe', 'N=$', 'N=$z', 'X', 'A=1B=2', 'Z=a=b', 'L=/x.so', 'A=\u212a', 'M=1\nA=1', 'S=a/b'];
const PATTERNS = ['A=.*', 'A=[0-9]+', 'B=(x|y)', 'A=1|B=x', 'A=[0-9]+\\$', '^A=.', 'A=12$', '(?i)fab_.+=.*', '(?i)a=k', 'C=\\{.*\\}', 'Q="a b"', 'W=C:\\\\Temp',
  'U=gr.{2}e', 'U=gr[ö]ße', '[A-Z]=[^ ]+', 'N=\\', '', 'A=(', 'A=a{2}', 'A=\\w+', '^', '.', 'A=(?:1|12)', 'X', 'L=.+\\.so', '\\S+', 'S=a/b', 'M=1[\\s\\S]*', 'A=1\\b.*'];
const STRATEGIES = [...Array(8).fill('re2'), ...Array(5).fill('string'), 'any'];
const envRule = () => {
  const rule = oneIn(3) ? { name: pick(['A', 'B', '[A-Z]', '.+', 'FAB_.+', 'Z']), name_strategy: pick(STRATEGIES), value: pick(['1', '.*', '[0-9]+', 'a=b', '']), value_strategy: pick(STRATEGIES) } :
    oneIn(2) ? { pattern: pick(VARIABLES), strategy: 'string' } : { pattern: pick(PATTERNS), strategy: pick(STRATEGIES) };
  return { ...rule, ...(oneIn(4) ? { required: pick([true, false, false, oneIn(4) ? null : true]) } : {}) };
};
const MOUNTS = [
  { type: 'bind', source: 'sandbox:///tmp/.+', destination: '/etc/resolv.conf', options: ['rbind', 'rshared', 'rw'] },
  { type: 'bind', source: 'sandbox://x|y', destination: '/x', options: ['rw'] }, { type: 'tmpfs', source: 'shm', destination: '/x', options: ['rw', 'rw'] },
  { type: 'bind', source: 'hugepages://[0-9]M', destination: '/h', options: [] },
];
const asked = [
  ...DEFAULT_MOUNTS, { type: 'bind', source: `${SANDBOX}/tmp/1`, destination: '/etc/resolv.conf', options: ['rw', 'rbind', 'rshared'] },
  { type: 'bind', source: `${SANDBOX}/tmp/`, destination: '/etc/resolv.conf', options: ['rw', 'rbind', 'rshared'] },
  { type: 'bind', source: `${SANDBOX}x`, destination: '/x', options: ['rw'] }, { type: 'bind', source: 'zy', destination: '/x', options: ['rw'] },
  { type: 'tmpfs', source: 'shm', destination: '/x', options: ['rw', 'rw'] }, { type: 'tmpfs', source: 'shm', destination: '/x', options: ['rw'] },
  { type: 'bind', source: `${HUGE}2M`, destination: '/h', options: [] }, { type: 'bind', source: `/run/gcs/c/${ID}/hosts`, destination: '/etc/hosts', options: ['bind'] },
  { type: 'bind', source: `/run/gcs/c/${ID}/hosts`, destination: '/etc/hostname', options: ['bind', 'ro'] }, { type: 'bind', source: 'sandbox:///tmp/.+', destination: '/etc/resolv.conf', options: ['rw', 'rbind', 'rshared'] },
  { type: 'sysfs', source: 'sysfs', destination: '/sys', options: ['nosuid', 'noexec', 'nodev', 'rw'] }, { type: 'proc', source: 'proc', destination: '/proc', options: ['rw'] },
];
// One thing about it is another.
function nearly(m) {
  const [first, ...others] = m.options;
  return { ...m, ...pick([{ source: '/evil' }, { source: `x${m.source}` }, { type: 'bind' }, { type: 'tmpfs' }, { options: others }, { options: ['exec', ...m.options] }, { options: ['exec', ...others] },
    { options: [first, ...m.options] }, { destination: '/x' }, { destination: '' }]) };
}
const COMMANDS = [['/app'], ['/app', '-x'], ['/app', ''], ['/a "b"\\c'], []];
const caps = () => Object.fromEntries(['ambient', 'bounding', 'effective', 'inheritable', 'permitted'].map((s) => [s, oneIn(3) ? some(['CAP_A', 'CAP_B', 'CAP_C'], 2) : []]));
const id = () => ({ pattern: pick(['0', 'root', 'r.*', '']), strategy: pick(['any', 'id', 'id', 'name', 're2', 'no']) });

function container(name) {
  const c = {
    name, id: `image ${name}`, layers: some(LAYERS, 2).concat(LAYERS[0]), command: pick(COMMANDS), env_rules: Array.from({ length: below(5) }, envRule), mounts: oneIn(3) ? [] : [...some(MOUNTS, 3), pick(MOUNTS)],
    allow_elevated: oneIn(4), working_dir: pick(['/', '/', '/w']), exec_processes: Array.from({ length: below(3) }, () => ({ command: pick(COMMANDS), signals: some([9, 10, 15], 2) })),
    signals: some([9, 10, 15], 2), allow_stdio_access: oneIn(4), no_new_privileges: oneIn(4), seccomp_profile_sha256: pick(['', '', '', 'ff']), capabilities: oneIn(8) ? null : caps(),
    user: { umask: pick(['0022', '0022', '0022', '0077']), user_idname: id(), group_idnames: Array.from({ length: 1 + below(2) }, id) },
  };
  if (!oneIn(6)) Object.assign(c, { user: { umask: '0022', user_idname: { pattern: '', strategy: 'any' }, group_idnames: [{ pattern: '', strategy: 'any' }] }, seccomp_profile_sha256: '' });
  if (oneIn(12)) delete c[pick(Object.keys(c))];
  if (oneIn(20)) c[pick(['no_new_privileges', 'allow_elevated'])] = pick([null, 'yes', 0]);
  return c;
}

const FLAGS = ['allow_properties_access', 'allow_dump_stacks', 'allow_runtime_logging', 'allow_environment_variable_dropping', 'allow_unencrypted_scratch', 'allow_capability_dropping', 'allow_host_network'];

// Mostly what works: one container or several alike, and the versions in use.
function makePolicy() {
  const first = container('one'), p = {
    [oneIn(8) ? 'api_svn' : 'api_version']: oneIn(6) ? pick(['0.1.0', '0.5.0', '0.9.0', '0.11.0', '0.12.0', '0.13.0', '0.10', 'x', '0.010.0']) : '0.10.0',
    [oneIn(8) ? 'framework_svn' : 'framework_version']: oneIn(4) ? pick(['0.1.0', '0.2.0', '0.2.1', '0.2.2', '0.4.1', '0.6.0', '1.0.0', 'x']) : pick(['0.2.3', '0.5.0', '0.5.0']),
    containers: [first],
  };
  for (const other of ['two', 'three'].slice(below(3))) p.containers.push(oneIn(2) ? container(other) : { ...copy(first), name: other, ...(oneIn(2) ? { env_rules: [...first.env_rules || [], envRule()] } : { allow_stdio_access: oneIn(2) }) });
  for (const flag of FLAGS) if (!oneIn(8)) p[flag] = oneIn(30) ? null : flag.endsWith('dropping') ? !oneIn(4) : oneIn(3);
  for (const point of Object.keys(POINTS)) if (!oneIn(20)) p[point] = oneIn(25) ? { allowed: oneIn(2) } : { ref: `data.framework.${point}` };
  if (oneIn(2)) p.platform_rules = Array.from({ length: 1 + below(2) }, () => ({ ...(oneIn(4) ? {} : { env_rules: [envRule(), envRule()] }), ...(oneIn(2) ? { mounts: some(MOUNTS, 2) } : {}) }));
  if (oneIn(3)) p.external_processes = Array.from({ length: 1 + below(2) }, () => ({ command: pick(COMMANDS), env_rules: [envRule()], working_dir: '/', ...(oneIn(6) ? {} : { allow_stdio_access: oneIn(2) }) }));
  if (oneIn(3)) p.fragments = [{ issuer: 'did:x', feed: 'f"1"', minimum_svn: pick(['4', 4]), includes: ['containers'] }];
  if (oneIn(20)) p.api_svn = '0.1.0';
  return p;
}

// --- Rego in one of its many forms ---
function text(v) {
  if (typeof v === 'string') {
    if (oneIn(3) && !/[`\r]/.test(v)) return `\`${v}\``;
    const letter = (c) => (oneIn(6) && c < '\u{10000}' ? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}` :
      c === '/' && oneIn(2) ? '\\/' : JSON.stringify(c).slice(1, -1));
    return `"${[...v].map(letter).join('')}"`;
  }
  if (v === null || typeof v !== 'object') return String(v);
  const gap = () => pick(['', ' ', '\n  ', '\t', ' # ], } "\n']);
  const items = Array.isArray(v) ? v.map(text) : shuffled(Object.entries(v)).map(([k, x]) => `${JSON.stringify(k)}${pick([':', ' : '])}${text(x)}`);
  const [open, close] = Array.isArray(v) ? '[]' : '{}';
  return `${open}${gap()}${items.join(`,${gap()}`)}${items.length && oneIn(3) ? ',' : ''}${gap()}${close}`;
}
const statement = ([name, v]) => `${FLAGS.includes(name) && oneIn(6) ? 'default ' : ''}${name}${pick([' := ', ':=', ' = '])}${v && v.ref ? v.ref : text(v)}${pick(['', ' # said', '  '])}\n`;
const rego = (p) => `${pick(['', '# a policy\n\n'])}package policy\n${pick(['', 'import rego.v1\n', 'import future.keywords.in\n'])}${shuffled(Object.entries(p)).map(statement).join(pick(['', '\n']))}`;

// --- Requests ---
function create(p, n) {
  const list = p.containers || [], c = list.length ? pick(list) : {}, taken = (c.env_rules || []).filter((r) => r.strategy === 'string').map((r) => r.pattern);
  const old = /^0\.(1|2)\.[01]$/.test(p.framework_version || p.framework_svn) || c.capabilities === null;
  const r = {
    point: 'create_container', containerID: `c${n}`, layers: c.layers || LAYERS.slice(0, 1), argList: c.command || ['/app'], envList: shuffled([...taken, ...some(VARIABLES, 4)]), workingDir: c.working_dir || '/',
    sandboxDir: SANDBOX, hugePagesDir: HUGE, mounts: [...some(DEFAULT_MOUNTS, 2), ...(oneIn(3) ? [pick(asked)] : []), ...(oneIn(6) ? [nearly(pick(asked))] : [])], devices: [], privileged: oneIn(10), noNewPrivileges: !oneIn(4), user: pick([{ id: '0', name: '' }, { id: '0', name: 'root' }]),
    groups: [{ id: '0', name: 'root' }], umask: (c.user || {}).umask || '0022', seccompProfileSHA256: c.seccomp_profile_sha256 || '', isSandboxContainer: oneIn(6),
    capabilities: old ? { bounding: USUAL, effective: USUAL, permitted: USUAL, inheritable: [], ambient: [] } : oneIn(6) || !c.capabilities ? caps() : { ...copy(c.capabilities), ...(oneIn(2) ? { bounding: [...c.capabilities.bounding || [], 'CAP_Z'] } : {}) },
  };
  const change = oneIn(3) && pick([['argList', pick(COMMANDS)], ['workingDir', '/w'], ['umask', '0000'], ['user', { id: '5', name: 'rob' }], ['groups', [{ id: '7', name: 'x' }]], ['groups', []], ['seccompProfileSHA256', '00'],
    ['devices', ['/dev/x']], ['layers', [LAYERS[2]]], ['mounts', some(asked, 4)], ['containerID', 'c0'], ['envList', some(VARIABLES, 6)], ['envList', ['A=1', 'A=1', 'B=x']]]);
  if (change) [, r[change[0]]] = change;
  return r;
}

// made: the requests to create a container before this one.
function request(p, n, made) {
  const past = () => (made.length && !oneIn(8) ? pick(made).containerID : 'c0'), c = p.containers && p.containers.length ? pick(p.containers) : {}, target = `/run/mounts/scsi/m${below(3)}`;
  const disk = pick([`/run/gcs/c/${ID}`, '/run/gcs/c/x']), exec = pick(c.exec_processes && c.exec_processes.length ? c.exec_processes : [{ command: ['/app'] }]);
  return pick([
    () => ({ point: 'mount_device', target: pick([target, '/run/mounts/scsi/mx']), deviceHash: pick([...LAYERS, 'e']) }), () => ({ point: 'unmount_device', unmountTarget: target }),
    () => ({ point: 'mount_overlay', containerID: past(), target: `/run/c/${below(4)}`, layerPaths: (c.layers || LAYERS).map((l) => `/run/mounts/scsi/m${LAYERS.indexOf(l)}`).reverse() }),
    () => ({ point: 'unmount_overlay', unmountTarget: `/run/c/${below(4)}` }), () => ({ point: 'rw_mount_device', target: disk, encrypted: oneIn(2), ensureFilesystem: !oneIn(4), filesystem: pick(['ext4', 'xfs', 'vfat']) }),
    () => ({ ...(made.length && !oneIn(4) ? pick(made) : create(p, n)), point: 'exec_in_container', argList: exec.command }), () => ({ ...(made.length && !oneIn(4) ? pick(made) : create(p, n)), point: 'exec_in_container', argList: exec.command }),
    () => ({ ...(made.length && !oneIn(4) ? pick(made) : create(p, n)), point: 'exec_in_container', argList: exec.command }), () => ({ ...create(p, n), point: 'exec_external', argList: pick(COMMANDS), workingDir: '/' }),
    () => ({ point: 'shutdown_container', containerID: past() }), () => ({ point: 'signal_container_process', containerID: past(), isInitProcess: oneIn(2), signal: pick([9, 10, 15]), argList: exec.command }),
    () => ({ point: 'plan9_mount', target: pick([`/run/gcs/c/${past()}/mounts/m1`, '/run/gcs/c/mounts/m1']) }), () => ({ point: 'plan9_unmount', unmountTarget: `/run/gcs/c/${past()}/mounts/m1` }),
    () => ({ point: pick(['get_properties', 'dump_stacks', 'runtime_logging', 'host_network']) }), () => ({ point: 'load_fragment', issuer: pick(['did:x', 'did:y']), feed: 'f"1"', svn: pick(['3', 4, '5']) }),
    () => ({ point: 'scratch_mount', target: `/s${below(2)}`, encrypted: oneIn(2) }), () => ({ point: 'scratch_unmount', unmountTarget: `/s${below(2)}` }),
  ])();
}
const mounted = () => LAYERS.map((deviceHash, i) => ({ point: 'mount_device', target: `/run/mounts/scsi/m${i}`, deviceHash }));
function requestsFor(p) {
  const list = oneIn(2) ? mounted() : [];
  for (let n = 0; n < REQUESTS; n++) list.push(oneIn(2) ? create(p, n) : request(p, n, list.filter((r) => r.point === 'create_container')));
  return list;
}

// --- Answers, as parleyctl prints them ---
const shown = (s) => Buffer.from(s).reduce((t, b) => t + (b >= 0x20 && b < 0x7f ? String.fromCharCode(b) : `\\x${b.toString(16).padStart(2, '0')}`), '');
function expected(p, requests) {
  const guest = new Guest(p);
  return requests.map((r) => {
    const a = guest.enforce(r);
    return `${a.allow ? 'allow' : 'deny'} ${r.point}${a.env ? ` ${JSON.stringify(r.envList.map((v) => (a.env.includes(v) ? '+' : '-') + shown(v)))}` : ''}${'stdio' in a ? ` ${a.stdio}` : ''}`;
  });
}
const file = (name, content) => { fs.writeFileSync(path.join(dir, name), content); return path.join(dir, name); };
const ctl = (...args) => spawnSync(CTL, ['policy', ...args], { encoding: 'utf8' });
function actual(policy, requests) {
  const r = ctl('simulate', file('p.rego', policy), '--request', file('r.json', JSON.stringify(requests).replace(/ö/g, () => pick(['ö', '\\u00f6']))));
  assert.equal(r.stderr, '', policy);
  const answers = [];
  for (const line of r.stdout.split('\n').slice(0, -1)) {
    const verdict = /^(allow|deny|\?) +(\w+)/.exec(line), kept = /^ {6}(keeps|drops) (.*)$/.exec(line), stdio = /^ {6}(input and output are open|no input, no output)$/.exec(line);
    if (verdict) answers.push({ line, text: `${verdict[1]} ${verdict[2]}`, env: null, stdio: '' });
    const last = answers[answers.length - 1];
    if (kept) last.env = [...last.env || [], (kept[1] === 'keeps' ? '+' : '-') + kept[2]];
    if (stdio) last.stdio = ` ${stdio[1] === 'input and output are open'}`;
  }
  return answers;
}

test(`${POLICIES} policies, ${REQUESTS} requests each: as the second evaluator answers`, () => {
  const seen = {};
  for (let i = 0; i < POLICIES; i++) {
    const p = makePolicy(), requests = requestsFor(p), written = rego(p), want = expected(p, requests);
    const lines = actual(written, requests), got = lines.map((a, k) => `${a.text}${want[k] && /^allow \w+ \[/.test(want[k]) ? ` ${JSON.stringify(a.env || [])}` : ''}${a.stdio}`);
    requests.forEach((r, k) => {
      assert.equal(got[k], want[k], `${lines[k].line}\npolicy ${i}, request ${k}: ${JSON.stringify(r)}\n${written}`);
      const key = want[k].split(' ').slice(0, 2).join(' ');
      seen[key] = (seen[key] || 0) + 1;
    });
  }
  // Neither answer is rare: else the test would show little.
  for (const point of Object.keys(POINTS)) for (const verdict of ['allow', 'deny']) assert.ok(seen[`${verdict} ${point}`] >= 4, `${verdict} ${point}: ${seen[`${verdict} ${point}`]} of ${JSON.stringify(seen)}`);
  assert.ok(seen['allow create_container'] >= 300, JSON.stringify(seen));
});

// One value in it becomes another, or goes, or comes.
function changed(p) {
  const q = copy(p), places = [];
  const walk = (v, k, on) => {
    if (k !== undefined) places.push([on, k]);
    if (v && typeof v === 'object' && !v.ref) for (const key of Object.keys(v)) walk(v[key], key, v);
  };
  walk(q);
  const [on, k] = pick(places), v = on[k];
  if (Array.isArray(on) && oneIn(2)) on.splice(k, 1);
  else if (typeof v === 'boolean') on[k] = !v;
  else if (typeof v === 'string') on[k] = pick([`${v}x`, v.slice(1), v.replace(/[.]/, '!'), `${v}$`]);
  else if (Array.isArray(v)) v.push(v.length ? copy(pick(v)) : 'CAP_A');
  else if (typeof v === 'number') on[k] = v + 1;
  else if (Array.isArray(on)) on.splice(k, 1);
  else delete on[k];
  return q;
}

test('diff: two forms of one policy are the same; what answers differently never is', () => {
  let told = 0, differ = 0;
  for (let i = 0; i < POLICIES / 2; i++) {
    const p = makePolicy(), q = changed(p);
    for (const flag of FLAGS) if (p[flag] === null) p[flag] = q[flag] = true;
    const again = ctl('diff', file('a.rego', rego(p)), file('b.rego', rego(p)));
    const between = ctl('diff', file('a.rego', rego(p)), file('b.rego', rego(q)));
    assert.ok([0, 1].includes(again.status) && [0, 1].includes(between.status), again.stderr + between.stderr);
    told += /the same is allowed/.test(again.stdout);
    const requests = [...requestsFor(p), ...requestsFor(q)];
    if (JSON.stringify(expected(p, requests)) === JSON.stringify(expected(q, requests))) continue;
    differ++;
    assert.doesNotMatch(between.stdout, /the same is allowed/, `${JSON.stringify(p)}\n${JSON.stringify(q)}`);
    assert.equal(between.status, 1);
    assert.match(between.stdout, /^([-+] |NOT COMPARED)/m);
  }
  assert.ok(told >= 40 && differ >= 10, `${told} times the same, ${differ} times different`);
});

test('explain --strict: a member or statement that nobody knows is loose, wherever it stands', () => {
  for (let i = 0; i < POLICIES / 4; i++) {
    const p = makePolicy(), objects = [p];
    const walk = (v) => { if (v && typeof v === 'object' && !v.ref && !('allowed' in v)) { if (!Array.isArray(v)) objects.push(v); Object.values(v).forEach(walk); } };
    Object.values(p).forEach(walk);
    pick(objects).never_heard_of = pick([true, 'x', []]);
    const r = ctl('explain', '--strict', file('p.rego', rego(p)));
    assert.equal(r.status, 1);
    assert.match(r.stdout, /^LOOSE: not understood, .*: never_heard_of$/m);
    assert.doesNotMatch(ctl('diff', file('a.rego', rego(p)), file('b.rego', rego(p))).stdout, /the same is allowed/);
  }
});
