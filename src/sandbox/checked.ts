/**
 * How the control API refuses: a status with a sentence, and the faults of a body that does not fit its schema. Must not
 * know any route.
 */
import type { z } from 'zod/v4';
import type { Answer, Handler } from './exchange.ts';

/** The refusal of a control call. */
export function refuse(status: number, message: string): Answer {
  return { status, body: { error: message } };
}

/** Wraps a handler so that it gets a checked body, and the caller a 400 with the faults. */
export function checked<S extends z.ZodType>(
  schema: S,
  handle: (body: z.infer<S>) => Answer | Promise<Answer>,
): Handler {
  return (exchange) => {
    const read = schema.safeParse(exchange.body ?? {});
    if (read.success) return handle(read.data);
    const faults = read.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`);
    return refuse(400, faults.join('; '));
  };
}
