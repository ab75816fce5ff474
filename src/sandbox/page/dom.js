/** Small pieces that every part of the page draws with. Text always goes in as text, never as markup. */

/** Makes an element: `el('p', { class: 'muted', onclick }, 'text', child)`. */
export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (key.startsWith('aria-')) node.setAttribute(key, String(value));
    else if (value === true) node.setAttribute(key, '');
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(key, String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const byId = (id) => document.getElementById(id);

export function clock(iso) {
  return new Date(iso).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}

const hues = { rita: 345, axel: 210, ada: 275, gus: 35, tess: 165 };

/** A round badge with initials, or the bot's mark. */
export function avatar(key, name) {
  if (key === 'bot') {
    return el('span', { class: 'avatar bot', 'aria-hidden': 'true' }, el('img', { src: '/page/icon.svg', alt: '' }));
  }
  const initials = name
    .split(' ')
    .map((part) => part[0])
    .slice(0, 2)
    .join('');
  const node = el('span', { class: 'avatar', 'aria-hidden': 'true' }, initials.toUpperCase());
  node.style.setProperty(
    '--hue',
    String(hues[key] ?? [...key].reduce((sum, char) => sum + char.charCodeAt(0) * 37, 0) % 360),
  );
  return node;
}

/** A short notice that goes away by itself. */
export function toast(text) {
  const node = el('div', { class: 'toast' }, text);
  byId('toasts').append(node);
  setTimeout(() => node.remove(), 6000);
}

/** Asks before a link is opened, since links are the one thing that leaves the sandbox. */
export function openLink(url) {
  const dialog = byId('leave');
  byId('leaveAddress').textContent = url;
  dialog.returnValue = '';
  dialog.addEventListener(
    'close',
    () => {
      if (dialog.returnValue === 'open' && /^(https?|mailto):/i.test(url)) window.open(url, '_blank', 'noopener');
    },
    { once: true },
  );
  dialog.showModal();
}
