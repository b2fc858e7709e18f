// make demo: four parties on this machine, the main job from start to result, and a check that everything is as it must be.
// ONCE=1 ends after the result; CONTOSO_CSV, FABRIKAM_CSV: other data (the smallest group is then 1); OUT: the result as JSON.
'use strict';
const fs = require('fs');
const path = require('path');
const { World, PARTIES } = require('../tests/world/world');

const { ONCE, OUT, CONTOSO_CSV, FABRIKAM_CSV } = process.env;
const problems = [];
const say = (text = '') => process.stdout.write(`${text}\n`);
const must = (truth, what) => { if (!truth) problems.push(what); return truth; };
const mark = (truth) => (truth ? 'yes' : 'NO');

function bar(percent) {
  const full = Math.round(percent / 4);
  return `[${'#'.repeat(full)}${'.'.repeat(25 - full)}]`;
}

function showEvent(e) {
  if (e.type === 'status') say(`  ${e.message}`);
  if (e.type === 'fetch') say(`  fetched ${e.count} encrypted records of ${e.partner}`);
  if (e.type === 'progress') say(`  ${bar(e.percent)} ${String(e.decrypted).padStart(6)} / ${e.total}  ${e.current_partner}`);
  if (e.type === 'error') say(`  error: ${e.message}`);
}

// What a party says of itself, asked over TLS.
async function facts(party) {
  const [info, status, records] = await Promise.all([party.get('/info'), party.get('/skr/key-status'), party.get('/company/list')]);
  return {
    attested: info.json.status.attestation_works, why: info.json.diagnostics.note, own: status.json.released, partners: status.json.partner_keys,
    records: records.status === 200 ? records.json.record_count : null,
  };
}

function row(cells) { say(`  ${cells[0].padEnd(11)}${cells[1].padEnd(10)}${cells[2].padEnd(9)}${cells[3].padEnd(26)}${cells[4]}`); }

async function showParties(world) {
  say('\nParties');
  row(['', 'attested', 'own key', 'partner keys', 'records']);
  for (const name of [...PARTIES, 'snooper']) {
    const f = await facts(world.parties[name]);
    const partners = f.partners ? `contoso ${mark(f.partners.contoso)}, fabrikam ${mark(f.partners.fabrikam)}` : '-';
    row([name, mark(f.attested), mark(f.own), partners, f.records === null ? '-' : String(f.records)]);
    if (name === 'snooper') must(!f.attested && !f.own && !f.records, 'the Snooper has something');
    else must(f.attested && f.own, `${name} is not attested or has no key: ${f.why}`);
    if (name === 'woodgrove') must(f.partners && f.partners.contoso && f.partners.fabrikam, 'Woodgrove lacks a partner key');
    if (name === 'contoso' || name === 'fabrikam') must(f.records > 0, `${name} has no records`);
  }
}

// What was computed from the built layer and each party's settings, and what the report of its hardware says.
async function showPolicies(world) {
  say('\nHOST_DATA, computed from the built layer and the settings (parleyctl policy generate), and as reported by attestation');
  for (const name of PARTIES) {
    const r = await world.parties[name].post('/attest/raw', { runtime_data: 'aG9zdA==' });
    const report = Buffer.from((r.json && r.json.report_hex) || '', 'hex');
    const same = report.length === 1184 && report.subarray(0xc0, 0xe0).toString('hex') === world.hostData[name];
    must(same, `${name} does not report the HOST_DATA of its policy`);
    say(`  ${name.padEnd(11)}${world.hostData[name]}  ${same ? 'the same' : 'ANOTHER'}`);
  }
}

async function showDenials(world) {
  say('\nDenials');
  for (const [who, whose] of [['contoso', 'fabrikam'], ['fabrikam', 'contoso']]) {
    const r = await world.parties[who].post('/skr/release-other');
    const denied = r.status === 200 && r.json.status === 'access_denied' && r.json.http_status === 403;
    must(denied, `${who} was not denied ${whose}'s key: ${r.text}`);
    say(`  ${who} asks for ${whose}'s key: ${denied ? 'denied' : 'NOT DENIED'} (HTTP ${r.json && r.json.http_status}): ${r.json && r.json.error_detail}`);
  }
  const snoop = await world.snooper.post('/skr/release');
  must(snoop.status === 503 && snoop.json.error === 'no_snp_device', `the Snooper was not stopped: ${snoop.text}`);
  say(`  snooper asks for contoso's key: stopped at ${snoop.json.step}: ${snoop.json.message}`);
}

// Each provider's word on who came to its peer port; no other way leads to its records.
function showPeers(world) {
  say('\nPeer port: certificates with evidence on both sides, then a new report of each for this connection');
  for (const name of ['contoso', 'fabrikam']) {
    const proven = /peer: proven on its connection party=woodgrove host_data=([0-9a-f]{64})/.exec(world[name].log);
    must(proven && proven[1] === world.hostData.woodgrove, `Woodgrove has not proven to ${name} who it is`);
    say(`  ${name.padEnd(11)}gave its records to ${proven ? `woodgrove, HOST_DATA ${proven[1]}` : 'NOBODY WHO HAS PROVEN ANYTHING'}`);
  }
}

async function analyze(world) {
  say('\nAnalysis by Woodgrove, live');
  const stream = await world.woodgrove.events('/partner/analyze-stream', showEvent);
  const last = stream.events[stream.events.length - 1];
  must(last && last.type === 'complete' && !last.errors, `the analysis did not complete: ${JSON.stringify(last)}`);
  const whole = await world.woodgrove.post('/partner/analyze', {});
  must(whole.status === 200 && whole.json.status === 'success', `POST /partner/analyze: ${whole.status} ${whole.text.slice(0, 3000)}`);
  return whole.json;
}

