// Evidence and keys: security features, attestation, the raw report, key release, and the denial of the other company's key.
import { $, el, fill, icon, marks, badge, hint, note, fold, code, json, facts, cut, utc, clock, log, get, post, operate, action, faultBox, capital, toBase64, fromBase64, toHex, NotSignedIn } from './base.js';
import { explain } from './claims.js';

const S = 'x-ms-sevsnpvm-';

// --- Security features: what the token claims, and what this browser has checked ---
// [text, what the claims must be, the claim that is shown, checks of verify.mjs that stand for it]
const features = [
  ['Runs in a hardware-protected virtual machine (AMD SEV-SNP)', (c) => c['x-ms-attestation-type'] === 'sevsnpvm' && c[`${S}is-debuggable`] === false, 'x-ms-attestation-type', ['report.signature']],
  ['Memory is encrypted by the processor', (c) => c[`${S}vmpl`] !== undefined || Boolean(c['x-ms-isolation-tee']), `${S}vmpl`, ['report.signature']],
  ['Data in use stays confidential and intact, on this processor', (c) => c[`${S}is-debuggable`] === false && c[`${S}migration-allowed`] === false, `${S}migration-allowed`, ['accept.debug', 'accept.migration']],
  ['Only the agreed code and settings run, fixed by the security policy', (c) => c[`${S}hostdata`] !== undefined, `${S}hostdata`, ['accept.host_data']],
  ['Verified from outside by remote attestation, on an endorsed platform', (c) => c['x-ms-compliance-status'] === 'azure-compliant-uvm', 'x-ms-compliance-status', ['uvm.signature', 'uvm.measurement']],
  ['Protected from the cloud provider and its operators', (c) => c[`${S}is-debuggable`] === false, `${S}is-debuggable`, ['accept.debug']],
];
const known = {};

// [kind, why] of one line. The browser's own verdict goes before a token's word.
function judged([, test, claim, ids]) {
  const { claims, verdict, time } = known;
  const states = verdict ? ids.map((id) => verdict.checks.find((c) => c.id === id)?.state) : [];
  if (verdict && (!verdict.genuine || states.includes('failed'))) return ['bad', `refused by this browser, ${time}`];
  if (verdict && states.every((s) => s === 'passed')) return ['ok', `verified by this browser, ${time}${verdict.configured_root ? ', by the root that you gave' : ''}`];
  if (claims === undefined) return ['wait', verdict ? 'not verified: no HOST_DATA was given' : 'no token yet'];
  if (claims === null) return ['bad', 'attestation failed'];
  return [test(claims) ? 'said' : 'bad', claims[claim] === undefined ? `${claim} is missing` : `the token says: ${claim} = ${cut(String(claims[claim]), 24)}`];
}

