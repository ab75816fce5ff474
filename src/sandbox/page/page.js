/** The chat page: who is talking, where, and what is said. Everything it knows comes from the control API. */
import { listen, post, readCallbacks, readCalls, readMessages, readState } from './api.js';
import { avatar, byId, el, openLink, toast } from './dom.js';
import { MessageList } from './messages.js';
import { addCall, addCallback, showCalls, showFaults, showMails, wireTabs } from './panel.js';
import { readDeals } from './partner.js';
import { look, press } from './press.js';
import { readWhoIsIn, showWhoIsIn } from './whoIsIn.js';

const switchable = ['rita', 'axel', 'ada', 'gus', 'tess'];
const remembered = (key, otherwise) => localStorage.getItem(`usher.${key}`) ?? otherwise;
const remember = (key, value) => localStorage.setItem(`usher.${key}`, value);

const now = { state: null, user: remembered('user', 'rita'), place: remembered('place', 'personal'), thread: null };
let files = [];
let typingTimer;
/** Messages that came while a conversation was being read; null when none is. */
let arrived = null;
const unread = new Set();

const person = () => now.state.people.find((one) => one.key === now.user);
const keyOf = (place) => (place === 'personal' ? `personal:${now.user}` : place);
const conversation = () => now.state.conversations.find((one) => one.key === keyOf(now.place));

const list = new MessageList({
  press: (message, action) => press(message, action, now.user, now.state.settings.sso),
  look: (message, action) => look(message, action, now.user),
  follow,
  reply,
  consent: (message, accept) =>
    post('consent', {
      conversation: message.conversation,
      user: now.user,
      activityId: message.activityId,
      accept,
    }).catch((error) => toast(error.message)),
});

async function follow(url) {
  const invitation = now.state.invitations.find((one) => one.redeemUrl === url);
  if (!invitation) return openLink(url);
  await post('redeem', { url });
  toast(`${invitation.address} accepted the invitation.`);
}

function reply(message) {
  now.thread = message.thread;
  byId('replyingText').textContent = `Replying to ${message.name}`;
  byId('replying').hidden = false;
  byId('text').focus();
}

function stopReplying() {
  now.thread = null;
  byId('replying').hidden = true;
}

/* Drawing the frame */
const places = {
  personal: ['Usher', 'Personal chat'],
  group: ['Partner onboarding', 'Group chat'],
  meeting: ['Apollo weekly', 'Meeting chat'],
  general: ['General', 'Apollo'],
};

const roleOf = (one) =>
  one.tenantId !== now.state.tenantId ? 'Another tenant' : one.guest ? 'Guest' : now.state.tenantName;

function drawRail() {
  const node = (key) => {
    const [name, about] = places[key];
    const glyph = { personal: 'U', group: 'P', meeting: 'A', general: '#' }[key];
    const mark = key === 'personal' ? avatar('bot', '') : el('span', { class: 'glyph', 'aria-hidden': 'true' }, glyph);
    return el(
      'li',
      {},
      el(
        'button',
        {
          type: 'button',
          class: unread.has(keyOf(key)) ? 'place unread' : 'place',
          'data-conversation': key,
          'aria-current': key === now.place,
          onclick: () => open(key),
        },
        mark,
        el(
          'span',
          { class: 'place-names' },
          el('span', { class: 'place-name' }, name),
          el('span', { class: 'muted' }, about),
        ),
        unread.has(keyOf(key)) && el('span', { class: 'visually-hidden' }, 'Unread'),
      ),
    );
  };
  byId('chats').replaceChildren(node('personal'), node('group'), node('meeting'));
  byId('channels').replaceChildren(node('general'));
  byId('people').replaceChildren(
    ...now.state.people
      .filter((one) => switchable.includes(one.key))
      .map((one) =>
        el(
          'button',
          {
            type: 'button',
            class: 'person',
            'data-user': one.key,
            'aria-pressed': one.key === now.user,
            onclick: () => become(one.key),
          },
          avatar(one.key, one.name),
          el(
            'span',
            { class: 'place-names' },
            el('span', { class: 'place-name' }, one.name),
            el('span', { class: 'muted' }, roleOf(one)),
          ),
        ),
      ),
  );
}

