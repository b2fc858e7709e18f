// Woodgrove's section: partners' keys, the live analysis, and its result as pictures.
import { $, el, fill, icon, badge, hint, note, json, fold, table, facts, number, plural, cut, log, operate, asOperator, send, action, faultBox, saveFile, sleep, capital, code, clock, Fault, NotSignedIn } from './base.js';
import { worldMap, small, range, extremes, thousands } from './map.js';

const PARTNERS = ['contoso', 'fabrikam'];
const COMPANIES = ['Contoso', 'Fabrikam'];
const BORN = { 'Gen Alpha': 'from 2013', 'Gen Z': '1997–2012', Millennials: '1981–1996', 'Gen X': '1965–1980', 'Baby Boomers': '1946–1964', 'Silent Generation': 'to 1945' };
const EYES = { Brown: '#7a4b2a', Blue: '#4a80c4', Green: '#4f8f5b', Hazel: '#a07f3e', Gray: '#8b939c', Amber: '#d08a1d' };
const money = (v) => (v === null || v === undefined ? 'too few' : `$${number(v)}`);

// --- Partners' keys ---
function partnerCard(partner, config, kind, text, extra) {
  const c = (config.partner_configs || {})[partner] || {};
  $(`key-${partner}`).setAttribute('class', `panel ${kind}`);
  fill($(`key-${partner}`), el('h3', icon('key'), `${capital(partner)} Key`), badge(kind, text), facts(['Key', c.key_name && code(c.key_name)], ['Vault', c.akv_endpoint]), extra);
}

const before = {}; // what each card said last: [kind, text]

async function releasePartner(partner, config) {
  partnerCard(partner, config, 'wait', 'asking the vault…');
  try {
    await operate('/skr/release-partner', { partner });
  } catch (e) {
    if (e instanceof NotSignedIn) {
      partnerCard(partner, config, ...before[partner]);
      throw e;
    }
    partnerCard(partner, config, ...(before[partner] = ['bad', 'not released']), faultBox(e));
    log('bad', `${partner}’s key: ${e.message}`);
    return false;
  }
  partnerCard(partner, config, ...(before[partner] = ['ok', `released, ${clock()}`]));
  log('ok', `${partner}’s key released`);
  return true;
}

// --- The stream ---
// fetch rather than EventSource: it tells why a stream is refused, ends for good when told to, and carries a token where no cookie can.
async function* events(path, signal) {
  const response = await send('GET', path, { accept: 'text/event-stream', signal });
  if (!response.ok) {
    let data = null;
    try { data = await response.json(); } catch { /* no JSON */ }
    throw new Fault(response.status, data);
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (held + value).split('\n\n');
    held = blocks.pop();
    for (const block of blocks) {
      const data = block.split('\n').filter((l) => l.startsWith('data:')).map((l) => l.slice(5).trim()).join('\n');
      if (data) yield JSON.parse(data);
    }
  }
}

function showProgress(text, percent) {
  $('progress').hidden = false;
  if ($('progress-text').textContent !== text) $('progress-text').textContent = text;
  if (percent === undefined) return;
  $('progress-percent').textContent = `${percent.toFixed(1)} %`;
  $('progress-bar').setAttribute('aria-valuenow', Math.round(percent));
  $('progress-bar').firstElementChild.style.width = `${percent}%`;
}

function onEvent(e) {
  if (e.type === 'status') {
    showProgress(e.message, e.phase === 'analyze' ? 100 : e.phase === 'fetch' ? 0 : undefined);
    log('info', e.message);
  } else if (e.type === 'fetch') {
    log('info', `fetched ${plural(e.count, 'encrypted record')} of ${e.partner}`);
    $('progress-count').textContent = `${e.partner}: ${plural(e.count, 'encrypted record')}`;
  } else if (e.type === 'progress') {
    showProgress(`Decrypting ${e.current_partner}’s records`, e.percent);
    $('progress-count').textContent = `${number(e.decrypted)} / ${number(e.total)} records`;
    $('progress-time').textContent = `Elapsed: ${e.elapsed.toFixed(1)} s | Remaining: ~${e.remaining.toFixed(1)} s`;
  }
}

const streamFault = (e) => new Fault(200, {
  message: e.message,
  diagnosis: {
    likely_cause: [...(e.errors || []).filter((t) => !e.message.includes(t)), e.likely_cause].filter(Boolean).join('. ') || undefined,
    solution: e.solution || 'Look at the state of both partners: each needs its key and records.',
  },
});

// One try: the final event, or null when the stream broke off before it.
async function follow(signal) {
  try {
    for await (const e of events('/partner/analyze-stream', signal)) {
      onEvent(e);
      if (e.type === 'complete') return e;
      if (e.type === 'error') {
        if (/running already/.test(e.message)) return null;
        throw streamFault(e);
      }
    }
  } catch (e) {
    if (e instanceof Fault && e.status !== 0) throw e;
    if (e.name === 'AbortError') throw e;
  }
  return null;
}

