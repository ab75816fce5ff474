/** How a list of those who are awaited is made: once per key, with whatever they go by now, in the asker's own chat. */
import assert from 'node:assert/strict';
import { capabilities } from '../../src/capabilities/index.ts';
import { words } from '../../src/cards/words.ts';
import { readTable } from '../../src/requests/many/csv.ts';
import { listDocument } from '../../src/requests/many/document.ts';
import type { BatchInput } from '../../src/requests/many/fileList.ts';
import { openRows } from '../../src/requests/many/fileRows.ts';
import { openRules } from '../../src/requests/policy/rules.ts';
import type { Problem } from '../../src/requests/problem.ts';
import type { Place, Request } from '../../src/requests/request.ts';
import { openStore } from '../../src/store/db.ts';
import { engines, type TestDatabase } from '../support/db.ts';
import { SETTINGS } from '../support/settings.ts';
import { CHAT, invited, nobody, ok, pending, RITA, Spine } from '../support/spine.ts';

const colleague = ok({ value: [{ id: 'c', displayName: 'Cy', userType: 'Member' }] });
const guest = ok({ value: [{ id: 'g', displayName: 'Gus', userType: 'Guest', externalUserState: 'Accepted' }] });
const GROUP: Place = { ...CHAT, kind: 'group', conversationId: '19:g' };

