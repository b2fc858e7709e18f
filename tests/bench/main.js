// make bench: measures side by side, as ratios, with what this machine has; writes build/bench.md, build/bench.svg and build/bench.json.
// UPDATE=1 also puts the table into README.md and the chart into docs/bench.svg, both of this run. Exit status 1 when something did not work;
// a target that is not met is said, never a failure: how long something takes says much about the machine it ran on.
'use strict';
const fs = require('fs');
const os = require('os');
const path = require('path');
const { ROOT, DIR, cores, say } = require('./lib');
const { httpBench } = require('./http');
const { cryptoBench, verifyBench } = require('./crypto');
const { jobs } = require('./jobs');
const { markdown, svg } = require('./report');

// What stands between <!-- bench --> and <!-- /bench --> of README.md.
function updateReadme(text) {
  const file = path.join(ROOT, 'README.md');
  const old = fs.readFileSync(file, 'utf8');
  if (!/<!-- bench -->\n/.test(old)) throw new Error('README.md has no <!-- bench --> block');
  fs.writeFileSync(file, old.replace(/(<!-- bench -->\n)[\s\S]*?(<!-- \/bench -->)/, (_, a, b) => `${a}${text}\n${b}`));
}

async function main() {
  const began = Date.now();
  fs.mkdirSync(path.join(DIR, 'data'), { recursive: true });
  if (cores.length < 2) say('bench: one processor for servers and load alike: what is said of rates is worth little');
  const all = {};
  for (const [name, title, part] of [['crypto', 'cryptography', cryptoBench], ['verify', 'evidence', verifyBench], ['http', 'servers', httpBench], ['jobs', 'the job', jobs]]) {
    say(title);
    all[name] = await part();
  }
  const { rows, text } = markdown(all);
  const chart = svg(rows);
  const machine = `${os.cpus()[0].model.trim()}, ${cores.length} processors, Linux ${os.release()}; ${Math.round((Date.now() - began) / 1000)} s`;
  fs.writeFileSync(path.join(ROOT, 'build/bench.md'), `${text}\n\nMachine: ${machine}\n`);
  fs.writeFileSync(path.join(ROOT, 'build/bench.svg'), chart);
  fs.writeFileSync(path.join(ROOT, 'build/bench.json'), `${JSON.stringify(all, null, 1)}\n`);
  say(`\n${text}\n\nMachine: ${machine}`);
  if (process.env.UPDATE) {
    updateReadme(text);
    fs.writeFileSync(path.join(ROOT, 'docs/bench.svg'), chart);
    say('README.md and docs/bench.svg updated');
  }
}

main().then(() => process.exit(0), (e) => { console.error(`bench: ${e.stack || e}`); process.exit(1); });
