/**
 * What the parts of one running sandbox share. Only a record: it must not do anything.
 */
import type { Calls } from './calls.ts';
import type { CallsKeys } from './callsKeys.ts';
import type { Certificates } from './certificates.ts';
import type { ChannelKeys } from './channelKeys.ts';
import type { Entra } from './entra.ts';
import type { Faults } from './faults.ts';
import type { Happenings } from './happenings.ts';
import type { Telephony } from './telephony.ts';
import type { World } from './world.ts';

/** The shared parts of one sandbox. */
export interface Room {
  world: World;
  calls: Calls;
  faults: Faults;
  happenings: Happenings;
  keys: ChannelKeys;
  callsKeys: CallsKeys;
  entra: Entra;
  certificates: Certificates;
  telephony: Telephony;
  botId: string;
  /** Where activities are posted; null until somebody says. Loopback only. */
  botUrl: string | null;
  /** Whether activities carry a bearer token. */
  signed: boolean;
  /** The directory delay the sandbox was started with, in ms; a reset goes back to it. */
  directoryDelayMs: number;
  /** Address of the sandbox without a slash at its end. */
  url: string;
  /** The connector's address as activities carry it, with the slash. */
  serviceUrl: string;
}

/** The name under which the bot appears. */
export const botName = 'Usher';
