/**
 * Days as people type them ("15 Mar", "tomorrow", "2027-03-15"), in the time zone of whoever typed them. Pure; must not
 * know what a day is for.
 */
// English only: with all languages it takes 250 ms to load instead of 55.
import * as chrono from 'chrono-node/en';
import { DateTime, Info } from 'luxon';
import type { Surroundings } from '../requests/capability.ts';
import type { Person } from '../requests/request.ts';

/** Whether a text begins like a day. What only looks like one counts as well, so that it gets its own fault (31 Feb). */
export function looksLikeDay(text: string): boolean {
  return (
    /^(?:\d|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s+\d)/i.test(text) ||
    chrono.parse(text.slice(0, 60), undefined, { forwardDate: true })[0]?.index === 0
  );
}

/**
 * The day as an ISO date (no time), or why it is none: it cannot be read, or it is over (`was`). A day without a year is the
 * next.
 */
export function readDay(
  typed: string,
  around: Pick<Surroundings, 'requester' | 'now'>,
): { readonly day: string } | { readonly wrong: 'unreadable' } | { readonly wrong: 'past'; readonly was: string } {
  const told = around.requester.timeZone;
  const zone = told && Info.isValidIANAZone(told) ? told : 'utc';
  const today = DateTime.fromMillis(around.now, { zone });
  let day = DateTime.fromISO(typed, { zone });
  if (!day.isValid) {
    const [found] = chrono.parse(typed, { instant: today.toJSDate(), timezone: today.offset }, { forwardDate: true });
    if (found)
      day = DateTime.fromObject(
        {
          year: found.start.get('year') ?? today.year,
          month: found.start.get('month') ?? 1,
          day: found.start.get('day') ?? 1,
        },
        { zone },
      );
  }
  if (!day.isValid) return { wrong: 'unreadable' };
  const iso = day.toISODate() ?? '';
  return day < today.startOf('day') ? { wrong: 'past', was: iso } : { day: iso };
}

/** When a day begins (or the one so many days later), in the time zone of whoever asked; epoch ms. */
export function beginningOf(day: string, { requester }: Pick<Surroundings, 'requester'>, plusDays = 0): number {
  const told = requester.timeZone;
  const zone = told && Info.isValidIANAZone(told) ? told : 'utc';
  return DateTime.fromISO(day, { zone }).plus({ days: plusDays }).startOf('day').toMillis();
}

/** A day up to today: one without a year is the last that was. A day that can only be to come stays what it is. */
export function readPastDay(typed: string, around: Pick<Surroundings, 'requester' | 'now'>): string | null {
  const read = readDay(typed, around);
  if (!('day' in read)) return 'was' in read ? read.was : null;
  const isToCome = beginningOf(read.day, around) > around.now;
  if (!isToCome || /\d{4}|[a-z]day|tomorrow|next|week/i.test(typed)) return read.day;
  return DateTime.fromISO(read.day).minus({ years: 1 }).toISODate();
}

/** A day that may be over. `hasBeen`: a day without a year is the one that is nearest, not the next. */
export function readAnyDay(
  typed: string,
  around: Pick<Surroundings, 'requester' | 'now'>,
  hasBeen: boolean,
): string | null {
  const read = readDay(typed, around);
  if (!('day' in read)) return 'was' in read ? read.was : null;
  if (!hasBeen || /\d{4}/.test(typed)) return read.day;
  const next = DateTime.fromISO(read.day);
  const last = next.minus({ years: 1 });
  const isLast =
    around.now - last.toMillis() < next.toMillis() - around.now && !/[a-z]day|tomorrow|next|week/i.test(typed);
  return (isLast ? last.toISODate() : null) ?? read.day;
}

/** Epoch ms of a full hour of a day (ISO date) in a person's time zone; `days` later. */
export function hourOf(day: string, hour: number, { timeZone }: Pick<Person, 'timeZone'>, days = 0): number {
  const zone = timeZone && Info.isValidIANAZone(timeZone) ? timeZone : 'utc';
  return DateTime.fromISO(day, { zone }).plus({ days }).set({ hour }).toMillis();
}
