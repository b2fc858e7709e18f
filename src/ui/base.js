// What all parts of the page share: elements, calls to the server, faults, the session, the log.
// Text from a server enters the page as text nodes and nowhere else.

export const $ = (id) => document.getElementById(id);
const SVG = 'http://www.w3.org/2000/svg';

function build(node, classes, children) {
  const given = children[0] && Object.getPrototypeOf(children[0]) === Object.prototype;
  if (classes.length) node.setAttribute('class', classes.join(' '));
  for (const [k, v] of Object.entries(given ? children.shift() : {})) {
    if (v === undefined || v === null || v === false) continue;
    if (k.startsWith('on')) node.addEventListener(k.slice(2), v);
    else if (k === 'css') for (const [p, x] of Object.entries(v)) node.style.setProperty(p, x);
    else node.setAttribute(k, v === true ? '' : String(v));
  }
  node.append(...children.flat(3).filter((c) => c !== null && c !== undefined && c !== false).map((c) => (c instanceof Node ? c : String(c))));
  return node;
}

// el('p.fine', {title: 'x', onclick: f, css: {'--w': '3px'}}, 'text', otherElement); the properties may be left out
export function el(name, ...children) {
  const [tag, ...classes] = name.split('.');
  return build(document.createElement(tag), classes, children);
}

export function svg(name, ...children) {
  const [tag, ...classes] = name.split('.');
  return build(document.createElementNS(SVG, tag), classes, children);
}

export const icon = (name) => svg('svg.icon', { viewBox: '0 0 24 24', 'aria-hidden': 'true' }, svg('use', { href: `#i-${name}` }));
export const fill = (node, ...children) => node.replaceChildren(...children.flat(3).filter(Boolean));

// Of all states on the page: ok (green) is what this browser has checked, or what was done because it asked, with its time; said (grey)
// what the server claims; wait: not known yet; bad (red): it failed.
export const marks = { ok: 'check', bad: 'cross', warn: 'warn', wait: 'wait', said: 'said' };
export const badge = (kind, text) => el(`span.badge.${kind}`, icon(marks[kind]), text);
// The word at the right end of a section's title.
export const hint = (section, kind, text) => fill($(`${section}-state`), text && badge(kind, text));

export const note = (kind, title, ...children) => el(`div.note.${kind}`, el('h3', icon(marks[kind]), title), children);
export const fold = (title, ...children) => el('details.fold', el('summary', title), children);
export const code = (text) => el('code', text);
export const json = (value) => el('pre.scroll', { tabindex: 0 }, JSON.stringify(value, null, 2));

// Label and value, two columns; values that are absent are left out.
export function facts(...pairs) {
  return el('dl.facts', pairs.filter(([, v]) => v !== undefined && v !== null && v !== '').map(([k, v]) => (
    el('div', el('dt', k), el('dd', v)))));
}

export function table(caption, head, rows, props) {
  return el('div.scroll', { tabindex: 0, role: 'region', 'aria-label': caption }, el('table', props, el('caption.vh', caption),
    el('thead', el('tr', head.map((h) => el('th', { scope: 'col', class: h.startsWith('>') ? 'num' : null }, h.replace('>', ''))))),
    el('tbody', rows)));
}

