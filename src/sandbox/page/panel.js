/** The side panel: what the bot did at Graph, the mail that went out, and faults to arm. */
import { clearFaults, post } from './api.js';
import { byId, clock, el, toast } from './dom.js';
import { hookNode } from './hooks.js';

const shownCalls = 200;
const tabs = { tabCalls: 'calls', tabMail: 'mail', tabDeals: 'deals', tabFaults: 'faults' };
/** Whose calls are listed: chat and sign-in are seen in the chat itself. */
const listed = ['graph', 'partner', 'gt365'];
let faultRemote = 'graph';

const readyFaults = [
  ['Slow down', '429, wait 5 s', { kind: 'throttle', retryAfter: 5 }],
  ['Out of service', '503 once', { kind: 'status', status: 503 }],
  ['Drop after work', 'Done, but nobody hears', { kind: 'dropAfter' }],
  ['Slow', 'Answers after 3 s', { kind: 'slow', ms: 3000 }],
  ['Malformed', 'Half an answer', { kind: 'truncated' }],
  ['Wrong page', 'HTML from a gateway', { kind: 'html', status: 502 }],
];

const blocked = 'Guest invitations not allowed for your company. Contact your company administrator for more details.';
const gt365 = { remote: 'gt365', kind: 'status', status: 500 };
/** Governance Toolkit 365 has three ways to say what is wrong, mostly with a 500. */
const gt365Faults = [
  ['GT365: message', '500, as documented', { ...gt365, shape: 'message', message: 'An error occurred.' }],
  ['GT365: Graph’s refusal', '500, passed on', { ...gt365, shape: 'graph', code: 'Forbidden', message: blocked }],
  ['GT365: plain text', '500, no JSON', { ...gt365, shape: 'text', message: 'An error occurred.' }],
];

/** The ids of calls and participants are long and say nothing to a reader. */
const shortened = (path) =>
  path.replace('/v1.0', '').replace(/(\/(?:calls|participants)\/[0-9a-f]{8})-[0-9a-f-]{27}/g, '$1…');

function callNode(call) {
  const query = Object.entries(call.query)
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  const bad = call.status >= 400 || call.status === 0;
  const json = (value) => el('pre', { tabindex: '0' }, JSON.stringify(value, null, 2));
  return el(
    'details',
    { class: 'call', 'data-call': call.id },
    el(
      'summary',
      {},
      el('span', { class: 'method' }, call.method),
      el('span', { class: 'path', title: call.path }, shortened(call.path)),
      el(
        'span',
        { class: 'result' },
        el('span', { class: bad ? 'status bad' : 'status' }, call.status === 0 ? 'lost' : String(call.status)),
        ` ${call.ms} ms`,
      ),
    ),
    query && el('h3', {}, 'Query'),
    query && el('pre', { tabindex: '0' }, query.replaceAll('&$', '\n$')),
    call.body !== undefined && el('h3', {}, 'Sent'),
    call.body !== undefined && json(call.body),
    call.answer && el('h3', {}, call.fault ? `Answer (fault: ${call.fault})` : 'Answer'),
    call.answer && json(call.answer),
  );
}

function mailNode(mail) {
  const accept = async () => {
    try {
      await post('redeem', { mailId: mail.id });
    } catch (error) {
      toast(error.message);
    }
  };
  return el(
    'article',
    { class: 'letter', 'data-mail': mail.id },
    el('strong', {}, mail.subject),
    el(
      'div',
      { class: 'muted' },
      `To ${mail.to}${mail.cc.length > 0 ? `, cc ${mail.cc.join(', ')}` : ''} · ${clock(mail.at)} · ${mail.language}`,
    ),
    el('p', {}, mail.body),
    mail.acceptedAt
      ? el('span', { class: 'accepted' }, `Accepted at ${clock(mail.acceptedAt)}`)
      : el('button', { type: 'button', class: 'primary', onclick: accept }, 'Accept as guest'),
  );
}

