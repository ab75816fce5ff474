/**
 * The list of capabilities. A new one is a file beside this and a line here; everything else (routes, form, help,
 * retry, history) follows from its description.
 */
import type { AnyCapability } from '../requests/capability.ts';
import { audit } from './admin/audit.ts';
import { forget } from './admin/forget.ts';
import { type CallInviteSettings, callInvite, callStart } from './call/invite.ts';
import { callJoin } from './call/join.ts';
import type { CallSettings } from './call/joinStep.ts';
import { guestExtend } from './guest/extend.ts';
import { type GuestSettings, guest } from './guest/guest.ts';
import { guestHandOver } from './guest/handOver.ts';
import { guestRemove } from './guest/remove.ts';
import { guestResend } from './guest/resend.ts';
import { guestReset } from './guest/reset.ts';
import { guestSweep, type SweepSettings } from './guest/sweep.ts';
import { batch } from './many/batch.ts';
import { CHANGES, referralChange } from './referral/change.ts';
import { type ReferralNewSettings, referralNew } from './referral/create.ts';
import { referralInvite } from './referral/invite.ts';
import { referrals } from './referral/list.ts';
import { referralNews } from './referral/news.ts';
import { referral } from './referral/open.ts';
import { referralWatch, type WatchSettings } from './referral/watch.ts';
import { approvalsHere, rules, rulesUndo } from './rules/rules.ts';

export type CapabilitySettings = GuestSettings &
  SweepSettings &
  CallSettings &
  CallInviteSettings &
  ReferralNewSettings &
  WatchSettings;

export function capabilities(settings: CapabilitySettings): ReadonlyMap<string, AnyCapability> {
  const all: readonly AnyCapability[] = [
    guest(settings),
    guestResend('mail', settings),
    guestResend('link', settings),
    guestReset(settings),
    guestRemove(settings),
    guestExtend(settings),
    guestHandOver(settings),
    guestSweep(settings),
    callInvite(settings),
    callStart(settings),
    callJoin(settings),
    referralNew(settings),
    referrals,
    referral,
    ...CHANGES.map(referralChange),
    referralInvite(settings),
    referralWatch(settings),
    referralNews,
    batch,
    rules(settings),
    rulesUndo(settings),
    approvalsHere(settings),
    audit(settings),
    forget(settings),
  ];
  return new Map(all.map((one) => [one.name, one]));
}
