/** Draws Adaptive Cards with Microsoft's renderer in the colours of the page. Knows nothing of the chat around them. */
import { el, openLink } from './dom.js';

/* global AdaptiveCards */

const colour = (name) => ({ default: `var(--${name})`, subtle: `var(--${name})` });
const foregroundColors = {
  default: { default: 'var(--text)', subtle: 'var(--muted)' },
  dark: { default: 'var(--text)', subtle: 'var(--muted)' },
  light: { default: 'var(--muted)', subtle: 'var(--muted)' },
  accent: colour('brand-strong'),
  good: colour('good'),
  warning: colour('warning'),
  attention: colour('attention'),
};
const container = (background) => ({ backgroundColor: background, foregroundColors });
const label = { color: 'Default', size: 'Default', weight: 'Default', isSubtle: false };

const hostConfig = {
  fontFamily: 'var(--sans)',
  fontSizes: { small: 12, default: 14, medium: 14, large: 18, extraLarge: 22 },
  lineHeights: { small: 16, default: 20, medium: 20, large: 24, extraLarge: 28 },
  fontWeights: { lighter: 400, default: 400, bolder: 600 },
  spacing: { small: 4, default: 8, medium: 12, large: 16, extraLarge: 24, padding: 14 },
  separator: { lineThickness: 1, lineColor: 'var(--line)' },
  supportsInteractivity: true,
  containerStyles: {
    default: container('var(--surface)'),
    emphasis: container('var(--raised)'),
    accent: container('var(--accent-bg)'),
    good: container('var(--good-bg)'),
    attention: container('var(--attention-bg)'),
    warning: container('var(--warning-bg)'),
  },
  actions: {
    maxActions: 6,
    spacing: 'default',
    buttonSpacing: 8,
    actionsOrientation: 'horizontal',
    actionAlignment: 'left',
    showCard: { actionMode: 'inline', inlineTopMargin: 12, style: 'emphasis' },
  },
  inputs: {
    label: {
      inputSpacing: 'small',
      requiredInputs: { ...label, suffix: ' *', suffixColor: 'Attention' },
      optionalInputs: label,
    },
    errorMessage: { color: 'Attention', size: 'Small', weight: 'Default', spacing: 'small' },
  },
  factSet: {
    title: { color: 'Default', size: 'Default', weight: 'Bolder', isSubtle: false, wrap: true, maxWidth: 150 },
    value: { color: 'Default', size: 'Default', weight: 'Default', isSubtle: false, wrap: true },
    spacing: 12,
  },
  media: { allowInlinePlayback: false },
};

const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escapeHtml = (text) => text.replace(/[&<>"']/g, (char) => escapes[char]);

/** The Markdown that Teams draws in a TextBlock: bold, italic, links, lists. Everything is escaped first. */
export function markdownToHtml(source) {
  const inline = (text) =>
    escapeHtml(text)
      .replace(/\[([^\]]+)\]\((https?:[^\s)]+|mailto:[^\s)]+)\)/g, '<a href="$2" rel="noopener noreferrer">$1</a>')
      .replace(/(\*\*|__)(?=\S)(.+?)(?<=\S)\1/g, '<strong>$2</strong>')
      .replace(/(?<![\w*])([*_])(?=\S)([^*_]+?)(?<=\S)\1(?![\w*])/g, '<em>$2</em>');
  const lists = [];
  const out = [];
  for (const line of source.split(/\r?\n/)) {
    const item = /^\s*(?:([-*])|(\d+)\.)\s+(.*)$/.exec(line);
    const kind = item ? (item[1] ? 'ul' : 'ol') : null;
    if (lists.length > 0 && lists[0] !== kind) out.push(`</${lists.pop()}>`);
    if (item) {
      if (lists.length === 0) {
        lists.push(kind);
        out.push(kind === 'ol' ? `<ol start="${Number(item[2])}">` : '<ul>');
      }
      out.push(`<li>${inline(item[3])}</li>`);
    } else if (line.trim() !== '') out.push(`<p>${inline(line)}</p>`);
  }
  if (lists.length > 0) out.push(`</${lists.pop()}>`);
  return out.join('');
}

AdaptiveCards.AdaptiveCard.onProcessMarkdown = (text, result) => {
  result.outputHtml = markdownToHtml(text);
  result.didProcess = true;
};

/** What an action sends: the card's own data with the inputs laid over it, as the renderer did already. */
const dataOf = (action) => (typeof action.data === 'object' && action.data !== null ? action.data : {});

/**
 * Draws a card. `send(action)` is called for Execute and Submit and resolves to a sentence or an element to show under
 * the card, or null. `follow(url)` is called for links.
 */
export function drawCard(payload, { send, follow = openLink }) {
  const frame = el('div', { class: 'card' });
  const card = new AdaptiveCards.AdaptiveCard();
  card.hostConfig = new AdaptiveCards.HostConfig(hostConfig);
  card.onAnchorClicked = (_element, anchor) => {
    follow(anchor.href);
    return true;
  };
  card.onExecuteAction = async (action) => {
    if (action instanceof AdaptiveCards.OpenUrlAction) return follow(action.url);
    const execute = action instanceof AdaptiveCards.ExecuteAction;
    if (!execute && !(action instanceof AdaptiveCards.SubmitAction)) return;
    for (const old of frame.querySelectorAll('.card-notice, .sign-in')) old.remove();
    frame.setAttribute('aria-busy', 'true');
    let notice = null;
    try {
      notice = await send({
        kind: execute ? 'execute' : 'submit',
        verb: execute ? (action.verb ?? '') : '',
        id: action.id ?? '',
        title: action.title ?? '',
        data: dataOf(action),
      });
    } catch (error) {
      notice = error.message;
    }
    frame.removeAttribute('aria-busy');
    if (notice instanceof Node) frame.append(notice);
    else if (notice) frame.append(el('div', { class: 'card-notice', role: 'alert' }, notice));
  };
  try {
    card.parse(payload);
    const drawn = card.render();
    if (drawn) frame.append(drawn);
  } catch (error) {
    frame.append(el('div', { class: 'card-notice', role: 'alert' }, `This card cannot be drawn: ${error.message}`));
  }
  return frame;
}
