// Access tokens: the three ways an identity gets one (azure-protocols.md 4.1), how a vault checks it, and THIM, which lives beside IMDS.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const jose = require('./jose');
const collateral = require('./collateral');

const RESOURCES = ['https://vault.azure.net', 'https://managedhsm.azure.net', 'https://storage.azure.com', 'https://management.azure.com'];
const LIFETIME = 86400;

// A GUID that is always the same for a name, in the form Entra uses.
function guid(name) {
  const h = jose.sha256(`parley ${name}`).toString('hex');
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-8${h.slice(17, 20)}-${h.slice(20, 32)}`;
}

class Directory {
  constructor(pki, tenant = guid('tenant')) {
    this.key = pki.key('login-key.pem');
    this.publicKey = crypto.createPublicKey(this.key);
    this.kid = jose.thumbprint(this.publicKey.export({ format: 'jwk' }));
    this.tenant = tenant;
    this.identities = new Map(); // client id -> {name, file: federated token file or undefined}
  }

  add(name, clientId = guid(name)) {
    this.identities.set(clientId, { ...this.identities.get(clientId), name });
    return clientId;
  }

  federate(clientId, file) {
    if (!this.identities.has(clientId)) throw new Error(`no identity ${clientId}`);
    this.identities.get(clientId).file = file;
  }

  // {token, issued, expires} for a resource; ctx may carry a misbehaviour.
  issue(clientId, resource, ctx) {
    const late = ctx.mode('expired');
    const aud = ctx.mode('wrong-audience') ? 'https://graph.microsoft.com' : resource.replace(/\/$/, '');
    const issued = Math.floor(Date.now() / 1000) - (late ? 2 * LIFETIME : 0);
    const expires = issued + LIFETIME;
    const { name } = this.identities.get(clientId);
    const claims = {
      aud, iss: `https://sts.windows.net/${this.tenant}/`, iat: issued, nbf: issued, exp: expires, appid: clientId, appidacr: '2', idtyp: 'app',
      oid: guid(`object ${name}`), sub: guid(`object ${name}`), tid: this.tenant, ver: '1.0', xms_az_rid: `/subscriptions/${guid('subscription')}/resourcegroups/parley`,
    };
    const token = jose.compactAs('', { typ: 'JWT', alg: 'RS256', x5t: this.kid, kid: this.kid }, claims, { key: this.key });
    ctx.facts.clientId = clientId;
    return { token, issued, expires };
  }

  // The client id a vault may believe, or null.
  check(header, audience) {
    const m = /^Bearer ([^\s]+)$/i.exec(header || '');
    const jwt = m && jose.split(m[1]);
    if (!jwt || !jose.verifyRs256(jwt, this.publicKey)) return null;
    const now = Date.now() / 1000;
    const c = jwt.payload;
    return c.aud === audience && c.tid === this.tenant && c.nbf <= now + 300 && c.exp > now ? c.appid : null;
  }
}

const oauthError = (status, error, description) => ({ status, body: { error, error_description: description } });

// Which of the identities attached here is meant: a client id, or an error answer.
function pick(directory, attached, asked) {
  if (asked) return attached.includes(asked) ? { clientId: asked } : { error: oauthError(400, 'invalid_request', 'Identity not found') };
  if (attached.length === 1) return { clientId: attached[0] };
  if (!attached.length) return { error: oauthError(400, 'invalid_request', 'Identity not found') };
  return { error: oauthError(400, 'invalid_request', 'Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request') };
}

function checkResource(resource) {
  if (!resource) return oauthError(400, 'invalid_request', "Required query variable 'resource' is missing");
  const bare = resource.replace(/\/$/, '');
  if (RESOURCES.includes(bare) || /^https:\/\/[a-z0-9]+\.blob\.core\.windows\.net$/.test(bare)) return null;
  return oauthError(400, 'invalid_resource', `AADSTS500011: The resource principal named ${resource} was not found in the tenant.`);
}

// IMDS of one machine: attached: client ids; platform: {chipId, tcb} of the host. The token endpoint and THIM.
function imds(world, { attached, platform }) {
  return (ctx) => {
    if (ctx.headers.metadata !== 'true') return oauthError(400, 'bad_request_102', 'Required metadata header not specified');
    if (ctx.headers['x-forwarded-for']) return oauthError(400, 'bad_request_103', 'X-Forwarded-For is not allowed');
    if (ctx.method !== 'GET') return oauthError(405, 'method_not_allowed', 'GET only');
    if (ctx.path === '/metadata/THIM/amd/certification') return collateral.thim(world, platform(), ctx);
    // Microsoft's own client puts a slash behind the path.
    if (!/^\/metadata\/identity\/oauth2\/token\/?$/.test(ctx.path)) return oauthError(404, 'not_found', 'The requested resource is not found.');
    if (ctx.mode('adapter-500')) return { status: 500, headers: { 'Content-Type': 'text/plain' }, body: 'Received invalid token. Please try again.' };
    if (!/^\d{4}-\d\d-\d\d$/.test(ctx.query.get('api-version') || '')) return oauthError(400, 'bad_request_104', 'Required query variable api-version is missing');
    const resource = ctx.query.get('resource');
    const chosen = pick(world.directory, attached(), ctx.query.get('client_id'));
    const error = checkResource(resource) || chosen.error;
    if (error) return error;
    const { token, issued, expires } = world.directory.issue(chosen.clientId, resource, ctx);
    const text = ctx.mode('number-types') ? Number : String; // IMDS writes all numbers as strings
    return {
      status: 200,
      body: {
        access_token: token, client_id: chosen.clientId, expires_in: text(Math.max(0, expires - Math.floor(Date.now() / 1000))), expires_on: text(expires),
        ext_expires_in: text(LIFETIME), not_before: text(issued), refresh_token: '', resource, token_type: 'Bearer',
      },
    };
  };
}

