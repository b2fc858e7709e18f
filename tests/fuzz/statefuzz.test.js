// The server's connections under generated conversations (tests/fuzz/conn_fuzz.js): every answer is the one the model expects, and afterwards
// nothing is left of them: no descriptor, no slot, no growing memory.
'use strict';
const assert = require('node:assert');
const { describe, it, before, after } = require('node:test');
const { run } = require('./conn_fuzz');
const { Server, closeAll, within, sleep } = require('../e2e/raw');

const seed = Number(process.env.CONN_FUZZ_SEED || Date.now() % 1000000);
const only = process.env.CONN_FUZZ_ONLY === undefined ? undefined : Number(process.env.CONN_FUZZ_ONLY);
const ms = 1000 * Number(process.env.CONN_FUZZ_SECONDS || 15);

describe(`conversations from seed ${seed}`, () => {
  let s;
  before(async () => { s = await Server.start(); });
  after(closeAll);

  it('get the answers they must get, and leave nothing behind', async (t) => {
    const open = s.descriptors();
    const count = await run(s, { seed, ms, only });
    t.diagnostic(`seed ${seed}: ${count.connections} connections, ${count.answers} answers`);
    if (only === undefined) assert.ok(count.connections > 50 && count.answers > 200, `only ${JSON.stringify(count)}`);
    // The longest that a connection lingers is a second.
    await within(20000, 'the end of all connections', async () => { while (s.descriptors() > open) await sleep(50); });
    assert.strictEqual(s.descriptors(), open);
    // Slots hold their pages once used; there are 256 of them with some 90 KiB each.
    assert.ok(s.status('VmRSS') < 40 * 1024, `${s.status('VmRSS')} KiB resident`);
    const w = await s.connect();
    await w.stillOpen();
    w.destroy();
    const { code, log, out } = await s.stop();
    assert.strictEqual(code, 0, log.slice(-2000));
    assert.strictEqual(out, '');
    assert.ok(!log.includes(s.token), 'a token in the log');
    assert.match(log, /^([0-9]+\.[0-9]{3} (error|warn|info|debug) [a-z]+ [a-z]+: [ -~]*\n)*$/, 'form of the log');
  });
});
