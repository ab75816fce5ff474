/**
 * What every door that takes something checks: the kind of body, its size, that it is JSON, and that there is one token at
 * most. Must not know what a body says or who may come in.
 */
import type { IncomingMessage } from 'node:http';

/** An activity with a few cards is some 50 KB; Teams itself limits messages to about 100 KB. */
const MOST_BODY_BYTES = 512 * 1024;

/** A refusal: status, a stable code, and a sentence for the developer on the other side. */
export class Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** When to come again, in seconds; for statuses that ask for it. */
  readonly retryAfterS: number;

  constructor(status: number, code: string, message: string, retryAfterS = 1) {
    this.status = status;
    this.code = code;
    this.message = message;
    this.retryAfterS = retryAfterS;
  }
}

/** The same words for every token that will not do, so that nobody learns why. */
export const unauthorized = (): Refusal => new Refusal(401, 'Unauthorized', 'The request is not authenticated.');

const tooLarge = (): Refusal => new Refusal(413, 'TooLarge', `A body may have ${MOST_BODY_BYTES} bytes at most.`);

/** Refuses a body that does not say that it is JSON. */
export function checkType(req: IncomingMessage): void {
  if (!/^application\/(?:[\w.+-]+\+)?json(?:\s*;|$)/i.test(req.headers['content-type'] ?? ''))
    throw new Refusal(415, 'UnsupportedMediaType', 'The body must be application/json.');
}

/** The Authorization header, or nothing; refuses several. */
export function bearerOf(req: IncomingMessage): string {
  // Node keeps the first of several; which of them another reader on the way has judged is anybody's guess.
  const [header = '', ...others] = req.headersDistinct['authorization'] ?? [];
  if (others.length > 0) throw unauthorized();
  return header;
}

/** The body as JSON; refuses what is too large or none. */
export async function readJson(req: IncomingMessage): Promise<unknown> {
  return parseJson(await readBody(req));
}

/** A body that was read as JSON; refuses what is none. */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new Refusal(400, 'BadJson', 'The body is not JSON.');
  }
}

/** The request that an address was made for (`?request=<id>`); one, and nothing that could not be an id. */
export function requestIn(url: string): string | null {
  const [id, ...others] = new URLSearchParams(url.split('?')[1]).getAll('request');
  return id !== undefined && others.length === 0 && /^[\w-]{1,64}$/.test(id) ? id : null;
}

/** Refuses a body that says that it is too large. */
export function checkSize(req: IncomingMessage): void {
  if (Number(req.headers['content-length'] ?? 0) > MOST_BODY_BYTES) throw tooLarge();
}

/** The body as it came, byte by byte; refuses what is too large. */
export async function readBody(req: IncomingMessage): Promise<Buffer> {
  checkSize(req);
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    for await (const piece of req as AsyncIterable<Buffer>) {
      size += piece.length;
      if (size > MOST_BODY_BYTES) throw tooLarge();
      pieces.push(piece);
    }
  } catch (cause) {
    // Whoever hangs up in the middle (a sender that waited long enough) is no fault of ours.
    throw cause instanceof Refusal ? cause : new Refusal(400, 'Incomplete', 'The body did not arrive whole.');
  }
  return Buffer.concat(pieces);
}