const empty = (title, text) => el('p', { class: 'empty' }, el('strong', {}, title), text);
const put = (id, nodes, otherwise) => byId(id).replaceChildren(...(nodes.length > 0 ? nodes : [otherwise]));
/** The number beside a tab. */
export const count = (id, number) => {
  byId(id).textContent = number > 0 ? String(number) : '';
};

let callTotal = 0;
const noCalls = () =>
  empty('No calls yet', 'What Usher asks Microsoft Graph, Partner Center and Governance Toolkit 365 appears here.');

/** Draws all calls, and the callbacks among them, anew. */
export function showCalls(every, callbacks) {
  const calls = every.filter((call) => listed.includes(call.remote));
  callTotal = calls.length;
  count('callCount', callTotal);
  const all = [
    ...calls.slice(-shownCalls).map((call) => ({ at: call.at, node: callNode(call) })),
    ...callbacks.slice(-shownCalls).map((record) => ({ at: record.at, node: hookNode(record) })),
  ].sort((a, b) => b.at.localeCompare(a.at));
  put(
    'calls',
    all.slice(0, shownCalls).map((one) => one.node),
    noCalls(),
  );
}

function onTop(node) {
  const sheet = byId('calls');
  sheet.querySelector('.empty')?.remove();
  sheet.prepend(node);
  if (sheet.childElementCount > shownCalls) sheet.lastElementChild.remove();
}

/** Adds the newest call on top. */
export function addCall(call) {
  if (!listed.includes(call.remote)) return;
  callTotal += 1;
  count('callCount', callTotal);
  onTop(callNode(call));
}

/** Adds the newest callback on top, or changes the one that was tried again or released. */
export function addCallback(record) {
  const node = hookNode(record);
  const known = byId('calls').querySelector(`[data-callback="${record.n}"]`);
  if (!known) return onTop(node);
  node.open = known.open;
  known.replaceWith(node);
}

/** Draws the outbox, newest first. */
export function showMails(mails) {
  count('mailCount', mails.filter((mail) => !mail.acceptedAt).length);
  put('mail', mails.map(mailNode).reverse(), empty('No mail yet', 'Invitations that were mailed appear here.'));
}

/** A menu with its label. */
export function choice(id, label, value, options, set) {
  const select = el(
    'select',
    { id, onchange: (event) => set(event.target.value).catch((error) => toast(error.message)) },
    ...options.map(([key, text]) => el('option', { value: key, selected: key === String(value) }, text)),
  );
  return el('div', { class: 'field' }, el('label', { for: id }, label), select);
}

