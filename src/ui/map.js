// The world, drawn by hand in whole degrees, in the Equal Earth projection, with a circle for each country of the result.
import { svg, el, number, plural } from './base.js';

// Outlines: longitude and latitude of a first point, then the way to each next one. One path, filled by the even-odd rule, so that
// the Caspian Sea is a hole.
const land = `-168 66 6 1 6 4 15-1 13 0 13-2 7 0 13 0 1 4 9-2 4-3-6-3-7-3 1-3 8-3 3-3 3-1 0 4 2 3-1 4 5 0 4-3 4 1 4-4 5-4-4-2-6 0-4-3 5 2 1-3 3 0-5-2-4-1 0-1-4-2-2-3 0-2-5-4 1-5-1-1-1 3-2 2-5 0-5-1-3-1-1-6 3-4 4 0 1 3 3 0-1-5 5-1 0-4 2-2 4 0-3-2-3 1-3 3-2 2-4 1-4 2-6 2-3 2-1 3-3 3-4 5-2 1 3-4 2-5-2 2-3 4-2 4-3 1-4 6 0 7 1 2-5 2-3 4-4 3-7 2-7 0-4-2-9-3 4 3-4 1-4 2 5 3
-62 66-6-3-10 2 5 3-12 2-5 3 10 1 10-3
-117 72 12 1 3-4-13 0
-62 82-13 1-15-2 2-4 10-1 8 3
-59 48 6-1-2 4
-73 78 13 4 25 1 17-3-2-6-5-4-13-4-5-6-7 2-4 5 0 4-6 5
-85 22 5 1 6-3-4 0
-74 20 4 0 2-2-6 0
-77 8 5 4 4-1 6-1 5-4 6-2 1-4 6-3 7-2 2-3-4-5 0-5-2-4-7-4-1-3-5-5-3-1 0-3-5-1-3-2 2-1-4-4 1-2-3-3 1-2 2-2-5 1-3 3-1 4 2 5 0 5 2 7 1 12-6 4-3 6-2 3 1 3 0 3 3 3-1 3
-6 36 6 0 10 1 1-3 4-2 5-1 2 2 7-2 3 0 2-3 3-6 0-3 3-4 3-3 1-2 7 2-2-6-5-5-4-4-1-4 1-4 0-5-5-4 0-4-2-2-1-3-4-4-6-1-4 0-1 5-3 6-2 6 2 5-2 6-3 5 1 5-5 0-3 2-6-1-4-1-5 4-4 6 1 6-1 1 4 6 3 3 1 3
49-12 1-4-3-9-3 0-1 4 2 5
-9 37 0 2 0 4 7 0 1 3-4 2 5 2 3 1 2 2 3 1 0 3 2 0 0-3 4 0 5 0 2 2 3 1 0 2 6 1-5 0-3 0-1 3 4 2-3 1-5-4 1-2-2-3-2-2-2 1-1 3-4-1-2 2 0 2 6 3 3 3 6 2 8 1 13-4-1-1-6 0 1-2 3 0 6 2 0 2 10 0 6 1 8-1-1 4 3 1 3-2 2 1 6 1 6 2 17 2 9-3 15-1 12-1 20-2 10-1 10-1 0-3-3-3-7-2-7 0 0-4-6-5-1 6 6 4-6 0-6-2-8 0-7-5 6-2-1-4-5-5-5-1-3-3 2-2 0-2-3-1 0 3-1 2-4 0 1 2-4-2 1-2 3 0-3-2 3-4-1-3-3-4-4-2-4-1-2 0-2-2 3-6-2-3-2-1 0 2-4 2-1-4 3-5 1-3-3 2-3 6 0 7-3 0-1 2-3 4-4-1-5-5-2-1 0-4-3-3-3 7-2 6-2 0-3 4-10 1-3 1-4 3-2 0 2-4 2-2 4 2 1-2 3-2-5-5-10-4-2 0-1 3-3 5-4 7-2 2 1 1 2 5-6 0-3 1-1 2 3 2 6 1 6-1-4 4 2 2-4-1-2-2-2 2-3-2 0-3-2 0-3-1 1-2-2-2-3 4 0 2-4 2-2 1-1-1 4-3 2-1-2-1 0-1-4 4-3 2-5-1-1-1-3-3-2-2-3-1
47 45 4 2 2-2-2-2 2-2 1-4-4 0-1 4
-180 68 10-2-10-1
-5 50 6 1 1 2-3 1-1 3-1 2-3-2 1-2 2-1-2-2 2-1
-10 52 4 0 0 2-2 1-2-1
-24 65 2 1 7 0 1-1-5-2-3 1
11 79 9 1 7 0-9-3
52 71 5 0-1 2 13 4-9-1-6-3
12 38 4 0-1-1
8 41 2 0-1-2
80 10 2-3-2-1
131 34 5 2 1 1 2 1 1 3 2-2-1-3-3-1-3-1-2 0
130 33 2 0-1-2-1 1
140 42 2 3 3-2-2-1
142 54 1-4-1-4
120 23 1 2 0-3
120 16 1 2 1 0-1-3 3-2-4 1
122 7 3 3 1-3-1-1
95 5 3-1 5-5 3-2-1-3-3 2-4 5
105-6 5 0 4-2-4 0
109 1 4 2 4 4 2-2-2-4-1-5-6 1
119-5 1 5 5 1-4-1 2-5-2 2
131-1 4-2 6 0 6-3 4-4-7 2-6 0-5 4
114-22 8 4 7 3 2 3 6 0-2-3 5-2 2 6 4-8 7-6 0-4-3-8-4-2-6 1-2 5-2-2-5 4-7-2-6-2-3 1 0 3-2 5
145-41 3 0-1-2
173-35 5-3-3-3-1 2
172-41 2-1-4-4-4 0 4 3`;

