/**
 * Kill -9 after somebody pressed a button: a form that was sent, and a second mail to somebody who has not accepted.
 * For the kill tests only.
 */
import assert from 'node:assert/strict';
import type { TestEngine } from '../support/db.ts';
import type { Card, Message } from '../support/usher.ts';
import type { Ending } from './killEnding.ts';
import { Succession } from './killScene.ts';

const CHAT = { user: 'rita', conversation: 'personal:rita' };

/** The form is sent, the process dies, and the person presses the same button again. */
export async function killAfterAForm(engine: TestEngine): Promise<Ending & { readonly isOnTheForm: boolean }> {
  return withSuccession(engine, async (succession) => {
    const { town } = succession;
    const address = 'form@partner.example';
    await town.say('invite');
    const form = await shows(succession, 'guest.submit');
    const send = () =>
      town.press(form.activityId, 'guest.submit', dataOf(form, 'guest.submit'), {
        people: `Ana Silva <${address}>`,
        team: 'Apollo',
      });
    succession.order({ at: 'create', call: /^GET \/graph\/.*\/users/ });
    const first = send();
    await succession.dead('by order');
    await first;
    await succession.next();
    await send();
    await succession.finished([address], succession.gone);
    const ending = (await succession.endings([address])).get(address);
    assert.ok(ending);
    const ended = await shows(succession, `"${address}"`);
    return { ...ending, isOnTheForm: ended.activityId === form.activityId };
  });
}

/** Another mail to Pia is under way: no look-up can tell whether it went out. */
export async function killASecondMail(engine: TestEngine): Promise<Ending> {
  return withSuccession(engine, async (succession) => {
    const { town, world, watch } = succession;
    const address = 'pia@partner.example';
    succession.say({ text: `invite ${address}`, ...CHAT });
    await succession.finished([address]);
    const found = await shows(succession, `resend ${address}`);
    const { met } = await succession.meet({ kind: 'slow', method: 'POST', path: '/invitations$', ms: 10_000 });
    const pressed = town.press(found.activityId, 'command.run', dataOf(found, 'command.run'));
    await met;
    await succession.dead('now');
    await pressed;
    const isUnsure = () => world.messages.some(({ attachments }) => JSON.stringify(attachments).includes('"Unsure"'));
    await succession.next();
    await watch.until('an unsure card', isUnsure, ['message'], succession.gone);
    // It stays so: whoever comes next works on what is new, and leaves this alone.
    await succession.dead('now');
    await succession.next();
    succession.say({ text: 'invite zoe@partner.example', ...CHAT });
    await succession.answered();
    await succession.finished(['zoe@partner.example'], succession.gone);
    const ending = (await succession.endings([address])).get(address);
    assert.ok(ending);
    return ending;
  });
}

async function withSuccession<T>(engine: TestEngine, work: (succession: Succession) => Promise<T>): Promise<T> {
  const succession = await Succession.found(engine);
  try {
    const done = await work(succession);
    assert.deepEqual(succession.errors, [], 'errors in the log');
    return done;
  } finally {
    await succession.close();
  }
}

/** The last of the bot's messages that has this in it. */
async function shows({ town }: Succession, what: string): Promise<Message> {
  const message = (await town.cards()).findLast(({ attachments }) => JSON.stringify(attachments).includes(what));
  assert.ok(message, `no card has ${what} on it`);
  return message;
}

function dataOf(message: Message, verb: string): NonNullable<NonNullable<Card['actions']>[number]['data']> {
  const action = message.attachments[0]?.content.actions?.find((one) => one.verb === verb);
  return action?.data ?? {};
}
