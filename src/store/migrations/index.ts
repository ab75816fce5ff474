/**
 * The list of migrations, oldest first by name. Written out, so that nothing depends on where files lie after a build.
 * Must not know how they are run (`migrate.ts` does).
 */
import type { EngineName, Migration } from '../engine.ts';
import { requests } from './001-requests.ts';
import { onePerSubject } from './002-one-per-subject.ts';
import { signals } from './003-signals.ts';
import { policy } from './004-policy.ts';
import { proof } from './005-proof.ts';
import { batches } from './006-batches.ts';
import { erasures } from './007-erasures.ts';

export function migrations(engine: EngineName): Readonly<Record<string, Migration>> {
  return {
    '001-requests': requests(engine),
    '002-one-per-subject': onePerSubject,
    '003-signals': signals(engine),
    '004-policy': policy,
    '005-proof': proof(engine),
    '006-batches': batches(engine),
    '007-erasures': erasures,
  };
}
