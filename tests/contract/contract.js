// The interface: every route with its method, who may call it, its limits, and the members of its answers. Compare with the README; tests/e2e/contract.test.js
// holds the shipped binary to it, and this table to the binary's own table of routes.
//
// A shape: 'string', 'number', 'bool', 'null', 'any', alternatives with |, a literal as '=text'; [shape] a list of such; {name: shape} an object with at
// least these members; 'name?' may be absent. Further members are allowed everywhere.
//
// access   'public' or 'operator' (401 without proof, 403 where no operator is configured)
// rate     requests a minute of one peer on this route, 0 unlimited
// body     'none' (ignored), 'json' (needed; mayBeEmpty: but without content), 'json?' (may be absent), 'csv' (streamed)
// on       the party that answers usefully (default contoso); send: what a successful request has; ok: its status, type, reply
// bare     the answer of the same request where there is no hardware (the Snooper): status, and its shape if it is not an error's
// refused  requests that are answered with an error: [status, what is sent, members besides status and message, on]
// needs    services of the platform that it talks to
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');

const JSON_TYPE = 'application/json';
const ERROR = { status: '=error', message: 'string' };
// What went wrong behind us: at a service, the device, the disk.
const FAULT = {
  ...ERROR, failure_reason: 'string', step: 'string', error: 'string', service: 'string|null', diagnosis: { likely_cause: 'string', solution: 'string', explanation: 'string', command: 'any' },
  sidecar_response: 'string', sidecar_status_code: 'number|null', note: 'any', logs: {},
};

const claim = { claim: 'string', value: 'string', description: 'string' };
const partner = { name: 'string', key_name: 'string', akv_endpoint: 'string', container_url: 'string' };
const counted = (label) => ({ [label]: 'string', count: 'number' });
const publicKey = { kty: '=RSA', n: 'string', e: 'string', kid: 'string' };
const generations = [{ generation: 'string', count: 'number', percent: 'number' }];
const place = { local_file: 'string', blob_name: 'string|null', full_blob_url: 'string|null', storage_type: 'string' };
const structure = 'null|object';
const keyState = { stored: 'bool', cached_private_key: 'bool', raw_structure: structure, after_one_unwrap: structure, after_two_unwraps: structure, needs_double_unwrap: 'bool', 'cached_key_type?': 'string', 'cached_key_size?': 'number' };
const attempt = { success: 'bool', plaintext: 'null', error: 'string|null' };
const accessTest = { name: 'string', method: 'string', result: '=blocked|=unexpected|=not_enforced', detail: 'string', policy_rule: 'string', evidence: {} };
const analytics = {
  contoso_count: 'number', fabrikam_count: 'number', total_count: 'number', top_10_countries: [{ country: 'string', count: 'number', top_cities: 'array' }],
  generations: [counted('generation')], generations_by_company: { Contoso: generations, Fabrikam: generations },
  avg_salaries: { Contoso: 'number|null', Fabrikam: 'number|null', Combined: 'number|null' },
  salary_by_country: [{ country: 'string', avg_salary: 'number|null', count: 'number', min_salary: 'number|null', max_salary: 'number|null' }],
  eye_colors: { most_common: counted('color'), least_common: counted('color'), all: [counted('color')] }, top_3_favorite_colors: [counted('color')], errors: 'null|array', withheld: { min_group_size: 'number', countries: 'number', generations: 'number', eye_colors: 'number', favorite_colors: 'number', salaries: 'bool' },
  'not_read?': 'array',
};
const company = (extra) => ({ count: 'number|null', avg: 'number|null', min: 'number|null', max: 'number|null', ...extra });
const claims = { 'x-ms-attestation-type': '=sevsnpvm', 'x-ms-sevsnpvm-hostdata': 'string' };
const urls = (w) => ({ contoso_url: w.woodgrove.settings.PARTNER_CONTOSO_URL, fabrikam_url: w.woodgrove.settings.PARTNER_FABRIKAM_URL });
const BLOB = 'consolidated-records-parley.json';
const page = (path, type) => ({ method: 'GET', path, access: 'public', rate: 0, body: 'none', ok: 200, type: `${type}; charset=utf-8`, bare: [200, null] });

