// Azure Storage on this machine: Azurite, Microsoft's emulator, in memory, over TLS with a certificate of the test PKI, with OAuth.
'use strict';
const { spawn } = require('child_process');
const fs = require('fs');
const https = require('https');
const path = require('path');

// Azurite and Microsoft's clients need WebCrypto as a global; Node.js 18 has it so only when asked.
const NODE_ARGS = globalThis.crypto ? [] : ['--experimental-global-webcrypto'];
globalThis.crypto ??= require('node:crypto').webcrypto;

// Azurite's well-known account; the key is public.
const ACCOUNT = 'devstoreaccount1';
const KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';
const CONTAINER = 'privateappdata';

const available = () => {
  try { require.resolve('azurite/package.json'); require.resolve('@azure/storage-blob'); return true; } catch { return false; }
};

const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

class Azurite {
  // port: of 127.0.0.1. pki: of the stand-ins. dir: where its files would be, if it kept any. plain: http instead.
  static async start({ port, pki, dir, plain = false }) {
    const a = new Azurite();
    fs.mkdirSync(dir, { recursive: true });
    const args = ['--blobHost', '127.0.0.1', '--blobPort', String(port), '--inMemoryPersistence', '--disableTelemetry', '--silent', '--disableProductStyleUrl'];
    if (!plain) {
      const leaf = await pki.leaf('localhost');
      fs.writeFileSync(path.join(dir, 'cert.pem'), leaf.certPem);
      fs.writeFileSync(path.join(dir, 'key.pem'), leaf.keyPem, { mode: 0o600 });
      args.push('--cert', path.join(dir, 'cert.pem'), '--key', path.join(dir, 'key.pem'), '--oauth', 'basic');
    }
    // Without keep-alive the client uses this agent; it has no way of its own to be told of a CA.
    https.globalAgent.options.ca = pki.caPem;
    a.endpoint = `${plain ? 'http' : 'https'}://localhost:${port}/${ACCOUNT}`;
    a.output = '';
    a.child = spawn(process.execPath, [...NODE_ARGS, path.join(path.dirname(require.resolve('azurite/package.json')), 'dist/src/blob/main.js'), ...args], { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
    a.ended = new Promise((resolve) => { a.child.on('exit', resolve).on('error', resolve); });
    for (const s of [a.child.stdout, a.child.stderr]) s.on('data', (d) => { a.output += d; });
    try { await a.ready(); } catch (e) { await a.stop(); throw e; }
    return a;
  }

  get account() { return ACCOUNT; }
  get key() { return KEY; }
  get containerName() { return CONTAINER; }

  // Microsoft's client, with the account's key or (query) a SAS.
  service(sas) {
    const { BlobServiceClient, StorageSharedKeyCredential, AnonymousCredential } = require('@azure/storage-blob');
    const credential = sas ? new AnonymousCredential() : new StorageSharedKeyCredential(ACCOUNT, KEY);
    return new BlobServiceClient(sas ? `${this.endpoint}?${sas}` : this.endpoint, credential, { keepAliveOptions: { enable: false }, retryOptions: { maxTries: 1 } });
  }

  container(sas) { return this.service(sas).getContainerClient(CONTAINER); }

  // A SAS of the container: letters of racwdl. expires: Date.
  sas(permissions, expires = new Date(Date.now() + 30 * 86400e3)) {
    const { generateBlobSASQueryParameters, ContainerSASPermissions, StorageSharedKeyCredential } = require('@azure/storage-blob');
    return generateBlobSASQueryParameters({
      containerName: CONTAINER, permissions: ContainerSASPermissions.parse(permissions), startsOn: new Date(Date.now() - 600e3), expiresOn: expires, version: '2021-12-02',
    }, new StorageSharedKeyCredential(ACCOUNT, KEY)).toString();
  }

  // Settings of a party by what proves who it is: 'sas' (with permissions), 'key', 'identity', 'connection'.
  settings(auth, permissions = 'rcwl') {
    const s = { AZURE_STORAGE_BLOB_ENDPOINT: this.endpoint };
    if (auth === 'sas') s.AZURE_STORAGE_SAS = this.sas(permissions);
    if (auth === 'key') Object.assign(s, { AZURE_STORAGE_ACCOUNT: ACCOUNT, AZURE_STORAGE_KEY: KEY });
    if (auth === 'connection') return { AZURE_STORAGE_CONNECTION_STRING: `BlobEndpoint=${this.endpoint};SharedAccessSignature=${this.sas(permissions)}` };
    return s;
  }

  async ready() {
    const end = Date.now() + 60000;
    for (;;) {
      if (this.child.exitCode !== null || this.child.signalCode !== null) throw new Error(`Azurite ended before it was ready: ${this.output}`);
      const left = end - Date.now();
      let why = 'no answer';
      const asked = this.container().createIfNotExists().then(() => true, (e) => { why = e.message; return false; });
      if (await Promise.race([asked, sleep(Math.max(left, 0)).then(() => false)])) return;
      if (Date.now() >= end) throw new Error(`waited 60 s for: Azurite's container; ${why}\n${this.output}`);
      await sleep(150);
    }
  }

  async stop() {
    if (this.child.exitCode === null) this.child.kill('SIGTERM');
    await Promise.race([this.ended, sleep(3000)]);
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
  }
}

module.exports = { Azurite, available, ACCOUNT, KEY, CONTAINER };
