/**
 * Kill -9 three times on the way of a list: every row is invited exactly once, one card tells the end, and one file holds
 * all rows. `npm run kill`: it waits for leases of processes that were killed, thrice per engine.
 */
import assert from 'node:assert/strict';
import { readTable } from '../../src/requests/many/csv.ts';
import { engines } from '../support/db.ts';
import { skip } from '../support/skip.ts';
import { type ChildBot, type Message, spawnBot, Town } from '../support/usher.ts';
import { cardOf } from '../support/walk.ts';

const ROWS = 1_000;
/** At these parts of the way; the last one is where only a few are left. */
const KILLED_AT = [0.15, 0.5, 0.9];

const people = Array.from({ length: ROWS }, (_, n) => `row${n}@partner.example`);

async function listCard(town: Town): Promise<Message> {
  const found = (await town.cards()).filter(({ summary }) => summary?.startsWith('Guests from'));
  assert.equal(found.length, 1, `not one card but ${found.length}`);
  return found[0] as Message;
}

async function press(town: Town, verb: string): Promise<void> {
  const card = await listCard(town);
  const data = cardOf(card).actions?.find((one) => one.verb === verb)?.data ?? {};
  await town.press(card.activityId, verb, data);
}

for (const engine of await engines()) {
  describe(`kill -9 on the way of a list, on ${engine.name}`, function () {
    this.timeout(400_000);
    before(function () {
      if (engine.absent) skip(this, engine.absent);
    });

    it('leaves nobody out, and invites nobody twice', async () => {
      const town = await Town.open();
      const database = await engine.open();
      let bot: ChildBot = await spawnBot(town, database.url);
      try {
        await town.control('settings', { latencyMs: 150 });
        const text = `email\n${people.join('\n')}\n`;
        await town.say('', { attachments: [{ name: 'guests.csv', base64: Buffer.from(text).toString('base64') }] });
        await town.until(/1,?000 invitations can be sent/);
        await press(town, 'batch.send');
        for (const part of KILLED_AT) {
          const count = String(Math.round(ROWS * part));
          await town.control(
            `wait?remote=graph&calls=POST%20%2Fv1.0%2Finvitations%20201&count=${count}&timeoutMs=90000`,
          );
          await bot.kill();
          bot = await spawnBot(town, database.url);
        }
        // What was in hand is looked for when the lease of the dead has run out.
        await town.control(
          `wait?conversation=personal:rita&matches=${encodeURIComponent('1,?000 guests are invited')}&timeoutMs=120000`,
        );
        const made = town.sandbox.world.invitations.map(({ address }) => address);
        assert.deepEqual([...made].sort(), [...people].sort());
        assert.equal(town.sandbox.world.mails.length, ROWS);
        const rows = await database.run(`select stage, count(*) as count from rows group by stage`);
        assert.deepEqual(
          rows.map(({ stage, count }) => [stage, Number(count)]),
          [['sent', ROWS]],
        );

        await press(town, 'request.file');
        await town.until(/file\.consent/);
        const offered = (await town.cards()).at(-1);
        const answer = { conversation: 'personal:rita', user: 'rita', activityId: offered?.activityId, accept: true };
        await town.control('consent', answer);
        await town.until(/file\.info/);
        const [file] = town.sandbox.world.files.filter(({ name }) => name.startsWith('guests-'));
        const table = readTable(file?.content.toString('utf8') ?? '', ROWS + 1);
        assert.ok(table.ok);
        const [, ...lines] = table.value;
        assert.deepEqual(
          lines.map(({ cells }) => cells[1]),
          people,
        );
        assert.ok(lines.every(({ cells }) => cells.includes('Invited')));
      } finally {
        await bot.kill();
        await town.close();
        await database.drop();
      }
    });
  });
}
