/** The strip above the meeting chat: whether the meeting runs, who is in, whom it rings at, and how people behave. */
import { post, readTelephony } from './api.js';
import { avatar, byId, el, toast } from './dom.js';

const behaviours = [
  ['answers', 'Answers'],
  ['declines', 'Declines'],
  ['silent', 'Never answers'],
  ['lobby', 'Waits in the lobby'],
  ['unreachable', 'Cannot be reached'],
  ['mediaError', 'Media fails'],
  ['serverError', 'Service fails'],
];
const states = { in: 'In', lobby: 'In the lobby', ringing: 'Ringing', out: '' };

let shown = false;
let open = false;
let view = null;
let timer;

const send = (path, body) => post(path, body).catch((error) => toast(error.message));
const act = (action, person) => send('telephony', { action, person, meeting: 'meeting' });

/** Reads what the calling service knows, once for many changes, and draws it. */
export function readWhoIsIn() {
  clearTimeout(timer);
  timer = setTimeout(async () => {
    view = await readTelephony().catch(() => view);
    draw();
  }, 40);
}

/** Shows the strip in the meeting chat and nowhere else. */
export function showWhoIsIn(inMeeting) {
  shown = inMeeting;
  draw();
}

/** Everybody who is in, waits or rings, in that order; the bot by its own name. */
function present(meeting) {
  const calls = view.calls.filter((call) => call.state !== 'terminated' && call.meeting === meeting.conversation);
  const entry = (one, state) => ({ ...one, state, bot: one.kind === 'application' });
  const inside = meeting.participants.map((one) => entry(one, one.isInLobby ? 'lobby' : 'in'));
  return [...inside, ...calls.flatMap((call) => call.ringing.map((one) => entry(one, 'ringing')))];
}

const button = (text, label, onclick, kind = 'plain') =>
  el('button', { type: 'button', class: `${kind} small`, 'aria-label': label, onclick }, text);

/** Buttons for what somebody can do now. */
function choices({ state, person, name, bot }) {
  if (bot) return [];
  if (state === 'ringing') {
    return [
      button('Answer', `${name} answers`, () => act('answer', person), 'primary'),
      button('Decline', `${name} declines`, () => act('decline', person)),
    ];
  }
  if (state === 'lobby') return [button('Let in', `Let ${name} in`, () => act('join', person), 'primary')];
  if (state === 'in') return [button('Leave', `${name} leaves`, () => act('leave', person))];
  return [button('Join', `${name} joins`, () => act('join', person))];
}

function chip(one) {
  const note = one.state === 'in' ? (one.isMuted ? 'muted' : '') : states[one.state].toLowerCase();
  return el(
    'li',
    { class: `who-chip ${one.state}`, 'data-who': one.person, 'data-state': one.state },
    avatar(one.bot ? 'bot' : one.person, one.name),
    el('span', { class: 'who-name' }, one.name, note && ' ', note && el('small', {}, note)),
    ...(one.state === 'ringing' || one.state === 'lobby' ? choices(one) : []),
  );
}

function row(one) {
  const id = `behaviour-${one.id.replace(/\W/g, '')}`;
  const select = el(
    'select',
    { id, onchange: (event) => send('people', { person: one.person, behaviour: event.target.value }) },
    ...behaviours.map(([key, text]) => el('option', { value: key, selected: key === one.behaviour }, text)),
  );
  return el(
    'li',
    { class: 'who-row', 'data-id': one.id },
    el('label', { for: id }, one.name, one.guest && ' ', one.guest && el('small', {}, 'guest')),
    el('span', { class: `who-state ${one.state}` }, states[one.state]),
    select,
    el('span', { class: 'who-buttons' }, ...choices(one)),
  );
}

function phoneForm() {
  const input = el('input', { id: 'whoPhone', type: 'tel', placeholder: '+1 555 0100', autocomplete: 'off' });
  const add = (event) => {
    event.preventDefault();
    if (input.value.trim() !== '') send('people', { phone: input.value.trim() });
  };
  return el(
    'form',
    { class: 'who-phone', onsubmit: add },
    el('label', { for: 'whoPhone' }, 'A phone number'),
    input,
    el('button', { type: 'submit', class: 'plain small' }, 'Add'),
  );
}

