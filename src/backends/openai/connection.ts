import type { ConnectionFlag } from '../../core/connection.ts';
import { readBaseUrl } from './http/base-url.ts';

export const openaiConnection: Record<string, ConnectionFlag> = {
  baseUrl: {
    flag: '--base-url <url>',
    help: 'the OpenAI-compatible server, such as http://127.0.0.1:8000/v1 (default: OPENAI_BASE_URL)',
    names: 'server',
    variable: 'OPENAI_BASE_URL',
    secrets: ['OPENAI_API_KEY'],
    parse(baseUrl) {
      readBaseUrl(String(baseUrl));
      return baseUrl;
    },
    identify: (baseUrl) => readBaseUrl(String(baseUrl)).url,
  },
};
