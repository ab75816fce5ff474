/**
 * What a card tells of an approval: to whoever asked, where it is; to those who approve, the facts and what they can do.
 * And what a request tells that only looked. Pure; must not know languages or cards.
 */
import { type Asked, approversAt } from './approval.ts';
import { askingOf } from './approvals.ts';
import type { AnyCapability } from './capability.ts';
import { MOST_MEMBERS } from './gateLooks.ts';
import type { Audience, Request } from './request.ts';
import { type Say, say } from './say.ts';
import type { Button, Story } from './story.ts';

type Told = Pick<Story, 'sentence' | 'tone' | 'buttons'> & Partial<Story>;
type Rows = Story['rows'];

/** A button that takes along what was typed. */
const button = (verb: string, data: Button['data'], style?: Button['style']): Button => ({
  title: say(`button.${verb.split('.')[1]}`),
  verb,
  takesInputs: true,
  ...(data ? { data } : {}),
  ...(style ? { style } : {}),
});

/** While somebody is to approve. */
export function awaitingStory(request: Request, capability: AnyCapability, audience: Audience): Told {
  const asked = request.approval?.asked;
  if (!asked) return { sentence: say('request.awaitingApproval'), tone: 'neutral', buttons: [] };
  return audience === 'approvers' ? forApprovers(request, capability, asked) : forAsker(request, asked);
}

function forAsker(request: Request, asked: Asked): Told {
  const first = approversAt(asked, asked.at, request.requester.id);
  const deputies = approversAt(asked, asked.deputiesAt, request.requester.id).slice(first.length);
  const sentence =
    deputies.length === 0
      ? say('approval.waits', { names: namesOf(first), until: asked.expiresAt })
      : say('approval.waitsDeputy', { names: namesOf(first), deputies: namesOf(deputies), at: asked.deputiesAt });
  const isAskedBack = asked.talk.at(-1) !== undefined && asked.talk.at(-1)?.by.id !== request.requester.id;
  const cancel: Button = { title: say('button.cancel'), verb: 'request.cancel' };
  return {
    sentence: isAskedBack ? say('approval.askedBack', { name: asked.talk.at(-1)?.by.name ?? '' }) : sentence,
    tone: isAskedBack ? 'warning' : 'neutral',
    rows: [
      ...(asked.unreached?.length ? [{ label: say('approval.row.unreached'), text: asked.unreached.join(', ') }] : []),
      ...ruleRow(request),
      ...crowdedRow(asked),
      ...talkRows(asked),
    ],
    ...(isAskedBack
      ? {
          inputs: [{ id: 'words', kind: 'text', label: say('approval.input.answer') }],
          buttons: [button('request.reply', undefined, 'positive'), cancel],
        }
      : { buttons: [cancel] }),
  };
}

function forApprovers(request: Request, capability: AnyCapability, asked: Asked): Told {
  const asking = { asking: askingOf(asked) };
  const until = capability.judged?.(request.input, [])?.until;
  return {
    sentence: say('approval.ask', { name: request.requester.name }),
    tone: 'warning',
    rows: [
      ...(capability.approverRows?.(request.input) ?? []),
      ...asked.facts.map((text) => ({ label: say('approval.row.fact'), text })),
      ...ruleRow(request),
      ...crowdedRow(asked),
      ...talkRows(asked),
    ],
    inputs: [
      { id: 'words', kind: 'text', label: say('approval.input.words') },
      ...(capability.shorten
        ? [
            {
              id: 'until',
              kind: 'date',
              label: say('approval.input.until'),
              ...(until ? { value: until } : {}),
            } as const,
          ]
        : []),
    ],
    buttons: [
      button('request.approve', asking, 'positive'),
      ...(capability.shorten ? [button('request.shorten', asking)] : []),
      button('request.refuse', asking, 'destructive'),
      button('request.ask', asking),
      // A list is read as a whole before it is approved as a whole.
      ...(capability.hasRows ? [{ title: say('batch.button.file'), verb: 'request.file' }] : []),
    ],
  };
}

/** What approvers see once it is decided: nothing is left to press, and how it went on. */
export function decidedStory(request: Request, story: Story): Story {
  const decision = request.approval?.asked?.decision;
  const { link: _link, inputs: _inputs, question: _question, ...rest } = story;
  const said = decision && say(`approval.was.${decision.kind}`, decidedWith(decision));
  return {
    ...rest,
    sentence:
      said && decision.kind !== 'refused' ? say('two', { first: said, second: story.sentence }) : story.sentence,
    buttons: [],
  };
}

function decidedWith({ by, until }: NonNullable<Asked['decision']>): Say['with'] {
  return { name: by.name, ...(until ? { until: say('date', { date: until }) } : {}) };
}

/** Whoever asked sees who approved, afterwards too. */
export function decisionRows({ approval }: Request): Rows {
  const decision = approval?.asked?.decision;
  if (!decision || decision.kind === 'refused') return [];
  return [{ label: say('approval.row.decided'), text: say(`approval.was.${decision.kind}`, decidedWith(decision)) }];
}

function ruleRow({ approval }: Request): Rows {
  if (!approval) return [];
  const { rule, version } = approval;
  return [{ label: say('approval.row.rule'), text: say('approval.rule', { rule, version }) }];
}

/** Nobody believes that a whole group was asked when it was not. */
function crowdedRow({ crowded = [] }: Asked): Rows {
  if (crowded.length === 0) return [];
  const text = say('approval.crowded', { most: MOST_MEMBERS, groups: crowded.join(', ') });
  return [{ label: say('approval.row.crowded'), text }];
}

const talkRows = ({ talk }: Asked): Rows =>
  talk.slice(-4).map(({ by, text }) => ({ label: say('approval.row.said', { name: by.name }), text }));

function namesOf(people: readonly { readonly name: string }[]): string {
  const names = [...new Set(people.map(({ name }) => name))];
  return names.length > 4 ? `${names.slice(0, 3).join(', ')} (+${names.length - 3})` : names.join(', ');
}

/** A request that only looked: what would be done, by which rule, who would be asked, and that nothing was done. */
export function lookedStory(
  request: Request,
  { ending, rows }: { readonly ending?: Told | undefined; readonly rows: Rows },
): Told {
  const { approval, problem, note, outcome } = request;
  const calls = approval?.plan ?? [];
  const approvers = say('check.needsApproval', { names: (approval?.by ?? []).join(', ') });
  const verdict = problem
    ? say('check.refused', { why: problem.say })
    : approval?.verdict === 'needs approval'
      ? note
        ? say('two', { first: approvers, second: note })
        : approvers
      : outcome !== null && ending
        ? say('check.nothing', { why: ending.sentence })
        : note
          ? say('check.asks', { question: note })
          : say('check.allowed');
  return {
    state: say('check.state'),
    sentence: verdict,
    tone: problem ? 'attention' : 'neutral',
    rows: [...rows, ...ruleRow(request), ...calls.map((call) => ({ label: say('check.row.call'), text: call }))],
    buttons: [],
  };
}
