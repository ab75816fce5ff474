/**
 * The chain over the audit: every line has a digest of its payload, and every link hashes a line with the link before it,
 * so that a line that was changed, taken out, put in or moved is found. What a line says about people is only in its
 * payload, and only its digest in the chain: a payload may be erased, if another line tells of it, and the chain's beginning
 * cut off, while the rest still proves itself. Pure; must not know how lines are kept.
 *
 * What it cannot tell: that somebody with the database and this program wrote the whole chain anew. The head is therefore
 * shown to people (in receipts and in the audit file): one that was noted down has to be in the chain later on.
 */
import { hash, randomBytes } from 'node:crypto';
import { type Say, say } from '../say.ts';
import { addTold, type ByPart, ERASING, noLines, PARTS } from './erasures.ts';

/** A place in the chain: how many links lead up to it, and the hash of the last. */
export interface Anchor {
  readonly n: number;
  readonly hash: string;
}

/** Where the chain begins now. */
export interface Cut extends Anchor {
  /** When what lay before was removed, epoch ms; null: it never was. */
  readonly at: number | null;
}

/** A part of a payload as it is kept: the text with its salt; both null: erased, its digest remains. */
export interface Part {
  readonly text: string | null;
  readonly salt: string | null;
  readonly digest: string;
}

/** A line of the audit as the chain sees it. */
export interface ChainLine {
  readonly seq: number;
  /** Epoch ms. */
  readonly at: number;
  readonly tenantId: string;
  readonly requestId: string | null;
  readonly what: string;
  readonly who: Part;
  /** JSON. */
  readonly detail: Part;
}

/** A link, with the line it is about; null: there is no such line (any more). */
export interface Link extends Anchor {
  readonly seq: number;
  readonly line: ChainLine | null;
}

/** What lies before the first link. */
export const BEGINNING = '0'.repeat(64);

/** 128 random bits: without them an erased text could be guessed by trying all that are likely. */
const SALT_BYTES = 16;

/** A part as it is written: salted anew each time. */
export function sealPart(text: string | null): Part & { readonly salt: string } {
  const salt = newSalt();
  return { text, salt, digest: digestOf(text, salt) };
}

/** Salts that nobody used yet, in hex: drawn one by one they cost more than the digests (5 µs each, measured). */
let salts = '';
let used = 0;

function newSalt(): string {
  if (used === salts.length) {
    salts = randomBytes(SALT_BYTES * 256).toString('hex');
    used = 0;
  }
  const from = used;
  used += SALT_BYTES * 2;
  return salts.slice(from, used);
}

function digestOf(text: string | null, salt: string): string {
  return hash('sha256', JSON.stringify([salt, text]));
}

/** The hash of the link that adds a line to the chain. */
export function linkOf(previous: string, { seq, at, tenantId, requestId, what, who, detail }: ChainLine): string {
  const content = [previous, seq, at, tenantId, requestId, what, who.digest, detail.digest];
  return hash('sha256', JSON.stringify(content));
}

/** What a walk along the chain found. */
export type Verdict =
  | {
      readonly ok: true;
      /** Links that were walked. */
      readonly links: number;
      /** Lines of which something was erased. */
      readonly erased: number;
      readonly cut: Cut;
      readonly head: Anchor;
    }
  | {
      readonly ok: false;
      /** The first place that is not as it was written, in words. */
      readonly why: Say;
      readonly cut: Cut;
      /** A line lies among sealed ones and is not sealed. */
      readonly isBetween?: true;
    };

/** Where a walk reads what is kept. */
export interface Kept {
  /** Links after the n-th, page by page. */
  links(after: number): AsyncIterable<readonly Link[]>;
  /** The lines that are in no link yet. One that lies among sealed ones must not be there, so it seals before. */
  unsealed(): AsyncIterable<readonly ChainLine[]>;
}

/**
 * Walks the chain from its cut on, page by page, while others go on writing. Who erases a payload tells of it in the same
 * transaction, in a line further on: what is gone is looked for in all that had been written by then, so the end of the
 * chain is walked again until that is certain.
 */
export async function verify(cut: Cut, kept: Kept): Promise<Verdict> {
  const walk = new Walk(cut);
  for (let missed: ByPart | null = null; ; ) {
    const broken = (await walk.alongLinks(kept)) ?? (await walk.alongUnsealed(kept));
    if (broken) return broken;
    const untold = missed === null ? null : walk.firstUntold(missed);
    if (untold !== null) return walk.broken('chain.broken.erased', { seq: untold });
    if (walk.firstUntold() === null) return walk.end();
    missed = walk.gone();
  }
}

class Walk {
  readonly #cut: Cut;
  #head: Anchor;
  #links = 0;
  #erased = 0;
  #lastSeq = 0;
  /** Of which lines something is gone, and of which a line tells that. */
  readonly #gone = noLines();
  readonly #told = noLines();

  constructor(cut: Cut) {
    this.#cut = cut;
    this.#head = { n: cut.n, hash: cut.hash };
  }

  broken(key: string, values: Say['with']): Verdict & { readonly ok: false } {
    return { ok: false, why: say(key, values), cut: this.#cut };
  }

  end(): Verdict {
    return { ok: true, links: this.#links, erased: this.#erased, cut: this.#cut, head: this.#head };
  }

  async alongLinks({ links }: Kept): Promise<Verdict | null> {
    for await (const page of links(this.#head.n)) {
      for (const link of page) {
        if (link.n !== this.#head.n + 1) return this.broken('chain.broken.link', { n: this.#head.n + 1 });
        const { line } = link;
        const where = { n: link.n, seq: link.seq };
        if (line === null) return this.broken('chain.broken.gone', where);
        if (!isWhole(line)) return this.broken('chain.broken.payload', where);
        if (link.hash !== linkOf(this.#head.hash, line)) return this.broken('chain.broken.hash', where);
        this.#head = { n: link.n, hash: link.hash };
        this.#lastSeq = Math.max(this.#lastSeq, link.seq);
        if (PARTS.some((part) => isErased(line, part))) this.#erased++;
        this.#links++;
        this.#note(line);
      }
    }
    return null;
  }

  async alongUnsealed({ unsealed }: Kept): Promise<Verdict | null> {
    for await (const page of unsealed()) {
      const between = page.find(({ seq }) => seq < this.#lastSeq);
      if (between) return { ...this.broken('chain.broken.between', { seq: between.seq }), isBetween: true };
      const changed = page.find((line) => !isWhole(line));
      if (changed) return this.broken('chain.broken.unsealed', { seq: changed.seq });
      for (const line of page) this.#note(line);
    }
    return null;
  }

  #note(line: ChainLine): void {
    for (const part of PARTS) if (isErased(line, part)) this.#gone[part].add(line.seq);
    if (line.what === ERASING) addTold(this.#told, { seq: line.seq, detail: line.detail.text });
  }

  /** What is gone by now. */
  gone(): ByPart {
    return { who: this.#gone.who.copy(), detail: this.#gone.detail.copy() };
  }

  /** The first line of which something is gone, and no line tells it. */
  firstUntold(gone: ByPart = this.#gone): number | null {
    const untold = PARTS.flatMap((part) => gone[part].firstOutside(this.#told[part]) ?? []);
    return untold.length === 0 ? null : Math.min(...untold);
  }
}

const isErased = (line: ChainLine, part: (typeof PARTS)[number]): boolean => line[part].salt === null;

/** Every part of a payload is as it was written, or gone altogether. */
const isWhole = ({ who, detail }: ChainLine): boolean =>
  [who, detail].every(({ text, salt, digest }) => (salt === null ? text === null : digest === digestOf(text, salt)));
