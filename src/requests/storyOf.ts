/**
 * The story of a request in any state: the capability's title, facts and ending, with the sentences and buttons that are
 * the same for every capability. Pure; must not know languages or cards.
 */
import { awaitingStory, decidedStory, decisionRows, lookedStory } from './approvalStory.ts';
import type { AnyCapability } from './capability.ts';
import { isSignIn, PROBLEM_KINDS, REPLACED, TOO_LATE } from './problem.ts';
import { type Audience, ENDED, type Request } from './request.ts';
import { say } from './say.ts';
import type { Button, Story } from './story.ts';

/** Nothing is left to tell but that there was something, and at whose wish it is gone. */
const storyOfErased = ({ note }: Request): Story => ({
  title: say('request.erased.title'),
  state: say('request.erased.state'),
  sentence: note ?? say('request.erased.title'),
  tone: 'neutral',
  rows: [],
  buttons: [],
});

const button = (verb: string, style?: Button['style']): Button => ({
  title: say(`button.${verb.split('.')[1]}`),
  verb,
  ...(style ? { style } : {}),
});

/** What the request's card tells now to whoever asked, or to those who are to approve it. */
export function storyOf(request: Request, capability: AnyCapability, audience: Audience = 'asker'): Story {
  if (request.erasedAt !== null) return storyOfErased(request);
  const story = storyAs(request, capability, audience);
  return audience === 'approvers' && request.state !== 'awaiting approval' ? decidedStory(request, story) : story;
}

function storyAs(request: Request, capability: AnyCapability, audience: Audience): Story {
  const { title, rows: own, page, ending, live } = capability.story(request);
  const rows = [...own, ...decisionRows(request)];
  const base = { title, rows, ...(page ? { page } : {}) };
  const { state, problem, question, note } = request;
  if (request.isDry && ENDED.has(state)) return { ...base, ...lookedStory(request, { ending, rows }) };
  if (state === 'waiting' && problem && isSignIn(problem))
    return {
      ...base,
      state: say('state.signIn'),
      sentence: problem.say,
      tone: 'warning',
      buttons: [button('request.signIn', 'positive'), button('request.cancel')],
    };
  if (state === 'queued' || state === 'sending' || state === 'waiting') {
    const asks = question ? { question } : {};
    if (live) return { ...base, ...live, ...asks };
    // Also while it is being worked on, or a card drawn just then would hide what was asked.
    if (question)
      return { ...base, sentence: question.say, tone: 'neutral', buttons: [button('request.cancel')], ...asks };
  }
  // Without a field there is nothing to fill in better.
  const fix = (style?: Button['style']): Button[] =>
    capability.fields.length > 0 ? [button('request.fix', style)] : [];
  switch (state) {
    case 'done':
      if (!ending) throw new Error(`a done ${capability.name} request has no ending`);
      return { ...base, ...ending };
    case 'failed': {
      if (!problem) throw new Error('a failed request has no problem');
      const fixable = problem.kind === 'input' && capability.fields.length > 0;
      return {
        ...base,
        sentence: problem.say,
        tone: PROBLEM_KINDS[problem.kind].tone,
        // What was achieved before it failed is not lost with the rest.
        ...(ending?.link ? { link: ending.link } : {}),
        buttons: fixable
          ? fix('positive')
          : [...(problem.reason === TOO_LATE ? [] : [button('request.retry', 'positive')]), ...fix()],
      };
    }
    case 'unsure':
      return {
        ...base,
        sentence: problem?.say ?? say('problem.unsure'),
        tone: 'warning',
        buttons: [button('request.arrived'), button('request.again', 'destructive')],
      };
    case 'waiting':
      return {
        ...base,
        sentence: say('request.waiting'),
        tone: 'neutral',
        buttons: [button('request.cancel')],
      };
    case 'cancelled':
      return {
        ...base,
        sentence: problem?.say ?? say('request.cancelled'),
        tone: 'neutral',
        // What took its place has a card of its own.
        buttons: problem?.reason === REPLACED ? [] : fix(),
      };
    case 'declined':
      return { ...base, sentence: problem?.say ?? say('request.declined'), tone: 'attention', buttons: [] };
    case 'awaiting approval': {
      const told = awaitingStory(request, capability, audience);
      return { ...base, ...told, rows: [...rows, ...(told.rows ?? [])] };
    }
    case 'queued':
      return {
        ...base,
        sentence: note ?? say('request.queued'),
        tone: 'neutral',
        buttons: [button('request.cancel')],
      };
    case 'sending':
      // Often only a look-up is under way: the desk says so when it really is too late.
      return {
        ...base,
        sentence: note ?? say('request.queued'),
        tone: 'neutral',
        buttons: [button('request.cancel')],
      };
  }
}
