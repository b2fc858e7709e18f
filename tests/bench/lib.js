// What the measurements share: processes on chosen processors, what they have used, medians of alternating rounds.
'use strict';
const { spawn, execFile } = require('child_process');
const fs = require('fs');
const path = require('path');
const { promisify } = require('util');
const { ROOT, sleep } = require('../world/party');

const DIR = path.join(ROOT, 'build/bench');
const run = promisify(execFile);
const say = (text = '') => process.stdout.write(`${text}\n`);

// The processors we may use: servers get the first, load generators the second, so that neither takes the other's time.
function allowed() {
  const list = /Cpus_allowed_list:\s*(\S+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1];
  return list.split(',').flatMap((part) => {
    const [from, to = from] = part.split('-').map(Number);
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
}
const cores = allowed();
const SERVER_CORE = String(cores[0]);
const CLIENT_CORE = String(cores[1 % cores.length]);

// taskset becomes the command: the process id stays.
const on = (core, command, args, options) => spawn('taskset', ['-c', core, command, ...args], options);
const client = async (command, args, options = {}) => (await run('taskset', ['-c', CLIENT_CORE, command, ...args], { maxBuffer: 1 << 28, ...options })).stdout;

// A process and all below it.
function tree(pid) {
  const parents = fs.readdirSync('/proc').filter((n) => /^\d+$/.test(n)).map((n) => {
    try { return [Number(n), Number(/^\d+ \(.*\) \S (\d+)/s.exec(fs.readFileSync(`/proc/${n}/stat`, 'utf8'))[1])]; } catch { return [0, 0]; }
  });
  const all = [pid];
  for (let i = 0; i < all.length; i++) all.push(...parents.filter(([, parent]) => parent === all[i]).map(([child]) => child));
  return all;
}

// Processor time so far, in seconds, of a process and all below it: a function to ask it with, so that asking takes little. Threads that have
// ended do not count; servers keep theirs.
function meter(pid) {
  const files = tree(pid).flatMap((p) => fs.readdirSync(`/proc/${p}/task`).map((t) => `/proc/${p}/task/${t}/schedstat`));
  return () => files.reduce((n, file) => n + Number(fs.readFileSync(file, 'utf8').split(' ')[0]), 0) / 1e9;
}

// The same once, coarser (ticks of 10 ms), with threads that have ended.
const spentBy = (pid) => tree(pid).reduce((s, p) => {
  const field = fs.readFileSync(`/proc/${p}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
  return s + (Number(field[11]) + Number(field[12])) / 100;
}, 0);

// Resident memory in KiB, pages that processes share counted once.
const residentKiB = (pid) => tree(pid).reduce((n, p) => n + Number(/^Pss:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${p}/smaps_rollup`, 'utf8'))[1]), 0);
// Its highest point, of the program of that name below pid.
function peakKiB(pid, name) {
  const status = tree(pid).map((p) => fs.readFileSync(`/proc/${p}/status`, 'utf8')).find((s) => s.startsWith(`Name:\t${name}\n`));
  return Number(/^VmHWM:\s+(\d+)/m.exec(status)[1]);
}

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

// Alternating rounds, so that what disturbs disturbs all alike. measure(item) -> {name: number}. The first round warms up.
// -> for each item the medians
async function rounds(n, items, measure) {
  const all = items.map(() => []);
  for (let k = 0; k <= n; k++) {
    for (const [i, item] of items.entries()) {
      const m = await measure(item);
      if (k) all[i].push(m);
    }
  }
  return all.map((list) => Object.fromEntries(Object.keys(list[0]).map((name) => [name, median(list.map((m) => m[name]))])));
}

module.exports = { ROOT, DIR, SERVER_CORE, CLIENT_CORE, cores, sleep, run, say, on, client, tree, meter, spentBy, residentKiB, peakKiB, median, rounds };
