// Records: protecting and listing them, live encryption, the shared storage, and what an attacker sees of it.
import { $, el, fill, icon, badge, hint, note, facts, table, number, plural, bytes, cut, log, get, send, post, operate, asOperator, action, faultBox, failed, sleep, session, code, Fault } from './base.js';

const PAGE = 10; // records shown, and decrypted, at a time
const LIST_MAX = 4 << 20; // characters of a list that are read

// --- Records as they come: an array, an object with records, or one object a line. ---
const isRecord = (r) => r && typeof r === 'object' && Object.keys(r).some((k) => k.endsWith('_encrypted'));

function records(text) {
  try {
    const all = JSON.parse(text);
    return (Array.isArray(all) ? all : all.records || [all]).filter(isRecord);
  } catch {
    return text.split('\n').map((line) => { try { return JSON.parse(line); } catch { return null; } }).filter(isRecord);
  }
}

// A list may be longer than a page should hold: reading stops, and the last whole record is kept.
async function readList() {
  const response = await send('GET', '/company/list');
  if (!response.ok) throw new Fault(response.status, await response.json().catch(() => null));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return JSON.parse(text);
    text += value;
    if (text.length > LIST_MAX) {
      reader.cancel();
      return JSON.parse(`${text.slice(0, text.lastIndexOf('},') + 1)}]}`);
    }
  }
}

// --- Protect data ---
let all = [];
let own = '';
let first = 0;
let plain = false; // decrypting is on
let round = 0; // the page of records being decrypted; another one ends it
const opened = new Map(); // ciphertext -> plaintext, of the records shown last

const token = (r, field) => r[`${field}_encrypted`];

function value(r, field) {
  const t = token(r, field);
  if (!t) return el('td.fine', '–');
  if (plain && r.company !== own) return el('td.refused', icon('lock'), 'Unable to Decrypt Contents');
  if (plain && opened.has(t)) return el('td.plain', opened.get(t));
  return el('td', { title: t }, code(cut(t, 30)));
}

function showRecords() {
  const shown = all.slice(first, first + PAGE);
  const step = (by, text) => el('button', { type: 'button', disabled: by < 0 ? first === 0 : first + PAGE >= all.length, onclick: () => { first += by; showRecords(); if (plain) decryptShown(); } }, text);
  fill($('records'), all.length === 0 ? el('p.fine', 'No records are stored yet.') : [
    el('div.row', null,
      el('button', { type: 'button', id: 'toggle', 'aria-pressed': String(plain), onclick: toggle }, icon(plain ? 'lock' : 'unlock'), plain ? 'Press to Encrypt' : 'Press to Decrypt'),
      el('span.fine', { id: 'decrypt-state', role: 'status' })),
    table('Saved data', ['>ID', 'Timestamp', 'Name', 'Phone'], shown.map((r, i) => el('tr', { class: r.company === own ? 'own' : 'other' },
      el('td.num', r.line_number || first + i + 1), el('td', cut(String(r.timestamp || '').replace('T', ' '), 19).replace('…', '')), value(r, 'name'), value(r, 'phone')))),
    el('div.row.pager', step(-PAGE, 'Previous'), el('span', `${number(first + 1)}–${number(first + shown.length)} of ${number(all.length)}`), step(PAGE, 'Next'))]);
}

// Bytes that are no text come as base64.
const textOf = (r) => (r.plaintext === null ? `base64: ${r.plaintext_base64}` : r.plaintext);

async function decryptOne(t, mine) {
  for (;;) {
    try {
      return textOf(await asOperator(() => post('/decrypt', { ciphertext: t })));
    } catch (e) {
      if (e.status !== 429 || mine !== round) throw e;
      const wait = Math.min(60, e.data.retry_after_seconds || 5);
      $('decrypt-state').textContent = `The server limits decryption; going on in ${wait} s.`;
      await sleep(wait * 1000);
      if (mine !== round) throw new DOMException('stopped', 'AbortError');
    }
  }
}