async function run(signal) {
  for (let tries = 1; ; tries++) {
    const last = await asOperator(() => follow(signal));
    if (last) return last;
    if (tries === 5) throw new Fault(0, { message: 'The stream of events broke off five times.', diagnosis: { likely_cause: 'Something between this page and the server cuts long answers, or another analysis is running.', solution: 'Try again in a minute.' } });
    const wait = 2 ** (tries - 1);
    log('warn', `stream interrupted; again in ${wait} s`);
    showProgress(`Connection lost, trying again in ${wait} s (${tries} of 4)`);
    await sleep(wait * 1000, signal);
  }
}

// --- Pictures ---
const card = (label, value, sub, mark) => el('div', { class: `stat ${mark || ''}` }, el('span.label', label), el('span.value', value), sub && el('span.sub', sub));
const block = (title, ...children) => el('section.result', el('h3', title), children);
const key = () => el('p.legend', COMPANIES.map((c) => el('span', el('i', { class: `dot ${c.toLowerCase()}` }), c)));

function generations(r) {
  const by = r.generations_by_company;
  const most = Math.max(1, ...COMPANIES.flatMap((c) => (by[c] || []).map((g) => g.percent)));
  return el('div.bars', r.generations.map((g) => el('div.bars-row', null,
    el('div.bars-name', el('strong', g.generation), el('small', `born ${BORN[g.generation] || '?'} · ${plural(g.count, 'person', 'people')}`)),
    el('div.bars-set', COMPANIES.map((c) => {
      const one = (by[c] || []).find((x) => x.generation === g.generation) || { count: 0, percent: 0 };
      return el('div.hbar', el('i', { class: c.toLowerCase(), css: { width: `${Math.max(0.5, one.percent / most * 100)}%` } }), el('span', { title: plural(one.count, 'person', 'people') }, `${one.percent.toFixed(1)} %`), el('span.vh', ` of ${c}, ${one.count}`));
    })))));
}

function eyes(e) {
  const total = e.all.reduce((n, x) => n + x.count, 0) || 1;
  return [
    el('p.eyes', { 'aria-hidden': 'true' }, e.all.map((x) => el('i', { title: `${x.color}: ${x.count}`, css: { width: `${x.count / total * 100}%`, background: EYES[x.color] || 'var(--soft)' } }))),
    el('ul.legend', e.all.map((x) => el('li', el('i.dot', { css: { background: EYES[x.color] || 'var(--soft)' } }), `${x.color} ${number(x.count)}`))),
    el('p', 'Most common: ', el('strong', e.most_common.color), ` (${number(e.most_common.count)}). Least common: `, el('strong', e.least_common.count ? e.least_common.color : 'not shown'), e.least_common.count ? ` (${number(e.least_common.count)}).` : '.')];
}

function favourites(list) {
  return el('ol.podium', list.map((x, i) => el('li', null,
    el('i.swatch', { css: /^[A-Za-z]{3,20}$/.test(x.color) ? { background: x.color.toLowerCase() } : {} }),
    el('span', el('strong', x.color), el('small', `${['First', 'Second', 'Third'][i]}, ${plural(x.count, 'person', 'people')}`)))));
}

function countries(list) {
  const most = Math.max(1, ...list.map((c) => c.count));
  return table('Top 10 countries', ['>Rank', 'Country', '>Staff', 'Top 3 Cities'], list.map((c, i) => el('tr', null,
    el('td.num', i + 1), el('th', { scope: 'row' }, c.country), el('td.num', el('span.cell', { css: { '--part': c.count / most } }, c.count)),
    el('td', c.top_cities.map((t) => `${t.city} (${t.count})`).join(', ')))));
}

function salaries(list) {
  const top = Math.max(1, ...list.map((c) => Math.max(c.max_salary || 0, c.avg_salary || 0)));
  const pct = (v) => `${v / top * 100}%`;
  const ends = (c) => (extremes(c) ? [c.min_salary, c.max_salary] : [0, c.avg_salary]);
  return table('Salary by country', ['Country', '>People', '>Average', list.every(extremes) ? 'Lowest to highest' : 'Average'], list.map((c) => el('tr', null,
    el('th', { scope: 'row' }, c.country), el('td.num', number(c.count)), el('td.num', small(c) ? '–' : money(c.avg_salary)),
    el('td', small(c) ? el('span.fine', 'too few people to show') : [
      el('span.range', { title: range(c) }, el('i', { css: { left: pct(ends(c)[0]), width: pct(ends(c)[1] - ends(c)[0]) } }), el('b', { css: { left: pct(c.avg_salary) } })),
      el('small', extremes(c) ? `${thousands(c.min_salary)} – ${thousands(c.max_salary)}` : thousands(c.avg_salary))]))));
}

// People in groups that are not shown, and values that were not read.
function withheld(w) {
  const tables = [['countries', 'countries'], ['generations', 'generations'], ['eye_colors', 'eye colors'], ['favorite_colors', 'favorite colors']].filter(([name]) => w[name] > 0);
  if (!tables.length && !w.salaries) return null;
  return note('wait', 'Some groups are not shown', el('p', `Groups in which a company has fewer than ${w.min_group_size} people are not shown, nor groups that these would follow from by subtraction.`),
    el('ul', tables.map(([name, title]) => el('li', `People in ${title} that are not shown: ${number(w[name])}`)), w.salaries && el('li', 'Salaries of both companies together: too few people have one, or have none')));
}

