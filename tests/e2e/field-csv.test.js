// Data from the field (shared/vectors/field/README.md, CSV): imported by Contoso, analysed with Fabrikam's control. What is not read is told by the import, the
// log and the result.
'use strict';
const assert = require('node:assert');
const fs = require('fs');
const path = require('path');
const test = require('node:test');
const { World } = require('../world/world');
const { VECTORS, noVectors, newPeer, scratch, upload, assertFault } = require('./lib');

const CSV = path.join(VECTORS, '../field/csv');
const skip = noVectors || (fs.existsSync(CSV) ? false : 'no vectors');
const read = (name) => fs.readFileSync(path.join(CSV, name));

test('CSV from the field', { skip }, async (t) => {
  const control = path.join(CSV, 'c00-control.csv');
  const world = await World.make({ dir: scratch('field'), minGroup: 1, csv: { contoso: control, fabrikam: control } });
  t.after(async () => {
    await world.stop();
    world.clearData();
  });
  await world.start(['contoso', 'fabrikam', 'woodgrove']);
  const { contoso, woodgrove } = world;
  const imported = async (bytes) => {
    const r = await upload(contoso, bytes);
    assert.strictEqual(r.status, 200, r.text);
    return r.json;
  };
  const analyzed = async () => {
    const r = await woodgrove.post('/partner/analyze', {}, { localAddress: newPeer() });
    assert.deepStrictEqual([r.status, r.json.status], [200, 'success'], r.text);
    return r.json;
  };
  const whole = { contoso_count: 4, Contoso: 70500, Fabrikam: 70500 };
  const figures = (r) => ({ contoso_count: r.contoso_count, Contoso: r.avg_salaries.Contoso, Fabrikam: r.avg_salaries.Fabrikam });

  await t.test('control', async () => {
    assert.deepStrictEqual((await imported(read('c00-control.csv'))).warnings, []);
    const r = await analyzed();
    assert.deepStrictEqual([figures(r), 'not_read' in r], [whole, false]);
  });
  await t.test('C05: salaries in many forms', async () => {
    const reasons = { empty: 1, zero: 1, negative: 1, not_a_whole_number: 13, too_large: 1 };
    const r = await imported(read('c05-salaries.csv'));
    const [salary] = r.columns.filter((c) => c.column === 'salary');
    assert.deepStrictEqual([r.total_records, salary], [20, { column: 'salary', found: true, read: 3, not_read: reasons }]);
    const said = 'salary: 17 of 20 values are not read: 1 empty, 1 zero, 1 negative, 13 not a whole number, 1 too large';
    assert.deepStrictEqual(r.warnings, [said]);
    assert.ok(contoso.log.includes(said));
    const all = await analyzed();
    assert.deepStrictEqual([all.contoso_count, all.avg_salaries.Contoso], [20, 85000]);
    assert.deepStrictEqual(all.not_read, [{ company: 'Contoso', column: 'salary', count: 17, reasons }]);
    assert.match(woodgrove.log, /Contoso: values not read of salary.*17/);
    assert.ok(![r, all].some((j) => JSON.stringify(j).includes('8.5e4')), 'values are not told');
  });
  await t.test('C06: capital headers', async () => {
    assert.deepStrictEqual((await imported(read('c06-capital-headers.csv'))).warnings, []);
    assert.deepStrictEqual(figures(await analyzed()), whole);
  });
  await t.test('C07: empty rows', async () => {
    const r = await imported(read('c07-trailing-empty-rows.csv'));
    assert.deepStrictEqual([r.total_records, r.empty_rows, r.warnings], [4, 5, ['rows without any value, left out: 5']]);
    assert.deepStrictEqual(figures(await analyzed()), whole);
  });
  await t.test('C03 and other forms that are refused leave what was stored', async () => {
    const text = read('c00-control.csv').toString();
    const refused = [[read('c03-semicolon-decimal-comma.csv'), /the separator is a semicolon, not a comma/], [text.replaceAll(',', '\t'), /the separator is a tab/],
      [Buffer.from(`\ufeff${text}`, 'utf16le'), /UTF-16.*save it as CSV in UTF-8/], [Buffer.from(text, 'utf16le'), /UTF-16/],
      [text.replaceAll('\r\n', '\r'), /old Macs/], [Buffer.from(text.replace('Ana', 'José'), 'latin1'), /Latin-1/], [text.split('\n').slice(1).join('\n'), /the first line must hold the columns' names/]];
    for (const [bytes, why] of refused) {
      const r = await upload(contoso, bytes);
      assertFault(r, { status: 400, step: 'storage', error: 'syntax' });
      assert.match(r.json.message, why);
    }
    assert.deepStrictEqual(figures(await analyzed()), whole);
  });
});