// news: {claims: of a token that came, or null when the server says that attestation fails}, or {verdict, time} of this browser's on the server.
export function showFeatures(news) {
  Object.assign(known, news);
  const all = features.map((f) => [f[0], ...judged(f)]);
  const count = (kind) => all.filter((x) => x[1] === kind).length;
  fill($('features-list'), all.map(([text, kind, why]) => el(`li.${kind}`, icon(marks[kind]), el('span', text, el('small', why)),
    el('span.vh', { ok: ' (verified)', bad: ' (not proven)', wait: ' (pending)', said: ' (claimed)' }[kind]))));
  if (count('bad')) hint('features', 'bad', `${count('ok')} of ${all.length} proven`);
  else if (count('ok')) hint('features', 'ok', `${count('ok')} of ${all.length} verified, ${known.time}`);
  else if (count('said')) hint('features', 'said', `${count('said')} of ${all.length} claimed`);
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
    if (e.data?.step) showFeatures({ claims: null }); // else nothing was attempted: no answer, or too many requests
    hint('attest', e.data?.step ? 'bad' : 'warn', e.data?.step ? 'failed' : 'no answer');
    e.title = e.data?.step ? 'Attestation failed' : 'No token';
    throw e;
  }
  const claims = decode(answer.attestation_token);
  const runtimeHash = answer.runtime_data ? await sha256(fromBase64(answer.runtime_data)) : null;
  const context = { asked, runtimeHash, policyHash: config.security_policy_hash || null };
  const bound = !runtimeHash || String(claims[`${S}reportdata`]).startsWith(runtimeHash);
  const fresh = JSON.stringify(claims['x-ms-runtime'] || '').includes(asked);
  showFeatures({ claims });
  hint('attest', 'said', 'token received');
  log('info', `attestation token from ${answer.maa_endpoint}, valid until ${utc(claims.exp)}`);
  fill(out,
    note('said', 'Attestation succeeded, by the server’s word', el('p.fine', 'The server and the attestation service say so. This browser shows the token’s claims and has not verified its signature; Verify This Server judges the hardware’s report itself.'), facts(
      ['Service', answer.maa_endpoint], ['Evidence', claims['x-ms-attestation-type']], ['Compliance', claims['x-ms-compliance-status']],
      ['Host data', code(claims[`${S}hostdata`])], ['Debuggable', String(claims[`${S}is-debuggable`])], ['Valid until', utc(claims.exp)])),
    el('p.row', badge(fresh ? 'said' : 'warn', fresh ? 'Fresh: carries this page’s random value' : 'This page’s random value is not in the token'),
      runtimeHash && badge(bound ? 'said' : 'bad', bound ? 'Bound: the report signs the runtime data' : 'Not bound to the runtime data')),
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
    hint('attest', e.data?.step ? 'bad' : 'warn', e.data?.step ? 'failed' : 'no answer');
    e.title = 'No report';
    throw e;
  }
  const hex = answer.report_hex || JSON.parse(answer.attestation_report).report;
  const at = (offset, n) => hex.slice(2 * offset, 2 * (offset + n));
  const numeral = (text) => String(parseInt(text.match(/../g).reverse().join(''), 16));
  const flags = parseInt(at(10, 1), 16);
  hint('attest', 'said', 'report received');
  log('info', `raw report of ${hex.length / 2} bytes`);
  fill($('attest-out'),
    note('said', 'Report received', el('p', `${hex.length / 2} bytes. Its signature was not verified here: Verify This Server does that. It says: debugging is ${flags & 8 ? 'ALLOWED' : 'off'}, migration ${flags & 4 ? 'ALLOWED' : 'off'}.`)),
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
  if (s.released) hint('release', 'said', 'key released');
  return s;
}

async function release(released) {
  let r;
  try {
    r = await operate('/skr/release', {});
  } catch (e) {
    if (!(e instanceof NotSignedIn)) {
      // What was released before stays.
      const s = await keyStatus().catch(() => ({}));
      if (!s.released) hint('release', 'bad', 'not released');
      e.title = s.released ? 'Not released anew: the key that was released before stays in use' : 'The key was not released';
    }
    throw e;
  }
  const key = r.key && r.key.key ? r.key.key : r.key;
  const policy = r.release_policy || {};
  hint('release', 'ok', `key released, ${clock()}`);
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
  const card = (mark, title, name, key, vault) => el('div.panel', el('h3', icon(mark), title), facts(['Company', name], ['Key', code(key)], ['Vault', vault || 'not configured']));
  $('denial').hidden = false;
  fill($('denial-cards'), card('key', 'Our key', c.company_name, c.key_name, c.akv_endpoint), card('deny', 'Their key', o.name, o.key_name, o.akv_endpoint));
}

async function tryOther() {
  const r = await operate('/skr/release-other');
  if (r.status !== 'access_denied') {
    hint('denial', 'bad', 'not denied');
    log('bad', `${r.other_company}’s key was NOT denied`);
    fill($('denial-out'), note('bad', 'The other company’s key was released', el('p', r.message), el('p', r.security_warning)));
    return;
  }
  hint('denial', 'ok', `denied, ${clock()}`);
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