const centres = `Algeria 3 28,Argentina -65 -35,Australia 134 -25,Austria 14 47,Bangladesh 90 24,Belgium 4 50,Brazil -52 -10,Canada -106 57,Chile -71 -33,China 104 35,Colombia -73 4,Cuba -79 22,Czechia 15 50,Denmark 9 56,Egypt 30 27,Ethiopia 39 9,Finland 26 63,France 2 47,Germany 10 51,Ghana -1 8,Greece 22 39,Hungary 19 47,India 79 22,Indonesia 114 -3,Iran 54 32,Iraq 44 33,Ireland -8 53,Israel 35 31,Italy 12 43,Japan 138 36,Kazakhstan 67 48,Kenya 38 0,Malaysia 102 4,Mexico -102 24,Morocco -6 32,Netherlands 5 52,New Zealand 172 -42,Nigeria 8 9,Norway 9 61,Pakistan 69 30,Peru -75 -10,Philippines 122 13,Poland 19 52,Portugal -8 39,Romania 25 46,Russia 92 61,Saudi Arabia 45 24,Singapore 104 1,South Africa 24 -30,South Korea 128 36,Spain -4 40,Sweden 16 62,Switzerland 8 47,Taiwan 121 24,Tanzania 35 -6,Thailand 101 15,Turkey 35 39,Ukraine 31 49,United Arab Emirates 54 24,United Kingdom -2 54,United States -98 39,Venezuela -66 7,Vietnam 107 16`;

const WIDTH = 800;
const HEIGHT = 424;

// Equal Earth (Šavrič, Patterson, Jenny 2018), moved so that empty ocean and Antarctica fall off the edges.
function project(lon, lat) {
  const t = Math.asin(Math.sqrt(3) / 2 * Math.sin(lat * Math.PI / 180));
  const t2 = t * t;
  const t6 = t2 * t2 * t2;
  const x = lon * Math.PI / 180 * Math.cos(t) * 2 * Math.sqrt(3) / (3 * (0.034164 * t6 * t2 + 0.006251 * t6 - 0.243318 * t2 + 1.340264));
  const y = t * (0.003796 * t6 * t2 + 0.000893 * t6 - 0.081106 * t2 + 1.340264);
  return [362 + x * 176, 236 - y * 176];
}

const place = new Map(centres.split(',').map((c) => {
  const [, name, lon, lat] = /^(.*) (-?\d+) (-?\d+)$/.exec(c);
  return [name, project(Number(lon), Number(lat))];
}));

function outline() {
  return land.split('\n').map((line) => {
    let [x, y] = [0, 0];
    const points = Array.from(line.matchAll(/(-?\d+) ?(-?\d+)/g), ([, dx, dy]) => project(x += Number(dx), y += Number(dy)).map((v) => v.toFixed(1)).join(' '));
    return `M${points.join('L')}Z`;
  }).join('');
}

// From the lowest average to the highest; told apart by brightness too, not by red and green alone.
const stops = [[181, 66, 48], [222, 170, 72], [18, 112, 92]];
function colour(t) {
  const [a, b, u] = t < 0.5 ? [stops[0], stops[1], t * 2] : [stops[1], stops[2], t * 2 - 1];
  return a.map((v, i) => Math.round(v + (b[i] - v) * u));
}
const dark = ([r, g, b]) => 0.299 * r + 0.587 * g + 0.114 * b < 128;

