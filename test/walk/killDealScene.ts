/**
 * A chat in which deals are made, with a bot in it that is killed and succeeded: forms that are filled in, what Partner
 * Center holds in the end, and what the cards tell. For the kill tests of deals only; must not know any single case.
 */
import assert from 'node:assert/strict';
import type { Referral } from '../../src/sandbox/partnerWorld.ts';
import type { TestEngine } from '../support/db.ts';
import type { Message, Town } from '../support/usher.ts';
import { cardOf, textOf } from '../support/walk.ts';
import { card, freePort, messagesOf } from './killCallScene.ts';
import { Succession, shows } from './killScene.ts';

/** The requester of the sandbox, who may have deals reported here. */
const RITA = '5a4db0c5-0000-4000-8000-000000001001';
const CHAT = { user: 'rita', conversation: 'personal:rita' };
/** Longest wait for anything; a test that comes here has failed. */
const DEADLINE_MS = 60_000;
const SUBMIT = 'referralNew.submit';

/** A form for a co-sell deal, filled in, that somebody may send, and send again when nobody answered. */
export interface DealForm {
  readonly customer: string;
  send(): void;
  /** Whether somebody answered when it was sent last. */
  answered(): Promise<boolean>;
}

/** All there is to know about a deal that was to be made. */
export interface DealEnding {
  /** Of its requests; there is one. */
  readonly states: readonly string[];
  readonly audit: readonly string[];
  /** What Partner Center holds for the customer. */
  readonly referrals: readonly Referral[];
  /** What the message of the request tells that is kept up to date: one. */
  readonly told: readonly string[];
}

const told = (message: Message): string => textOf(cardOf(message));

export class DealScene {
  readonly succession: Succession;
  /** Deals of which Microsoft's half was refused, and whose process was killed since. */
  readonly halves: { readonly customer: string; readonly id: string }[] = [];

  private constructor(succession: Succession) {
    this.succession = succession;
  }

  static async open(engine: TestEngine): Promise<DealScene> {
    // Partner Center goes on reporting to the address it was given.
    const environment = { PORT: String(await freePort()), REFERRAL_HOLD_SECONDS: '0', ADMINS: RITA };
    const scene = new DealScene(await Succession.found(engine, environment));
    await scene.town.control('access', { user: 'rita', action: 'signIn' });
    return scene;
  }

  get town(): Town {
    return this.succession.town;
  }

  get referrals(): readonly Referral[] {
    return this.succession.world.partner.referrals;
  }

  say(text: string): void {
    this.succession.say({ text, ...CHAT });
  }

  /** Has a form opened, and fills it in. */
  async form(customer: string): Promise<DealForm> {
    this.say(`deal new ${customer}`);
    await this.succession.answered();
    const messages = this.succession.world.messages as unknown as readonly Message[];
    const form = messages.findLast((one) => [`"${SUBMIT}"`, `"${customer}"`].every((what) => shows(one, what)));
    assert.ok(form, `no form for ${customer}`);
    const data = cardOf(form).actions?.find(({ verb }) => verb === SUBMIT)?.data ?? {};
    let sent: Promise<boolean> = Promise.resolve(false);
    return {
      customer,
      send: () => {
        const pressed = this.town.press(form.activityId, SUBMIT, data, inputsFor(customer));
        sent = pressed.then(
          ({ status }) => status === 200,
          () => false,
        );
      },
      answered: () => sent,
    };
  }

  /** Whoever is not answered sends it once more, as long as there is a process to answer. */
  async accepted(form: DealForm): Promise<void> {
    while (!(await form.answered())) {
      if (this.succession.isDead) throw new Error('nobody is there to answer');
      form.send();
    }
  }

  /** The newest request of this kind about this subject; it is on record. */
  async request(capability: string, subject: string): Promise<string> {
    const [row] = await this.requests(capability, subject);
    assert.ok(row, `no ${capability} about ${subject} is on record`);
    return row.id;
  }

  async requests(capability: string, subject: string): Promise<readonly { id: string; state: string }[]> {
    const rows = await this.succession.database.run(
      `select id, state from requests where capability = '${capability}' and subject = '${subject.toLowerCase()}'
        order by created_at desc, id desc`,
    );
    return rows.map(({ id, state }) => ({ id: String(id), state: String(state) }));
  }

  /** `accepted`, `call sent`, … in order. */
  async audit(id: string): Promise<readonly string[]> {
    const lines = await this.succession.database.run(`select what from audit where request_id = '${id}' order by seq`);
    return lines.map(({ what }) => String(what));
  }

