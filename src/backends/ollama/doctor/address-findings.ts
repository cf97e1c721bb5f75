import { type Finding, finding } from '../../../core/doctor/finding.ts';
import type { FindingContext } from './find-ollama.ts';

/** Findings about an address that Ollama reads otherwise than it looks. */
export function addressFindings({ ollama: { address, url }, asked }: FindingContext): Finding[] {
  if (address === null || url === null) return [];
  const parts = splitAddress(address);
  const name = asked.host === null ? 'OLLAMA_HOST' : '--host';
  return [...forClients(name, parts), ...withoutPort(name, parts), ...badPort(name, parts, url)];
}

interface AddressParts {
  scheme: string;
  place: string;
  port: string | null;
  path: string;
}

function splitAddress(address: string): AddressParts {
  const text = address.trim().replaceAll(/^["']+|["']+$/g, '');
  const [, scheme = '', place = '', path = ''] = /^([a-z]+:\/\/)?([^/]*)(.*)$/is.exec(text) ?? [];
  const port = /^(?:\[.*\]|[^:[\]]*):([^:]+)$/.exec(place)?.[1] ?? null;
  return { scheme: scheme.toLowerCase(), place, port, path };
}

function forClients(name: string, { path }: AddressParts): Finding[] {
  if (!/\/v1\/?$/.test(path)) return [];
  const text = `${name} ends with /v1, which is for OpenAI's clients: Ollama's own API is not there`;
  return [finding('warning', 'ollama-address-v1', text, `${name} without /v1`)];
}

function withoutPort(name: string, { scheme, place, port }: AddressParts): Finding[] {
  if (scheme !== 'http://' || port !== null) return [];
  const text = `${name} names no port, which with http:// means port 80, not 11434`;
  return [
    finding('hint', 'ollama-address-port-80', text, `${name}${name === '--host' ? ' ' : '='}http://${place}:11434`),
  ];
}

function badPort(name: string, { port }: AddressParts, url: string): Finding[] {
  if (port === null || (/^\d+$/.test(port) && Number(port) <= 65_535)) return [];
  const text = `${name} has a port that does not exist (${port}), so ${url} is used`;
  return [finding('warning', 'ollama-address-port', text, `${name} with a port up to 65535`)];
}
