// The control service (plain HTTP): rules of misbehaviour, the log of requests, and additions to the running stand-ins.
//
//   POST /control {service, mode, ...}   a rule (modes.js)         GET /control   rules with how often each was met     DELETE /control   none any more
//   GET /log[?service=S][&all=1]         requests seen so far      DELETE /log    forget them
//   POST /vault {name, kind?}  POST /identity {name, clientId?}  POST /access {vault, clientId, permissions}  POST /federated {clientId, file}
//   POST /imds {clientIds, chipId?, tcb?}  POST /platform {chipId?, tcb?}  POST /provision (provision.js)  GET /state   all addresses
'use strict';
const http = require('http');
const { provision } = require('./provision');

// The same by function call.
function makeApi(started) {
  const { world } = started;
  return {
    misbehave: (rule) => world.modes.add(rule),
    rules: () => world.modes.rules,
    clear: () => world.modes.clear(),
    log: ({ service, all } = {}) => world.log.filter((e) => (all || !e.internal) && (!service || [e.service, e.kind, e.service.split('.')[0]].includes(service))),
    clearLog: () => { world.log.length = 0; },
  };
}

function vaultNamed(started, label) {
  const vault = started.vaults.get(label) || started.vaults.get(`${label}.vault`);
  if (!vault) throw new Error(`no vault ${label}`);
  return vault;
}

const routes = {
  'POST /control': (s, b) => s.control.misbehave(b),
  'GET /control': (s) => s.control.rules(),
  'DELETE /control': (s) => s.control.clear(),
  'GET /log': (s, b, q) => s.control.log({ service: q.get('service'), all: q.get('all') }),
  'DELETE /log': (s) => s.control.clearLog(),
  'GET /state': (s) => s.addresses,
  'POST /vault': async (s, b) => { await s.addVault(b.name, b.kind); return s.addresses; },
  'POST /identity': (s, b) => ({ clientId: s.addIdentity(b.name, b.clientId) }),
  'POST /access': (s, b) => vaultNamed(s, b.vault).grant(b.clientId, ...b.permissions),
  'POST /federated': (s, b) => s.directory.federate(b.clientId, b.file),
  'POST /imds': async (s, b) => ({ imds: await s.addImds(b.clientIds, { ...s.platform, ...(b.chipId ? { chipId: b.chipId } : {}), ...(b.tcb ? { tcb: b.tcb } : {}) }) }),
  'POST /platform': (s, b) => { Object.assign(s.platform, b); s.world.chips.add(s.platform.chipId); return s.platform; },
  'POST /provision': (s, b) => provision(s, b),
};

async function answer(started, req) {
  const url = new URL(req.url, 'http://x');
  const parts = [];
  for await (const d of req) parts.push(d);
  const route = routes[`${req.method} ${url.pathname}`];
  if (!route) return [404, { error: 'no such control' }];
  try {
    const body = parts.length ? JSON.parse(Buffer.concat(parts)) : {};
    return [200, (await route(started, body, url.searchParams)) || { ok: true }];
  } catch (e) {
    return [400, { error: e.message }];
  }
}

async function startControl(started, port) {
  const server = http.createServer((req, res) => {
    answer(started, req).then(([status, body]) => {
      res.writeHead(status, { 'Content-Type': 'application/json' });
      res.end(JSON.stringify(body) + '\n');
    }, () => res.destroy());
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    origin: `http://127.0.0.1:${server.address().port}`, api: makeApi(started),
    close: () => { server.closeAllConnections(); return new Promise((r) => server.close(r)); },
  };
}

module.exports = { startControl };
