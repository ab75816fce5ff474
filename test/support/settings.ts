/** The settings capabilities are built with in tests that carry nothing out. */

import type { CapabilitySettings } from '../../src/capabilities/index.ts';
import { readCardFile } from '../../src/cards/folder.ts';

export const SETTINGS: CapabilitySettings = {
  defaultRedirectUrl: 'https://teams.microsoft.com',
  graphUrl: 'https://graph.microsoft.com/v1.0',
  guestProvider: 'graph',
  publicUrl: () => 'https://usher.example',
  botId: 'b0000000-0000-4000-8000-000000000b07',
  followUpMs: 15 * 60_000,
  ringMs: 45_000,
  applicationInstanceId: 'c0000000-0000-4000-8000-0000000000a1',
  country: 'PT',
  hasCalls: true,
  referralChoices: readCardFile('choices/referral') as CapabilitySettings['referralChoices'],
  referralHoldMs: 5_000,
  referralNamesOrganization: false,
  admins: new Set(['a0000000-0000-4000-8000-000000000001']),
};
