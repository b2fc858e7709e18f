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

const LIMITS = { binary: 532480, frame: 16384, object: 1024 };

function walk(dir, pattern) {
  if (!fs.existsSync(dir)) return [];
  return fs.readdirSync(dir, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1)).flatMap((e) => {
    const full = `${dir}/${e.name}`;
    if (e.isDirectory()) return e.name === 'node_modules' ? [] : walk(full, pattern);
    return pattern.test(e.name) ? [full] : [];
  });
}

// Lines that hold code: neither blank nor comment only. hash: the comment sign of scripts.
function codeLines(file) {
  const text = read(file);
  const bare = /\.(c|h|js|css|S|s)$/.test(file) ? text.replace(/\/\*[\s\S]*?\*\//g, (m) => m.replace(/[^\n]/g, '')).replace(/^\s*(\/\/|#\s).*$/gm, '') : text.replace(/^\s*#.*$/gm, '');
  return bare.split('\n').filter((l) => l.trim()).length;
}
const lines = (files) => files.reduce((n, f) => n + codeLines(f), 0);

// Bytes that each input object has in the linked program, from the linker's map: {object: bytes}, without what was discarded.
function linkedObjects(map) {
  const text = read(map);
  const body = text.slice(text.indexOf('Linker script and memory map'));
  const sizes = new Map();
  const section = /^ (\.[\w.$-]+)(?:\s*\n)?\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+(\S+)$/gm;
  for (const [, name, address, size, object] of body.matchAll(section)) {
    if (/^\.(debug|comment|note|symtab|strtab|bss)/.test(name) || parseInt(address, 16) === 0) continue;
    sizes.set(object, (sizes.get(object) || 0) + parseInt(size, 16));
  }
  return [...sizes].filter(([, n]) => n > 0);
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

function ownCode() {
  const folders = ['base', 'plat', 'enc', 'crypto', 'tee', 'client', 'svc', 'http'];
  const data = /anchors_data|_data\.c$/; // generated tables of certificates
  const rows = folders.map((d) => [`src/${d}`, lines(walk(`src/${d}`, /\.[ch]$/).filter((f) => !data.test(f)))]);
  rows.push(['src/main.c', codeLines('src/main.c')]);
  return { rows, total: rows.reduce((n, r) => n + r[1], 0), ui: lines(walk('src/ui', /\.(js|css|html)$/)), ctl: lines(walk('src/ctl', /\.[ch]$/)), tests: lines(walk('tests', /\.(c|h|js|sh)$/)), tools: lines([...walk('scripts', /./), 'Makefile']) };
}

function thirdParty(objects) {
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

// Objects in memory over 1 KiB: name, bytes, file.
function memoryMap() {
  return run('nm', '-S', '--size-sort', '-l', 'build/parley.full').split('\n').map((l) => /^\S+ (\S+) ([bBdD]) (\S+)(?:\t.*?(src\/[^:]+|[\w-]+\.c):\d+)?/.exec(l))
    .filter((m) => m && parseInt(m[1], 16) > LIMITS.object).map((m) => ({ name: m[3], bytes: parseInt(m[1], 16), file: m[4] || '' })).reverse();
}

const table = (head, rows) => [`| ${head.join(' | ')} |`, `|${head.map((_, i) => (i ? '---:' : '---')).join('|')}|`, ...rows.map((r) => `| ${r.join(' | ')} |`)].join('\n');
const number = (n) => n.toLocaleString('en-US');

function tables(own, third) {
  const tcb = own.total + third.bear.lines + third.musl.lines + third.jsmn.lines;
  return {
    size: table(['part', 'lines of code'], [...own.rows.map(([d, n]) => [`\`${d}\``, number(n)]), ['**own code in the program**', `**${number(own.total)}**`],
      [`BearSSL, ${third.bear.objects} objects linked`, number(third.bear.lines)], [`musl, ${third.musl.objects} objects linked`, number(third.musl.lines)], ['jsmn', number(third.jsmn.lines)], ['**whole TCB**', `**${number(tcb)}**`]]),
    beside: table(['not in the program', 'lines of code'], [['the page (`src/ui`), runs in browsers', number(own.ui)], ['`parleyctl`\'s own part (`src/ctl`)', number(own.ctl)], ['tests and stand-ins', number(own.tests)], ['build and scripts', number(own.tools)]]),
    tcb,
  };
}

// Replaces what stands between <!-- audit:NAME --> and <!-- /audit --> of TCB.md.
function updateDocument(parts) {
  const old = read('TCB.md');
  const fresh = Object.entries(parts).reduce((text, [name, body]) => text.replace(new RegExp(`(<!-- audit:${name} -->\\n)[\\s\\S]*?(\\n<!-- /audit -->)`), (_, a, b) => a + body + b), old);
  if (fresh === old) return;
  if (process.env.UPDATE) { fs.writeFileSync('TCB.md', fresh); say('TCB.md updated'); } else broken.push('the tables of TCB.md are stale: make audit UPDATE=1');
}

function checks() {
  for (const name of ['layers', 'symbols', 'elf', 'paths']) {
    const r = spawnSync('sh', [`tests/checks/${name}.sh`], { encoding: 'utf8' });
    say(`  ${name.padEnd(10)} ${promise(r.status === 0, `${name}: ${r.stdout}${r.stderr}`)}`);
  }
}

function main() {
  const objects = linkedObjects('build/parley.map');
  const own = ownCode();
  const third = thirdParty(objects);
  const t = tables(own, third);
  say('# Audit of build/parley\n');
  say(`${t.size}\n\n${t.beside}\n`);
  say(`BearSSL: ${number(third.bear.bytes)} bytes: ${third.bear.names.join(' ')}\n\nmusl: ${number(third.musl.bytes)} bytes: ${third.musl.names.join(' ')}\n`);
  say('Memory over 1 KiB (static; there is no heap)');
  for (const o of memoryMap()) say(`  ${number(o.bytes).padStart(12)}  ${o.name.padEnd(20)} ${o.file}`);
  say('\nPromises');
  checks();
  const size = fs.statSync('build/parley').size;
  say(`  size       ${promise(size <= LIMITS.binary, `build/parley has ${size} bytes`)} (${number(size)} of ${number(LIMITS.binary)})`);
  say('\nHashes (SHA-256)');
  for (const f of ['build/parley', 'build/parleyctl']) say(`  ${crypto.createHash('sha256').update(fs.readFileSync(f)).digest('hex')}  ${f}`);
  updateDocument({ size: t.size, beside: t.beside });
  broken.forEach((b) => say(`\nBROKEN: ${b.trim()}`));
  process.exitCode = broken.length ? 1 : 0;
}

main();
