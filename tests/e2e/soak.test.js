// Mixed traffic for SOAK_SECONDS (60): every answer is right, and nothing grows once everything has been used (make soak: half an hour).
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { World } = require('../world/world');
const { scratch, newPeer, ROOT, sleep } = require('./lib');
const { closeAll, within } = require('./raw');
const { traffic, fill, sizes, pidOf } = require('../load/soak');

const SECONDS = Number(process.env.SOAK_SECONDS || 60);
const MAY_GROW = 1024; // KiB: pages that are used for the first time late, such as of a deeper stack

test(`mixed traffic for ${SECONDS} s`, async (t) => {
  const world = await World.make({ dir: scratch('soak') });
  t.after(async () => {
    closeAll();
    await world.stop();
    world.clearData();
  });
  const names = ['contoso', 'fabrikam', 'woodgrove'];
  await world.start(names);
  const pids = Object.fromEntries(names.map((n) => [n, pidOf(world[n])]));
  const now = () => Object.fromEntries(names.map((n) => [n, sizes(pids[n])]));
  // Two sets that differ in a name, so that each import is one; statistics do not show it.
  const csv = Object.fromEntries(names.slice(0, 2).map((n) => {
    const [head, ...rows] = fs.readFileSync(path.join(ROOT, `tests/data/${n}.csv`), 'utf8').trim().split('\n');
    return [n, [rows[0], rows[0].replace(/^[^,]*/, 'Somebody Else')].map((row) => `${[head, row, ...rows.slice(1)].join('\n')}\n`)];
  }));
  const first = await world.woodgrove.post('/partner/analyze', {}, { localAddress: newPeer() });
  assert.strictEqual(first.json.total_count, 240, first.text);
  for (const n of names) await fill(world[n]);
  const quiet = async () => {
    // Connections linger for a second; kept ones to others may take longer.
    let last = now();
    await within(40000, 'rest', async () => {
      for (let same = 0; same < 4;) {
        await sleep(500);
        const next = now();
        same = names.every((n) => next[n].descriptors <= last[n].descriptors) ? same + 1 : 0;
        last = next;
      }
    });
    return last;
  };

  const run = async (seconds) => {
    const all = traffic(world, csv, first.json);
    const series = [];
    const until = Date.now() + seconds * 1000;
    while (Date.now() < until && !all.over()) { // it is over early when something was wrong
      await sleep(Math.min(2000, Math.max(until - Date.now(), 0)));
      series.push(now());
    }
    all.stop();
    return { count: await all.done, series };
  };
  await run(Math.min(60, SECONDS / 4)); // warm
  const before = await quiet();
  const { count, series } = await run(SECONDS * 3 / 4);
  const end = await quiet();
  t.diagnostic(JSON.stringify(count));
  for (const n of names) {
    const most = (what) => Math.max(...series.map((s) => s[n][what]));
    t.diagnostic(`${n}: ${before[n].memory} KiB before, at most ${most('memory')}, ${end[n].memory} after; at most ${most('descriptors')} descriptors, ${most('threads')} threads`);
    assert.deepStrictEqual([end[n].descriptors, end[n].threads], [before[n].descriptors, before[n].threads], `${n}: descriptors, threads`);
    assert.ok(series.every((s) => s[n].threads === before[n].threads), `${n}: threads`);
    assert.ok(end[n].memory <= before[n].memory + MAY_GROW, `${n}: grew from ${before[n].memory} to ${end[n].memory} KiB`);
    assert.ok(most('memory') <= 64 * 1024, `${n}: ${most('memory')} KiB`);
    assert.strictEqual(world[n].child.exitCode, null, `${n} has ended`);
  }
  for (const [what, n] of Object.entries(count)) assert.ok(n > 0, `${what}: never`);
});
