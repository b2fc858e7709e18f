// One Key Vault (premium) or Managed HSM: tokens, permissions, keys and their release (azure-protocols.md 4.2-4.9).
'use strict';
const crypto = require('crypto');
const { isObject } = require('./jose');
const keys = require('./keys');
const release = require('./release');
const wrapping = require('./wrap');

const KINDS = {
  vault: {
    audience: 'https://vault.azure.net', recovery: { recoverableDays: 90, recoveryLevel: 'Recoverable+Purgeable' },
    challenge: (tenant) => `Bearer authorization="https://login.windows.net/${tenant}", resource="https://vault.azure.net"`,
    unauthorized: () => error(401, 'Unauthorized', 'AKV10000: Request is missing a Bearer or PoP token.'),
  },
  hsm: {
    audience: 'https://managedhsm.azure.net', recovery: { recoverableDays: 7, recoveryLevel: 'CustomizedRecoverable+Purgeable' },
    challenge: (tenant) => `Bearer authorization="https://login.microsoftonline.com/${tenant}", resource="https://managedhsm.azure.net"`,
    unauthorized: () => ({ status: 401, body: '' }),
  },
};

function error(status, code, message, inner) {
  return { status, body: { error: { code, message, ...(inner ? { innererror: { code: inner } } : {}) } } };
}

// api-version: 7.x from 7.0, their previews, and the dated ones.
const apiKnown = (v) => /^7\.\d(-preview(\.\d+)?)?$/.test(v) || /^20\d\d-\d\d-\d\d(-preview)?$/.test(v);
const canRelease = (v) => !/^7\.[0-2]/.test(v);

class Vault {
  // authorization: 'rbac' or 'policy' (access policies): they differ in what a refusal says.
  constructor(world, { name, kind = 'vault', host, authorization = kind === 'hsm' ? 'rbac' : 'policy' }) {
    Object.assign(this, { world, name, kind, host, authorization, rules: KINDS[kind], keys: new Map(), deleted: new Map(), access: new Map() });
    this.handle = this.handle.bind(this);
    this.errorBody = this.errorBody.bind(this);
    this.errorHeaders = this.errorHeaders.bind(this);
  }

  grant(clientId, ...permissions) {
    this.access.set(clientId, new Set([...(this.access.get(clientId) || []), ...permissions]));
  }

  revoke(clientId) { this.access.delete(clientId); }

  async handle(ctx) {
    const reply = await this.route(ctx);
    return {
      ...reply,
      headers: {
        'Cache-Control': 'no-cache', 'x-ms-keyvault-region': 'eastus', 'x-ms-request-id': crypto.randomUUID(), 'x-ms-keyvault-service-version': '1.9.2500.1',
        'x-ms-keyvault-network-info': 'conn_type=Ipv4;addr=127.0.0.1;act_addr_fam=InterNetwork;', 'X-Content-Type-Options': 'nosniff',
        'Strict-Transport-Security': 'max-age=31536000;includeSubDomains', ...this.errorHeaders(reply.status),
        ...reply.headers,
      },
    };
  }

  // Token, then permission, then the thing itself: nobody learns of a key without leave.
  async route(ctx) {
    const clientId = this.world.directory.check(ctx.headers.authorization, this.rules.audience);
    if (!clientId) return this.rules.unauthorized();
    ctx.facts.clientId = clientId;
    const op = this.operation(ctx);
    if (!op) return error(404, 'NotFound', 'The requested resource was not found.');
    if (!op.run) return { ...error(405, 'MethodNotAllowed', 'The method is not allowed here.') };
    ctx.facts.key = op.name;
    if (!(this.access.get(clientId) || new Set()).has(op.permission)) return this.forbidden(clientId, op.permission);
    const api = ctx.query.get('api-version') || '';
    if (!apiKnown(api)) return error(400, 'BadParameter', `The specified version (${api}) is not recognized.`);
    try {
      return await op.run.call(this, op, { ctx, api, body: this.readBody(ctx) });
    } catch (e) {
      if (e instanceof keys.BadParameter) return error(400, 'BadParameter', e.message);
      throw e;
    }
  }

