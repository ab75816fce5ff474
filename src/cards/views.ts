/**
 * From what the spine tells (requests, stories, fields, problems) to the data of a card: puts Says into words and cuts
 * what is too long. Pure. Must not know templates' shapes beyond `view.ts`, nor who is looking: the caller decides what
 * may be shown.
 */

import type { Question, Request, RequestState } from '../requests/request.ts';
import { type Say, say } from '../requests/say.ts';
import type { Button, Story } from '../requests/story.ts';
import { bytes, LIMITS, oneLine, shown } from './text.ts';
import { isVerb } from './verbs.ts';
import type { ActionView, HelpView, ListView, Maybe, NoticeView, RequestView, Tone } from './view.ts';
import type { Words } from './words.ts';

export { type FormContent, formView } from './formView.ts';

const TONES: Readonly<Record<Story['tone'], Tone>> = {
  neutral: 'emphasis',
  good: 'good',
  warning: 'warning',
  attention: 'attention',
};

/** The sentence for each state of a request. */
export const STATE_WORDS: Readonly<Record<RequestState, string>> = {
  'awaiting approval': 'state.awaitingApproval',
  queued: 'state.queued',
  sending: 'state.sending',
  waiting: 'state.waiting',
  done: 'state.done',
  failed: 'state.failed',
  unsure: 'state.unsure',
  declined: 'state.declined',
  cancelled: 'state.cancelled',
};

/** A request's card. `showLink`: the story's link is a secret, given only to the requester in 1:1. */
export function requestView(
  request: Request,
  story: Story,
  w: Words,
  { showLink }: { readonly showLink: boolean },
): RequestView {
  const title = shown(w.say(story.title), LIMITS.title);
  const sentence = shown(w.say(story.sentence), LIMITS.sentence);
  const { id, requester, note, createdAt } = request;
  const { question, link, page } = story;
  const taking = story.buttons.filter(({ takesInputs }) => takesInputs);
  const others = story.buttons.filter(({ takesInputs }) => !takesInputs);
  // Often the note or the question is what the sentence says already.
  const extra = (more: Say | null, most: number): Maybe<{ readonly text: string }> => {
    const text = more ? shown(w.say(more), most) : sentence;
    return text === sentence ? [] : [{ text }];
  };
  return {
    template: 'request',
    summary: oneLine(`${title}: ${sentence}`, LIMITS.summary),
    tone: TONES[story.tone],
    title,
    state: shown(w.say(story.state ?? { key: STATE_WORDS[request.state] }), LIMITS.state),
    sentence,
    note: extra(note, LIMITS.note),
    rows: rowsOf(story, w),
    question: question
      ? [
          {
            text: extra(question.say, LIMITS.sentence),
            ...(question.search
              ? { choose: [], search: [{ options: optionsOf(question, w) }] }
              : { choose: [{ options: optionsOf(question, w) }], search: [] }),
            data: { requestId: id, field: question.field },
          },
        ]
      : [],
    items: (story.items ?? []).slice(0, LIMITS.listRows).map((item) => ({
      title: oneLine(item.title, LIMITS.title),
      state: oneLine(w.say(item.state), LIMITS.state),
      sub: oneLine(w.say(item.sub), LIMITS.value),
      data: { text: item.command, requestId: id, drawn: String(request.version) },
    })),
    inputs: (story.inputs ?? []).map(({ id: input, kind, label, value = '' }) => {
      const shownAs = [{ id: input, label: shown(w.say(label), LIMITS.label), value }] as const;
      return kind === 'date' ? { text: [], date: shownAs } : { text: shownAs, date: [] };
    }),
    page: page ? [{ title: oneLine(w.say(page.title), LIMITS.buttonTitle), url: page.url }] : [],
    link: link && showLink ? [{ label: shown(w.say(link.label), LIMITS.note), url: link.url }] : [],
    deciding: actions(taking, w, { requestId: id }),
    buttons: actions(others.slice(0, LIMITS.buttons - taking.length), w, { requestId: id }),
    footer: w.say(
      say('request.footer', {
        name: oneLine(requester.name, LIMITS.label),
        when: w.dateTime(createdAt, requester.timeZone),
        id,
      }),
    ),
  };
}

/** The first options that fit; their values are the capability's own and stay whole. */
function optionsOf(question: Question, w: Words): { readonly title: string; readonly value: string }[] {
  let room: number = LIMITS.optionBytes;
  return question.options.slice(0, LIMITS.options).flatMap((option) => {
    const title = oneLine(typeof option.title === 'string' ? option.title : w.say(option.title), LIMITS.choiceTitle);
    room -= bytes(title) + bytes(option.value) + 22;
    return room < 0 ? [] : [{ title, value: option.value }];
  });
}

function rowsOf(story: Story, w: Words): RequestView['rows'] {
  const all = story.rows;
  const fits = all.length <= LIMITS.requestRows ? all.length : LIMITS.requestRows - 1;
  const rows = all.slice(0, fits).map(({ label, text }) => ({
    label: shown(w.say(label), LIMITS.label),
    text: shown(typeof text === 'string' ? text : w.say(text), LIMITS.value),
  }));
  if (fits === all.length) return rows;
  const more = {
    label: w.say(say('request.more.label')),
    text: w.say(say('request.more', { count: all.length - fits })),
  };
  return [...rows, more];
}

