/** How people, phones and meetings are named, and where calls cannot be had at all. */
import assert from 'node:assert/strict';
import { callInvite } from '../../src/capabilities/call/invite.ts';
import { callJoin } from '../../src/capabilities/call/join.ts';
import { meetingIdOf, meetingOf } from '../../src/capabilities/call/meeting.ts';
import { readWanted } from '../../src/capabilities/call/people.ts';
import { ringEnd } from '../../src/capabilities/call/results.ts';
import type { Surroundings } from '../../src/requests/capability.ts';
import { OPEN_POLICY } from '../../src/requests/policy/policy.ts';
import { SETTINGS } from '../support/settings.ts';

const wanted = (text: string, country: string | null = 'PT') => {
  const { people, faults } = readWanted(text, [{ name: 'Bo Berg', teamsId: '29:bo' }], country, '19:chat');
  return [
    ...people.map((one) =>
      one.as === 'phone' ? one.number : one.as === 'address' ? one.address : `${one.as} ${one.name}`,
    ),
    ...faults.map(({ key }) => key),
  ];
};

describe('whom to ring', () => {
  for (const [text, ...meant] of [
    ['Ana Silva, Bo Berg', 'mention Bo Berg', 'name Ana Silva'],
    ['Bo Berg and Ana', 'mention Bo Berg', 'name Ana'],
    ['Ana Silva <ana@x.example>; bo@x.example', 'ana@x.example', 'bo@x.example'],
    ['ana@x.example, ANA@X.example', 'ana@x.example'],
    ['+351 210 000 000 and 210 000 000', '+351210000000'],
    ['(+351) 21-000.00.00', '+351210000000'],
    ['00351 210 000 000', '+351210000000'],
    ['+1 (206) 555-0100', '+12065550100'],
    ["Orla O'Brien", "name Orla O'Brien"],
    ['Sandra Andersson', 'name Sandra Andersson'],
    ['Élodie und Ümit', 'name Élodie', 'name Ümit'],
    ['José Ortega y Gasset', 'name José Ortega y Gasset'],
    ['"Smith, John", Ana', 'name Smith, John', 'name Ana'],
    ['Bo Bergman, Bo Berg', 'mention Bo Berg', 'name Bo Bergman'],
    ['tel:+351-210-000-000', '+351210000000'],
    ['12', 'call.people.unreadable'],
    ['+351 21', 'call.phone.invalid'],
    ['???'],
  ] as const)
    it(`“${text}”`, () => assert.deepEqual(wanted(text), meant));

  it('a number without its country is asked about when nobody said which country is meant', () => {
    assert.deepEqual(wanted('210 000 000', null), ['call.phone.noCountry']);
    assert.deepEqual(wanted('+351 210 000 000', null), ['+351210000000']);
  });
});

describe('which meeting', () => {
  const tenant = '72f988bf-86f1-41af-91ab-2d7cd011db47';
  const organizer = '4b444206-207c-42f8-92a6-e332b41c88a2';
  const context = encodeURIComponent(JSON.stringify({ Tid: tenant, Oid: organizer }));
  const link = (thread: string, message: string) =>
    `https://teams.microsoft.com/l/meetup-join/${encodeURIComponent(thread)}/${message}?context=${context}`;

  it('a join link names thread, message, organizer and tenant, in a channel too', () => {
    assert.deepEqual(meetingOf(link('19:meeting_x@thread.v2', '0')), {
      threadId: '19:meeting_x@thread.v2',
      messageId: '0',
      organizerId: organizer,
      tenantId: tenant,
    });
    assert.deepEqual(meetingOf(link('19:general@thread.tacv2', '1600000000000')), {
      threadId: '19:general@thread.tacv2',
      messageId: '1600000000000',
      organizerId: organizer,
      tenantId: tenant,
    });
  });

  it('any other link names none', () => {
    for (const odd of [
      '',
      'https://teams.microsoft.com/meet/234?p=x',
      'https://teams.microsoft.com/l/meetup-join/19%3ax/0',
      'https://teams.microsoft.com/l/meetup-join/19%3ax/0?context=%7b',
      'https://teams.microsoft.com/l/meetup-join/%E0%A4%A/0?context=%7b%22Tid%22%3a%22a%22%2c%22Oid%22%3a%22b%22%7d',
    ])
      assert.equal(meetingOf(odd), null, odd);
  });

  it('an id may come with its passcode', () => {
    assert.deepEqual(meetingIdOf('320 004 000 137'), { joinMeetingId: '320004000137' });
    assert.deepEqual(meetingIdOf('320 004 000 137 passcode Ap0llo'), {
      joinMeetingId: '320004000137',
      passcode: 'Ap0llo',
    });
    assert.equal(meetingIdOf('tomorrow'), null);
  });
});

describe('where calls cannot be had', () => {
  const around: Surroundings = {
    requester: { id: 'r', name: 'Rita', locale: 'en' },
    place: {
      kind: 'meeting',
      conversationId: '19:x',
      serviceUrl: 'https://x/',
      tenantId: 't',
      botId: 'b',
      userId: 'u',
      meetingId: 'm',
    },
    policy: OPEN_POLICY,
    policyVersion: 0,
    now: 0,
  };

  it('is said at once in a cloud that has none', () => {
    for (const one of [callInvite({ ...SETTINGS, hasCalls: false }), callJoin({ ...SETTINGS, hasCalls: false })]) {
      const read = one.read({ people: 'Ana' }, around);
      assert.deepEqual(!read.ok && read.problem.map(({ say }) => say.key), ['call.notInThisCloud']);
    }
  });
});

describe('how ringing ended', () => {
  for (const [code, subcode, message, at] of [
    [487, 10024, 'Call was declined by all callee endpoints', 'declined'],
    [603, 0, '', 'declined'],
    [487, 10004, 'Call was canceled on timeout', 'noAnswer'],
    [480, 10037, '', 'noAnswer'],
    [400, 8541, '', 'failed'],
    [410, 301004, 'Client Media Error', 'failed'],
    [500, 7106, '', 'failed'],
  ] as const)
    it(`${code}/${subcode} is ${at}`, () => assert.equal(ringEnd({ code, subcode, message }).at, at));
});
