// From measurements to the table and the chart. A figure is how many times better parley is than what stands beside it: more requests, or less
// time or memory for the same; above 1 parley is better.
'use strict';

const two = (x) => (x >= 100 ? Math.round(x).toLocaleString('en-US') : x >= 10 ? x.toFixed(0) : x >= 1 ? x.toFixed(1) : (Math.floor(x * 100) / 100).toFixed(2)); // what is below 1 does not look like 1
const times = (n) => n.toLocaleString('en-US');

// [group, what, beside, figure]
function figures({ http, crypto, verify, jobs }) {
  const rows = [];
  const add = (group, what, beside, figure, mark = '') => rows.push({ group, what: what + mark, beside, figure });
  const pair = (group, what, m, name, of) => { for (const other of ['nginx', 'gunicorn']) if (m[other]) add(group, what, other === 'gunicorn' ? 'Flask, gunicorn' : other, of(m.parley, m[other])[name]); };
  const served = (a, b) => ({ rate: a.rate / b.rate, p99: b.p99 / a.p99, cpu: b.cpu / a.cpu });
  for (const [what, m] of [['plain', http.plain], ['TLS', http.tls]]) {
    pair('small answers', `requests a second, ${what}, /health`, m, 'rate', served);
    pair('small answers', `processor time a request, ${what}, /health`, m, 'cpu', served);
    pair('small answers', `99th percentile of latency, ${what}, /health`, m, 'p99', served);
  }
  pair('small answers', 'requests a second, plain, /skr/config', http.config, 'rate', served);
  const cost = (a, b) => ({ cpu: b.cpu / a.cpu, bytes: a.bytes / b.bytes });
  pair('TLS', 'full handshakes a second of processor time', http.full, 'cpu', cost);
  pair('TLS', `connections again a second of processor time (nginx resumes${http.resumed.parley.resumed ? ', so does parley' : ', parley does not'})`, http.resumed, 'cpu', cost);
  pair('TLS', 'bytes a second, a list of 20,000 records', http.bulk, 'bytes', cost);
  const less = (group, what, m) => { for (const other of ['nginx', 'gunicorn']) add(group, what, other === 'gunicorn' ? 'Flask, gunicorn' : other, m[other] / m.parley); };
  const each = (name) => Object.fromEntries(Object.entries(http.memory).map(([k, m]) => [k, m[name]]));
  less('process', 'start to first answer', http.start);
  less('process', 'resident memory, idle', each('idle'));
  less('process', 'resident memory, 256 TLS connections', each('held'));
  const names = {
    'seal-16': 'AES-256-GCM, seal 16 bytes', 'open-16': 'AES-256-GCM, open 16 bytes', 'seal-16384': 'AES-256-GCM, seal 16 KiB', 'open-16384': 'AES-256-GCM, open 16 KiB',
    'sha256-16384': 'SHA-256, 16 KiB', 'oaep-2048': 'RSA-2048, private (OAEP)', 'oaep-3072': 'RSA-3072, private (OAEP)', 'oaep-4096': 'RSA-4096, private (OAEP)',
    'ecdsa-p256': 'ECDSA P-256, sign', x25519: 'X25519',
  };
  for (const [name, what] of Object.entries(names)) add('cryptography', what, 'openssl speed', crypto.openssl[name] / crypto.ours[name]);
  add('evidence', 'offline verification of a proof', 'OpenSSL, the same checks', verify.openssl / verify.ours);
  for (const a of jobs.analysis) {
    const mark = a.scaled ? ' *' : '';
    add('the job', `analysis, ${times(a.n)} records a company`, 'Python', a.python_s / a.decrypt_s, mark);
  }
  const [small] = jobs.analysis;
  const large = jobs.analysis[jobs.analysis.length - 1];
  add('the job', 'analysis, 500 records a company', 'Python, the original per-field RSA', jobs.original_s / small.decrypt_s);
  add('the job', 'import and sealing, records a second', 'Python', jobs.import.ours / jobs.import.python, ' *');
  add('the job', `resident memory of the analyst, ${times(large.n)} records a company`, 'Python *', large.python_kib / large.peak_kib);
  return rows;
}

