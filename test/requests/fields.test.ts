/**
 * One list of fields for form, chat, files and HTTP: a field that is added to a capability appears in all four, and the
 * names that others have for the fields of a guest are understood.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { GUEST_FIELDS } from '../../src/capabilities/guest/input.ts';
import { formView } from '../../src/cards/views.ts';
import { words } from '../../src/cards/words.ts';
import { readArguments } from '../../src/requests/arguments.ts';
import type { Field } from '../../src/requests/capability.ts';
import { columnsOf, fieldOf } from '../../src/requests/fields.ts';
import { readFile } from '../../src/requests/many/readFile.ts';

/** A capability of one's own, with a field that nobody has: its words are those of another, so that they exist. */
const SHUTTLE: Field = {
  name: 'shuttle',
  kind: 'text',
  words: 'guest.field.reason',
  max: 40,
  phrases: ['by shuttle'],
  headings: ['busNumber', 'which bus'],
};
const FIELDS: readonly Field[] = [
  { name: 'people', kind: 'people', words: 'guest.field.people', required: true, headings: ['passenger'] },
  SHUTTLE,
];

describe('the one list of fields', () => {
  it('shows a field that was added in chat, form, file and HTTP', () => {
    assert.deepEqual(readArguments('ana@partner.example by shuttle 7', FIELDS), {
      people: 'ana@partner.example',
      shuttle: '7',
    });
    const form = formView(
      { capability: 'guest', fields: FIELDS, values: { shuttle: '7' }, problems: [], formId: '00000000' },
      words('en'),
    );
    assert.match(JSON.stringify(form), /"id":"shuttle".*"value":"7"/);
    const file = readFile(Buffer.from('Which bus;Passenger\n7;ana@partner.example\n'), FIELDS, {});
    assert.deepEqual(file, {
      ok: true,
      value: { rows: [{ line: 2, raw: { shuttle: '7', people: 'ana@partner.example' } }], unused: [] },
    });
    assert.equal(fieldOf('busNumber', FIELDS), SHUTTLE);
  });

  it('knows the names of Governance Toolkit 365 and of Entra’s template', () => {
    const known: Readonly<Record<string, string>> = {
      invitedUserDisplayName: 'displayName',
      invitedUserEmailAddress: 'people',
      inviteRedirectUrl: 'redirectUrl',
      sendInvitationMessage: 'sendMail',
      more: 'more',
      'Email address to invite [inviteeEmail] Required': 'people',
      'Redirection url [inviteRedirectURL] Required': 'redirectUrl',
      'Send invitation message (true or false) [sendEmail]': 'sendMail',
      'Customized invitation message [customizedMessageBody]': 'message',
      'E-Mail': 'people',
      END_DATE: 'until',
    };
    for (const [heading, field] of Object.entries(known))
      assert.equal(fieldOf(heading, GUEST_FIELDS)?.name, field, heading);
    for (const heading of ['', '[]', 'requestedBy', 'Required', 'department'])
      assert.equal(fieldOf(heading, GUEST_FIELDS), undefined, heading);
  });

  it('no two fields go by the same name', () => {
    const names = GUEST_FIELDS.flatMap(({ name, headings = [] }) => [name, ...headings]);
    for (const name of names) {
      const owner = GUEST_FIELDS.find((field) => field.name === name || field.headings?.includes(name));
      assert.equal(fieldOf(name, GUEST_FIELDS), owner, name);
    }
  });

  it('takes headings in any order, whatever their case, spaces and punctuation', () => {
    const spelled = fc
      .constantFrom(...GUEST_FIELDS.flatMap(({ name, headings = [] }) => [name, ...headings]))
      .chain((name) =>
        fc
          .tuple(
            fc.constantFrom('', ' ', '  '),
            fc.constantFrom('', ':', ' *', ' [x]'),
            fc.boolean(),
            fc.constantFrom(' ', '_', '-', ''),
          )
          .map(([before, after, isUpper, joint]) => {
            const joined = name.replaceAll(' ', joint);
            return { name, heading: before + (isUpper ? joined.toUpperCase() : joined) + after };
          }),
      );
    fc.assert(
      fc.property(spelled, ({ name, heading }) => {
        assert.equal(fieldOf(heading, GUEST_FIELDS), fieldOf(name, GUEST_FIELDS), heading);
      }),
    );
    fc.assert(
      fc.property(fc.shuffledSubarray([...GUEST_FIELDS], { minLength: 1 }), (some) => {
        assert.deepEqual(
          columnsOf(
            some.map(({ name }) => name),
            GUEST_FIELDS,
          ),
          some,
        );
      }),
    );
  });

  it('a field that two columns name is the first one’s', () => {
    const columns = columnsOf(['email', 'mail', 'nonsense'], GUEST_FIELDS);
    assert.deepEqual(
      columns.map((one) => one?.name ?? null),
      ['people', null, null],
    );
  });
});
