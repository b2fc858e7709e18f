// The page as a whole: branding, state, sign-in, and the sections that only show what the server says.
import { $, el, fill, icon, badge, hint, note, facts, fold, json, code, bytes, cut, log, initLog, get, post, action, faultBox, failed, session, onSession, refreshSession, logout, signIn, clock } from './base.js';
import { initAttest, showFeatures } from './attest.js';
import { initAnalysis } from './analysis.js';
import { initData, enableEncrypt } from './data.js';

const brands = {
  contoso: ['Contoso Corporation', 'Enterprise Data Protection', 'C', '#0067b8'],
  fabrikam: ['Fabrikam Fashion', 'Online Retail Data Protection', 'F', '#c2185b'],
  woodgrove: ['Woodgrove Bank', 'Secure Financial Analytics Platform', 'W', '#146c43'],
  wingtip: ['Wingtip Toys', 'Toy Retail Data Protection', 'T', '#6941c6'],
  snooper: ['Snooper', 'The same program without confidential hardware', 'S', '#3a3f47'],
  none: ['Confidential Azure Container Instances', 'Remote Attestation with AMD SEV-SNP', 'P', '#0062ad'],
};

const framed = window.parent !== window;
let config = { };
let state = 'checking';
let released = false;

function brandOf(c) {
  if (c.company_name && !c.is_confidential) return 'snooper';
  const first = (c.company_name || '').toLowerCase().split(' ')[0];
  return first in brands ? first : 'none';
}

