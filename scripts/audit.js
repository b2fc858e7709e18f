// make audit: what a reviewer would otherwise have to count. Prints one report; exit status 1 when a promise is broken or the
// tables of TCB.md are stale. UPDATE=1 writes the tables.
'use strict';
const { execFileSync, spawnSync } = require('child_process');
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');

process.chdir(path.join(__dirname, '..'));
const T = 'build/third_party';
const broken = [];
const say = (text = '') => process.stdout.write(`${text}\n`);
const read = (file) => fs.readFileSync(file, 'utf8');
const run = (command, ...args) => execFileSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28, env: { ...process.env, LC_ALL: 'C' } });
const promise = (truth, what) => { if (!truth) broken.push(what); return truth ? 'yes' : 'NO'; };

// The ceiling of the binary is the Makefile's; targets are what it is meant to become, said in TCB.md whether met or not.
const LIMITS = { binary: Number(/^MAX_SIZE := (\d+)$/m.exec(read('Makefile'))[1]), frame: 16384, object: 1024, calls: 40 };
const TARGETS = { own: 9000, tcb: 40000, binary: 560 * 1024 };
const ROOMS = [...['base', 'os', 'text', 'crypto', 'tls', 'snp', 'http', 'azure', 'attest', 'conf'].map((room) => `src/lib/${room}`),
  'src/party', 'src/party/records', 'src/party/query', 'src/demo', 'src/sidecar'];
const DATA = /anchors_data|_data\.c$/; // generated tables of certificates

function walk(dir, pattern) {
  if (!fs.existsSync(dir)) return [];
  return fs.readdirSync(dir, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1)).flatMap((e) => {
    const full = `${dir}/${e.name}`;
    if (e.isDirectory()) return e.name === 'node_modules' ? [] : walk(full, pattern);
    return pattern.test(e.name) ? [full] : [];
  });
}

// The lines of a file, those empty that hold no code: blank or comment only.
function bareLines(file) {
  const text = read(file);
  const bare = /\.(c|h|m?js|css|S|s)$/.test(file) ? text.replace(/\/\*[\s\S]*?\*\//g, (m) => m.replace(/[^\n]/g, '')).replace(/^\s*(\/\/|#\s).*$/gm, '') : text.replace(/^\s*#.*$/gm, '');
  return bare.split('\n');
}
const filled = (list) => list.filter((l) => l.trim()).length;
const codeLines = (file) => filled(bareLines(file));
const lines = (files) => files.reduce((n, f) => n + codeLines(f), 0);

// [from, to) of a function's definition in lines of our style: it ends at a brace in the first column.
function definition(list, name) {
  const head = new RegExp(`^[a-z].*\\b${name}\\(`);
  for (let i = 0; i < list.length; i++) {
    if (!head.test(list[i])) continue;
    const open = list.findIndex((l, j) => j >= i && /[{;]/.test(l));
    if (open < 0 || !list[open].includes('{')) continue;
    return [i, /\}\s*$/.test(list[open]) ? open + 1 : list.indexOf('}', open) + 1];
  }
  return null;
}

// What the linker did, from its map: {object: bytes} of what is in the program, and {object: [function]} of what was thrown away.
function linked(map) {
  const [, thrown, body] = /^Discarded input sections$([\s\S]*?)^Memory Configuration$[\s\S]*?^Linker script and memory map$([\s\S]*)/m.exec(read(map));
  const section = /^ (\.[\w.$-]+)(?:\s*\n)?\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+(\S+)$/gm;
  const [sizes, gone, kept] = [new Map(), new Map(), new Set()];
  for (const [, name, address, size, object] of body.matchAll(section)) {
    if (parseInt(address, 16) === 0 || parseInt(size, 16) === 0) continue;
    kept.add(`${object} ${name.split('.')[2]}`);
    if (!/^\.(debug|comment|note|symtab|strtab|bss)/.test(name)) sizes.set(object, (sizes.get(object) || 0) + parseInt(size, 16));
  }
  for (const [, name, , size, object] of thrown.matchAll(section)) {
    const [, kind, fn] = name.split('.');
    if (kind === 'text' && fn && parseInt(size, 16) > 0 && !kept.has(`${object} ${fn}`)) gone.set(object, [...(gone.get(object) || []), fn]);
  }
  return { objects: [...sizes], gone };
}

const member = (object) => (/\(([^)]+)\)$/.exec(object) || [0, ''])[1].replace(/\.(lo|o)$/, '');

