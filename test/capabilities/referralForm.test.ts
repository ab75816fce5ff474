/**
 * What a form of deals holds when it is opened again: read anew, it means the very same. Taken from every request that the
 * goldens hold.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { capabilities } from '../../src/capabilities/index.ts';
import { OPEN_POLICY } from '../../src/requests/policy/policy.ts';
import { root } from '../../src/root.ts';
import { SETTINGS } from '../support/settings.ts';

const all = capabilities(SETTINGS);
const around = {
  requester: { id: 'a0000000-0000-4000-8000-000000000001', name: 'Rita', locale: 'en', timeZone: 'Europe/Lisbon' },
  place: { kind: 'personal', conversationId: 'a', serviceUrl: '', tenantId: 't', botId: 'b', userId: 'u' },
  policy: OPEN_POLICY,
  policyVersion: 0,
  now: Date.parse('2026-11-20T09:00:00Z'),
} as const;

describe('a form of deals that is opened again', () => {
  for (const capability of all.values()) {
    if (capability.topic !== 'deals' || capability.fields.length === 0) continue;
    const folder = join(root, 'test', 'golden', capability.name);
    const files = readdirSync(folder).filter((name) => name.endsWith('.json'));

    it(`means the same to ${capability.name}`, () => {
      for (const file of files) {
        const { given, then } = JSON.parse(readFileSync(join(folder, file), 'utf8'));
        // What others file, and what a person chose, is not typed.
        if (given.filed || given.chooses) continue;
        for (const { input } of then.requests ?? []) {
          const read = capability.read(capability.write(input), around);
          assert.ok(read.ok, `${file}: ${JSON.stringify(read)}`);
          const [again] = read.value;
          assert.deepEqual({ ...again, which: '' }, { ...input, which: '' }, file);
        }
      }
    });

    it(`has no field of ${capability.name} that is not the form's`, () => {
      const names = new Set(capability.fields.map(({ name }) => name));
      for (const file of files) {
        const { then } = JSON.parse(readFileSync(join(folder, file), 'utf8'));
        for (const { input } of then.requests ?? [])
          assert.deepEqual(
            Object.keys(capability.write(input)).filter((name) => !names.has(name)),
            [],
            file,
          );
      }
    });
  }
});
