/**
 * What a request's card tells: title, sentence, facts, buttons, before they have a language or a shape. Types alone; must not
 * know who tells it, or how it is drawn.
 */
import type { Question } from './request.ts';
import type { Say } from './say.ts';

/** A button on a request's card; `verb` is routed, who may press it is decided by the desk. */
export interface Button {
  readonly title: Say;
  readonly verb: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly style?: 'positive' | 'destructive';
  /** What stands in the card's inputs goes along. */
  readonly takesInputs?: true;
}

/** What a request's card tells, before it has a language or a shape. A plain string is text a person typed. */
export interface Story {
  readonly title: Say;
  /** Instead of the state's own word. */
  readonly state?: Say;
  readonly sentence: Say;
  readonly tone: 'neutral' | 'good' | 'warning' | 'attention';
  readonly rows: readonly { readonly label: Say; readonly text: string | Say }[];
  readonly buttons: readonly Button[];
  readonly question?: Question;
  /** What may be typed or chosen on the card; it goes along with every button. */
  readonly inputs?: readonly CardInput[];
  /** What was found, each with a command that opens it. */
  readonly items?: readonly StoryItem[];
  /** Where the thing itself is to be seen, outside Teams. */
  readonly page?: { readonly title: Say; readonly url: string };
  /** A secret (redeem link): rendered only in 1:1 to the requester. */
  readonly link?: { readonly label: Say; readonly url: string };
}

/** `value` is what stands in it at first. */
export interface CardInput {
  readonly id: string;
  readonly kind: 'text' | 'date';
  readonly label: Say;
  readonly value?: string;
}

export interface StoryItem {
  readonly title: string;
  readonly state: Say;
  readonly sub: Say;
  /** Typed for whoever presses Open. */
  readonly command: string;
}
