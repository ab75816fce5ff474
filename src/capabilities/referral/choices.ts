/**
 * What a deal may be described with, from the data that comes with the cards: the lists change, the code does not.
 * Pure; must not know where the data lies.
 */
import type { Field } from '../../requests/capability.ts';

export interface ReferralChoice {
  /** What Partner Center knows it by: an exact string, with its spaces and marks. */
  readonly id: string;
  /** What people read, where that differs. */
  readonly title?: string;
}

export interface ReferralChoices {
  readonly sizes: readonly ReferralChoice[];
  readonly industries: readonly ReferralChoice[];
  readonly products: readonly ReferralChoice[];
  readonly services: readonly ReferralChoice[];
  /** Solutions by category. */
  readonly solutions: readonly ReferralChoice[];
  readonly assistance: readonly ReferralChoice[];
}

/** Values of a field with several choices are joined by commas, and some ids hold one. */
const valueOfId = (id: string): string => id.replaceAll(',', '');

export const titleOf = ({ id, title }: ReferralChoice): string => title ?? id;

/** The choices as a form offers them. */
export const offered = (choices: readonly ReferralChoice[]): NonNullable<Field['choices']> =>
  choices.map((choice) => ({ value: valueOfId(choice.id), title: titleOf(choice) }));

/** What was chosen or typed (an id, a title, or their beginnings), or null for what is none of it. */
export function chosenIn(choices: readonly ReferralChoice[], typed: string): ReferralChoice | null {
  const wanted = plain(typed);
  if (wanted === '') return null;
  const exact = choices.find((one) => plain(one.id) === wanted || plain(titleOf(one)) === wanted);
  if (exact) return exact;
  const [only, ...others] = choices.filter((one) => plain(titleOf(one)).startsWith(wanted));
  return only && others.length === 0 ? only : null;
}

const plain = (text: string): string => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '');
