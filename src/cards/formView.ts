/**
 * A capability's fields, what was typed and what is wrong with it, as the data of the form card. Pure. Must not know any
 * capability: words are found by the field's prefix and the capability's name.
 */
import type { Field, Raw } from '../requests/capability.ts';
import type { Problem } from '../requests/problem.ts';
import { type Say, say } from '../requests/say.ts';
import { beginning, bytes, kept, LIMITS, oneLine, shown } from './text.ts';
import { isVerb } from './verbs.ts';
import type { FieldView, FormView } from './view.ts';
import type { Words } from './words.ts';

export interface FormContent {
  /** Words: `<capability>.form.title`, `.intro`, `.submit`. Verb: `<capability>.submit`. */
  readonly capability: string;
  readonly fields: readonly Field[];
  /** What is filled in already. */
  readonly values: Raw;
  readonly problems: readonly Problem[];
  /** What would be done: said when somebody only checks. */
  readonly checked?: readonly Say[];
  /** Whether it can be checked without being sent. */
  readonly canCheck?: boolean;
  /** The request that failed and is to be sent anew. */
  readonly fixes?: string;
  /** Baked in when the form is rendered: a second press of the same form is the same intent. */
  readonly formId: string;
}

/** Longest text a field takes when it does not say so itself. */
const LONGEST: Readonly<Partial<Record<Field['kind'], number>>> = { people: 4000, lines: 2000, pairs: 2000, url: 1000 };
const OTHERWISE_LONGEST = 254;
/** Beyond this many choices one types to find the right one. */
const COMPACT_CHOICES = 15;
/** A form of so many fields leaves `formBytes` for what is typed; each further one takes this much of them. */
const USUAL_FIELDS = 12;
const FIELD_BYTES = 150;

/** The form as it was filled in, each fault beside its field. */
export function formView(content: FormContent, w: Words): FormView {
  const { capability, values, problems, formId, checked = [], canCheck = false } = content;
  const fields = content.fields.filter((field) => field.kind !== 'hidden');
  const hidden = content.fields.filter((field) => field.kind === 'hidden' && values[field.name]);
  const verb = `${capability}.submit`;
  if (!isVerb(verb)) throw new TypeError(`no card button may carry the verb ${verb} (see verbs.ts)`);
  const word = (name: string) => w.say({ key: `${capability}.form.${name}` });
  const faultOf = (field: Field) => problems.filter((problem) => problem.field === field.name);
  const fieldFaults = fields.filter((field) => faultOf(field).length > 0).length;
  const general = problems.filter((problem) => !fields.some((field) => field.name === problem.field));
  const lines = [
    ...(fieldFaults > 0 ? [w.say(say('form.check', { count: fieldFaults }))] : []),
    ...general.map((problem) => w.say(problem.say)),
  ].map((text) => ({ text: shown(text, LIMITS.fault) }));

  // What there is to choose from takes its share of the card, and so do many fields.
  const chosen = fields.flatMap((field) => field.choices ?? []);
  const taken = chosen.reduce((sum, one) => sum + bytes(one.value) + ('title' in one ? bytes(one.title) : 30) + 22, 0);
  const many = Math.max(fields.length - USUAL_FIELDS, 0) * FIELD_BYTES;
  const room = { bytes: Math.max(LIMITS.formBytes - taken - many, 0) };
  const views = new Map(
    fields.map((field) => [field, fieldView(field, values[field.name], faultOf(field), room, w)] as const),
  );
  const group = (more: boolean) => fields.filter((field) => (field.more ?? false) === more);
  const extra = group(true);
  const needsLook = (field: Field) => {
    const value = values[field.name] ?? '';
    return faultOf(field).length > 0 || (value === '' ? (field.required ?? false) : value !== field.fallback);
  };
  const { fixes } = content;
  const data = { ...Object.fromEntries(takenAlong(hidden, values)), ...(fixes ? { fixes } : {}), formId };
  const title = word('title');
  const intro = word('intro');
  return {
    template: 'form',
    summary: oneLine(`${title}: ${lines[0]?.text ?? intro}`, LIMITS.summary),
    title,
    intro,
    faults: lines.length > 0 ? [{ lines: lines.slice(0, LIMITS.faults) }] : [],
    checked: checked.length > 0 ? [{ lines: checked.map((one) => ({ text: shown(w.say(one), LIMITS.fault) })) }] : [],
    groups: [
      { id: 'group.main', isVisible: true, toggle: [], fields: group(false).map((field) => views.get(field)!) },
      ...(extra.length === 0
        ? []
        : [
            {
              id: 'group.more',
              isVisible: extra.some(needsLook),
              toggle: [{ target: 'group.more' }] as const,
              fields: extra.map((field) => views.get(field)!),
            },
          ]),
    ],
    submit: { title: word('submit'), verb },
    check: canCheck ? [{ title: word('check'), verb: `${capability}.check`, data }] : [],
    data,
  };
}

