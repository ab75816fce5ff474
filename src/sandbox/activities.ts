/**
 * Activities the way Teams writes them (Teams docs, bots/how-to/conversations; Bot Framework activity schema). Pure: it
 * builds records and must not store or send anything.
 */
import { botName, type Room } from './room.ts';
import { type Conversation, newActivityId, type Person } from './world.ts';

/** An activity as JSON. */
export type Activity = Record<string, unknown>;

/** Where and by whom something happens. */
export interface Scene {
  conversation: Conversation;
  person: Person;
  /** Root message id of the channel thread. */
  thread?: string | null;
  activityId?: string;
  locale?: string;
}

const timezone = 'Europe/Lisbon';

/** `2026-11-20T17:00:00.000+00:00`, the wall clock in the sandbox's time zone with its offset. */
function localTime(now: Date): string {
  const named = new Intl.DateTimeFormat('en-GB', { timeZone: timezone, timeZoneName: 'longOffset' }).formatToParts(now);
  const offset = named.find((part) => part.type === 'timeZoneName')?.value.replace('GMT', '') || '+00:00';
  const [hours = 0, minutes = 0] = offset.split(':').map(Number);
  const shiftMs = (hours * 60 + minutes) * 60_000;
  return `${new Date(now.getTime() + shiftMs).toISOString().slice(0, -1)}${offset}`;
}

/** The part all activities share. */
export function baseActivity(room: Room, type: string, scene: Scene): Activity {
  const { conversation, person, thread, locale = 'en-US' } = scene;
  const now = new Date();
  const account: Record<string, unknown> = {
    conversationType: conversation.type,
    tenantId: person.tenantId,
    id: thread ? `${conversation.id};messageid=${thread}` : conversation.id,
  };
  if (conversation.type !== 'personal') account['isGroup'] = true;
  if (conversation.type === 'groupChat') account['name'] = conversation.name;
  const channelData: Record<string, unknown> = { tenant: { id: person.tenantId } };
  if (conversation.team) {
    channelData['teamsChannelId'] = conversation.id;
    channelData['teamsTeamId'] = conversation.team.id;
    channelData['channel'] = { id: conversation.id };
    channelData['team'] = { ...conversation.team };
  }
  if (conversation.meetingId) channelData['meeting'] = { id: conversation.meetingId };
  return {
    type,
    id: scene.activityId ?? newActivityId(),
    timestamp: now.toISOString(),
    localTimestamp: localTime(now),
    localTimezone: timezone,
    channelId: 'msteams',
    serviceUrl: room.serviceUrl,
    from: { id: person.teamsId, name: person.name, aadObjectId: person.userId },
    conversation: account,
    recipient: { id: `28:${room.botId}`, name: botName },
    entities: [{ locale, country: locale.split('-')[1] ?? 'US', platform: 'Web', timezone, type: 'clientInfo' }],
    channelData,
    locale,
  };
}

const escapeHtml = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** A mention in Teams' own HTML copy of a text. */
const mentionHtml = (name: string, index: number) =>
  `<span itemtype="http://schema.skype.com/Mention" itemscope itemid="${index}">${name}</span>`;

/**
 * A message somebody typed. With a mention of the bot the text begins with `<at>Usher</at>`; other mentions stand where
 * `@Name` was typed. Teams' own HTML copy of the text is attached, as Teams does.
 */
export function messageActivity(
  room: Room,
  scene: Scene,
  said: { text: string; mention: boolean; mentions?: readonly Person[]; attachments: unknown[] },
): Activity {
  const activity = baseActivity(room, 'message', scene);
  const entities = activity['entities'] as unknown[];
  const channelData = activity['channelData'] as Record<string, unknown>;
  channelData['source'] = { name: 'text' };
  const bot = said.mention ? [{ id: `28:${room.botId}`, name: botName }] : [];
  const others = (said.mentions ?? []).map(({ teamsId, name }) => ({ id: teamsId, name }));
  let { text } = said;
  let html = escapeHtml(said.text);
  others.forEach(({ name }, index) => {
    text = text.replace(`@${name}`, () => `<at>${name}</at>`);
    html = html.replace(`@${escapeHtml(name)}`, () => mentionHtml(escapeHtml(name), bot.length + index));
  });
  for (const one of [...bot, ...others]) {
    entities.push({ mentioned: one, text: `<at>${one.name}</at>`, type: 'mention' });
  }
  const attachments = [...said.attachments];
  if (bot.length + others.length > 0) {
    const content = `<p>${said.mention ? `${mentionHtml(botName, 0)}&nbsp;` : ''}${html}</p>`;
    attachments.push({ contentType: 'text/html', content });
  }
  return {
    ...activity,
    text: said.mention ? `<at>${botName}</at> ${text}` : text,
    textFormat: 'plain',
    ...(attachments.length > 0 ? { attachments } : {}),
  };
}

/** Action.Submit: a message without text that carries the card's data. */
export function submitActivity(room: Room, scene: Scene, replyToId: string, value: unknown): Activity {
  const activity = baseActivity(room, 'message', scene);
  const channelData = activity['channelData'] as Record<string, unknown>;
  channelData['source'] = { name: 'message' };
  channelData['legacy'] = { replyToId };
  return { ...activity, replyToId, value };
}

/**
 * Action.Execute: an invoke that expects an answer (Teams docs, universal actions). After a sign-in the same one comes again
 * with its code, or with a token to exchange.
 */
export function executeActivity(
  room: Room,
  scene: Scene,
  replyToId: string,
  action: { id?: string; title?: string; verb: string; data: Record<string, unknown> },
  signedIn: { state?: string; authentication?: Record<string, unknown> } = {},
  trigger: 'manual' | 'automatic' = 'manual',
): Activity {
  const activity = baseActivity(room, 'invoke', scene);
  const channelData = activity['channelData'] as Record<string, unknown>;
  channelData['source'] = { name: 'message' };
  channelData['legacy'] = { replyToId };
  return {
    ...activity,
    name: 'adaptiveCard/action',
    replyToId,
    value: { action: { type: 'Action.Execute', ...action }, trigger, ...signedIn },
  };
}

/** The two activities of an installation (or removal), in the order Teams sends them. */
export function installActivities(room: Room, scene: Scene, action: 'add' | 'remove'): Activity[] {
  const bot = { id: `28:${room.botId}` };
  const update = baseActivity(room, 'conversationUpdate', scene);
  const channelData = update['channelData'] as Record<string, unknown>;
  if (scene.conversation.team) {
    channelData['eventType'] = action === 'add' ? 'teamMemberAdded' : 'teamMemberRemoved';
  }
  return [
    { ...update, [action === 'add' ? 'membersAdded' : 'membersRemoved']: [bot] },
    { ...baseActivity(room, 'installationUpdate', scene), action },
  ];
}
