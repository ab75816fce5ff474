/**
 * What the calling service says is understood as its documentation shows it and as it was seen to differ; what is odd or
 * unheard of is left out, and nothing makes the reader fail.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type CallNotice, readNotices, readRoster } from '../../src/requests/callNotices.ts';
import {
  CALL,
  CONTEXT,
  callNotice,
  inviteNotice,
  legacy,
  MEETING_CALL,
  mediaError,
  notifications,
  OPERATION,
  PERSON,
  participant,
  rosterNotice,
} from '../support/callbacks.ts';

const USER = { kind: 'user', id: PERSON, name: 'string' } as const;
const IN = { ...USER, participantId: null, isMuted: false, isInLobby: false } as const;
const COMPLETED: CallNotice = {
  about: 'invite',
  callId: CALL,
  operationId: OPERATION,
  clientContext: CONTEXT,
  status: 'completed',
  people: [USER],
};

/** The notices of one POST with these notifications. */
function read(...value: unknown[]): readonly CallNotice[] {
  const notices = readNotices(notifications(...value));
  assert.ok(Array.isArray(notices), String(notices));
  return notices;
}

/** As `notice`, with members exchanged. */
const changed = (notice: object, more: Record<string, unknown>) => ({ ...notice, ...more });

describe('a notice', () => {
  describe('as documented', () => {
    it('tells that a call is being established, and that it is', () => {
      for (const state of ['establishing', 'established'])
        assert.deepEqual(read(callNotice(state)), [{ about: 'call', callId: MEETING_CALL, state }]);
    });

    it('tells that an invitation was completed', () => assert.deepEqual(read(inviteNotice()), [COMPLETED]));

    it('tells that an invitation failed, and why', () => {
      const { code, subcode, message } = mediaError;
      assert.deepEqual(read(inviteNotice({ status: 'failed', resultInfo: mediaError })), [
        { ...COMPLETED, status: 'failed', result: { code, subcode, message } },
      ]);
    });

    it('tells who is in the call', () =>
      assert.deepEqual(read(rosterNotice()), [{ about: 'roster', callId: CALL, people: [IN] }]));
  });

  describe('of a call', () => {
    it('that was deleted says that it is over, whatever else it says, and why', () => {
      const resultInfo = { code: 487, subcode: 10003, message: null };
      const data = { '@odata.type': '#microsoft.graph.call', state: 'established', resultInfo };
      const over = { about: 'call', callId: MEETING_CALL, state: 'terminated' };
      assert.deepEqual(read(changed(callNotice('x'), { changeType: 'deleted', resourceData: data })), [
        { ...over, result: { code: 487, subcode: 10003 } },
      ]);
      for (const resourceData of [undefined, null, {}])
        assert.deepEqual(read(changed(callNotice('x'), { changeType: 'Deleted', resourceData })), [over]);
    });

    it('may be in any letter case, and its data a list', () => {
      const [first] = read(callNotice('Established')) as readonly { state?: string }[];
      assert.equal(first?.state, 'established');
      const notice = callNotice('TERMINATED');
      assert.deepEqual(read(changed(notice, { resourceData: [notice.resourceData] })), [
        { about: 'call', callId: MEETING_CALL, state: 'terminated' },
      ]);
    });

    it('that says nothing of its state is left out', () => {
      for (const resourceData of [undefined, null, {}, [], 'established', { state: 7 }])
        assert.deepEqual(read(changed(callNotice('x'), { resourceData })), []);
    });
  });

  describe('of an invitation', () => {
    it('with several people has no id of its own', () => {
      const participants = ['a', 'b', 'c'].map((id) => ({ identity: { user: { id } } }));
      for (const id of [null, undefined, ''])
        assert.deepEqual(read(inviteNotice({ id, participants }, `${CALL}/operations/participants`)), [
          { ...COMPLETED, operationId: null, people: ['a', 'b', 'c'].map((one) => ({ kind: 'user', id: one })) },
        ]);
      assert.deepEqual(read(inviteNotice({ id: null })), [COMPLETED], 'the address still has it');
      assert.deepEqual(read(inviteNotice({}, `${CALL}/operations/participants`)), [COMPLETED], 'the data still has it');
      assert.deepEqual(read(inviteNotice({ id: null }, `${CALL}/operations`)), [{ ...COMPLETED, operationId: null }]);
    });

    it('may have its status in any letter case, or none but a result', () => {
      for (const status of ['Completed', 'COMPLETED', 'completed'])
        assert.deepEqual(read(inviteNotice({ status })), [COMPLETED]);
      const statusOf = (more: object) =>
        (read(inviteNotice({ status: null, ...more }))[0] as { status?: string })?.status;
      assert.equal(statusOf({ resultInfo: { code: 200, subcode: 0 } }), 'completed');
      assert.equal(statusOf({ resultInfo: { code: 400, subcode: 8541 } }), 'failed');
      assert.equal(statusOf({}), undefined);
    });

    it('may come without a type, without people, without our context', () => {
      assert.deepEqual(read(inviteNotice({ '@odata.type': undefined })), [COMPLETED]);
      assert.deepEqual(read(inviteNotice({ '@odata.type': '#Microsoft.Graph.InviteParticipantsOperation' })), [
        COMPLETED,
      ]);
      assert.deepEqual(read(inviteNotice({ participants: null })), [{ ...COMPLETED, people: [] }]);
      for (const clientContext of [null, undefined, '', 7, 'x'.repeat(257)])
        assert.deepEqual(read(inviteNotice({ clientContext })), [{ ...COMPLETED, clientContext: null }]);
    });

    it('is not taken for another operation’s', () => {
      for (const name of ['muteParticipantOperation', 'playPromptOperation', 'subscribeToToneOperation'])
        assert.deepEqual(read(inviteNotice({ '@odata.type': `#microsoft.graph.${name}` })), []);
      assert.deepEqual(
        read(inviteNotice({ '@odata.type': '#microsoft.graph.commsOperation', participants: null })),
        [],
      );
    });

    it('has a result only when there is one that can be read', () => {
      const resultOf = (resultInfo: unknown) => (read(inviteNotice({ resultInfo }))[0] as { result?: unknown }).result;
      assert.deepEqual(resultOf({ code: '400', subcode: '8541', message: 'x' }), {
        code: 400,
        subcode: 8541,
        message: 'x',
      });
      assert.deepEqual(resultOf({ code: 500 }), { code: 500, subcode: 0 });
      for (const none of [null, undefined, {}, [], 7, 'failed', { code: null }, { code: 'x' }, { code: 1e99 }])
        assert.equal(resultOf(none), undefined);
    });
  });

  describe('of who is in', () => {
    const peopleOf = (data: unknown) => read(rosterNotice(data)).flatMap((one) => ('people' in one ? one.people : []));
    const withIdentity = (identity: unknown) => participant({ info: { identity } });

    it('knows every kind of participant, and who counts when several are named', () => {
      const kinds = (identity: unknown) => peopleOf([withIdentity(identity)]).map(({ kind, id }) => `${kind} ${id}`);
      assert.deepEqual(kinds({ user: { id: 'u' }, application: { id: 'a' }, phone: null }), ['user u']);
      assert.deepEqual(kinds({ user: null, phone: { id: '+431234567' } }), ['phone +431234567']);
      assert.deepEqual(kinds({ guest: { id: 'g' } }), ['guest g']);
      assert.deepEqual(kinds({ application: { id: 'a' } }), ['application a']);
      assert.deepEqual(kinds({ applicationInstance: { id: 'i' } }), ['application i']);
      assert.deepEqual(kinds({ '@odata.type': '#x', device: { id: 'd' } }), ['other d']);
      assert.deepEqual(kinds({ somethingNew: { id: 'n' }, user: { id: '' } }), ['other n']);
      for (const nobody of [null, undefined, {}, [], 'x', { user: {} }, { user: 'x' }])
        assert.deepEqual(kinds(nobody), []);
    });

    it('keeps whom it cannot name, as long as the call has an id for them', () =>
      assert.deepEqual(peopleOf([participant({ id: 'p1', info: null })]), [
        { kind: 'other', id: 'p1', participantId: 'p1', isMuted: false, isInLobby: false },
      ]));

    it('says who is muted and who waits in the lobby', () =>
      assert.deepEqual(peopleOf([participant({ id: 'p1', isMuted: true, isInLobby: true })]), [
        { ...USER, participantId: 'p1', isMuted: true, isInLobby: true },
      ]));

    it('may be one alone, a page, or nobody', () => {
      assert.deepEqual(peopleOf(participant()), [IN]);
      assert.deepEqual(peopleOf({ value: [participant(), participant({ isMuted: null })] }), [IN, IN]);
      assert.deepEqual(read(rosterNotice([])), [{ about: 'roster', callId: CALL, people: [] }]);
    });

    it('is left out when it is about one alone, about who left, or about nobody that can be read', () => {
      const notice = rosterNotice();
      assert.deepEqual(read(changed(notice, { resourceUrl: `/communications/calls/${CALL}/participants/p1` })), []);
      assert.deepEqual(read(changed(notice, { changeType: 'deleted' })), []);
      for (const data of [null, 'x', 7, {}, [{}], [null, 7], ['x'], { value: 7 }])
        assert.deepEqual(
          read(rosterNotice(data)).flatMap((one) => ('people' in one ? one.people : [])),
          [],
        );
      for (const data of [null, 'x', [{}], [7]]) assert.deepEqual(read(rosterNotice(data)), []);
    });
  });

  it('names its call in the address, in the old one when there is no other, or as a whole', () => {
    for (const [resourceUrl, resource] of [
      [undefined, `/app/calls/${CALL}/participants`],
      [null, `app/calls/${CALL}/participants`],
      ['', `/app/calls/${CALL}/participants`],
      [`https://graph.microsoft.com/v1.0/communications/calls/${CALL}/participants`, undefined],
      [`communications/calls/${CALL}/participants/`, undefined],
      [`/Communications/Calls/${CALL}/Participants?$skip=1`, `/app/calls/other/participants`],
    ])
      assert.deepEqual(
        read(changed(rosterNotice(), { resourceUrl, resource })),
        [{ about: 'roster', callId: CALL, people: [IN] }],
        String(resourceUrl),
      );
  });

  it('of something else is left out, and those beside it stay, in their order', () => {
    const odd = [
      null,
      7,
      'text',
      [],
      {},
      { changeType: 'updated' },
      { resourceUrl: 7, resourceData: [] },
      changed(callNotice('x'), { resourceUrl: '/communications/onlineMeetings/1' }),
      changed(callNotice('x'), { resourceUrl: '/communications/calls' }),
      changed(callNotice('x'), { resourceUrl: '/communications/calls/' }),
      changed(callNotice('x'), { resourceUrl: `/communications/calls/${CALL}/audioRoutingGroups/1` }),
      changed(callNotice('x'), { resourceUrl: `/communications/callRecords/${CALL}` }),
    ];
    const both = read(...odd, inviteNotice(), ...odd, rosterNotice(), ...odd);
    assert.deepEqual(
      both.map(({ about }) => about),
      ['invite', 'roster'],
    );
    assert.deepEqual(read(...odd), []);
    assert.deepEqual(read(), []);
  });
});