// Source of an archive member. musl compiles x86_64's own version of a file in place of the general one.
function sources() {
  const bear = new Map(read('third_party/bearssl.files').split('\n').filter(Boolean).map((f) => [path.basename(f, '.c'), `${T}/bearssl/${f}`]));
  const musl = new Map();
  for (const o of walk(`${T}/musl-obj/obj`, /\.l?o$/)) {
    const stem = o.slice(`${T}/musl-obj/obj/`.length).replace(/\.l?o$/, '');
    const found = ['c', 's', 'S'].map((x) => `${T}/musl/${stem}.${x}`).find((f) => fs.existsSync(f));
    if (found) musl.set(path.basename(stem), found);
  }
  return { bear, musl };
}

// Our lines in the program: of each file whose object has bytes in it, without the functions that the linker threw away (they serve
// parleyctl), and the headers that these files include.
function ownCode({ objects, gone }) {
  const counted = new Map();
  const bytes = new Map();
  for (const [object, n] of objects) {
    const source = object.replace(/^build\/obj\/(.*)\.o$/, '$1.c');
    const where = source.startsWith('build/gen/') ? 'src/ui' : path.dirname(source);
    if (!where.startsWith('src/')) continue;
    bytes.set(where, (bytes.get(where) || 0) + n);
    if (where === 'src/ui' || DATA.test(source)) continue;
    const list = bareLines(source);
    for (const fn of gone.get(object) || []) {
      const at = definition(list, fn);
      promise(at, `${source}: no definition found of ${fn}, which the linker threw away`);
      if (at) list.fill('', ...at);
    }
    counted.set(source, filled(list));
    for (const [h] of read(object.replace(/o$/, 'd')).matchAll(/src\/[\w/]+\.h(?=[ :\\\n])/g)) if (!DATA.test(h)) counted.set(h, codeLines(h));
  }
  const rows = ROOMS.map((dir) => ({
    name: dir, bytes: bytes.get(dir) || 0, lines: [...counted].reduce((n, [f, l]) => n + (path.dirname(f) === dir ? l : 0), 0),
    all: lines(fs.readdirSync(dir).filter((f) => /\.[ch]$/.test(f)).map((f) => `${dir}/${f}`).filter((f) => !DATA.test(f))),
  }));
  const sum = (what) => rows.reduce((n, r) => n + r[what], 0);
  return { rows, lines: sum('lines'), all: sum('all'), bytes: sum('bytes'), page: bytes.get('src/ui') || 0 };
}

function thirdParty({ objects }) {
  const { bear, musl } = sources();
  const sum = (mark, table) => {
    const own = objects.filter(([o]) => o.includes(mark));
    const files = own.map(([o]) => table.get(member(o)));
    const unknown = own.filter((_, i) => !files[i]).map(([o]) => o);
    promise(unknown.length === 0, `no source known for ${unknown.join(' ')}`);
    return { objects: own.length, bytes: own.reduce((n, [, b]) => n + b, 0), lines: lines([...new Set(files.filter(Boolean))]), names: own.map(([o]) => member(o)).sort() };
  };
  return { bear: sum('libbearssl.a(', bear), musl: sum('libc.a(', musl), jsmn: { lines: codeLines(`${T}/jsmn/jsmn.h`) } };
}

