/** The sign-in page of the sandbox: who signs in, to what they agree, and the code that goes back to the chat. */
import { post, readSignIn } from './api.js';
import { byId } from './dom.js';

const ticket = new URLSearchParams(location.search).get('ticket') ?? '';

function say(sentence, code = '') {
  byId('form').hidden = true;
  byId('done').hidden = false;
  byId('said').textContent = sentence;
  byId('code').textContent = code;
}

async function finish(accept) {
  try {
    const { code } = await post('sign-in', { ticket, accept, mfa: byId('mfa').checked });
    say(
      accept ? 'You are signed in. The chat goes on by itself; otherwise this is the code:' : 'You did not sign in.',
      code ?? '',
    );
    if (!window.opener) return;
    window.opener.postMessage({ type: 'usher.signIn', ticket, code }, location.origin);
    window.close();
  } catch (error) {
    say(`This did not work: ${error.message}.`);
  }
}

const dark = matchMedia('(prefers-color-scheme: dark)').matches;
document.documentElement.dataset.theme = localStorage.getItem('usher.theme') ?? (dark ? 'dark' : 'light');
byId('form').addEventListener('submit', (event) => {
  event.preventDefault();
  finish(true);
});
byId('refuse').addEventListener('click', () => finish(false));

try {
  const { name, mail, state } = await readSignIn(ticket);
  byId('title').textContent = `Sign in to Partner Center as ${name}`;
  byId('mail').textContent = mail;
  if (state === 'open') byId('form').hidden = false;
  else say('This sign-in is over. Begin again from the chat.');
} catch {
  say('There is no such sign-in. Begin again from the chat.');
}
