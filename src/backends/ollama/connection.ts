import type { ConnectionFlag } from '../../core/connection.ts';
import { ollamaHost } from './http/host.ts';

export const ollamaConnection: Record<string, ConnectionFlag> = {
  host: {
    flag: '--host <address>',
    help: 'the Ollama server, in the form of OLLAMA_HOST (default: OLLAMA_HOST, else this machine)',
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
