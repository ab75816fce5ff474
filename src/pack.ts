/**
 * `npm run pack`: fills the manifest's `${{NAME}}` placeholders (BOT_ID, PUBLIC_HOST) from the environment or from
 * `--env <file>`, checks it against the published schema and zips it with the two icons into
 * `appPackage/build/usher.zip`. A tool for the command line: it knows nothing of the running bot, and the bot nothing of it.
 *
 * Before publishing, put your own addresses in the place of the example.com ones under `developer` in the manifest.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, parseEnv } from 'node:util';
import Ajv from 'ajv-draft-04';
import addFormats from 'ajv-formats';
import { zipSync } from 'fflate';

export type Values = Readonly<Record<string, string | undefined>>;

/** The three files of a Teams app package. */
export interface Package {
  readonly manifest: string;
  readonly color: Uint8Array;
  readonly outline: Uint8Array;
}

/** Zip entries carry a time of day; a fixed one makes the same input give the same bytes. */
const ENTRY_TIME = new Date(2020, 0, 1);

/** The manifest with its placeholders filled; throws one line naming every value that is missing. */
export function fill(manifest: string, values: Values): string {
  const missing = new Set<string>();
  const filled = manifest.replace(/\$\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = values[name]?.trim();
    if (!value) missing.add(name);
    // A value lands inside a JSON string.
    return JSON.stringify(value ?? '').slice(1, -1);
  });
  if (missing.size > 0) {
    throw new Error(`${[...missing].join(' and ')} not set: put it in the environment or in a file given with --env`);
  }
  return filled;
}

/** What the schema of the manifest's own version finds wrong, one line each. Nothing is fetched. */
export function faults(manifest: string): readonly string[] {
  const require = createRequire(import.meta.url);
  const data = JSON.parse(manifest) as { manifestVersion?: unknown };
  const version = String(data.manifestVersion);
  let schema: object;
  try {
    const folder = dirname(require.resolve('@microsoft/app-manifest/package.json'));
    const name = `v${version}/MicrosoftTeams.schema.json`;
    schema = JSON.parse(readFileSync(join(folder, 'build/json-schemas/teams', name), 'utf8'));
  } catch {
    return [`there is no schema for manifestVersion ${version}`];
  }
  const ajv = new Ajv.default({ strict: false, allErrors: true });
  addFormats.default(ajv);
  if (ajv.validate(schema, data)) return [];
  return (ajv.errors ?? []).map(({ instancePath, message, params }) => {
    const extra = (params as { additionalProperty?: string })['additionalProperty'];
    return `${instancePath || 'the manifest'} ${message}${extra ? ` (${extra})` : ''}`;
  });
}

/** The zip Teams takes: manifest and icons, at the top level, nothing else. */
export function zip({ manifest, color, outline }: Package): Uint8Array {
  const text = new TextEncoder().encode(manifest);
  return zipSync(
    { 'manifest.json': text, 'color.png': color, 'outline.png': outline },
    { mtime: ENTRY_TIME, level: 9 },
  );
}

function main(): void {
  const { values: options } = parseArgs({ options: { env: { type: 'string' } } });
  const folder = join(dirname(fileURLToPath(import.meta.url)), '..', 'appPackage');
  const given = options.env ? parseEnv(readFileSync(options.env, 'utf8')) : {};
  const manifest = fill(readFileSync(join(folder, 'manifest.json'), 'utf8'), { ...process.env, ...given });
  const found = faults(manifest);
  if (found.length > 0) throw new Error(`appPackage/manifest.json: ${found.join('; ')}`);
  const color = readFileSync(join(folder, 'color.png'));
  const outline = readFileSync(join(folder, 'outline.png'));
  mkdirSync(join(folder, 'build'), { recursive: true });
  writeFileSync(join(folder, 'build', 'usher.zip'), zip({ manifest, color, outline }));
  process.stdout.write('appPackage/build/usher.zip\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    main();
  } catch (cause) {
    process.stderr.write(`pack: ${(cause as Error).message}\n`);
    process.exitCode = 1;
  }
}
