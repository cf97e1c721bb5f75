import { expect, test } from 'vitest';
import { endpointOfUrl } from '../../../src/input/shapes/batch-url.ts';

test.each([
  ['/chat/completions', '/v1/chat/completions'],
  ['/v1/chat/completions/', '/v1/chat/completions'],
  ['v1/chat/completions', '/v1/chat/completions'],
  ['https://api.openai.com/v1/chat/completions', '/v1/chat/completions'],
  ['http://localhost:8000/v1/embeddings', '/v1/embeddings'],
  ['/openai/deployments/x/chat/completions?api-version=2024-10-21', '/v1/chat/completions'],
  ['https://a.openai.azure.com/openai/deployments/x/completions?api-version=1', '/v1/completions'],
  ['/embeddings', '/v1/embeddings'],
])('%s is %s', (url, endpoint) => {
  expect(endpointOfUrl(url)).toBe(endpoint);
});

test.each(['/v1/images', '', 7, '/v1/chat/completions/x', 'https://chat/completionsx'])('%j is no endpoint', (url) => {
  expect(endpointOfUrl(url)).toEqual({ reason: expect.stringContaining('not one of') });
});
