import assert from 'node:assert/strict';
import fc from 'fast-check';
import { faultOfAddress, readPeople } from '../../src/capabilities/guest/people.ts';

const read = (text: string) =>
  readPeople(text).people.map(({ name, address }) => (name ? `${name} <${address}>` : address));

describe('people in pasted text', () => {
  const cases: readonly [string, readonly string[], readonly string[]][] = [
    ['ana@partner.example', ['ana@partner.example'], []],
    ['Ana Silva <ana@partner.example>', ['Ana Silva <ana@partner.example>'], []],
    ['"Silva, Ana" <ana@partner.example>', ['Silva, Ana <ana@partner.example>'], []],
    [
      'ana@a.example, bo@b.example; cy@c.example\ndee@d.example',
      ['ana@a.example', 'bo@b.example', 'cy@c.example', 'dee@d.example'],
      [],
    ],
    ['ana@a.example and bo@b.example', ['ana@a.example', 'bo@b.example'], []],
    [
      '1. ana@a.example\n2. Bo <bo@b.example>\n• cy@c.example',
      ['ana@a.example', 'Bo <bo@b.example>', 'cy@c.example'],
      [],
    ],
    ['<mailto:ana@a.example>', ['ana@a.example'], []],
    ['(ana@a.example).', ['ana@a.example'], []],
    ['ANA@a.example ana@A.example', ['ANA@a.example'], []],
    ["O'Brien <o'brien@a.example>", ["O'Brien <o'brien@a.example>"], []],
    ['josé@exämple.example', ['josé@exämple.example'], []],
    ['nobody here', [], ['nobody here']],
    ['ana@a.example, bo at b', ['ana@a.example'], ['bo at b']],
    ['ana@a.example, please. Thank you!', ['ana@a.example'], []],
    ['\u202aana@a.example\u202c; \u200ebo@b\u00ad.example\ufeff', ['ana@a.example', 'bo@b.example'], []],
    [
      'Ana Silva\n<ana@a.example> "Berg, Bo"\t<bo@b.example>',
      ['Ana Silva <ana@a.example>', 'Berg, Bo <bo@b.example>'],
      [],
    ],
    ['nobody "Berg, Bo" <bo@b.example>', ['Berg, Bo <bo@b.example>'], ['nobody']],
    ['"half Bo <bo@b.example>', ['half Bo <bo@b.example>'], ['"']],
    ['', [], []],
  ];
  for (const [text, people, unreadable] of cases) {
    it(`${JSON.stringify(text)} names ${people.length}`, () => {
      assert.deepEqual(read(text), people);
      assert.deepEqual(readPeople(text).unreadable, unreadable);
    });
  }

  it('is read in one go, whatever it consists of', () => {
    for (const piece of [' ', '\n', '<', '"', 'x', '@', 'a@', '< ', 'a <', '"a" ', 'a, ']) {
      const before = process.cpuUsage();
      readPeople(piece.repeat(4000 / piece.length));
      const { user } = process.cpuUsage(before);
      assert.ok(user < 1_000_000, `${JSON.stringify(piece)}: ${user} µs`);
    }
  });

  it('every address survives any way of joining and naming', () => {
    const address = fc
      .tuple(fc.stringMatching(/^[a-z][a-z0-9_]{0,10}$/), fc.stringMatching(/^[a-z]{1,10}$/))
      .map(([user, domain]) => `${user}@${domain}.example`);
    const name = fc.constantFrom('', 'Ana Silva', 'Dr. Bo', 'van der Berg');
    const joint = fc.constantFrom(', ', '; ', '\n', ',\n', ' ; ');
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(address, name), { selector: ([one]) => one, minLength: 1, maxLength: 20 }),
        joint,
        (people, between) => {
          const text = people.map(([one, called]) => (called ? `${called} <${one}>` : one)).join(between);
          assert.deepEqual(
            readPeople(text).people,
            people.map(([one, called]) => (called ? { address: one, name: called } : { address: one })),
          );
        },
      ),
    );
  });

  it('no text makes it slow or throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), (text) => {
        readPeople(text);
      }),
    );
    readPeople(`${'<'.repeat(4000)}`);
    readPeople(`${'"a '.repeat(2000)}`);
    readPeople(`${'a'.repeat(4000)}@`);
  });
});

describe('an address', () => {
  const refused: readonly [string, string][] = [
    ['ana+x@partner.example', 'guest.address.plus'],
    ['a#b@partner.example', 'guest.address.banned'],
    ['a!b@partner.example', 'guest.address.banned'],
    ['.ana@partner.example', 'guest.address.ends'],
    ['ana-@partner.example', 'guest.address.ends'],
    ['ana@localhost', 'guest.address.shape'],
    ['ana@-a.example', 'guest.address.shape'],
    ['ana@a..example', 'guest.address.shape'],
    ['ana@1.2.3.4', 'guest.address.shape'],
    ['a@b@partner.example', 'guest.address.shape'],
    [`${'a'.repeat(65)}@partner.example`, 'guest.address.shape'],
    [`a@${'b'.repeat(64)}.example`, 'guest.address.shape'],
  ];
  for (const [address, key] of refused)
    it(`${address.slice(0, 30)} is refused as ${key}`, () => assert.equal(faultOfAddress(address)?.key, key));

  for (const address of [
    "o'brien@partner.example",
    '_ana_@partner.example',
    'a.b-c@sub.partner.example',
    'ana@bücher.example',
    'a@xn--bcher-kva.example',
  ]) {
    it(`${address} is taken`, () => assert.equal(faultOfAddress(address), null));
  }
});
