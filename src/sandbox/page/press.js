/** What a pressed button leads to: the bot's answer, and the sign-in it may ask for on the way. Draws no card. */
import { post } from './api.js';
import { el, openLink, toast } from './dom.js';

const unreachable = 'Unable to reach app. Please try again.';
const failed = (result) => result.shown === 'error' && result.body?.statusCode === 412;

/** A sentence to show under the card, or null. */
function verdict(result) {
  if (result.shown === 'unreachable') return unreachable;
  if (result.shown === 'error') return result.body?.value?.message ?? 'Something went wrong.';
  if (result.shown === 'message') toast(String(result.body.value));
  return null;
}

/** Presses for `user`; resolves to what to show under the card: a sentence, a panel, or null. */
export async function press(message, action, user, sso) {
  const where = { conversation: message.conversation, user, activityId: message.activityId };
  if (action.kind === 'submit') {
    const { statuses } = await post('submit', { ...where, data: action.data });
    return statuses[0] >= 200 && statuses[0] < 300 ? null : unreachable;
  }
  const asked = { ...where, verb: action.verb, data: action.data, title: action.title };
  if (action.id) asked.actionId = action.id;
  const result = await post('execute', asked);
  if (result.shown !== 'signIn') return verdict(result);
  const login = result.body.value;
  const silent = sso && login.tokenExchangeResource ? await exchange(asked, login) : null;
  if (silent && silent.shown !== 'signIn' && !failed(silent)) return verdict(silent);
  return panel(asked, silent?.shown === 'signIn' ? silent.body.value : login);
}

/** Asks for the viewer's own card, as clients do by themselves; whoever has none keeps the one that everybody sees. */
export async function look(message, { verb, data }, user) {
  const where = { conversation: message.conversation, user, activityId: message.activityId };
  await post('execute', { ...where, verb, data: data ?? {}, trigger: 'automatic' }).catch(() => null);
}

/** Sends the same again with a token to exchange; null for somebody who never agreed. */
async function exchange(asked, login) {
  const { id, uri } = login.tokenExchangeResource;
  try {
    const { token } = await post('exchangeable-token', { user: asked.user, uri });
    return await post('execute', { ...asked, authentication: { id, connectionName: login.connectionName, token } });
  } catch {
    return null;
  }
}

/** The link under the address this page has, so that the sign-in page may talk to it; null for a page of somebody else. */
function ownLink(value) {
  const link = URL.canParse(value) ? new URL(value) : null;
  const isOurs =
    link?.pathname === '/sign-in' && link.port === location.port && /^(127\.|localhost$)/.test(link.hostname);
  return isOurs ? new URL(link.pathname + link.search, location.origin) : null;
}

/** Asks for a sign-in, and sends the same again with its code. */
function panel(asked, login) {
  const offer = login.buttons?.find((one) => one.type === 'signin');
  const title = offer?.title ?? 'Sign in';
  const link = ownLink(offer?.value);
  const note = el('p', { class: 'sign-in-note', role: 'status' });
  const node = el('div', { class: 'sign-in', role: 'group', 'aria-label': 'Sign in' });

  async function onCode(event) {
    if (event.origin !== location.origin || event.data?.type !== 'usher.signIn') return;
    if (event.data.ticket !== link?.searchParams.get('ticket')) return;
    removeEventListener('message', onCode);
    if (!node.isConnected) return;
    if (event.data.code === null) {
      node.replaceWith(el('div', { class: 'card-notice', role: 'alert' }, 'You did not sign in, so nothing was done.'));
      return;
    }
    node.setAttribute('aria-busy', 'true');
    const again = await post('execute', { ...asked, state: event.data.code }).catch((error) => ({
      shown: 'error',
      body: { value: { message: error.message } },
    }));
    const next = again.shown === 'signIn' ? panel(asked, again.body.value) : verdict(again);
    if (next instanceof Node) node.replaceWith(next);
    else if (next) node.replaceWith(el('div', { class: 'card-notice', role: 'alert' }, next));
    else node.remove();
  }

  function open() {
    if (!link) return openLink(String(offer?.value ?? ''));
    const opened = window.open(link, '_blank', 'popup,width=480,height=560');
    if (opened) return undefined;
    const anchor = el('a', { href: link, target: '_blank', rel: 'opener' }, 'Open the sign-in page');
    note.replaceChildren('The browser kept the window closed. ', anchor);
    return undefined;
  }

  addEventListener('message', onCode);
  node.append(
    el('p', {}, login.text ?? 'Please sign in.'),
    el('button', { type: 'button', class: 'primary', onclick: open }, title),
    note,
  );
  return node;
}