function drawHead() {
  const here = conversation();
  const shared = here.type !== 'personal';
  byId('title').textContent = places[now.place][0];
  const kind = { channel: 'Channel of team Apollo', groupChat: here.meetingId ? 'Meeting chat' : 'Group chat' }[
    here.type
  ];
  byId('subtitle').textContent = shared ? `${kind} · ${here.members.length} people and Usher` : 'Personal chat';
  byId('mention').hidden = !shared;
  showWhoIsIn(here.meetingId !== null);
  drawHint();
}

function drawHint() {
  const shared = conversation().type !== 'personal';
  const on = byId('mention').getAttribute('aria-pressed') === 'true';
  const filesNote = files.length > 0 ? 'Files reach Usher only in a personal chat' : '';
  byId('hint').textContent = !shared ? '' : filesNote || (on ? 'Usher gets this message' : 'Usher will not see this');
}

async function open(place) {
  now.place = places[place] ? place : 'personal';
  remember('place', now.place);
  stopReplying();
  byId('typing').hidden = true;
  byId('app').classList.remove('rail-open');
  byId('openRail').setAttribute('aria-expanded', 'false');
  unread.delete(keyOf(now.place));
  const key = keyOf(now.place);
  drawRail();
  drawHead();
  // Typed before Usher has greeted, a message would be answered above the greeting.
  byId('text').disabled = true;
  const mine = [];
  arrived = mine;
  const messages = await readMessages(key).catch((error) => {
    toast(error.message);
    return [];
  });
  // Another opening began meanwhile and will draw.
  if (arrived !== mine) return;
  list.show(messages, now.user, conversation());
  for (const message of mine) list.put(message);
  arrived = null;
  await post('install', { conversation: key, user: now.user, once: true }).catch((error) => toast(error.message));
  if (keyOf(now.place) !== key) return;
  byId('text').disabled = false;
  if (!matchMedia('(pointer: coarse), (max-width: 720px)').matches) byId('text').focus({ preventScroll: true });
}

function become(key) {
  now.user = key;
  remember('user', key);
  return open(now.place);
}

/* Compose box */
function grow() {
  const box = byId('text');
  box.style.height = 'auto';
  box.style.height = `${box.scrollHeight}px`;
}

function drawChips() {
  byId('chips').replaceChildren(
    ...files.map((file) => {
      const remove = () => {
        files = files.filter((one) => one !== file);
        drawChips();
      };
      return el(
        'li',
        { class: 'chip' },
        file.name,
        el('button', { type: 'button', 'aria-label': `Remove ${file.name}`, onclick: remove }, '✕'),
      );
    }),
  );
  drawHint();
}

async function readFile(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return { name: file.name, base64: btoa(binary) };
}

/** People whose `@Name` is in the text. */
function mentioned(text) {
  const known = [
    ...now.state.people.map(({ key, name }) => [key, name]),
    ...now.state.users.map(({ id, displayName }) => [id, displayName]),
  ];
  const named = known.filter(([, name], index) => known.findIndex(([, other]) => other === name) === index);
  return named.filter(([, name]) => text.includes(`@${name}`)).map(([key]) => key);
}

async function sendMessage(event) {
  event?.preventDefault();
  const box = byId('text');
  const typed = box.value.trim();
  if (typed === '' && files.length === 0) return;
  const shared = conversation().type !== 'personal';
  const byHand = /^@usher\b\s*/i.test(typed);
  const body = {
    conversation: keyOf(now.place),
    user: now.user,
    text: typed.replace(/^@usher\b\s*/i, ''),
    mention: byHand || (shared && byId('mention').getAttribute('aria-pressed') === 'true'),
    mentions: mentioned(typed),
    locale: navigator.language,
    attachments: await Promise.all(files.map(readFile)),
    ...(now.thread ? { thread: now.thread } : {}),
  };
  box.value = '';
  files = [];
  drawChips();
  grow();
  stopReplying();
  list.toEnd();
  try {
    const { activityId, statuses } = await post('say', body);
    const [status] = statuses;
    if (status === 0) list.fail(activityId, 'Usher is not running, or did not answer in time.');
    else if (status >= 400) list.fail(activityId, `Usher answered ${status}.`);
  } catch (error) {
    toast(error.message);
  }
}

