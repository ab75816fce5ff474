/**
 * Lines of the audit that tell of which others something was erased. They stand in the chain like any line, so that a
 * payload that is gone without one was taken out by somebody else. A line is named by its seq alone: an erasing line is
 * written after those it names, so its hash holds their links, and these hold their digests.
 * Pure; must not know who erases, or why.
 */

/** What such a line is called. What it says itself is never erased: it speaks of nobody. */
export const ERASING = 'erased';

/** Parts of a payload, as columns and erasing lines call them. */
export const PARTS = ['who', 'detail'] as const;
export type PartName = (typeof PARTS)[number];

/** Lines by their seqs, in spans from the first to the last: what is erased together mostly lies together. */
export class Seqs {
  #spans: (readonly [number, number])[] = [];

  add(first: number, last = first): void {
    const before = this.#spans.at(-1);
    if (before && before[1] + 1 === first) this.#spans[this.#spans.length - 1] = [before[0], last];
    else this.#spans.push([first, last]);
  }

  copy(): Seqs {
    const one = new Seqs();
    one.#spans = [...this.#spans];
    return one;
  }

  /** The lowest that is not among the others; null: all are. */
  firstOutside(others: Seqs): number | null {
    const inside = others.#joined();
    let at = 0;
    for (const [first, last] of this.#joined()) {
      while ((inside[at]?.[1] ?? last) < first) at++;
      const [begins, ends] = inside[at] ?? [last + 1, last];
      if (begins > first) return first;
      if (ends < last) return ends + 1;
    }
    return null;
  }

  /** In order, and none touches the next. */
  #joined(): readonly (readonly [number, number])[] {
    const joined: [number, number][] = [];
    for (const [first, last] of this.#spans.toSorted((a, b) => a[0] - b[0])) {
      const before = joined.at(-1);
      if (before && before[1] + 1 >= first) before[1] = Math.max(before[1], last);
      else joined.push([first, last]);
    }
    return joined;
  }

  /** As an erasing line has it: `3..7 9`. */
  toString(): string {
    return this.#spans.map(([first, last]) => (first === last ? `${first}` : `${first}..${last}`)).join(' ');
  }
}

/** Of which lines something is gone, part by part. */
export type ByPart = Readonly<Record<PartName, Seqs>>;

export const noLines = (): ByPart => ({ who: new Seqs(), detail: new Seqs() });

/** What an erasing line says. */
export function tellErased(erased: Readonly<Record<PartName, readonly number[]>>): Readonly<Record<string, string>> {
  const told = PARTS.flatMap((part) => {
    const seqs = new Seqs();
    for (const seq of erased[part].toSorted((a, b) => a - b)) seqs.add(seq);
    return erased[part].length === 0 ? [] : [[part, String(seqs)]];
  });
  return Object.fromEntries(told);
}

/** Adds what an erasing line says to what is known to be erased. It can tell only of what was written before it. */
export function addTold(told: ByPart, { seq, detail }: { readonly seq: number; readonly detail: string | null }): void {
  const said: unknown = detail === null ? null : JSON.parse(detail);
  if (typeof said !== 'object' || said === null) return;
  for (const part of PARTS) {
    const text: unknown = Reflect.get(said, part);
    if (typeof text !== 'string') continue;
    for (const [, first, last = first] of text.matchAll(/(-?\d+)(?:\.\.(-?\d+))?/g))
      if (Number(last) < seq) told[part].add(Number(first), Number(last));
  }
}
