/**
 * Cards as they occur, each twice: with ordinary text, and with `hostile` text in every place a person can reach.
 * Every rule in cards.test.ts is held over all of them in every language.
 */

import { GUEST_FIELDS } from '../../src/capabilities/guest/input.ts';
import { newDealFields } from '../../src/capabilities/referral/newDeal.ts';
import type { View } from '../../src/cards/view.ts';
import { formView, helpView, listView, noticeView, requestView } from '../../src/cards/views.ts';
import { type Words, words } from '../../src/cards/words.ts';
import type { Raw } from '../../src/requests/capability.ts';
import { problem } from '../../src/requests/problem.ts';
import type { Request, RequestState } from '../../src/requests/request.ts';
import { type Say, say } from '../../src/requests/say.ts';
import type { Story } from '../../src/requests/story.ts';
import { SETTINGS } from '../support/settings.ts';

/** Markdown that must never be rendered, text that looks like a template, like a key, like a placeholder. */
export const HOSTILE = '[x](https://evil.example) **b** $\u007btitle} {{name}} say:form.cancel $& `';

/** A text nobody would type by chance; the longest a person can send. */
export const LONGEST = '字"\\'.repeat(9000);

const AT = Date.UTC(2026, 2, 12, 14, 5);

export function request(more: Partial<Request> = {}): Request {
  return {
    id: 'R-7KQ2M',
    key: 'form:a:b:0',
    capability: 'guest',
    subject: 'ana@partner.example',
    standing: null,
    tenantId: 'tenant',
    requester: { id: 'u1', name: 'Ingrid Vogel', locale: 'en-GB', timeZone: 'Europe/Berlin' },
    place: {
      kind: 'personal',
      conversationId: 'a',
      serviceUrl: 'https://smba.example/',
      tenantId: 'tenant',
      botId: '28:b',
      userId: '29:u',
    },
    input: {},
    state: 'queued',
    version: 1,
    fence: 0,
    nextAt: AT,
    attempts: 0,
    lost: [],
    signals: 0,
    note: null,
    outcome: null,
    problem: null,
    question: null,
    approval: null,
    isDry: false,
    erasedAt: null,
    createdAt: AT,
    updatedAt: AT,
    ...more,
  };
}

/** The samples' own sentences need no catalogue: they are their text. */
const quote = (text: string): Say => say('sample', { text });

/** Words that also know the samples' own sentences. */
export function sampleWords(locale: string): Words {
  const real = words(locale);
  return { ...real, say: (one) => (one.key === 'sample' ? String(one.with?.['text']) : real.say(one)) };
}

/** A story as a capability tells it, `text` in each place a person's text can come to. */
function story(text: string, more: Partial<Story> = {}): Story {
  return {
    title: quote(text === 'plain' ? 'Ana Duarte as a guest' : text),
    sentence: quote(
      text === 'plain' ? 'Microsoft has invited Ana. The mail is on its way to ana@partner.example.' : text,
    ),
    tone: 'neutral',
    rows: [
      { label: quote('Guest'), text: text === 'plain' ? 'Ana Duarte, ana@partner.example' : text },
      { label: quote('Team'), text: text === 'plain' ? 'Apollo' : text },
      { label: quote('Why'), text: text === 'plain' ? 'Joint proof of concept for the spring release' : text },
      { label: quote('Until'), text: quote(text === 'plain' ? '30 Jun 2026' : text) },
    ],
    buttons: [{ title: say('form.cancel'), verb: 'request.cancel' }],
    ...more,
  };
}

const STATES: readonly (readonly [RequestState, Story['tone']])[] = [
  ['queued', 'neutral'],
  ['sending', 'neutral'],
  ['waiting', 'neutral'],
  ['done', 'good'],
  ['failed', 'attention'],
  ['unsure', 'warning'],
];