// The records in view, one value after the other; each shows as it arrives.
async function decryptShown() {
  const mine = ++round;
  const wanted = all.slice(first, first + PAGE).filter((r) => r.company === own).flatMap((r) => [token(r, 'name'), token(r, 'phone')]).filter((t) => t && !opened.has(t));
  try {
    for (const [i, t] of wanted.entries()) {
      const text = await decryptOne(t, mine);
      if (mine !== round) return;
      opened.set(t, text);
      $('decrypt-state').textContent = `${i + 1} of ${wanted.length} values decrypted`;
      const cell = [...$('records').querySelectorAll('td')].find((c) => c.title === t);
      if (cell) cell.replaceWith(el('td.plain', text));
    }
    log('ok', `${plural(wanted.length, 'value')} decrypted for display`);
    showRecords();
  } catch (e) {
    if (e.name === 'AbortError') return;
    plain = false;
    showRecords();
    failed('decrypt', $('protect-out'), e, 'Decryption failed');
  }
}

function toggle() {
  plain = !plain;
  if (!plain) { opened.clear(); round++; }
  showRecords();
  $('toggle').focus();
  if (plain) decryptShown();
}

async function list() {
  const r = await asOperator(readList);
  all = r.records || [];
  own = r.company || own;
  first = Math.min(first, Math.max(0, all.length - 1));
  const total = r.total_records_in_file ?? r.record_count ?? all.length;
  hint('protect', all.length ? 'said' : 'wait', plural(r.record_count ?? all.length, 'record'));
  log('info', `${plural(all.length, 'record')} listed, ciphertext only`);
  showRecords();
  if (total > all.length) $('records').append(el('p.fine', `The first ${number(all.length)} of ${number(total)} are listed here.`));
  return all.length;
}

async function imported(work) {
  const r = await work();
  log('ok', `import: ${r.message}`);
  fill($('protect-out'), note('ok', r.unchanged ? 'Already stored' : 'Encrypted and stored', el('p', r.message), facts(['From', r.source_file], ['Records added', number(r.records_added)], ['Records in all', number(r.total_records)], ['Stored in', r.destination])),
    r.warnings.length > 0 && note('warn', 'Not all of it will be counted', el('ul', r.warnings.map((t) => el('li', t)))));
  for (const t of r.warnings) log('warn', t);
  opened.clear();
  first = 0;
  await list();
}

function initProtect(config, keyReleased) {
  const section = $('protect');
  section.hidden = false;
  own = (config.company_name || '').toLowerCase().split(' ')[0];
  action($('do-import'), $('protect-out'), 'import', () => imported(() => operate('/company/populate', {})));
  action($('do-list'), $('protect-out'), 'list', list);
  $('csv').addEventListener('change', async () => {
    const [file] = $('csv').files;
    if (!file) return;
    try {
      await imported(() => operate('/company/populate', file, { type: 'text/csv' }));
    } catch (e) {
      failed('import', $('protect-out'), e, 'The file was not imported');
    }
    $('csv').value = '';
  });
  action($('save-form').querySelector('button'), $('protect-out'), 'save', async () => {
    const body = Object.fromEntries([['name', $('save-name').value.trim()], ['phone', $('save-phone').value.trim()]].filter(([, v]) => v));
    if (!body.name && !body.phone) throw new Fault(0, { message: 'Nothing to save.', diagnosis: { solution: 'Fill in a name or a phone number.' } });
    const r = await operate('/company/save', body);
    $('save-form').reset();
    log('ok', 'one record encrypted and saved');
    fill($('protect-out'), note('ok', 'Saved', el('p', r.message), r.note && el('p.fine', r.note)));
    await list();
    first = Math.floor(Math.max(0, all.length - 1) / PAGE) * PAGE;
    showRecords();
    if (plain) decryptShown();
  });
  $('save-form').addEventListener('submit', (e) => e.preventDefault());
  // The first time the operator opens it: what is stored, and if that is nothing, the import.
  section.addEventListener('toggle', async () => {
    if (!section.open || section.dataset.seen || !(session.operator || session.open)) return;
    section.dataset.seen = '1';
    try {
      const n = await list();
      if (n === 0 && keyReleased()) await imported(() => operate('/company/populate', {}));
    } catch (e) {
      failed('list', $('protect-out'), e);
    }
  });
}