// Objects in memory over 1 KiB, with what scripts/audit.memory says of them.
function memoryMap() {
  const found = run('nm', '-S', '--size-sort', '-l', 'build/parley.full').split('\n').map((l) => /^\S+ (\S+) [bBdD] (\S+)(?:\t.*?\b((?:src\/)?[\w/-]+\.c):\d+)?/.exec(l))
    .filter((m) => m && parseInt(m[1], 16) > LIMITS.object).map((m) => ({ object: m[2], bytes: parseInt(m[1], 16), file: m[3] || '' })).reverse();
  const said = read('scripts/audit.memory').split('\n').filter((l) => l && !l.startsWith('#')).map((l) => {
    const [file, object, kind, holds, wiped] = l.split('|');
    return { file, object, kind, holds, wiped };
  });
  const same = (a) => (b) => a.file === b.file && a.object === b.object;
  for (const o of found) promise(said.filter(same(o)).length === 1, `${o.file} ${o.object}: ${o.bytes} bytes of memory that scripts/audit.memory does not name (once)`);
  const source = [...walk('src', /\.c$/)].map((f) => bareLines(f));
  for (const s of said) {
    promise(found.some(same(s)), `scripts/audit.memory: no object ${s.object} of ${s.file} over ${LIMITS.object} bytes`);
    promise(s.kind === 'public' ? !s.wiped : s.kind === 'secret' && s.wiped, `scripts/audit.memory: ${s.file} ${s.object}: secret and where it is wiped, or public`);
    for (const [, fn] of (s.wiped || '').matchAll(/`(\w+)`/g)) {
      const wipes = source.some((list) => { const at = definition(list, fn); return at && /WIPE|wipe\(/.test(list.slice(...at).join('\n')); });
      promise(wipes, `scripts/audit.memory: ${s.object}: no function ${fn} that wipes`);
    }
  }
  return found.map((o) => ({ ...said.find(same(o)), ...o }));
}

// The system calls of a program: the lists of its modules (os/seal.h) that are linked into it. Each line has its reason.
function systemCalls(program) {
  const linked = new Set(run('nm', `build/${program}.full`).split('\n').map((l) => l.split(' ').pop()));
  const calls = [];
  for (const file of walk('src', /\.c$/)) {
    const text = read(file);
    const tables = new Map([...text.matchAll(/^static const struct seal_call (\w+)\[\] = \{\n([\s\S]*?)\n\};/gm)].map(([, name, body]) => [name, body]));
    const lists = [...text.matchAll(/^const struct seal_list (\w+) = \{ SEAL_CALLS\((\w+)\)/gm)];
    promise(tables.size === lists.length && lists.every(([, , name]) => tables.has(name)), `${file}: a table of system calls without its list, or a list without its table`);
    for (const [, list, name] of lists.filter(([, l]) => linked.has(l)))
      for (const l of tables.get(name).split('\n')) {
        const m = /^\tSEAL_(ALLOW|ALLOW_IF|REFUSE|REFUSE_IF)\((\w+)(?:, (.*))?\),\s*\/\* (.+) \*\/$/.exec(l);
        promise(m, `${file}: a line of the table without a reason: ${l.trim()}`);
        if (m) calls.push({ list, refused: m[1].startsWith('REFUSE'), name: m[2], tests: m[3] || '', reason: m[4] });
      }
  }
  const allowed = new Set(calls.filter((c) => !c.refused).map((c) => c.name)).size;
  promise(allowed > 0 && allowed <= LIMITS.calls, `${allowed} system calls allowed, more than ${LIMITS.calls} or none`);
  return { calls, allowed };
}

// The largest stack frames of all code in the program, ours and the libraries', from its instructions: what a function takes from the stack in all
// its places together, so never less than the frame. (Ours are held below the limit by the compiler, too.)
function frames() {
  const all = [];
  for (const part of run('objdump', '-d', '--no-show-raw-insn', 'build/parley.full').split(/\n\n/)) {
    const name = /^[0-9a-f]+ <([^>]+)>:/.exec(part);
    if (!name) continue;
    const taken = [...part.matchAll(/\tsub +\$0x([0-9a-f]+),%rsp|\tlea +-0x([0-9a-f]+)\(%rsp\),%r11/g)].map((m) => Number(BigInt.asIntN(64, BigInt(`0x${m[1] || m[2]}`)))).reduce((n, x) => n + Math.abs(x), 0);
    all.push([name[1], taken + 8 * [...part.matchAll(/\tpush /g)].length]);
  }
  return all.sort((a, b) => b[1] - a[1]);
}

const table = (head, rows) => [`| ${head.join(' | ')} |`, `|${head.map((h) => (/^(lines|bytes|KiB|all|is|target)/.test(h) ? '---:' : '---')).join('|')}|`, ...rows.map((r) => `| ${r.join(' | ')} |`)].join('\n');
const number = (n) => n.toLocaleString('en-US');
const bold = (row) => row.map((c) => c && `**${c}**`);

function tables(own, third, memory, seal) {
  const tcb = own.lines + third.bear.lines + third.musl.lines + third.jsmn.lines;
  const size = fs.statSync('build/parley').size;
  const target = (name, is, most) => [name, number(is), number(most), is <= most ? 'met' : `not met: ${number(is - most)} too many`];
  return {
    size: table(['part', 'lines in the program', 'bytes in the program', 'all lines'], [
      ...own.rows.map((r) => [`\`${r.name}\``, number(r.lines), number(r.bytes), number(r.all)]), bold(['own code', number(own.lines), number(own.bytes), number(own.all)]),
      [`BearSSL, ${third.bear.objects} objects linked`, number(third.bear.lines), number(third.bear.bytes), ''],
      [`musl, ${third.musl.objects} objects linked`, number(third.musl.lines), number(third.musl.bytes), ''], ['jsmn (in `src/lib/text`)', number(third.jsmn.lines), '', ''],
      bold(['whole TCB', number(tcb), '', '']), ['the page, served and not run', '', number(own.page), '']]),
    targets: table(['figure', 'is', 'target', ''], [target('own lines in the program', own.lines, TARGETS.own), target('lines of the whole TCB', tcb, TARGETS.tcb), target('bytes of the program', size, TARGETS.binary),
      target('system calls allowed', seal.allowed, LIMITS.calls)]),
    beside: table(['not in the program', 'lines of code'], [['the page (`src/ui`), runs in browsers', number(lines(walk('src/ui', /\.(m?js|css|html)$/)))], ['in the folders above, but for `parleyctl` and tests only', number(own.all - own.lines)],
      ['`parleyctl`\'s own part (`src/ctl`, `policy`)', number(lines([...walk('src/ctl', /\.[ch]$/), ...walk('policy', /\.[ch]$/)]))], ['tests and stand-ins', number(lines(walk('tests', /\.(c|h|m?js|sh)$/)))],
      ['build and scripts', number(lines([...walk('scripts', /./), 'Makefile', 'tests/tests.mk', 'tests/bench/bench.mk', ...walk('third_party', /./)]))]]),
    calls: table(['system call', 'only when', 'for', 'list'], seal.calls.map((c) => [c.refused ? `${c.name} (fails)` : c.name, c.tests ? `\`${c.tests.replace(/\|/g, '\\|')}\`` : '', c.reason, `\`${c.list}\``])),
    memory: table(['object', 'KiB', '', 'holds', 'wiped'], memory.map((o) => [`\`${o.file}\` \`${o.object}\``, number(Math.ceil(o.bytes / 1024)), o.kind, o.holds, o.wiped])),
  };
}

// Replaces what stands between <!-- audit:NAME --> and <!-- /audit --> of TCB.md.
function updateDocument(parts) {
  const old = read('TCB.md');
  const fresh = Object.entries(parts).reduce((text, [name, body]) => {
    promise(text.includes(`<!-- audit:${name} -->`), `TCB.md has no place for the table ${name}`);
    return text.replace(new RegExp(`(<!-- audit:${name} -->\\n)[\\s\\S]*?(<!-- /audit -->)`), (_, a, b) => `${a}${body}\n${b}`);
  }, old);
  if (fresh === old) return;
  if (process.env.UPDATE) { fs.writeFileSync('TCB.md', fresh); say('TCB.md updated'); } else broken.push('the tables of TCB.md are stale: make audit UPDATE=1');
}

// The checks that are tests, too: what each of them promises.
const CHECKS = {
  rooms: 'rooms and fences, by #include and by symbol', symbols: 'no forbidden symbol, none undefined', elf: 'static-pie; no INTERP, NEEDED, TEXTREL, RWX, executable stack; RELRO; stripped; within the size',
  paths: 'no path of the build machine', threats: 'THREATS.md names what exists',
};
function checks() {
  for (const [name, what] of Object.entries(CHECKS)) {
    const r = spawnSync('sh', [`tests/checks/${name}.sh`], { encoding: 'utf8' });
    say(`  ${promise(r.status === 0, `${name}: ${r.stdout}${r.stderr}`).padEnd(4)} ${what}`);
  }
}

function main() {
  const link = linked('build/parley.map');
  const own = ownCode(link);
  const third = thirdParty(link);
  const seal = systemCalls('parley');
  const t = tables(own, third, memoryMap(), seal);
  const largest = frames().slice(0, 10);
  say('# Audit of build/parley\n');
  say(`${t.size}\n\n${t.targets}\n\n${t.beside}\n`);
  say(`BearSSL: ${third.bear.names.join(' ')}\n\nmusl: ${third.musl.names.join(' ')}\n`);
  say(`Memory over 1 KiB (static; there is no heap)\n\n${t.memory}\n\nSystem calls after start: ${seal.allowed}\n\n${t.calls}\n`);
  say('Largest stack frames (bytes, at most)');
  for (const [name, bytes] of largest) say(`  ${number(bytes).padStart(8)}  ${name}`);
  say('\nPromises');
  checks();
  say(`  ${promise(largest[0][1] <= LIMITS.frame, `${largest[0][0]}: a stack frame of up to ${largest[0][1]} bytes`).padEnd(4)} stack frames up to ${number(LIMITS.frame)} bytes`);
  say(`  ${promise(fs.statSync('build/parley').size <= LIMITS.binary, 'build/parley is larger than MAX_SIZE').padEnd(4)} ${number(fs.statSync('build/parley').size)} of ${number(LIMITS.binary)} bytes`);
  say('\nHashes (SHA-256)');
  for (const f of ['build/parley', 'build/parleyctl']) say(`  ${crypto.createHash('sha256').update(fs.readFileSync(f)).digest('hex')}  ${f}`);
  updateDocument(t);
  broken.forEach((b) => say(`\nBROKEN: ${b.trim()}`));
  process.exitCode = broken.length ? 1 : 0;
}

main();
