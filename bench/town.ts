/** The sandbox as a process of its own, so that it and the bot never share an event loop. Must not know what is measured. */
import { type Sandbox, startSandbox } from '../src/sandbox/server.ts';
import { serveParent } from './child.ts';

let sandbox: Sandbox | undefined;
const opened = (): Sandbox => {
  if (!sandbox) throw new Error('the sandbox is not open');
  return sandbox;
};

const doors = {
  async open(): Promise<string> {
    sandbox = await startSandbox({ port: 0 });
    return sandbox.url;
  },
  botAt: (url: string): void => {
    opened().botUrl = url;
  },
  /** Epoch ms of the first and the last invitation, and how many there are. */
  invitations(): { count: number; people: number; first: number; last: number } {
    const { invitations } = opened().world;
    const at = invitations.map((one) => Date.parse(one.at));
    const people = new Set(invitations.map(({ address }) => address)).size;
    return { count: at.length, people, first: at[0] ?? 0, last: at.at(-1) ?? 0 };
  },
};
export type TownDoors = typeof doors;

serveParent(doors);