// --- Live encryption ---
function initEncrypt(config) {
  const input = $('plain');
  const output = $('cipher');
  const max = Number(config.maxPlain) || 190;
  let timer = 0;
  let newest = 0;
  const count = () => {
    const n = new TextEncoder().encode(input.value).length;
    fill($('plain-count'), `${plural([...input.value].length, 'character')}, ${n} of at most ${max} bytes`);
    input.setAttribute('aria-invalid', String(n > max));
    return n;
  };
  const run = async () => {
    const mine = ++newest;
    fill($('encrypt-out'));
    fill($('decrypted'));
    if (!count()) { output.value = ''; fill($('cipher-count')); $('decrypt-back').disabled = true; return; }
    try {
      const r = await operate('/encrypt', { plaintext: input.value });
      if (mine !== newest) return;
      output.value = r.ciphertext;
      fill($('cipher-count'), `${r.ciphertext_length} bytes, ${r.algorithm}, key ${cut(r.key_id, 12)}`);
      $('decrypt-back').disabled = false;
    } catch (e) {
      if (mine !== newest) return;
      output.value = '';
      $('decrypt-back').disabled = true;
      fill($('encrypt-out'), faultBox(e));
    }
  };
  if (config.company_name) $('encrypt-title').textContent = `Encrypt Data Using ${config.company_name} Key`;
  input.addEventListener('input', () => { count(); clearTimeout(timer); timer = setTimeout(run, 200); });
  action($('decrypt-back'), $('encrypt-out'), 'decrypt', async () => {
    const r = await operate('/decrypt', { ciphertext: output.value });
    fill($('decrypted'), textOf(r));
  });
  count();
}

export function enableEncrypt(released) {
  $('plain').disabled = !released;
  hint('encrypt', released ? 'said' : 'wait', released ? 'ready' : 'no key released');
}

// --- Shared storage ---
let blobName = null;

function expiry(e) {
  if (!e) return null;
  if (e.error) return badge('warn', e.error);
  const kind = e.is_expired ? 'bad' : e.is_expiring_soon ? 'warn' : 'said';
  return el('span', badge(kind, e.is_expired ? 'expired' : `${plural(e.days_remaining, 'day')} left`), ` ${e.expiry_formatted}`);
}

async function storageConfig() {
  const c = await get('/storage/config');
  const there = Boolean(c.storage_account && c.container_name);
  blobName = c.consolidated_blob_name;
  hint('storage', there ? 'said' : 'wait', there ? c.storage_account : 'not configured');
  fill($('storage-config'), there
    ? facts(['Account', c.storage_account], ['Container', c.container_name], ['Address', c.container_url], ['Shared records', blobName && code(blobName)], ['Access', c.auth_method], ['SAS token', expiry(c.sas_expiry)])
    : el('p.fine', 'This party is not configured to use a storage account; its records are in a file of its own.'));
  $('do-blobs').disabled = $('refresh-blobs').disabled = !there;
  return there;
}

const blobPath = (name) => `/storage/download/${name.split('/').map(encodeURIComponent).join('/')}`;

async function view(name) {
  const b = await get(blobPath(name));
  log('info', `blob ${name}, ${bytes(Number(b.size) || 0)}`);
  let text = String(b.content ?? '');
  try { text = JSON.stringify(JSON.parse(text), null, 2); } catch { /* shown as it is */ }
  fill($('viewer'), el('section.result', el('h3', b.blob_name || name),
    el('p.fine', `${bytes(Number(b.size) || 0)}, ${b.content_type || 'no type'}. ${b.security_note || ''}`),
    el('pre.scroll.tall', { tabindex: 0 }, b.is_text === false ? 'Not text.' : text.length > 60000 ? `${text.slice(0, 60000)}\n…` : text),
    el('button', { type: 'button', onclick: () => fill($('viewer')) }, 'Close')));
}

