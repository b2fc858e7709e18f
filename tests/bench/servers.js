// The servers that stand side by side: parley by itself, nginx with the same bytes, Flask behind gunicorn.
'use strict';
const fs = require('fs');
const http = require('http');
const https = require('https');
const path = require('path');
const ports = require('../world/ports');
const { ROOT, DIR, SERVER_CORE, run, on, sleep } = require('./lib');

const NGINX = ['/usr/sbin/nginx', '/usr/bin/nginx'].find((f) => fs.existsSync(f)) || 'nginx';

const get = (url) => new Promise((resolve, reject) => {
  (url.startsWith('https') ? https : http).get(url, { agent: false, rejectUnauthorized: false }, (res) => {
    let text = '';
    res.setEncoding('utf8').on('data', (d) => { text += d; }).on('end', () => resolve({ status: res.statusCode, headers: res.headers, raw: res.rawHeaders, text }));
  }).on('error', reject);
});

async function answering(url, child) {
  for (let i = 0; i < 400; i++) {
    if (child.exitCode !== null) throw new Error(`a server of the bench ended with ${child.exitCode}: ${child.spawnargs.join(' ')}`);
    try { return await get(url); } catch { await sleep(25); }
  }
  throw new Error(`no answer at ${url}: ${child.spawnargs.join(' ')}`);
}

class Server {
  // port, tlsPort: null where it does not listen.
  constructor(name, command, env, [port, tlsPort]) { Object.assign(this, { name, command, env, port, tlsPort }); }

  // Alone on its processor. core: another one.
  async start(core = SERVER_CORE) {
    this.child = on(core, this.command[0], this.command.slice(1), { env: this.env, cwd: DIR, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    this.child.stderr.on('data', (d) => { said = (said + d).slice(-2000); });
    this.ended = new Promise((resolve) => { this.child.on('exit', resolve); });
    try { this.sample = await answering(this.url('/health', !this.port), this.child); } catch (e) { throw new Error(`${e.message}\n${said}`); }
    return this;
  }

  async stop() {
    if (this.child && this.child.exitCode === null) this.child.kill('SIGTERM');
    await this.ended;
  }

  url(target, tls) { return `${tls ? 'https' : 'http'}://127.0.0.1:${tls ? this.tlsPort : this.port}${target}`; }
}

async function parley() {
  const two = await ports.free(2);
  const env = {
    HTTP_PORT: String(two[0]), HTTPS_PORT: String(two[1]), LISTEN: 'loopback', AUTO_INIT: 'off', LOG_LEVEL: 'error', SKR_KEY_NAME: 'contoso-secret-key', DATA_DIR: path.join(DIR, 'data'),
  };
  return new Server('parley', [path.join(ROOT, 'build/parley')], env, two);
}

// A certificate of the same kind as parley's: ECDSA P-256, self-signed.
const certificate = () => run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30', '-subj', '/CN=localhost',
  '-addext', 'subjectAltName=DNS:localhost', '-keyout', path.join(DIR, 'key.pem'), '-out', path.join(DIR, 'cert.pem')]);

// nginx as it would be set up to say what parley says: the same header lines and body at /health, the same protocol, cipher suite and curve.
// root: a directory whose files it serves besides.
async function nginx(sample, root) {
  const two = await ports.free(2);
  const own = ['date', 'content-type', 'content-length', 'connection', 'server'];
  const lines = sample.raw.flatMap((name, i) => (i % 2 || own.includes(name.toLowerCase()) ? [] : [`add_header ${name} "${sample.raw[i + 1]}";`]));
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((t) => `${t}_temp_path ${DIR}/nginx-temp;`);
  const conf = `daemon off; worker_processes 1; pid ${DIR}/nginx.pid; error_log stderr warn;${process.getuid() === 0 ? ' user root;' : ''}
events { worker_connections 4096; }
http {
  ${temp.join(' ')}
  access_log off; server_tokens off; default_type application/json; keepalive_requests 1000000000; sendfile on; tcp_nopush on;
  ssl_certificate ${DIR}/cert.pem; ssl_certificate_key ${DIR}/key.pem; ssl_protocols TLSv1.2; ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256; ssl_ecdh_curve X25519;
  ssl_session_cache shared:bench:1m; ssl_session_tickets off;
  server {
    listen 127.0.0.1:${two[0]}; listen 127.0.0.1:${two[1]} ssl; root ${root || DIR};
    ${lines.join('\n    ')}
    location = /health { return 200 '${sample.text}'; }
  }
}
`;
  await certificate();
  fs.writeFileSync(path.join(DIR, 'nginx.conf'), conf);
  return new Server('nginx', [NGINX, '-c', path.join(DIR, 'nginx.conf'), '-p', DIR], process.env, two);
}

// One worker process with threads, since it gets one processor; keep-alive needs the threaded worker. It listens in one way only.
async function gunicorn(tls) {
  const [port] = await ports.free(1);
  const args = ['--chdir', __dirname, '-w', '1', '-k', 'gthread', '--threads', '8', '--keep-alive', '75', '-b', `127.0.0.1:${port}`, '--log-level', 'error'];
  if (tls) args.push('--certfile', path.join(DIR, 'cert.pem'), '--keyfile', path.join(DIR, 'key.pem'));
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1', SKR_KEY_NAME: 'contoso-secret-key' };
  return new Server('gunicorn', ['gunicorn', ...args, 'app:app'], env, tls ? [null, port] : [port, null]);
}

module.exports = { parley, nginx, gunicorn };
