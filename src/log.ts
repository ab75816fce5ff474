/**
 * One JSON line per event on standard output. Exceptions are reduced to name, message and stack; secrets hide themselves
 * and known secret fields are cut. Must not know who logs what.
 */
import { pino } from 'pino';
import type { Log } from './requests/ports.ts';

/** Tokens, client credentials and redeem links (every cloud has its own host), wherever they hide in a message. */
const SECRETS =
  /(Bearer\s+)[\w.~+/-]+=*|(https:\/\/[\w.-]+\/redeem)\b[^\s"'<>]*|(client_(?:secret|assertion)=)[^&\s]+|eyJ[\w-]{10,}\.[\w-]+\.[\w-]*/gi;

/** Fields that hold nothing else. */
const SECRET_FIELD =
  /^(?:authorization|password|(?:client_?)?secret|(?:access_?|id_?|refresh_?)?token|(?:invite)?redeemUrl)$/i;

/** How deep a field is looked into; below it nothing is shown. */
const DEEPEST = 4;

const clean = (text: string): string =>
  text.replace(SECRETS, (_all, ...heads: (string | undefined)[]) => `${heads.slice(0, 3).find(Boolean) ?? ''}[secret]`);

function plain(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return clean(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) {
    return { name: value.name, message: clean(value.message), ...(value.stack ? { stack: clean(value.stack) } : {}) };
  }
  if (depth === DEEPEST) return '…';
  if ('toJSON' in value && typeof value.toJSON === 'function') return plain(value.toJSON(), depth + 1);
  if (Array.isArray(value)) return value.map((one) => plain(one, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, SECRET_FIELD.test(name) ? '[secret]' : plain(one, depth + 1)]),
  );
}

/** A logger writing lines at `level` and above. */
export function openLog(level: string): Log {
  const lines = pino({ level, base: null, timestamp: () => `,"time":"${new Date().toISOString()}"` });
  const write =
    (at: 'info' | 'warn' | 'error') =>
    (event: string, fields: Readonly<Record<string, unknown>> = {}): void => {
      if (!lines.isLevelEnabled(at)) return;
      lines[at]({ event, ...(plain(fields) as object) });
    };
  return { info: write('info'), warn: write('warn'), error: write('error') };
}
