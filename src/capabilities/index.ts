/**
 * The list of capabilities. A new one is a file beside this and a line here; everything else (routes, form, help,
 * retry, history) follows from its description.
 */
import type { AnyCapability } from '../requests/capability.ts';
import { type GuestSettings, guest } from './guest/guest.ts';

export function capabilities(settings: GuestSettings): ReadonlyMap<string, AnyCapability> {
  const all: readonly AnyCapability[] = [guest(settings)];
  return new Map(all.map((one) => [one.name, one]));
}
