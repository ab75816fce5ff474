/** The body of an invitation over HTTP: every field of the form is a key of it, and what it brings comes out as it went in. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { GUEST_FIELDS, type GuestInput, readGuest, writeGuest } from '../../src/capabilities/guest/input.ts';
import { readInviteBody } from '../../src/edge/inviteBody.ts';
import { fieldOf } from '../../src/requests/fields.ts';
import { OPEN_POLICY } from '../../src/requests/policy/policy.ts';
import type { Place } from '../../src/requests/request.ts';

const around = {
  requester: { id: 'a0000000-0000-4000-8000-000000000001', name: 'Rita', locale: 'en' },
  place: { kind: 'personal', conversationId: 'a:1', tenantId: 't' } as Place,
  policy: OPEN_POLICY,
  policyVersion: 0,
  now: Date.parse('2026-11-20T09:00:00Z'),
};

describe('a field', () => {
  it('is found by its name and its headings, whatever case, spaces and marks they are written with', () => {
    for (const [heading, name] of [
      ['people', 'people'],
      ['invitedUserEmailAddress', 'people'],
      ['Invited user e-mail address', 'people'],
      ['INVITED_USER_DISPLAY_NAME', 'displayName'],
      ['inviteRedirectURL', 'redirectUrl'],
      ['send invitation message', 'sendMail'],
      ['More', 'more'],
    ] as const)
      assert.equal(fieldOf(heading, GUEST_FIELDS)?.name, name, heading);
    for (const heading of ['', ' ', '–', 'requestedBy', 'again', 'invitedUser', '__proto__'])
      assert.equal(fieldOf(heading, GUEST_FIELDS), undefined, heading);
  });

  it('is itself under its own name, though another has it as a heading', () => {
    const fields = [
      { name: 'a', kind: 'text', words: 'a', headings: ['b'] },
      { name: 'b', kind: 'text', words: 'b' },
    ] as const;
    assert.equal(fieldOf('B', fields)?.name, 'b');
  });

  it('of the form is a key of the HTTP body, every one of them', () => {
    const body: Record<string, unknown> = { requestedBy: 'rita@contoso.example' };
    for (const { name, kind } of GUEST_FIELDS) {
      if (kind === 'hidden') continue;
      body[name] = kind === 'toggle' ? true : kind === 'pairs' ? { a: 'b' } : `x ${name}`;
    }
    const read = readInviteBody(body, GUEST_FIELDS);
    assert.ok(read.ok);
    for (const { name, kind } of GUEST_FIELDS) if (kind !== 'hidden') assert.ok(name in read.value.raw, name);
  });
});

describe('the pairs a request takes along', () => {
  const text = fc.string({ maxLength: 40 });
  const key = text.filter((one) => one.trim() !== '' && one !== '__proto__');

  it('come out of the HTTP body, the input and the form as they went in, whatever they hold', () => {
    fc.assert(
      fc.property(fc.dictionary(key, text, { maxKeys: 8, noNullPrototype: true }), (more) => {
        const body = { invitedUserEmailAddress: 'ana@partner.example', requestedBy: 'rita@contoso.example', more };
        const read = readInviteBody(body, GUEST_FIELDS);
        assert.ok(read.ok);
        const inputs = readGuest(read.value.raw, around, 'https://teams.microsoft.com');
        assert.ok(inputs.ok, JSON.stringify(inputs));
        const [input] = inputs.value as readonly [GuestInput];
        const isEmpty = Object.keys(more).length === 0;
        assert.deepEqual(input.more, isEmpty ? undefined : more);
        const again = readGuest(writeGuest(input), around, 'https://teams.microsoft.com');
        assert.ok(again.ok);
        assert.deepEqual(again.value[0]?.more, input.more);
      }),
      { numRuns: 500 },
    );
  });
});
