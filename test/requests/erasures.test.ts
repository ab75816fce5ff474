/**
 * Which lines of the audit are told to be erased: spans of seqs, what a line that tells of them says, and a walk along the
 * chain while somebody erases.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BEGINNING, type ChainLine, type Link, linkOf, sealPart, verify } from '../../src/requests/proof/chain.ts';
import { addTold, noLines, Seqs, tellErased } from '../../src/requests/proof/erasures.ts';

const CUT = { n: 0, hash: BEGINNING, at: null };
const GONE = { text: null, salt: null };

/** What a store would show: links as they come, round by round, and lines that are not sealed yet. */
function shows(
  rounds: readonly { readonly sealed?: readonly ChainLine[]; readonly unsealed?: readonly ChainLine[] }[],
) {
  const chain: Link[] = [];
  let round = 0;
  return {
    async *links(after: number) {
      for (const line of rounds[round]?.sealed ?? []) {
        const hash = linkOf(chain.at(-1)?.hash ?? BEGINNING, line);
        chain.push({ n: chain.length + 1, seq: line.seq, hash, line });
      }
      yield chain.slice(after);
    },
    async *unsealed() {
      yield rounds[round++]?.unsealed ?? [];
    },
  };
}

const lineOf = (seq: number, what: string, detail: unknown = null): ChainLine => {
  const text = detail === null ? null : JSON.stringify(detail);
  return { seq, at: 1, tenantId: 't', requestId: null, what, who: sealPart('usher'), detail: sealPart(text) };
};
const emptied = (line: ChainLine): ChainLine => ({ ...line, detail: { ...line.detail, ...GONE } });

describe('lines that are told to be erased', () => {
  it('are found among others as sets would find them', () => {
    const spans = fc.array(fc.tuple(fc.integer({ min: -9, max: 40 }), fc.integer({ min: 0, max: 6 })), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(spans, spans, (some, others) => {
        const read = (list: readonly (readonly [number, number])[]) => {
          const seqs = new Seqs();
          for (const [first, more] of list) seqs.add(first, first + more);
          const set = new Set(list.flatMap(([first, more]) => Array.from({ length: more + 1 }, (_, n) => first + n)));
          return { seqs, set };
        };
        const [a, b] = [read(some), read(others)];
        const outside = [...a.set].filter((seq) => !b.set.has(seq));
        assert.equal(a.seqs.firstOutside(b.seqs), outside.length === 0 ? null : Math.min(...outside));
      }),
      { numRuns: 2_000 },
    );
  });

  it('are read back as they were told, each part for itself', () => {
    const seqs = fc.uniqueArray(fc.integer({ min: -50, max: 50 }));
    fc.assert(
      fc.property(seqs, seqs, (who, detail) => {
        const told = noLines();
        addTold(told, { seq: 51, detail: JSON.stringify(tellErased({ who, detail })) });
        for (const [part, list] of Object.entries({ who, detail })) {
          const among = told[part as 'who' | 'detail'];
          for (let seq = -50; seq <= 50; seq++) {
            const one = new Seqs();
            one.add(seq);
            assert.equal(one.firstOutside(among) === null, list.includes(seq), `${part} of ${seq}`);
          }
        }
      }),
    );
  });

  for (const detail of [null, '{}', '[]', '"x"', '{"who":7}', '{"detail":"all"}', '{"detail":"3..9"}'])
    it(`are none by ${detail}`, async () => {
      const told = noLines();
      addTold(told, { seq: 8, detail });
      const four = new Seqs();
      four.add(4);
      assert.equal(four.firstOutside(told.detail), 4, 'and nothing is told of what comes later');
    });

  const [first, second] = [lineOf(1, 'x', { n: 1 }), lineOf(2, 'y', { n: 2 })];
  const tells = lineOf(3, 'erased', { detail: '1' });

  it('are told of in a line that is sealed while the chain is walked, or is not sealed yet', async () => {
    for (const rounds of [
      [{ sealed: [emptied(first), second, tells] }],
      [{ sealed: [emptied(first), second], unsealed: [tells] }],
      [{ sealed: [emptied(first), second] }, { sealed: [tells] }],
      [{ sealed: [emptied(first), second] }, { unsealed: [tells] }],
      // Meanwhile the next one is erased, and of that it is told in the next round.
      [
        { sealed: [emptied(first), second] },
        { sealed: [tells, emptied(lineOf(4, 'z', { n: 4 }))] },
        { sealed: [lineOf(5, 'erased', { detail: '4' })] },
      ],
    ]) {
      const verdict = await verify(CUT, shows(rounds));
      assert.ok(verdict.ok, JSON.stringify(verdict));
    }
  });

  it('and what nobody tells of is named, however much is written meanwhile', async () => {
    const more = (seq: number) => [
      emptied(lineOf(seq, 'z', { n: 1 })),
      lineOf(seq + 1, 'erased', { detail: `${seq}` }),
    ];
    for (const rounds of [
      [{ sealed: [first, emptied(second), tells] }],
      [{ sealed: [first], unsealed: [emptied(second)] }],
      [{ sealed: [first, emptied(second)] }, { sealed: more(4) }, { sealed: more(6) }, { sealed: more(8) }],
    ]) {
      const verdict = await verify(CUT, shows(rounds));
      assert.ok(!verdict.ok);
      assert.deepEqual(verdict.why, { key: 'chain.broken.erased', with: { seq: 2 } });
    }
  });
});
