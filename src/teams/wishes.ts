/**
 * What a person typed or pressed, made a wish at the desk, a choice, or a question answered from the store; answers what is
 * to be shown. Authority comes from the turn and the store, never from what a card carries.
 * Must not know how anything is shown, or HTTP or SQL.
 */
import type { View } from '../cards/view.ts';
import { isApprover } from '../requests/approval.ts';
import { readArguments } from '../requests/arguments.ts';
import type { AnyCapability, Raw } from '../requests/capability.ts';
import type { Choice, Desk } from '../requests/desk.ts';
import { readId } from '../requests/ids.ts';
import { type Problem, problem, SIGN_IN_AGAIN } from '../requests/problem.ts';
import type { Request } from '../requests/request.ts';
import { say } from '../requests/say.ts';
import type { Teller } from '../requests/teller.ts';
import type { Envelope } from './activity.ts';
import type { InvokeAnswer } from './application.ts';
import { openAttached, receipt } from './attached.ts';
import { type Command, didYouMean, findCommand } from './commands.ts';
import type { AttachedFile, FilePlace, RequestFiles } from './files.ts';
import { fixedBy, formKey, pressKey, rawOf } from './given.ts';
import type { Asker, Replies, Reply } from './replies.ts';
import type { Rulings } from './rulings.ts';
import { type Brought, type SignIns, signIn } from './signIn.ts';
import { MOST_TEXT } from './text.ts';
import type { Whys } from './whys.ts';

export interface WishParts {
  readonly desk: Desk;
  readonly teller: Teller;
  readonly replies: Replies;
  readonly capabilities: ReadonlyMap<string, AnyCapability>;
  readonly commands: readonly Command[];
  readonly signIns: SignIns;
  readonly files: RequestFiles;
  /** Where attached files are fetched from. */
  readonly filePlace: Pick<FilePlace, 'read'>;
  readonly rulings: Rulings;
  readonly whys: Whys;
}

/** A card in the place of the one pressed. */
export interface Instead {
  readonly instead: View;
  readonly follows?: Request;
}

/** What a turn shows: a card instead, a card below, a problem said, or nothing more (its cards are posted already). */
export type Shows =
  | Instead
  | Reply
  | { readonly said: Problem }
  | { readonly nothing: true }
  /** The client itself is to do something first. */
  | { readonly answer: InvokeAnswer };

/** Someone in a turn, with the key that makes their intent one. */
export interface Turn extends Asker {
  readonly key: string;
  /** The message whose card was pressed. */
  readonly pressed: string | null;
  /** What a client brings that has signed somebody in. */
  readonly brought: Brought;
  readonly activity: Envelope;
  /** Whom the typed message mentions. */
  readonly mentions: readonly { readonly name: string; readonly teamsId: string }[];
}

export interface Wishes {
  typed(text: string, turn: Turn): Promise<Shows>;
  /** Files came with what was typed. */
  attached(files: readonly AttachedFile[], text: string, turn: Turn): Promise<Shows>;
  pressed(verb: string, data: Readonly<Record<string, unknown>>, turn: Turn): Promise<Shows>;
}

