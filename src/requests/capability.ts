/**
 * The contract a capability fills. A capability does no I/O: it describes its fields, says the next call to make given
 * the answers so far, and tells the story of a request. The same description serves chat, form, help, recovery after a
 * crash, dry run and golden tests. This file must not know any capability, remote or card template.
 */
import type { CallNotice } from './callNotices.ts';
import type { Follows, Leaves, RawRow, RowEnd, Tally } from './many/rows.ts';
import type { PaceName } from './pace.ts';
import type { Case } from './policy/judge.ts';
import type { Policy } from './policy/policy.ts';
import type { Change } from './ports.ts';
import type { Problem, Result } from './problem.ts';
import type { About } from './proof/person.ts';
import type { ReferralNotice } from './referralNotices.ts';
import type { LostCall, Person, Place, Question, Request } from './request.ts';
import type { Say } from './say.ts';
import type { Button, Story } from './story.ts';

/**
 * What to do with a call that was marked sent and whose answer was not saved.
 * `safe`: send again. `restart`: forget the answers and begin with the look-up. `never`: stop as `unsure`, ask a person.
 * `tell`: tell the capability (a problem of kind `unsure`), which knows another way to find out.
 */
export type Repeat = 'safe' | 'restart' | 'never' | 'tell';

/** One HTTP call to a remote, as data. */
export interface Call {
  /** The capability's own name for it; answers are found by it. */
  readonly name: string;
  readonly to: 'graph' | 'teams' | 'partnerCenter' | 'partnerWebhooks' | 'gt365' | 'store';
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path below the remote's base URL (of `teams`: the place's service URL), query included and encoded. */
  readonly path: string;
  readonly body?: unknown;
  /** Only while what is changed is still as this eTag says, its quotes included (RFC 9110, If-Match). */
  readonly ifMatch?: string;
  readonly repeat: Repeat;
  /** All calls of this pace take turns, those of other processes too (`pace.ts`). */
  readonly pace?: PaceName;
}

/** What came back: the part of the body that the capability uses, or a problem that is the capability's to judge. */
export type Reply =
  | { readonly ok: true; readonly body: Readonly<Record<string, unknown>>; readonly assumed?: true }
  | { readonly ok: false; readonly problem: Problem };

/** A call and its reply, in the order they were made. */
export interface Answer {
  readonly n: number;
  readonly call: Call;
  readonly sentAt: number;
  /** Null: sent and not heard of yet. */
  readonly reply: Reply | null;
  readonly heardAt: number | null;
}

/** What a step may know besides input and answers. The time is data, so that a step is a function. */
export interface Facts<O = unknown> {
  readonly requestId: string;
  readonly now: number;
  /** When it was asked for, epoch ms. */
  readonly createdAt: number;
  readonly requester: Person;
  readonly place: Place;
  /** The policy in force. */
  readonly policy: Policy;
  /** Calls that were sent and never heard of, oldest first. */
  readonly lost: readonly LostCall[];
  /** How the latest other request about the same subject left it: what a directory may not show yet. */
  readonly earlier: Earlier<O> | null;
  /** What the step said last that has been achieved so far. */
  readonly soFar: O | null;
  /** What was heard from outside about this request, oldest first. */
  readonly signals: readonly Signal[];
  /** The requests the capability asked to see (`beside`), newest first. */
  readonly beside: readonly Request[];
  /** What the rows of a list have come to; null: it is about no list. */
  readonly rows?: Tally | null;
}

/** Something heard from outside (a callback, a press), kept with its request. The same key again replaces it. */
export interface Signal {
  readonly key: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** When it was heard, epoch ms. */
  readonly at: number;
}

/** The requests a step has to see besides its own, in the same tenant. */
export interface Sought {
  readonly capability: string;
  /** Absent: about anything. */
  readonly subject?: string;
  readonly standing?: string;
  /** Only what the same person asked for. */
  readonly mine?: true;
  /** How many of those that have ended, newest first; the newest alone when it does not say. */
  readonly ended?: number;
}

