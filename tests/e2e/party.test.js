// build/parley-party: a party without the demonstration. What only the demonstration answers is not there, and settings that ask for it are refused.
'use strict';
const assert = require('node:assert');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { tableOf } = require('../contract/contract');
const { Server, closeAll, get, post } = require('./raw');
const { ROOT } = require('../world/party');

const program = path.join(ROOT, 'build/parley-party');
const run = (settings, args = []) => Server.spawn(settings, { program, args }).ended;

describe('parley-party', () => {
  let server;
  before(async () => { server = await Server.start({}, { program }); });
  after(async () => {
    const { code } = await server.stop();
    closeAll();
    assert.strictEqual(code, 0);
  });

  it('answers its own routes on both ports, and none of the demonstration\'s', async () => {
    const ask = (r, tls) => server.ask(r.method === 'GET' ? get(r.path, `Authorization: Bearer ${server.token}`) : post(r.path, '{}', `Authorization: Bearer ${server.token}`), { tls });
    for (const tls of [true, false]) {
      for (const r of [...tableOf('demo', 'routes'), ...tableOf('demo', 'debug')]) {
        const a = await ask(r, tls);
        assert.strictEqual(a.status, 404, r.path);
        assert.deepStrictEqual(JSON.parse(a.text), { status: 'error', message: 'There is nothing at this path.' });
      }
      for (const target of ['/health', '/skr/config', '/company/info', '/session']) assert.strictEqual((await server.ask(get(target), { tls })).status, 200, target);
    }
  });

  it('refuses settings for what it has not, by name, and says who it is', async () => {
    for (const [name, value] of [['DEBUG_ROUTES', 'on'], ['STORAGE', 'blob']]) {
      const { code, out, log } = await run({ [name]: value, AZURE_STORAGE_ACCOUNT: 'parley', AZURE_STORAGE_SAS: 'sig=x' });
      assert.deepStrictEqual([code, out], [2, ''], log);
      assert.match(log, new RegExp(`^parley-party: ${name}: [^\\n]+\\n$`));
    }
    const version = await run({}, ['--version']);
    assert.deepStrictEqual([version.code, version.log], [0, '']);
    assert.match(version.out, /^parley-party \d+\.\d+\.\d+\n$/);
  });
});
