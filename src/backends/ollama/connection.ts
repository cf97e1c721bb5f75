import type { ConnectionFlag } from '../../core/connection.ts';
import { ollamaHost } from './http/host.ts';

export const ollamaConnection: Record<string, ConnectionFlag> = {
  host: {
    flag: '--host <address>',
    help: 'the Ollama server, as OLLAMA_HOST would name it (default: what the environment says)',
    names: 'server',
    variable: 'OLLAMA_HOST',
    secrets: ['OLLAMA_API_KEY'],
    parse(host) {
      ollamaHost({ connection: { host }, environment: {} });
      return host;
    },
    identify: (host) => ollamaHost({ connection: { host }, environment: {} }).url,
  },
};
