// Release policies: what the grammar takes and refuses, and when a condition holds.
'use strict';
const assert = require('node:assert');
const test = require('node:test');
const policy = require('./policy');

const A = 'https://maa.localhost:1';
const one = (...allOf) => ({ version: '1.0.0', anyOf: [{ authority: A, allOf }] });
const claim = (name, op, value) => ({ claim: name, [op]: value });
const claims = {
  text: 'abc', yes: true, no: false, zero: 0, seven: 7, big: '104', object: { inner: { deep: 'x' }, list: [1] }, nothing: null, 'x-ms-sevsnpvm-vmpl': 0,
};

const vectors = [
  ['equal strings', claim('text', 'equals', 'abc'), true], ['case matters', claim('text', 'equals', 'ABC'), false],
  ['string "true" meets true', claim('yes', 'equals', 'true'), true], ['string "false" meets false', claim('no', 'equals', 'false'), true],
  ['true meets true', claim('yes', 'equals', true), true], ['"True" does not meet true', claim('yes', 'equals', 'True'), false],
  ['"0" meets 0', claim('x-ms-sevsnpvm-vmpl', 'equals', '0'), true], ['0 meets 0', claim('zero', 'equals', 0), true],
  ['"" does not meet 0', claim('zero', 'equals', ''), false], ['"00" does not meet 0', claim('zero', 'equals', '00'), false],
  ['absent is not equal', claim('absent', 'equals', 'undefined'), false], ['absent is not unequal either', claim('absent', 'notEquals', 'x'), false],
  ['null is no scalar', claim('nothing', 'equals', 'null'), false], ['an object is no scalar', claim('object', 'equals', '[object Object]'), false],
  ['a list is no scalar', claim('object.list', 'equals', '1'), false],
  ['dots descend', claim('object.inner.deep', 'equals', 'x'), true], ['dots into nothing', claim('text.length', 'equals', '3'), false],
  ['no indexing', claim('object.list.0', 'equals', 1), false], ['not a claim of the object itself', claim('constructor.name', 'equals', 'Object'), false],
  ['notEquals', claim('text', 'notEquals', 'x'), true], ['notEquals of an equal', claim('zero', 'notEquals', '0'), false],
  ['less', claim('seven', 'less', 8), true], ['not less', claim('seven', 'less', 7), false], ['lessOrEquals', claim('seven', 'lessOrEquals', 7), true],
  ['greater', claim('big', 'greater', 99), true], ['greater compares numbers, not text', claim('big', 'greater', '99'), true],
  ['greaterOrEquals', claim('big', 'greaterOrEquals', '105'), false], ['no order among words', claim('text', 'greater', 'aaa'), false],
  ['no order among booleans', claim('yes', 'greater', 0), false],
  ['exists', claim('no', 'exists', true), true], ['exists, absent', claim('absent', 'exists', true), false], ['does not exist', claim('absent', 'exists', 'false'), true],
  ['anyOf: one holds', { anyOf: [claim('text', 'equals', 'x'), claim('seven', 'equals', 7)] }, true],
  ['anyOf: none holds', { anyOf: [claim('text', 'equals', 'x'), claim('seven', 'equals', 8)] }, false],
  ['allOf: one does not hold', { allOf: [claim('text', 'equals', 'abc'), claim('seven', 'equals', 8)] }, false],
  ['nested', { allOf: [{ anyOf: [{ allOf: [claim('yes', 'equals', true)] }, claim('text', 'equals', 'x')] }, claim('seven', 'greater', 6)] }, true],
];
for (const [name, condition, expected] of vectors) {
  test(name, () => {
    policy.check(one(condition));
    assert.strictEqual(policy.holds(condition, claims), expected);
  });
}

const refused = {
  'no version': { anyOf: one(claim('a', 'equals', 'b')).anyOf }, 'no authorities': { version: '1.0.0', anyOf: [] }, 'allOf at the top': { version: '1.0.0', allOf: one(claim('a', 'equals', 'b')).anyOf },
  'unknown member': { ...one(claim('a', 'equals', 'b')), extra: 1 }, 'authority without conditions': { version: '1.0.0', anyOf: [{ authority: A }] },
  'allOf and anyOf': { version: '1.0.0', anyOf: [{ authority: A, allOf: [claim('a', 'equals', 'b')], anyOf: [claim('a', 'equals', 'b')] }] },
  'authority over http': { version: '1.0.0', anyOf: [{ authority: 'http://x', allOf: [claim('a', 'equals', 'b')] }] },
  'two operators': one({ claim: 'a', equals: 'b', exists: true }), 'no operator': one({ claim: 'a' }), 'unknown operator': one({ claim: 'a', matches: 'b' }),
  'object value': one(claim('a', 'equals', {})), 'list value': one(claim('a', 'equals', ['b'])), 'null value': one(claim('a', 'equals', null)),
  'empty group': one({ anyOf: [] }), 'group with a claim': one({ anyOf: [claim('a', 'equals', 'b')], claim: 'c' }), 'a list': [one()], 'a word': 'policy',
  'nested too deep': one(Array.from({ length: 40 }).reduce((c) => ({ allOf: [c] }), claim('a', 'equals', 'b'))),
};
for (const [name, tree] of Object.entries(refused)) test(`refused: ${name}`, () => assert.throws(() => policy.check(tree)));

test('version is written in full, a closing slash of an authority does not matter, its host does', () => {
  assert.strictEqual(policy.check({ ...one(claim('a', 'equals', 'b')), version: '1.0' }).version, '1.0.0');
  const p = policy.check(one(claim('a', 'equals', 'b')));
  assert.strictEqual(policy.entriesFor(p, `${A}/`).length, 1);
  assert.strictEqual(policy.entriesFor(p, 'https://maa.localhost:2').length, 0);
  assert.strictEqual(policy.entriesFor(p, 'https://maa.localhost').length, 0);
});
