/**
 * The lines in which paced calls take their slots, one row each. Must not know what is paced, or how fast.
 */
import { sql } from 'kysely';
import type { Engine } from './engine.ts';

/** Takes `count` slots; answers when the first is, in epoch microseconds. The row's lock is the line's end. */
export async function takeSlots(
  engine: Engine,
  line: string,
  count: number,
  now: number,
  everyUs: number,
): Promise<number> {
  const nowUs = now * 1000;
  const span = count * everyUs;
  const { rows } = await engine.writeOne((db) =>
    sql<{ free_at_us: number }>`
      insert into paces (line, free_at_us) values (${line}, cast(${nowUs + span} as bigint))
      on conflict (line) do update set free_at_us =
        (case when paces.free_at_us > ${nowUs} then paces.free_at_us else cast(${nowUs} as bigint) end) + ${span}
      returning free_at_us`.execute(db),
  );
  return rows[0]!.free_at_us - span;
}