function showBrand(name) {
  const [title, subtitle, letter, color] = brands[name];
  document.documentElement.dataset.brand = name;
  $('title').textContent = document.title = title;
  $('subtitle').textContent = name === 'snooper' ? `${subtitle}; settings of ${config.company_name}` : subtitle;
  $('mark').textContent = letter;
  $('favicon').href = `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="${color}"/><text x="16" y="23" font-family="sans-serif" font-size="20" font-weight="700" fill="#fff" text-anchor="middle">${letter}</text></svg>`)}`;
}

// A page around this one is told who we are; nothing in it is secret.
function tell() {
  if (!framed) return;
  window.parent.postMessage({ parley: 'state', title: $('title').textContent, brand: document.documentElement.dataset.brand, key: config.key_name || '', vault: config.akv_endpoint || '', state }, '*');
}

function showState(kind, text, title) {
  const b = badge(kind, text);
  state = kind === 'ok' || kind === 'said' ? 'claimed' : kind; // to a page that frames this one, it is this page's own claim
  $('state').setAttribute('class', b.getAttribute('class'));
  $('state').title = title;
  $('state').replaceChildren(...b.childNodes);
  tell();
}

async function showInfo() {
  try {
    const info = await get('/info');
    if (info.status.attestation_works) {
      showState('said', 'Claims AMD SEV-SNP', 'The server says so. This browser has not verified it: see Verify This Server.');
      log('info', 'the server says that it runs in AMD SEV-SNP; not verified by this browser');
      return;
    }
    const hardware = config.is_confidential;
    showState('bad', hardware ? 'Attestation failed' : 'No confidential hardware', info.diagnostics.note);
    log('bad', `attestation: ${info.diagnostics.note}`);
    showFeatures({ claims: null });
    fill($('banner'), note('bad', hardware ? 'Attestation does not work here' : 'NOT running on confidential hardware',
      el('p', info.diagnostics.note), info.diagnostics.recommendation && el('p', el('strong', 'What to do: '), info.diagnostics.recommendation)));
  } catch (e) {
    showState('warn', 'State unknown', e.message);
    log('bad', `info: ${e.message}`);
  }
}

// --- Session ---
function showSession() {
  $('who').hidden = session.open;
  $('who-text').textContent = session.operator ? 'Sign out' : session.elsewhere ? 'Sign in over TLS' : 'Sign in';
  $('who').setAttribute('aria-label', session.operator ? 'Operator: sign out' : 'Operator: sign in');
  tell();
}

function initSession() {
  onSession(showSession);
  $('who').addEventListener('click', async () => {
    try {
      if (session.elsewhere && !session.operator) location.assign(session.elsewhere);
      else await (session.operator ? logout() : signIn());
    } catch (e) {
      log('bad', `session: ${e.message}`);
    }
  });
  $('sign-in-cancel').addEventListener('click', () => $('sign-in').close(''));
}

// --- Access test ---
const words = { blocked: ['said', 'BLOCKED'], unexpected: ['bad', 'UNEXPECTED'], not_enforced: ['warn', 'NOT ENFORCED'], unavailable: ['warn', 'UNAVAILABLE'] };

async function accessTest() {
  const r = await post('/container/access-test', {});
  const blocked = r.tests.filter((t) => t.result === 'blocked').length;
  hint('access', blocked === r.tests.length ? 'said' : 'warn', `${blocked} of ${r.tests.length} blocked`);
  log(blocked === r.tests.length ? 'info' : 'warn', `access test: ${blocked} of ${r.tests.length} blocked`);
  fill($('access-out'),
    el('div.pair', r.tests.map((t) => {
      const [kind, word] = words[t.result] || ['warn', String(t.result).toUpperCase()];
      return el(`div.panel.${kind}`, el('h3', t.name), badge(kind, word), el('p', t.detail), t.method && el('p.fine', el('strong', 'Tried: '), t.method), t.policy_rule && el('pre', t.policy_rule));
    })),
    note(blocked === r.tests.length ? 'said' : 'warn', 'Summary, by the server’s own word', el('p', r.summary),
      r.policy_reference && el('p.fine', 'Reference: ', /^https:\/\//.test(r.policy_reference) ? el('a', { href: r.policy_reference, rel: 'noopener noreferrer', target: '_blank' }, r.policy_reference) : r.policy_reference)));
}

// --- Container information ---
const size = (f) => (f.error ? f.error : `${bytes(f.size_bytes)}, SHA-256 `);
async function containerInfo() {
  const [c, p] = await Promise.all([get('/container/info'), get('/security/policy').catch(() => null)]);
  const sev = c.sev_device || {};
  const skr = c.skr_status || {};
  const id = p && p.container_identity;
  const policy = p && p.key_release_policy;
  const os = c.os || {};
  hint('info', sev.available ? 'said' : 'bad', sev.available ? 'SEV-SNP device' : 'no SEV-SNP device');
  fill($('info-out'),
    el('div.pair', null,
      el('div.panel', el('h3', 'Image'), facts(['Image', c.image], ['Digest', c.image_digest], ['Container', c.container_id && code(c.container_id)], ['Host name', c.hostname], ['System', os.pretty_name || os.error || os.name])),
      el(`div.panel.${sev.available ? 'said' : 'bad'}`, el('h3', 'SEV-SNP device'), facts(['Device', sev.device_path && code(sev.device_path)], ['State', badge(sev.available ? 'said' : 'bad', sev.available ? 'available' : 'absent')]), el('p.fine', sev.explanation)),
      el('div.panel', el('h3', 'Key release service'), facts(['State', badge(skr.running === true ? 'said' : 'warn', skr.running === true ? 'running, in this process' : 'not available')], ['Why', skr.reason]), skr.explanation && el('p.fine', skr.explanation)),
      policy && el('div.panel', el('h3', 'Security policy'), facts(['Hash', id.security_policy_hash && code(id.security_policy_hash)], ['Claim', code(id.claim_name)], ['Level', policy.security_level]), el('p.fine', policy.binding_description))),
    el('h3', 'Checksums'),
    el('dl.facts', Object.entries(c.app_checksums || {}).map(([path, f]) => el('div', el('dt', code(path)), el('dd', size(f), f.sha256 && code(f.sha256))))),
    p && p.trust_model && el('div.pair', null,
      el('div.panel', el('h3', 'What is trusted'), el('ul', p.trust_model.what_is_trusted.map((t) => el('li', t)))),
      el('div.panel', el('h3', 'What is not trusted'), el('ul', p.trust_model.what_is_not_trusted.map((t) => el('li', t))))),
    fold('Everything as JSON', json(c)));
}

function initInfo() {
  $('info').addEventListener('toggle', async () => {
    if (!$('info').open || $('info').dataset.seen) return;
    $('info').dataset.seen = '1';
    try {
      await containerInfo();
    } catch (e) {
      delete $('info').dataset.seen;
      failed('container information', $('info-out'), e);
    }
  });
}

// --- Verification: its code is fetched when somebody wants it ---
// verdict: on this server, reached by this browser.
function showVerdict(verdict) {
  const time = clock();
  const by = verdict.configured_root ? 'the root that you gave, not AMD’s' : 'AMD’s root';
  showFeatures({ verdict, time });
  if (!verdict.genuine) showState('bad', `NOT genuine, ${time}`, 'This browser refuses the evidence: see Verify This Server.');
  else if (verdict.acceptable === false) showState('bad', `NOT acceptable, ${time}`, 'Genuine, but not the container that you expect: see Verify This Server.');
  else showState('ok', `${verdict.configured_root ? 'Verified by your root' : 'Verified'}, ${time}`, `This browser verified the evidence at ${time}, by ${by}.`);
}

// The values that a link brings (#verify?root=...&endorser=...&host_data=...) are shown in their fields; the visitor presses the button.
function fillFromLink() {
  const [section, query] = location.hash.slice(1).split('?');
  if (section !== 'verify' || !query) return;
  const given = new URLSearchParams(query);
  for (const [name, field] of [['host_data', 'verify-host-data'], ['root', 'verify-root'], ['endorser', 'verify-endorser']]) $(field).value = (given.get(name) || '').slice(0, 2000);
  $('verify').querySelector('.fold').open = given.has('root') || given.has('endorser');
  fill($('verify-link'), note('warn', 'Filled in by the link', el('p', 'HOST_DATA, root and endorser are what the link’s author wants you to trust. Compare them with what you have from elsewhere, then press Verify This Server.')));
  $('verify').open = true;
  $('verify').scrollIntoView();
}

function initVerify() {
  $('verify').addEventListener('toggle', async () => {
    try {
      await (await import('./proof.js')).initProof(showVerdict);
    } catch (e) {
      failed('verification', $('verify-out'), e);
    }
  }, { once: true });
  window.addEventListener('hashchange', fillFromLink);
  fillFromLink();
}

// --- Contents, timer, start ---
function initContents() {
  const cards = [...document.querySelectorAll('details.card')];
  for (const c of cards) c.querySelector('summary').prepend(icon(c.dataset.icon));
  const show = () => fill($('toc'), cards.filter((c) => !c.hidden).map((c) => el('li', el('a', { href: `#${c.id}`, onclick: () => { c.open = true; c.querySelector('summary').focus({ preventScroll: true }); } }, icon(c.dataset.icon), c.querySelector('h2').textContent))));
  show();
  return show;
}

