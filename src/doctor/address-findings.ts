import type { SystemReport } from './examine.ts';
import { type Finding, finding } from './finding.ts';

/** Addresses that Ollama reads otherwise than they look. */
export function addressFindings({ ollama: { address, url }, asked }: SystemReport): Finding[] {
  if (address === null || url === null) return [];
  const parts = partsOf(address);
  const name = asked.host === null ? 'OLLAMA_HOST' : '--host';
  return [...forClients(name, parts), ...withoutPort(name, parts), ...badPort(name, parts, url)];
}

interface AddressParts {
  scheme: string;
  place: string;
  port: string | null;
  path: string;
}

function partsOf(address: string): AddressParts {
  const text = address.trim().replaceAll(/^["']+|["']+$/g, '');
  const [, scheme = '', place = '', path = ''] = /^([a-z]+:\/\/)?([^/]*)(.*)$/is.exec(text) ?? [];
  const port = /^(?:\[.*\]|[^:[\]]*):([^:]+)$/.exec(place)?.[1] ?? null;
  return { scheme: scheme.toLowerCase(), place, port, path };
}

function forClients(name: string, { path }: AddressParts): Finding[] {
  if (!/\/v1\/?$/.test(path)) return [];
  const text = `${name} ends with /v1, which is for OpenAI's clients: Ollama's own API is not there`;
  return [finding('warning', text, `${name} without /v1`)];
}

function withoutPort(name: string, { scheme, place, port }: AddressParts): Finding[] {
  if (scheme !== 'http://' || port !== null) return [];
  const text = `${name} names no port, which with http:// means port 80, not 11434`;
  return [finding('hint', text, `${name}${name === '--host' ? ' ' : '='}http://${place}:11434`)];
}

function badPort(name: string, { port }: AddressParts, taken: string): Finding[] {
  if (port === null || (/^\d+$/.test(port) && Number(port) <= 65_535)) return [];
  const text = `${name} has a port that is none (${port}): ${taken} is taken`;
  return [finding('warning', text, `${name} with a port up to 65535`)];
}
