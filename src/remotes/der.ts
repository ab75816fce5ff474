/**
 * Reads DER, the encoding certificates are in (X.690): elements and what is in them. Node tells little of a certificate,
 * and its text of a name is made for people. Must not know what a certificate is.
 */

export interface Element {
  readonly tag: number;
  readonly content: Buffer;
}

/** The elements one after the other; throws when the bytes are no DER. */
export function elements(bytes: Buffer): readonly Element[] {
  const found: Element[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at] ?? 0;
    const first = bytes[at + 1] ?? 0;
    // Long tags and endless lengths do not occur in certificates.
    if ((tag & 0x1f) === 0x1f || first === 0x80 || first > 0x84) throw new TypeError('not DER');
    const more = first > 0x80 ? first - 0x80 : 0;
    const start = at + 2 + more;
    const length = more > 0 ? bytes.subarray(at + 2, start).reduce((sum, byte) => sum * 256 + byte, 0) : first;
    if (start + length > bytes.length) throw new TypeError('not DER');
    found.push({ tag, content: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return found;
}

/** The elements within one; none when it is not there. */
export const within = (element: Element | undefined): readonly Element[] => (element ? elements(element.content) : []);

/** An object identifier (or anything short) to compare with. */
export const hex = (element: Element | undefined): string => element?.content.toString('hex') ?? '';