export const cut = (text, n) => (text.length > n ? `${text.slice(0, n)}…` : text);
export const number = (v) => Number(v).toLocaleString('en-US');
export const plural = (n, one, many = `${one}s`) => `${number(n)} ${n === 1 ? one : many}`;
export const bytes = (n) => (n < 1024 ? `${n} bytes` : n < 1048576 ? `${(n / 1024).toFixed(1)} KiB` : `${(n / 1048576).toFixed(1)} MiB`);
export const utc = (seconds) => `${new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
export const clock = () => `${new Date().toISOString().slice(11, 19)} UTC`;
export const capital = (t) => (t ? t[0].toUpperCase() + t.slice(1) : t);
export const sleep = (ms, signal) => new Promise((done, stop) => {
  const t = setTimeout(done, ms);
  if (signal) signal.addEventListener('abort', () => { clearTimeout(t); stop(new DOMException('stopped', 'AbortError')); }, { once: true });
});
export const toBase64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
export const fromBase64 = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
export const toHex = (data) => Array.from(data, (b) => b.toString(16).padStart(2, '0')).join('');

export function saveFile(name, text, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  el('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

// --- The log: what was asked and what came of it, never values of records. ---
const lines = [];
export function log(kind, text) {
  const time = new Date().toISOString().slice(11, 19);
  lines.push(`${time} ${kind.padEnd(4)} ${text}`);
  const list = $('log-list');
  if (!list) return;
  list.append(el(`li.${kind}`, el('time', time), ` ${text}`));
  while (list.children.length > 400) list.firstChild.remove();
  list.parentNode.scrollTop = list.parentNode.scrollHeight;
  $('log-state').textContent = plural(lines.length, 'entry', 'entries');
}
export function initLog() {
  $('save-log').addEventListener('click', () => saveFile('parley-log.txt', `${document.title}, ${location.host}\n${lines.join('\n')}\n`, 'text/plain'));
  $('clear-log').addEventListener('click', () => { lines.length = 0; fill($('log-list')); $('log-state').textContent = ''; });
}

// --- Faults: what went wrong, why, what to do. ---
export class Fault extends Error {
  constructor(status, data) {
    super(capital((data && data.message) || `The server answered with status ${status}.`));
    this.status = status;
    this.data = data || {};
  }
}

// The visitor has not signed in: nothing was asked for, so nothing failed.
export class NotSignedIn extends Fault {
  constructor(message = 'This needs the operator’s sign-in.') { super(401, { message }); }
}

export function faultBox(error, title) {
  if (error instanceof NotSignedIn) return note('wait', 'Nothing was done', el('p', error.message));
  const d = error.data || {};
  const why = d.diagnosis || {};
  const cause = why.likely_cause || why.explanation || d.failure_reason;
  const todo = why.solution || d.hint || d.solution;
  const said = [d.step && `step: ${d.step}`, d.service, d.http_status && `HTTP ${d.http_status}`, d.service_code, d.errno && `errno ${d.errno}`].filter(Boolean);
  return note('bad', title || error.message,
    title && el('p', error.message),
    cause && cause !== d.message && cause !== d.error && el('p', el('strong', 'Likely cause: '), capital(cause)),
    todo && el('p', el('strong', 'What to do: '), capital(todo)),
    why.command && el('pre', why.command),
    said.length > 0 && el('p.chips', said.map((s) => el('span', s))));
}

export function failed(what, box, error, title) {
  log(error instanceof NotSignedIn ? 'info' : 'bad', `${what}: ${error.message}`);
  fill(box, faultBox(error, title));
}

// --- Calls ---
// elsewhere: the https address where signing in is possible when it is not here (null: there is none).
export const session = { operator: false, open: false, token: null, elsewhere: undefined };

function headersFor(extra) {
  // The token is kept in memory only where the session cookie does not work: in a frame of another site, or over plain HTTP.
  return { Accept: 'application/json', ...(session.token ? { Authorization: `Bearer ${session.token}` } : {}), ...extra };
}

export async function send(method, path, { body, type = 'application/json', accept, signal } = {}) {
  const headers = headersFor({ ...(body === undefined ? {} : { 'Content-Type': type }), ...(accept ? { Accept: accept } : {}) });
  const content = body === undefined || body instanceof Blob || typeof body === 'string' ? body : JSON.stringify(body);
  try {
    return await fetch(path, { method, headers, body: content, signal, credentials: 'same-origin', cache: 'no-store' });
  } catch (e) {
    if (e.name === 'AbortError') throw e;
    throw new Fault(0, { message: 'The server could not be reached.', diagnosis: { likely_cause: 'The party is down or restarting, or the connection was cut.', solution: 'Wait a moment and try again.' } });
  }
}

async function read(response) {
  const text = await response.text();
  let data = null;
  try { data = JSON.parse(text); } catch { /* no JSON: judged below */ }
  if (!response.ok) {
    if (data && response.headers.get('Retry-After')) data.retry_after_seconds ??= Number(response.headers.get('Retry-After')) || 1;
    throw new Fault(response.status, data);
  }
  if (data === null) throw new Fault(response.status, { message: 'The answer is not JSON.' });
  return data;
}

export const get = async (path, options) => read(await send('GET', path, options));
export const post = async (path, body, options) => read(await send('POST', path, { body, ...options }));

// For the operator's routes: signs in first, and once more when the session has ended meanwhile.
export async function asOperator(work) {
  if (!session.operator && !session.open && !(await signIn())) throw new NotSignedIn();
  try {
    return await work();
  } catch (e) {
    if (e.status !== 401) throw e;
    session.operator = false;
    session.token = null;
    if (!(await signIn())) throw new NotSignedIn();
    return work();
  }
}
export const operate = (path, body, options) => asOperator(() => post(path, body, options));

// --- The session ---
let changed = () => {};
export const onSession = (f) => { changed = f; };

export async function refreshSession() {
  try {
    const s = await get('/session');
    session.operator = Boolean(s.operator);
    session.open = Boolean(s.open);
    session.elsewhere = s.https;
  } catch (e) {
    log('bad', `session: ${e.message}`);
  }
  changed();
}

export async function login(token) {
  await post('/login', { token });
  await refreshSession();
  if (!session.operator) {
    session.token = token;
    await refreshSession();
  }
  if (!session.operator) {
    session.token = null;
    throw new Fault(401, { message: 'The session was not accepted.' });
  }
  log('ok', 'signed in as operator');
}

export async function logout() {
  session.token = null;
  await post('/logout', {});
  await refreshSession();
  log('ok', 'signed out');
}

let waiting = null;
// True once signed in, false when given up.
export function signIn() {
  if (session.elsewhere !== undefined) throw new NotSignedIn(`Signing in needs TLS: ${session.elsewhere ? `use ${session.elsewhere}` : 'this party has no HTTPS port'}.`);
  waiting ||= new Promise((resolve) => {
    const dialog = $('sign-in');
    const submit = async (event) => {
      event.preventDefault();
      $('sign-in-error').textContent = '';
      try {
        await login($('token').value.trim());
        dialog.close('ok');
      } catch (e) {
        $('sign-in-error').textContent = e.status === 401 ? 'This is not the operator’s token.' : e.message;
      }
    };
    $('sign-in-form').addEventListener('submit', submit);
    dialog.addEventListener('close', () => {
      $('sign-in-form').removeEventListener('submit', submit);
      $('token').value = $('sign-in-error').textContent = '';
      waiting = null;
      resolve(dialog.returnValue === 'ok');
    }, { once: true });
    dialog.returnValue = '';
    dialog.showModal();
  });
  return waiting;
}

// --- Buttons ---
// A button that works once at a time; what goes wrong is shown in box and logged.
export function action(button, box, what, work) {
  button.addEventListener('click', async () => {
    if (button.getAttribute('aria-busy') === 'true') return;
    button.setAttribute('aria-busy', 'true');
    try {
      await work();
    } catch (e) {
      if (e.name !== 'AbortError') {
        failed(what, box, e, e.title);
      }
    } finally {
      button.removeAttribute('aria-busy');
    }
  });
}
