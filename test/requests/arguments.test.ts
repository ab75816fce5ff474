import assert from 'node:assert/strict';
import fc from 'fast-check';
import { GUEST_FIELDS } from '../../src/capabilities/guest/input.ts';
import { readArguments } from '../../src/requests/arguments.ts';
import { newId, readId } from '../../src/requests/ids.ts';

const read = (text: string) => readArguments(text, GUEST_FIELDS);

describe('arguments of a typed command', () => {
  const cases: readonly [string, Record<string, string>][] = [
    ['ana@x.example', { people: 'ana@x.example' }],
    ['ana@x.example to team Apollo', { people: 'ana@x.example', team: 'Apollo' }],
    [
      'ana@x.example TO TEAM Apollo Because joint PoC',
      { people: 'ana@x.example', team: 'Apollo', reason: 'joint PoC' },
    ],
    [
      'ana@x.example because joint PoC to team Apollo',
      { people: 'ana@x.example', reason: 'joint PoC', team: 'Apollo' },
    ],
    ['to team Apollo ana@x.example', { team: 'Apollo ana@x.example' }],
    ['ana@x.example because we work in Lisbon', { people: 'ana@x.example', reason: 'we work in Lisbon' }],
    ['ana@x.example because PoC in Portuguese', { people: 'ana@x.example', reason: 'PoC', language: 'Portuguese' }],
    [
      'ana@x.example message "see you until May, because" until 1 May',
      { people: 'ana@x.example', message: '"see you until May, because"', until: '1 May' },
    ],
    ['ana@x.example because the message is clear', { people: 'ana@x.example', reason: 'the message is clear' }],
    ['ana@x.example because it lasts until we stop', { people: 'ana@x.example', reason: 'it lasts until we stop' }],
    ['ana@x.example to this team', { people: 'ana@x.example', team: 'this team' }],
    ['ana@x.example because the team needs her', { people: 'ana@x.example', reason: 'the team needs her' }],
    ['ana@x.example, cc bo@y.example', { people: 'ana@x.example', cc: 'bo@y.example' }],
    ['Ana to Team <ana@x.example>', { people: 'Ana', team: '<ana@x.example>' }],
    ['', {}],
  ];
  for (const [text, raw] of cases) it(JSON.stringify(text), () => assert.deepEqual(read(text), raw));

  it('the order of named arguments does not matter', () => {
    const parts = [
      'to team Apollo',
      'because joint PoC',
      'until 1 May',
      'cc bo@y.example',
      'in German',
      'message "hi"',
    ];
    const wanted = {
      people: 'ana@x.example',
      team: 'Apollo',
      reason: 'joint PoC',
      until: '1 May',
      cc: 'bo@y.example',
      language: 'German',
      message: '"hi"',
    };
    fc.assert(
      fc.property(fc.shuffledSubarray(parts, { minLength: parts.length }), (order) =>
        assert.deepEqual(read(`ana@x.example ${order.join(' ')}`), wanted),
      ),
    );
  });

  it('nothing typed is lost: what is no argument stays in one', () => {
    fc.assert(
      fc.property(fc.lorem({ maxCount: 30 }), (text) => {
        const words = Object.values(read(`ana@x.example because ${text}`))
          .join(' ')
          .split(/\W+/);
        for (const word of text.split(/\W+/))
          assert.ok(
            words.includes(word) ||
              GUEST_FIELDS.some((field) => field.phrases?.some((phrase) => phrase.includes(word.toLowerCase()))),
          );
      }),
    );
  });
});

describe('an id', () => {
  it('is read however it is typed', () => {
    const id = newId();
    assert.equal(readId(` #${id.toUpperCase()} `), id);
    assert.equal(readId('7k3q9xwO'), '7k3q9xw0');
    assert.equal(readId('short'), null);
    assert.equal(readId("x' or 1=1"), null);
  });
});