const routes = [
  // --- 1.1 pages, health, identity
  page('/', 'text/html'), page('/compare', 'text/html'),
  { method: 'GET', path: '/compare/config', access: 'public', rate: 0, body: 'none', ok: 200, reply: { origins: ['string'] }, bare: [200, { origins: 'array' }] },
  ...['/health', '/healthz'].map((path) => ({ method: 'GET', path, access: 'public', rate: 0, body: 'none', ok: 200, reply: { status: '=healthy', service: '=confidential-aci-attestation-demo' }, bare: [200, { status: '=healthy' }] })),
  { method: 'GET', path: '/readyz', access: 'public', rate: 0, body: 'none', ok: 200, reply: { status: '=ready', own_key: 'bool' }, bare: [503, { status: '=not_ready', message: 'string' }] },
  {
    method: 'GET', path: '/info', access: 'public', rate: 20, body: 'none', ok: 200, needs: ['maa'], failing: 200,
    reply: {
      platform: '=Azure Container Instances', sku: '=Confidential', attestation_service: 'string', hardware: 'string', demo: 'string',
      status: { platform_status: '=running_in_tee', sidecar_available: 'bool', attestation_works: 'bool', sidecar_error: 'null', attestation_error: 'null', sidecar_status_response: 'string' },
      features: ['string'], diagnostics: { note: 'string', recommendation: 'string|null', maa_endpoint: 'string' },
    },
    bare: [200, { sku: '=Standard-or-Misconfigured', status: { platform_status: '=sidecar_unavailable', attestation_works: 'bool', sidecar_error: 'string', attestation_error: 'string' }, features: ['string'] }],
  },
  {
    method: 'GET', path: '/sidecar/status', access: 'public', rate: 0, body: 'none', ok: 200, reply: { status: '=available', sidecar_response: 'string', sidecar_status_code: 'number' },
    bare: [503, { status: '=unavailable', message: 'string' }],
  },
  {
    method: 'GET', path: '/container/info', access: 'public', rate: 60, body: 'none', ok: 200,
    reply: {
      image: 'string|null', image_digest: 'null', container_id: 'string|null', hostname: 'string|null', app_checksums: { '/proc/self/exe': { sha256: 'string', size_bytes: 'number' }, '/': { sha256: 'string', size_bytes: 'number' } },
      skr_binary_info: { path: 'string', sha256: 'string', size_bytes: 'number', executable: 'bool', version: 'string' },
      sev_device: { available: 'bool', device_path: 'string', device_info: { mode: 'string|null', type: 'string|null', accessible: 'bool' }, explanation: 'string' },
      skr_status: { running: 'bool', status_code: 'number', response: 'string' }, os: { name: 'string', version: 'null', pretty_name: 'string' },
    },
    bare: [200, { sev_device: { available: 'bool', device_path: 'null', device_info: 'null', explanation: 'string', dev_listing: 'array' }, skr_status: { running: 'bool', reason: 'string', explanation: 'string', solution: 'string' } }],
  },
  {
    method: 'GET', path: '/security/policy', access: 'public', rate: 20, body: 'none', ok: 200,
    reply: {
      container_identity: { security_policy_hash: 'string', hash_algorithm: '=SHA256', description: 'string', claim_name: '=x-ms-sevsnpvm-hostdata' },
      attestation: { maa_endpoint: 'string', attestation_type: '=sevsnpvm', hardware: 'string', tee_available: 'bool', tee_device: 'string' },
      key_release_policy: { key_name: 'string', key_vault: 'string', required_claims: [{ claim: 'string', required_value: 'string', purpose: 'string' }], security_level: '=HIGH|=MEDIUM', binding_description: 'string' },
      trust_model: { what_is_trusted: ['string'], what_is_not_trusted: ['string'] },
    },
    bare: [200, { attestation: { tee_available: 'bool', tee_device: 'null' }, key_release_policy: { security_level: '=MEDIUM' } }],
  },
  // --- 1.2 attestation
  {
    method: 'POST', path: '/attest/maa', access: 'public', rate: 20, body: 'json', ok: 200, needs: ['maa'], send: { runtime_data: 'e30=' },
    reply: { status: '=success', attestation_token: 'string', maa_endpoint: 'string' }, bare: [503, { ...FAULT, maa_endpoint: 'string', step: '=snp_report' }],
    refused: [[400, {}, {}, 'skip'], [400, { runtime_data: '%%%' }], [400, { runtime_data: 'e30' }], [400, { maa_endpoint: 'evil.attest.azure.net', runtime_data: 'e30=' }], [400, { maa_endpoint: 'localhost', runtime_data: 'e30=' }],
      [400, { runtime_data: 'A'.repeat(8000) }]],
  },
  {
    method: 'POST', path: '/attest/raw', access: 'public', rate: 20, body: 'json', mayBeEmpty: true, ok: 200, send: { runtime_data: 'e30=' }, reply: { status: '=success', attestation_report: 'string', report_hex: 'string' },
    bare: [503, FAULT], refused: [[400, { runtime_data: 1 }]],
  },
  ...[['GET', '/attestation', 'none'], ['POST', '/attestation/verify', 'json']].map(([method, path, body]) => ({
    method, path, access: 'public', rate: 20, body, ok: 200, send: method === 'POST' ? { nonce: 'AAECAwQFBgcICQoLDA0ODw' } : undefined,
    reply: {
      tee_type: '=sevsnp', report: 'string', certificates: 'string', endorsement: 'string|null', policy: 'string|null', runtime_data: 'string', nonce: 'string', attestation_token: 'string|null',
      verification_endpoint: 'string', tls_spki_sha256: 'string', instructions: 'string',
    },
    bare: [503, FAULT], refused: method === 'POST' ? [[400, {}], [400, { nonce: 5 }], [400, { nonce: 'AAAA' }]] : [],
  })),
  {
    method: 'GET', path: '/.well-known/parley/proof', access: 'public', rate: 20, body: 'none', ok: 200,
    reply: { parley_proof: 'number', tee_type: '=sevsnp', report: 'string', certificates: ['string'], runtime_data: 'string', nonce: 'string', tls_spki_sha256: 'string' }, bare: [503, FAULT],
  },
  // --- 1.3 key release
  {
    method: 'GET', path: '/skr/config', access: 'public', rate: 0, body: 'none', ok: 200,
    reply: {
      maa_endpoint: 'string', akv_endpoint: 'string', key_name: 'string', company_name: 'string', is_confidential: 'bool', is_woodgrove: 'bool', configured: 'bool', security_policy_hash: 'string',
      release_policy: 'null|object', other_company: { name: 'string', key_name: 'string', akv_endpoint: 'string' }, partner_configs: 'null',
    },
    also: [{ on: 'woodgrove', ok: 200, reply: { is_woodgrove: 'bool', other_company: 'null', partner_configs: { contoso: partner, fabrikam: partner } } }],
    bare: [200, { is_confidential: 'bool', company_name: 'string' }],
  },
  {
    method: 'POST', path: '/skr/release', access: 'operator', rate: 10, body: 'json?', ok: 200, needs: ['maa', 'vault'],
    reply: {
      status: '=success', message: 'string', key: publicKey, private_material: '=held in TEE memory', maa_endpoint: 'string', akv_endpoint: 'string', key_name: 'string',
      release_policy: { maa_endpoint: 'string', required_claims: [claim] }, note: 'string', security_binding: 'string', encryption_enabled: 'bool',
    },
    bare: [503, { ...FAULT, maa_endpoint: 'string', akv_endpoint: 'string', key_name: 'string' }],
    refused: [[400, { akv_endpoint: 'evil.vault.azure.net' }], [400, { kid: 'fabrikam-secret-key' }], [400, { maa_endpoint: 'evil.attest.azure.net' }]],
  },
  {
    method: 'GET', path: '/skr/key-status', access: 'public', rate: 0, body: 'none', ok: 200, reply: { released: 'bool', key_type: '=RSA', key_id: 'string' },
    bare: [200, { released: 'bool', message: 'string' }],
  },
  {
    method: 'POST', path: '/skr/release-other', access: 'operator', rate: 10, body: 'none', ok: 200, needs: ['maa', 'vault'],
    reply: { status: '=access_denied', message: 'string', our_company: 'string', other_company: 'string', attempted_key: 'string', attempted_keyvault: 'string', attempted_akv: 'string', http_status: 'number', error_detail: 'string', error: 'string', explanation: 'string' },
    bare: [503, { ...FAULT, hint: 'string' }], refused: [[400, undefined, { our_key_name: 'string' }, 'woodgrove']],
  },
  {
    method: 'POST', path: '/skr/release-partner', access: 'operator', rate: 10, body: 'json', on: 'woodgrove', ok: 200, needs: ['maa', 'vault'], send: { partner: 'contoso' },
    reply: { status: '=success', message: 'string', partner: '=Contoso', key_name: 'string', key_vault: 'string', key_released: 'bool', can_decrypt: 'bool', note: 'string' },
    bare: [403, ERROR], refused: [[403, { partner: 'fabrikam' }, {}, 'contoso'], [400, { partner: 'woodgrove' }], [400, {}]], failed: { partner: 'string', error_detail: 'string', hint: 'string' },
  },
  // --- 1.4 encrypt and decrypt
  {
    method: 'POST', path: '/encrypt', access: 'operator', rate: 60, body: 'json', ok: 200, send: { plaintext: 'x€' },
    reply: { status: '=success', ciphertext: 'string', algorithm: '=RSA-OAEP-SHA256', key_id: 'string', plaintext_length: '=4', ciphertext_length: '=256' },
    bare: [400, { ...ERROR, hint: 'string' }], refused: [[400, {}], [400, { plaintext: '' }], [400, { plaintext: 1 }], [400, { plaintext: 'x'.repeat(191) }, { plaintext_length: '=191', max_length: '=190' }]],
  },
  {
    method: 'POST', path: '/decrypt', access: 'operator', rate: 60, body: 'json', ok: 200, send: async (w, p) => ({ ciphertext: (await p.get('/company/list')).json.records[0].name_encrypted }),
    reply: { status: '=success', plaintext: 'string|null', 'plaintext_base64?': 'string', algorithm: 'string', ciphertext_length: 'number', plaintext_length: 'number' },
    bare: [400, { ...ERROR, hint: 'string' }], refused: [[400, {}], [400, { ciphertext: '' }], [400, { ciphertext: '!' }], [500, { ciphertext: 'QUFBQQ==' }]],
  },
  // --- 1.5 company data
  { method: 'GET', path: '/company/info', access: 'public', rate: 0, body: 'none', ok: 200, reply: { company: 'string', key_name: 'string', key_released: 'bool', data_file: 'string' }, bare: [200, { company: 'null', key_name: 'string', key_released: 'bool', data_file: 'null' }] },
  {
    method: 'POST', path: '/company/populate', access: 'operator', rate: 5, body: 'csv', ok: 200,
    reply: { status: '=success', message: 'string', company: 'string', source_file: 'string', records_added: 'number', total_records: 'number', destination: 'string', ...place, note: 'string' },
    bare: [400, FAULT], refused: [[400, undefined, {}, 'woodgrove']],
  },
  {
    method: 'POST', path: '/company/save', access: 'operator', rate: 30, body: 'json', ok: 200, send: { name: 'Grace O’Example', phone: '+1 555' },
    reply: { status: '=success', message: 'string', company: '=contoso', record_count: 'number', ...place, note: 'string' },
    bare: [400, ERROR], refused: [[400, {}], [400, { name: '', phone: null }], [400, { name: 1 }], [400, { name: 'x'.repeat(4097) }], [400, { name: 'x' }, {}, 'woodgrove']],
  },
  {
    method: 'GET', path: '/company/encrypted-status', access: 'public', rate: 60, body: 'none', ok: 200,
    reply: { company: 'string', key_name: 'string', key_released: 'bool', encrypted_file: 'string', file_exists: 'bool', file_size_bytes: 'number', record_count: 'number', fields: ['string'], status: '=success', message: 'string' },
    bare: [200, { company: 'string', file_exists: 'bool', status: '=pending', message: 'string' }],
  },
  {
    method: 'GET', path: '/company/list', access: 'operator', rate: 0, body: 'none', ok: 200,
    reply: { status: '=success', company: 'string', ...place, record_count: 'number', total_records_in_file: 'number', records: [{ line_number: 'number', timestamp: 'string', company: '=contoso', name_encrypted: 'string', phone_encrypted: 'string' }], key_released: 'bool', note: 'string' },
    bare: [200, { record_count: '=0', records: 'array', message: 'string' }], refused: [[400, undefined, {}, 'woodgrove']],
  },
  // --- 1.6 shared storage
  {
    method: 'GET', path: '/storage/config', access: 'public', rate: 60, body: 'none', ok: 200,
    reply: {
      storage_account: 'string', container_name: '=privateappdata', blob_endpoint: 'string', container_url: 'string', consolidated_blob_name: 'string', authenticated: 'bool', auth_method: 'string',
      sas_expiry: { expiry_date: 'string', expiry_formatted: 'string', days_remaining: 'number', is_expired: 'bool', is_expiring_soon: 'bool' },
    },
    bare: [200, { authenticated: 'bool', auth_method: '=sas_token' }],
  },
  {
    method: 'GET', path: '/storage/list', access: 'public', rate: 60, body: 'none', ok: 200,
    reply: { status: '=success', storage_account: 'string', container: 'string', blob_count: 'number', blobs: [{ name: 'string', size: 'string', content_type: 'string', last_modified: 'string', url: 'string' }], message: 'string', security_note: 'string', authenticated: 'bool' },
    bare: [200, { status: '=success', blobs: 'array' }],
  },
  {
    method: 'GET', path: '/storage/download/*', ask: `/storage/download/${BLOB}`, access: 'public', rate: 60, body: 'none', ok: 200,
    reply: { status: '=success', blob_name: `=${BLOB}`, content: 'string', is_text: 'bool', size: 'number', content_type: '=application/json', security_note: 'string', authenticated: 'bool' },
    bare: [200, { status: '=success', content: 'string' }],
  },
  // --- 1.7 partner analysis
  {
    method: 'POST', path: '/partner/analyze', access: 'operator', rate: 5, body: 'json?', on: 'woodgrove', ok: 200, reply: { status: '=success', ...analytics, company_staff: { Contoso: 'number', Fabrikam: 'number', Total: 'number' }, note: 'string' },
    bare: [403, ERROR], refused: [[403, {}, {}, 'contoso'], [400, { contoso_url: 'https://evil.example' }]],
  },
  { method: 'GET', path: '/partner/analyze-stream', access: 'operator', rate: 0, body: 'none', on: 'woodgrove', ok: 200, type: 'text/event-stream', stream: { type: '=complete', status: '=success', ...analytics, total_time: 'number' }, bare: [200, null] },
  {
    method: 'POST', path: '/analytics/partner-demographics', access: 'operator', rate: 5, body: 'json', on: 'woodgrove', ok: 200, send: urls,
    reply: {
      status: '=success', partners: { contoso: { status: '=success', records: 'number', decrypted: 'number', decrypt_errors: 'number', has_private_key: 'bool', key_released: 'bool' }, fabrikam: { status: '=success' } },
      combined_analytics: {
        total_records: 'number', contoso_records: 'number', fabrikam_records: 'number', decrypted_fields: ['string'],
        generations: Object.fromEntries(['Gen Alpha (2-13)', 'Gen Z (14-29)', 'Millennials (30-45)', 'Gen X (46-61)', 'Baby Boomers (62-80)', 'Silent Generation (81+)'].map((n) => [n, 'number|null'])),
        salary_ranges: Object.fromEntries(['Under $50K', '$50K-$100K', '$100K-$150K', '$150K-$200K', 'Over $200K'].map((n) => [n, 'number|null'])),
        top_countries: {}, top_cities_by_country: {}, top_eye_colors: {}, top_favorite_colors: {}, salary_comparison: { contoso: company(), fabrikam: company() }, analysis_note: 'string',
      },
    },
    bare: [403, ERROR], refused: [[403, {}, {}, 'contoso'], [400, {}], [400, { contoso_url: 'https://x', fabrikam_url: 'https://y' }]],
  },
  // --- 1.7 debugging: with DEBUG_ROUTES=on only
  {
    method: 'GET', path: '/debug/attestation-claims', access: 'operator', rate: 20, body: 'none', ok: 200, needs: ['maa'],
    reply: { status: '=success', comparison: { actual_hostdata: 'string', expected_policy_hash: 'string|null', match: 'bool|string', attestation_type: '=sevsnpvm' }, diagnosis: { problem: 'string', solution: 'string|null' }, all_sev_claims: { 'x-ms-sevsnpvm-hostdata': 'string' }, full_claims: claims },
    bare: [503, FAULT],
  },
  {
    method: 'GET', path: '/debug/partner-keys', access: 'operator', rate: 0, body: 'none', on: 'woodgrove', ok: 200, reply: { status: '=success', partner_keys: { contoso: keyState, fabrikam: keyState }, own_key_released: 'bool', diagnosis: 'string' },
    bare: [200, { partner_keys: { contoso: { stored: 'bool' } } }],
  },
  {
    method: 'POST', path: '/debug/test-partner-decrypt', access: 'operator', rate: 5, body: 'json', on: 'woodgrove', ok: 200, send: { partner: 'fabrikam' },
    reply: {
      status: '=success', test_results: {
        partner: '=Fabrikam', ciphertext_preview: 'null', ciphertext_length: 'number|null', key_stored: 'bool', cached_private_key_exists: 'bool', cached_key_decrypt: attempt, jwk_decrypt: attempt, combined_decrypt: attempt, diagnosis: 'string',
      },
    },
    bare: [403, ERROR], refused: [[400, { partner: 'x' }]],
  },
  // --- 1.8 access test
  {
    method: 'POST', path: '/container/access-test', access: 'public', rate: 20, body: 'none', ok: 200, reply: { status: '=complete', summary: 'string', tee: 'bool', tests: [accessTest], policy_reference: 'string', policy: { supplied: 'bool', matches_host_data: 'bool' } },
    bare: [200, { status: '=complete', tests: [accessTest] }],
  },
  // --- ours: signing in
  { method: 'POST', path: '/login', access: 'sign_in', rate: 10, body: 'json', ok: 200, send: (w) => ({ token: w.token }), reply: { status: '=success', message: 'string', operator: 'bool', open: 'bool' }, bare: [200, { status: '=success' }], refused: [[401, { token: 'wrong' }, {}, 'contoso', 'closed'], [401, {}, {}, 'contoso', 'closed']] },
  { method: 'POST', path: '/logout', access: 'public', rate: 0, body: 'none', ok: 200, reply: { status: '=success', message: 'string', operator: 'bool', open: 'bool' }, bare: [200, { status: '=success' }] },
  { method: 'GET', path: '/session', access: 'public', rate: 0, body: 'none', ok: 200, reply: { operator: 'bool', open: 'bool', configured: 'bool' }, bare: [200, { operator: 'bool' }] },
];
for (const r of routes) r.refused = (r.refused || []).filter((x) => x[3] !== 'skip');

