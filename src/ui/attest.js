// Evidence and keys: security features, attestation, the raw report, key release, and the denial of the other company's key.
import { $, el, fill, icon, badge, hint, note, fold, code, json, facts, cut, utc, log, get, post, operate, action, faultBox, capital, toBase64, fromBase64, toHex } from './base.js';
import { explain } from './claims.js';

const S = 'x-ms-sevsnpvm-';

// --- Security features: decided by claims ---
const features = [
  ['Runs in a hardware-protected virtual machine (AMD SEV-SNP)', (c) => c['x-ms-attestation-type'] === 'sevsnpvm' && c[`${S}is-debuggable`] === false, 'x-ms-attestation-type'],
  ['Memory is encrypted by the processor', (c) => c[`${S}vmpl`] !== undefined || Boolean(c['x-ms-isolation-tee']), `${S}vmpl`],
  ['Data in use stays confidential and intact, on this processor', (c) => c[`${S}is-debuggable`] === false && c[`${S}migration-allowed`] === false, `${S}migration-allowed`],
  ['Only the agreed code and settings run, fixed by the security policy', (c) => c[`${S}hostdata`] !== undefined, `${S}hostdata`],
  ['Verified from outside by remote attestation, on an endorsed platform', (c) => c['x-ms-compliance-status'] === 'azure-compliant-uvm', 'x-ms-compliance-status'],
  ['Protected from the cloud provider and its operators', (c) => c[`${S}is-debuggable`] === false, `${S}is-debuggable`],
];

// claims: of a token; null: attestation failed; undefined: not tried.
export function showFeatures(claims) {
  let good = 0;
  fill($('features-list'), features.map(([text, test, claim]) => {
    const ok = claims ? test(claims) : false;
    const kind = claims === undefined ? 'wait' : ok ? 'ok' : 'bad';
    const value = claims && claims[claim];
    good += ok;
    return el(`li.${kind}`, icon({ ok: 'check', bad: 'cross', wait: 'wait' }[kind]),
      el('span', text, el('small', claims === undefined ? 'no token yet' : claims === null ? 'attestation failed' : value === undefined ? `${claim} is missing` : `${claim} = ${cut(String(value), 24)}`)),
      el('span.vh', { ok: ' (proven)', bad: ' (not proven)', wait: ' (pending)' }[kind]));
  }));
  if (claims !== undefined) hint('features', good === features.length ? 'ok' : 'bad', `${good} of ${features.length} proven`);
}

// --- Attestation ---
function decode(token) {
  const parts = token.split('.');
  if (parts.length !== 3) throw new Error('The token does not have three parts.');
  return JSON.parse(new TextDecoder().decode(fromBase64(parts[1])));
}

// Only where the browser offers it: on https and on this machine.
async function sha256(data) {
  return globalThis.crypto.subtle ? toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', data))) : null;
}

const question = () => toBase64(JSON.stringify({ timestamp: new Date().toISOString(), nonce: toHex(crypto.getRandomValues(new Uint8Array(16))) }));

async function requestToken(config) {
  const asked = question();
  const out = $('attest-out');
  let answer;
  try {
    answer = await post('/attest/maa', { runtime_data: asked });
  } catch (e) {
    showFeatures(null);
    hint('attest', 'bad', 'failed');
    e.title = 'Attestation failed';
    throw e;
  }
  const claims = decode(answer.attestation_token);
  const runtimeHash = answer.runtime_data ? await sha256(fromBase64(answer.runtime_data)) : null;
  const context = { asked, runtimeHash, policyHash: config.security_policy_hash || null };
  const bound = !runtimeHash || String(claims[`${S}reportdata`]).startsWith(runtimeHash);
  const fresh = JSON.stringify(claims['x-ms-runtime'] || '').includes(asked);
  showFeatures(claims);
  hint('attest', 'ok', 'attested');
  log('ok', `attestation token from ${answer.maa_endpoint}, valid until ${utc(claims.exp)}`);
  fill(out,
    note('ok', 'Attestation succeeded', facts(
      ['Service', answer.maa_endpoint], ['Evidence', claims['x-ms-attestation-type']], ['Compliance', claims['x-ms-compliance-status']],
      ['Host data', code(claims[`${S}hostdata`])], ['Debuggable', String(claims[`${S}is-debuggable`])], ['Valid until', utc(claims.exp)])),
    el('p.row', badge(fresh ? 'ok' : 'warn', fresh ? 'Fresh: carries this page’s random value' : 'This page’s random value is not in the token'),
      runtimeHash && badge(bound ? 'ok' : 'bad', bound ? 'Bound: the report signs the runtime data' : 'Not bound to the runtime data')),
    fold('Detailed Explanation of Each Claim', explain(claims, context)),
    fold('Claims as JSON', json(claims)),
    fold('Token', el('pre.value', answer.attestation_token)));
}

// Fields of the report: AMD 56860, "ATTESTATION_REPORT". [name, offset, length, number?]
const fields = [
  ['Version', 0, 4, true], ['Guest version (SVN)', 4, 4, true], ['Guest policy', 8, 8], ['Privilege level (VMPL)', 0x30, 4, true],
  ['Report data', 0x50, 64], ['Launch measurement', 0x90, 48], ['Host data', 0xc0, 32], ['ID key digest', 0xe0, 48], ['Report id', 0x140, 32],
  ['Reported TCB', 0x180, 8], ['Chip id', 0x1a0, 64], ['Signature (r)', 0x2a0, 48], ['Signature (s)', 0x2e8, 48],
];

