import { ApiError } from '../http/api-error.ts';
import type { Route } from '../http/route.ts';
import { sendJson } from '../http/send.ts';

/** The models that a batch may name, as OpenAI lists them. `listModels` gives their names, each once. */
export function modelRoutes(listModels: () => Promise<readonly string[]>): Route[] {
  const created = Math.floor(Date.now() / 1000);
  const modelToWire = (id: string): object => ({ id, object: 'model', created, owned_by: 'llmbatch' });
  return [
    {
      method: 'GET',
      path: '/v1/models',
      handle: async (_, response) =>
        sendJson(response, 200, { object: 'list', data: (await listModels()).map(modelToWire) }),
    },
    {
      method: 'GET',
      path: '/v1/models/:id+',
      async handle({ params: { id = '' } }, response) {
        if (!(await listModels()).includes(id)) {
          throw new ApiError(404, `the server knows no model ${JSON.stringify(id)}`, {
            code: 'model_not_found',
            param: 'model',
          });
        }
        sendJson(response, 200, modelToWire(id));
      },
    },
  ];
}
