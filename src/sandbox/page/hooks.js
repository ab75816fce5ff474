/** Callbacks as the side panel shows them among the Graph calls: what the calling service told Usher, and what it said. */
import { el } from './dom.js';

const nameOf = ({ user, phone, guest, application }) =>
  user?.displayName ?? guest?.displayName ?? application?.displayName ?? phone?.id ?? 'Somebody';

/** One notification in a few words. */
function gist({ resourceUrl = '', resourceData: data }) {
  if (Array.isArray(data)) return `Roster: ${data.map(({ info }) => nameOf(info.identity)).join(', ') || 'nobody'}`;
  if (/\/operations\//.test(resourceUrl)) {
    const names = (data.participants ?? []).map(({ identity }) => nameOf(identity)).join(', ');
    const { code, subcode } = data.resultInfo ?? {};
    return data.status === 'failed' ? `${names} did not come (${code}/${subcode})` : `${names} came`;
  }
  return data?.state ? `Call ${data.state}` : 'A notification';
}

/** What a callback says, in a few words. */
function summary(body) {
  const value = Array.isArray(body?.value) ? body.value : [];
  return value.map(gist).join('; ') || 'A callback by hand';
}

function badge({ state, status }) {
  if (state === 'held') return ['status slow', 'held'];
  if (state === 'off') return ['status slow', 'not sent'];
  if (status === null) return ['status slow', '…'];
  if (status === 0) return ['status bad', 'lost'];
  return [status >= 400 ? 'status bad' : 'status', String(status)];
}

/** One callback; it is drawn anew whenever it is tried again. */
export function hookNode(record) {
  const [kind, text] = badge(record);
  const tries = record.tries.map(
    (one) => `${one.status === 0 ? (one.error ?? 'lost') : one.status} after ${one.ms} ms`,
  );
  const json = el('pre', { tabindex: '0' });
  const node = el(
    'details',
    { class: 'call hook', 'data-callback': record.n },
    el(
      'summary',
      { title: 'Told to Usher by the calling service' },
      el('span', { class: 'method' }, 'TOLD'),
      el('span', { class: 'path' }, summary(record.body)),
      el('span', { class: 'result' }, el('span', { class: kind }, text)),
    ),
    el('h3', {}, tries.length > 1 ? `To ${record.to}, ${tries.length} tries` : `To ${record.to}`),
    tries.length > 0 && el('pre', { tabindex: '0' }, tries.join('\n')),
    json,
  );
  // Rosters can be long, so their text is made when somebody looks.
  node.addEventListener('toggle', () => {
    if (node.open) json.textContent = JSON.stringify(record.body, null, 2);
  });
  return node;
}
