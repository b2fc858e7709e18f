// Platform certificates for a chip and a TCB, in the forms of THIM, the Azure certificate cache and AMD's KDS (azure-protocols.md 2.3, 2.4).
'use strict';
const snp = require('./snp');
const { OLD_TCB, productOf } = require('./pki');

const otherChip = (chipId) => chipId.replace(/./g, (c) => (15 - parseInt(c, 16)).toString(16));

// What to give instead, when told to misbehave. fresh: the request itself names a TCB, and so gets it even from stale THIM.
function altered(ctx, chipId, tcb, fresh = false) {
  if (!fresh && ctx.mode('stale-certs')) return [chipId, OLD_TCB];
  if (ctx.mode('wrong-chip')) return [otherChip(chipId), tcb];
  return [chipId, tcb];
}

function thim(world, platform, ctx) {
  const asked = ctx.query.get('tcbVersion');
  const chip = (ctx.query.get('platformId') || platform.chipId).toLowerCase();
  if ((asked && !/^[0-9A-Fa-f]{1,16}$/.test(asked)) || !/^[0-9a-f]{128}$/.test(chip)) return { status: 400, body: { error: 'Bad request. Invalid tcbVersion or platformId' } };
  if (!world.chips.has(chip)) return { status: 404, body: '' };
  const tcb = asked ? asked.padStart(16, '0') : platform.tcb;
  const chosen = altered(ctx, chip, tcb, Boolean(asked));
  ctx.facts.tcb = chosen[1];
  return { status: 200, body: world.pki.thim(...chosen) };
}

// GET /{teeType}/certificates/{chip id, lower-case hex}/{TCB, lower-case hex, no leading zeros}?api-version=..&clientId=..
function azCache(world) {
  return (ctx) => {
    const [tee, word, chip, tcb, ...more] = ctx.segments;
    const known = ctx.method === 'GET' && tee === 'SevSnpVM' && word === 'certificates' && !more.length && world.chips.has(chip);
    if (!known || !/^[1-9a-f][0-9a-f]{0,15}$/.test(tcb || '') || !ctx.query.has('api-version') || !ctx.query.has('clientId')) return { status: 404, body: '' };
    const chosen = altered(ctx, chip, tcb.padStart(16, '0'));
    ctx.facts.tcb = chosen[1].toUpperCase();
    return { status: 200, headers: { 'Content-Type': 'application/x-pem-file' }, body: world.pki.chainFor(...chosen) };
  };
}

// GET /vcek/v1/{Milan or Turin}/cert_chain, .../crl, .../{hwid}?blSPL=..&teeSPL=..&snpSPL=..&ucodeSPL=.. Turin: a hwid of 8 bytes, fmcSPL too.
const MILAN = ['blSPL', 'teeSPL', null, null, null, null, 'snpSPL', 'ucodeSPL'];
const LEVELS = { Milan: MILAN, Turin: ['fmcSPL', 'blSPL', 'teeSPL', 'snpSPL', null, null, null, 'ucodeSPL'] };
function kds(world) {
  return (ctx) => {
    const [vcek, v1, product, what = '', ...more] = ctx.segments;
    if (ctx.method !== 'GET' || vcek !== 'vcek' || v1 !== 'v1' || !Object.hasOwn(LEVELS, product) || more.length) return { status: 404, body: '' };
    if (what === 'cert_chain') return { status: 200, headers: { 'Content-Type': 'application/x-pem-file' }, body: world.pki.authorities(product) };
    if (what === 'crl') return { status: 200, headers: { 'Content-Type': 'application/pkix-crl' }, body: world.pki.crl(product) };
    const chip = product === 'Turin' && what.length === 16 ? what.toLowerCase().padEnd(128, '0') : what.toLowerCase();
    if (!world.chips.has(chip) || productOf(chip) !== product) return { status: 404, body: '' };
    const level = (name) => (/^\d{1,3}$/.test(ctx.query.get(name) || '') && Number(ctx.query.get(name)) < 256 ? Number(ctx.query.get(name)) : null);
    const levels = LEVELS[product].map((name) => (name ? level(name) : 0));
    if (levels.includes(null)) return { status: 400, body: '' };
    const chosen = altered(ctx, chip, snp.tcbHex(Buffer.from(levels)));
    ctx.facts.tcb = chosen[1];
    const pem = world.pki.vcekFor(...chosen).replace(/-----[A-Z ]+-----|\s/g, '');
    return { status: 200, headers: { 'Content-Type': 'application/pkix-cert' }, body: Buffer.from(pem, 'base64') };
  };
}

module.exports = { thim, azCache, kds };
