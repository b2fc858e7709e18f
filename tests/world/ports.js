// Free loopback ports, found before anything starts: a party's settings, which hold its partners' ports, are measured.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const net = require('net');
const os = require('os');
const path = require('path');

// Below the range from which kernels take ports for outgoing connections: what is free now stays free until it is used.
const FROM = 10000;
const TO = 32000;

// Between finding a port and its use other tests look for ports too: a file says whose it is, until that process has ended.
const TAKEN = path.join(os.tmpdir(), `parley-ports-${process.getuid()}`);
const own = new Set();
process.on('exit', () => { for (const file of own) fs.rmSync(file, { force: true }); });

const alive = (pid) => { try { process.kill(pid, 0); return true; } catch (e) { return e.code === 'EPERM'; } };

function reserve(port) {
  const file = path.join(TAKEN, String(port));
  try {
    fs.mkdirSync(TAKEN, { recursive: true, mode: 0o700 });
    fs.writeFileSync(file, String(process.pid), { flag: 'wx' });
  } catch (e) {
    if (e.code !== 'EEXIST') throw e;
    const pid = Number(fs.existsSync(file) && fs.readFileSync(file, 'utf8'));
    if (pid > 0 && !alive(pid)) fs.rmSync(file, { force: true }); // free the next time
    return false;
  }
  own.add(file);
  return true;
}

const listen = (port) => new Promise((resolve) => {
  const s = net.createServer().on('error', () => resolve(null));
  s.listen(port, '127.0.0.1', () => resolve(s));
});

// n different free ports. All are held until the last is found, then let go.
async function free(n) {
  const servers = [];
  while (servers.length < n) {
    const port = crypto.randomInt(FROM, TO);
    const s = reserve(port) && await listen(port);
    if (s) servers.push(s);
  }
  const ports = servers.map((s) => s.address().port);
  await Promise.all(servers.map((s) => new Promise((done) => s.close(done))));
  return ports;
}

module.exports = { free };
