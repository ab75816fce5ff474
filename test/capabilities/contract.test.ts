/**
 * Every body that is sent to Graph, as the goldens hold it, against Microsoft's published types: the compiler refuses a
 * property that the type does not have. The type of each object is the one its `@odata.type` names.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../src/root.ts';

type Json = null | string | number | boolean | readonly Json[] | { readonly [name: string]: Json };
interface Sent {
  readonly golden: string;
  readonly method: string;
  readonly path: string;
  readonly body: Json;
}

/** The published type of each body; a derived one is named by the object itself. */
const BODIES: readonly { readonly method: string; readonly path: RegExp; readonly type: string }[] = [
  { method: 'POST', path: /^\/invitations$/, type: 'graph.Invitation' },
  { method: 'POST', path: /^\/communications\/calls$/, type: 'Sent<graph.Call>' },
  {
    method: 'POST',
    path: /\/participants\/invite$/,
    type: '{ participants: graph.InvitationParticipantInfo[]; clientContext: string }',
  },
  {
    method: 'POST',
    path: /^\/api\/InviteGuest$/,
    // Of Governance Toolkit 365 (API-invite-guest), which publishes a sample and no types.
    type: 'Pick<graph.Invitation, "invitedUserDisplayName" | "invitedUserEmailAddress" | "inviteRedirectUrl" | "sendInvitationMessage"> & { requestedBy?: string; more: Record<string, string> }',
  },
  { method: 'POST', path: /\/mute$/, type: '{ clientContext: string }' },
];
/** Bodies that only point at an object (OData references), which no type describes. */
const POINTERS = /\/(?:members(?:\/\$ref)?|sponsors\/\$ref)$/;

/** What the types leave out: an identity set may be of the calls' kind, and says so nowhere (CSDL, communicationsIdentitySet). */
const PRELUDE = `import type * as graph from '@microsoft/microsoft-graph-types';
type Sent<T> = T;
declare function is<T>(value: T): T;
`;

function sentInGoldens(): Sent[] {
  const golden = join(root, 'test', 'golden');
  return readdirSync(golden, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.json') && /^(?:guest|call)/.test(file))
    .flatMap((file) => {
      const { then } = JSON.parse(readFileSync(join(golden, file), 'utf8'));
      const requests: { happened: (string | Record<string, Json>)[] }[] = then.requests ?? [];
      return requests.flatMap(({ happened }) =>
        happened.flatMap((one): Sent[] => {
          if (typeof one === 'string') return [];
          const method = ['POST', 'PATCH', 'PUT'].find((name) => name in one);
          return method && one['body'] !== undefined
            ? [{ golden: file, method, path: String(one[method]), body: one['body'] }]
            : [];
        }),
      );
    });
}

/** A literal whose derived objects are checked as what they say they are. */
function literal(value: Json, name = ''): string {
  if (Array.isArray(value)) return `[${value.map((one) => literal(one, name)).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  // The docs have the second one (resources/organizerMeetingInfo) and the types do not.
  const { '@odata.type': type, allowConversationWithoutHost: _, ...rest } = value as { readonly [name: string]: Json };
  const members = Object.entries(rest).map(([key, one]) => `${JSON.stringify(key)}: ${literal(one, key)}`);
  const plain = `{ ${members.join(', ')} }`;
  if (typeof type !== 'string') return plain;
  const [first = '', ...others] = type.replace('#microsoft.graph.', '');
  const named = `${first.toUpperCase()}${others.join('')}`;
  const derived: Readonly<Record<string, string>> = {
    IdentitySet: 'CommunicationsIdentitySet',
    Identity: 'CommunicationsUserIdentity',
  };
  return `is<graph.${derived[named] ?? named}>(${plain})`;
}

describe('the contract with Graph', function () {
  this.timeout(60_000);

  it('every body that is sent has the published shape', () => {
    const sent = sentInGoldens().filter(({ path }) => !POINTERS.test(path));
    const lines = sent.map(({ golden, method, path, body }) => {
      const known = BODIES.find((one) => one.method === method && one.path.test(path));
      assert.ok(known, `${golden}: nothing is known of ${method} ${path}`);
      return `is<${known.type}>(${literal(body).replace(/^is<[^>]*>/, '')}); // ${golden}`;
    });
    assert.ok(lines.length > 30, `${lines.length} bodies`);
    assert.deepEqual(compile(lines), []);
  });

  it('would notice a property that does not exist', () => {
    const wrong = [
      'is<graph.Call>({ callbackUrl: "x" });',
      'is<graph.Invitation>({ invitedUserMail: "x" });',
      'is<{ participants: graph.InvitationParticipantInfo[] }>({ participants: [{ identitySet: {} }] });',
    ];
    assert.equal(compile(wrong).length, 3);
  });
});

/** What the compiler says to the lines. */
function compile(lines: readonly string[]): string[] {
  const folder = mkdtempSync(join(root, 'node_modules', '.contract-'));
  try {
    const file = join(folder, 'sent.ts');
    writeFileSync(file, PRELUDE + lines.join('\n'));
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--ignoreConfig', '--module', 'nodenext', '--types', ''];
    const { stdout } = spawnSync(process.execPath, [tsc, ...options, file], { encoding: 'utf8', cwd: root });
    return stdout.split('\n').filter((line) => /error TS/.test(line));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
