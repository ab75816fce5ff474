/**
 * What approvers press on their cards, what whoever asked answers them, and what waits for somebody's approval. Who they
 * are comes from the turn, what they may from the store. Must not know how anything is shown, HTTP or SQL.
 */
import type { Approvals, Ruling } from '../requests/approvals.ts';
import type { Desk } from '../requests/desk.ts';
import { problem, type Result } from '../requests/problem.ts';
import type { Request } from '../requests/request.ts';
import type { Replies } from './replies.ts';
import type { Shows, Turn } from './wishes.ts';

export interface RulingParts {
  readonly approvals: Approvals;
  readonly desk: Desk;
  readonly replies: Replies;
}

const RULINGS = ['approve', 'shorten', 'refuse', 'ask'] as const;

export interface Rulings {
  /** Null: it was none of these buttons. */
  pressed(verb: string, data: Readonly<Record<string, unknown>>, turn: Turn): Promise<Shows | null>;
}

export function openRulings({ approvals, desk, replies }: RulingParts): Rulings {
  /** The card as it is now, whether or not the press came to something; why it did not is said as well. */
  async function answered(id: string, done: Result<Request>, turn: Turn): Promise<Shows> {
    if (done.ok) return { instead: replies.card(done.value, turn), follows: done.value };
    const { problem: why } = done;
    const now = why.kind === 'clash' ? await desk.find(id, turn.where) : null;
    if (!now || !replies.mayOpen(now, turn)) return { said: why };
    // What was decided meanwhile, and by whom, is on the card that takes this one's place.
    return { instead: replies.card(now, turn), follows: now };
  }

  return {
    async pressed(verb, data, turn) {
      const text = (name: string): string => (typeof data[name] === 'string' ? data[name] : '');
      const id = text('requestId');
      if (verb === 'request.look') {
        const request = await desk.find(id, turn.where);
        if (!request || !replies.mayOpen(request, turn)) return { said: problem('gone', 'problem.movedOn') };
        return { instead: replies.card(request, turn) };
      }
      if (verb === 'request.reply')
        return answered(id, await approvals.reply(id, text('words'), turn.who, turn.where.tenantId), turn);
      const kind = RULINGS.find((one) => verb === `request.${one}`);
      if (!kind) return null;
      const ruling: Ruling =
        kind === 'approve'
          ? { kind }
          : kind === 'shorten'
            ? { kind, until: text('until') }
            : { kind, words: text('words') };
      return answered(id, await approvals.rule(id, ruling, text('asking'), turn.who, turn.where.tenantId), turn);
    },
  };
}
