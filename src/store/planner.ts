/**
 * What a planner has to be kept from. Must not know what is looked for.
 */
import { sql } from 'kysely';

/**
 * A text column by which no index is chosen. Requests about one subject are found by `requests_by_subject`; a planner
 * without statistics (PostgreSQL before its first `analyze`, SQLite always) takes `requests_by_capability` for as good, and
 * reads every request of the capability to find one: a list of a thousand on PostgreSQL fell from 30 rows a second to 5.
 */
export const unindexed = (column: string) => sql<string>`(${sql.ref(column)} || '')`;