/**
 * At most four buttons with the data of the card and their own. A button whose data no longer fits is left out: that
 * happens only to suggestions that repeat a very long command.
 */
function actions(buttons: readonly Button[], w: Words, data: Readonly<Record<string, string>> = {}): ActionView[] {
  const made: ActionView[] = [];
  let room: number = LIMITS.dataBytes;
  for (const button of buttons) {
    if (made.length === LIMITS.buttons) break;
    if (!isVerb(button.verb)) throw new TypeError(`no card button may carry the verb ${button.verb} (see verbs.ts)`);
    for (const name in button.data) room -= bytes(button.data[name]!);
    if (room < 0) break;
    made.push({
      title: oneLine(w.say(button.title), LIMITS.buttonTitle),
      verb: button.verb,
      data: { ...button.data, ...data },
      style: button.style ?? 'default',
    });
  }
  return made;
}

/** One command of the help card. */
export interface HelpItem {
  /** As typed, e.g. `invite <people>`. */
  readonly command: string;
  readonly does: Say;
  readonly example?: string;
  readonly button?: Button;
}

/** What Usher can do, command by command, the first four buttons below. */
export function helpView(
  { commands, intro = say('help.intro') }: { readonly commands: readonly HelpItem[]; readonly intro?: Say },
  w: Words,
): HelpView {
  const title = w.say(say('help.title'));
  const about = shown(w.say(intro), LIMITS.sentence);
  return {
    template: 'help',
    summary: oneLine(`${title}: ${about}`, LIMITS.summary),
    title,
    intro: about,
    commands: commands.slice(0, LIMITS.commands).map(({ command, does, example }) => ({
      command: shown(command, LIMITS.title),
      does: shown(w.say(does), LIMITS.value),
      example: maybe(example, (text) => ({ text: w.say(say('help.example', { example: shown(text, LIMITS.title) })) })),
    })),
    buttons: actions(
      commands.flatMap(({ button }) => (button ? [button] : [])),
      w,
    ),
  };
}

/** One line of a list. A plain string is text a person typed. */
export interface ListItem {
  readonly title: string | Say;
  readonly sub: string | Say;
  readonly state: Say;
  readonly requestId: string;
}

export interface ListContent {
  readonly title: Say;
  /** Said when there are no rows. */
  readonly empty: Say;
  readonly rows: readonly ListItem[];
  /** How many there are beyond `rows`. */
  readonly more?: number;
  readonly buttons?: readonly Button[];
}

/** The first ten rows, and how many more there are. */
export function listView({ title, empty, rows, more = 0, buttons = [] }: ListContent, w: Words): ListView {
  const heading = shown(w.say(title), LIMITS.title);
  const left = Math.max(0, rows.length - LIMITS.listRows) + more;
  const text = (content: string | Say) => (typeof content === 'string' ? content : w.say(content));
  const nothing = shown(w.say(empty), LIMITS.sentence);
  const rest = rows.length === 0 ? nothing : left > 0 ? w.say(say('list.more', { count: left })) : undefined;
  const lead = rows.length === 0 ? nothing : w.say(say('list.count', { count: rows.length + more }));
  return {
    template: 'list',
    summary: oneLine(`${heading}: ${lead}`, LIMITS.summary),
    title: heading,
    rows: rows.slice(0, LIMITS.listRows).map((row) => ({
      title: oneLine(text(row.title), LIMITS.title),
      sub: oneLine(text(row.sub), LIMITS.value),
      state: oneLine(w.say(row.state), LIMITS.state),
      data: { requestId: row.requestId },
    })),
    end: maybe(rest, (text) => ({ text })),
    buttons: actions(buttons, w),
  };
}

export interface NoticeContent {
  readonly sentence: Say;
  readonly title?: Say;
  readonly tone?: Story['tone'];
  readonly buttons?: readonly Button[];
}

/** One sentence: a refusal, an unknown command with what was probably meant, a welcome. */
export function noticeView({ sentence, title, tone = 'neutral', buttons = [] }: NoticeContent, w: Words): NoticeView {
  const text = shown(w.say(sentence), LIMITS.sentence);
  const heading = title && shown(w.say(title), LIMITS.title);
  const made = actions(buttons, w);
  // A phone shows about this much in a row of buttons, and not every client wraps it.
  const isWide = made.reduce((sum, button) => sum + button.title.length + 4, 0) > 44;
  return {
    template: 'notice',
    summary: oneLine(heading ? `${heading}: ${text}` : text, LIMITS.summary),
    tone: TONES[tone],
    title: maybe(heading, (text) => ({ text })),
    sentence: text,
    stacked: isWide ? made : [],
    buttons: isWide ? [] : made,
  };
}

function maybe<T, V>(value: T | undefined, make: (value: T) => V): Maybe<V> {
  return value === undefined ? [] : [make(value)];
}
