/**
 * The data each template is filled with. A view is complete and in words: no null, no undefined, nothing left to decide.
 * What may be absent is a list of none or one, because a template repeats what a list holds and knows no conditions.
 * Whatever a person may have typed has to land in a TextRun, an input's value, a choice's title or an action's data.
 */

/** None or one. */
export type Maybe<T> = readonly [] | readonly [T];

/** Styles of a Container: the theme chooses the colours. */
export type Tone = 'emphasis' | 'good' | 'warning' | 'attention';

export interface ActionView {
  readonly title: string;
  readonly verb: string;
  readonly data: Readonly<Record<string, string>>;
  readonly style: 'default' | 'positive' | 'destructive';
}

interface AnyView {
  /** One plain line: the card's fallback text and the notification. */
  readonly summary: string;
}

/** An answer to choose. */
export interface Option {
  readonly title: string;
  readonly value: string;
}

export interface RequestView extends AnyView {
  readonly template: 'request';
  readonly tone: Tone;
  readonly title: string;
  readonly state: string;
  readonly sentence: string;
  /** What is going on at this moment. */
  readonly note: Maybe<{ readonly text: string }>;
  readonly rows: readonly { readonly label: string; readonly text: string }[];
  readonly question: Maybe<{
    /** Only when it says more than the sentence above. */
    readonly text: Maybe<{ readonly text: string }>;
    /** One of these two has the options: chosen among, or searched beyond (people of the organisation). */
    readonly choose: Maybe<{ readonly options: readonly Option[] }>;
    readonly search: Maybe<{ readonly options: readonly Option[] }>;
    /** The input's value arrives beside these, as `answer`. */
    readonly data: { readonly requestId: string; readonly field: string };
  }>;
  /** What was found. */
  readonly items: readonly {
    readonly title: string;
    readonly state: string;
    readonly sub: string;
    readonly data: { readonly text: string; readonly requestId: string; readonly drawn: string };
  }[];
  /** What may be typed or chosen; goes along with `deciding`. */
  readonly inputs: readonly {
    readonly text: Maybe<{ readonly id: string; readonly label: string; readonly value: string }>;
    readonly date: Maybe<{ readonly id: string; readonly label: string; readonly value: string }>;
  }[];
  readonly page: Maybe<{ readonly title: string; readonly url: string }>;
  readonly link: Maybe<{ readonly label: string; readonly url: string }>;
  /** Buttons that take the inputs along, and those that do not. */
  readonly deciding: readonly ActionView[];
  readonly buttons: readonly ActionView[];
  readonly footer: string;
}

interface InputView {
  readonly id: string;
  readonly label: string;
  readonly placeholder: string;
  readonly value: string;
  readonly isRequired: boolean;
  readonly errorMessage: string;
}

/** One input (exactly one of the four lists holds something) and the fault found in it. */
export interface FieldView {
  readonly text: Maybe<
    InputView & { readonly style: 'text' | 'email' | 'url'; readonly isMultiline: boolean; readonly maxLength: number }
  >;
  readonly date: Maybe<InputView>;
  /** `placeholder` is the text beside the box. */
  readonly toggle: Maybe<InputView>;
  readonly choice: Maybe<
    InputView & {
      readonly choices: readonly { readonly title: string; readonly value: string }[];
      readonly isMultiSelect: boolean;
      /** `filtered` is searched in by typing. */
      readonly style: 'compact' | 'filtered';
    }
  >;
  readonly fault: Maybe<{ readonly text: string }>;
}

export interface FormView extends AnyView {
  readonly template: 'form';
  readonly title: string;
  readonly intro: string;
  /** What is wrong in all, and the faults that belong to no field. */
  readonly faults: Maybe<{ readonly lines: readonly { readonly text: string }[] }>;
  /** What would be done, when somebody asked before sending. */
  readonly checked: Maybe<{ readonly lines: readonly { readonly text: string }[] }>;
  readonly groups: readonly {
    readonly id: string;
    readonly isVisible: boolean;
    /** The button that shows and hides the group. */
    readonly toggle: Maybe<{ readonly target: string }>;
    readonly fields: readonly FieldView[];
  }[];
  readonly submit: { readonly title: string; readonly verb: string };
  readonly check: Maybe<{
    readonly title: string;
    readonly verb: string;
    readonly data: Readonly<Record<string, string>>;
  }>;
  /** The form's id, and what it takes along unseen. */
  readonly data: Readonly<Record<string, string>>;
}

export interface HelpView extends AnyView {
  readonly template: 'help';
  readonly title: string;
  readonly intro: string;
  readonly commands: readonly {
    readonly command: string;
    readonly does: string;
    readonly example: Maybe<{ readonly text: string }>;
  }[];
  readonly buttons: readonly ActionView[];
}

export interface ListView extends AnyView {
  readonly template: 'list';
  readonly title: string;
  readonly rows: readonly {
    readonly title: string;
    readonly sub: string;
    readonly state: string;
    readonly data: { readonly requestId: string };
  }[];
  /** "12 more" or the sentence of an empty list. */
  readonly end: Maybe<{ readonly text: string }>;
  readonly buttons: readonly ActionView[];
}

export interface NoticeView extends AnyView {
  readonly template: 'notice';
  readonly tone: Tone;
  readonly title: Maybe<{ readonly text: string }>;
  readonly sentence: string;
  /** Buttons with long titles, one below the other. */
  readonly stacked: readonly ActionView[];
  readonly buttons: readonly ActionView[];
}

export type View = RequestView | FormView | HelpView | ListView | NoticeView;
