import { ApiError } from './api-error.ts';
import type { ApiRequest, Route } from './route.ts';

/** The route that a request is for, and what its address says. */
export type RouteMatch = Pick<ApiRequest, 'path' | 'query' | 'params'> & { route: Route };

/**
 * Finds the route of a request by its method and its target (`/v1/files?limit=2`). Throws an `ApiError`: 400 for a target
 * that is none, 404 where no route has the path, 405 with what is allowed where one has it for another method.
 */
export function findRoute(routes: readonly Route[], method: string, target: string): RouteMatch {
  const { path, query } = splitTarget(target);
  const found = matchesOf(routes, path);
  const wanted = method === 'HEAD' ? 'GET' : method;
  const match = found.find(({ route }) => route.method === wanted);
  if (match !== undefined) return { ...match, path, query };
  if (found.length === 0) throw notFound(routes, method, path);
  const allowed = found.flatMap(({ route }) => (route.method === 'GET' ? ['GET', 'HEAD'] : [route.method]));
  throw new ApiError(405, `${path} does not take ${method}, only ${allowed.join(', ')}`, {
    code: 'method_not_allowed',
    headers: { Allow: allowed.join(', ') },
  });
}

/** A target is a path, or a whole address where the client takes the server for a proxy. */
function splitTarget(target: string): { path: string; query: URLSearchParams } {
  const address = /^https?:\/\/[^/?]*/i.exec(target)?.[0] ?? '';
  const [, path, query] = /^(\/[^?]*)(?:\?(.*))?$/.exec(target.slice(address.length)) ?? [];
  if (path === undefined) throw new ApiError(400, 'the target of the request is not a path');
  return { path, query: new URLSearchParams(query) };
}

function matchesOf(routes: readonly Route[], path: string): { route: Route; params: Record<string, string> }[] {
  return routes.flatMap((route) => {
    const params = paramsOf(route.path, path);
    return params === null ? [] : [{ route, params }];
  });
}

function paramsOf(pattern: string, path: string): Record<string, string> | null {
  const names = pattern.split('/');
  const parts = path.split('/');
  const takesRest = pattern.endsWith('+');
  if (takesRest ? parts.length < names.length : parts.length !== names.length) return null;
  const params: Record<string, string> = {};
  for (const [index, name] of names.entries()) {
    const part = parts[index] ?? '';
    if (!name.startsWith(':')) {
      if (name !== part) return null;
      continue;
    }
    const text = name.endsWith('+') ? parts.slice(index).join('/') : part;
    if (text === '') return null;
    params[name.replace(/^:|\+$/g, '')] = decodePart(text);
  }
  return params;
}

function decodePart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ApiError(400, 'the path has a % that begins no character');
  }
}

function notFound(routes: readonly Route[], method: string, path: string): ApiError {
  const isBelowV1 = matchesOf(routes, `/v1${path}`).length > 0;
  const hint = isBelowV1 ? `: it is /v1${path}, so the base URL of the client must end with /v1` : '';
  return new ApiError(404, `there is no ${method} ${path} here${hint}`, { code: 'unknown_url' });
}
