/**
 * A list as a file: every row with its line, what it says, and how it stands at this moment. It holds no redeem link: a file
 * is passed on, a link opens the tenant to whoever has it; whoever asked finds it on the row's own card (`request <id>`).
 * Must not know SQL, files of the outside, or any capability.
 */
import type { AnyCapability, Raw } from '../capability.ts';
import type { Document, Speak } from '../documents.ts';
import type { Store } from '../ports.ts';
import { good } from '../problem.ts';
import type { Request } from '../request.ts';
import { type Say, say } from '../say.ts';
import { storyOf } from '../storyOf.ts';
import { writeTable } from './csv.ts';
import type { BatchInput } from './fileList.ts';
import type { KeptRow, Stage } from './rows.ts';

/** Rows that are read and put into words in one go; between them others have a turn. */
const IN_ONE_GO = 200;

export function listDocument(
  store: Pick<Store, 'rows'>,
  capabilities: ReadonlyMap<string, AnyCapability>,
  speak: Speak,
): Document {
  return async (batch, who) => {
    const { of, name, isAgain } = batch.input as BatchInput;
    const capability = capabilities.get(of);
    if (!capability) throw new Error(`no capability named ${of}`);
    const put = (sentence: Parameters<Speak>[0]): string => speak(sentence, who.locale);
    // Whatever form, chat and files know, the file shows; what nobody filled in has no column.
    const fields = capability.fields.filter(({ kind }) => kind !== 'hidden');
    const lines: {
      readonly line: number;
      readonly raw: Raw;
      readonly state: string;
      readonly why: string;
      id: string;
    }[] = [];
    for (let after = -1; ; ) {
      const page = await store.rows.page(batch.id, after, IN_ONE_GO);
      const last = page.at(-1);
      if (!last) break;
      after = last.row.n;
      for (const { row, request } of page)
        lines.push({ ...told(row, request, capability, put, isAgain === true), line: row.line });
      await new Promise((resolve) => setImmediate(resolve));
    }
    const used = fields.filter((field) => lines.some(({ raw }) => (raw[field.name] ?? '') !== ''));
    const head = [
      put(say('many.column.line')),
      ...used.map(({ words }) => put({ key: `${words}.label` })),
      put(say('many.column.state')),
      put(say('many.column.why')),
      put(say('many.column.request')),
    ];
    // They are kept in the order in which they are sent, and read in the order in which they were given.
    const inOrder = lines.toSorted((a, b) => a.line - b.line);
    const rows = inOrder.map(({ line, raw, state, why, id }) => [
      String(line),
      ...used.map((field) => raw[field.name] ?? ''),
      state,
      why,
      id,
    ]);
    return good({ name: fileName(name, batch.id), bytes: writeTable([head, ...rows]) });
  };
}

function told(
  row: KeptRow,
  request: Request | null,
  capability: AnyCapability,
  put: (sentence: Say) => string,
  isAgain: boolean,
) {
  const raw = row.verdict === 'ready' ? capability.write(row.content as never) : (row.content as Raw);
  if (!request) {
    const why = row.why ? put(row.why) : '';
    return {
      raw,
      // Its request may be over its time and gone; how it ended is known all the same.
      state: put(stateOf(row, isAgain)),
      why,
      id: '',
    };
  }
  const story = storyOf(request, capability);
  // Another last day may hold since.
  const changed = request.outcome === null ? {} : (capability.list?.leaves?.since(request.outcome) ?? {});
  // Of whoever was sent for, what has become of them since: whether they have come.
  const stage = endedSince(row, request, capability);
  const since = stage === 'sent' || stage === 'found' ? story.state : undefined;
  return {
    raw: { ...raw, ...changed },
    state: put(since ?? stateOf({ ...row, stage }, isAgain)),
    why: put(story.sentence),
    id: request.id,
  };
}

/** Somebody may have seen to a row that did not work or was unsure, after its list was over. */
function endedSince({ stage }: KeptRow, request: Request, { list }: AnyCapability): Stage {
  return stage === 'failed' || stage === 'unsure' ? (list?.ended(request) ?? stage) : stage;
}

function stateOf({ stage, verdict }: KeptRow, isAgain: boolean): Say {
  if (verdict !== 'ready') return say(isAgain && verdict === 'known' ? 'many.again.known' : `many.state.${verdict}`);
  return isAgain && (stage === 'sent' || stage === 'refused') ? say(`many.again.${stage}`) : say(`many.state.${stage}`);
}

/** `guests.csv` was read, `guests-7k3q9xwa.csv` is given back. */
function fileName(name: string | null, id: string): string {
  const base = (name ?? 'guests').replace(/\.[^.]*$/, '').replace(/[^\p{L}\p{N} ._-]+/gu, '');
  return `${base.slice(0, 80).trim() || 'guests'}-${id}.csv`;
}