// What must hold. met: yes or no; a miss does not fail the run.
function targets({ http, verify, jobs }) {
  const large = jobs.analysis[jobs.analysis.length - 1];
  const original = jobs.original_s / jobs.analysis[0].decrypt_s;
  return [
    [`${times(large.n)} + ${times(large.n)} records, fetched over TLS from two other processes: at most 20 s of processor time in all`, large.whole_s <= 20],
    ['the analyst of those: at most 64 MiB resident', large.peak_kib <= 64 * 1024],
    ['500 + 500 records at least 1,000 times faster than per-field RSA in Python', original >= 1000],
    ["small answers, plain: at least nginx's requests a second on the same processor", http.plain.parley.rate >= http.plain.nginx.rate],
    ["small answers, TLS: at least nginx's requests a second on the same processor", http.tls.parley.rate >= http.tls.nginx.rate],
    ['start to first answer: at most 10 ms', http.start.parley <= 0.01],
    ['offline verification: at most 10 ms a proof', verify.ours <= 0.01],
  ];
}

const trip = (names) => `${Object.values(names).reduce((a, b) => a + b, 0)} (${Object.entries(names).map(([k, n]) => `${k} ${n}`).join(', ')})`;

function markdown(all) {
  const rows = figures(all);
  const lines = ['| what | beside | parley is better by |', '|---|---|---:|', ...rows.map((r) => `| ${r.what} | ${r.beside} | ${two(r.figure)} |`), '',
    '\\* Python was given 100,000 records of each company; its time is scaled up, its memory is not.', '', '| target | met |', '|---|---|',
    ...targets(all).map(([what, met]) => `| ${what} | ${met ? 'yes' : 'no'} |`), '',
    `Round trips of a key release, counted at the stand-ins: own key ${trip(all.jobs.release.own)}, a partner's ${trip(all.jobs.release.partner)}.`, '',
    `Of the analyses of 500 and 10,000 records the median of five counts: the first unwraps the data keys with RSA, the others find them kept. The first`,
    `of 500 alone was ${two(all.jobs.original_s / all.jobs.analysis[0].first_s)} times as fast as the original per-field RSA in Python.`];
  return { rows, text: lines.join('\n') };
}

const escape = (t) => t.replace(/&/g, '&amp;').replace(/</g, '&lt;');

// Bars from 1 to the right (better) or to the left (worse) on a logarithmic scale. Colours follow the reader's light or dark scheme.
function svg(rows) {
  const [left, width, line, top] = [450, 420, 20, 44];
  const groups = [...new Set(rows.map((r) => r.group))];
  const most = Math.ceil(Math.log10(Math.max(10, ...rows.map((r) => r.figure))));
  const least = Math.min(-1, Math.floor(Math.log10(Math.min(...rows.map((r) => r.figure)))));
  const x = (f) => left + (width * (Math.log10(f) - least)) / (most - least);
  const out = [];
  let y = top;
  for (const g of groups) {
    out.push(`<text class="g" x="8" y="${y + 14}">${escape(g)}</text>`);
    y += line;
    for (const r of rows.filter((o) => o.group === g)) {
      const [a, b] = [Math.min(x(1), x(r.figure)), Math.max(x(1), x(r.figure))];
      out.push(`<text x="${left - 10}" y="${y + 14}" text-anchor="end">${escape(`${r.what}: ${r.beside}`.replace(/ \((nginx|OAEP).*?\)/, ''))}</text>`,
        `<rect class="${r.figure >= 1 ? 'b' : 'w'}" x="${a.toFixed(1)}" y="${y + 4}" width="${Math.max(b - a, 1).toFixed(1)}" height="12" rx="2"/>`,
        `<text class="n" x="${(b + 5).toFixed(1)}" y="${y + 14}">${two(r.figure)}</text>`);
      y += line;
    }
    y += 6;
  }
  const grid = Array.from({ length: most - least + 1 }, (_, i) => least + i).map((e) => (
    `<line class="${e ? 'l' : 'one'}" x1="${x(10 ** e)}" x2="${x(10 ** e)}" y1="${top - 6}" y2="${y}"/><text class="n" text-anchor="middle" x="${x(10 ** e)}" y="${top - 12}">${e >= 0 ? (10 ** e).toLocaleString('en-US') : 10 ** e}</text>`));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${left + width + 70} ${y + 8}" role="img" aria-label="How many times better parley is than what stands beside it">
<style>text{font:12px system-ui,sans-serif;fill:#24292f}.g{font-weight:600}.n{fill:#57606a}.b{fill:#1a7f5a}.w{fill:#b35900}.l{stroke:#d0d7de}.one{stroke:#57606a;stroke-width:1.5}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.n{fill:#9da7b3}.b{fill:#3fb68b}.w{fill:#e08b3c}.l{stroke:#30363d}.one{stroke:#9da7b3}}</style>
<text class="g" x="8" y="16">times better than what stands beside it (right of 1: parley is better)</text>
${[...grid, ...out].join('\n')}
</svg>
`;
}

module.exports = { markdown, svg, targets };
