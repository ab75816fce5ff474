/**
 * Builds the object graph from the configuration: the one place where the rooms meet. Main, demo and tests all use it.
 * Must not read the environment or decide anything a room should decide.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { toldOf } from './capabilities/guest/invitation.ts';
import { capabilities } from './capabilities/index.ts';
import type { ReferralChoices } from './capabilities/referral/choices.ts';
import { readCardFile } from './cards/folder.ts';
import { warm } from './cards/render.ts';
import { formView } from './cards/views.ts';
import { words } from './cards/words.ts';
import type { Config } from './config/config.ts';
import { closeEdge, listen, openEdge } from './edge/http.ts';
import { INVITE_ROLE, type InviteDoorParts } from './edge/inviteDoor.ts';
import { Pace } from './edge/pace.ts';
import { openAppTokens } from './remotes/appTokens.ts';
import { openCallTokens } from './remotes/callTokens.ts';
import { openChannelTokens } from './remotes/channelTokens.ts';
import { openConnector } from './remotes/connector.ts';
import { openFiles } from './remotes/files.ts';
import { openGraph } from './remotes/graph.ts';
import { openGt365 } from './remotes/gt365.ts';
import { openPartnerCenter } from './remotes/partnerCenter.ts';
import { openColleagues, openPeople } from './remotes/people.ts';
import { openRemotes } from './remotes/remotes.ts';
import { openSandboxTokens } from './remotes/sandboxTokens.ts';
import { warmTokens } from './remotes/signedTokens.ts';
import { openTokens } from './remotes/tokens.ts';
import { openUserTokens } from './remotes/userTokens.ts';
import { openWebhookSignatures } from './remotes/webhookSignatures.ts';
import { Approvals } from './requests/approvals.ts';
import { Awaited } from './requests/awaited.ts';
import type { AnyCapability } from './requests/capability.ts';
import { Desk } from './requests/desk.ts';
import type { Documents } from './requests/documents.ts';
import { Hearing } from './requests/hearing.ts';
import { listDocument } from './requests/many/document.ts';
import { BATCH } from './requests/many/fileList.ts';
import { MOST_AT_ONCE } from './requests/many/rows.ts';
import { OPEN_POLICY, Policy } from './requests/policy/policy.ts';
import { openRules } from './requests/policy/rules.ts';
import type { Clock, Log } from './requests/ports.ts';
import { auditFile } from './requests/proof/auditFile.ts';
import { openStoreRemote } from './requests/proof/storeRemote.ts';
import type { Request } from './requests/request.ts';
import { Runner } from './requests/runner.ts';
import { Teller } from './requests/teller.ts';
import { retaining, sealing, Upkeep } from './requests/upkeep.ts';
import { root } from './root.ts';
import { openStore } from './store/db.ts';
import { UsherAdapter } from './teams/adapter.ts';
import { openApplication } from './teams/application.ts';
import { openChats } from './teams/chats.ts';
import { commandsOf } from './teams/commands.ts';
import { openRequestFiles } from './teams/files.ts';
import { openMembership } from './teams/membership.ts';
import { openPoster } from './teams/post.ts';
import { Replies } from './teams/replies.ts';
import { openRulings } from './teams/rulings.ts';
import { openTurns } from './teams/turn.ts';
import { Whys } from './teams/whys.ts';

export interface Usher {
  readonly port: number;
  /** Stops taking, finishes or gives back what is under way, within 10 s. */
  stop(): Promise<void>;
}

/** Issuer of the channel's tokens (Bot Framework docs, connector authentication). */
const CHANNEL_ISSUER = 'https://api.botframework.com';
/** Issued before the process must be gone: turns and calls under way get this long. */
const GRACE_MS = 7_000;
/** What is being posted after that gets this long; the whole stop stays below 10 s. */
const LAST_POSTS_MS = 1_000;
/** Longest wait for the keys of those who send us something. */
const KEYS_MS = 5_000;
/** Longest wait for an answer of the Teams connector. */
const CONNECTOR_MS = 10_000;
/** The warm-up blocks for a moment, so it waits until the first probes have been answered. */
const WARM_AFTER_MS = 500;

/** The newest request of a guest who is here, or may come, is the record of that: it is kept beyond its time. */
const RECORDS = { capability: 'guest', standings: ['pending', 'accepted'] };

