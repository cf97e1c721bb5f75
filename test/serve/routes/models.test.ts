import OpenAI from 'openai';
import { expect, test } from 'vitest';
import { version } from '../../../src/files/version.ts';
import { healthRoute } from '../../../src/serve/routes/health.ts';
import { modelRoutes } from '../../../src/serve/routes/models.ts';
import { openServer } from '../http/open-server.ts';

test("OpenAI's client lists the models and looks at one, also where its name has a slash", async () => {
  const { url } = await openServer(modelRoutes(async () => ['gemma3:4b', 'org/name']));
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any', maxRetries: 0 });
  const { data } = await client.models.list();
  expect(data).toEqual([
    { id: 'gemma3:4b', object: 'model', created: expect.any(Number), owned_by: 'llmbatch' },
    { id: 'org/name', object: 'model', created: expect.any(Number), owned_by: 'llmbatch' },
  ]);
  expect(await client.models.retrieve('org/name')).toEqual(data[1]);
  expect(await (await fetch(`${url}/v1/models/org/name`)).json()).toEqual(data[1]);
  await expect(client.models.retrieve('other')).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
});

test('the health is open', async () => {
  const { url } = await openServer([healthRoute], { apiKey: 'a-key-of-some-length' });
  expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'ok', version });
});