function initTimer() {
  const from = performance.now();
  const two = (n) => String(n).padStart(2, '0');
  setInterval(() => {
    const s = Math.floor((performance.now() - from) / 1000);
    $('timer').textContent = s < 3600 ? `${two(Math.floor(s / 60))}:${two(s % 60)}` : `${two(Math.floor(s / 3600))}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  }, 1000);
}

async function start() {
  const contents = initContents();
  initTimer();
  initLog();
  initSession();
  if (framed) document.documentElement.classList.add('framed');
  try {
    config = await get('/skr/config');
  } catch (e) {
    showBrand('none');
    showState('bad', 'No answer', e.message);
    fill($('banner'), faultBox(e, 'This party does not say how it is configured'));
    return;
  }
  const brand = brandOf(config);
  showBrand(brand);
  log('info', `${$('title').textContent}: key ${cut(config.key_name || 'not configured', 60)}`);
  await refreshSession();
  const info = showInfo();
  action($('do-access'), $('access-out'), 'access test', accessTest);
  initInfo();
  initVerify();
  const status = await initAttest(config, async () => { released = true; enableEncrypt(true); contents(); });
  released = Boolean(status.released);
  config.maxPlain = status.key_bits ? status.key_bits / 8 - 66 : 190;
  initData(config, () => released);
  if (config.is_woodgrove && config.is_confidential) initAnalysis(config, status);
  contents();
  await info;
}

start();