// The sidecar port: the SKR sidecar's interface (azure-protocols.md section 5), as exact as clients of that program expect it. takes: required
// fields, as its messages call them; failed: status and first line when what it needs cannot be had.
const localRoutes = [
  { method: 'GET', path: '/status', reply: { message: '=Status OK' } },
  { method: 'POST', path: '/attest/raw', takes: ['RawAttestData.RuntimeData'], reply: { report: 'string' }, failed: [403, 'failure to fetch attestation report hex'] },
  { method: 'POST', path: '/attest/combined', takes: ['RawAttestData.RuntimeData'], reply: { endorsed_tcb: 'string', endorsements: 'string', evidence: 'string', uvm_endorsements: 'string' }, failed: [500, 'failure to fetch attestation report bytes'] },
  { method: 'POST', path: '/attest/maa', takes: ['MAAAttestData.MAAEndpoint', 'MAAAttestData.RuntimeData'], reply: { token: 'string' }, failed: [403, 'attestation failed'] },
  { method: 'POST', path: '/key/release', takes: ['KeyReleaseData.MAAEndpoint', 'KeyReleaseData.AKVEndpoint', 'KeyReleaseData.KID'], reply: { key: 'string' }, failed: [403, 'secure key release failed'] },
];

// The peer port: for another party, with certificates on both sides (src/party/peer.h). access: 'public' before it has proven who it is, 'proven' after.
const proof = { report: 'string', runtime_data: 'string' };
const peerRoutes = [
  { method: 'POST', path: '/peer/hello', access: 'public', rate: 300, takes: { nonce: 'string' }, ok: 200, reply: { nonce: 'string', ...proof } },
  { method: 'POST', path: '/peer/proof', access: 'public', rate: 300, takes: proof, ok: 204 },
  { method: 'GET', path: '/company/list', access: 'proven', rate: 0, ok: 200 },
];