/** What a form takes along unseen stands in three buttons: what would not fit is left behind. */
function takenAlong(hidden: readonly Field[], values: Raw): readonly (readonly [string, string])[] {
  let room: number = LIMITS.hiddenBytes;
  return hidden.flatMap(({ name }) => {
    const value = values[name] ?? '';
    if (bytes(value) > room) return [];
    room -= bytes(value);
    return [[name, value] as const];
  });
}

/** A toggle as it may have been typed in chat. */
function isYes(typed: string): boolean | undefined {
  if (/^(true|yes|y|on|1|enabled)$/i.test(typed)) return true;
  return /^(false|no|n|off|0|disabled)$/i.test(typed) ? false : undefined;
}

/** `room.bytes` shrinks by what the value takes: all inputs of a form share one card's size. */
function fieldView(
  field: Field,
  typed: string | undefined,
  problems: readonly Problem[],
  room: { bytes: number },
  w: Words,
): FieldView {
  const whole = kept(typed ?? field.fallback ?? '');
  const size = bytes(whole);
  const value = size <= room.bytes ? whole : beginning(whole, room.bytes);
  room.bytes -= Math.min(size, room.bytes);
  const faults = problems.map((problem) => w.say(problem.say));
  // Cutting what someone typed must not pass unseen.
  if (value !== whole) faults.unshift(w.say(say('form.shortened')));
  const words = (name: string) => w.say({ key: `${field.words}.${name}` });
  const input = {
    id: field.name,
    label: words('label'),
    placeholder: words('placeholder'),
    value,
    isRequired: field.required ?? false,
    errorMessage: words('missing'),
  };
  const none = { text: [], date: [], toggle: [], choice: [] } as const;
  const fault = faults.length > 0 ? ([{ text: shown(faults.join(' '), LIMITS.fault) }] as const) : ([] as const);
  // A date that was typed in words stays as it was typed; Input.Date would drop it.
  const kind = field.kind === 'date' && !/^(\d{4}-\d{2}-\d{2})?$/.test(value) ? 'text' : field.kind;
  switch (kind) {
    case 'date':
      return { ...none, fault, date: [input] };
    case 'toggle':
      return {
        ...none,
        fault,
        toggle: [{ ...input, value: String(isYes(value) ?? isYes(field.fallback ?? '') ?? false) }],
      };
    case 'choice':
    case 'choices': {
      const choices = (field.choices ?? []).map((choice) => ({
        title: 'title' in choice ? choice.title : w.say({ key: choice.words }),
        value: choice.value,
      }));
      const isMultiSelect = kind === 'choices';
      const chosen = (isMultiSelect ? value.split(',') : [value]).filter((one) =>
        choices.some((choice) => choice.value === one.trim()),
      );
      const style = choices.length > COMPACT_CHOICES ? 'filtered' : 'compact';
      return { ...none, fault, choice: [{ ...input, value: chosen.join(','), choices, isMultiSelect, style }] };
    }
    default: {
      const style = kind === 'email' || kind === 'url' ? kind : 'text';
      const isMultiline = kind === 'people' || kind === 'lines' || kind === 'pairs';
      const maxLength = Math.max(field.max ?? LONGEST[kind] ?? OTHERWISE_LONGEST, value.length);
      return { ...none, fault, text: [{ ...input, style, isMultiline, maxLength }] };
    }
  }
}
