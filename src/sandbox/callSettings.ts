/**
 * The switches of the calling service and what they are on the first morning. Must not do anything.
 */

/** How the tenant and the calling service behave; see `POST /control/settings`. */
export interface CallSettings {
  /** Consent to the Calls.* permissions; `joinOnly` lacks Calls.InitiateGroupCall.All, so nobody can be invited. */
  callsConsent: boolean | 'joinOnly';
  /** Whether an admin allowed the app to remove people; tenants begin without. */
  mayRemoveParticipants: boolean;
  /** Whether an application instance with a number is set up for the app, without which no phone can be called. */
  phoneReady: boolean;
  /** Resource-specific consent to read the meeting of a chat. */
  meetingConsent: boolean;
  /** False answers as for a one-to-one call, which has no link to join by. */
  meetingHasJoinUrl: boolean;
  /** How long people ring who have no time of their own, in ms. */
  ringMs: number;
  /** After which ringing ends without an answer, in ms. Seen: 60 s (comms-samples #408). */
  ringTimeoutMs: number;
  /** From the answer to a join until the call is established, in ms. */
  joinMs: number;
  /** From a change until the roster is told, in ms; changes meanwhile are told together. */
  rosterDelayMs: number;
  /** After which a call ends that is not kept alive, in ms. Documented: 45 min. */
  keepAliveLimitMs: number;
  /** Sends no callbacks at all. */
  callbacksOff: boolean;
  /** How often a callback is tried, the first time included. */
  callbackTries: number;
  /** Pause before the second try, in ms; each further one is three times as long. */
  callbackPauseMs: number;
  /** Issuer of the callbacks' tokens: one of the two that are documented. */
  callsIssuer: string;
}

/** The settings of the first morning. */
export const callDefaults: CallSettings = {
  callsConsent: true,
  mayRemoveParticipants: false,
  phoneReady: false,
  meetingConsent: true,
  meetingHasJoinUrl: true,
  ringMs: 1500,
  ringTimeoutMs: 60_000,
  joinMs: 50,
  rosterDelayMs: 25,
  keepAliveLimitMs: 45 * 60_000,
  callbacksOff: false,
  callbackTries: 4,
  callbackPauseMs: 200,
  callsIssuer: 'https://api.botframework.com',
};
