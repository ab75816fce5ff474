/**
 * Files people hand over in Teams, and files they take: both lie in their OneDrive, behind addresses that are good for a few
 * minutes and need no token (Teams docs, bots-filesv4). Such an address comes with an activity, so it is judged by its
 * host, no redirect is followed, and nothing of ours goes along. Must not know what is in a file.
 */
import { isLoopback } from '../config/config.ts';
import { bad, good, type Problem, problem, type Result } from '../requests/problem.ts';
import { say } from '../requests/say.ts';
import { lineOf } from './answer.ts';
import { fetchFile } from './fetched.ts';
import { limitOf } from './limit.ts';

export interface FileSettings {
  /** The sandbox's own files only; else only those of SharePoint and OneDrive for work. */
  readonly isSandbox: boolean;
  readonly timeoutMs: number;
}

export interface Files {
  /** At most `mostBytes` of it; more is a problem that says so. */
  read(url: string, mostBytes: number): Promise<Result<Uint8Array>>;
  /** Puts a whole file where its taker has made room for it. */
  write(url: string, bytes: Uint8Array): Promise<Problem | null>;
}

/** OneDrive for work lies in a tenant's SharePoint; the last two are the clouds of the United States and of China. */
const HOSTS = /\.sharepoint\.(?:com|us|cn)$/i;

export function openFiles({ isSandbox, timeoutMs }: FileSettings): Files {
  const isKnown = (address: string): boolean => {
    if (!URL.canParse(address)) return false;
    const url = new URL(address);
    if (url.username + url.password !== '') return false;
    if (isSandbox) return isLoopback(address);
    return url.protocol === 'https:' && url.port === '' && HOSTS.test(url.hostname);
  };
  const lost = (cause: unknown): Problem => problem('down', 'many.file.unreachable', { detail: lineOf(cause) });
  return {
    async read(url, mostBytes) {
      if (!isKnown(url)) return bad(problem('refused', 'many.file.unreachable', { detail: 'an unknown host' }));
      try {
        return good(await fetchFile(url, { timeoutMs, mostBytes }));
      } catch (cause) {
        if (cause instanceof RangeError)
          return bad(problem('input', say('many.file.tooBig', { most: Math.floor(mostBytes / 1024 / 1024) })));
        return bad(lost(cause));
      }
    },
    async write(url, bytes) {
      if (!isKnown(url)) return problem('refused', 'file.notUploaded', { detail: 'an unknown host' });
      const limit = limitOf(timeoutMs);
      try {
        const answer = await fetch(url, {
          method: 'PUT',
          redirect: 'manual',
          signal: limit.signal,
          body: bytes,
          headers: {
            'content-type': 'application/octet-stream',
            // The whole file in one piece (Graph docs, createUploadSession).
            'content-range': `bytes 0-${bytes.length - 1}/${bytes.length}`,
          },
        });
        await answer.body?.cancel();
        // 202 asks for more pieces, of which there are none.
        if (answer.status === 200 || answer.status === 201) return null;
        return problem('refused', 'file.notUploaded', { detail: `answered ${answer.status}` });
      } catch (cause) {
        return problem('down', 'file.notUploaded', { detail: lineOf(cause) });
      } finally {
        limit.lift();
      }
    },
  };
}
