/**
 * The commands people may type, as one list: help, manifest and did-you-mean are built from it. Capabilities bring their
 * own commands. Must not know what the commands do.
 */
import { distance } from 'fastest-levenshtein';
import type { AnyCapability, Topic } from '../requests/capability.ts';

export interface Command {
  readonly name: string;
  /** The capability whose command it is, and which of its acts it does (else: files a request). */
  readonly capability?: string;
  readonly act?: string;
  /** Which help tells of it; none: the general one. */
  readonly topic?: Topic;
  /** Told only in the help of its topic. */
  readonly isAside?: boolean;
  /** Whether it can be filled in as a form. */
  readonly hasForm?: boolean;
  /** Words that mean it; the first is the one shown. */
  readonly words: readonly string[];
  /** How it is shown with what follows it, e.g. `request <id>`. */
  readonly usage: string;
  /** Catalogue key of what it does; `<key>.example` is not needed, `example` is typed text. */
  readonly does: string;
  readonly example?: string;
}

/** The commands that belong to no capability. */
export const DESK_COMMANDS: readonly Command[] = [
  {
    name: 'help',
    words: ['help', '?', 'hi', 'hello', 'hey', 'start', 'commands', 'what can you do'],
    usage: 'help',
    does: 'help.help',
  },
  {
    name: 'guests',
    words: ['guests'],
    usage: 'guests [pending | accepted | mine | from <domain>]',
    does: 'help.guests',
    topic: 'guests',
    example: 'guests from partner.example',
  },
  { name: 'guest', words: ['guest'], usage: 'guest <address>', does: 'help.guest', topic: 'guests', isAside: true },
  { name: 'requests', words: ['requests', 'my requests', 'history'], usage: 'requests', does: 'help.requests' },
  { name: 'request', words: ['request', 'status'], usage: 'request <id>', does: 'help.request' },
  {
    name: 'approvals',
    words: ['approvals', 'my approvals'],
    usage: 'approvals',
    does: 'help.approvals',
  },
  {
    name: 'check',
    words: ['check', 'dry run', 'try'],
    usage: 'check <any command>',
    does: 'help.check',
    example: 'check invite ana@partner.example',
  },
  { name: 'why', words: ['why', 'why is'], usage: 'why <address>', does: 'help.why', topic: 'rules' },
  {
    name: 'why not',
    words: ['why not'],
    usage: 'why not <address> [to team <name>]',
    does: 'help.whyNot',
    topic: 'rules',
  },
  {
    name: 'policy try',
    words: ['policy try', 'try policy'],
    usage: 'policy try <address> [to team <name>]',
    does: 'help.policyTry',
    topic: 'rules',
    isAside: true,
  },
  { name: 'cancel', words: ['cancel', 'stop'], usage: 'cancel <id>', does: 'help.cancel' },
  {
    name: 'sign in',
    words: ['sign in', 'login', 'log in', 'signin'],
    usage: 'sign in',
    does: 'help.signIn',
    topic: 'deals',
    isAside: true,
  },
  {
    name: 'sign out',
    words: ['sign out', 'logout', 'log out', 'signout'],
    usage: 'sign out',
    does: 'help.signOut',
    topic: 'deals',
    isAside: true,
  },
  { name: 'retry', words: ['retry', 'try again'], usage: 'retry <id>', does: 'help.retry' },
];

/** Every command: the capabilities' first, since they are what Usher is for. */
export function commandsOf(capabilities: ReadonlyMap<string, AnyCapability>): readonly Command[] {
  const own = [...capabilities.values()].flatMap((capability): Command[] => {
    const [first] = capability.commands;
    const [head] = capability.fields;
    if (first === undefined) return [];
    const command: Command = {
      name: first,
      capability: capability.name,
      topic: capability.topic,
      isAside: capability.isAside ?? false,
      hasForm: capability.fields.length > 0,
      words: capability.commands,
      usage: usageOf(capability, first),
      does: `help.${first.replaceAll(' ', '.')}`,
      ...(head?.kind === 'people' && head.required ? { example: `${first} ana@partner.example` } : {}),
    };
    return [command];
  });
  const acts = [...capabilities.values()].flatMap(({ name: capability, topic, acts = {} }) =>
    Object.entries(acts).flatMap(([act, { typed }]): Command[] => {
      if (!typed) return [];
      const { words, usage, does } = typed;
      return [{ name: words[0], capability, act, topic, isAside: true, words, usage, does }];
    }),
  );
  return [...own, ...acts, ...DESK_COMMANDS];
}

function usageOf(capability: AnyCapability, first: string): string {
  const [head, ...others] = capability.fields;
  const named = others.filter((field) => field.phrases && !field.more).map((field) => `[${field.phrases?.[0]} …]`);
  return [first, head ? (head.required ? `<${head.name}>` : `[${head.name}]`) : '', ...named].filter(Boolean).join(' ');
}

export interface Typed {
  readonly command: Command;
  /** What follows the command. */
  readonly rest: string;
}

/** The command the text begins with (any case; longest words first), or null. */
export function findCommand(text: string, commands: readonly Command[]): Typed | null {
  const clean = polite(text);
  const lower = clean.toLowerCase();
  const all = commands
    .flatMap((command) => command.words.map((word) => ({ command, word })))
    .sort((a, b) => b.word.length - a.word.length);
  for (const { command, word } of all) {
    if (!lower.startsWith(word)) continue;
    const rest = clean.slice(word.length);
    if (rest === '' || /^[\s:,.!?]/.test(rest)) return { command, rest: rest.replace(/^[\s:,.!?]+/, '') };
  }
  return null;
}

/** Without what people say before the command itself: a slash, a greeting, a please. */
function polite(text: string): string {
  return text
    .replace(/^[/!]\s*/, '')
    .replace(/^(?:hi|hello|hey)(?:\s+there)?[\s,.!]+(?=\S)/i, '')
    .replace(/^(?:can|could|would|will) you\s+/i, '')
    .replace(/^(?:please|pls)\s+/i, '');
}

/** Commands somebody may have meant, nearest first, with what they typed after it kept. */
export function didYouMean(text: string, commands: readonly Command[]): readonly string[] {
  const typed = polite(text).split(/\s+/);
  const near = commands
    .flatMap(({ words }) => words)
    .map((word) => {
      const length = word.split(' ').length;
      const far = distance(typed.slice(0, length).join(' ').toLowerCase(), word);
      return { far, word, guess: [word, ...typed.slice(length)].join(' ') };
    })
    .filter(({ word, far }) => far <= Math.max(1, Math.floor(word.length / 3)))
    .sort((a, b) => a.far - b.far)
    .map(({ guess }) => guess);
  // A text with an address in it was probably meant to invite somebody.
  const addresses = text.match(/[^\s<>,;"]+@[^\s<>,;"]+/g);
  if (near.length === 0 && addresses) near.push(`${commands[0]?.words[0] ?? 'help'} ${addresses.join(', ')}`);
  return [...new Set(near)].slice(0, 3);
}
