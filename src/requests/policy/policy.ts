/**
 * The policy of a tenant: who may bring whom in, who has to approve it, for how long, and what is kept afterwards. One
 * document, versioned as a whole, so that "rule 3 of version 7" means something for ever.
 * Pure; must not know how it is stored, shown or applied (`judge.ts` does).
 */
import { z } from 'zod/v4';

/** A person, group or team of the directory, by Entra object id; the name is only for people to read. */
const Ref = z.strictObject({ id: z.guid(), name: z.string().min(1).max(256) });
export type Ref = z.infer<typeof Ref>;

/** As people write it: `partner.example` also means its subdomains. */
const Domain = z
  .string()
  .trim()
  .toLowerCase()
  .regex(/^(?:\*\.)?[^\s@/:*]+\.[^\s@/:*.]+$/, 'must be domains such as partner.example');

/** Where cards for approvers go besides the approvers' own chats: a conversation somebody chose by typing there. */
const Channel = z.strictObject({
  conversationId: z.string().min(1),
  serviceUrl: z.url(),
  botId: z.string().min(1),
  name: z.string(),
});

/** Who approves. The first rule that fits a case is the one; one without domains and teams fits every case. */
export const ApprovalRule = z.strictObject({
  name: z.string().min(1).max(100),
  domains: z.array(Domain).default([]),
  /** Teams or groups the guest is to join. */
  teams: z.array(Ref).default([]),
  approvers: z.array(Ref).default([]),
  approverGroups: z.array(Ref).default([]),
  channel: Channel.nullable().default(null),
  deputies: z.array(Ref).default([]),
  /** When nobody has decided after so many hours, the deputies are asked as well. */
  deputyAfterHours: z.int().min(1).max(720).default(24),
  /** When nobody at all has decided after so many days, the request ends. */
  expiresAfterDays: z.int().min(1).max(90).default(14),
});
export type ApprovalRule = z.infer<typeof ApprovalRule>;

/** Rules of approval that one policy holds at most. */
export const MOST_RULES = 20;

export const Policy = z.strictObject({
  /** Who may ask for guests; nobody is listed and `everyone` is false: nobody may. */
  askers: z
    .strictObject({
      everyone: z.boolean(),
      people: z.array(Ref).default([]),
      groups: z.array(Ref).default([]),
      /** Owners of a team, for guests of that team. */
      teamOwners: z.boolean().default(false),
    })
    .default({ everyone: true, people: [], groups: [], teamOwners: false }),
  approvals: z.array(ApprovalRule).max(MOST_RULES).default([]),
  /** None: every domain that is not blocked. */
  allowedDomains: z.array(Domain).max(1000).default([]),
  blockedDomains: z.array(Domain).max(1000).default([]),
  /** Null: a guest may stay for ever. */
  longestStayDays: z.int().min(1).max(3650).nullable().default(null),
  /** The end date of a guest for whom none was asked, in days from now; null: none. */
  defaultStayDays: z.int().min(1).max(3650).nullable().default(null),
  /** Most guests of one list or file. */
  bulkLimit: z.int().min(1).max(10_000).default(10_000),
  /** Least time between two mails to the same guest. */
  resendCoolDownHours: z.int().min(0).max(720).default(24),
  /** BCP 47; none: every language Usher knows. */
  languages: z.array(z.string().min(2).max(35)).default([]),
  guestsMayCommand: z.boolean().default(false),
  otherTenantsMayCommand: z.boolean().default(false),
  /** A guest who has not accepted after so many days is brought to mind, at most so often. */
  remindAfterDays: z.int().min(1).max(365).default(7),
  reminders: z.int().min(0).max(10).default(3),
  /** A guest who never accepted is removed after so many days; null: never. */
  purgeAfterDays: z.int().min(1).max(3650).nullable().default(null),
  /** Their sponsor is asked so many days before the last day of a guest. */
  warnBeforeEndDays: z.int().min(0).max(90).default(7),
  /** A guest whose last day is over and for whom nobody spoke is removed. */
  removeAtEnd: z.boolean().default(false),
  /** Whoever removes more guests than this within 24 hours needs a second person. */
  removeAlone: z.int().min(0).max(10_000).default(5),
  /** Requests that have ended are kept for so many days; null: for ever. */
  retentionDays: z.int().min(1).max(3650).nullable().default(null),
});
export type Policy = z.infer<typeof Policy>;

/** A policy as it holds now. Version 0 is the one Usher was started with. */
export interface PolicyInForce {
  readonly policy: Policy;
  readonly version: number;
  /** Epoch ms. */
  readonly since: number;
  /** Who made it, by name; null: it came with the installation. */
  readonly by: string | null;
}

/** What holds where nobody said anything: everyone may ask for anybody, and nobody has to approve. */
export const OPEN_POLICY: Policy = Policy.parse({});
