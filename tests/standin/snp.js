// SEV-SNP attestation report (AMD SEV-SNP ABI, ATTESTATION_REPORT): layout, must-be-zero rules, signature, and making one for tests.
'use strict';
const crypto = require('crypto');

const SIZE = 0x4a0;
const SIGNED = 0x2a0;

// "DB18000000000004" (numeric form, as THIM prints it) <-> the eight little-endian bytes of the report.
function tcbBytes(hex) {
  if (!/^[0-9A-Fa-f]{1,16}$/.test(hex)) throw new Error('TCB: not hexadecimal');
  const b = Buffer.alloc(8);
  b.writeBigUInt64LE(BigInt('0x' + hex));
  return b;
}
const tcbHex = (bytes) => bytes.readBigUInt64LE().toString(16).toUpperCase().padStart(16, '0');

// Security patch levels of a TCB, by product: Turin has another layout and a level more.
function spl(bytes, product) {
  if (product.startsWith('Turin')) return { fmc: bytes[0], bl: bytes[1], tee: bytes[2], snp: bytes[3], ucode: bytes[7] };
  return { bl: bytes[0], tee: bytes[1], snp: bytes[6], ucode: bytes[7] };
}

const hex = (b, off, n) => b.subarray(off, off + n).toString('hex');

function parse(b) {
  if (!Buffer.isBuffer(b) || b.length !== SIZE) throw new Error('report is not 1184 bytes');
  const policy = b.readBigUInt64LE(0x08);
  const flags = b.readUInt32LE(0x48);
  return {
    raw: b, version: b.readUInt32LE(0), guestSvn: b.readUInt32LE(4), policy,
    smtAllowed: (policy >> 16n & 1n) === 1n, migrationAllowed: (policy >> 18n & 1n) === 1n, debuggable: (policy >> 19n & 1n) === 1n,
    familyId: hex(b, 0x10, 16), imageId: hex(b, 0x20, 16), vmpl: b.readUInt32LE(0x30), signatureAlgo: b.readUInt32LE(0x34),
    flags, maskChipKey: (flags >> 1 & 1) === 1, signingKey: flags >> 2 & 7,
    reportData: b.subarray(0x50, 0x90), measurement: hex(b, 0x90, 48), hostData: hex(b, 0xc0, 32),
    idKeyDigest: hex(b, 0xe0, 48), authorKeyDigest: hex(b, 0x110, 48), reportId: hex(b, 0x140, 32),
    reportedTcb: b.subarray(0x180, 0x188), chipId: b.subarray(0x1a0, 0x1e0),
  };
}

// Beside R and S, [from, to): nothing signs them. Other reserved bytes describe, and describe nothing yet.
const UNUSED = [[0x2a0 + 48, 0x2a0 + 72], [0x2e8 + 48, 0x2e8 + 72], [0x330, 0x4a0]];

// What is wrong with the fields of the report whoever signed it, or null.
function fault(r) {
  if (r.version < 2 || r.version > 6) return `report version ${r.version} is not accepted`;
  if (r.signatureAlgo !== 1) return 'report is not signed with ECDSA P-384';
  if (r.signingKey > 1) return 'report is not signed by a VCEK or a VLEK';
  if (r.maskChipKey && r.signingKey === 0) return 'report signature is masked';
  if ((r.policy >> 17n & 1n) !== 1n) return 'policy bit 17 is not set';
  if (r.policy >> 26n !== 0n) return 'reserved policy bits are set';
  if (r.vmpl > 3) return 'report was requested by the host';
  for (const [from, to] of UNUSED) {
    if (r.raw.subarray(from, to).some((x) => x !== 0)) return `unused bytes of the signature at 0x${from.toString(16)} are not zero`;
  }
  return null;
}

const flip = (b) => Buffer.from(b).reverse();

function verify(report, vcekKey) {
  const rs = Buffer.concat([flip(report.subarray(0x2a0, 0x2a0 + 48)), flip(report.subarray(0x2e8, 0x2e8 + 48))]);
  return crypto.verify('sha384', report.subarray(0, SIGNED), { key: vcekKey, dsaEncoding: 'ieee-p1363' }, rs);
}

function sign(report, vcekKey) {
  report.fill(0, SIGNED);
  const rs = crypto.sign('sha384', report.subarray(0, SIGNED), { key: vcekKey, dsaEncoding: 'ieee-p1363' });
  flip(rs.subarray(0, 48)).copy(report, 0x2a0);
  flip(rs.subarray(48)).copy(report, 0x2e8);
  return report;
}

// A report as a guest in Azure would get it. edit(report bytes) runs before signing, for reports that are wrong but well signed.
function make({ key, reportData, hostData, measurement, chipId, tcb, version = 3, vmpl = 0, policy = 0x3001fn, edit = () => {} }) {
  const b = Buffer.alloc(SIZE);
  b.writeUInt32LE(version, 0);
  b.writeUInt32LE(2, 4);
  b.writeBigUInt64LE(BigInt(policy), 8);
  b[0x10] = 1;
  b[0x20] = 2;
  b.writeUInt32LE(vmpl, 0x30);
  b.writeUInt32LE(1, 0x34);
  for (const off of [0x38, 0x180, 0x1e0, 0x1f0]) tcbBytes(tcb).copy(b, off);
  b.writeBigUInt64LE(5n, 0x40);
  reportData.copy(b, 0x50, 0, 64);
  Buffer.from(measurement, 'hex').copy(b, 0x90);
  Buffer.from(hostData, 'hex').copy(b, 0xc0);
  crypto.createHash('sha384').update('id key').digest().copy(b, 0xe0);
  crypto.randomBytes(32).copy(b, 0x140);
  b.fill(0xff, 0x160, 0x180);
  if (version >= 3) Buffer.from([0x19, 0x01, 0x01]).copy(b, 0x188);
  Buffer.from(chipId, 'hex').copy(b, 0x1a0);
  Buffer.from([4, 55, 1]).copy(b, 0x1e8);
  Buffer.from([4, 55, 1]).copy(b, 0x1ec);
  edit(b);
  return sign(b, key);
}

module.exports = { SIZE, tcbBytes, tcbHex, spl, parse, fault, verify, sign, make };
