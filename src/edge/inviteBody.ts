/**
 * Reads the body of `POST /api/InviteGuest` into what the guest form would hold: each key is found among the fields by
 * its name or headings, so a field that is added is taken here too. Pure. Must not know what a field means.
 * Keys and types: Governance Toolkit 365, API-invite-guest (2024-07).
 */
import type { Field, Raw } from '../requests/capability.ts';
import { fieldOf } from '../requests/fields.ts';
import { bad, good, type Problem, problem, type Result } from '../requests/problem.ts';
import { type Say, say } from '../requests/say.ts';

/** A body as it is understood. */
export interface InviteBody {
  readonly raw: Raw;
  /** Address or sign-in name of whoever the app asks for. */
  readonly requestedBy: string;
  /** The key under which each field came, so that a fault names what was sent. */
  readonly keys: ReadonlyMap<string, string>;
}

const REQUESTED_BY = 'requestedBy';
const MOST_KEYS = 100;

/** The body's meaning, or every fault; `field` of a fault is the key as it was sent. */
export function readInviteBody(body: unknown, fields: readonly Field[]): Result<InviteBody, readonly Problem[]> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return bad([problem('input', 'door.body')]);
  const faults: Problem[] = [];
  const fault = (key: string, sentence: Say | string): void => {
    faults.push(problem('input', sentence, { field: key }));
  };
  const raw: Record<string, string> = {};
  const keys = new Map<string, string>();
  const unknown: string[] = [];
  let requestedBy = '';

  for (const [key, value] of Object.entries(body).slice(0, MOST_KEYS)) {
    const isRequester = key.toLowerCase() === REQUESTED_BY.toLowerCase();
    const field = isRequester ? undefined : fieldOf(key, fields);
    if (!isRequester && (!field || field.kind === 'hidden')) {
      unknown.push(key);
      continue;
    }
    const name = field?.name ?? REQUESTED_BY;
    if (keys.has(name)) fault(key, say('door.key.twice', { key: keys.get(name) ?? name }));
    keys.set(name, key);
    if (value === null) continue;
    const text = textOf(value, field);
    if (typeof text !== 'string') fault(key, text);
    else if (isRequester) requestedBy = text.trim();
    else raw[name] = text;
  }

  if (unknown.length > 0)
    faults.push(problem('input', say('door.key.unknown', { keys: unknown.map((key) => key.slice(0, 60)).join(', ') })));
  if (requestedBy === '' && !faults.some(({ field }) => field === keys.get(REQUESTED_BY) && field !== undefined))
    fault(keys.get(REQUESTED_BY) ?? REQUESTED_BY, 'door.requester.missing');
  const who = fields.find(({ kind }) => kind === 'people');
  if (who && /@.*@/s.test(raw[who.name] ?? '')) fault(keys.get(who.name) ?? who.name, 'door.oneGuest');
  if (faults.length > 0) return bad(faults);
  // Graph sends no mail unless it is told to, and neither does what calls itself by the same name.
  const flags = fields
    .filter(({ kind, name }) => kind === 'toggle' && !(name in raw))
    .map(({ name }) => [name, 'false']);
  return good({ raw: { ...raw, ...Object.fromEntries(flags) }, requestedBy, keys });
}

/** A value as the form would hold it, or what is wrong with it. */
function textOf(value: unknown, field: Field | undefined): string | Say {
  if (field?.kind === 'toggle')
    return typeof value === 'boolean' || /^(?:true|false)$/i.test(String(value)) ? String(value) : say('door.key.flag');
  if (field?.kind === 'pairs')
    return typeof value === 'object' && !Array.isArray(value) ? pairsOf(value as object) : say('door.key.pairs');
  return typeof value === 'string' ? value : say('door.key.text');
}

/** None at all is as good as not there. */
const pairsOf = (value: object): string => (Object.keys(value).length === 0 ? '' : JSON.stringify(value));

/** The faults in one message, each with the key it is about. */
export function messageOf(
  faults: readonly Problem[],
  spoken: (sentence: Say) => string,
  keyOf: (field: string) => string = (field) => field,
): string {
  return faults
    .map(({ field, say: sentence }) => [field ? keyOf(field) : '', spoken(sentence)].filter(Boolean).join(': '))
    .join(' ');
}