async function requestReport() {
  let answer;
  try {
    answer = await post('/attest/raw', { runtime_data: question() });
  } catch (e) {
    hint('attest', 'bad', 'failed');
    e.title = 'No report';
    throw e;
  }
  const hex = answer.report_hex || JSON.parse(answer.attestation_report).report;
  const at = (offset, n) => hex.slice(2 * offset, 2 * (offset + n));
  const numeral = (text) => String(parseInt(text.match(/../g).reverse().join(''), 16));
  const flags = parseInt(at(10, 1), 16);
  log('ok', `raw report of ${hex.length / 2} bytes`);
  fill($('attest-out'),
    note('ok', 'Signed by the processor', el('p', `${hex.length / 2} bytes. Debugging is ${flags & 8 ? 'ALLOWED' : 'off'}, migration ${flags & 4 ? 'ALLOWED' : 'off'}.`)),
    facts(...fields.map(([name, offset, n, isNumber]) => [name, isNumber ? numeral(at(offset, n)) : code(at(offset, n))])),
    fold('All bytes (hex)', el('pre.value', hex)));
}

// --- Key release ---
function releaseTarget(c) {
  fill($('release-target'), facts(
    ['Key', code(c.key_name || 'not configured')], ['Vault', c.akv_endpoint || 'not configured'], ['Attestation service', c.maa_endpoint],
    ['Bound to policy', c.security_policy_hash ? code(c.security_policy_hash) : 'The release policy in the vault names the host data; the hash is not repeated in the settings here.']));
}

async function keyStatus() {
  const s = await get('/skr/key-status');
  if (s.released) hint('release', 'ok', 'key released');
  return s;
}

async function release(released) {
  let r;
  try {
    r = await operate('/skr/release', {});
  } catch (e) {
    if (e.status !== 401) hint('release', 'bad', 'refused');
    e.title = 'The key was not released';
    throw e;
  }
  const key = r.key && r.key.key ? r.key.key : r.key;
  const policy = r.release_policy || {};
  hint('release', 'ok', 'key released');
  log('ok', `key ${r.key_name} released by ${r.akv_endpoint}`);
  fill($('release-out'),
    note('ok', 'Key released', el('p', r.message), facts(
      ['Key', code(r.key_name)], ['Vault', r.akv_endpoint], ['Wrapped with', r.wrapping], ['Private part', r.private_material], ['Binding', r.security_binding])),
    policy.required_claims && el('table.plain', el('caption', 'Claims that the vault’s policy demands'),
      el('thead', el('tr', ['Claim', 'Value', 'Why'].map((h) => el('th', { scope: 'col' }, h)))),
      el('tbody', policy.required_claims.map((c) => el('tr', el('td', code(c.claim)), el('td', { title: c.value }, code(cut(String(c.value), 24))), el('td', c.description))))),
    fold('Released key: public members', json(key)),
    r.note && el('p.fine', r.note));
  await released();
}

// --- The other company's key ---
function denialCards(c) {
  const o = c.other_company;
  const card = (kind, title, name, key, vault) => el(`div.panel.${kind}`, el('h3', icon(kind === 'ok' ? 'key' : 'deny'), title), facts(['Company', name], ['Key', code(key)], ['Vault', vault || 'not configured']));
  $('denial').hidden = false;
  fill($('denial-cards'), card('ok', 'Our key', c.company_name, c.key_name, c.akv_endpoint), card('bad', 'Their key', o.name, o.key_name, o.akv_endpoint));
}

async function tryOther() {
  const r = await operate('/skr/release-other');
  if (r.status !== 'access_denied') {
    hint('denial', 'bad', 'not denied');
    log('bad', `${r.other_company}’s key was NOT denied`);
    fill($('denial-out'), note('bad', 'The other company’s key was released', el('p', r.message), el('p', r.security_warning)));
    return;
  }
  hint('denial', 'ok', 'denied');
  log('ok', `${r.other_company}’s key was denied (HTTP ${r.http_status})`);
  fill($('denial-out'), note('ok', 'Access Correctly Denied', el('p', r.message),
    facts(['We are', r.our_company], ['Asked for', code(r.attempted_key)], ['At', r.attempted_keyvault || r.attempted_akv], ['Answer', `HTTP ${r.http_status}${r.service_code ? ` ${r.service_code}` : ''}`]),
    el('p', capital(r.explanation)), fold('What the vault said', el('pre.value', r.error_detail || r.error || ''))));
}

// released: called after each successful release.
export async function initAttest(config, released) {
  showFeatures();
  action($('get-token'), $('attest-out'), 'attestation', () => requestToken(config));
  action($('get-report'), $('attest-out'), 'raw report', requestReport);
  releaseTarget(config);
  if (!config.configured) {
    $('do-release').disabled = true;
    hint('release', 'warn', 'not configured');
  }
  action($('do-release'), $('release-out'), 'key release', () => release(released));
  if (config.other_company) denialCards(config);
  action($('do-denial'), $('denial-out'), 'other company’s key', tryOther);
  try {
    return await keyStatus();
  } catch (e) {
    fill($('release-out'), faultBox(e));
    return { released: false };
  }
}
