/**
 * Fetches a small file from an address that was judged before: no redirect is followed, no more is read than agreed, and
 * nobody waits longer than agreed. Must not know what is in the file, or which addresses are good.
 */

export interface FetchLimits {
  readonly timeoutMs: number;
  readonly mostBytes: number;
}

/** The file's bytes; rejects when there are none to be had, whatever the reason (a RangeError: there are too many). */
export async function fetchFile(url: string, { timeoutMs, mostBytes }: FetchLimits): Promise<Buffer> {
  const answer = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) });
  if (answer.status !== 200 || !answer.body) {
    await answer.body?.cancel();
    throw new TypeError(`answered ${answer.status}`);
  }
  const pieces: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop early hangs up.
  for await (const piece of answer.body) {
    size += piece.length;
    if (size > mostBytes) throw new RangeError(`has more than ${mostBytes} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
