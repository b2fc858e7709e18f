// What each claim of an attestation token is, who sets it, and which failure it rules out.
import { el, code, badge, utc, capital } from './base.js';

const S = 'x-ms-sevsnpvm-';
const SERVICE = 'the attestation service';
const FIRMWARE = 'the processor’s security firmware';
const LAUNCH = 'whoever launched the virtual machine; recorded by the firmware';
const INSIDE = 'the software inside; signed by the firmware';

const until = (v) => ({ text: utc(v) });
const yes = (ok, good, bad) => ({ ok, text: ok ? good : bad });

// [claim, title, what it is, who sets it, what it rules out, detail(value, context)]
export const categories = [
  ['JWT Standard', [
    ['exp', 'Expires', 'The end of the token’s life.', SERVICE, 'an old token that is believed for ever', until],
    ['iat', 'Issued', 'When the service signed the token.', SERVICE, 'a token from before the question that it is to answer', until],
    ['iss', 'Issuer', 'The attestation instance that signed.', SERVICE, 'a token from an instance with rules of its own that you never chose'],
    ['jti', 'Token number', 'A number given to this token only.', SERVICE, 'one token presented twice as if it were two'],
    ['nbf', 'Not before', 'The beginning of the token’s life.', SERVICE, 'use ahead of time, for instance by a machine with a wrong clock', until],
  ]],
  ['Request Binding', [
    ['nonce', 'Nonce', 'A value sent with the request and returned as it was.', 'whoever asked', 'a stored answer to somebody else’s question'],
    ['x-ms-runtime', 'Runtime data', 'The document whose hash is in the hardware report. Ours carries your question, this party’s role, and the hash of the TLS key of this connection; for key release it carries the wrapping key.', 'the software inside; its hash was checked by the attestation service', 'a genuine token that belongs to another question, or to a machine other than the one that you talk to', (v, c) => (c.asked && JSON.stringify(v).includes(c.asked) ? yes(true, 'carries the random value this page has just sent') : null)],
    [`${S}reportdata`, 'Report data', '64 bytes that the software inside hands to the processor to be signed along. Here: SHA-256 of the runtime data, filled up with zeros.', INSIDE, 'other runtime data slipped under a genuine report', (v, c) => (c.runtimeHash ? yes(String(v).startsWith(c.runtimeHash), 'equals the hash of the runtime data', 'is not the hash of the runtime data') : null)],
  ]],
  ['Platform Identity', [
    ['x-ms-attestation-type', 'Kind of evidence', '“sevsnpvm” stands for a report of an AMD SEV-SNP processor.', SERVICE, 'weaker evidence accepted by mistake', (v) => yes(v === 'sevsnpvm', 'AMD SEV-SNP', 'not what is required')],
    ['x-ms-compliance-status', 'Compliance', 'Says that the measured utility VM is one that Microsoft has signed. Without such a signature the claim is missing.', SERVICE, 'genuine hardware with a home-made guest that ignores the container policy', (v) => yes(v === 'azure-compliant-uvm', 'endorsed utility VM', 'not the endorsed utility VM')],
  ]],
  ['Policy', [
    ['x-ms-policy-hash', 'Attestation policy', 'Hash of the rules that the attestation instance applied when it wrote this token. It has nothing to do with the container’s own policy.', 'the owner of the attestation instance', 'an instance whose rules have been loosened quietly'],
  ]],
  ['Container Identity', [
    [`${S}hostdata`, 'Host data', 'SHA-256 of the container’s security policy: which layers, which command, which settings. The host, which nobody trusts, hands it over at launch, and the hardware merely reports it. It means something because the measured utility VM refuses to run under any policy with another hash.', 'the untrusted host at launch; enforced by the utility VM', 'other code or other settings that ask for the same key', (v, c) => (c.policyHash ? yes(v === c.policyHash, 'equals the policy hash configured here; key release policies name it', 'DIFFERS from the policy hash configured here') : { text: 'key release policies name it' })],
    [`${S}launchmeasurement`, 'Launch measurement', 'Hash over the memory that the virtual machine started from: its firmware and the utility VM.', FIRMWARE, 'a guest that was altered before its start'],
  ]],
  ['SEV-SNP Identity', [
    [`${S}authorkeydigest`, 'Author key', 'Hash of the key that vouches for the ID key. Zeros: none is used, as usual in container instances.', LAUNCH, 'an ID key that its alleged author never approved'],
    [`${S}familyId`, 'Family', 'A label for the family of images, taken from the signed ID block.', LAUNCH, 'images of different families taken for each other'],
    [`${S}idkeydigest`, 'ID key', 'Hash of the key that signed the ID block, which says which measurement is expected.', LAUNCH, 'a launch whose expected measurement nobody has signed'],
    [`${S}imageId`, 'Image', 'A label for the image, taken from the signed ID block.', LAUNCH, 'images taken for each other'],
    [`${S}reportid`, 'Report id', 'A random number for this virtual machine’s lifetime; a restart gives another one.', FIRMWARE, 'reports of two machines, or of before and after a restart, taken for one'],
  ]],
  ['Hardware Identity', [
    [`${S}chip-family`, 'Chip family', 'The processor’s generation.', FIRMWARE, 'a generation that lacks a protection which you count on'],
    [`${S}chipid`, 'Chip', 'The one processor that made the report; zeros when it is hidden.', FIRMWARE, 'evidence from a machine that is known to be broken into'],
  ]],
  ['SEV-SNP Versions', [
    [`${S}bootloader-svn`, 'Boot loader version', 'Security version of the secure processor’s boot loader.', FIRMWARE, 'going back to a release with known holes'],
    [`${S}guestsvn`, 'Guest version', 'Security version of the utility VM, from the signed ID block.', LAUNCH, 'going back to an old utility VM'],
    [`${S}microcode-svn`, 'Microcode version', 'Security version of the processor’s microcode.', FIRMWARE, 'going back to microcode with known holes'],
    [`${S}snpfw-svn`, 'SNP firmware version', 'Security version of the firmware that enforces SEV-SNP.', FIRMWARE, 'going back to firmware with known holes'],
    [`${S}tee-svn`, 'TEE version', 'Security version of the secure processor’s operating system.', FIRMWARE, 'going back to a release with known holes'],
  ]],
  ['Security State', [
    [`${S}is-debuggable`, 'Debugging', 'Whether the host may read and change this machine’s memory through the debug interface.', LAUNCH, 'a machine that looks protected and is open to its host', (v) => yes(v === false, 'the host cannot debug', 'the host CAN read everything')],
    [`${S}migration-allowed`, 'Migration', 'Whether a helper may move the running machine, memory included, to another host.', LAUNCH, 'state that leaves for a machine you never attested', (v) => yes(v === false, 'stays on this processor', 'may be moved')],
    [`${S}page-swap-disabled`, 'Page swapping', 'Whether the host is kept from moving encrypted pages out of memory.', LAUNCH, 'what can be learned from pages being swapped'],
    [`${S}vmpl`, 'Privilege level', 'The level inside the guest from which the report was asked for; 0 is the highest.', FIRMWARE, 'less privileged software that speaks for the whole guest', (v) => yes(Number(v) === 0, 'the most privileged level', 'not the most privileged level')],
  ]],
  ['Hardware Security Features', [
    [`${S}ciphertext-hiding-dram-enabled`, 'Hidden ciphertext', 'Whether the host is kept even from reading the encrypted form of memory.', FIRMWARE, 'conclusions from ciphertext that changes or repeats'],
    [`${S}cxl-allowed`, 'CXL', 'Whether memory and devices behind CXL links may be used.', LAUNCH, 'memory behind a link that you do not trust'],
    [`${S}mem-aes256-xts-required`, 'AES-256 memory', 'Whether memory must be encrypted with 256-bit keys.', LAUNCH, 'the shorter key length'],
    [`${S}rapl-disabled`, 'Power meter off', 'Whether the processor’s power reading is switched off.', FIRMWARE, 'secrets guessed from power consumption'],
    [`${S}singlesocket`, 'Single socket', 'Whether the machine may run only on hosts with one processor.', LAUNCH, 'eavesdropping between sockets'],
    [`${S}smt-allowed`, 'Hyper-threading', 'Whether two threads may share a core. Usually allowed in the cloud.', LAUNCH, 'side channels between threads of one core, when it is false'],
  ]],
  ['Platform Endorsement', [
    [`${S}uvm-endorsement`, 'Utility VM endorsement', 'Microsoft’s signed statement: this launch measurement is our utility VM, of this version.', 'Microsoft; the signature was checked by the attestation service', 'a measurement that nobody vouches for'],
    [`${S}uvm-endorsement-headers`, 'Endorsement’s issuer', 'Who signed that statement, and for which product line.', 'Microsoft', 'an endorsement for another product or by another signer'],
  ]],
  ['Metadata', [
    ['x-ms-ver', 'Format version', 'Version of this set of claims.', SERVICE, 'a reader that takes claims in an older sense'],
  ]],
];

