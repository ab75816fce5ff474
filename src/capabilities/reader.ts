/**
 * Reads the fields of a capability out of raw text and gathers what is wrong with each, so that all faults are told at
 * once. Pure; must not know what a field means.
 */
import type { Field, Raw } from '../requests/capability.ts';
import { type Problem, problem } from '../requests/problem.ts';
import { type Say, say } from '../requests/say.ts';

export interface Reader {
  readonly faults: readonly Problem[];
  fault(field: string, sentence: Say | string): void;
  /** The field's text without space around it, or undefined; a fault, told once, when it is too long. */
  text(name: string): string | undefined;
  isTicked(name: string): boolean;
}

export function readerOf(raw: Raw, fields: readonly Field[]): Reader {
  const faults: Problem[] = [];
  const fault = (field: string, sentence: Say | string): void => {
    faults.push(problem('input', sentence, { field }));
  };
  const tooLong = new Set<string>();
  const text = (name: string): string | undefined => {
    const value = raw[name]?.trim();
    if (value === undefined || value === '') return undefined;
    const most = fields.find((one) => one.name === name)?.max;
    if (!most || value.length <= most) return value;
    if (!tooLong.has(name)) fault(name, say('problem.tooLong', { most, length: value.length }));
    tooLong.add(name);
    // The rest is looked at all the same, for other faults, but not at any length.
    return value.slice(0, most);
  };
  return { faults, fault, text, isTicked: (name) => /^(?:true|yes|y|on|1)$/i.test(raw[name]?.trim() ?? '') };
}

/** The object without its undefined members. */
export function given<T extends Record<string, unknown>>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