  // {name, version, permission, run} for a path. Microsoft's client leaves the version segment empty: empty segments are dropped.
  operation({ method, segments }) {
    const [area, name, ...rest] = segments;
    if (name !== undefined && !/^[0-9A-Za-z-]{1,127}$/.test(name)) return null;
    if (area === 'deletedkeys' && name && !rest.length) {
      return { name, ...{ GET: { permission: 'get', run: this.getDeleted }, DELETE: { permission: 'purge', run: this.purge } }[method] };
    }
    if (area !== 'keys' || !name) return null;
    const verb = ['create', 'release'].includes(rest[rest.length - 1]) ? rest.pop() : '';
    const [version] = rest;
    if (rest.length > 1 || (version && !/^[0-9a-f]{32}$/.test(version))) return null;
    const table = {
      'POST create': { permission: 'create', run: this.create }, 'POST release': { permission: 'release', run: this.release },
      'PUT ': { permission: 'import', run: this.import }, 'GET ': { permission: 'get', run: this.get },
      'PATCH ': { permission: 'update', run: this.update }, 'DELETE ': { permission: 'delete', run: this.delete },
    };
    return { name, version, ...table[`${method} ${verb}`] };
  }

  readBody(ctx) {
    if (!ctx.body.length) return {};
    try {
      const v = JSON.parse(ctx.body);
      if (isObject(v)) return v;
    } catch { /* said below */ }
    throw new keys.BadParameter('Request body is not a JSON object');
  }

  forbidden(clientId, permission) {
    const who = `appid=${clientId};iss=https://sts.windows.net/${this.world.directory.tenant}/`;
    if (this.authorization === 'rbac') {
      return error(403, 'Forbidden', `Caller is not authorized to perform action on resource.\r\nCaller: ${who}\r\nAction: 'Microsoft.KeyVault/vaults/keys/${permission}/action'\r\nVault: ${this.name};location=eastus`, 'ForbiddenByRbac');
    }
    return error(403, 'Forbidden', `The user, group or application '${who}' does not have keys ${permission} permission on key vault '${this.name};location=eastus'.`, 'AccessDenied');
  }

  find({ name, version }) {
    const all = this.keys.get(name) || [];
    return version ? all.find((v) => v.version === version) : all[all.length - 1];
  }

  notFound({ name }) {
    return error(404, 'KeyNotFound', `A key with (name/id) ${name} was not found in this key vault. If you recently deleted this key you may be able to recover it using the correct recovery command.`);
  }

  kid(ctx, name, v) { return `${ctx.origin}/keys/${name}/${v.version}`; }

  bundle(ctx, name, v) {
    const p = v.releasePolicy;
    return {
      attributes: { ...v.attributes, ...this.rules.recovery }, key: keys.publicJwk(v, this.kid(ctx, name, v)), tags: v.tags,
      ...(p ? { release_policy: { contentType: p.contentType, data: keys.policyData(p), immutable: p.immutable } } : {}),
    };
  }

  async store(op, { ctx, api, body }, imported) {
    if (this.deleted.has(op.name)) return error(409, 'Conflict', `Key ${op.name} is currently in a deleted but recoverable state, and its name cannot be reused.`, 'ObjectIsDeletedButRecoverable');
    const v = await keys.makeVersion(body, { hsm: this.kind === 'hsm', imported, api });
    this.keys.set(op.name, [...(this.keys.get(op.name) || []), v]);
    return { status: 200, body: this.bundle(ctx, op.name, v) };
  }

  create(op, call) { return this.store(op, call, false); }
  import(op, call) { return this.store(op, call, true); }

  get(op, { ctx }) {
    const v = this.find(op);
    return v ? { status: 200, body: this.bundle(ctx, op.name, v) } : this.notFound(op);
  }

