/**
 * Makes what a person typed in Teams readable: without the mention of the bot, with plain quotes and spaces.
 * Must not know commands.
 */
import { z } from 'zod/v4';

const Mention = z.looseObject({
  type: z.literal('mention'),
  text: z.string().optional(),
  mentioned: z.looseObject({ id: z.string() }),
});

const ENTITIES: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  '#39': "'",
  apos: "'",
  nbsp: ' ',
};

/** More than Teams takes in one message (about 28 KB), in characters: a pasted list is read to its end. */
export const MOST_TEXT = 32_000;

/** Marks that turn the reading direction, joiners of words, soft hyphens: nobody types them, they come along in a paste. */
const UNSEEN = /[\u00ad\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069]/g;

/** Whom the message mentions besides the bot, as Teams names them. */
export function readMentions(entities: unknown, botId: string): readonly { name: string; teamsId: string }[] {
  return (Array.isArray(entities) ? entities : []).flatMap((entity) => {
    const mention = Mention.safeParse(entity);
    if (!mention.success || !mention.data.text || mention.data.mentioned.id === botId) return [];
    const name = readText(mention.data.text, [], botId);
    return name === '' ? [] : [{ name, teamsId: mention.data.mentioned.id }];
  });
}

/** The text as meant: mentions of the bot gone, others as their names, entities decoded, quotes straight. */
export function readText(text: string, entities: unknown, botId: string): string {
  // Longer than all that one command can take; what follows would be refused, and is not worth the reading.
  let plain = text.slice(0, MOST_TEXT);
  for (const entity of Array.isArray(entities) ? entities : []) {
    const mention = Mention.safeParse(entity);
    if (!mention.success || !mention.data.text) continue;
    if (mention.data.mentioned.id === botId) plain = plain.replaceAll(mention.data.text, ' ');
  }
  return plain
    .replace(/<at\b[^>]*>([^<]*)<\/at>/gi, '$1')
    .replace(/<br\s*\/?>|<\/p>/gi, '\n')
    .replace(/<\/?(?:p|div|span|b|i|strong|em)\b[^>]*>/gi, '')
    .replace(/<a\b[^>]*>([^<]*)<\/a>/gi, '$1')
    .replace(/&(lt|gt|amp|quot|#39|apos|nbsp);/g, (_all, name: string) => ENTITIES[name] ?? '')
    .replace(UNSEEN, '')
    .replace(/[“”„‟«»]/g, '"')
    .replace(/[‘’‚‛]/g, "'")
    .replace(/[\u00a0\u2000-\u200b\u202f\u205f\u3000\ufeff]/g, ' ')
    .replace(/[^\S\n]+/g, ' ')
    .trim();
}
