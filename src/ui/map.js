// The world, drawn by hand in whole degrees, in the Equal Earth projection, with a circle for each country of the result.
import { svg, el, number, plural } from './base.js';

// Outlines: longitude, latitude, and so on. One path, filled by the even-odd rule, so that the Caspian Sea is a hole.
const land = `-168 66 -162 67 -156 71 -141 70 -128 70 -115 68 -108 68 -95 68 -94 72 -85 70 -81 67 -87 64 -94 61 -93 58 -85 55 -82 52 -79 51 -79 55 -77 58 -78 62 -73 62 -69 59 -65 60 -61 56 -56 52 -60 50 -66 50 -70 47 -65 49 -64 46 -61 46 -66 44 -70 43 -70 42 -74 40 -76 37 -76 35 -81 31 -80 26 -81 25 -82 28 -84 30 -89 30 -94 29 -97 28 -98 22 -95 18 -91 18 -90 21 -87 21 -88 16 -83 15 -83 11 -81 9 -77 9 -80 7 -83 8 -86 11 -88 13 -92 14 -96 16 -102 18 -105 20 -106 23 -109 26 -113 31 -115 32 -112 28 -110 23 -112 25 -115 29 -117 33 -120 34 -124 40 -124 47 -123 49 -128 51 -131 55 -135 58 -142 60 -149 60 -153 58 -162 55 -158 58 -162 59 -166 61 -161 64
-62 66 -68 63 -78 65 -73 68 -85 70 -90 73 -80 74 -70 71
-117 72 -105 73 -102 69 -115 69
-62 82 -75 83 -90 81 -88 77 -78 76 -70 79
-59 48 -53 47 -55 51
-73 78 -60 82 -35 83 -18 80 -20 74 -25 70 -38 66 -43 60 -50 62 -54 67 -54 71 -60 76
-85 22 -80 23 -74 20 -78 20
-74 20 -70 20 -68 18 -74 18
-77 8 -72 12 -68 11 -62 10 -57 6 -51 4 -50 0 -44 -3 -37 -5 -35 -8 -39 -13 -39 -18 -41 -22 -48 -26 -49 -29 -54 -34 -57 -35 -57 -38 -62 -39 -65 -41 -63 -42 -67 -46 -66 -48 -69 -51 -68 -53 -66 -55 -71 -54 -74 -51 -75 -47 -73 -42 -73 -37 -71 -30 -70 -18 -76 -14 -79 -8 -81 -5 -80 -2 -80 1 -77 4 -78 7
-6 36 0 36 10 37 11 34 15 32 20 31 22 33 29 31 32 31 34 28 37 22 37 19 40 15 43 12 44 10 51 12 49 6 44 1 40 -3 39 -7 40 -11 40 -16 35 -20 35 -24 33 -26 32 -29 28 -33 22 -34 18 -34 17 -29 14 -23 12 -17 14 -12 12 -6 9 -1 10 4 5 4 2 6 -4 5 -8 4 -13 8 -17 14 -16 20 -17 21 -13 27 -10 30 -9 33
49 -12 50 -16 47 -25 44 -25 43 -21 45 -16
-9 37 -9 39 -9 43 -2 43 -1 46 -5 48 0 50 3 51 5 53 8 54 8 57 10 57 10 54 14 54 19 54 21 56 24 57 24 59 30 60 25 60 22 60 21 63 25 65 22 66 17 62 18 60 16 57 14 55 12 56 11 59 7 58 5 60 5 62 11 65 14 68 20 70 28 71 41 67 40 66 34 66 35 64 38 64 44 66 44 68 54 68 60 69 68 68 67 72 70 73 73 71 75 72 81 73 87 75 104 77 113 74 128 73 140 72 160 70 170 69 180 68 180 65 177 62 170 60 163 60 163 56 157 51 156 57 162 61 156 61 150 59 142 59 135 54 141 52 140 48 135 43 130 42 127 39 129 37 129 35 126 34 126 37 125 39 121 39 122 41 118 39 119 37 122 37 119 35 122 31 121 28 118 24 114 22 110 21 108 21 106 19 109 13 107 10 105 9 105 11 101 13 100 9 103 4 104 1 101 3 98 9 98 16 95 16 94 18 91 22 87 21 82 16 80 15 80 11 77 8 74 15 72 21 70 21 67 25 57 26 54 27 50 30 48 30 50 26 52 24 56 26 57 24 60 22 55 17 45 13 43 13 42 16 39 21 35 28 33 30 34 31 36 36 30 36 27 37 26 39 29 41 35 42 41 41 37 45 39 47 35 46 33 44 31 46 28 44 28 41 26 41 23 40 24 38 22 36 19 40 19 42 15 44 13 45 12 44 16 41 18 40 16 39 16 38 12 42 9 44 4 43 3 42 0 39 -2 37 -5 36
47 45 51 47 53 45 51 43 53 41 54 37 50 37 49 41
-180 68 -170 66 -180 65
-5 50 1 51 2 53 -1 54 -2 57 -3 59 -6 57 -5 55 -3 54 -5 52 -3 51
-10 52 -6 52 -6 54 -8 55 -10 54
-24 65 -22 66 -15 66 -14 65 -19 63 -22 64
11 79 20 80 27 80 18 77
52 71 57 71 56 73 69 77 60 76 54 73
12 38 16 38 15 37
8 41 10 41 9 39
80 10 82 7 80 6
131 34 136 36 137 37 139 38 140 41 142 39 141 36 138 35 135 34 133 34
130 33 132 33 131 31 130 32
140 42 142 45 145 43 143 42
142 54 143 50 142 46
120 23 121 25 121 22
120 16 121 18 122 18 121 15 124 13 120 14
122 7 125 10 126 7 125 6
95 5 98 4 103 -1 106 -3 105 -6 102 -4 98 1
105 -6 110 -6 114 -8 110 -8
109 1 113 3 117 7 119 5 117 1 116 -4 110 -3
119 -5 120 0 125 1 121 0 123 -5 121 -3
131 -1 135 -3 141 -3 147 -6 151 -10 144 -8 138 -8 133 -4
114 -22 122 -18 129 -15 131 -12 137 -12 135 -15 140 -17 142 -11 146 -19 153 -25 153 -29 150 -37 146 -39 140 -38 138 -33 136 -35 131 -31 124 -33 118 -35 115 -34 115 -31 113 -26
145 -41 148 -41 147 -43
173 -35 178 -38 175 -41 174 -39
172 -41 174 -42 170 -46 166 -46 170 -43`;

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
    const n = line.split(' ').map(Number);
    const points = [];
    for (let i = 0; i < n.length; i += 2) points.push(project(n[i], n[i + 1]).map((v) => v.toFixed(1)).join(' '));
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
export const range = (c) => `average $${number(c.avg_salary)}, ${plural(c.count, 'person', 'people')}, from $${number(c.min_salary)} to $${number(c.max_salary)}`;