/** The requests of a capability about a subject, in the same tenant. */
export interface Beside {
  readonly capability: string;
  readonly subject: string;
}

/** Requests that may go on now, and what they are to hear of it: without a word they only look around. */
export interface Wake extends Beside {
  readonly says?: Omit<Signal, 'at'>;
}

/** A request a step files by itself, on behalf of who asked and where. */
export interface Filing extends Beside {
  readonly input: unknown;
  /** One effect per intent, as with every request. */
  readonly key: string;
  /** It gets a card of its own at once; else one is shown when somebody asks for it. */
  readonly shown?: true;
}

export interface Earlier<O = unknown> {
  readonly outcome: O;
  /** Since when, epoch ms. */
  readonly at: number;
}

/** What holds before the end: what has been achieved so far, and who is to look at it. */
interface SoFar<O> {
  /** Null: what was achieved holds no longer. */
  readonly outcome?: O | null;
  readonly standing?: string;
  /** What it is about, now that this is known (a name turned out to be a certain deal). */
  readonly subject?: string;
  /** Filed before anything of this is said; what was filed before under its key stays as it is. */
  readonly files?: Filing;
  readonly wakes?: readonly Wake[];
  /** Further messages that are to show it from now on. */
  readonly shows?: NonNullable<Change['shows']>;
}

/** What to do next. Times in milliseconds. */
export type Step<O> =
  | { readonly kind: 'call'; readonly call: Call; readonly outcome?: O }
  | { readonly kind: 'file'; readonly filing: Filing }
  /**
   * The next rows of a list are filed, all that failed are to be filed once more, or those that wait for somebody are called
   * off; then the step is asked again.
   */
  | { readonly kind: 'rows'; readonly what: 'file' | 'again' | 'withdraw'; readonly outcome: O }
  /** Of those who are awaited a list of its own is made, once per key; whoever asked sees it before anything is sent. */
  | { readonly kind: 'rows'; readonly what: 'remind'; readonly key: string; readonly outcome: O }
  | ({
      readonly kind: 'later';
      readonly forMs: number;
      readonly note?: Say;
      /** Waits for something from outside, not for its turn. */
      readonly waits?: true;
      /** The answers, and what was lost on the way, are no longer needed: `outcome` holds what was in them. */
      readonly fresh?: true;
    } & SoFar<O>)
  | ({
      readonly kind: 'ask';
      readonly question: Question;
      /** How long an answer is waited for. */
      readonly forMs: number;
      /** The request goes on by itself after this, answered or not: what needs no answer does not wait for one. */
      readonly againMs?: number;
    } & SoFar<O>)
  | ({ readonly kind: 'done'; readonly outcome: O; readonly standing: string } & SoFar<O>)
  | ({
      readonly kind: 'fail';
      readonly problem: Problem;
      /** Whoever tries again begins anew. */
      readonly fresh?: true;
    } & SoFar<O>);

export type FieldKind =
  | 'people'
  | 'text'
  | 'lines'
  | 'email'
  | 'url'
  | 'date'
  | 'toggle'
  | 'choice'
  /** Several of the choices; their values are joined by commas, so none may hold one. */
  | 'choices'
  | 'pairs'
  /** Not seen and not typed: what a form takes along from the card that opened it. */
  | 'hidden';

/** One field of a capability: drives chat arguments, the form, CSV headings and help. */
export interface Field {
  readonly name: string;
  readonly kind: FieldKind;
  /** Catalogue key prefix: `<words>.label`, `.placeholder`, `.missing`. */
  readonly words: string;
  readonly required?: boolean;
  /** Longest accepted text, in characters. */
  readonly max?: number;
  /** Shown under "More options". */
  readonly more?: boolean;
  readonly fallback?: string;
  /** Shown in the catalogue's words, or by a name that is the same in every language. */
  readonly choices?: readonly ({ readonly value: string } & (
    | { readonly words: string }
    | { readonly title: string }
  ))[];
  /** Other names it goes by in files and HTTP bodies (case, spaces and punctuation do not matter). */
  readonly headings?: readonly string[];
  /** Words that introduce the field in a typed command (`because`, `to team`), longest first. */
  readonly phrases?: readonly string[];
  /** Whether what follows a phrase really is this field's ("in Portuguese" is a language, "in Lisbon" is not). */
  readonly accepts?: (following: string, phrase: string) => boolean;
}