const shown = (v) => (typeof v === 'object' ? JSON.stringify(v, null, 1) : String(v));

function entry(name, title, what, who, rules, detail, value, context) {
  const d = detail && detail(value, context);
  return el('li', null,
    el('h4', title, ' ', code(name)),
    d && (d.ok === undefined ? el('p.detail', capital(d.text)) : badge(d.ok ? 'said' : 'warn', d.text)),
    what && el('p', what),
    who && el('p.fine', el('strong', 'Set by '), `${who}. `, el('strong', 'Rules out '), `${rules}.`),
    el('pre.value', shown(value)));
}

// All claims of a token, by category; context: {asked, runtimeHash, policyHash}.
export function explain(claims, context) {
  const rest = new Set(Object.keys(claims));
  const parts = categories.map(([category, list], i) => {
    const there = list.filter(([name]) => name in claims);
    there.forEach(([name]) => rest.delete(name));
    return there.length > 0 && el(`section.claims.c${i}`, el('h3', category),
      el('ul', there.map(([name, title, what, who, rules, detail]) => entry(name, title, what, who, rules, detail, claims[name], context))));
  });
  if (rest.size) {
    parts.push(el('section.claims', el('h3', 'Other Claims'),
      el('ul', [...rest].sort().map((name) => entry(name, 'Not explained here', null, null, null, null, claims[name], context)))));
  }
  return parts.filter(Boolean);
}
