/** Lists of guests in a walk: bringing one, finding its card, pressing its buttons. Must not know any case. */
import assert from 'node:assert/strict';
import type { Message } from './usher.ts';
import { buttonsOf, cardOf, type Lane, textOf } from './walk.ts';

/** The newest message about a list that says, or once said, this. An earlier list may still be told how it ended. */
export async function listCard(lane: Lane, what: RegExp, conversation = 'personal:rita'): Promise<Message> {
  const about = `"from":"bot".*(?:Guests from|List of).*(?:${what.source})`;
  const query = new URLSearchParams({ conversation, matches: about, count: '1', timeoutMs: '15000' });
  const waited = await lane.town.control(`wait?${query}`).catch(() => null);
  const cards = await lane.town.cards(conversation);
  const said = cards.slice(-3).map((one) => textOf(cardOf(one)));
  assert.ok(waited, `no list said ${what}; last the bot said ${JSON.stringify(said)}`);
  const last = cards.filter((one) => new RegExp(about).test(JSON.stringify(one))).at(-1);
  assert.ok(last);
  return last;
}

export async function press(lane: Lane, card: Message, verb: string, more: Record<string, unknown> = {}) {
  const action = cardOf(card).actions?.find((one) => one.verb === verb);
  assert.ok(action, `no button ${verb} among ${buttonsOf(card)}`);
  return lane.town.press(card.activityId, verb, action.data ?? {}, {}, more);
}

export const attach = (lane: Lane, text: string, name = 'guests.csv', said = '') =>
  lane.town.say(said, { attachments: [{ name, base64: Buffer.from(text).toString('base64') }] });

export async function invited(lane: Lane): Promise<string[]> {
  const sent = (await lane.town.invitations()).filter(({ status }) => status === 201);
  return sent.map(({ body }) => String(body?.['invitedUserEmailAddress']));
}