function unread(u) {
  const reasons = Object.entries(u.reasons || {}).map(([why, n]) => `${number(n)} ${why.replaceAll('_', ' ')}`).join(', ');
  return `${u.company}, ${u.column}: ${u.count === null ? 'some values, too few to say how many' : plural(u.count, 'value')}${reasons && ` (${reasons})`}`;
}

function staff(r) {
  const s = r.company_staff || { Contoso: r.contoso_count, Fabrikam: r.fabrikam_count, Total: r.total_count };
  const share = (n) => (s.Total ? `${(n / s.Total * 100).toFixed(0)} % of all` : '');
  const a = r.avg_salaries;
  const apart = (v) => (v && a.Combined ? `${Math.abs((v / a.Combined - 1) * 100).toFixed(1)} % ${v >= a.Combined ? 'above' : 'below'} the mean` : '');
  return el('div.stats', null,
    card('Contoso staff', number(s.Contoso), share(s.Contoso), 'contoso'), card('Fabrikam staff', number(s.Fabrikam), share(s.Fabrikam), 'fabrikam'), card('Total', number(s.Total), 'people in both'),
    card('Contoso average salary', money(a.Contoso), apart(a.Contoso), 'contoso'), card('Fabrikam average salary', money(a.Fabrikam), apart(a.Fabrikam), 'fabrikam'), card('Combined average', money(a.Combined), 'over all people'));
}

function showResult(r) {
  fill($('analysis-out'), el('div.results', { id: 'results' },
    r.errors && note('warn', 'Not everything could be used', el('p', 'This result is partial: it leaves out what is listed here.'), el('ul', r.errors.map((t) => el('li', t)))),
    r.not_read && note('warn', 'Values that were not read', el('ul', r.not_read.map((u) => el('li', unread(u))))),
    staff(r),
    r.withheld && withheld(r.withheld),
    block('Generations', key(), generations(r)),
    block('Average salary by country', worldMap(r.salary_by_country), el('details.fold', el('summary', 'The same figures as a table'), salaries(r.salary_by_country))),
    el('div.pair.wide', block('Eye colors', eyes(r.eye_colors)), block('Favorite colors', favourites(r.top_3_favorite_colors))),
    block('Top 10 countries', countries(r.top_10_countries)),
    el('p.fine', `${plural(r.total_count, 'record')} of two companies, analysed in ${r.total_time === undefined ? '?' : r.total_time.toFixed(2)} s. Only these figures left the container.`),
    el('div.row', el('button', { type: 'button', onclick: () => saveFile('parley-analysis.json', `${JSON.stringify(r, null, 1)}\n`, 'application/json') }, 'Save result')),
    fold('Result as JSON', json(r))));
  const map = document.querySelector('.map .scroll');
  map.scrollLeft = (map.scrollWidth - map.clientWidth) / 2;
}

// --- The section ---
let stop = null;
async function analyse(config) {
  stop = new AbortController();
  $('stop-analysis').hidden = false;
  fill($('analysis-out'));
  try {
    const got = [];
    for (const p of PARTNERS) got.push(await releasePartner(p, config));
    if (!got.some(Boolean)) throw new Fault(0, { message: 'No partner’s key was released.', diagnosis: { likely_cause: 'Both vaults refused; each says above why.', solution: 'Correct the release policies or permissions, then start again.' } });
    showProgress('Starting', 0);
    const result = await run(stop.signal);
    showProgress('Done', 100);
    hint('analysis', result.status === 'success' ? 'ok' : 'warn', `${result.status === 'success' ? '' : 'partial: '}${plural(result.total_count, 'record')}`);
    log('ok', `analysis of ${plural(result.total_count, 'record')} complete`);
    showResult(result);
  } catch (e) {
    if (e.name === 'AbortError') {
      log('warn', 'analysis stopped');
      showProgress('Stopped');
    } else if (e instanceof NotSignedIn) {
      $('progress').hidden = true;
    } else {
      hint('analysis', 'bad', 'failed');
      showProgress(cut(e.message, 80));
    }
    throw e;
  } finally {
    stop = null;
    $('stop-analysis').hidden = true;
  }
}

export function initAnalysis(config, status) {
  $('analysis').hidden = false;
  fill($('partner-cards'), PARTNERS.map((p) => el('div.panel', { id: `key-${p}` })));
  const have = (status && status.partner_keys) || {};
  for (const p of PARTNERS) partnerCard(p, config, ...(before[p] = have[p] ? ['said', 'released'] : ['wait', 'not asked for yet']));
  action($('do-analysis'), $('analysis-out'), 'analysis', () => analyse(config));
  $('stop-analysis').addEventListener('click', () => stop && stop.abort());
}