function sentence(meeting, here) {
  const count = (state) => here.filter((one) => one.state === state).length;
  const parts = [`${count('in')} in`];
  if (count('ringing') > 0) parts.push(`${count('ringing')} ringing`);
  if (count('lobby') > 0) parts.push(`${count('lobby')} in the lobby`);
  return meeting.running ? `Meeting is running · ${parts.join(' · ')}` : 'Meeting has not begun';
}

function draw() {
  const strip = byId('whoIsIn');
  const meeting = view?.meetings.find((one) => one.conversation === 'meeting');
  strip.hidden = !shown || !meeting;
  if (strip.hidden) return;
  const here = present(meeting);
  // A menu that is open, or a number half typed, must not be drawn away; who is in is always current.
  const busy = strip.querySelector('.who-people')?.contains(document.activeElement);
  const kept = busy && open ? strip.querySelector('.who-people') : null;
  const focused = document.activeElement?.id || document.activeElement?.getAttribute('aria-label');
  const inside = strip.contains(document.activeElement);
  const head = el(
    'div',
    { class: 'who-head' },
    el('span', { class: meeting.running ? 'who-dot on' : 'who-dot', 'aria-hidden': 'true' }),
    el('span', { class: 'who-sentence', role: 'status' }, sentence(meeting, here)),
    el('span', { class: 'spacer' }),
    meeting.running && button('End', 'End the meeting for everybody', () => act('end')),
    el(
      'button',
      {
        type: 'button',
        id: 'whoToggle',
        class: 'plain small',
        'aria-expanded': open,
        'aria-controls': 'whoPeople',
        onclick: () => {
          open = !open;
          draw();
        },
      },
      'People',
    ),
  );
  const chips = el('ul', { class: 'who-chips', 'aria-label': 'Who is in' }, ...here.map(chip));
  const stateOf = (one) => here.find((other) => other.kind === one.kind && other.id === one.id)?.state ?? 'out';
  const everybody = view.people.map((one) => ({ ...one, state: stateOf(one) }));
  const people =
    kept ??
    el(
      'div',
      { class: 'who-people', id: 'whoPeople', hidden: !open },
      el('ul', { 'aria-label': 'How people behave when called' }, ...(open ? everybody.map(row) : [])),
      phoneForm(),
    );
  const top = strip.querySelector('.who-people')?.scrollTop ?? 0;
  if (kept) {
    strip.querySelector('.who-head').replaceWith(head);
    strip.querySelector('.who-chips').replaceWith(chips);
    refreshRows(kept, everybody);
    return;
  }
  strip.replaceChildren(head, chips, people);
  people.scrollTop = top;
  if (!inside || !focused) return;
  const again = [...strip.querySelectorAll('button')].find(
    (one) => one.id === focused || one.getAttribute('aria-label') === focused,
  );
  (again ?? byId('whoToggle')).focus({ preventScroll: true });
}

/** Brings rows up to date one by one, all but the menu that is being used. */
function refreshRows(people, everybody) {
  const list = people.querySelector('ul');
  const known = new Map([...list.children].map((old) => [old.dataset.id, old]));
  for (const one of everybody) {
    const fresh = row(one);
    const old = known.get(one.id);
    known.delete(one.id);
    if (!old) list.append(fresh);
    else if (!old.contains(document.activeElement)) old.replaceWith(fresh);
    else {
      const inButtons = old.querySelector('.who-buttons').contains(document.activeElement);
      old.querySelector('.who-state').replaceWith(fresh.querySelector('.who-state'));
      old.querySelector('.who-buttons').replaceWith(fresh.querySelector('.who-buttons'));
      if (inButtons) (old.querySelector('.who-buttons button') ?? old.querySelector('select')).focus();
    }
  }
  for (const old of known.values()) old.remove();
}