/** Text as typed, by field name. */
export type Raw = Readonly<Record<string, string>>;

/** What somebody may do to a request that lives on, by a button or by a command about this place. */
export interface Act {
  /** Typed commands that do it, e.g. `call leave`; how they are shown, and the catalogue key of what they do. */
  readonly typed?: { readonly words: readonly [string, ...string[]]; readonly usage: string; readonly does: string };
  /** Why this person may not; otherwise whoever is in the conversation may. */
  denies?(who: Person, request: Request): Problem | null;
  /** What the request is to hear (its keys make two presses one), or what is wrong. `data` is what was pressed or typed. */
  read(request: Request, data: Raw): Result<readonly Omit<Signal, 'at'>[]>;
}

/** What `read` may know of the surroundings of a command or form. */
export interface Surroundings {
  readonly requester: Person;
  readonly place: Place;
  readonly policy: Policy;
  readonly policyVersion: number;
  /** Epoch ms. */
  readonly now: number;
}

/** What people bring others into, and the rules of that. */
export const TOPICS = ['guests', 'calls', 'deals', 'rules'] as const;
export type Topic = (typeof TOPICS)[number];

export interface Capability<I = never, O = never> {
  /** The word in keys, SQL and verbs: `guest`. */
  readonly name: string;
  /** What it belongs to in the help. */
  readonly topic: Topic;
  /** Told only in the help of its topic. */
  readonly isAside?: true;
  /** The typed command, e.g. `invite`, first; then other words for it. None: nobody asks for it in words. */
  readonly commands: readonly string[];
  readonly fields: readonly Field[];
  /** Typing it opens its form, filled in, however much was typed. */
  readonly formFirst?: true;
  /** Why this person may not ask for it at all, here. */
  denies?(who: Person, where: Place): Problem | null;
  /** Whose gate holds it back; Graph's when it does not say. */
  readonly remote?: Call['to'];
  /** It only looks: nothing that anybody asked for, so it is no part of what is listed as such. */
  readonly looks?: true;
  /** What was typed in one breath, put where it belongs ("Contoso 50k USD" is a customer and a value). */
  arrange?(raw: Raw, around: Surroundings): Raw;
  /** Raw text to inputs (one per request to file), or every fault with its field. */
  read(raw: Raw, around: Surroundings): Result<readonly I[], readonly Problem[]>;
  /** What would be done, said before it is sent: the form then has a button that only checks. */
  preview?(input: I): readonly Say[];
  /** An input back to raw text, to fill a form again. What was achieved is not to be done twice. */
  write(input: I, outcome?: O | null): Raw;
  /** The input with a person's answer to a question put in. */
  choose(input: I, field: string, option: Question['options'][number]): I;
  subject(input: I): string;
  /**
   * The shape of a good answer to each named call: only what is used is kept and stored. An answer of another shape
   * counts as none (the remote, or something before it, is not well). A call that is not listed needs no body.
   */
  readonly answers: Readonly<Record<string, Shape>>;
  step(input: I, answers: readonly Answer[], facts: Facts<O>): Step<O>;
  /** How many of it are asked for in one go: each row of a list is then a request of this capability. */
  readonly list?: ListOf<I, O>;
  /** It is about the rows of a list. */
  readonly hasRows?: true;
  /**
   * What the policy judges, as far as it is known: when it is asked for, and before each call that changes something. Null:
   * of this call it has been judged already. `facts` are given before a call.
   */
  judged?(input: I, answers: readonly Answer[], call?: Call, facts?: Pick<Facts<O>, 'beside' | 'now'>): Case | null;
  /** Every call that would change something, as far as look-ups can tell; what only a call will tell has a placeholder. */
  plan?(input: I, answers: readonly Answer[], facts: Facts<O>): readonly Call[];
  /**
   * What belongs for certain to the person a request is about, and to nobody else it names. Where this is missing, it is
   * about whoever its subject is an address of.
   */
  about?(request: Request<I, O>): About;
  /**
   * The input of a request that goes on although somebody it mentions is forgotten; `without` takes the person out of a text.
   * Where this is missing, or answers undefined, such a request has to end first.
   */
  without?(input: I, without: (text: string) => string, outcome: O | null): I | undefined;
  /** What approvers are to see besides what every card tells: whatever of the input is not as it usually is. */
  approverRows?(input: I): Story['rows'];
  /** The input with an earlier last day. */
  shorten?(input: I, until: string): I;
  /** Who may open a request besides whoever asked for it, and those where it was asked. */
  mayOpen?(request: Request<I, O>, who: Person): boolean;
  /** The requests a step has to see besides its own. */
  beside?(input: I): readonly Sought[];
  /** What anybody in the same conversation may do to a request, by name. */
  readonly acts?: Readonly<Record<string, Act>>;
  /** The subject that typed acts are about, here. */
  subjectAt?(place: Place): string;
  /** What the calling service said, as signals; none when it says nothing to this request. */
  hears?(request: Request<I, O>, notice: CallNotice): readonly Omit<Signal, 'at'>[];
  /**
   * What Partner Center said of a referral: signals, and what is to be looked into on behalf of whoever asked. The notice is
   * signed, that it is meant for this request is not.
   */
  hearsReferral?(
    request: Request<I, O>,
    notice: ReferralNotice,
  ): { readonly signals: readonly Omit<Signal, 'at'>[]; readonly files?: readonly Filing[] };
  /** It waits for whoever asked to sign in: who is to ask for that, where this has no card of its own. */
  signedOut?(request: Request<I, O>): readonly Wake[];
  /** Title and facts at any time; the ending once there is an outcome. The spine adds what is the same for all. */
  story(request: Request<I, O>): {
    readonly title: Say;
    readonly rows: Story['rows'];
    readonly page?: Story['page'];
    readonly ending?: Pick<Story, 'state' | 'sentence' | 'tone' | 'link' | 'items'> & {
      readonly buttons: readonly Button[];
    };
    /** While it is under way, where the spine's own words would say less. */
    readonly live?: Pick<Story, 'state' | 'sentence' | 'tone' | 'buttons' | 'items' | 'link'>;
  };
}

