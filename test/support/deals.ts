/**
 * What the walks of deals share: people's hands on a card (buttons by their titles, boxes sent along as a client does),
 * sign-ins, and Partner Center as the sandbox keeps it. Must not know any case.
 */
import assert from 'node:assert/strict';
import type { Config, Environment } from '../../src/config/config.ts';
import type { TestEngine } from './db.ts';
import type { Message, SeenCall } from './usher.ts';
import { cardOf, type Lane, openLane, textOf } from './walk.ts';

/** Entra ids of the sandbox's people; Rita may set Usher up in these walks. */
export const RITA = '5a4db0c5-0000-4000-8000-000000001001';
/** Deals of the first morning. */
export const DEALS = {
  woodgrove: '5a4db0c5-0000-4000-8000-000000006001',
  tailspin: '5a4db0c5-0000-4000-8000-000000006002',
  adventure: '5a4db0c5-0000-4000-8000-000000006004',
  litwareInc: '5a4db0c5-0000-4000-8000-000000006005',
  litwareInsurance: '5a4db0c5-0000-4000-8000-000000006006',
} as const;

/** A referral as the sandbox's Partner Center has it. */
export interface Kept {
  readonly id: string;
  readonly engagementId: string;
  readonly organizationId: string;
  readonly status: string;
  readonly substatus: string;
  readonly statusReason: string | null;
  readonly eTag: string;
  readonly customerProfile: { readonly name: string };
  readonly details: {
    readonly dealValue: number;
    readonly currency: string;
    readonly closingDateTime: string;
    readonly notes: string;
  };
  readonly [property: string]: unknown;
}

export interface Partner {
  readonly referrals: readonly Kept[];
  readonly registration: { readonly webhookUrl: string; readonly webhookEvents: readonly string[] } | null;
  readonly events: readonly { readonly n: number; readonly state: string; readonly status: number | null }[];
}

/** Who presses, where, and what a client brings along. */
export interface Hand {
  readonly user?: string;
  readonly conversation?: string;
  readonly inputs?: Readonly<Record<string, string>>;
  readonly copies?: number;
  /** The code of a finished sign-in. */
  readonly state?: string;
  readonly authentication?: { readonly id: string; readonly connectionName: string; readonly token: string };
}

export interface Pressed {
  readonly statusCode: number;
  readonly type: string;
  /** What whoever pressed reads: a sentence, or the card. */
  readonly text: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface Action {
  readonly type: string;
  readonly title: string;
  readonly verb: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly associatedInputs?: string;
}

/** Everything on a card of that type, however deep. */
function found<T>(node: unknown, fits: (one: Record<string, unknown>) => boolean): T[] {
  if (typeof node !== 'object' || node === null) return [];
  const here = fits(node as Record<string, unknown>) ? [node as T] : [];
  return [...here, ...Object.values(node).flatMap((inner) => found<T>(inner, fits))];
}

const actionsOf = (message: Message): Action[] =>
  found<Action>(cardOf(message), ({ type, verb }) => type === 'Action.Execute' && verb !== undefined);

/** Titles of all buttons, in order. */
export const titlesOf = (message: Message): string[] => actionsOf(message).map(({ title }) => title);

/** What the boxes of a form hold, by name. */
export const boxesOf = (message: Message): Record<string, string> =>
  Object.fromEntries(
    found<{ id: string; value?: string }>(cardOf(message), ({ type }) => String(type).startsWith('Input.')).map(
      ({ id, value = '' }) => [id, value],
    ),
  );

/** What a question on a card offers: values by their titles. */
export const choicesOf = (message: Message): Record<string, string> =>
  Object.fromEntries(
    found<{ choices: { title: string; value: string }[] }>(
      cardOf(message),
      ({ type, id }) => type === 'Input.ChoiceSet' && id === 'answer',
    ).flatMap(({ choices }) => choices.map(({ title, value }) => [title, value])),
  );

/** A lane on which deals are made at once, unless told otherwise. */
export const openDeals = (
  engine: TestEngine,
  environment: Environment = {},
  config: Partial<Config> = {},
): Promise<DealLane> =>
  openLane(engine, { REFERRAL_HOLD_SECONDS: '0', ADMINS: RITA, ...environment }, {}, config).then(
    (lane) => new DealLane(lane),
  );

export class DealLane {
  readonly lane: Lane;

  constructor(lane: Lane) {
    this.lane = lane;
  }

  get town(): Lane['town'] {
    return this.lane.town;
  }

  close(): Promise<void> {
    return this.lane.close();
  }

  /** The first morning again, with nothing left of the day before that could go on. */
  async begin(): Promise<void> {
    await this.lane.database.run(
      "update requests set state = 'cancelled' where state in ('queued', 'sending', 'waiting', 'awaiting approval')",
    );
    await this.lane.database.run('delete from gates');
    await this.lane.database.run('delete from messages');
    await this.town.control('reset', {});
  }

  partner(): Promise<Partner> {
    return this.town.control<Partner>('partner');
  }

  async deal(id: string): Promise<Kept> {
    const deal = (await this.partner()).referrals.find((one) => one.id === id);
    assert.ok(deal, `no deal ${id}`);
    return deal;
  }

  /** Both sides of what was shared about a customer. */
  async dealsWith(customer: string): Promise<readonly Kept[]> {
    return (await this.partner()).referrals.filter(({ customerProfile }) => customerProfile.name === customer);
  }