/** Every sample by name. `text` is `plain` for ordinary text. */
export function samples(w: Words, text: string): Readonly<Record<string, View>> {
  const plain = text === 'plain';
  const own = (ordinary: string) => (plain ? ordinary : text);
  const about = { requester: { ...request().requester, name: own('Ingrid Vogel') } };
  const views: Record<string, View> = {};
  for (const [state, tone] of STATES) {
    views[`request-${state}`] = requestView(request({ ...about, state }), story(text, { tone }), w, {
      showLink: false,
    });
  }
  views['request-note'] = requestView(
    request({ ...about, state: 'queued', note: quote(own('Slowed down by Microsoft, continues at 14:20.')) }),
    story(text),
    w,
    { showLink: false },
  );
  views['request-approval'] = requestView(
    request({ ...about, state: 'awaiting approval' }),
    story(text, {
      tone: 'warning',
      inputs: [
        { id: 'words', kind: 'text', label: quote('Reason or question') },
        { id: 'until', kind: 'date', label: quote('Last day, if shorter'), value: '2026-06-30' },
      ],
      buttons: [
        {
          title: say('button.approve'),
          verb: 'request.approve',
          takesInputs: true,
          data: { asking: '0123456789abcdef' },
          style: 'positive',
        },
        {
          title: say('button.shorten'),
          verb: 'request.shorten',
          takesInputs: true,
          data: { asking: '0123456789abcdef' },
        },
        {
          title: say('button.refuse'),
          verb: 'request.refuse',
          takesInputs: true,
          data: { asking: '0123456789abcdef' },
          style: 'destructive',
        },
        { title: say('button.ask'), verb: 'request.ask', takesInputs: true, data: { asking: '0123456789abcdef' } },
      ],
    }),
    w,
    { showLink: false },
  );
  views['request-approval-others'] = requestView(
    request({ ...about, state: 'awaiting approval' }),
    story(text, { buttons: [{ title: say('button.look'), verb: 'request.look' }] }),
    w,
    { showLink: false },
  );
  views['request-question'] = requestView(
    request({ ...about, state: 'waiting' }),
    story(text, {
      tone: 'warning',
      question: {
        say: quote(own('There are two teams called Apollo. Which one do you mean?')),
        field: 'teamId',
        options: Array.from({ length: plain ? 2 : 30 }, (_, n) => ({
          title: own(n ? 'Apollo (Research)' : 'Apollo'),
          value: `5f0c1d7e-0000-4000-8000-00000000000${n}`,
        })),
      },
    }),
    w,
    { showLink: false },
  );
  views['request-search'] = requestView(
    request({ ...about, state: 'waiting' }),
    story(text, {
      question: {
        say: quote(own('2 people are called Bo. Whom do you mean?')),
        field: 'p0',
        search: 'people',
        options: Array.from({ length: plain ? 2 : 15 }, (_, n) => ({ title: own('Bo Berg'), value: `u${n}:Bo Berg` })),
      },
    }),
    w,
    { showLink: false },
  );
  views['request-full'] = requestView(
    request({ ...about, state: 'unsure', note: quote(own('Looking again in a minute.')) }),
    story(text, {
      tone: 'warning',
      rows: Array.from({ length: 14 }, (_, n) => ({
        label: quote(own(`Line ${n + 1}`)),
        text: own('ana@partner.example'),
      })),
      buttons: Array.from({ length: 6 }, () => ({
        title: say('list.open'),
        verb: 'request.retry',
        data: { text: own('again') },
      })),
      question: {
        say: quote(own('Did it arrive?')),
        field: 'arrived',
        options: Array.from({ length: 12 }, (_, n) => ({ title: own('Yes'), value: `${n}` })),
      },
      link: { label: quote(own('Ana can also use this link.')), url: LINK },
    }),
    w,
    { showLink: true },
  );
  views['request-link'] = requestView(
    request({ ...about, state: 'done' }),
    story(text, {
      tone: 'good',
      link: { label: quote(own('No mail was sent. Give Ana this link yourself.')), url: LINK },
    }),
    w,
    { showLink: true },
  );
  views['request-items'] = requestView(
    request({ ...about, state: 'done' }),
    story(text, {
      rows: [],
      page: { title: say('referral.page'), url: 'https://partner.microsoft.com/dashboard' },
      items: Array.from({ length: plain ? 3 : 12 }, (_, n) => ({
        title: own(`Contoso ${n + 1}`),
        state: quote(own('New · Pending')),
        sub: quote(own('50,000 USD, closes 15 Mar 2027')),
        command: `referral 5f0c1d7e-0000-4000-8000-0000000000${n + 10}`,
      })),
    }),
    w,
    { showLink: false },
  );
  const deal = newDealFields(SETTINGS.referralChoices);
  const dealForm = (values: Raw, faults: Parameters<typeof formView>[0]['problems'], checked: Say[]) =>
    formView(
      { capability: 'referralNew', fields: deal, values, problems: faults, checked, canCheck: true, formId: 'F-2' },
      w,
    );
  views['form-deal-checked'] = dealForm(
    { customer: own('Contoso'), value: own('50,000 USD'), close: '2027-03-15', half: 'a b' },
    [],
    [quote(own('All in order: Contoso, 50,000 USD, closing 15 Mar 2027.'))],
  );
  views['form-deal-full'] = dealForm(
    Object.fromEntries(deal.map(({ name }) => [name, own('Contoso')])),
    [problem('input', quote(own('Please name the currency.')), { field: 'value' })],
    [],
  );
  const form = (values: Raw, faults: Parameters<typeof formView>[0]['problems']) =>
    formView({ capability: 'guest', fields: GUEST_FIELDS, values, problems: faults, formId: 'F-1' }, w);
  views['form-empty'] = form({}, []);
  const filled: Raw = {
    people: own('Ana Duarte <ana@partner.example>\nBo Lindqvist bo@partner'),
    team: own('Apollo'),
    reason: own('Joint proof of concept'),
    until: own('30 June'),
    message: own('Welcome.\nSee you on Monday.'),
    displayName: own('Ana Duarte'),
    language: own('Portuguese'),
    userType: own('Guest'),
    more: own('project: Apollo'),
    cc: own('tim@partner.example'),
    redirectUrl: own('https://contoso.example'),
    sendMail: own('true'),
  };
  views['form-filled'] = form(filled, []);
  views['form-faulty'] = form(filled, [
    problem('input', quote(own('Line 2: “bo@partner” is not a full mail address.')), { field: 'people' }),
    problem('input', quote(own('Please choose a day after today.')), { field: 'until' }),
    problem('input', quote(own('Only addresses inside your company can get a copy.')), { field: 'cc' }),
    problem('denied', quote(own('Guests from partner.example need a reason.'))),
  ]);
  views['help'] = helpView(
    {
      commands: [
        {
          command: 'invite <people>',
          does: quote('Invites guests, and adds them to a team when you name one.'),
          example: 'invite ana@partner.example to team Apollo because joint PoC',
          button: { title: say('guest.form.title'), verb: 'form.open', data: { capability: 'guest' } },
        },
        {
          command: 'guests',
          does: quote('Lists the guests you asked for.'),
          button: { title: say('list.open'), verb: 'command.run', data: { text: 'guests' } },
        },
        { command: 'requests', does: quote('Lists what you asked for lately.') },
      ],
    },
    w,
  );
  const row = (n: number) => ({
    title: own(`Ana Duarte ${n}`),
    sub: own(`ana${n}@partner.example, asked 12 Mar 2026`),
    state: say(n % 3 ? 'state.waiting' : 'state.done'),
    requestId: `R-${n}`,
  });
  const list = (count: number) =>
    listView(
      {
        title: quote(own('Your guests')),
        empty: quote(own('You have not invited anyone yet.')),
        rows: Array.from({ length: count }, (_, n) => row(n + 1)),
        buttons: [{ title: say('guest.form.title'), verb: 'form.open', data: { capability: 'guest' } }],
      },
      w,
    );
  views['list-empty'] = list(0);
  views['list-three'] = list(3);
  views['list-long'] = list(23);
  views['notice'] = noticeView({ sentence: quote(own('Done. Nothing was sent.')) }, w);
  views['notice-welcome'] = noticeView(
    {
      title: say('bot.welcome.title'),
      sentence: say('bot.welcome'),
      buttons: [
        { title: say('guest.form.title'), verb: 'form.open', data: { capability: 'guest' } },
        { title: say('help.button.help'), verb: 'command.run', data: { text: 'help' } },
      ],
    },
    w,
  );
  views['notice-refusal'] = noticeView(
    { title: quote(own('Not allowed here')), sentence: quote(own('Guests cannot invite guests.')), tone: 'attention' },
    w,
  );
  views['notice-suggestion'] = noticeView(
    {
      sentence: quote(own('I do not know “invte ana@partner.example”. Did you mean one of these?')),
      tone: 'warning',
      buttons: ['invite', 'guests', 'requests'].map((word) => ({
        title: quote(own(`${word} ana@partner.example`)),
        verb: 'command.run',
        data: { text: own(`${word} ana@partner.example`) },
      })),
    },
    w,
  );
  return views;
}

/** As long as a real one. */
export const LINK = `https://login.microsoftonline.com/redeem?rd=https%3a%2f%2finvitations.microsoft.com%2fredeem%2f%3ftenant%3d${'9c'.repeat(16)}%26user%3d${'4e'.repeat(16)}%26ticket%3d${'Ab3'.repeat(20)}`;
