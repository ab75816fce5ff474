/**
 * Watching for deals that come in: an admin has Partner Center report to this place, and every report becomes news that is
 * read in the admin's name. Lives until somebody ends it. No I/O; must not know Teams, HTTP, SQL or card templates.
 * Source: Partner Center, webhooks (create, update, delete a registration), "referral connectors".
 */
import { z } from 'zod/v4';
import type {
  Answer,
  Call,
  Capability,
  Facts,
  Filing,
  Raw,
  Signal,
  Step,
  Surroundings,
  Wake,
} from '../../requests/capability.ts';
import { bad, good, type Problem, problem, type Result } from '../../requests/problem.ts';
import type { ReferralNotice } from '../../requests/referralNotices.ts';
import { ENDED, type Request } from '../../requests/request.ts';
import { type Say, say } from '../../requests/say.ts';
import type { NewsInput } from './news.ts';

export interface WatchSettings {
  /** Address under which Microsoft reaches us, without a slash at its end; null: nothing can be reported. */
  readonly publicUrl: () => string | null;
  /** Entra object ids of those who may. */
  readonly admins: ReadonlySet<string>;
}

export interface WatchInput {
  readonly tenantId: string;
  /** Host of the address that is registered already and may be replaced; the rest of it may be secret. */
  readonly replaces?: string;
}

export interface WatchOutcome {
  readonly since: number;
  /** When the registration was last looked at. */
  readonly checkedAt: number;
  readonly over?: true;
  /** What keeps reports from being read. */
  readonly trouble?: Say;
}

/** Property names come in either case (PascalCase in what is sent, camelCase in the newer reference). */
const Registration = z
  .looseObject({ WebhookUrl: z.string().nullish(), webhookUrl: z.string().nullish() })
  .transform((one) => ({ url: one.WebhookUrl ?? one.webhookUrl ?? null }));

/** Of a registration as it is kept. */
const Registered = z.object({ url: z.string().nullable() });
const urlIn = (body: Readonly<Record<string, unknown>>): string | null => Registered.parse(body).url;

const EVENTS = ['referral-created', 'referral-updated'];
/** How often it is made sure that reports still come here, and that whoever asked is still signed in. */
const CHECK_MS = 24 * 3600_000;
/** A registration that cannot be looked at is looked at again after this. */
const AGAIN_MS = 3600_000;

export function referralWatch(settings: WatchSettings): Capability<WatchInput, WatchOutcome> {
  return {
    name: 'referralWatch',
    topic: 'deals',
    isAside: true,
    remote: 'partnerCenter',
    commands: ['referrals watch', 'referral watch', 'deals watch', 'watch referrals', 'watch deals'],
    fields: [],
    read: (raw, around) => read(raw, around, settings),
    write: () => ({}),
    choose: (input, _field, { value }) => (value === 'cancel' ? input : { ...input, replaces: value }),
    subject: ({ tenantId }) => tenantId,
    subjectAt: ({ tenantId }) => tenantId,
    answers: { look: Registration },
    step: (input, answers, facts) => step(input, answers, facts, settings),
    beside: ({ tenantId }) => [{ capability: 'referralWatch', subject: tenantId }],
    acts: {
      stop: {
        typed: {
          words: ['referrals unwatch', 'referral unwatch', 'deals unwatch', 'stop watching'],
          usage: 'referrals unwatch',
          does: 'help.referrals.unwatch',
        },
        denies: ({ id }) => (settings.admins.has(id) ? null : problem('denied', 'problem.adminsOnly')),
        read: (request) =>
          ENDED.has(request.state)
            ? bad(problem('clash', 'referralWatch.notWatching'))
            : good([{ key: 'stop', body: {} }]),
      },
    },
    hearsReferral: hears,
    story,
  };
}

/** A report becomes news of its own, once however often it comes; also while the watch itself is in trouble. */
function hears(request: Request, { event, referralId, changedAt }: ReferralNotice) {
  const signals: readonly Omit<Signal, 'at'>[] = [];
  if (request.state === 'done' || request.state === 'cancelled') return { signals };
  if (event === 'test' || referralId === null) return { signals };
  const id = referralId.toLowerCase();
  const news: Filing = {
    capability: 'referralNews',
    subject: id,
    input: { id, event, tenantId: request.tenantId } satisfies NewsInput,
    key: `news:${request.id}:${id}:${event}:${changedAt}`,
  };
  return { signals, files: [news] };
}

function read(
  _raw: Raw,
  { requester, place }: Surroundings,
  { admins, publicUrl }: WatchSettings,
): Result<readonly WatchInput[], readonly Problem[]> {
  if (!admins.has(requester.id)) return bad([problem('denied', 'problem.adminsOnly')]);
  if (publicUrl() === null) return bad([problem('refused', 'referralWatch.noPublicUrl')]);
  return good([{ tenantId: place.tenantId }]);
}

const registration = (name: string, method: Call['method'], body?: unknown): Call => ({
  name,
  to: 'partnerWebhooks',
  method,
  path: '/registration',
  ...(body === undefined ? {} : { body }),
  // Replacing twice, or taking back what is gone, changes nothing; a second POST is refused ("use PUT"), so its lost
  // answer is looked for.
  repeat: method === 'POST' ? 'restart' : 'safe',
});