describe('a callback’s body', () => {
  it('in Skype’s old format is told from Graph’s', () => {
    for (const body of [legacy, {}, { value: 'x' }, { '@odata.type': '#microsoft.graph.call' }])
      assert.equal(readNotices(body), 'legacy');
  });

  it('need not say its type', () => {
    assert.deepEqual(readNotices({ value: [inviteNotice()] }), [COMPLETED]);
  });

  it('that is neither is not understood', () => {
    for (const body of [null, undefined, 7, 'text', true, [], [inviteNotice()], { ...notifications(), value: {} }])
      assert.equal(readNotices(body), null);
  });

  it('never makes the reader fail, whatever it is', () => {
    const value = fc.jsonValue({ maxDepth: 6 });
    const data = fc.record(
      {
        '@odata.type': fc.constantFrom('#microsoft.graph.call', '#microsoft.graph.inviteParticipantsOperation', 7),
        id: value,
        state: value,
        status: value,
        clientContext: value,
        participants: value,
        info: value,
        resultInfo: value,
        isMuted: value,
        value,
      },
      { requiredKeys: [], noNullPrototype: true },
    );
    const path = fc.constantFrom('', '/operations/1', '/operations/participants', '/participants', '/participants/1');
    const notice = fc.record(
      {
        changeType: fc.oneof(fc.constantFrom('updated', 'deleted'), value),
        resourceUrl: fc.oneof(
          path.map((end) => `/communications/calls/c${end}`),
          value,
        ),
        resource: value,
        resourceData: fc.oneof(data, fc.array(data), value),
      },
      { requiredKeys: [], noNullPrototype: true },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          value,
          fc.array(fc.oneof(notice, value)).map((all) => notifications(...all)),
        ),
        (body) => {
          readRoster(body);
          for (const one of [readNotices(body)].flat()) {
            if (one === null || one === 'legacy') continue;
            assert.ok(one.callId.length > 0);
            if (one.about !== 'call') for (const { id } of one.people) assert.ok(id.length > 0);
          }
        },
      ),
    );
    for (const text of ['{"value":[{"__proto__":{"x":1},"resourceUrl":"/calls/c","resourceData":{"__proto__":[]}}]}'])
      assert.deepEqual(readNotices(JSON.parse(text)), []);
    assert.equal(({} as Record<string, unknown>)['x'], undefined);
  });
});

describe('the answer to who is in', () => {
  it('is a page of participants', () => {
    assert.deepEqual(readRoster({ '@odata.context': 'x', value: [participant(), participant({ id: 'p2' })] }), [
      IN,
      { ...IN, participantId: 'p2' },
    ]);
  });

  it('is nobody when it is nothing of the kind', () => {
    for (const value of [null, undefined, 7, 'x', [], {}, { value: null }, { value: {} }, { error: { code: 'x' } }])
      assert.deepEqual(readRoster(value), []);
  });
});
