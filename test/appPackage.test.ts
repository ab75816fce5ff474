import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inflateSync } from 'node:zlib';
import { unzipSync } from 'fflate';
import { capabilities } from '../src/capabilities/index.ts';
import { words } from '../src/cards/words.ts';
import { faults, fill, zip } from '../src/pack.ts';
import { say } from '../src/requests/say.ts';
import { commandsOf } from '../src/teams/commands.ts';
import { SETTINGS } from './support/settings.ts';

const file = (name: string) => readFileSync(new URL(`../appPackage/${name}`, import.meta.url));

const VALUES = { BOT_ID: '5a4db0c5-0000-4000-8000-000000000b07', PUBLIC_HOST: 'usher.example.com' };
const template = file('manifest.json').toString('utf8');
const filled = fill(template, VALUES);
const manifest = JSON.parse(filled);

interface CommandList {
  readonly scopes: readonly string[];
  readonly commands: readonly { readonly title: string; readonly description: string }[];
}
const lists: readonly CommandList[] = manifest.bots[0].commandLists;

/** Width, height and colour type (2 RGB, 6 RGB with alpha) from a PNG's header. */
function header(png: Buffer) {
  assert.equal(png.subarray(1, 4).toString('latin1'), 'PNG');
  return { width: png.readUInt32BE(16), height: png.readUInt32BE(20), bits: png[24], kind: png[25] };
}

/** The four channels of each pixel of an 8-bit RGBA PNG without interlacing (PNG specification, section 9). */
function pixels(png: Buffer): readonly (readonly number[])[] {
  const { width, height } = header(png);
  const parts: Buffer[] = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    if (png.subarray(at + 4, at + 8).toString('latin1') === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const raw = inflateSync(Buffer.concat(parts));
  const stride = width * 4;
  const rows: number[][] = [];
  for (let y = 0; y < height; y += 1) {
    const filter = raw[y * (stride + 1)]!;
    const row: number[] = [];
    for (let x = 0; x < stride; x += 1) {
      const a = row[x - 4] ?? 0;
      const b = rows[y - 1]?.[x] ?? 0;
      const c = x < 4 ? 0 : (rows[y - 1]?.[x - 4] ?? 0);
      const p = a + b - c;
      const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)];
      const paeth = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
      const guess = [0, a, b, (a + b) >> 1, paeth][filter]!;
      row.push((raw[y * (stride + 1) + 1 + x]! + guess) & 255);
    }
    rows.push(row);
  }
  return rows.flatMap((row) => Array.from({ length: width }, (_, n) => row.slice(n * 4, n * 4 + 4)));
}

