/**
 * Answers to commands that only read: help, lists, one request's story. From the store, in the turn; nothing is sent
 * anywhere. Must not know activities or invokes.
 */
import type { View } from '../cards/view.ts';
import { formView, helpView, listView, noticeView, STATE_WORDS } from '../cards/views.ts';
import type { Words } from '../cards/words.ts';
import { isApprover } from '../requests/approval.ts';
import { type AnyCapability, type Raw, TOPICS } from '../requests/capability.ts';
import type { Choice, Desk } from '../requests/desk.ts';
import { newId, readId } from '../requests/ids.ts';
import type { RequestFilter } from '../requests/ports.ts';
import { PROBLEM_KINDS, type Problem, problem } from '../requests/problem.ts';
import { chatOf, type Person, type Place, type Request } from '../requests/request.ts';
import { type Say, say } from '../requests/say.ts';
import type { Button } from '../requests/story.ts';
import { storyOf } from '../requests/storyOf.ts';
import type { Command } from './commands.ts';
import { viewerAt, viewOf } from './post.ts';

/** Who asks, where, and in which words the answer is to be. */
export interface Asker {
  readonly who: Person;
  readonly where: Place;
  readonly language: Words;
}

/** A card to post; when it is a request's, that message shows the request from then on. */
export interface Reply {
  readonly below: View;
  readonly follows?: Request;
}

export interface ReplyParts {
  readonly desk: Desk;
  readonly capabilities: ReadonlyMap<string, AnyCapability>;
  readonly commands: readonly Command[];
}

/** What a form carries besides its fields. */
interface FormMore {
  readonly formId?: string;
  readonly checked?: readonly Say[];
  readonly fixes?: string | undefined;
}

/** Rows a list card shows, and how many more are counted. */
const ROWS = 10;
const COUNTED = 100;
/** Most that wait for approval in one tenant and are looked through. */
const MOST_WAITING = 1_000;

export class Replies {
  readonly #parts: ReplyParts;

  constructor(parts: ReplyParts) {
    this.#parts = parts;
  }

  /** What Usher can do; with a topic, all of it that belongs there. */
  help({ language }: Asker, typed = ''): View {
    const topic = TOPICS.find((one) => typed.trim().toLowerCase().startsWith(one.slice(0, -1)));
    const { commands } = this.#parts;
    const told = commands.filter((one) => (topic ? one.topic === topic : !one.isAside));
    // One form of each topic is a press away.
    const first = new Set(TOPICS.map((each) => told.find((one) => one.topic === each && one.capability)));
    const topics = TOPICS.map((one) => ({ command: `help ${one}`, does: say(`help.topic.${one}`) }));
    return helpView(
      {
        commands: [
          ...told.map((command) => ({
            command: command.usage,
            does: say(command.does),
            ...(command.example ? { example: command.example } : {}),
            ...helpButton(command, topic !== undefined || first.has(command)),
          })),
          ...(topic ? [] : topics),
        ],
      },
      language,
    );
  }

  /** The capability's form, filled with what is known, faults beside their fields. */
  form(
    capability: AnyCapability,
    values: Raw,
    problems: readonly Problem[],
    { language }: Asker,
    { formId = newId(), checked = [], fixes }: FormMore = {},
  ): View {
    return formView(
      {
        capability: capability.name,
        fields: capability.fields,
        values: withFallbacks(capability, values),
        problems,
        checked,
        canCheck: capability.preview !== undefined,
        formId,
        ...(fixes ? { fixes } : {}),
      },
      language,
    );
  }

