import assert from 'node:assert/strict';
import { GUEST_FIELDS } from '../../src/capabilities/guest/input.ts';
import { beginning, LIMITS, oneLine, shown } from '../../src/cards/text.ts';
import { formView, helpView, listView, noticeView, requestView, STATE_WORDS } from '../../src/cards/views.ts';
import type { Raw } from '../../src/requests/capability.ts';
import { type Problem, problem } from '../../src/requests/problem.ts';
import { REQUEST_STATES } from '../../src/requests/request.ts';
import { say } from '../../src/requests/say.ts';
import type { Story } from '../../src/requests/story.ts';
import { request, sampleWords } from './samples.ts';

const w = sampleWords('en-GB');
const text = (words: string) => say('sample', { text: words });

const STORY: Story = {
  title: text('Title'),
  sentence: text('Sentence.'),
  tone: 'neutral',
  rows: [],
  buttons: [{ title: say('form.cancel'), verb: 'request.cancel' }],
};

const show = (story: Partial<Story>, more: Parameters<typeof request>[0] = {}) =>
  requestView(request(more), { ...STORY, ...story }, w, { showLink: false });

const form = (values: Raw, problems: readonly Problem[] = []) =>
  formView({ capability: 'guest', fields: GUEST_FIELDS, values, problems, formId: 'F-1' }, w);

/** The fields of a form by name, whatever their kind. */
function fieldsOf(view: ReturnType<typeof form>) {
  return new Map(
    view.groups
      .flatMap((group) => group.fields)
      .map((field) => {
        const [input] = [...field.text, ...field.date, ...field.toggle, ...field.choice];
        return [input!.id, { ...field, value: input!.value, kind: field.date.length ? 'date' : 'other' }] as const;
      }),
  );
}

describe('a request card', () => {
  it('has a word for every state', () => {
    for (const state of REQUEST_STATES) assert.ok(show({}, { state }).state.length > 0);
    assert.equal(new Set(Object.values(STATE_WORDS)).size, REQUEST_STATES.length);
  });

  it('puts the id of its request into every button, whatever the button brings along', () => {
    const view = show({
      buttons: [{ title: text('Again'), verb: 'guest.again', data: { requestId: 'another', text: 'x' } }],
    });
    assert.deepEqual(view.buttons[0]?.data, { requestId: 'R-7KQ2M', text: 'x' });
  });

  it('does not say the same thing twice', () => {
    const same = text('Sentence.');
    const question = { say: same, field: 'team', options: [{ title: 'Apollo', value: '1' }] };
    const view = show({ question }, { note: same });
    assert.deepEqual([view.note, view.question[0]?.text], [[], []]);
    assert.deepEqual(show({}, { note: text('Slow.') }).note, [{ text: 'Slow.' }]);
  });

  it('counts the rows it has no room for', () => {
    const rows = Array.from({ length: 25 }, (_, n) => ({ label: text(`Row ${n}`), text: `${n}` }));
    const view = show({ rows });
    assert.equal(view.rows.length, LIMITS.requestRows);
    assert.deepEqual(view.rows.at(-1), { label: 'More', text: '10 more lines' });
    assert.equal(show({ rows: rows.slice(0, LIMITS.requestRows) }).rows.at(-1)?.text, '15');
  });

  it('keeps the values of options whole, since they come back as they are', () => {
    const options = Array.from({ length: 20 }, (_, n) => ({
      title: 'T'.repeat(500),
      value: `team:${n}:${'v'.repeat(90)}`,
    }));
    const view = show({ question: { say: text('Which?'), field: 'team', options } });
    assert.deepEqual(
      view.question[0]?.choose[0]?.options.map((option) => option.value),
      options.map((option) => option.value),
    );
  });

  it('refuses a verb that nobody routes', () => {
    assert.throws(() => show({ buttons: [{ title: text('x'), verb: 'guest.explode' }] }), /guest\.explode/);
  });

  it('drops a button rather than let a long command burst the card', () => {
    const button = (size: number) => ({ title: text('Run'), verb: 'command.run', data: { text: 'x'.repeat(size) } });
    assert.equal(noticeView({ sentence: text('?'), buttons: [button(100), button(5000)] }, w).buttons.length, 1);
  });

  it('puts buttons with long titles below each other', () => {
    const buttons = (...titles: string[]) =>
      noticeView(
        { sentence: text('?'), buttons: titles.map((title) => ({ title: text(title), verb: 'request.show' })) },
        w,
      );
    assert.deepEqual([buttons('Invite', 'Help').buttons.length, buttons('Invite', 'Help').stacked.length], [2, 0]);
    const long = buttons('invite ana@partner.example', 'guests ana@partner.example');
    assert.deepEqual([long.buttons.length, long.stacked.length], [0, 2]);
  });

  it('has a summary on one line', () => {
    assert.equal(show({ sentence: text('One.\n\n  Two.') }).summary, 'Title: One. Two.');
  });
});

