import type { Route } from '../http/route.ts';
import { renderLivePage } from '../page/render-live-page.ts';

/** `GET /`: the page. It holds nothing of the server, so it needs no key: its script asks for what it shows, and for the key where that is refused. */
export function pageRoutes(): Route[] {
  let page: ReturnType<typeof renderLivePage> | null = null;
  return [
    {
      method: 'GET',
      path: '/',
      isOpen: true,
      async handle(_request, response) {
        page ??= renderLivePage();
        response.setHeader('Content-Security-Policy', page.policy);
        response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' });
        response.end(page.html);
      },
    },
  ];
}