async function listBlobs() {
  const r = await get('/storage/list');
  log('info', `${plural(r.blob_count, 'blob')} in ${r.container_name}`);
  fill($('blobs'), r.blobs.length === 0 ? el('p.fine', 'The container is empty.') : table('Blobs', ['Name', '>Size', 'Type', 'Changed', 'View'], r.blobs.map((b) => {
    const button = el('button.small', { type: 'button', 'aria-label': `View ${b.name}` }, icon('eye'), 'View');
    action(button, $('viewer'), 'blob', () => view(b.name));
    return el('tr', el('th', { scope: 'row' }, b.name), el('td.num', bytes(Number(b.size) || 0)), el('td', b.content_type), el('td', b.last_modified), el('td', button));
  })), r.security_note && el('p.fine', r.security_note));
}

// --- The attacker's view ---
function intercepted(list) {
  const t = (r, f) => (token(r, f) ? code(cut(token(r, f), 30)) : '–');
  return [
    el('p.banner', icon('deny'), 'No access to keys: the attestation service gives no token to a container without the hardware, and the vaults give no key without a token.'),
    table('Intercepted encrypted records', ['>#', 'Company', 'Name (Encrypted)', 'Phone (Encrypted)', 'Timestamp'], list.map((r, i) => [r, i]).slice(-50).reverse().map(([r, i]) => el('tr', null,
      el('td.num', i + 1), el('td', r.company), el('td', t(r, 'name')), el('td', t(r, 'phone')), el('td', cut(String(r.timestamp || ''), 19).replace('…', ''))))),
    list.length > 50 && el('p.fine', `The newest 50 of ${number(list.length)}.`)];
}

async function spy() {
  try {
    const b = await get(blobPath(blobName));
    const list = records(String(b.content ?? ''));
    fill($('spied'), list.length ? intercepted(list) : note('wait', 'Nothing intercepted yet', el('p', 'The companies need to populate first.')));
    $('spied-count').textContent = plural(list.length, 'record');
  } catch (e) {
    fill($('spied'), e.status === 404 ? note('wait', 'Nothing intercepted yet', el('p', 'The shared blob does not exist: the companies need to populate first.')) : faultBox(e));
    $('spied-count').textContent = '–';
  }
  $('spied-at').textContent = new Date().toISOString().slice(11, 19);
}

function startSpying() {
  $('attacker').hidden = false;
  fill($('attacker'), el('h3', icon('eye'), 'Attacker’s View'),
    el('p', 'This container runs the same program with the same settings and reads the same storage, but on ordinary hardware. All it ever gets is ciphertext.'),
    el('p.live', el('i.pulse'), 'Auto-refreshing every 5 seconds | Last update ', el('span', { id: 'spied-at' }, '–'), ' | Intercepted Encrypted Records: ', el('span', { id: 'spied-count' }, '–')),
    el('div', { id: 'spied' }));
  spy();
  setInterval(() => { if (!document.hidden && $('storage').open) spy(); }, 5000);
}

async function initStorage(config) {
  const section = $('storage');
  action($('do-blobs'), $('blobs'), 'storage', listBlobs);
  action($('refresh-blobs'), $('blobs'), 'storage', listBlobs);
  try {
    const there = await storageConfig();
    if (!config.is_confidential && there && blobName) {
      section.open = true;
      startSpying();
    }
  } catch (e) {
    hint('storage', 'warn', 'unknown');
    fill($('storage-config'), faultBox(e));
  }
}

export function initData(config, keyReleased) {
  if (config.is_confidential && config.company_name && !config.is_woodgrove) initProtect(config, keyReleased);
  initEncrypt(config);
  enableEncrypt(keyReleased());
  initStorage(config);
}