/** Draws the faults and the switches of the tenant. */
export function showFaults(faults, settings) {
  count('faultCount', faults.length);
  const buttons = [...readyFaults, ...gt365Faults].map(([title, small, fault]) =>
    el(
      'button',
      {
        type: 'button',
        class: 'plain',
        onclick: () => post('faults', { remote: faultRemote, ...fault }).catch((error) => toast(error.message)),
      },
      title,
      el('small', {}, small),
    ),
  );
  const armed = faults.map((fault) =>
    el(
      'div',
      { class: 'armed' },
      el('span', {}, `${fault.remote}: ${fault.kind}${fault.path ? ` on ${fault.path}` : ''}`),
      el(
        'span',
        { class: 'muted' },
        fault.times < 0 ? 'until cleared' : fault.times === 1 ? 'next call' : `${fault.times} calls`,
      ),
    ),
  );
  const set = (name, read) => (value) => post('settings', { [name]: read(value) });
  byId('faults').replaceChildren(
    choice(
      'faultRemote',
      'For the next call to',
      faultRemote,
      [
        ['graph', 'Microsoft Graph'],
        ['partner', 'Partner Center'],
        ['tokens', 'Sign-in service'],
        ['gt365', 'Governance Toolkit 365'],
      ],
      async (value) => {
        faultRemote = value;
      },
    ),
    el('div', { class: 'fault-buttons' }, ...buttons),
    el('h3', {}, 'Armed'),
    ...(armed.length > 0 ? armed : [el('p', { class: 'muted' }, 'None')]),
    el(
      'div',
      { class: 'sheet-foot' },
      el(
        'button',
        { type: 'button', class: 'plain', disabled: faults.length === 0, onclick: () => clearFaults() },
        'Clear faults',
      ),
    ),
    el('h3', {}, 'Tenant'),
    choice(
      'setInvites',
      'Guest invitations',
      settings.allowInvitesFrom === 'none' ? 'none' : 'everyone',
      [
        ['everyone', 'Allowed'],
        ['none', 'Forbidden'],
      ],
      set('allowInvitesFrom', String),
    ),
    choice(
      'setConsent',
      'Consent to invite',
      settings.consent,
      [
        ['true', 'Given'],
        ['false', 'Missing'],
      ],
      set('consent', (value) => value === 'true'),
    ),
    choice(
      'setQuota',
      'Invitations in 5 s',
      settings.invitationQuota,
      [
        ['true', 'At most 150'],
        ['false', 'Any number'],
      ],
      set('invitationQuota', (value) => value === 'true'),
    ),
    choice(
      'setDelay',
      'Directory catches up after',
      settings.directoryDelayMs,
      [
        ['0', 'At once'],
        ['5000', '5 s'],
        ['30000', '30 s'],
      ],
      set('directoryDelayMs', Number),
    ),
    el('h3', {}, 'Calls'),
    choice(
      'setCallsConsent',
      'Consent to calls',
      settings.callsConsent,
      [
        ['true', 'Given'],
        ['joinOnly', 'To join only'],
        ['false', 'Missing'],
      ],
      set('callsConsent', (value) => (value === 'joinOnly' ? value : value === 'true')),
    ),
    choice(
      'setMeetingConsent',
      'Reading the meeting',
      settings.meetingConsent,
      [
        ['true', 'Allowed'],
        ['false', 'Forbidden'],
      ],
      set('meetingConsent', (value) => value === 'true'),
    ),
    choice(
      'setPhones',
      'Phone numbers',
      settings.phoneReady,
      [
        ['false', 'Not set up'],
        ['true', 'Set up'],
      ],
      set('phoneReady', (value) => value === 'true'),
    ),
    choice(
      'setRemoving',
      'Removing people',
      settings.mayRemoveParticipants,
      [
        ['false', 'Forbidden'],
        ['true', 'Allowed'],
      ],
      set('mayRemoveParticipants', (value) => value === 'true'),
    ),
    choice(
      'setCallbacks',
      'Callbacks',
      settings.callbacksOff,
      [
        ['false', 'Sent'],
        ['true', 'Never sent'],
      ],
      set('callbacksOff', (value) => value === 'true'),
    ),
    el('h3', {}, 'Everything'),
    el('button', { type: 'button', class: 'plain', onclick: () => post('reset') }, 'Start over'),
  );
}

/** Wires the tabs: click, arrow keys, Home and End. */
export function wireTabs() {
  const names = Object.keys(tabs);
  const select = (name, focus) => {
    for (const [tab, sheet] of Object.entries(tabs)) {
      const chosen = tab === name;
      byId(tab).setAttribute('aria-selected', String(chosen));
      byId(tab).tabIndex = chosen ? 0 : -1;
      byId(sheet).hidden = !chosen;
    }
    if (focus) byId(name).focus();
  };
  const steps = { ArrowRight: 1, ArrowLeft: -1 };
  names.forEach((name, index) => {
    byId(name).addEventListener('click', () => select(name, false));
    byId(name).addEventListener('keydown', (event) => {
      const step = steps[event.key];
      if (step) select(names[(index + step + names.length) % names.length], true);
      else if (event.key === 'Home') select(names[0], true);
      else if (event.key === 'End') select(names.at(-1), true);
    });
  });
}
