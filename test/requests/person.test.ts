/** A person found in texts and taken out of them: nothing of them is left, and nothing else is touched. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  type AboutAt,
  ERASED,
  finderOf,
  identityOf,
  isAbout,
  tracesIn,
  widestOf,
} from '../../src/requests/proof/person.ts';

const ANA = {
  addresses: ['ana@partner.example'],
  ids: ['aaaa0000-1111-4222-8333-444455556666'],
  names: ['Ana Silva', 'Ana'],
};
const finder = finderOf(ANA);

describe('a person in texts', () => {
  for (const text of [
    'ana@partner.example',
    'ANA@Partner.Example',
    'mailto:ana@partner.example.',
    'Ana Silva <ana@partner.example>; bo@y.example',
    '/users/aaaa0000-1111-4222-8333-444455556666/x',
    "/users?$filter=mail%20eq%20'ana%40partner.example'",
    '/users?$filter=mail+eq+%27ana%40partner.example%27',
    'ana_partner.example#EXT#@contoso.onmicrosoft.com',
    '/users/ana_partner.example%23EXT%23%40contoso.onmicrosoft.com',
    '{"text":"first\\nana@partner.example"}',
  ]) {
    it(`is found in ${JSON.stringify(text)} and taken out of it`, () => {
      assert.ok(finder.isIn(text));
      const left = text.startsWith('{') ? finder.jsonWithout(text) : finder.without(text);
      assert.ok(left.includes(ERASED));
      assert.doesNotMatch(left, /(?<!di)ana|silva|aaaa0000/i);
    });
  }

  for (const text of [
    'diana@partner.example',
    'x.ana@partner.example',
    'ana@partner.example.org',
    'ana@partner.examples',
    'ana@partner-example',
    'Ana Silva',
    'banana@partner.example',
    '%41na.ana%40partner.example',
  ]) {
    it(`is not found in ${JSON.stringify(text)}`, () => assert.equal(finder.isIn(text), false));
  }

  it('with an apostrophe is found as OData doubles it', () => {
    const irish = finderOf({ addresses: ["pat.o'neil@partner.example"], ids: [], names: [] });
    for (const text of [
      "/users?$filter=mail eq 'pat.o''neil@partner.example'",
      encodeURIComponent("mail eq 'pat.o''neil@partner.example'"),
      '{"mail":"Pat.O\'Neil@partner.example"}',
    ]) {
      assert.ok(irish.isIn(text), text);
      assert.doesNotMatch(irish.without(text), /neil/i);
    }
  });

  it('is taken out of any JSON, wherever in it, and the rest stays as it was', () => {
    const value = fc.jsonValue({ depthSize: 'small' });
    const place = fc.constantFrom(
      (rest: unknown) => ({ rest, deep: [{ text: `Ana Silva, ${ANA.addresses[0]}` }] }),
      (rest: unknown) => ({ rest, deep: [{ [String(ANA.addresses[0])]: 1 }] }),
      (rest: unknown) => ({ rest, deep: [{ text: `x ${ANA.ids[0]} Ana` }] }),
    );
    fc.assert(
      fc.property(value, place, (rest, put) => {
        fc.pre(!/ana/i.test(JSON.stringify(rest)));
        const text = JSON.stringify(put(rest));
        assert.ok(finder.isIn(text));
        const left = finder.jsonWithout(text);
        assert.equal(finder.isIn(left), false);
        assert.doesNotMatch(left, /ana|silva/i);
        assert.deepEqual(JSON.parse(left).rest, JSON.parse(text).rest);
      }),
    );
  });

  it('a name is only theirs where it stands with their address, or at the head of what is about them', () => {
    const found = tracesIn({ addresses: ['ana@partner.example'], ids: [] }, [
      {
        address: 'ana@partner.example',
        displayName: 'Ana S.',
        team: { name: 'Apollo', id: 'bbbb0000-1111-4222-8333-444455556666' },
      },
      { userId: 'AAAA0000-1111-4222-8333-444455556666', name: 'Ana Silva', did: 'invited' },
      {
        body: {
          value: [
            { id: 'cccc0000-1111-4222-8333-444455556666', mail: 'Ana@partner.example', displayName: 'A. Silva' },
            { displayName: 'Bo' },
          ],
        },
      },
      { body: { invitedUser: { id: 'dddd0000-1111-4222-8333-444455556666' } } },
      {
        body: {
          customer: { firstName: 'Ana', lastName: 'Quint', email: 'ana@partner.example' },
          owner: { name: 'Rita' },
        },
      },
    ]);
    assert.deepEqual(found.names, ['Ana S.', 'Ana Silva', 'A. Silva', 'Ana Quint']);
    assert.deepEqual(
      found.ids.map((id) => id.slice(0, 4)),
      ['aaaa', 'cccc', 'dddd'],
    );
  });
});

describe('who a person is', () => {
  const [OLD, NEW, OTHER] = ['ana@old.example', 'ana@new.example', 'bo@x.example'];
  const asked = (address: string, ids: readonly string[] = [], at = 1): AboutAt => ({ addresses: [address], ids, at });
  const reset = (from: string, to: string, id: string, at: number): AboutAt => ({
    addresses: [from, to],
    ids: [id],
    left: [{ address: from, at }],
    at,
  });
  const who = (address: string, told: readonly AboutAt[]) => {
    const { addresses, ids } = identityOf(address, told);
    return [addresses.toSorted(), ids.toSorted()];
  };

  it('is known by every address of one account, whichever was asked by, in any case and order', () => {
    const told = [
      asked(OLD, ['A']),
      reset('Ana@Old.example', 'ana@mid.example', 'a', 2),
      reset('ana@mid.example', NEW, 'a', 3),
    ];
    for (const address of [OLD, 'ANA@mid.example', NEW])
      for (const some of [told, told.toReversed()])
        assert.deepEqual(who(address, [...some, asked(OTHER, ['b'])]), [['ana@mid.example', NEW, OLD], ['a']]);
  });

  it('is looked for among all who have had one of their addresses, and not by what only mentions them', () => {
    const told = [asked(OLD, ['a']), reset(OLD, NEW, 'a', 5), asked(OLD, ['b'], 6), asked('40'), asked(OTHER, ['c'])];
    const { addresses, ids } = widestOf(NEW.toUpperCase(), told);
    assert.deepEqual(
      [addresses.toSorted(), ids.toSorted()],
      [
        [NEW, OLD],
        ['a', 'b'],
      ],
    );
  });

  it('is whoever has an address, with every account of it, even without any', () => {
    assert.deepEqual(who(OLD, []), [[OLD], []]);
    assert.deepEqual(who(OLD, [asked(OLD), asked(OLD, ['a']), asked(OLD, ['b'], 9)]), [[OLD], ['a', 'b']]);
  });

  it('is not whoever was given their address after they left it, nor the other way round', () => {
    const told = [asked(OLD, ['a']), reset(OLD, NEW, 'a', 5), asked(OLD, ['b'], 6)];
    assert.deepEqual(who(NEW, told), [[NEW], ['a']]);
    assert.deepEqual(who(OLD, told), [[OLD], ['b']]);
    assert.ok(!isAbout(asked(OLD, ['b']), identityOf(NEW, told)));
    assert.ok(isAbout(asked(OLD, ['A']), identityOf(NEW, told)));
    // Whoever had it before them is nobody else as far as anybody can tell.
    assert.deepEqual(who(NEW, [asked(OLD, ['b'], 1), asked(OLD, ['a'], 2), reset(OLD, NEW, 'a', 5)]), [
      [NEW, OLD],
      ['a', 'b'],
    ]);
  });
});
