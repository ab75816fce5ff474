/**
 * Usher's own call: getting in, staying, telling who is in, getting out. Its fields, what anybody in the chat may do to
 * it, and its card. No I/O; must not know Teams, HTTP, SQL or card templates.
 */
import { createHash } from 'node:crypto';
import type { CallNotice, RosterEntry } from '../../requests/callNotices.ts';
import type { Act, Capability, Field, Raw, Signal, Surroundings } from '../../requests/capability.ts';
import { bad, good, type Problem, problem, type Result } from '../../requests/problem.ts';
import { chatOf, ENDED, type Request } from '../../requests/request.ts';
import { type Say, say } from '../../requests/say.ts';
import type { Button, Story } from '../../requests/story.ts';
import { type CallSettings, type CallState, JOIN_ANSWERS, type JoinInput, stepJoin } from './joinStep.ts';
import { meetingIdOf, meetingOf } from './meeting.ts';

const FIELDS: readonly Field[] = [{ name: 'link', kind: 'text', words: 'callJoin.field.link', max: 2000 }];
/** Most names told in one row. */
const NAMES = 20;

export function callJoin(settings: CallSettings & { readonly hasCalls: boolean }): Capability<JoinInput, CallState> {
  return {
    name: 'callJoin',
    topic: 'calls',
    commands: ['call join', 'join call', 'join the call', 'join the meeting'],
    fields: FIELDS,
    read: (raw, around) => read(raw, around, settings.hasCalls),
    write: () => ({}),
    choose: (input) => input,
    subject: ({ chat }) => chat,
    answers: JOIN_ANSWERS,
    step: (input, answers, facts) => stepJoin(input, answers, facts, settings),
    beside: ({ chat }) => [{ capability: 'callJoin', subject: chat }],
    subjectAt: chatOf,
    acts: ACTS,
    hears,
    story,
  };
}

function read(raw: Raw, { place }: Surroundings, hasCalls: boolean): Result<readonly JoinInput[], readonly Problem[]> {
  const fault = (sentence: string) => bad([problem('input', sentence, { field: 'link' })]);
  if (!hasCalls) return fault('call.notInThisCloud');
  const typed = raw['link']?.trim() ?? '';
  const chat = chatOf(place);
  if (typed !== '') {
    const meeting = meetingOf(/https?:\S+/.exec(typed)?.[0] ?? '') ?? meetingIdOf(typed);
    return meeting ? good([{ chat, meeting }]) : fault('callJoin.link.unreadable');
  }
  if (place.meetingId !== undefined) return good([{ chat, meetingId: place.meetingId }]);
  return fault(place.kind === 'personal' ? 'call.notInPersonal' : 'call.notAMeeting');
}

const stateOf = (request: Request): CallState | null => request.outcome as CallState | null;

/** Whether there is a call to do something with. */
function inCall(request: Request): Result<CallState> {
  const state = stateOf(request);
  if (state?.phase !== 'in' || ENDED.has(request.state)) return bad(problem('clash', 'call.notIn'));
  return good(state);
}

/** Somebody in the call by what was typed of their name; the fault names those it could be. */
function inRoster(request: Request, typed: string): Result<RosterEntry> {
  const state = inCall(request);
  if (!state.ok) return state;
  const wanted = typed.trim().toLowerCase();
  if (wanted === '') return bad(problem('input', 'call.whom'));
  const named = state.value.roster.filter(
    ({ name = '', id }) => name.toLowerCase().startsWith(wanted) || id.toLowerCase() === wanted,
  );
  // A whole name is meant before the beginning of a longer one.
  const exact = named.filter(({ name = '' }) => name.toLowerCase() === wanted);
  const [one, ...others] = exact.length > 0 ? exact : named;
  if (!one?.participantId) return bad(problem('gone', say('call.notThere', { name: typed.trim().slice(0, 60) })));
  if (others.length > 0)
    return bad(
      problem(
        'input',
        say('call.whichOf', {
          names: named
            .slice(0, 5)
            .map(({ name }) => name ?? '')
            .join(', '),
        }),
      ),
    );
  return good(one);
}

