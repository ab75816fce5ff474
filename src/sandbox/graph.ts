/**
 * The stand-in for Microsoft Graph: its routes put together, and Graph's answer to a path nobody serves. Must not know
 * chat, faults or the control API.
 */
import { callRoutes } from './callRoutes.ts';
import { directoryRoutes } from './directory.ts';
import { type Answer, type Exchange, routes } from './exchange.ts';
import { graphError } from './graphAnswer.ts';
import { invitationRoutes } from './invitations.ts';
import type { Room } from './room.ts';

/** Answers Graph calls; paths start with `/v1.0`. */
export function createGraph(room: Room): (exchange: Exchange) => Answer | Promise<Answer> {
  const route = routes({ ...directoryRoutes(room), ...invitationRoutes(room), ...callRoutes(room) });
  return (exchange) => {
    if (!exchange.bodyIsJson) return graphError(exchange, 400, 'BadRequest', 'Unable to read JSON request payload.');
    const answer = route(exchange);
    if (answer) return answer;
    const segment = exchange.segments[1] ?? '';
    return graphError(exchange, 404, 'BadRequest', `Resource not found for the segment '${segment}'.`);
  };
}
