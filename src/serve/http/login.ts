import type { Access } from './access.ts';
import { ApiError } from './api-error.ts';
import { readForm } from './read-body.ts';
import type { Route } from './route.ts';
import { sendJson } from './send.ts';

/** A wrong key costs its sender a second, and no more than this many are looked at in that time. */
const wrongKeyMs = 1000;
const maxWrongKeys = 5;

/**
 * The forms of the page: `POST /login` with the field `key`, and `POST /logout`. Both lead back to `/`, a wrong key to
 * `/?login=wrong`. `GET /login` says whether the browser is logged in.
 */
export function loginRoutes(access: Access): Route[] {
  let wrongKeys = 0;

  async function logIn(key: string): Promise<string | null> {
    if (wrongKeys >= maxWrongKeys) {
      throw new ApiError(429, 'too many wrong keys: try again in a few seconds', { headers: { 'Retry-After': '5' } });
    }
    const cookie = access.logIn(key);
    if (cookie !== null) return cookie;
    wrongKeys += 1;
    // Whoever does not wait for the answer frees no place for another try.
    await new Promise((resolve) => setTimeout(resolve, wrongKeyMs));
    wrongKeys -= 1;
    return null;
  }

  return [
    {
      method: 'GET',
      path: '/login',
      isOpen: true,
      handle: async ({ message }, response) => sendJson(response, 200, { is_logged_in: access.isLoggedIn(message) }),
    },
    {
      method: 'POST',
      path: '/login',
      isOpen: true,
      async handle(request, response) {
        const cookie = await logIn((await readForm(request)).get('key') ?? '');
        if (cookie === null) response.writeHead(303, { Location: '/?login=wrong' }).end();
        else response.writeHead(303, { Location: '/', 'Set-Cookie': cookie }).end();
      },
    },
    {
      method: 'POST',
      path: '/logout',
      isOpen: true,
      async handle({ message }, response) {
        response.writeHead(303, { Location: '/', 'Set-Cookie': access.logOut(message) }).end();
      },
    },
  ];
}
