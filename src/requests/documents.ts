/**
 * The file of a request, by the name of its capability: what `request.file` on a card offers. Made when somebody takes it,
 * so that it says how things stand then. Must not know how a file reaches a person.
 */
import type { Result } from './problem.ts';
import type { Person, Request } from './request.ts';
import type { Say } from './say.ts';

export interface DocumentFile {
  /** With its ending, and without anything a file system refuses. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** `who` has been told apart before: it is whoever asked for the request. */
export type Document = (request: Request, who: Person) => Promise<Result<DocumentFile>>;
export type Documents = ReadonlyMap<string, Document>;

/** Puts a sentence into a person's language. */
export type Speak = (sentence: Say, locale: string) => string;
