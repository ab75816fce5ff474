/**
 * A process that trusts one certificate more (NODE_EXTRA_CA_CERTS is read when Node starts): signs in and calls as it is
 * told by its argument, a JSON list of steps, and prints what each gave. Run by tokens.test.ts only.
 */
import { Secret } from '../../src/config/config.ts';
import { openConnector } from '../../src/remotes/connector.ts';
import { openGraph } from '../../src/remotes/graph.ts';
import { openTokens } from '../../src/remotes/tokens.ts';

export interface Step {
  readonly tenantId: string;
  readonly loginUrl: string;
  readonly secret?: string;
  readonly certificatePath?: string;
  /** Base addresses: each is called `times` times, all at once, and then once more. */
  readonly graph?: string;
  readonly connector?: string;
  readonly times?: number;
  readonly longestMs?: number;
}

/** The kind of problem of each call, or `ok`. */
export type Gave = readonly string[];

async function take(step: Step): Promise<Gave> {
  const { tenantId, loginUrl, secret, certificatePath, graph, connector, times = 1, longestMs } = step;
  const identity = {
    clientId: '11111111-1111-4111-8111-111111111111',
    tenantId,
    kind: 'app' as const,
    ...(secret ? { secret: new Secret(secret) } : {}),
    ...(certificatePath ? { certificatePath } : {}),
  };
  const tokens = openTokens(identity, loginUrl, longestMs);
  const wire = openConnector({ timeoutMs: 5_000, tokens });
  const send = graph ? openGraph({ url: graph, timeoutMs: 5_000, tokens }, { now: () => Date.now() }).send : null;
  const once = async (): Promise<string> => {
    const answer = send
      ? await send(
          { name: 'invite', to: 'graph', method: 'POST', path: '/invitations', body: {}, repeat: 'never' },
          { requestId: '7k3q9xwa', signal: new AbortController().signal },
        )
      : await wire.send('POST', connector ?? '', 'v3/conversations/a/activities', { type: 'message' });
    return answer.ok ? 'ok' : `${answer.problem.kind} ${answer.problem.detail}`;
  };
  const gave = await Promise.all(Array.from({ length: times }, once));
  gave.push(await once());
  await wire.close();
  return gave;
}

const [, , told] = process.argv;
if (told) {
  const gave: Gave[] = [];
  for (const step of JSON.parse(told) as Step[]) gave.push(await take(step));
  process.stdout.write(JSON.stringify(gave), () => process.exit(0));
}