  update(op, { ctx, body }) {
    const v = this.find(op);
    if (!v) return this.notFound(op);
    if (body.attributes && body.attributes.exportable !== undefined && body.attributes.exportable !== v.attributes.exportable) {
      return error(400, 'BadParameter', 'AKV.SKR.1014: the exportable state of a key cannot be modified');
    }
    if (body.release_policy) {
      if (!v.attributes.exportable) return error(400, 'BadParameter', 'AKV.SKR.1005: Non-exportable keys must not have release policy');
      if (v.releasePolicy.immutable) return error(400, 'BadParameter', 'The release policy of this key is immutable');
      v.releasePolicy = keys.readPolicy(body.release_policy);
    }
    if (body.attributes && body.attributes.enabled !== undefined) v.attributes.enabled = body.attributes.enabled === true;
    if (body.key_ops) v.keyOps = body.key_ops;
    v.attributes.updated = Math.floor(Date.now() / 1000);
    return { status: 200, body: this.bundle(ctx, op.name, v) };
  }

  delete(op, { ctx }) {
    const all = this.keys.get(op.name);
    if (!all || op.version) return this.notFound(op);
    this.keys.delete(op.name);
    const now = Math.floor(Date.now() / 1000);
    const times = { deletedDate: now, scheduledPurgeDate: now + this.rules.recovery.recoverableDays * 86400, recoveryId: `${ctx.origin}/deletedkeys/${op.name}` };
    this.deleted.set(op.name, { all, times });
    return this.getDeleted(op, { ctx });
  }

  getDeleted(op, { ctx }) {
    const d = this.deleted.get(op.name);
    return d ? { status: 200, body: { ...d.times, ...this.bundle(ctx, op.name, d.all[d.all.length - 1]) } } : this.notFound(op);
  }

  purge(op) {
    return this.deleted.delete(op.name) ? { status: 204, body: '' } : this.notFound(op);
  }

  async release(op, { ctx, api, body }) {
    const v = this.find(op);
    if (!v) return this.notFound(op);
    if (!canRelease(api)) return error(400, 'BadParameter', 'Key release is supported only with api-version 7.3 or newer');
    const enc = body.enc === undefined ? 'CKM_RSA_AES_KEY_WRAP' : body.enc;
    Object.assign(ctx.facts, { enc, nonce: body.nonce !== undefined, version: v.version });
    if (typeof body.target !== 'string' || !body.target) return error(400, 'BadParameter', 'Property target is required');
    if (body.nonce !== undefined && typeof body.nonce !== 'string') return error(400, 'BadParameter', 'Property nonce is not a string');
    const refused = enc === 'RSA_AES_KEY_WRAP_256' && ctx.mode('no-enc256');
    if (!Object.prototype.hasOwnProperty.call(wrapping.HASH, enc) || refused) return error(400, 'BadParameter', `Property enc has invalid value ${enc}`);
    if (!v.attributes.exportable) return error(400, 'BadParameter', 'Key is not exportable');
    if (!v.attributes.enabled) return error(403, 'Forbidden', `Operation release is not allowed on a disabled key.`, 'KeyDisabled');
    const verdict = await release.decide(body.target, v.releasePolicy.tree, this.world.pki.caPem, ctx.facts);
    if (verdict.denied) {
      ctx.facts.denied = verdict.denied;
      return error(403, 'Forbidden', verdict.denied, 'AccessDenied');
    }
    ctx.facts.wrappingKid = verdict.jwk.kid;
    const payload = release.payloadOf(v, { kid: this.kid(ctx, op.name, v), api, enc, nonce: body.nonce, jwk: verdict.jwk, recovery: this.rules.recovery }, ctx);
    return { status: 200, body: { value: await release.signed(payload, { pki: this.world.pki, host: this.host }, ctx) } };
  }

  errorHeaders(status) {
    return status === 401 ? { 'WWW-Authenticate': this.rules.challenge(this.world.directory.tenant) } : {};
  }

  // What a "status" misbehaviour says when it is not told what to say.
  errorBody(status) {
    if (status === 401) return this.rules.unauthorized().body;
    const code = { 403: 'Forbidden', 404: 'KeyNotFound', 429: 'Throttled', 413: 'RequestTooLarge' }[status] || 'InternalServerError';
    return error(status, code, `Request was not processed (${status}).`).body;
  }
}

module.exports = { Vault };