function about(act: 'remove' | 'mute'): Act['read'] {
  return (request, data) => {
    const one = inRoster(request, data['text'] ?? '');
    if (!one.ok) return one;
    const { participantId, name = '' } = one.value;
    const key = `${act}:${participantId}`;
    // Asked for again after it was done (or refused) is another wish; before that it is the same.
    const after = stateOf(request)?.acted[key] ?? 0;
    return good([{ key, body: { participantId, name, context: request.id, after } }]);
  };
}

const ACTS: Readonly<Record<string, Act>> = {
  leave: {
    typed: {
      words: ['call leave', 'leave call', 'leave the call', 'hang up'],
      usage: 'call leave',
      does: 'help.call.leave',
    },
    read: (request) => {
      const state = inCall(request);
      if (!state.ok) return state;
      const key = `leave:${state.value.callId}`;
      // Refused before, it is asked for again.
      return good([{ key, body: { after: state.value.acted[key] ?? 0 } }]);
    },
  },
  status: {
    typed: {
      words: ['call status', 'who is in', 'who is in the call'],
      usage: 'call status',
      does: 'help.call.status',
    },
    // Looks again, unless it did so a moment ago.
    read: (request) => good([{ key: `look:${Math.floor((stateOf(request)?.rosterAt ?? 0) / 1000)}`, body: {} }]),
  },
  remove: {
    typed: { words: ['call remove', 'remove from call'], usage: 'call remove <person>', does: 'help.call.remove' },
    read: about('remove'),
  },
  mute: {
    typed: { words: ['call mute', 'mute'], usage: 'call mute <person>', does: 'help.call.mute' },
    read: about('mute'),
  },
};

function hears(_request: Request, notice: CallNotice): readonly Omit<Signal, 'at'>[] {
  const { callId } = notice;
  if (notice.about !== 'call') {
    // What it says is read from Graph anyway, since notices come in any order; here only: something has changed.
    const digest = createHash('sha256').update(JSON.stringify(notice)).digest('base64url').slice(0, 16);
    // And nothing is told of a call that is not established: the notice that said so may have found nobody alive.
    return [established(callId), { key: 'roster', body: { callId, digest } }];
  }
  const { state, result } = notice;
  if (state === 'established') return [established(callId)];
  if (state !== 'terminated') return [];
  return [{ key: `terminated:${callId}`, body: { callId, ...(result ? { result } : {}) } }];
}

const established = (callId: string) => ({ key: `established:${callId}`, body: { callId } });

function story({
  input,
  outcome,
}: Request<JoinInput, CallState>): ReturnType<Capability<JoinInput, CallState>['story']> {
  const named = outcome?.title ?? input.group?.title;
  const title = named ? say('callJoin.titled', { title: named }) : say('callJoin.title');
  if (!outcome)
    return {
      title,
      rows: [],
      live: { state: say('call.underWay'), sentence: say('callJoin.joining'), tone: 'neutral', buttons: [] },
    };
  const { phase, roster, said, over } = outcome;
  const inside = roster.filter(({ isInLobby }) => !isInLobby);
  const lobby = roster.filter(({ isInLobby }) => isInLobby);
  const rows: Story['rows'][number][] = [];
  if (inside.length > 0)
    rows.push({ label: say('call.group', { stage: say('call.stage.in'), count: inside.length }), text: names(inside) });
  if (lobby.length > 0)
    rows.push({
      label: say('call.group', { stage: say('call.stage.lobby'), count: lobby.length }),
      text: names(lobby),
    });
  const leave: Button = { title: say('callJoin.button.leave'), verb: 'callJoin.leave' };
  const sentence: Say = phase === 'in' ? say('callJoin.in', { count: inside.length }) : say('callJoin.joining');
  return {
    title,
    rows,
    live: {
      state: say('call.underWay'),
      sentence: said ? say('two', { first: said, second: sentence }) : sentence,
      tone: 'neutral',
      buttons: phase === 'in' ? [leave] : [],
    },
    ending: {
      sentence: over ?? say('call.over.ended'),
      tone: 'neutral',
      // Of one that only found another in the call there is nothing to do again.
      buttons: outcome.since === undefined ? [] : [{ title: say('callJoin.button.again'), verb: 'callJoin.again' }],
    },
  };
}

function names(people: readonly RosterEntry[]): string {
  const shown = people.slice(0, NAMES).map(({ name, id }) => name ?? id);
  return shown.join(', ') + (people.length > NAMES ? ' …' : '');
}
