// Loaded before a test file by tests/run: a hook that fails ends the file at once, with the hook's error. node:test would let
// what the hook started keep the process, and every test that waits for it, until the file's time is over.
'use strict';
const test = require('node:test');

function ending(name, hook) {
  return (fn, options) => hook(async function hookThatEnds(...args) {
    // A hook may also take a callback; then it is over when that is called.
    const result = () => (fn.length > 1 ? new Promise((done, fail) => { fn.call(this, args[0], (e) => (e ? fail(e) : done())); }) : fn.apply(this, args));
    try { await result(); } catch (e) {
      process.stdout.write(`not ok - hook ${name} failed, so the file ends here\n`);
      for (const line of String((e && e.stack) || e).split('\n')) process.stdout.write(`# ${line}\n`);
      process.exit(1);
    }
  }, options);
}
for (const name of ['before', 'beforeEach']) test[name] = ending(name, test[name]);