// Headers of every answer (multiparty-app.md section 0).
const HEADERS = { 'x-content-type-options': /^nosniff$/, 'x-xss-protection': /^1; mode=block$/, 'referrer-policy': /^strict-origin-when-cross-origin$/, 'permissions-policy': /camera=\(\)/, 'content-security-policy': /default-src 'self'/ };
const SENSITIVE = /^\/(skr\/|encrypt|decrypt)/; // and Cache-Control: no-store, Pragma: no-cache
const BODY_MAX = 16384; // 413 beyond, but where it is streamed

// The first difference between a value and a shape, or null.
function differs(value, shape, where = 'reply') {
  if (typeof shape === 'string') {
    const is = (alternative) => {
      if (alternative === 'any') return true;
      if (alternative.startsWith('=')) return String(value) === alternative.slice(1);
      const type = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
      return type === alternative;
    };
    return shape.split('|').some(is) ? null : `${where} is ${JSON.stringify(value)}, not ${shape}`;
  }
  if (Array.isArray(shape)) {
    if (!Array.isArray(value) || value.length === 0) return `${where} is no list with something in it`;
    for (const [i, v] of value.entries()) { const d = differs(v, shape[0], `${where}[${i}]`); if (d) return d; }
    return null;
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return `${where} is no object`;
  for (const [name, s] of Object.entries(shape)) {
    const bare = name.replace(/\?$/, '');
    if (!(bare in value)) { if (name.endsWith('?')) continue; return `${where}.${bare} is missing`; }
    const d = differs(value[bare], s, `${where}.${bare}`);
    if (d) return d;
  }
  return null;
}

// The rows of a program's own table of routes: array `name` of src/<folder>/routes.c. Every row is understood, or this throws.
function tableOf(folder, name) {
  const read = (file) => fs.readFileSync(path.join(__dirname, '../../src', file), 'utf8');
  const text = new RegExp(`struct route ${name}\\[\\] = \\{\\n([^]*?)\\n\\};`).exec(read(`${folder}/routes.c`))[1];
  const limits = Object.fromEntries([...read('party/routes.h').matchAll(/^\t(RATE_\w+) = (\d+)/gm)].map((m) => [m[1], Number(m[2])]));
  const bodies = { BODY_NONE: 'none', BODY_JSON: 'json', BODY_JSON_OPT: 'json?', BODY_STREAM: 'csv', BODY_ANY: 'any' };
  return text.split('\n').filter((line) => !/^\t\/\*.*\*\/$/.test(line)).map((line) => {
    const m = /^\t\{ "(GET|POST)",\s+"([^"]+)",\s+(OPEN|SECRET),\s+(\w+),\s+(\w+),\s+(BODY_\w+),\s+(PLACE_\w+),\s+h_\w+ \},$/.exec(line);
    assert.ok(m, `${folder}/routes.c: a route that is written in another way: ${line}`);
    const rate = m[4] in limits ? limits[m[4]] : Number(m[4]);
    return { method: m[1], path: m[2], secret: m[3] === 'SECRET', rate, access: m[5].toLowerCase(), body: bodies[m[6]] };
  });
}

module.exports = { routes, tableOf, localRoutes, peerRoutes, ERROR, FAULT, HEADERS, SENSITIVE, BODY_MAX, JSON_TYPE, differs };
