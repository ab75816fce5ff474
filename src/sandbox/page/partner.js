/** The side panel's sheet about Partner Center: the deals, what other people do with them, and who is signed in. */
import { post, readPartner } from './api.js';
import { byId, clock, el, toast } from './dom.js';
import { choice, count } from './panel.js';

const shownEvents = 6;
let timer;
let sso = false;
/** Ids of the deals that are unfolded, so that drawing anew does not fold them. */
const open = new Set();

const send = (path, body) => post(path, body).catch((error) => toast(error.message));
const button = (text, onclick, label = text) =>
  el('button', { type: 'button', class: 'plain small', 'aria-label': label, onclick }, text);

/** Reads what Partner Center knows, once for many changes, and draws it. */
export function readDeals(settings) {
  if (settings) sso = settings.sso;
  clearTimeout(timer);
  timer = setTimeout(async () => {
    const view = await readPartner().catch(() => null);
    if (view) draw(view);
  }, 40);
}

const money = ({ dealValue, currency }) =>
  dealValue === undefined || dealValue === null ? 'No value' : `${dealValue.toLocaleString()} ${currency ?? ''}`.trim();

function whose(deal, organization) {
  if (deal.direction === 'Incoming') return `From ${deal.inviteContext?.invitedBy?.organizationName ?? 'somebody'}`;
  return deal.organizationId === organization.id ? `${organization.name}’s own` : `For ${deal.organizationName}`;
}

function dealNode(deal, organization) {
  const customer = deal.customerProfile.name;
  const isOver = deal.status === 'Closed';
  const act = (action) => () => send('referral-change', { id: deal.id, action });
  const due =
    deal.expirationDateTime && !isOver ? ` · answer by ${new Date(deal.expirationDateTime).toLocaleDateString()}` : '';
  const node = el(
    'details',
    { class: 'deal', 'data-deal': deal.id, open: open.has(deal.id) },
    el(
      'summary',
      {},
      el('strong', {}, customer),
      el(
        'span',
        { class: isOver ? 'status over' : deal.status === 'New' ? 'status slow' : 'status' },
        `${deal.status} · ${deal.substatus}`,
      ),
      el('span', { class: 'muted' }, `${money(deal.details)} · ${whose(deal, organization)}${due}`),
    ),
    el('p', { class: 'muted deal-id' }, deal.id),
    !isOver &&
      el(
        'div',
        { class: 'deal-buttons' },
        deal.status === 'New' && button('Someone else accepts', act('accept'), `Someone else accepts ${customer}`),
        deal.status === 'New' && button('Declines', act('decline'), `Someone else declines ${customer}`),
        button('Someone else changes the value', act('change'), `Someone else changes the value of ${customer}`),
      ),
  );
  node.addEventListener('toggle', () => (node.open ? open.add(deal.id) : open.delete(deal.id)));
  return node;
}

function userNode(user) {
  const act = (action) => () => send('access', { user: user.key, action });
  const states = user.signedIn
    ? `Signed in until ${clock(user.expiresAt)}`
    : user.consent
      ? 'Consented'
      : 'Not signed in';
  return el(
    'li',
    { class: 'deal-user', 'data-user-access': user.key },
    el('span', {}, user.name, el('small', { class: 'muted' }, `${user.roles[0] ?? 'No role'} · ${states}`)),
    user.signedIn && button('Expire', act('expire'), `Expire the sign-in of ${user.name}`),
    user.consent && button('Revoke', act('revoke'), `Revoke the consent of ${user.name}`),
  );
}

function eventNode(record) {
  const { EventName } = JSON.parse(record.body);
  const status = record.state === 'sent' ? (record.status === 0 ? 'lost' : String(record.status)) : record.state;
  const isBad = record.state === 'sent' && (record.status === 0 || record.status >= 400);
  return el(
    'li',
    { class: 'armed' },
    el('span', {}, EventName),
    el('span', { class: 'muted' }, clock(record.at)),
    el('span', { class: isBad ? 'status bad' : 'status' }, status),
  );
}

function incomingForm() {
  const field = (id, label, attributes) => [el('label', { for: id }, label), el('input', { id, ...attributes })];
  const from = el(
    'select',
    { id: 'dealFrom' },
    el('option', { value: 'msft' }, 'Microsoft'),
    el('option', { value: 'fabrikam' }, 'Fabrikam'),
  );
  const add = (event) => {
    event.preventDefault();
    const names = { msft: 'Microsoft', fabrikam: 'Fabrikam' };
    const value = Number(byId('dealValue').value) || 0;
    send('referral', {
      customer: byId('dealCustomer').value.trim(),
      value,
      from: from.value,
      fromName: names[from.value],
    });
    event.target.closest('details').open = false;
  };
  return el(
    'details',
    { class: 'deal-new' },
    el('summary', {}, 'Incoming deal…'),
    el(
      'form',
      { onsubmit: add },
      ...field('dealCustomer', 'Customer', { value: 'Wingtip Toys', required: true, autocomplete: 'off' }),
      ...field('dealValue', 'Value in USD', { type: 'number', value: 75000, min: 0 }),
      el('label', { for: 'dealFrom' }, 'From'),
      from,
      el('button', { type: 'submit', class: 'primary' }, 'Send it'),
    ),
  );
}

function draw({ organization, referrals, registration, events, users }) {
  const sheet = byId('deals');
  count('dealCount', referrals.filter((one) => one.substatus === 'Received').length);
  // A form that is being filled in must not be drawn away.
  const form = sheet.querySelector('.deal-new');
  const focused = document.activeElement?.getAttribute('aria-label');
  const inside = sheet.contains(document.activeElement);
  const top = sheet.scrollTop;
  const list = el('div', {}, ...referrals.map((one) => dealNode(one, organization)).reverse());
  const rest = el(
    'div',
    { class: 'deal-rest' },
    el('h3', {}, 'People'),
    el('ul', {}, ...users.map(userNode)),
    choice(
      'setSso',
      'Sign in silently',
      sso,
      [
        ['false', 'No'],
        ['true', 'After consent'],
      ],
      (value) => post('settings', { sso: value === 'true' }),
    ),
    el('h3', {}, 'Events told to Usher'),
    el('p', { class: 'muted' }, registration ? `To ${registration.webhookUrl}` : 'Usher did not register for events.'),
    el('ul', {}, ...events.slice(-shownEvents).reverse().map(eventNode)),
  );
  if (form) {
    form.nextElementSibling.replaceWith(list);
    list.nextElementSibling.replaceWith(rest);
  } else sheet.replaceChildren(el('h3', {}, `Deals of ${organization.name}`), incomingForm(), list, rest);
  sheet.scrollTop = top;
  if (!inside || !focused) return;
  [...sheet.querySelectorAll('button')]
    .find((one) => one.getAttribute('aria-label') === focused)
    ?.focus({ preventScroll: true });
}