function circle(c, scale) {
  const fill = small(c) ? null : colour(scale(c.avg_salary));
  const moved = Math.hypot(c.x - c.home[0], c.y - c.home[1]) > c.r * 0.7;
  const text = small(c) ? '?' : thousands(c.avg_salary);
  return [
    moved && svg('path.lead', { d: `M${c.home[0].toFixed(1)} ${c.home[1].toFixed(1)}L${c.x.toFixed(1)} ${c.y.toFixed(1)}` }),
    moved && svg('circle.home', { cx: c.home[0].toFixed(1), cy: c.home[1].toFixed(1), r: 2.5 }),
    svg(small(c) ? 'g.spot.small' : `g.spot.${dark(fill) ? 'light' : 'dark'}`, null,
      svg('title', null, small(c) ? `${c.country}: ${plural(c.count, 'person', 'people')}, too few to show` : `${c.country}: ${range(c)}`),
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
      averages.length > 0 && el('span', null, thousands(low), el('i.ramp', { css: { background: `linear-gradient(90deg,${stops.map((s) => `rgb(${s})`).join()})` } }), thousands(high)),
      el('span', null, el('i.unknown', null, '?'), 'too few people to show')),
    unknown.length > 0 && el('p.fine', null, `Not on the map: ${unknown.map((c) => `${c.country} (${small(c) ? 'too few people' : thousands(c.avg_salary)})`).join(', ')}.`));
}