  async access(user: string, action: string, more: object = {}): Promise<void> {
    await this.town.control('access', { user, action, ...more });
  }

  /** Everybody who has a role is signed in. */
  async allIn(): Promise<void> {
    for (const user of ['rita', 'axel']) await this.access(user, 'signIn');
  }

  /** Calls of Partner Center, oldest first. */
  async sent(method?: string): Promise<readonly SeenCall[]> {
    return (await this.town.calls('partner')).filter((call) => method === undefined || call.method === method);
  }

  /** Says something and gives the card that it posted. */
  async say(text: string, where: Pick<Hand, 'user' | 'conversation'> = {}): Promise<Message> {
    const { conversation = 'personal:rita' } = where;
    const before = new Set((await this.town.cards(conversation)).map(({ activityId }) => activityId));
    const { statuses } = await this.town.control<{ statuses: number[] }>('say', {
      conversation,
      user: 'rita',
      ...where,
      text,
    });
    assert.deepEqual(statuses, [200]);
    const cards = (await this.town.cards(conversation)).filter(({ activityId }) => !before.has(activityId));
    assert.equal(cards.length, 1, `${text}: ${cards.length} cards`);
    return cards[0] as Message;
  }

  async latest(message: Message, conversation = 'personal:rita'): Promise<Message> {
    const now = (await this.town.messages(conversation)).find(({ activityId }) => activityId === message.activityId);
    assert.ok(now);
    return now;
  }

  /** The message once what it shows now matches. */
  async shows(message: Message, what: RegExp, conversation = 'personal:rita'): Promise<Message> {
    for (;;) {
      const now = await this.latest(message, conversation);
      if (what.test(textOf(cardOf(now)))) return now;
      const query = new URLSearchParams({
        conversation,
        matches: `"activityId":"${now.activityId}".*?"edits":(?!${now.edits},)\\d`,
        count: '1',
        timeoutMs: '8000',
      });
      await this.town.control(`wait?${query}`).catch(() => {
        throw new Error(`${what} does not come; the card says ${textOf(cardOf(now))}`);
      });
    }
  }

  /** Says something and waits for what its card says in the end. */
  async tells(text: string, what: RegExp, where: Pick<Hand, 'user' | 'conversation'> = {}): Promise<Message> {
    return this.shows(await this.say(text, where), what, where.conversation);
  }

  /** Presses the button of that title, with what the card's boxes hold. */
  async press(message: Message, title: string, hand: Hand = {}): Promise<Pressed> {
    const { inputs = {}, ...more } = hand;
    const action = actionsOf(message).find((one) => one.title === title);
    assert.ok(action, `no button ${title} among ${titlesOf(message)}`);
    const given = action.associatedInputs === 'none' ? {} : { ...boxesOf(message), ...inputs };
    const { body } = await this.town.press(message.activityId, action.verb, action.data, given, { ...more });
    const { statusCode, type, value } = body;
    const isCard = type === 'application/vnd.microsoft.card.adaptive';
    const text = isCard ? textOf(value as never) : typeof value === 'string' ? value : JSON.stringify(value);
    return { statusCode, type, text, value: (typeof value === 'object' ? value : {}) as Pressed['value'] };
  }

  /** Presses a button that posts another card, and gives that. */
  async opens(message: Message, title: string, hand: Hand = {}): Promise<Message> {
    const { conversation = 'personal:rita' } = hand;
    const before = new Set((await this.town.cards(conversation)).map(({ activityId }) => activityId));
    await this.press(message, title, hand);
    const made = (await this.town.cards(conversation)).find(({ activityId }) => !before.has(activityId));
    assert.ok(made, `${title} opened nothing`);
    return made;
  }

  /** Asks for a co-sell deal with that customer: the form lacks the customer's consent alone, and is sent with it. */
  async share(customer: string): Promise<Message> {
    const form = await this.say(
      `deal new ${customer} 120k USD closing 2031-05-31 as co-sell in Germany contact Max Muster <max@adatum.example> solution SOL-15974-MQF`,
    );
    await this.press(form, 'Send', { inputs: { consentShare: 'true' } });
    return form;
  }

  /** Answers the question on a card with the choice of that title. */
  choose(message: Message, title: string, hand: Hand = {}): Promise<Pressed> {
    const answer = choicesOf(message)[title];
    assert.ok(answer, `no choice ${title} among ${Object.keys(choicesOf(message))}`);
    return this.press(message, 'Continue', { ...hand, inputs: { answer } });
  }

  /** Resolves when Partner Center (or the token service) was called so, that often. */
  async called(line: RegExp, count = 1, remote = 'partner'): Promise<void> {
    const query = new URLSearchParams({ remote, calls: line.source, count: String(count), timeoutMs: '8000' });
    await this.town.control(`wait?${query}`);
  }

  /** Signs in on the card: the login request, the page, and the same press with its code. */
  async signIn(message: Message, hand: Hand = {}): Promise<Pressed> {
    const asked = await this.press(message, 'Sign in', hand);
    assert.equal(asked.type, 'application/vnd.microsoft.activity.loginRequest', asked.text);
    return this.press(message, 'Sign in', { ...hand, state: await this.code(hand.user) });
  }

  /** What the sign-in page gives whoever agrees. */
  async code(user = 'rita', more: object = {}): Promise<string> {
    const { code } = await this.town.control<{ code: string }>('sign-in', { user, ...more });
    return code;
  }
}