// Circles that would cover each other are pushed apart; a line leads back to where they belong.
function spread(list) {
  for (let round = 0; round < 200; round++) {
    for (const a of list) {
      a.x += (a.home[0] - a.x) * 0.02;
      a.y += (a.home[1] - a.y) * 0.02;
      for (const b of list) {
        if (a === b) continue;
        const dx = b.x - a.x || 0.1;
        const dy = b.y - a.y || 0.1;
        const d = Math.hypot(dx, dy);
        const over = (a.r + b.r + 2 - d) / 2;
        if (over <= 0) continue;
        a.x -= dx / d * over;
        a.y -= dy / d * over;
        b.x += dx / d * over;
        b.y += dy / d * over;
      }
    }
    for (const a of list) {
      a.x = Math.min(WIDTH - a.r, Math.max(a.r, a.x));
      a.y = Math.min(HEIGHT - a.r, Math.max(a.r, a.y));
    }
  }
}

export const small = (c) => c.suppressed || c.avg_salary === null || c.avg_salary === undefined;
export const thousands = (v) => `$${Math.round(v / 1000)}k`;
// The lowest and highest are one person's salary each: shown where groups may be of one.
export const extremes = (c) => c.min_salary !== null && c.max_salary !== null;
export const range = (c) => `average $${number(c.avg_salary)}, ${plural(c.count, 'person', 'people')}${extremes(c) ? `, from $${number(c.min_salary)} to $${number(c.max_salary)}` : ''}`;

function circle(c, scale) {
  const fill = small(c) ? null : colour(scale(c.avg_salary));
  const moved = Math.hypot(c.x - c.home[0], c.y - c.home[1]) > c.r * 0.7;
  const text = small(c) ? '?' : thousands(c.avg_salary);
  return [
    moved && svg('path.lead', { d: `M${c.home[0].toFixed(1)} ${c.home[1].toFixed(1)}L${c.x.toFixed(1)} ${c.y.toFixed(1)}` }),
    moved && svg('circle.home', { cx: c.home[0].toFixed(1), cy: c.home[1].toFixed(1), r: 2.5 }),
    svg(small(c) ? 'g.spot.small' : `g.spot.${dark(fill) ? 'light' : 'dark'}`,
      svg('title', small(c) ? `${c.country}: ${plural(c.count, 'person', 'people')}, too few to show` : `${c.country}: ${range(c)}`),
      svg('circle', { cx: c.x.toFixed(1), cy: c.y.toFixed(1), r: c.r.toFixed(1), css: fill && { fill: `rgb(${fill})` } }),
      svg('text', { x: c.x.toFixed(1), y: (c.y + 4).toFixed(1) }, text)),
  ].filter(Boolean);
}

// list: salary_by_country. The same figures stand in a table below the map, for those who do not see it.
export function worldMap(list) {
  const shown = list.filter((c) => place.has(c.country)).map((c) => {
    const home = place.get(c.country);
    const r = small(c) ? 13 : Math.min(34, Math.max(20, 16 + c.count / 6));
    return { ...c, home, x: home[0], y: home[1], r };
  });
  const unknown = list.filter((c) => !place.has(c.country));
  const averages = shown.filter((c) => !small(c)).map((c) => c.avg_salary);
  const low = Math.min(...averages);
  const high = Math.max(...averages);
  spread(shown);
  const spots = shown.map((c) => circle(c, (v) => (high > low ? (v - low) / (high - low) : 1)));
  return el('figure.map', null,
    el('div.scroll', { tabindex: 0, role: 'region', 'aria-label': 'World map of average salaries' },
      svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': 'Average salary by country; the table below holds the same figures' },
        svg('path.land', { d: outline(), 'fill-rule': 'evenodd' }), spots.map((s) => s.slice(0, -1)), spots.map((s) => s[s.length - 1]))),
    el('figcaption.legend', null,
      averages.length > 0 && el('span', thousands(low), el('i.ramp', { css: { background: `linear-gradient(90deg,${stops.map((s) => `rgb(${s})`).join()})` } }), thousands(high)),
      el('span', el('i.unknown', '?'), 'too few people to show')),
    unknown.length > 0 && el('p.fine', `Not on the map: ${unknown.map((c) => `${c.country} (${small(c) ? 'too few people' : thousands(c.avg_salary)})`).join(', ')}.`));
}