describe('a list of those who are awaited', () => {
  let database: TestDatabase;
  let spine: Spine;
  let told: Request[];

  beforeEach(async () => {
    const [sqlite] = await engines();
    assert.ok(sqlite);
    database = await sqlite.open();
    spine = new Spine(await openStore(database.url));
    told = [];
  });
  afterEach(async () => {
    await spine.store.close();
    await database.drop();
    assert.deepEqual(spine.errors, []);
  });

  const rowsOf = () =>
    openRows({
      store: spine.store,
      clock: { now: () => spine.now },
      capabilities: capabilities(SETTINGS),
      policyNow: openRules(spine.store),
      changed: (request) => told.push(request),
    });

  /** A list of three that was sent: two are awaited, one is a colleague, or whoever it says. */
  async function sent(third = colleague): Promise<Request> {
    const filed = await spine.desk.submitList({
      capability: 'guest',
      raw: {},
      name: 'guests.csv',
      rows: [1, 2, 3].map((line) => ({ line, raw: { people: `p${line}@x.example` } })),
      unused: [],
      who: RITA,
      where: GROUP,
      key: 'chat:list',
      activityId: null,
    });
    const [{ id = '' } = {}] = filed.ok ? filed.value.requests : [];
    await spine.desk.act(id, 'send', {}, RITA, GROUP);
    const answer = ({ path }: { readonly path: string }) => (path.includes('p3') ? third : pending);
    spine.answers(answer, answer, answer);
    for (let n = 0; n < 20 && (await spine.store.get(id))?.standing !== 'sent'; n++) await spine.runNext();
    const list = await spine.store.get(id);
    assert.equal(list?.state, 'waiting');
    return list;
  }
  const batches = async () => {
    const all = await spine.store.list({ tenantId: 't1', capability: 'batch', limit: 9 });
    return all.filter(({ input }) => (input as BatchInput).isAgain);
  };

  /** One guest gets another mail, just now. */
  async function mail(people: string): Promise<Request> {
    const wish = { capability: 'guestResend', raw: { people }, who: RITA, where: CHAT };
    const filed = await spine.desk.submit({ ...wish, key: `chat:${people}`, activityId: null });
    const [{ id = '' } = {}] = filed.ok ? filed.value.requests : [];
    spine.answers(pending, invited);
    const request = await spine.end(id);
    assert.equal(request.standing, 'mailed');
    return request;
  }

  it('is made once per key, however often whoever makes it dies and comes back', async () => {
    const list = await sent();
    await Promise.all([rowsOf().remind(list, 'remind:0:1'), rowsOf().remind(list, 'remind:0:1')]);
    await rowsOf().remind(list, 'remind:0:1');
    const [made, ...others] = await batches();
    assert.ok(made);
    assert.deepEqual(others, []);
    assert.deepEqual([...new Set(told.map(({ id }) => id))], [made.id]);
    const { of, name, counts } = made.input as BatchInput;
    assert.deepEqual([of, name, counts.ready], ['guestResend', 'guests.csv', 2]);
    assert.deepEqual([made.place.kind, made.place.conversationId], ['personal', 'person:rita']);
    const page = await spine.store.rows.page(made.id, -1, 9);
    assert.deepEqual(
      page.map(({ row }) => [row.line, row.content, row.stage]),
      [1, 2].map((line) => [line, { address: `p${line}@x.example` }, 'waits']),
    );
    await rowsOf().remind(list, 'remind:0:2');
    assert.equal((await batches()).length, 2);
  });

  it('shows how each has come along since, also where nothing is left but the row', async () => {
    const list = await sent();
    const { say } = words('en');
    const put = (sentence: Parameters<typeof say>[0]): string => say(sentence);
    const statesIn = async (id: string): Promise<readonly unknown[]> => {
      const made = await listDocument(spine.store, capabilities(SETTINGS), put)((await spine.store.get(id))!, RITA);
      assert.ok(made.ok);
      const table = readTable(Buffer.from(made.value.bytes).toString('utf8'), 9);
      assert.ok(table.ok);
      const [head, ...lines] = table.value.map(({ cells }) => cells);
      return lines.map((cells) => cells[head?.indexOf('State') ?? -1]);
    };
    // They were here, or on their way, before anybody asked.
    assert.deepEqual(await statesIn(list.id), ['Invited', 'Invited', 'Here already']);
    const [second] = await database.run(`select request_id from rows where n = 1`);
    await database.run(`update rows set request_id = 'gone' where n = 1`);
    assert.deepEqual(await statesIn(list.id), ['Invited', 'Invited before', 'Here already']);
    await database.run(`update rows set request_id = '${second?.['request_id']}' where n = 1`);
    await rowsOf().remind(list, 'remind:0:1');
    const [made] = await batches();
    assert.ok(made);
    assert.deepEqual(await statesIn(made.id), ['To be sent', 'To be sent']);
    // Somebody said that the mail arrived after the list was over.
    const { id } = await mail('p1@x.example');
    await database.run(
      `update rows set stage = 'unsure', request_id = '${id}' where batch_id = '${made.id}' and n = 0`,
    );
    assert.deepEqual(await statesIn(made.id), ['Mailed again', 'To be sent']);
    await database.run(`update requests set state = 'unsure' where id = '${id}'`);
    assert.deepEqual(await statesIn(made.id), ['Unsure', 'To be sent']);
    await database.run(`update rows set stage = 'sent', request_id = null where batch_id = '${made.id}' and n = 0`);
    await database.run(`update rows set stage = 'failed', request_id = 'gone' where batch_id = '${made.id}' and n = 1`);
    assert.deepEqual(await statesIn(made.id), ['Mailed again', 'Did not work']);
  });

  it('counts only who was awaited among those who have come', async () => {
    const list = await sent(guest);
    assert.equal((await rowsOf().look(list)).followed?.accepted, 0);
    await database.run(`update requests set standing = 'accepted' where capability = 'guest'`);
    const { stages, followed } = await rowsOf().look(list);
    assert.deepEqual(stages, { found: 2, here: 1 });
    assert.equal(followed?.accepted, 2);
  });

  it('is known to the list they were in until it is sent', async () => {
    const list = await sent();
    const isOffered = async () => (await rowsOf().look(list)).offered;
    assert.equal(await isOffered(), undefined);
    await rowsOf().remind(list, 'remind:0:1');
    assert.equal(await isOffered(), true);
    const [made] = await batches();
    assert.ok(made);
    while ((await spine.store.get(made.id))?.state === 'queued') await spine.runNext();
    assert.equal(await isOffered(), true);
    await spine.desk.act(made.id, 'send', {}, RITA, made.place);
    spine.answers(nobody, nobody);
    while ((await spine.store.get(made.id))?.state !== 'done') await spine.runNext();
    assert.equal(await isOffered(), undefined);
  });

  it('leaves out whoever got a mail not long ago, and says until when', async () => {
    const list = await sent();
    await mail('p1@x.example');
    await rowsOf().remind(list, 'remind:0:1');
    spine.now += 25 * 3600_000;
    await rowsOf().remind(list, 'remind:0:2');
    const [later, soon] = (await batches()).map(({ input }) => input as BatchInput);
    assert.deepEqual([soon?.counts.ready, soon?.counts.known, later?.counts.ready, later?.counts.known], [1, 1, 2, 0]);
    assert.deepEqual(
      soon?.left.map(({ text, say }) => [text, say.key]),
      [['p1@x.example', 'guestResend.coolDown']],
    );
  });

  it('waits for nothing when nobody of it can get a mail', async () => {
    const list = await sent();
    await mail('p1@x.example');
    await mail('p2@x.example');
    await rowsOf().remind(list, 'remind:0:1');
    const [made] = await batches();
    assert.ok(made);
    assert.equal((made.input as BatchInput).counts.ready, 0);
    assert.equal((await rowsOf().look(list)).offered, undefined);
  });

  it('counts whoever is gone or is somebody else’s guest as refused, for trying again helps nobody', async () => {
    const list = await sent();
    await rowsOf().remind(list, 'remind:0:1');
    const [made] = await batches();
    assert.ok(made);
    await spine.desk.act(made.id, 'send', {}, RITA, made.place);
    spine.answers(nobody, nobody);
    for (let n = 0; n < 20 && (await spine.store.get(made.id))?.state !== 'done'; n++) await spine.runNext();
    assert.deepEqual((await rowsOf().look(made)).stages, { refused: 2 });
    const ended = (problem: Problem) =>
      capabilities(SETTINGS)
        .get('guestResend')
        ?.list?.ended({ ...made, state: 'failed', problem });
    assert.equal(ended({ kind: 'denied', say: { key: 'guest.notYours' } }), 'refused');
    // What the directory denies may be mended there.
    assert.equal(ended({ kind: 'denied', say: { key: 'problem.consentMissing' }, reason: 'consentMissing' }), 'failed');
  });

  it('is not made when all have come meanwhile', async () => {
    const list = await sent();
    await database.run(`update requests set standing = 'accepted' where capability = 'guest'`);
    await rowsOf().remind(list, 'remind:0:1');
    assert.deepEqual(await batches(), []);
    assert.deepEqual(told, []);
  });
});
