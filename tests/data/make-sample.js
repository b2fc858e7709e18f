#!/usr/bin/env node
// Makes the demo's sample data: synthetic people, the same at every run. make-sample.js contoso [rows] > contoso.csv
'use strict';

// mulberry32: small, and the same everywhere.
function generator(seed) {
  let a = seed >>> 0;
  return (n) => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

const FIRST = 'Aino,Bruno,Chiara,Dmitri,Eleni,Farid,Grace,Hugo,Ines,Jun,Katja,Liam,Marta,Noor,Oskar,Priya,Quentin,Rosa,Samir,Tove,Uma,Viktor,Wanda,Ximena,Yusuf,Zoe'.split(',');
const LAST = "Aalto,Brandt,Castillo,Dubois,Eriksen,Fontana,Garcia,Hoffmann,Ivanova,Jansen,Kimura,Lindqvist,Moreau,Nakamura,O'Brien,Petrov,Quist,Rossi,Sato,Tanaka,Ueda,Virtanen,Weber,Xu,Yilmaz,Zimmer".split(',');
const STREETS = 'Harbour Road,Mill Lane,Station Street,Orchard Way,Castle Hill,North Avenue'.split(',');
const COLORS = 'Red,Orange,Gold,Green,Teal,Blue,Navy,Purple,Pink,Black,White,Silver'.split(',');
const EYES = [['Brown', 55], ['Blue', 20], ['Green', 10], ['Hazel', 8], ['Gray', 5], ['Amber', 2]];
const COUNTRIES = {
  'United States': ['+1', 'Boston,Denver,Seattle,Austin'], 'United Kingdom': ['+44', 'Leeds,Bristol,Glasgow'], Germany: ['+49', 'Bremen,Dresden,Mainz'],
  France: ['+33', 'Lyon,Nantes,Lille'], Italy: ['+39', 'Turin,Verona,Bari'], Spain: ['+34', 'Bilbao,Malaga,Vigo'], Netherlands: ['+31', 'Utrecht,Delft'],
  Sweden: ['+46', 'Uppsala,Lund'], Japan: ['+81', 'Nagoya,Sendai,Kobe'], India: ['+91', 'Pune,Jaipur,Surat'], Brazil: ['+55', 'Recife,Natal'], Canada: ['+1', 'Halifax,Regina'],
};

function person(pick) {
  let roll = pick(100);
  const eye = EYES.find(([, weight]) => (roll -= weight) < 0)[0];
  const country = Object.keys(COUNTRIES)[pick(Object.keys(COUNTRIES).length)];
  const [code, cities] = COUNTRIES[country];
  const of = (list) => list[pick(list.length)];
  return [
    `${of(FIRST)} ${of(LAST)}`, `${code} ${100 + pick(900)}-${100 + pick(900)}-${1000 + pick(9000)}`, 18 + pick(60), 28000 + pick(170000), eye, of(COLORS),
    `${1 + pick(200)} ${of(STREETS)}`, 10000 + pick(90000), of(cities.split(',')), country,
  ];
}

const SEEDS = { contoso: 20261, fabrikam: 20262 };
const pick = generator(SEEDS[process.argv[2]]);
const rows = Array.from({ length: Number(process.argv[3] || 120) }, () => person(pick).join(','));
process.stdout.write(['name,phone,age,salary,eye_color,favorite_color,address,postal_code,city,country', ...rows].join('\n') + '\n');
