// The parties side by side: a pane for each origin that the settings name, with dividers that can be moved. This page tells the panes
// nothing and holds no secret; what a pane says of itself is shown as its word, beside its origin.

const STEP = 2; // percent of the width that an arrow key moves a divider
const MIN_PX = 200;

const el = (tag, props, ...children) => {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(props)) e.setAttribute(k, v);
  e.append(...children);
  return e;
};

const bare = (origin) => origin.replace(/^https?:\/\//, '');

const root = document.getElementById('panes');
const panes = [];
let share = []; // percent of the width, pane by pane

const least = () => Math.min(MIN_PX / root.clientWidth * 100, 100 / panes.length);

function layout() {
  panes.forEach((p, i) => {
    p.box.style.setProperty('--share', share[i].toFixed(3));
    if (!p.divider) return;
    const before = share.slice(0, i + 1).reduce((a, b) => a + b, 0);
    const left = before - share[i];
    p.divider.setAttribute('aria-valuenow', Math.round(before));
    p.divider.setAttribute('aria-valuemin', Math.round(left + least()));
    p.divider.setAttribute('aria-valuemax', Math.round(before + share[i + 1] - least()));
  });
}

// Moves the divider after pane i; only its two neighbours change.
function move(i, by) {
  const both = share[i] + share[i + 1];
  share[i] = Math.max(least(), Math.min(both - least(), share[i] + by));
  share[i + 1] = both - share[i];
  layout();
}

function makeDivider(i) {
  const d = el('div', { class: 'divider', role: 'separator', tabindex: '0', 'aria-orientation': 'vertical', 'aria-label': `Divider between pane ${i + 1} and ${i + 2}` });
  d.addEventListener('keydown', (e) => {
    const by = { ArrowLeft: -STEP, ArrowRight: STEP, PageUp: -5 * STEP, PageDown: 5 * STEP, Home: -100, End: 100 }[e.key];
    if (by === undefined) return;
    e.preventDefault();
    move(i, by);
  });
  d.addEventListener('pointerdown', (e) => {
    let x = e.clientX;
    d.setPointerCapture(e.pointerId);
    root.classList.add('moving'); // frames would swallow the pointer
    const drag = (m) => { move(i, (m.clientX - x) / root.clientWidth * 100); x = m.clientX; };
    const end = () => { d.removeEventListener('pointermove', drag); root.classList.remove('moving'); };
    d.addEventListener('pointermove', drag);
    d.addEventListener('pointerup', end, { once: true });
    d.addEventListener('pointercancel', end, { once: true });
  });
  return d;
}

function makePane(origin, i, n) {
  const name = el('h2', {}, bare(origin));
  const detail = el('p', {}, 'loading…');
  const open = el('a', { href: `${origin}/`, target: '_blank', rel: 'noopener' }, 'Open alone');
  const head = el('header', {}, el('i', { class: 'dot' }), el('div', {}, name, detail), open);
  const frame = el('iframe', { src: `${origin}/`, title: `Party at ${origin}` });
  const box = el('section', { class: 'pane', 'aria-label': `Pane ${i + 1}` }, head, frame);
  const pane = { origin, box, head, name, detail, frame, heard: false, divider: i + 1 < n ? makeDivider(i) : null };
  setTimeout(() => {
    if (!pane.heard) detail.textContent = 'No answer yet. If its certificate is not known to this browser, open the party alone once and accept it, then reload.';
  }, 6000);
  root.append(box, ...(pane.divider ? [pane.divider] : []));
  return pane;
}

const said = new Map([['claimed', 'says: AMD SEV-SNP'], ['bad', 'ACCESS DENIED'], ['warn', 'state unknown'], ['checking', 'checking…']]);
const short = (v) => String(v ?? '').slice(0, 100);

window.addEventListener('message', (e) => {
  const p = panes.find((x) => x.frame.contentWindow === e.source && x.origin === e.origin);
  if (!p || !e.data || e.data.parley !== 'state') return;
  p.heard = true;
  const title = short(e.data.title);
  const bad = e.data.state === 'bad';
  p.name.textContent = title;
  p.frame.title = title;
  p.box.setAttribute('aria-label', title);
  p.detail.replaceChildren(el('b', {}, said.get(e.data.state) || 'state unknown'), ` · ${[bare(p.origin), [short(e.data.key), short(e.data.vault)].filter(Boolean).join(' at ')].filter(Boolean).join(' · ')}`);
  p.head.querySelector('.dot').setAttribute('class', bad ? 'dot bad' : 'dot');
  p.head.setAttribute('class', bad ? 'bad' : '');
});

async function start() {
  const { origins } = await (await fetch('/compare/config')).json();
  if (!origins.length) {
    root.append(el('p', { class: 'note warn' }, 'No parties to compare: set COMPARE_ORIGINS to the origins of all of them, in each of them.'));
    return;
  }
  origins.forEach((o, i) => panes.push(makePane(o, i, origins.length)));
  share = origins.map(() => 100 / origins.length);
  layout();
  window.addEventListener('resize', layout);
}

start().catch((e) => root.append(el('p', { class: 'note bad' }, `The list of parties could not be read: ${e.message}`)));