export function openWishes(parts: WishParts): Wishes {
  const { desk, teller, replies, capabilities, commands, signIns, rulings, whys } = parts;
  const attached = openAttached(parts);

  async function run(text: string, turn: Turn): Promise<Shows> {
    const typed = findCommand(text, commands);
    if (!typed) return { below: replies.unknown(text, didYouMean(text, commands), turn) };
    const { command, rest } = typed;
    const capability = command.capability && capabilities.get(command.capability);
    if (capability && command.act) return typedAct(capability, command.act, rest, turn);
    if (capability) return typedWish(capability, rest, turn);
    switch (command.name) {
      case 'why':
        return { below: await whys.why(rest, turn) };
      case 'why not':
      case 'policy try':
        return { below: await whys.whyNot(rest, turn) };
      case 'approvals':
        return { below: await replies.approvals(turn) };
      case 'check':
        return check(rest, turn);
      case 'requests':
        return { below: await replies.requests(turn) };
      case 'request':
        return replies.request(rest, turn);
      case 'guests':
        return { below: await replies.guests(rest, turn) };
      case 'guest':
        return replies.guest(rest, turn);
      case 'cancel':
      case 'retry': {
        const id = readId(rest);
        if (!id) return { below: replies.problem(problem('input', 'problem.whichRequest'), turn) };
        const chosen = await desk.choose(id, { kind: command.name }, turn.who, turn.where);
        return chosen.ok ? replies.open(chosen.value, turn) : { below: replies.problem(chosen.problem, turn) };
      }
      case 'sign in':
      case 'sign out':
        return command.name === 'sign in' ? typedSignIn(turn) : signOut(turn);
      default:
        return { below: replies.help(turn, rest) };
    }
  }

  /** What a command would do, without doing it. */
  async function check(text: string, turn: Turn): Promise<Shows> {
    const typed = findCommand(text, commands);
    const capability = typed?.command.capability && capabilities.get(typed.command.capability);
    if (!typed || text === '') return { below: replies.unknown(text, didYouMean(text, commands), turn) };
    if (!capability || typed.command.act) return { below: replies.notice(say('check.readsOnly'), turn) };
    const raw = await desk.arrange(capability, readArguments(typed.rest, capability.fields), turn.who, turn.where);
    const { mentions } = turn;
    const meant = mentions.length === 0 ? raw : { ...raw, mentions: JSON.stringify(mentions) };
    const filed = await file(capability, meant, turn, null, turn.key, true);
    const [first] = filed.ok ? [] : filed.problem;
    return first ? { below: replies.problem(first, turn) } : { nothing: true };
  }

  async function typedSignIn(turn: Turn): Promise<Shows> {
    const asked = await signIns.get(turn.where.userId);
    if (asked === 'none') return { below: replies.askToSignIn(turn) };
    if ('problem' in asked) return { said: asked.problem };
    // What waited may not have noticed.
    await desk.signedIn(turn.who, turn.where);
    return { below: replies.notice(say('signIn.already'), turn) };
  }

  async function signOut(turn: Turn): Promise<Shows> {
    const why = await signIns.signOut(turn.where.userId);
    return why ? { said: why } : { below: replies.notice(say('signIn.out'), turn) };
  }

  /** Whoever pressed signs in; what waited for it goes on, and the card pressed says so. */
  async function pressedSignIn(id: string, turn: Turn): Promise<Shows> {
    const request = id === '' ? null : await own(id, turn);
    if (request && 'said' in request) return request;
    const signed = await signIn(turn.brought, turn.activity, turn, signIns, request?.problem?.reason === SIGN_IN_AGAIN);
    if (signed !== 'signed in') return 'problem' in signed ? { said: signed.problem } : signed;
    await desk.signedIn(turn.who, turn.where);
    if (!request) return { instead: replies.notice(say('signIn.done'), turn) };
    const now = (await desk.find(id, turn.where)) ?? request;
    return { instead: replies.card(now, turn), follows: now };
  }

  /** A typed command of a capability: filed when complete, else the form with what was understood. */
  async function typedWish(capability: AnyCapability, rest: string, turn: Turn): Promise<Shows> {
    const denied = capability.denies?.(turn.who, turn.where);
    if (denied) return { said: denied };
    const raw = await desk.arrange(capability, readArguments(rest, capability.fields), turn.who, turn.where);
    if (capability.formFirst || !capability.fields.every((field) => !field.required || raw[field.name])) {
      return { below: replies.form(capability, raw, [], turn) };
    }
    const { mentions } = turn;
    const meant = mentions.length === 0 ? raw : { ...raw, mentions: JSON.stringify(mentions) };
    let filed = await file(capability, meant, turn, null);
    const [held] = filed.ok && !filed.value.isNew && turn.key.startsWith('press:') ? filed.value.requests : [];
    // What was pressed before came to nothing: pressing again is another try.
    if (held?.state === 'failed' || held?.state === 'cancelled')
      filed = await file(capability, meant, turn, null, `${turn.key}:${held.version}`);
    if (filed.ok) return { nothing: true };
    const [first] = filed.problem;
    // Without a field there is nothing to fill in better.
    if (capability.fields.length === 0 && first) return { said: first };
    return { below: replies.form(capability, raw, filed.problem, turn) };
  }

  /** A command about what goes on here ("call leave"): done to the request that it is about, whose card comes down here. */
  async function typedAct(capability: AnyCapability, act: string, rest: string, turn: Turn): Promise<Shows> {
    const request = await desk.here(capability, turn.where);
    if (!request) return { below: replies.problem(problem('gone', `${capability.name}.notHere`), turn) };
    const done = await desk.act(request.id, act, { text: rest }, turn.who, turn.where);
    return done.ok ? replies.open(done.value, turn) : { below: replies.problem(done.problem, turn) };
  }

  async function pressedAct(act: string, data: Readonly<Record<string, unknown>>, turn: Turn): Promise<Shows> {
    const texts = Object.entries(data).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
    const { requestId = '', ...rest } = Object.fromEntries(texts);
    const done = await desk.act(requestId, act, rest, turn.who, turn.where);
    if (done.ok) return { instead: replies.card(done.value, turn), follows: done.value };
    const now = done.problem.kind === 'clash' ? await desk.find(requestId, turn.where) : null;
    return now ? { instead: replies.card(now, turn), follows: now } : { said: done.problem };
  }

  /** Files a wish; receipts that have no message yet are posted here, at once. */
  async function file(
    capability: AnyCapability,
    raw: Raw,
    turn: Turn,
    activityId: string | null,
    key = turn.key,
    isDry = false,
  ) {
    const { who, where } = turn;
    const dry = isDry ? { isDry: true as const } : {};
    const wish = { capability: capability.name, raw, who, where, key, activityId, ...dry };
    const rows = isDry ? null : capability.list?.split(raw);
    const filed = await (rows ? desk.submitList({ ...wish, rows, name: null, unused: [] }) : desk.submit(wish));
    if (filed.ok && filed.value.isNew && activityId === null) {
      await Promise.all(filed.value.requests.map((request) => receipt(teller, request)));
    }
    return filed;
  }

  /** What a pressed button does. Authority comes from the turn and the store, never from `data`. */
  async function press(verb: string, data: Readonly<Record<string, unknown>>, turn: Turn): Promise<Shows> {
    const text = (name: string): string => (typeof data[name] === 'string' ? data[name] : '');
    const [head = '', action = ''] = verb.split('.');
    const capability = capabilities.get(head);
    if (capability && action === 'submit') return submitForm(capability, data, turn);
    if (capability && action === 'check') return checkForm(capability, data, turn);
    if (capability && action === 'again') return again(capability, text('requestId'), turn);
    if (capability?.acts?.[action]) return pressedAct(action, data, turn);
    const ruled = await rulings.pressed(verb, data, turn);
    if (ruled) return ruled;
    switch (verb) {
      case 'form.open': {
        const wanted = capabilities.get(text('capability'));
        if (!wanted) return { below: replies.help(turn) };
        const denied = wanted.denies?.(turn.who, turn.where);
        if (denied) return { said: denied };
        const filled = await desk.arrange(wanted, rawOf(wanted, data), turn.who, turn.where);
        return { below: replies.form(wanted, filled, [], turn) };
      }
      case 'form.cancel':
        return { instead: replies.notice(say('form.cancelled'), turn) };
      case 'command.run':
        return run(text('text').slice(0, MOST_TEXT), {
          ...turn,
          key: pressKey(data, turn.who, turn.where) ?? turn.key,
        });
      case 'request.show':
        return replies.request(text('requestId'), turn);
      case 'request.signIn':
      case 'signIn.start':
        return pressedSignIn(text('requestId'), turn);
      case 'request.file':
        return offerFile(text('requestId'), turn);
      case 'request.fix':
        return fix(text('requestId'), turn);
      case 'request.cancel':
      case 'request.retry':
      case 'request.arrived':
      case 'request.again':
        return choose(text('requestId'), { kind: action as 'cancel' | 'retry' | 'arrived' | 'again' }, turn);
      case 'request.answer':
        return choose(text('requestId'), { kind: 'answer', value: text('answer') }, turn);
      default:
        return { said: problem('gone', 'bot.oldButton') };
    }
  }

  /** The form again, with its faults or with what would be done; nothing is filed. */
  async function checkForm(
    capability: AnyCapability,
    data: Readonly<Record<string, unknown>>,
    turn: Turn,
  ): Promise<Shows> {
    const formId = typeof data['formId'] === 'string' ? data['formId'] : '';
    if (formKey(formId, turn.where) === null) return { said: problem('gone', 'bot.oldButton') };
    const raw = rawOf(capability, data);
    const checked = await desk.check(capability, raw, turn.who, turn.where);
    const [faults, lines] = checked.ok ? [[], checked.value] : [checked.problem, []];
    return { instead: replies.form(capability, raw, faults, turn, { formId, checked: lines, fixes: fixedBy(data) }) };
  }

  async function submitForm(
    capability: AnyCapability,
    data: Readonly<Record<string, unknown>>,
    turn: Turn,
  ): Promise<Shows> {
    const formId = typeof data['formId'] === 'string' ? data['formId'] : '';
    const key = formKey(formId, turn.where);
    if (key === null) return { said: problem('gone', 'bot.oldButton') };
    const raw = rawOf(capability, data);
    const filed = await file(capability, raw, turn, turn.pressed, key);
    if (!filed.ok)
      return { instead: replies.form(capability, raw, filed.problem, turn, { formId, fixes: fixedBy(data) }) };
    const { requests, isNew, isSame } = filed.value;
    const [first] = requests;
    if (!isNew && !isSame && first) {
      // Somebody else used this form, or it was used for something else: what was typed now is not lost.
      const used = problem('clash', say('form.used', { name: first.requester.name }));
      return { below: replies.form(capability, raw, [used], turn) };
    }
    const fixed = fixedBy(data);
    if (fixed && first) await desk.replaced(fixed, first);
    // It follows: a result that was shown meanwhile must not be lost under this receipt.
    if (requests.length === 1 && first) return { instead: replies.card(first, turn), follows: first };
    // Lists do nothing before Send that would have them shown.
    teller.wake();
    const isListed = first?.capability !== capability.name;
    const said = say(isListed ? 'form.filedLists' : 'form.filed', { count: requests.length });
    return { instead: replies.notice(said, turn) };
  }

  /** The same wish once more, on purpose (another mail to somebody who has not accepted). */
  async function again(capability: AnyCapability, id: string, turn: Turn): Promise<Shows> {
    const request = await own(id, turn);
    if ('said' in request) return request;
    const raw = { ...capability.write(request.input, request.outcome), again: 'true' };
    const filed = await file(capability, raw, turn, null, `again:${request.id}:${request.version}`);
    return filed.ok ? { nothing: true } : { below: replies.form(capability, raw, filed.problem, turn) };
  }

  async function fix(id: string, turn: Turn): Promise<Shows> {
    const request = await own(id, turn);
    if ('said' in request) return request;
    const capability = capabilities.get(request.capability);
    if (!capability) throw new Error(`no capability named ${request.capability}`);
    const why = request.problem?.kind === 'input' ? [request.problem] : [];
    const filled = capability.write(request.input, request.outcome);
    return { below: replies.form(capability, filled, why, turn, { fixes: request.id }) };
  }

  async function offerFile(id: string, turn: Turn): Promise<Shows> {
    const request = await own(id, turn, true);
    if ('said' in request) return request;
    const why = await parts.files.offer(request, turn.who, turn.where, (sentence) => turn.language.say(sentence));
    if (why) return { said: why };
    return turn.where.kind === 'personal' ? { nothing: true } : { below: replies.notice(say('file.offer'), turn) };
  }

  /** Of whoever asked; `orApprover`: those who are to approve it may as well. */
  async function own(id: string, turn: Turn, orApprover = false): Promise<Request | { said: Problem }> {
    const request = await desk.find(id, turn.where);
    if (!request) return { said: problem('gone', say('problem.noSuchRequest', { id })) };
    if (request.erasedAt !== null) return { said: problem('gone', 'problem.erased') };
    const { requester, approval } = request;
    if (requester.id === turn.who.id) return request;
    if (orApprover && isApprover(approval, turn.who.id, requester.id)) return request;
    return { said: problem('denied', say('problem.notYours', { name: request.requester.name })) };
  }

  async function choose(id: string, choice: Choice, turn: Turn): Promise<Shows> {
    const chosen = await desk.choose(id, choice, turn.who, turn.where);
    if (chosen.ok) return { instead: replies.card(chosen.value, turn), follows: chosen.value };
    // A card that offers what is no longer possible is behind: how things are now takes its place.
    const now = chosen.problem.kind === 'clash' ? await desk.find(id, turn.where) : null;
    if (!now || replies.offers(now, choice)) return { said: chosen.problem };
    return { instead: replies.card(now, turn), follows: now };
  }

  return { typed: run, attached, pressed: press };
}