function step(
  input: WatchInput,
  answers: readonly Answer[],
  facts: Facts<WatchOutcome>,
  { publicUrl }: WatchSettings,
): Step<WatchOutcome> {
  const { soFar, now, signals, beside } = facts;
  const reply = (name: string) => answers.findLast(({ call }) => call.name === name)?.reply;
  const fail = (why: Problem): Step<WatchOutcome> => ({ kind: 'fail', problem: why, fresh: true, standing: 'over' });
  const over = (outcome: WatchOutcome): Step<WatchOutcome> => ({
    kind: 'done',
    outcome: { ...outcome, over: true },
    standing: 'over',
  });
  const base = publicUrl();
  if (base === null) return fail(problem('refused', 'referralWatch.noPublicUrl'));
  const url = `${base}/api/referrals?request=${facts.requestId}`;

  // Partner Center knows one address, so whoever watches last is reported to; two would take it from each other for ever.
  const isFollowed = beside.some(({ state, outcome, createdAt }) => {
    return !ENDED.has(state) && outcome !== null && createdAt > facts.createdAt;
  });
  if (soFar && isFollowed) return over(soFar);
  if (soFar && signals.some(({ key }) => key === 'stop')) {
    const seen = reply('look');
    if (!seen) return { kind: 'call', call: registration('look', 'GET') };
    // What is registered by now may be somebody else's.
    const isOther = seen.ok ? urlIn(seen.body) !== url : true;
    if (isOther) return seen.ok || seen.problem.kind === 'gone' ? over(soFar) : fail(seen.problem);
    const gone = reply('unregister');
    if (!gone) return { kind: 'call', call: registration('unregister', 'DELETE') };
    return gone.ok || gone.problem.kind === 'gone' ? over(soFar) : fail(gone.problem);
  }
  const checkedAt = soFar?.checkedAt ?? 0;
  // What keeps a report from being read is said here, since a report has no card.
  const why = signals.find(({ key }) => key === 'unread')?.body['why'] as Say | null | undefined;
  const trouble = why ? { trouble: why } : {};
  // A report that cannot be read without a sign-in is asked about at once: the look here meets the same and has a card.
  const isOut = signals.some(({ key, at }) => key === 'signedOut' && at > (soFar?.checkedAt ?? 0));
  if (soFar && !isOut && now < checkedAt + CHECK_MS) {
    const { since } = soFar;
    return rest({ since, checkedAt, ...trouble }, checkedAt + CHECK_MS - now);
  }

  const looked = reply('look');
  if (!looked) return { kind: 'call', call: registration('look', 'GET') };
  // That it cannot be looked at just now ends nothing; what is for somebody to mend is said.
  if (soFar && !looked.ok && looked.problem.kind !== 'gone')
    return rest({ ...soFar, trouble: looked.problem.say }, AGAIN_MS);
  if (!looked.ok && looked.problem.kind !== 'gone') return fail(looked.problem);
  const theirs = looked.ok ? urlIn(looked.body) : null;
  const at = lookedAt(answers) ?? now;
  if (theirs === url) return rest({ since: soFar?.since ?? at, checkedAt: at, ...trouble }, CHECK_MS);
  // Taking the address from somebody else is for a person to decide.
  const isOurs = theirs?.startsWith(`${base}/`) ?? false;
  if (theirs !== null && !isOurs && input.replaces !== hostOf(theirs))
    return {
      kind: 'ask',
      question: {
        say: say('referralWatch.taken', { url: hostOf(theirs) }),
        field: 'replaces',
        options: [{ title: say('referralWatch.replace'), value: hostOf(theirs) }],
      },
      forMs: 24 * 3600_000,
    };
  const body = { WebhookUrl: url, WebhookEvents: EVENTS, signatureTokenToMsSignatureHeader: false };
  const put = reply('register');
  if (!put) return { kind: 'call', call: registration('register', theirs === null ? 'POST' : 'PUT', body) };
  if (!put.ok) return fail(put.problem);
  const others: readonly Wake[] = [{ capability: 'referralWatch', subject: input.tenantId }];
  return { ...rest({ since: soFar?.since ?? now, checkedAt: now }, CHECK_MS), ...(soFar ? {} : { wakes: others }) };
}

const lookedAt = (answers: readonly Answer[]): number | undefined =>
  answers.findLast(({ call }) => call.name === 'look')?.sentAt;

const rest = (outcome: WatchOutcome, forMs: number): Step<WatchOutcome> => ({
  kind: 'later',
  waits: true,
  fresh: true,
  forMs,
  outcome,
  standing: 'watching',
});

const hostOf = (address: string): string => (URL.canParse(address) ? new URL(address).host : address.slice(0, 60));

function story({
  outcome,
}: Request<WatchInput, WatchOutcome>): ReturnType<Capability<WatchInput, WatchOutcome>['story']> {
  const title = say('referralWatch.title');
  if (!outcome) return { title, rows: [] };
  return {
    title,
    rows: [],
    live: {
      state: say('referralWatch.state'),
      sentence: outcome.trouble ? say('referralWatch.trouble', { why: outcome.trouble }) : say('referralWatch.on'),
      tone: outcome.trouble ? 'warning' : 'good',
      buttons: [{ title: say('referralWatch.stop'), verb: 'referralWatch.stop' }],
    },
    ending: { sentence: say('referralWatch.off'), tone: 'neutral', buttons: [] },
  };
}