  /** The message that shows this request, as it is once its card's text fits. */
  card(id: string, what: RegExp): Promise<Message> {
    return card(this.succession, id, what);
  }

  /** What the messages of a request tell: the ones that are kept up to date, and the ones nobody knows of any more. */
  async told(id: string): Promise<{ readonly kept: readonly string[]; readonly orphans: readonly string[] }> {
    const rows = await this.#messages(id);
    const known = new Set(rows.map((row) => row['activity_id']));
    const shown = messagesOf(this.succession, id);
    return {
      kept: shown.filter(({ activityId }) => known.has(activityId)).map(told),
      orphans: shown.filter(({ activityId }) => !known.has(activityId)).map(told),
    };
  }

  /** The messages that are kept up to date, once all of them are posted and that is written down. */
  async #messages(id: string): Promise<readonly Record<string, unknown>[]> {
    const end = Date.now() + DEADLINE_MS;
    for (;;) {
      const rows = await this.succession.database.run(`select activity_id from messages where request_id = '${id}'`);
      if (rows.length > 0 && rows.every((row) => row['activity_id'] !== null)) return rows;
      if (Date.now() > end) throw new Error(`the messages of ${id} were not posted: ${JSON.stringify(rows)}`);
    }
  }

  /** Nobody is alive: the next process goes on, and the channel says again what was not answered. */
  async next(): Promise<void> {
    await this.succession.next();
    await this.succession.answered();
  }

  /** Resolves when there is a message that says all of this. Rejects when the present process is gone. */
  shows(...what: readonly string[]): Promise<void> {
    const { world, watch, gone } = this.succession;
    const isThere = (): boolean => world.messages.some((one) => what.every((text) => shows(one, text)));
    return watch.until(`a message that says ${what.join(' and ')}`, isThere, ['message'], gone);
  }

  /** Resolves when cards say that the deals with these customers are made. Rejects when the present process is gone. */
  made(customers: readonly string[]): Promise<void> {
    const { world, watch, gone } = this.succession;
    const isMade = (customer: string): boolean =>
      world.messages.some((one) => shows(one, `"New deal with ${customer}"`) && MADE.some((what) => shows(one, what)));
    return watch
      .until('deals to be made', () => customers.every(isMade), ['message'], gone)
      .catch(async (cause) => {
        const rows = await this.succession.database.run(
          'select id, subject, state, lease_until, next_at from requests',
        );
        throw new Error(`${cause.message}: ${JSON.stringify(rows)}; errors: ${this.succession.errors}`);
      });
  }

  /** Waits until the card says that the deal is made, and gathers everything. */
  async ending(customer: string): Promise<DealEnding> {
    await this.made([customer]);
    const id = await this.request('referralNew', customer);
    const rows = await this.requests('referralNew', customer);
    return {
      states: rows.map(({ state }) => state),
      audit: await this.audit(id),
      referrals: this.referrals.filter((one) => customerOf(one) === customer),
      told: (await this.told(id)).kept,
    };
  }

  close(): Promise<void> {
    return this.succession.close();
  }
}

const MADE = [
  'The deal is in Partner Center, and Microsoft is invited.',
  'The deal is in Partner Center: its answer was lost, but I looked and found it.',
];

/** One referral for the partner and one for Microsoft, in one engagement, told on one card. */
export function assertMadeOnce({ states, referrals, told, audit }: DealEnding, partner: string): void {
  assert.deepEqual(states, ['done']);
  assert.deepEqual(referrals.map(({ organizationId }) => organizationId).sort(), [partner, 'msft'].sort());
  assert.equal(new Set(referrals.map(({ engagementId }) => engagementId)).size, 1, 'engagements');
  assert.equal(told.length, 1, `not one card but: ${told.join(' | ')}`);
  assert.ok(
    MADE.some((what) => told[0]?.includes(what)),
    told[0],
  );
  assert.match(
    audit.join(', '),
    /^accepted(, call sent, call (answered|lost))*(, failed, retried(, call sent, call (answered|lost))*)?, done$/,
  );
}

/** Whom a referral is about. */
export function customerOf({ customerProfile }: Referral): string | undefined {
  return (customerProfile as { name?: string } | undefined)?.name;
}

const inputsFor = (customer: string): Readonly<Record<string, string>> => ({
  customer,
  value: '50,000 USD',
  close: '2027-03-15',
  country: 'Portugal',
  contacts: 'Sue Smith <sue@customer.example>',
  how: 'coSell',
  consentShare: 'true',
  solutionId: 'SOL-15974-MQF',
});
