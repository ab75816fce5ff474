/**
 * One JSON line per event on standard output. Exceptions are reduced to name, message and stack; secrets hide themselves
 * and known secret fields are cut. Must not know who logs what.
 */
import { pino } from 'pino';
import type { Log } from './requests/ports.ts';

/** Bearer tokens and redeem links, wherever they hide in a message. */
const SECRETS =
  /(Bearer\s+)[\w.~+/-]+=*|(https:\/\/(?:invitations\.microsoft\.com|login\.microsoftonline\.com)\/redeem)\S*|eyJ[\w-]{10,}\.[\w-]+\.[\w-]*/g;

const clean = (text: string): string =>
  text.replace(SECRETS, (_all, bearer, link) => `${bearer ?? link ?? ''}[secret]`);

function plain(value: unknown): unknown {
  if (value instanceof Error) {
    return { name: value.name, message: clean(value.message), ...(value.stack ? { stack: clean(value.stack) } : {}) };
  }
  return typeof value === 'string' ? clean(value) : value;
}

/** A logger writing lines at `level` and above. */
export function openLog(level: string): Log {
  const lines = pino({ level, base: null, timestamp: () => `,"time":"${new Date().toISOString()}"` });
  const write =
    (at: 'info' | 'warn' | 'error') =>
    (event: string, fields: Readonly<Record<string, unknown>> = {}): void => {
      if (!lines.isLevelEnabled(at)) return;
      lines[at]({ event, ...Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, plain(value)])) });
    };
  return { info: write('info'), warn: write('warn'), error: write('error') };
}
