// A process of connections that are of no use: idle ones that never send anything, and slow ones that send a byte a second, in the TLS handshake, in the
// head and in the body of a request. Each that the server ends comes back two seconds later. Started by fork with {plain, secure, idle, slow, from:
// [addresses]} as its argument; tells {open} when all have been tried and answers 'count' with {open, ended, told}: connections open now, ended by the
// server so far, and of these how many were told 503.
'use strict';
const net = require('node:net');

const o = JSON.parse(process.argv[2]);
const HELLO = Buffer.concat([Buffer.from('1603010200010001fc0303', 'hex'), Buffer.alloc(505, 1)]);
const SLOW = [
  { port: o.secure, first: HELLO.subarray(0, 1), then: (n) => HELLO.subarray(n % 100, (n % 100) + 1) },
  { port: o.plain, first: 'GET /health HTTP/1.1\r\nHost: a\r\nX-Slow: ', then: () => 'x' },
  { port: o.plain, first: 'GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n', then: () => 'x' },
];
const count = { open: 0, ended: 0, told: 0 };
const open = new Set();
let tried = 0;
let id = 0;

function connect(kind, from) {
  const c = net.connect({ port: kind.port, host: '127.0.0.1', localAddress: from, noDelay: true });
  let was = false;
  c.on('connect', () => {
    was = true;
    count.open += 1;
    open.add(c);
    if (kind.first) c.write(kind.first);
  });
  Object.assign(c, { kind, sent: 0, second: id++ % 10 });
  c.on('data', (d) => { if (d.includes(' 503 ')) count.told += 1; });
  c.on('error', () => {});
  c.once('connect', attempted).once('error', attempted);
  c.on('close', () => {
    open.delete(c);
    if (was) { count.open -= 1; count.ended += 1; }
    setTimeout(connect, 2000, kind, from);
  });
}

function attempted() {
  tried += 1;
  if (tried === o.idle + o.slow) process.send(count);
}

for (let i = 0; i < o.idle; i++) connect({ port: i % 2 ? o.secure : o.plain }, o.from[i % o.from.length]);
for (let i = 0; i < o.slow; i++) connect(SLOW[i % SLOW.length], o.from[i % o.from.length]);
let tick = 0;
setInterval(() => {
  tick += 1;
  for (const c of open) if (c.kind.then && c.second === tick % 10) c.write(c.kind.then(++c.sent));
}, 100);
process.on('message', () => process.send(count));
process.on('disconnect', () => process.exit(0));
