// Honest clients: each asks, waits for the answer, and asks again; over keep-alive connections that are closed and opened anew now and then.
'use strict';
const assert = require('node:assert');
const net = require('node:net');
const tls = require('node:tls');

// One connection; ask() -> {status, ms}. An end or an error of the connection is a failure of the request under way.
class Client {
  constructor(port, secure, from) {
    const raw = net.connect({ port, host: '127.0.0.1', localAddress: from, noDelay: true });
    this.socket = secure ? tls.connect({ socket: raw, rejectUnauthorized: false }) : raw;
    this.ready = new Promise((resolve, reject) => { this.socket.once(secure ? 'secureConnect' : 'connect', resolve); this.fail = reject; });
    this.data = '';
    const over = (e) => { this.fail(e || new Error(`connection ended; had ${JSON.stringify(this.data)}`)); };
    this.socket.on('data', (d) => { this.data += d.toString('latin1'); this.look(); });
    this.socket.on('end', over).on('close', over).on('error', over);
    raw.on('error', over);
  }

  look() {
    const head = this.data.indexOf('\r\n\r\n');
    if (head < 0) return;
    const length = /\r\ncontent-length: (\d+)/i.exec(this.data);
    assert.ok(length, this.data);
    const whole = head + 4 + Number(length[1]);
    if (this.data.length < whole) return;
    const status = Number(this.data.slice(9, 12));
    this.data = this.data.slice(whole);
    this.got(status);
  }

  async ask(text) {
    await this.ready;
    return new Promise((resolve, reject) => {
      this.got = resolve;
      this.fail = reject;
      this.socket.write(text);
    });
  }

  close() {
    this.fail = () => {};
    this.socket.destroy();
  }
}

// Works for ms with n clients on addresses of their own. -> {ms: latencies in ms sorted, failures: texts}. The time of a request includes the time of its
// connection where that is new.
async function work(server, { clients, ms, requests, again = 50, from }) {
  const until = performance.now() + ms;
  const times = [];
  const failures = [];
  await Promise.all(Array.from({ length: clients }, async (_, i) => {
    const secure = i % 2 === 1;
    let c = null;
    for (let n = i; performance.now() < until; n++) {
      const [text, status] = requests[n % requests.length];
      const start = performance.now();
      try {
        c ||= new Client(secure ? server.secure : server.plain, secure, from(i));
        const got = await c.ask(text);
        assert.strictEqual(got, status);
        times.push(performance.now() - start);
      } catch (e) {
        failures.push(`client ${i}, request ${n}, after ${Math.round(performance.now() - start)} ms: ${e.message}`);
        if (c) c.close();
        c = null;
      }
      if (c && n % again === again - 1) { c.close(); c = null; }
    }
    if (c) c.close();
  }));
  times.sort((a, b) => a - b);
  return { times, failures };
}

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
const median = (list) => quantile([...list].sort((a, b) => a - b), 0.5);

module.exports = { Client, work, quantile, median };
