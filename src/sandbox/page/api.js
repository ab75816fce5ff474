/** The page's only way out: the control API of the sandbox it was served from. */

async function ask(path, method = 'GET', body = undefined) {
  const response = await fetch(`/control/${path}`, {
    method,
    ...(method === 'POST' ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body ?? {}) } : {}),
  });
  const text = await response.text();
  const read = text === '' ? null : JSON.parse(text);
  if (!response.ok) throw new Error(read?.error ?? `the sandbox answered ${response.status}`);
  return read;
}

export const readState = () => ask('state');
export const readMessages = async (conversation) =>
  (await ask(`messages?conversation=${encodeURIComponent(conversation)}`)).messages;
export const readCalls = async () => (await ask('calls')).calls;
export const readPartner = () => ask('partner');
export const readSignIn = (ticket) => ask(`sign-in?ticket=${encodeURIComponent(ticket)}`);
/** What the calling service knows; the callbacks are in the answer only where they are asked for. */
export const readTelephony = () => ask(`telephony?after=${Number.MAX_SAFE_INTEGER}`);
export const readCallbacks = async () => (await ask('telephony')).callbacks;
export const post = (path, body) => ask(path, 'POST', body);
export const clearFaults = () => ask('faults', 'DELETE');

/**
 * Listens to what happens; `handlers` are named after the events. Resolves once the stream is open, so that nothing is
 * missed between reading the state and listening. `onAgain` is called when a broken stream is open again.
 */
export function listen(handlers, onAgain) {
  const source = new EventSource('/control/events');
  for (const [name, handle] of Object.entries(handlers)) {
    source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
  }
  return new Promise((resolve) => {
    let opened = false;
    source.addEventListener('hello', () => {
      if (opened) onAgain();
      opened = true;
      resolve();
    });
  });
}