/* Wiring */
function wire() {
  byId('log').tabIndex = 0;
  byId('compose').addEventListener('submit', sendMessage);
  byId('text').addEventListener('input', grow);
  byId('text').addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) sendMessage(event);
    if (event.key === 'Escape') stopReplying();
  });
  byId('mention').addEventListener('click', (event) => {
    const button = event.currentTarget;
    button.setAttribute('aria-pressed', String(button.getAttribute('aria-pressed') !== 'true'));
    drawHint();
  });
  byId('stopReplying').addEventListener('click', stopReplying);
  byId('attach').addEventListener('click', () => byId('file').click());
  byId('file').addEventListener('change', (event) => {
    files = [...files, ...event.target.files];
    event.target.value = '';
    drawChips();
  });

  const setPanel = (shown, keep = true) => {
    byId('app').classList.toggle('panel-open', shown);
    byId('openPanel').setAttribute('aria-expanded', String(shown));
    if (keep) remember('panel', shown ? 'open' : 'closed');
  };
  const setRail = (shown) => {
    byId('app').classList.toggle('rail-open', shown);
    byId('openRail').setAttribute('aria-expanded', String(shown));
    if (shown) byId('rail').querySelector('[aria-current="true"]')?.focus();
  };
  const wide = matchMedia('(min-width: 1081px)').matches;
  setPanel(wide && remembered('panel', 'open') === 'open', false);
  byId('openPanel').addEventListener('click', () => setPanel(!byId('app').classList.contains('panel-open')));
  byId('closePanel').addEventListener('click', () => {
    setPanel(false);
    byId('openPanel').focus();
  });
  byId('openRail').addEventListener('click', () => setRail(true));
  byId('shade').addEventListener('click', () => {
    setRail(false);
    setPanel(false);
  });
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    if (byId('app').classList.contains('rail-open')) {
      setRail(false);
      byId('openRail').focus();
    } else if (!matchMedia('(min-width: 1081px)').matches && byId('app').classList.contains('panel-open')) {
      setPanel(false);
      byId('openPanel').focus();
    }
  });

  const system = matchMedia('(prefers-color-scheme: dark)');
  const paint = () => {
    document.documentElement.dataset.theme = remembered('theme', system.matches ? 'dark' : 'light');
  };
  paint();
  system.addEventListener('change', paint);
  byId('theme').addEventListener('click', () => {
    remember('theme', document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark');
    paint();
  });
  wireTabs();
}

function showTyping(where) {
  if (where !== (now.state && conversation().id)) return;
  byId('typing').hidden = false;
  clearTimeout(typingTimer);
  typingTimer = setTimeout(() => {
    byId('typing').hidden = true;
  }, 8000);
}

function onMessage({ message }) {
  if (!now.state) return;
  if (message.conversation === conversation().id) {
    if (message.from === 'bot') byId('typing').hidden = true;
    if (arrived) arrived.push(message);
    else list.put(message);
    return;
  }
  const there = now.state.conversations.find((one) => one.id === message.conversation);
  if (there && message.from === 'bot') {
    unread.add(there.key);
    drawRail();
  }
}

async function refresh() {
  now.state = await readState();
  showMails(now.state.mails);
  showFaults(now.state.faults, now.state.settings);
  readWhoIsIn();
  readDeals(now.state.settings);
}

async function begin() {
  await refresh();
  if (!person()) now.user = 'rita';
  showCalls(await readCalls(), await readCallbacks());
  await open(now.place);
}

wire();
await listen(
  {
    message: onMessage,
    typing: ({ conversation: where }) => showTyping(where),
    call: addCall,
    callback: addCallback,
    telephony: readWhoIsIn,
    partner: () => readDeals(),
    webhook: () => readDeals(),
    mail: refresh,
    directory: refresh,
    faults: refresh,
    settings: refresh,
    reset: begin,
  },
  begin,
);
await begin();