// App Service / Container Apps style endpoint.
function appService(world, { attached, secret }) {
  return (ctx) => {
    if (ctx.method !== 'GET' || ctx.path !== '/msi/token') return { status: 404, body: '' };
    if (ctx.headers['x-identity-header'] !== secret) return { status: 401, body: { statusCode: 401, message: 'X-IDENTITY-HEADER is missing or wrong' } };
    if (ctx.query.get('api-version') !== '2019-08-01') return { status: 400, body: { statusCode: 400, message: 'Unsupported api-version' } };
    const resource = ctx.query.get('resource');
    const chosen = pick(world.directory, attached(), ctx.query.get('client_id'));
    const error = checkResource(resource) || chosen.error;
    if (error) return { status: 400, body: { statusCode: 400, message: error.body.error_description } };
    const { token, expires } = world.directory.issue(chosen.clientId, resource, ctx);
    return { status: 200, body: { access_token: token, expires_on: String(expires), resource, token_type: 'Bearer', client_id: chosen.clientId } };
  };
}

// What a "status" misbehaviour says here when it is not told what to say.
const errorBody = (status) => ({ error: status === 410 ? 'gone' : 'unknown', error_description: `answered with ${status} on demand` });

const aadError = (status, error, code, text) => ({
  status, body: { error, error_description: `AADSTS${code}: ${text}`, error_codes: [code], timestamp: new Date().toISOString(), trace_id: crypto.randomUUID(), correlation_id: crypto.randomUUID() },
});

// Entra's login host: client credentials with a federated assertion.
function login(world) {
  return (ctx) => {
    const { directory } = world;
    const [tenant, ...rest] = ctx.segments;
    if (ctx.path === '/common/discovery/instance') return discovery(ctx, directory.tenant);
    if (rest.join('/') === 'v2.0/.well-known/openid-configuration') return openid(ctx, tenant);
    if (ctx.method !== 'POST' || rest.join('/') !== 'oauth2/v2.0/token') return { status: 404, body: '' };
    if (!(ctx.headers['content-type'] || '').startsWith('application/x-www-form-urlencoded')) return aadError(400, 'invalid_request', 900144, 'The request body must be a form.');
    const form = new URLSearchParams(ctx.body.toString());
    const clientId = form.get('client_id');
    const identity = directory.identities.get(clientId);
    const scope = (form.get('scope') || '').split(' ').find((s) => s.endsWith('/.default'));
    if (tenant !== directory.tenant) return aadError(400, 'invalid_request', 90002, `Tenant '${tenant}' not found.`);
    if (form.get('grant_type') !== 'client_credentials') return aadError(400, 'unsupported_grant_type', 70003, 'The grant type is not supported.');
    if (form.get('client_assertion_type') !== 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer') return aadError(401, 'invalid_client', 7000218, 'client_assertion is missing.');
    if (!identity) return aadError(400, 'unauthorized_client', 700016, `Application with identifier '${clientId}' was not found.`);
    if (!scope || checkResource(scope.slice(0, -'/.default'.length))) return aadError(400, 'invalid_scope', 70011, 'The provided scope is not valid.');
    if (!assertionFits(identity, form.get('client_assertion'))) return aadError(401, 'invalid_client', 700213, 'No matching federated identity record found for presented assertion.');
    const { token } = directory.issue(clientId, scope.slice(0, -'/.default'.length), ctx);
    return { status: 200, headers: { 'Cache-Control': 'no-store, no-cache' }, body: { token_type: 'Bearer', expires_in: LIFETIME - 1, ext_expires_in: LIFETIME - 1, access_token: token } };
  };
}

// The file is read each time: kubelet rotates it.
function assertionFits(identity, assertion) {
  return Boolean(identity.file && assertion) && fs.readFileSync(identity.file, 'utf8').trim() === assertion;
}

function openid(ctx, tenant) {
  return {
    status: 200,
    body: {
      issuer: `${ctx.origin}/${tenant}/v2.0`, token_endpoint: `${ctx.origin}/${tenant}/oauth2/v2.0/token`, authorization_endpoint: `${ctx.origin}/${tenant}/oauth2/v2.0/authorize`,
      jwks_uri: `${ctx.origin}/${tenant}/discovery/v2.0/keys`, response_types_supported: ['code', 'id_token', 'token'],
    },
  };
}

function discovery(ctx, tenant) {
  const host = ctx.origin.slice('https://'.length);
  return {
    status: 200,
    body: {
      tenant_discovery_endpoint: `${ctx.origin}/${tenant}/v2.0/.well-known/openid-configuration`, 'api-version': '1.1',
      metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
    },
  };
}

module.exports = { Directory, guid, imds, appService, login, errorBody };