/** What a capability says of lists of its requests. */
export interface ListOf<I, O> {
  /** The pace of the call that each row comes to. */
  readonly pace: PaceName;
  /** More people than have a card each, one by one; null: few enough. */
  split(raw: Raw): readonly RawRow[] | null;
  /** Why a row is not worth sending, going by how its subject stood last; null: it is. */
  known(input: I, standing: string): Say | null;
  /** What was asked for about its subjects otherwise, where that says which rows are not worth sending now. */
  readonly considers?: {
    readonly capabilities: readonly string[];
    /** Why not, going by the requests about its subject; null: it is worth it. */
    why(input: I, about: readonly Request[], around: Surroundings): Say | null;
  };
  /** How the request of a row ended; null: it goes on. */
  ended(request: Request<I, O>): RowEnd | null;
  /** Its requests go on after their rows have ended, because somebody is awaited. */
  readonly follows?: Follows;
  /** They may have a last day, which their requests ask about: how it stands. */
  readonly leaves?: Leaves<O>;
}

/** What a zod schema offers, and all that is asked of it. */
export interface Shape {
  safeParse(body: unknown): { readonly success: true; readonly data: unknown } | { readonly success: false };
}

/** A capability whose types have been forgotten, as the spine holds it. */
// biome-ignore lint/suspicious/noExplicitAny: the list of capabilities is heterogeneous by nature
export type AnyCapability = Capability<any, any>;
