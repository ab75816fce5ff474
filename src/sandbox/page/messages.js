/** Draws the messages of one conversation and keeps them current in place. */
import { drawCard } from './cards.js';
import { avatar, byId, clock, el, openLink } from './dom.js';

const cardType = 'application/vnd.microsoft.card.adaptive';
const fileType = 'application/vnd.microsoft.teams.file.download.info';
const fileInfoType = 'application/vnd.microsoft.teams.card.file.info';
const consentType = 'application/vnd.microsoft.teams.card.file.consent';

/** Text with the bot's mention set apart. */
function textNodes(text) {
  const match = /^@Usher\b/.exec(text);
  if (!match) return [text];
  return [el('span', { class: 'mention-text' }, 'Usher'), text.slice(match[0].length)];
}

/** Bot text may carry Teams' own mention and line-break tags. */
const plain = (text) => text.replace(/<at>(.*?)<\/at>/g, '@$1').replace(/<br\s*\/?>/g, '\n');

/** The list of messages. `actions` has `press(message, action)`, `look(message, action)`, `follow(url)`, `reply(thread)`. */
export class MessageList {
  #log = byId('log');
  #rows = byId('rows');
  #drawn = new Map();
  #actions;
  #viewer = '';
  #channel = false;
  #pinned = true;
  /** Which drawings of which messages their viewer's own card was asked for. */
  #looked = new Set();