describe('a form', () => {
  it('comes back as it was filled in, with each fault beside its field', () => {
    const typed = { people: 'Ana <ana@partner.example>\nbo@', team: 'Apollo', reason: 'PoC', until: '2026-06-30' };
    const fields = fieldsOf(form(typed, [problem('input', text('Not an address.'), { field: 'people' })]));
    for (const [name, value] of Object.entries(typed)) assert.equal(fields.get(name)?.value, value);
    assert.deepEqual(fields.get('people')?.fault, [{ text: 'Not an address.' }]);
    assert.deepEqual(fields.get('team')?.fault, []);
  });

  it('says on top that nothing was sent, and what belongs to no field', () => {
    assert.deepEqual(form({}).faults, []);
    const faults = [
      problem('input', text('Bad.'), { field: 'cc' }),
      problem('denied', text('Not here.')),
      problem('denied', text('Nor there.'), { field: 'no such field' }),
    ];
    assert.deepEqual(
      form({}, faults).faults[0]?.lines.map((line) => line.text),
      ['Nothing was sent. Please check the marked field.', 'Not here.', 'Nor there.'],
    );
  });

  it('joins several faults of one field', () => {
    const faults = ['One.', 'Two.'].map((words) => problem('input', text(words), { field: 'people' }));
    assert.deepEqual(fieldsOf(form({}, faults)).get('people')?.fault, [{ text: 'One. Two.' }]);
  });

  it('opens its further options when one of them is filled in or at fault', () => {
    const isOpen = (view: ReturnType<typeof form>) => view.groups[1]?.isVisible;
    assert.equal(isOpen(form({})), false);
    assert.equal(isOpen(form({ sendMail: 'true', userType: 'Guest' })), false, 'defaults are not choices');
    assert.equal(isOpen(form({ sendMail: 'false' })), true);
    assert.equal(isOpen(form({ cc: 'a@b.example' })), true);
    assert.equal(isOpen(form({}, [problem('input', text('Bad.'), { field: 'cc' })])), true);
  });

  it('keeps a date that was typed in words', () => {
    assert.equal(fieldsOf(form({ until: '2026-06-30' })).get('until')?.kind, 'date');
    const typed = fieldsOf(form({ until: 'end of June' })).get('until');
    assert.deepEqual([typed?.kind, typed?.value], ['other', 'end of June']);
  });

  it('understands a toggle typed in chat', () => {
    for (const [typed, value] of Object.entries({
      yes: 'true',
      NO: 'false',
      '1': 'true',
      off: 'false',
      what: 'true',
    })) {
      assert.equal(fieldsOf(form({ sendMail: typed })).get('sendMail')?.value, value, typed);
    }
  });

  it('says so when it had to shorten what was pasted', () => {
    const lines = Array.from({ length: 3000 }, (_, n) => `person${n}@partner.example`);
    const people = fieldsOf(form({ people: lines.join('\n') })).get('people');
    assert.match(people?.fault[0]?.text ?? '', /too long/);
    const kept = people?.value.split('\n') ?? [];
    assert.deepEqual(kept, lines.slice(0, kept.length), 'it ends after a whole line');
    assert.ok(kept.length > 300);
  });

  it('never allows less text than it already holds', () => {
    const [input] = fieldsOf(form({ people: 'x'.repeat(6000) })).get('people')?.text ?? [];
    assert.equal(input?.maxLength, 6000);
  });
});

describe('a list', () => {
  const row = { title: 'Ana', sub: 'a@b.example', state: say('state.done'), requestId: 'R-1' };
  const list = (count: number, more = 0) =>
    listView({ title: text('Yours'), empty: text('None yet.'), rows: Array(count).fill(row), more }, w);

  it('shows ten rows and says how many more there are', () => {
    assert.deepEqual([list(10).rows.length, list(10).end], [10, []]);
    assert.deepEqual([list(12, 3).rows.length, list(12, 3).end], [10, [{ text: '5 more are not shown.' }]]);
    assert.equal(list(12, 3).summary, 'Yours: 15 in all.');
  });

  it('has a sentence when it is empty', () => {
    assert.deepEqual(list(0).end, [{ text: 'None yet.' }]);
    assert.equal(list(0).summary, 'Yours: None yet.');
  });
});

describe('the help card', () => {
  it('offers the first four buttons of its commands', () => {
    const commands = Array.from({ length: 6 }, (_, n) => ({
      command: `c${n}`,
      does: text('Does.'),
      button: { title: text(`B${n}`), verb: 'command.run', data: { text: `c${n}` } },
    }));
    assert.deepEqual(
      helpView({ commands }, w).buttons.map((button) => button.title),
      ['B0', 'B1', 'B2', 'B3'],
    );
  });
});

describe('text on a card', () => {
  it('is cut with an ellipsis and never in the middle of a character', () => {
    assert.equal(shown('abcdef', 6), 'abcdef');
    assert.equal(shown('abcdefg', 6), 'abcde…');
    assert.equal(shown('👍👍👍👍', 6), '👍👍…');
    assert.equal(shown('👍'.repeat(1e6), 6), '👍👍…');
    assert.equal(oneLine(' a\n\tb ', 10), 'a b');
  });

  it('has no characters that break a card or disguise an address', () => {
    assert.equal(shown('a\u0000b\ud800c\u202ed\u2066e', 20), 'abcde');
    assert.equal(shown('', 5), '–');
    assert.equal(shown('\u0007', 5), '–');
  });

  it('that goes back into an input is cut after a whole line where there is one', () => {
    assert.equal(beginning('aaaa\nbbbb\ncccc', 14), 'aaaa\nbbbb');
    assert.equal(beginning('a'.repeat(100), 22).length <= 20, true);
  });
});