describe('the app package', () => {
  it('has a manifest that its schema accepts', () => {
    assert.deepEqual(faults(filled), []);
  });

  it('uses the newest schema there is', () => {
    const folder = new URL('../node_modules/@microsoft/app-manifest/build/json-schemas/teams/', import.meta.url);
    const newest = readdirSync(folder)
      .map((name) => /^v1\.(\d+)$/.exec(name)?.[1])
      .reduce((most, minor) => Math.max(most, Number(minor ?? 0)), 0);
    assert.equal(manifest.manifestVersion, `1.${newest}`);
    assert.match(manifest.$schema, new RegExp(`/v1\\.${newest}/MicrosoftTeams\\.schema\\.json$`));
  });

  it('is refused in one line when something in it is wrong', () => {
    const { name: _, ...nameless } = manifest;
    assert.match(faults(JSON.stringify(nameless)).join(), /must have required property 'name'/);
    const odd = { ...manifest, bots: [{ ...manifest.bots[0], scopes: ['everywhere'] }] };
    assert.match(faults(JSON.stringify(odd)).join(), /\/bots\/0\/scopes\/0/);
    assert.match(faults(JSON.stringify({ ...manifest, botz: 1 })).join(), /botz/);
    assert.deepEqual(faults(JSON.stringify({ ...manifest, manifestVersion: '9.9' })), [
      'there is no schema for manifestVersion 9.9',
    ]);
  });

  it('names every value that is not set', () => {
    assert.throws(() => fill(template, { BOT_ID: ' ' }), /^Error: BOT_ID and PUBLIC_HOST not set/);
    assert.doesNotMatch(filled, /\$\{\{/);
    assert.equal(JSON.parse(fill('{"a":"$\u007b{X}}"}', { X: 'quote " and \\' })).a, 'quote " and \\');
  });

  it('asks for the three places, for calls, and for the details of the meeting it is in', () => {
    const [bot] = manifest.bots;
    assert.deepEqual(bot.scopes, ['personal', 'team', 'groupChat']);
    assert.equal(bot.botId, VALUES.BOT_ID);
    assert.equal(bot.supportsCalling, true);
    assert.deepEqual(manifest.authorization.permissions.resourceSpecific, [
      { name: 'OnlineMeeting.ReadBasic.Chat', type: 'Application' },
      { name: 'ChannelMeeting.ReadBasic.Group', type: 'Application' },
    ]);
    // Single sign-on: the bot's own Application ID URI (Teams docs, bot SSO).
    assert.deepEqual(manifest.webApplicationInfo, { id: VALUES.BOT_ID, resource: `api://botid-${VALUES.BOT_ID}` });
    for (const name of ['permissions', 'devicePermissions']) {
      assert.equal(name in manifest, false, name);
    }
    assert.deepEqual(manifest.validDomains, [VALUES.PUBLIC_HOST, 'token.botframework.com']);
  });

  it('lists commands that exist, in their own words, within the limits of Teams', () => {
    const own = capabilities(SETTINGS);
    const commands = commandsOf(own);
    assert.deepEqual(lists.flatMap((list) => list.scopes).sort(), ['groupChat', 'personal', 'team']);
    for (const { commands: listed } of lists) {
      assert.ok(listed.length > 0 && listed.length <= 10);
      for (const { title, description } of listed) {
        assert.ok(title.length <= 32 && description.length <= 128, title);
        const command = commands.find((one) => one.words[0] === title);
        assert.ok(command, `no command ${title}`);
        assert.equal(description, words('en').say(say(command.does)), title);
      }
    }
  });

  it('has icons of the sizes Teams asks for, the outline white on nothing', () => {
    const [color, outline] = [header(file('color.png')), header(file('outline.png'))];
    assert.deepEqual([color.width, color.height], [192, 192]);
    assert.deepEqual(outline, { width: 32, height: 32, bits: 8, kind: 6 });
    const drawn = pixels(file('outline.png'));
    assert.equal(drawn[0]?.[3], 0, 'the corner is transparent');
    const visible = drawn.filter((pixel) => pixel[3]! > 0);
    assert.ok(visible.length > 50);
    for (const pixel of visible) assert.ok(Math.min(...pixel.slice(0, 3)) >= 240, `not white: ${pixel}`);
  });

  it('is a zip of exactly three files, the same bytes each time', () => {
    const parts = { manifest: filled, color: file('color.png'), outline: file('outline.png') };
    const bytes = zip(parts);
    const names = Object.keys(unzipSync(bytes)).sort();
    assert.deepEqual(names, ['color.png', 'manifest.json', 'outline.png']);
    assert.deepEqual(names, [manifest.icons.color, 'manifest.json', manifest.icons.outline].sort());
    assert.deepEqual(Buffer.from(zip(parts)), Buffer.from(bytes));
  });

  it('says on the command line in one line what is missing', () => {
    const { BOT_ID: _, PUBLIC_HOST: __, ...env } = process.env;
    const pack = fileURLToPath(new URL('../src/pack.ts', import.meta.url));
    const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', pack], { env, encoding: 'utf8' });
    assert.equal(status, 1);
    assert.match(stderr.trim(), /^pack: BOT_ID and PUBLIC_HOST not set[^\n]*$/);
  });
});
