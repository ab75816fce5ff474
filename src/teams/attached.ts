/**
 * A file that came with a message: fetched, read as a list, and filed as one request. What is typed beside it holds for all
 * its rows (`invite to team Apollo`). Must not know what the rows mean, or how files are kept.
 */
import { readArguments } from '../requests/arguments.ts';
import type { AnyCapability } from '../requests/capability.ts';
import { readFile } from '../requests/many/readFile.ts';
import { MOST_BYTES } from '../requests/many/rows.ts';
import { type Problem, problem } from '../requests/problem.ts';
import type { Request } from '../requests/request.ts';
import { say } from '../requests/say.ts';
import type { Teller } from '../requests/teller.ts';
import { findCommand } from './commands.ts';
import type { AttachedFile } from './files.ts';
import type { Shows, Turn, WishParts } from './wishes.ts';

/** What a list is saved as; a name without an ending may be one, too. */
const READABLE = /\.(?:csv|tsv|txt)$|^[^.]*$/i;

/** Posts the receipt of a new request, at once. */
export function receipt(teller: Teller, request: Request): Promise<void> {
  const message = { requestId: request.id, place: request.place, activityId: null, shownVersion: 0, tries: 0 };
  return teller.tell({ message, request });
}

export function openAttached(parts: WishParts) {
  const { desk, teller, capabilities, commands, filePlace, replies } = parts;
  const lists = [...capabilities.values()].filter(({ list }) => list !== undefined);

  /** Which capability's list it is: the typed command's, or the only one there is. */
  function meant(text: string): { readonly capability: AnyCapability; readonly rest: string } | null {
    const typed = findCommand(text, commands);
    const named = lists.find(({ name }) => name === typed?.command.capability);
    if (typed && named && !typed.command.act) return { capability: named, rest: typed.rest };
    const [only] = lists;
    return only && !typed ? { capability: only, rest: '' } : null;
  }

  // In the turn, not later: its address is good for minutes, and nobody else may have it.
  return async (files: readonly AttachedFile[], text: string, turn: Turn): Promise<Shows> => {
    const said = (why: Problem): Shows => ({ said: why });
    const list = meant(text);
    const [file, ...others] = files;
    if (!list || !file) return said(problem('input', 'bot.files'));
    if (others.length > 0) return said(problem('input', 'many.file.one'));
    if (!READABLE.test(file.name)) return said(problem('input', 'many.file.notTable'));
    const { who, where, key } = turn;
    const { capability } = list;
    const typed = readArguments(list.rest, capability.fields);
    const common = await desk.arrange(capability, typed, who, where);
    const bytes = await filePlace.read(file.url, MOST_BYTES);
    if (!bytes.ok) return said(bytes.problem);
    const read = readFile(bytes.value, capability.fields, common);
    if (!read.ok) return said(read.problem);
    const name = file.name.slice(0, 120);
    const wish = { capability: capability.name, raw: common, who, where, key, activityId: null };
    const filed = await desk.submitList({ ...wish, ...read.value, name });
    if (!filed.ok) {
      const [first = problem('input', say('many.file.empty'))] = filed.problem;
      return { below: replies.problem(first, turn) };
    }
    if (filed.value.isNew) await Promise.all(filed.value.requests.map((request) => receipt(teller, request)));
    return { nothing: true };
  };
}
