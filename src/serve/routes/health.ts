import { version } from '../../files/version.ts';
import type { Route } from '../http/route.ts';
import { sendJson } from '../http/send.ts';

/** `GET /health`, open to all: that the server is there, and which version it is. */
export const healthRoute: Route = {
  method: 'GET',
  path: '/health',
  isOpen: true,
  handle: async (_, response) => sendJson(response, 200, { status: 'ok', version }),
};
