/** What the gate reads from the directory about who owns a team, above all where a name stands for several. */
import assert from 'node:assert/strict';
import type { Answer, Call } from '../../src/requests/capability.ts';
import { ownsTeam } from '../../src/requests/gateLooks.ts';

/** Who owns which team, by name and id. */
type Town = readonly { readonly id: string; readonly name: string; readonly owners: readonly string[] }[];

const TOWN: Town = [
  { id: 'a', name: 'Apollo', owners: ['rita'] },
  { id: 'z1', name: 'Zenith', owners: ['rita', 'axel'] },
  { id: 'z2', name: 'Zenith', owners: ['axel'] },
  { id: 'z3', name: 'Zenith Labs', owners: [] },
];

function answered(town: Town, { name, path }: Call): Record<string, unknown> {
  const text = decodeURIComponent(path);
  if (name === 'gate.owner') {
    const team = town.find(({ id }) => text.startsWith(`/groups/${id}/owners?`));
    return { value: (team?.owners ?? []).map((id) => ({ id })) };
  }
  const begin = /displayName,'(.*)'\)/.exec(text)?.[1]?.replaceAll("''", "'").toLowerCase() ?? '';
  const found = town.filter((one) => one.name.toLowerCase().startsWith(begin));
  return { value: found.map((one) => ({ id: one.id, displayName: one.name })) };
}

/** Whether they own it, looked up to the end; and how many look-ups that took. */
function owns(personId: string, team: { id?: string; name: string }, town = TOWN): readonly [boolean, number] {
  const answers: Answer[] = [];
  for (let n = 0; n < 100; n++) {
    const found = ownsTeam(personId, team, answers);
    if ('owns' in found) return [found.owns, answers.length];
    const { call } = found;
    answers.push({ n, call, sentAt: 0, heardAt: 0, reply: { ok: true, body: answered(town, call) } });
  }
  throw new Error('it never ends');
}

describe('whether somebody owns a team', () => {
  it('is one look-up when it is known which, and two by its name', () => {
    assert.deepEqual(owns('rita', { id: 'a', name: 'anything' }), [true, 1]);
    assert.deepEqual(owns('rita', { name: 'APOLLO' }), [true, 2]);
    assert.deepEqual(owns('axel', { name: 'Apollo' }), [false, 2]);
  });

  it('is so of a name for several only when they own each', () => {
    assert.equal(owns('axel', { name: 'Zenith' })[0], true);
    assert.equal(owns('rita', { name: 'Zenith' })[0], false);
  });

  it('is not so of a team that nobody knows, whatever it is called', () => {
    for (const name of ['Nowhere', '', "O'Neill", "') or true or startswith(displayName,'Apollo"])
      assert.equal(owns('rita', { name }, name === '' ? [] : TOWN)[0], false, name);
  });

  it('is not known from what was answered about another team', () => {
    const call: Call = { name: 'gate.owner', to: 'graph', method: 'GET', path: '/groups/a/owners', repeat: 'safe' };
    const reply = { ok: true, body: { value: [{ id: 'rita' }] } } as const;
    const found = ownsTeam('rita', { id: 'z2', name: 'Zenith' }, [{ n: 0, call, sentAt: 0, heardAt: 0, reply }]);
    assert.ok('call' in found && found.call.path.startsWith('/groups/z2/owners'));
  });
});