/** Starts everything; resolves when the port is open and the store is migrated. */
export async function startUsher(config: Config, log: Log): Promise<Usher> {
  const clock: Clock = { now: () => Date.now() };
  const store = await openStore(config.databaseUrl.reveal(), { log });
  const tokensOf = (identity: Config['botIdentity']) => identity && openTokens(identity, config.loginUrl);
  const seed = config.policyFile === null ? OPEN_POLICY : readPolicy(config.policyFile);
  const policyNow = openRules(store, seed);
  const isAdmin = (personId: string): boolean => config.admins.has(personId);
  let ownPort = 0;
  // A sandbox on any free port learns its address when the port is open.
  const publicUrl = () => config.publicUrl ?? (config.mode === 'sandbox' ? `http://127.0.0.1:${ownPort}` : null);
  const all = capabilities({
    defaultRedirectUrl: config.defaultRedirectUrl,
    graphUrl: config.graphUrl,
    guestProvider: config.guestProvider,
    botId: config.botId,
    followUpMs: config.followUpMs,
    publicUrl,
    ringMs: config.ringMs,
    referralChoices: readCardFile('choices/referral') as ReferralChoices,
    referralHoldMs: config.referralHoldMs,
    referralNamesOrganization: config.referralNamesOrganization,
    admins: config.admins,
    applicationInstanceId: config.applicationInstanceId,
    country: config.defaultCountry,
    // Microsoft's cloud in China has no participants/invite (Graph docs, participant-invite, national clouds).
    hasCalls: !/(?:^|\.)chinacloudapi\.cn$/.test(new URL(config.graphUrl).hostname),
  });
  const graph = openGraph(
    { url: config.graphUrl, timeoutMs: config.callTimeoutMs, tokens: tokensOf(config.graphIdentity) },
    clock,
  );
  const connector = openConnector({ timeoutMs: CONNECTOR_MS, tokens: tokensOf(config.botIdentity) });
  const userTokens = openUserTokens({
    url: config.tokenServiceUrl,
    connection: config.oauthConnection,
    botId: config.botId,
    timeoutMs: CONNECTOR_MS,
    tokens: tokensOf(config.botIdentity),
  });
  const partner = (url: string) =>
    openPartnerCenter(
      { url, isSandbox: config.mode === 'sandbox', timeoutMs: config.callTimeoutMs },
      userTokens,
      clock,
    );
  const gt365 = openGt365(
    {
      url: config.gt365Url,
      scope: config.gt365Scope,
      isSandbox: config.mode === 'sandbox',
      // It takes its time: its sibling calls are documented with up to two minutes.
      timeoutMs: 4 * config.callTimeoutMs,
      tokens:
        tokensOf(config.gt365Identity) ??
        openSandboxTokens(config.loginUrl, { tenantId: config.botTenantId, clientId: config.gt365ClientId }, KEYS_MS),
    },
    clock,
  );
  const remotes = openRemotes({
    gt365,
    graph: graph.send,
    connector,
    partnerCenter: partner(config.partnerCenterUrl),
    partnerWebhooks: partner(config.partnerWebhookUrl),
    store: openStoreRemote({
      store,
      clock,
      capabilities: all,
      seed,
      findColleagues: openColleagues(graph.send),
      changed: () => teller.wake(),
    }),
  });

  const conversationOf = openChats(connector);
  const teller = new Teller({
    store,
    poster: openPoster(connector, all, conversationOf),
    clock,
    log,
    unreached: (message, request) => approvals.unreached(message, request),
    settings: {
      concurrency: config.concurrency,
      // An update that finds its message gone posts it anew: two waits for the connector.
      leaseMs: 2 * CONNECTOR_MS + 2_000,
      retryBaseMs: config.retryBaseMs,
      // Teams slows a bot down that edits one message more often (Teams docs, rate limits).
      editGapMs: 2_000,
      retryMaxMs: config.retryMaxMs,
      maxTries: 12,
    },
  });
  const awaited = new Awaited(store);
  const changed = (request: Request): void => {
    teller.wake();
    awaited.changed(request);
  };
  const runner = new Runner({
    store,
    remotes,
    capabilities: all,
    policyNow,
    clock,
    log,
    admins: config.admins,
    changed,
    settings: {
      concurrency: config.concurrency,
      leaseMs: 10_000,
      retryBaseMs: config.retryBaseMs,
      retryMaxMs: config.retryMaxMs,
      maxAttempts: config.retryAttempts,
      settleMs: config.settleMs,
      giveUpMs: 24 * 3600_000,
    },
  });
  const desk = new Desk({
    store,
    clock,
    capabilities: all,
    policyNow,
    maxAtOnce: MOST_AT_ONCE,
    queued: () => runner.wake(),
    changed,
    messageLeaseEnd: () => teller.leaseEnd(),
  });
  const hearing = new Hearing({ store, clock, capabilities: all, queued: () => runner.wake() });
  const approvals = new Approvals({ store, clock, capabilities: all, policyNow, queued: () => runner.wake(), changed });
  store.onWake(() => {
    runner.wake();
    teller.wake();
  });

  const documents: Documents = new Map([
    [BATCH, listDocument(store, all, (sentence, locale) => words(locale).say(sentence))],
    ['audit', auditFile({ store, clock, admins: config.admins })],
  ]);
  const filePlace = openFiles({ isSandbox: config.mode === 'sandbox', timeoutMs: CONNECTOR_MS });
  const files = openRequestFiles({ desk, wire: connector, conversationOf, documents, place: filePlace, log });
  const commands = commandsOf(all);
  const replies = new Replies({ desk, capabilities: all, commands });
  const application = openApplication(
    openTurns({
      desk,
      teller,
      replies,
      rulings: openRulings({ approvals, desk, replies }),
      whys: new Whys({ desk, replies, policyNow, clock, isAdmin, capabilities: all }),
      capabilities: all,
      commands,
      signIns: userTokens,
      files,
      filePlace,
      mayCommand: openMembership(connector, config.allowedTenants, policyNow),
      log,
    }),
  );
  const adapter = new UsherAdapter(connector, config.botId, config.botTenantId);
  const verify = openChannelTokens({
    metadataUrl: config.openIdMetadataUrl,
    issuer: CHANNEL_ISSUER,
    audience: config.botId,
    timeoutMs: KEYS_MS,
  });
  const verifyCalls = openCallTokens({
    metadataUrl: config.callsOpenIdMetadataUrl,
    audience: config.botId,
    timeoutMs: KEYS_MS,
  });

  const guests = all.get('guest')!;
  const invites: InviteDoorParts = {
    settings: {
      tenantId: config.graphIdentity?.tenantId ?? config.botTenantId,
      botId: config.botId,
      teamsServiceUrl: config.teamsServiceUrl,
      waitMs: config.inviteWaitMs,
      publicUrl,
    },
    verifyApp: openAppTokens({
      loginUrl: config.loginUrl,
      tenants: config.allowedTenants,
      issuers: config.entraIssuers,
      // By id, and by the names Azure and Teams propose for the API of a bot (Teams docs, bot single sign-on).
      audiences: [config.botId, `api://${config.botId}`, `api://botid-${config.botId}`],
      role: INVITE_ROLE,
      timeoutMs: KEYS_MS,
    }),
    findPerson: openPeople(graph.send),
    fields: guests.fields,
    pace: new Pace(config.invitePerMinute),
    desk,
    awaited,
    told: (request) => toldOf(request, guests),
    spoken: words(undefined).say,
    log,
  };

  let stopping = false;
  const edge = openEdge({
    settings: config,
    verify,
    verifyCalls,
    heard: (callback) => hearing.heard(callback),
    verifyWebhook: openWebhookSignatures({ ...config.webhookTrust, timeoutMs: KEYS_MS }),
    heardReferral: (callback) => hearing.heardReferral(callback),
    invites,
    receive: (activity) => adapter.receive(activity, (context) => application.run(context)),
    audit: (line) => store.audit([line]),
    missing: async () => {
      if (stopping) return ['stopping'];
      return store.check().then(
        () => [],
        (cause) => {
          log.error('store.unreachable', { cause });
          return ['store'];
        },
      );
    },
    log,
  });
  const port = await listen(edge, config.port, config.host).catch(async (cause) => {
    await store.close();
    throw cause;
  });
  ownPort = port;
  const upkeep = new Upkeep([sealing(store), retaining({ store, policyNow, clock, records: RECORDS })], log);
  runner.start();
  teller.start();
  upkeep.start();
  const warming = setTimeout(() => {
    // Who needs one of these meanwhile loads it, and meets the error.
    for (const warm of [connector.warm, graph.warm, warmTokens]) warm().catch(() => {});
    warmUp(all);
  }, WARM_AFTER_MS);

  return {
    port,
    async stop() {
      stopping = true;
      awaited.stop();
      clearTimeout(warming);
      const closed = closeEdge(edge);
      await Promise.all([upkeep.stop(), runner.stop(GRACE_MS), Promise.race([closed, after(GRACE_MS)])]);
      await teller.stop(LAST_POSTS_MS, () => void connector.close());
      await connector.close();
      await store.close();
    },
  };
}

/** The rules to start with. Throws with every fault: Usher does not start by rules that are not what they seem. */
function readPolicy(path: string): Policy {
  const read = Policy.safeParse(JSON.parse(readFileSync(resolve(root, path), 'utf8')));
  if (read.success) return read.data;
  const faults = read.error.issues.map(({ path: at, message }) => `${at.join('.') || 'the file'}: ${message}`);
  throw new Error(`POLICY_FILE ${path}: ${faults.join('; ')}`);
}

/** Template engine and date patterns compile on first use (0.8 s in all): better now than in somebody's first turn. */
function warmUp(all: ReadonlyMap<string, AnyCapability>): void {
  const language = words(undefined);
  warm(
    [...all.values()]
      .filter(({ fields }) => fields.length > 0)
      .map(({ name, fields }) =>
        formView({ capability: name, fields, values: {}, problems: [], formId: '00000000' }, language),
      ),
    language,
  );
  for (const { fields } of all.values()) {
    for (const field of fields) for (const text of ['1 March', 'tomorrow']) field.accepts?.(text, '');
  }
}

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref());