  constructor(actions) {
    this.#actions = actions;
    // Whoever reads the end stays at the end, whatever grows or shrinks; whoever reads above stays where they are.
    this.#log.addEventListener('scroll', () => {
      this.#pinned = this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < 60;
    });
    const settle = new ResizeObserver(() => {
      if (this.#pinned) this.toEnd();
    });
    settle.observe(this.#log);
    settle.observe(this.#rows);
  }

  /** Scrolls to the newest message. */
  toEnd() {
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#pinned = true;
  }

  /** Begins anew with another conversation or another viewer. */
  show(messages, viewer, conversation) {
    this.#viewer = viewer;
    this.#channel = conversation.type === 'channel';
    this.#drawn.clear();
    this.#rows.replaceChildren();
    for (const message of messages) this.put(message);
    this.#emptyNote(conversation);
    this.toEnd();
  }

  /** Adds a message, or changes the one that is there without moving what is being read. */
  put(message) {
    const top = this.#log.scrollTop;
    const shown = JSON.stringify([
      message.text,
      message.views[this.#viewer] ?? message.attachments,
      message.deleted,
      message.edits > 0,
    ]);
    const known = this.#drawn.get(message.activityId);
    if (known?.shown === shown) return;
    if (known) this.#refill(known.row, message);
    const row = known?.row ?? this.#row(message);
    this.#drawn.set(message.activityId, { row, shown });
    if (!known) this.#place(row, message);
    this.#rows.querySelector('.empty')?.remove();
    this.#look(message);
    if (!this.#pinned) this.#log.scrollTop = top;
  }

  /** A card with a refresh is asked for once per drawing, for whoever looks (Universal Actions, user-specific views). */
  #look(message) {
    const action = message.attachments.find((one) => one.contentType === cardType)?.content.refresh?.action;
    if (!action || message.deleted || message.views[this.#viewer]) return;
    const drawing = `${message.activityId} ${message.edits} ${this.#viewer}`;
    if (this.#looked.has(drawing)) return;
    this.#looked.add(drawing);
    this.#actions.look(message, action);
  }

  /** Says under a message that it did not arrive. */
  fail(activityId, sentence) {
    const body = this.#drawn.get(activityId)?.row.querySelector('.row-body');
    body?.append(el('p', { class: 'failure', role: 'alert' }, sentence));
  }

  #emptyNote(conversation) {
    if (this.#drawn.size > 0) return;
    const sentence = conversation.type === 'personal' ? 'Say “help” to begin.' : 'Mention @Usher to begin.';
    this.#rows.append(el('li', { class: 'empty' }, el('strong', {}, 'Nothing here yet'), sentence));
  }

  #place(row, message) {
    if (!this.#channel) return this.#rows.append(row);
    let thread = this.#rows.querySelector(`[data-thread="${CSS.escape(message.thread)}"]`);
    if (!thread) {
      const reply = el(
        'button',
        { type: 'button', class: 'link thread-reply', onclick: () => this.#actions.reply(message) },
        'Reply',
      );
      thread = el('li', { class: 'thread', 'data-thread': message.thread }, el('ul'), reply);
      this.#rows.append(thread);
    }
    thread.querySelector('ul').append(row);
  }

  #row(message) {
    const mine = message.from === this.#viewer && !this.#channel;
    const body = el('div', { class: 'row-body' });
    const row = el(
      'li',
      {
        class: mine ? 'row mine' : 'row',
        'data-activity-id': message.activityId,
        'data-from': message.from === 'bot' ? 'bot' : 'person',
        'data-author': message.from,
      },
      avatar(message.from, message.name),
      body,
    );
    this.#fill(body, message);
    return row;
  }

  #refill(row, message) {
    const body = row.querySelector('.row-body');
    const focusable = 'button, input, select, textarea, a[href]';
    const before = [...body.querySelectorAll(focusable)].indexOf(document.activeElement);
    this.#fill(body, message);
    if (before >= 0) {
      const after = [...body.querySelectorAll(focusable)];
      (after[Math.min(before, after.length - 1)] ?? byId('text')).focus({ preventScroll: true });
    }
  }

  #fill(body, message) {
    const meta = el(
      'div',
      { class: 'row-meta' },
      el('span', { class: 'name' }, message.name),
      el('time', { datetime: message.at }, clock(message.at)),
      message.edits > 0 &&
        !message.deleted &&
        el('span', { class: 'edited', title: clock(message.editedAt) }, 'Edited'),
    );
    body.replaceChildren(meta);
    if (message.deleted) {
      body.append(el('div', { class: 'bubble gone' }, 'This message was deleted.'));
      return;
    }
    if (message.text) body.append(el('div', { class: 'bubble' }, ...textNodes(plain(message.text))));
    const own = message.views[this.#viewer];
    const attachments = own ? [{ contentType: cardType, content: own }] : message.attachments;
    for (const attachment of attachments) body.append(this.#attachment(message, attachment));
  }

  /** The card Teams itself draws when a bot wants to hand over a file. */
  #consent(message, { name, content }) {
    const answer = (accept) => (event) => {
      for (const button of event.currentTarget.parentElement.children) button.disabled = true;
      this.#actions.consent(message, accept);
    };
    const size = `${Math.max(1, Math.round((content?.sizeInBytes ?? 0) / 1024))} KB`;
    return el(
      'div',
      { class: 'bubble', role: 'group', 'aria-label': `File ${name}` },
      el('p', {}, el('strong', {}, `📄 ${name}`), ` · ${size}`),
      el('p', { class: 'muted' }, content?.description ?? ''),
      el(
        'p',
        {},
        el('button', { type: 'button', class: 'primary', onclick: answer(true) }, 'Allow'),
        ' ',
        el('button', { type: 'button', class: 'plain', onclick: answer(false) }, 'Decline'),
      ),
    );
  }

  #attachment(message, attachment) {
    if (attachment.contentType === cardType) {
      return drawCard(attachment.content, {
        send: (action) => this.#actions.press(message, action),
        follow: (url) => this.#actions.follow(url),
      });
    }
    const url = attachment.contentUrl ?? attachment.content?.downloadUrl;
    const name = attachment.name ?? attachment.contentType ?? 'Attachment';
    if (attachment.contentType === consentType) return this.#consent(message, attachment);
    if ([fileType, fileInfoType].includes(attachment.contentType) && url) {
      return el('a', { class: 'file', href: url, download: name }, `📄 ${name}`);
    }
    const follow = (event) => {
      event.preventDefault();
      openLink(url);
    };
    return url
      ? el('a', { class: 'file', href: url, onclick: follow }, name)
      : el('span', { class: 'file' }, `${name} (not drawn here)`);
  }
}
