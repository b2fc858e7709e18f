// The main job beside a straightforward Python implementation: analysis of 500, 10,000 and 1,000,000 records a company, import, and what a
// key release costs in round trips.
'use strict';
const assert = require('node:assert');
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const { World } = require('../world/world');
const { legacyRecords } = require('../e2e/lib-peer');
const { ROOT, DIR, run, say, meter, spentBy, residentKiB, peakKiB, median } = require('./lib');

const SIZES = [500, 10000, 1000000];
const PYTHON_MAX = 100000; // records of each company that Python is given; its time for more is scaled up and said to be
const COMPANIES = ['contoso', 'fabrikam'];
const PARTIES = [...COMPANIES, 'woodgrove'];

async function sample(company, rows) {
  const file = path.join(DIR, `${company}-${rows}.csv`);
  if (!fs.existsSync(file)) {
    const { stdout } = await run(process.execPath, [path.join(ROOT, 'tests/data/make-sample.js'), company, String(rows)], { maxBuffer: 1 << 30 });
    fs.writeFileSync(file, stdout);
  }
  return file;
}

const python = async (...args) => JSON.parse((await run('python3', [path.join(__dirname, 'parties.py'), ...args], { maxBuffer: 1 << 28 })).stdout);
const sum = (list) => list.reduce((a, b) => a + b, 0);

function keyFile(world, company) {
  const [version] = world.services.vaultNamed(company).keys.get(`${company}-secret-key`);
  const file = path.join(DIR, `${company}-key.pem`);
  fs.writeFileSync(file, version.secret.key.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  return { file, jwk: crypto.createPublicKey(version.secret.key).export({ format: 'jwk' }) };
}

const dataFile = (world, company) => path.join(world.settings[company].DATA_DIR, `${company}-encrypted.jsonl`);

// What both found must be the same, or one of them did other work.
function same(ours, theirs) {
  assert.strictEqual(ours.total_count, theirs.total_count);
  for (const name of ['top_10_countries', 'generations', 'top_3_favorite_colors']) {
    assert.deepStrictEqual(ours[name].map((e) => e.count), theirs[name].map((e) => e.count), name);
  }
  assert.deepStrictEqual(ours.eye_colors.all.map((e) => e.count), theirs.eye_colors);
  for (const c of ours.salary_by_country) assert.deepStrictEqual([c.avg_salary, c.min_salary, c.max_salary], theirs.salary_by_country[c.country], c.country);
}

// One analysis as a stream: processor time of all parties for all of it, and the analyst's from the last ciphertext fetched to the result.
async function analyse(world) {
  const at = {};
  const parties = PARTIES.map((n) => meter(world[n].child.pid));
  const analyst = parties[PARTIES.indexOf('woodgrove')];
  const before = parties.map((cpu) => cpu());
  const { events } = await world.woodgrove.events('/partner/analyze-stream', (e) => { if (e.type !== 'progress') at[e.phase || e.type] = analyst(); });
  const result = events[events.length - 1];
  assert.strictEqual(result.type, 'complete', JSON.stringify(result));
  assert.strictEqual(result.errors, null);
  return { result, decrypt_s: at.complete - at.decrypt, whole_s: sum(parties.map((cpu, i) => cpu() - before[i])), elapsed_s: result.total_time };
}

// Requests that reach the stand-ins, by kind of service.
function trips(world) {
  const n = {};
  for (const e of world.services.control.log()) n[e.service.split('.')[0]] = (n[e.service.split('.')[0]] || 0) + 1;
  return n;
}

async function release(world) {
  const count = async (call) => {
    world.services.control.clearLog();
    const r = await call();
    assert.strictEqual(r.status, 200, r.text);
    return trips(world);
  };
  return {
    own: await count(() => world.contoso.post('/skr/release')),
    partner: await count(() => world.woodgrove.post('/skr/release-partner', { partner: 'contoso' })),
  };
}

async function size(n, out) {
  const csv = Object.fromEntries(await Promise.all(COMPANIES.map(async (c) => [c, await sample(c, n)])));
  const world = await World.make({ dir: path.join(DIR, `world-${n}`), csv, minGroup: 1 });
  try {
    await world.start(PARTIES);
    const imported = spentBy(world.contoso.child.pid);
    const idle = residentKiB(world.woodgrove.child.pid);
    const all = [];
    for (let i = 0; i < (n > 100000 ? 1 : 5); i++) all.push(await analyse(world));
    const keys = Object.fromEntries(COMPANIES.map((c) => [c, keyFile(world, c)]));
    const theirs = await python('analyse', ...COMPANIES.flatMap((c) => [dataFile(world, c), keys[c].file]), ...(n > PYTHON_MAX ? [String(PYTHON_MAX)] : []));
    const scale = n / Math.min(n, PYTHON_MAX);
    if (scale === 1) same(all[0].result, theirs.result);
    out.analysis.push({
      n, scaled: scale > 1, first_s: all[0].decrypt_s, decrypt_s: median(all.map((a) => a.decrypt_s)), whole_s: median(all.map((a) => a.whole_s)), elapsed_s: median(all.map((a) => a.elapsed_s)),
      python_s: theirs.seconds * scale, idle_kib: idle, peak_kib: peakKiB(world.woodgrove.child.pid, 'parley'), python_kib: theirs.peak_kib,
    });
    if (n === 500) {
      const lists = COMPANIES.map((c) => {
        const file = path.join(DIR, `${c}-original.jsonl`);
        fs.writeFileSync(file, legacyRecords(csv[c], c, keys[c].jwk).map((r) => JSON.stringify(r)).join('\n'));
        return [file, keys[c].file];
      });
      const original = await python('analyse', ...lists.flat());
      same(all[0].result, original.result);
      out.original_s = original.seconds;
      out.release = await release(world);
    }
    if (n > PYTHON_MAX) {
      const sealed = await python('seal', csv.contoso, keys.contoso.file, String(PYTHON_MAX));
      out.import = { ours: n / imported, python: sealed.records / sealed.seconds };
    }
  } finally {
    await world.stop();
    world.clearData();
    if (n > PYTHON_MAX) for (const file of Object.values(csv)) fs.rmSync(file);
  }
}

async function jobs(sizes = SIZES) {
  const out = { analysis: [] };
  for (const n of sizes) {
    say(`  analysis of ${n} + ${n} records`);
    await size(n, out);
  }
  return out;
}

module.exports = { jobs, sample };
if (require.main === module) {
  fs.mkdirSync(DIR, { recursive: true });
  jobs(process.argv.slice(2).map(Number)).then((r) => { console.dir(r, { depth: null }); process.exit(0); });
}
