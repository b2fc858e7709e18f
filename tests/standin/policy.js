// Key release policy: grammar and evaluation (azure-protocols.md 4.8). A claim that is not there makes any condition on it false.
'use strict';

const { isObject } = require('./jose');

const OPERATORS = ['equals', 'notEquals', 'less', 'lessOrEquals', 'greater', 'greaterOrEquals', 'exists'];
const DEPTH_MAX = 16;
const isScalar = (v) => ['string', 'number', 'boolean'].includes(typeof v);

function only(object, members, where) {
  for (const k of Object.keys(object)) if (!members.includes(k)) throw new Error(`${where}: unknown member ${k}`);
}

function checkList(list, where, depth) {
  if (!Array.isArray(list) || !list.length) throw new Error(`${where}: must be a list that is not empty`);
  list.forEach((c, i) => checkCondition(c, `${where}[${i}]`, depth + 1));
}

function checkCondition(c, where, depth) {
  if (depth > DEPTH_MAX) throw new Error(`${where}: nested too deep`);
  if (!isObject(c)) throw new Error(`${where}: must be an object`);
  const group = ['allOf', 'anyOf'].find((k) => k in c);
  if (group) {
    only(c, [group], where);
    return checkList(c[group], `${where}.${group}`, depth);
  }
  only(c, ['claim', ...OPERATORS], where);
  const used = OPERATORS.filter((k) => k in c);
  if (typeof c.claim !== 'string' || !c.claim || used.length !== 1) throw new Error(`${where}: needs a claim and one operator`);
  if (!isScalar(c[used[0]])) throw new Error(`${where}.${used[0]}: must be a string, number, true or false`);
  return undefined;
}

// Throws when the policy is not of the grammar; returns it with the version written in full.
function check(policy) {
  if (!isObject(policy)) throw new Error('policy: must be an object');
  only(policy, ['version', 'anyOf'], 'policy');
  if (!/^\d+\.\d+(\.\d+)?$/.test(policy.version)) throw new Error('policy.version: must be like 1.0.0');
  if (!Array.isArray(policy.anyOf) || !policy.anyOf.length) throw new Error('policy.anyOf: must be a list that is not empty');
  policy.anyOf.forEach((a, i) => {
    const where = `policy.anyOf[${i}]`;
    if (!isObject(a)) throw new Error(`${where}: must be an object`);
    only(a, ['authority', 'allOf', 'anyOf'], where);
    if (typeof a.authority !== 'string' || !/^https:\/\/[^/]+\/?$/.test(a.authority)) throw new Error(`${where}.authority: must be an https URL`);
    if (('allOf' in a) === ('anyOf' in a)) throw new Error(`${where}: exactly one of allOf and anyOf`);
    checkList(a.allOf || a.anyOf, where, 0);
  });
  return { ...policy, version: policy.version.split('.').length === 2 ? `${policy.version}.0` : policy.version };
}

function claimAt(claims, path) {
  let v = claims;
  for (const part of path.split('.')) {
    if (!isObject(v) || !Object.prototype.hasOwnProperty.call(v, part)) return undefined;
    v = v[part];
  }
  return v;
}

function ordered(claim, value, test) {
  const [a, b] = [claim, value].map((v) => (typeof v !== 'boolean' && /^-?\d+(\.\d+)?$/.test(String(v)) ? Number(v) : NaN));
  return test(a - b);
}

// Scalars are compared as their JSON text without quotes: "false" meets false, "0" meets 0.
function compare(op, claim, value) {
  if (op === 'exists') return (claim !== undefined) === (String(value) === 'true');
  if (!isScalar(claim)) return false;
  switch (op) {
    case 'equals': return String(claim) === String(value);
    case 'notEquals': return String(claim) !== String(value);
    case 'less': return ordered(claim, value, (d) => d < 0);
    case 'lessOrEquals': return ordered(claim, value, (d) => d <= 0);
    case 'greater': return ordered(claim, value, (d) => d > 0);
    case 'greaterOrEquals': return ordered(claim, value, (d) => d >= 0);
    default: return false;
  }
}

function holds(c, claims) {
  if (c.allOf) return c.allOf.every((x) => holds(x, claims));
  if (c.anyOf) return c.anyOf.some((x) => holds(x, claims));
  const op = OPERATORS.find((k) => k in c);
  return compare(op, claimAt(claims, c.claim), c[op]);
}

const noSlash = (url) => String(url).replace(/\/$/, '');

// The entries of the policy whose authority issued the token.
const entriesFor = (policy, issuer) => policy.anyOf.filter((a) => noSlash(a.authority) === noSlash(issuer));

module.exports = { check, holds, entriesFor, noSlash };