function showResult(r) {
  const money = (v) => (v === null ? 'too few people' : v.toLocaleString('en-US'));
  say(`\nResult: ${r.total_count} people (Contoso ${r.contoso_count}, Fabrikam ${r.fabrikam_count})`);
  say(`  average salary   Contoso ${money(r.avg_salaries.Contoso)}, Fabrikam ${money(r.avg_salaries.Fabrikam)}, together ${money(r.avg_salaries.Combined)}`);
  say(`  generations      ${r.generations.map((g) => `${g.generation} ${g.count}`).join(', ')}`);
  say(`  top countries    ${r.top_10_countries.slice(0, 5).map((c) => `${c.country} ${c.count}`).join(', ')}`);
  say(`  eye colours      most ${r.eye_colors.most_common.color}, least ${r.eye_colors.least_common.count ? r.eye_colors.least_common.color : 'not shown'}`);
  say(`  favourites       ${r.top_3_favorite_colors.map((c) => `${c.color} ${c.count}`).join(', ')}`);
  if (r.withheld) {
    const { min_group_size: min, countries, generations, eye_colors: eyes, favorite_colors: colors } = r.withheld;
    say(`  not shown        groups with fewer than ${min} people of a company, and what they would follow from: people in countries ${countries}, generations ${generations}, eye colours ${eyes}, favourites ${colors}`);
  }
  for (const u of r.not_read || []) {
    const reasons = Object.entries(u.reasons || {}).map(([why, n]) => `${n} ${why.replace(/_/g, ' ')}`).join(', ');
    say(`  not read         ${u.company}, ${u.column}: ${u.count === null ? 'some values' : `${u.count} values`}${reasons && ` (${reasons})`}`);
  }
}

async function stayUp(world) {
  say('\nUp until Ctrl-C. All parties side by side; sign in inside each pane with the operator token:');
  say(`  ${world.woodgrove.plainPage}/compare`);
  say(`  ${world.token}`);
  for (const name of [...PARTIES, 'snooper']) say(`  ${name.padEnd(10)} ${world.parties[name].page}  ${world.parties[name].plainPage}`);
  const { ark, uvmDid } = world.services.addresses;
  const verify = (hostData) => say(`  build/parleyctl verify ${world.contoso.secure} --host-data ${hostData} --amd-root ${ark} --uvm-issuer ${uvmDid}`);
  say('\nVerify Contoso from another terminal (with the roots of the stand-ins in place of AMD\'s and Microsoft\'s):');
  verify(world.hostData.contoso);
  say('The same for another container\'s HOST_DATA is genuine but not acceptable:');
  verify(world.hostData.fabrikam);
  say('\nThe same in a browser, "Verify This Server" on a party\'s page, with these two values in its fields (the links fill them in):');
  say(`  root key   ${world.services.pki.arkSpki}`);
  say(`  endorser   ${uvmDid}`);
  for (const name of PARTIES) say(`  ${name.padEnd(10)} ${world.verifyLink(name, world.parties[name].plainPage)}`);
  await new Promise((resolve) => { process.once('SIGINT', resolve); process.once('SIGTERM', resolve); });
}

async function main() {
  for (const file of [CONTOSO_CSV, FABRIKAM_CSV]) if (file && !fs.existsSync(file)) throw new Error(`${file}: no such file`);
  const own = Boolean(CONTOSO_CSV || FABRIKAM_CSV);
  let world;
  let aborted = false;
  // While the world is being made there is nothing to stop yet: it is stopped as soon as it is there.
  const abort = () => {
    aborted = true;
    return world && world.stop().finally(() => { world.clearData(); process.exit(130); });
  };
  process.once('SIGINT', abort);
  process.once('SIGTERM', abort);
  world = await World.make({
    dir: path.join(__dirname, `../build/demo-${process.pid}`), csv: { contoso: CONTOSO_CSV, fabrikam: FABRIKAM_CSV }, minGroup: own ? 1 : 5, grantAll: true,
    blob: 'auto',
  });
  if (aborted) await abort();
  try {
    if (world.note) say(`Note: ${world.note}. Records stay in the parties' own files.`);
    say('Starting four parties against stand-ins for Azure and the SEV-SNP device.');
    await world.start();
    await showParties(world);
    await showPolicies(world);
    await showDenials(world);
    const result = await analyze(world);
    showPeers(world);
    if (!problems.length) showResult(result);
    if (OUT) {
      fs.mkdirSync(path.dirname(path.resolve(OUT)), { recursive: true });
      fs.writeFileSync(OUT, `${JSON.stringify(result, null, 1)}\n`);
      say(`\nResult written to ${OUT}`);
    }
    process.removeListener('SIGINT', abort);
    process.removeListener('SIGTERM', abort);
    if (!ONCE && !problems.length) await stayUp(world);
  } finally {
    const ends = await world.stop();
    must(ends.every((e) => e.code === 0), `a party did not end in order: ${JSON.stringify(ends)}`);
    world.clearData();
  }
  problems.forEach((p) => say(`NOT AS IT MUST BE: ${p}`));
  process.exitCode = problems.length ? 1 : 0;
}

// Whatever is still open must not keep a demo that has ended.
main().catch((e) => { process.stderr.write(`demo: ${e.message.trim()}\n`); process.exitCode = 1; }).finally(() => process.exit());
