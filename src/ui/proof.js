// The section that verifies proofs: this server's, its partners' and saved ones. Loaded when the section is opened for the first time.
import { $, el, fill, icon, badge, hint, facts, fold, code, clock, log, get, action, faultBox, failed, toHex, saveFile, plural, Fault } from './base.js';
import { verifyProof } from './verify.mjs';

const states = { passed: ['ok', 'check'], failed: ['bad', 'cross'], skipped: ['wait', 'wait'] };

// What the visitor demands: nothing of it is taken from the server.
function rules() {
  const given = (id) => $(id).value.trim() || undefined;
  const allowed = given('verify-host-data')?.toLowerCase().split(/[\s,]+/);
  return { root: given('verify-root')?.toLowerCase(), uvmIssuer: given('verify-endorser'), policy: allowed && { parley_policy: 1, host_data: allowed } };
}

function line(c) {
  const [kind, mark] = states[c.state];
  return el(`li.${kind}`, icon(mark), el('span', code(c.id), c.why && `: ${c.why}`, c.expected && el('small', `expected ${c.expected}`), c.found && el('small', c.expected ? `found ${c.found}` : c.found)),
    el('span.vh', ` (${c.state})`));
}

// One verdict below the others, its checks in sight when it is the only one or a bad one. bytes: of the proof. Gives 'ok' or 'bad'.
function show(name, v, bytes, alone) {
  const count = (state) => v.checks.filter((c) => c.state === state).length;
  const genuine = !v.genuine ? ['bad', 'NOT genuine'] : v.configured_root ? ['warn', 'Genuine by the root that you gave, NOT by AMD’s'] : ['ok', 'Genuine'];
  const accepted = v.acceptable ? ['ok', 'Acceptable: the container policy that you expect'] : v.acceptable === false ? ['bad', 'NOT acceptable'] : ['wait', v.genuine ? 'Not judged whether acceptable: no HOST_DATA given' : 'Not judged whether acceptable'];
  const kind = genuine[0] === 'bad' || accepted[0] === 'bad' ? 'bad' : 'ok';
  const checks = fold(`${plural(v.checks.length, 'check')}: ${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`, el('ul.features', v.checks.map(line)));
  checks.open = alone || kind === 'bad';
  log(kind, `proof of ${name}: ${genuine[1]}. ${accepted[1]}.`);
  $('verify-out').append(el('section.result', el('h3', name), el('p.row', badge(...genuine), badge(...accepted)),
    facts(['Verified by this browser', clock()], ['Processor', v.product], ['HOST_DATA', v.host_data && code(v.host_data)]), checks,
    el('p.row', el('button', { type: 'button', onclick: () => saveFile('proof.json', bytes, 'application/json') }, 'Save this proof'))));
  return kind;
}

// A question of our own, so that the answer is known to be fresh. Another origin is asked without any credentials.
async function ask(origin) {
  const nonce = toHex(crypto.getRandomValues(new Uint8Array(32)));
  let response;
  try {
    response = await fetch(`${origin}/.well-known/parley/proof?nonce=${nonce}`, { credentials: 'omit', cache: 'no-store' });
  } catch {
    throw new Fault(0, { message: `${origin} does not answer.`, diagnosis: { likely_cause: 'It is down, or its certificate is not known to this browser.', solution: 'Open it in a window of its own and accept its certificate, then try again.' } });
  }
  if (!response.ok) throw new Fault(response.status, await response.json().catch(() => null));
  const bytes = new Uint8Array(await response.arrayBuffer());
  return [await verifyProof(bytes, { ...rules(), nonce, live: true }), bytes];
}

// tell: given the verdict on the server that this page came from.
async function verify(origins, tell) {
  const kinds = [];
  let own = false;
  fill($('verify-out'));
  for (const origin of origins) {
    try {
      const [verdict, bytes] = await ask(origin);
      kinds.push(show(origin, verdict, bytes, origins.length === 1));
      own ||= verdict.configured_root;
      if (origin === location.origin) tell(verdict);
    } catch (e) {
      kinds.push(e.data?.step ? 'bad' : 'warn'); // it has no evidence; or it did not say
      log(e.data?.step ? 'bad' : 'warn', `proof of ${origin}: ${e.message}`);
      $('verify-out').append(el('section.result', el('h3', origin), faultBox(e)));
    }
  }
  hint('verify', ['bad', 'warn', 'ok'].find((k) => kinds.includes(k)), `${kinds.filter((k) => k === 'ok').length} of ${origins.length} verified${own ? ', not by AMD’s root' : ''}, ${clock()}`);
}

async function verifyFile() {
  const [file] = $('proof-file').files;
  if (!file) return;
  fill($('verify-out'));
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const kind = show(file.name, await verifyProof(bytes, rules()), bytes, true);
    hint('verify', kind, kind === 'bad' ? 'saved proof refused' : 'saved proof verified');
  } catch (e) {
    failed('saved proof', $('verify-out'), e);
  }
  $('proof-file').value = '';
}

export async function initProof(tell) {
  action($('do-verify'), $('verify-out'), 'verification', () => verify([location.origin], tell));
  $('proof-file').addEventListener('change', verifyFile);
  $('do-verify').disabled = false; // from here on somebody listens
  const { origins } = await get('/compare/config');
  action($('do-partners'), $('verify-out'), 'verification', () => verify(origins, tell));
  $('do-partners').hidden = !origins.length;
}
