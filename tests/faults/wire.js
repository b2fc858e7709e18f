// A wire to a server on this machine that carries bytes unchanged, or badly. Each connection goes on from an address of its own: limits per peer
// are then no limits of the test.
'use strict';
const net = require('net');

class Wire {
  // target: () => port. from: () => address of 127.0.0.0/8.
  static async make(target, from) {
    const w = new Wire();
    Object.assign(w, { target, from, fault: null, hits: 0, open: new Set() });
    w.server = net.createServer({ allowHalfOpen: true }, (s) => w.carry(s));
    await new Promise((resolve) => { w.server.listen(0, '127.0.0.1', resolve); });
    w.port = w.server.address().port;
    return w;
  }

  // What happens to each connection from now on, after so many bytes of answer: {mode: 'reset' | 'cut' | 'stall' | 'flip', after, count}.
  // null: nothing. Resetting before the first byte is what a port where nobody listens looks like, to all but connect(2).
  misbehave(fault) {
    this.fault = fault;
    this.hits = 0;
  }

  carry(client) {
    const server = net.connect({ port: this.target(), host: '127.0.0.1', localAddress: this.from(), allowHalfOpen: true });
    const both = [client, server];
    const end = () => both.forEach((s) => s.destroy());
    let passed = 0;
    for (const s of both) {
      this.open.add(s);
      s.setNoDelay(true).on('error', end).on('close', () => { this.open.delete(s); end(); });
    }
    client.pipe(server);
    server.on('end', () => client.end());
    server.on('data', (d) => {
      const f = this.fault;
      if (!f || passed + d.length <= f.after || (f.count !== undefined && this.hits >= f.count)) {
        passed += d.length;
        client.write(d);
        return;
      }
      this.hits++;
      const at = Math.max(0, f.after - passed);
      passed += d.length;
      if (f.mode === 'flip') {
        d[at] ^= 0x40;
        client.write(d);
        passed = -Infinity; // once in a connection
        return;
      }
      client.write(d.subarray(0, at), () => {
        if (f.mode === 'reset') client.resetAndDestroy();
        else if (f.mode === 'cut') client.destroySoon();
        if (f.mode !== 'stall') server.destroy();
      });
      server.removeAllListeners('data').pause();
    });
  }

  async close() {
    for (const s of this.open) s.destroy();
    await new Promise((r) => { this.server.close(r); });
  }
}

// A world in which Woodgrove reaches its partners over wires: {world, wires: {contoso, fabrikam}, stop}.
async function wiredWorld(World, from, options) {
  const wires = {};
  let world;
  for (const name of ['contoso', 'fabrikam']) wires[name] = await Wire.make(() => world.ports[name].peer, from);
  const urls = Object.fromEntries(Object.entries(wires).map(([name, w]) => [`PARTNER_${name.toUpperCase()}_URL`, `https://localhost:${w.port}`]));
  world = await World.make({ minGroup: 1, ...options, settings: { woodgrove: { ...urls, ...(options.settings || {}).woodgrove } } });
  return {
    world, wires,
    async stop() {
      const ends = await world.stop();
      for (const w of Object.values(wires)) await w.close();
      world.clearData();
      return ends;
    },
  };
}

module.exports = { Wire, wiredWorld };
