/** A policy for a test, as a file that a bot is started with. Must not know any case. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { z } from 'zod/v4';
import type { Environment } from '../../src/config/config.ts';
import type { Policy } from '../../src/requests/policy/policy.ts';

/** People of the sandbox, as a policy names them. */
export const PEOPLE = {
  rita: { id: '5a4db0c5-0000-4000-8000-000000001001', name: 'Rita Requester' },
  axel: { id: '5a4db0c5-0000-4000-8000-000000001002', name: 'Axel Approver' },
  ada: { id: '5a4db0c5-0000-4000-8000-000000001003', name: 'Ada Admin' },
} as const;

/** The environment of a bot that starts with these rules. */
export function withPolicy(policy: z.input<typeof Policy>): Environment {
  const path = join(mkdtempSync(join(tmpdir(), 'usher-policy-')), 'policy.json');
  writeFileSync(path, JSON.stringify(policy));
  return { POLICY_FILE: path };
}