  /** What waits for this person's approval, oldest last. */
  async approvals({ who, where, language }: Asker): Promise<View> {
    const waiting = await this.#parts.desk.list({
      tenantId: where.tenantId,
      states: ['awaiting approval'],
      limit: MOST_WAITING,
    });
    const found = waiting.filter(({ approval, requester }) => isApprover(approval, who.id, requester.id));
    return listView(
      {
        title: say('list.approvals.title'),
        empty: say('list.approvals.empty'),
        rows: found.slice(0, ROWS).map((one) => this.#row(one, language)),
        more: Math.max(0, found.length - ROWS),
      },
      language,
    );
  }

  async requests(asker: Asker): Promise<View> {
    const { who, where, language } = asker;
    const asked = await this.#parts.desk.list({
      tenantId: where.tenantId,
      requesterId: who.id,
      outsideLists: true,
      limit: COUNTED,
    });
    const found = asked.filter((one) => !this.#capability(one).looks);
    return listView(
      {
        title: say('list.requests.title'),
        empty: say('list.requests.empty'),
        rows: found.slice(0, ROWS).map((one) => this.#row(one, language)),
        more: Math.max(0, found.length - ROWS),
      },
      language,
    );
  }

  /** One request's card, or the sentence why not. */
  async request(typed: string, asker: Asker): Promise<Reply> {
    const id = readId(typed);
    if (!id) {
      const key = typed === '' ? 'problem.whichRequest' : 'problem.noSuchRequest';
      return { below: this.problem(problem('input', say(key, { id: typed.slice(0, 40) })), asker) };
    }
    const request = await this.#parts.desk.find(id, asker.where);
    if (request) return this.open(request, asker);
    return { below: this.problem(problem('gone', say('problem.noSuchRequest', { id })), asker) };
  }

  /** A request's card below, for those who may open it: the requester anywhere, others where it was asked. */
  open(request: Request, asker: Asker): Reply {
    if (!this.mayOpen(request, asker)) {
      const why = problem('denied', say('problem.notYoursToSee', { name: request.requester.name }));
      return { below: this.problem(why, asker) };
    }
    return { below: this.card(request, asker), follows: request };
  }

  /** Whoever asked may anywhere, and so may who is to approve it; others where it was asked. */
  mayOpen(request: Request, { who, where }: Pick<Asker, 'who' | 'where'>): boolean {
    const { requester, place, approval } = request;
    if (requester.id === who.id || chatOf(place) === chatOf(where)) return true;
    return isApprover(approval, who.id, requester.id) || this.#capability(request).mayOpen?.(request, who) === true;
  }

  /** Whether the request's card of this moment offers that choice. */
  offers(request: Request, choice: Choice): boolean {
    const { question, buttons } = storyOf(request, this.#capability(request));
    return choice.kind === 'answer'
      ? question !== undefined
      : buttons.some(({ verb }) => verb === `request.${choice.kind}`);
  }

  /** The card of a request that this person may see. */
  card(request: Request, { who, where, language }: Asker): View {
    const { requester, approval } = request;
    const isOwn = requester.id === who.id;
    const viewer = isOwn
      ? 'asker'
      : isApprover(approval, who.id, requester.id)
        ? 'approvers'
        : viewerAt(request, where);
    return viewOf(request, this.#capability(request), isOwn ? where : { ...where, userId: '' }, language, viewer);
  }

  /** `guests [pending | accepted | mine | from <domain>]`. */
  async guests(rest: string, asker: Asker): Promise<View> {
    const { who, where, language } = asker;
    const base: RequestFilter = { tenantId: where.tenantId, capability: 'guest', limit: COUNTED };
    const filter = readGuestFilter(rest, who.id);
    if (!filter) return this.problem(problem('input', say('problem.guestsFilter', { text: rest.slice(0, 60) })), asker);
    const known = (await this.#parts.desk.list({ ...base, ...filter })).filter(({ standing }) => standing !== null);
    const found = newestPerSubject(known);
    return listView(
      {
        title: say('list.guests.title'),
        empty: say('list.guests.empty'),
        rows: found
          .slice(0, ROWS)
          .map((one) => ({ ...this.#row(one, language), state: say(`guest.standing.${one.standing ?? 'pending'}`) })),
        more: Math.max(0, found.length - ROWS),
      },
      language,
    );
  }

  /** `guest <address>`: the newest request about that person. */
  async guest(rest: string, asker: Asker): Promise<Reply> {
    const address = /[^\s<>,;"]+@[^\s<>,;"]+/.exec(rest)?.[0]?.toLowerCase();
    if (!address) return { below: this.problem(problem('input', 'problem.whichGuest'), asker) };
    const [newest] = await this.#parts.desk.list({
      tenantId: asker.where.tenantId,
      capability: 'guest',
      subject: address,
      limit: 1,
    });
    if (!newest) {
      const below = noticeView(
        {
          sentence: say('problem.noSuchGuest', { address }),
          buttons: [
            { title: say('guest.form.title'), verb: 'form.open', data: { capability: 'guest', people: address } },
          ],
        },
        asker.language,
      );
      return { below };
    }
    return this.open(newest, asker);
  }

  /** A problem as a card of one sentence. */
  problem(why: Problem, { language }: Asker): View {
    return noticeView({ sentence: why.say, tone: PROBLEM_KINDS[why.kind].tone }, language);
  }

  /** Nothing was understood: what was probably meant, as buttons. */
  unknown(text: string, guesses: readonly string[], { language }: Asker): View {
    const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
    return noticeView(
      {
        sentence: say(guesses.length > 0 ? 'bot.didYouMean' : 'bot.unknown', { text: shown }),
        buttons: [
          // The id makes two clicks on the same guess one intent.
          ...guesses.map((guess) => ({
            title: say('bot.guess', { guess }),
            verb: 'command.run',
            data: { text: guess, formId: newId() },
          })),
          { title: say('help.button.help'), verb: 'command.run', data: { text: 'help' } },
        ],
      },
      language,
    );
  }

  welcome({ language }: Asker): View {
    const [first] = this.#parts.capabilities.values();
    return noticeView(
      {
        title: say('bot.welcome.title'),
        sentence: say('bot.welcome'),
        buttons: [
          ...(first
            ? [{ title: say(`${first.name}.form.title`), verb: 'form.open', data: { capability: first.name } }]
            : []),
          { title: say('help.button.help'), verb: 'command.run', data: { text: 'help' } },
        ],
      },
      language,
    );
  }

  askToSignIn({ language }: Asker): View {
    const button = { title: say('button.signIn'), verb: 'signIn.start', style: 'positive' } as const;
    return noticeView({ sentence: say('signIn.ask'), buttons: [button] }, language);
  }

  notice(sentence: Say, { language }: Asker): View {
    return noticeView({ sentence }, language);
  }

  #capability(request: Request): AnyCapability {
    const capability = this.#parts.capabilities.get(request.capability);
    if (!capability) throw new Error(`no capability named ${request.capability}`);
    return capability;
  }

  #row(request: Request, language: Words) {
    const { subject, requester, createdAt, state, id } = request;
    const capability = this.#capability(request);
    // What lives on says how it stands; that it waits for something says little.
    const live = state === 'waiting' ? storyOf(request, capability).state : undefined;
    // A subject that is a place says nothing to a person, nor one that is erased.
    const isPlace = capability.subjectAt || (capability.beside && capability.topic !== 'guests');
    const isName = subject !== '' && !isPlace && !capability.hasRows;
    return {
      title: isName ? subject : storyOf(request, capability).title,
      sub: say('list.asked', { name: requester.name, when: language.dateTime(createdAt, requester.timeZone) }),
      state: live ?? say(STATE_WORDS[state]),
      requestId: id,
    };
  }
}

function helpButton({ name, capability, hasForm }: Command, isOffered: boolean): { button?: Button } {
  if (capability && hasForm && isOffered)
    return { button: { title: say(`${capability}.form.title`), verb: 'form.open', data: { capability } } };
  if (name !== 'requests') return {};
  return { button: { title: say('help.button.requests'), verb: 'command.run', data: { text: 'requests' } } };
}

function withFallbacks(capability: AnyCapability, values: Raw): Raw {
  const fallbacks = capability.fields.flatMap((field) =>
    field.fallback === undefined ? [] : [[field.name, field.fallback]],
  );
  return { ...Object.fromEntries(fallbacks), ...values };
}

function readGuestFilter(rest: string, whoId: string): Partial<RequestFilter> | null {
  const text = rest
    .trim()
    .toLowerCase()
    .replace(/[.!?]+$/, '');
  if (text === '' || text === 'all') return {};
  if (text === 'mine' || text === 'my') return { requesterId: whoId };
  if (/^(?:pending|waiting|open)$/.test(text)) return { standing: 'pending' };
  if (text === 'accepted') return { standing: 'accepted' };
  const domain = /^(?:from\s+)?@?([a-z0-9.-]+\.[a-z0-9-]+)$/.exec(text)?.[1];
  return domain ? { subjectEnd: `@${domain}` } : null;
}

/** Requests come newest first: the first of each subject is how that person stands. */
function newestPerSubject(found: readonly Request[]): Request[] {
  const bySubject = new Map<string, Request>();
  for (const request of found) if (!bySubject.has(request.subject)) bySubject.set(request.subject, request);
  return [...bySubject.values()];
}
