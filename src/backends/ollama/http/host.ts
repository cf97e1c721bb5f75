import { isIP } from 'node:net';
import { type BackendAddress, givenText, keyVariable } from '../../../core/connection.ts';
import { UsageError } from '../../../core/errors.ts';
import { bearerKey, refuseSecrets } from '../../http/bearer-key.ts';
import { isLoopback } from '../../../machine/is-loopback.ts';

/** Address of an Ollama server. */
export interface OllamaHost {
  /** Scheme, host and port, and a path where one is named; no slash at the end. */
  url: string;
  /** Says whether the server is on this machine, so that its processes can be looked at. */
  isLocal: boolean;
  /** Bearer key that a server elsewhere is sent; it is never written anywhere. */
  key: string | null;
}

/**
 * `--host`, else `OLLAMA_HOST`, read as Ollama itself reads it (envconfig.Host and ConnectableHost): the scheme, the
 * port and a path are optional; an address that means "any" is this machine; an invalid port is replaced by the default
 * one.
 */
export function ollamaHost({ connection, environment }: BackendAddress): OllamaHost {
  const host = givenText(connection, 'host');
  const text = unquote(host ?? environment['OLLAMA_HOST'] ?? '');
  const { scheme, defaultPort, rest } = splitScheme(text);
  const [, address = '', path = ''] = /^([^/]*)(.*)$/s.exec(rest) ?? [];
  refuseSecrets(rest, 'the address of the Ollama server', 'OLLAMA_API_KEY');
  if (host !== null) checkPort(address, text);
  const { name, port } = splitPort(address, defaultPort);
  const target = connectable(name);
  const url = `${scheme}${inBrackets(target)}:${port}${path.replace(/\/+$/, '')}`;
  checkUrl(url, text);
  const isLocal = isLoopback(target);
  return { url, isLocal, key: isLocal ? null : bearerKey(keyVariable(connection, 'OLLAMA_API_KEY'), environment) };
}

/** Refuses an invalid port of `--host`: Ollama would take the default port, which the user did not mean. */
function checkPort(address: string, text: string): void {
  const [, port] = /^(?:\[.*\]|[^:]*):([^:]*)$/.exec(address) ?? [];
  if (port !== undefined && portOr(port, '') === '') throw noAddress(text);
}

function checkUrl(url: string, text: string): void {
  if (!URL.canParse(url) || !/^https?:/.test(url)) throw noAddress(text);
}

const noAddress = (text: string): UsageError =>
  new UsageError(`"${text}" is not the address of an Ollama server`, 'It looks like http://127.0.0.1:11434.');

const inBrackets = (name: string): string => (isIP(name) === 6 ? `[${name}]` : name);

const unquote = (text: string): string => text.trim().replaceAll(/^["']+|["']+$/g, '');

function splitScheme(text: string): { scheme: string; defaultPort: string; rest: string } {
  if (text === 'ollama.com') return { scheme: 'https://', defaultPort: '443', rest: text };
  const [named] = /^[a-z]+:\/\//i.exec(text) ?? [];
  if (named === undefined) return { scheme: 'http://', defaultPort: '11434', rest: text };
  const scheme = named.toLowerCase();
  return { scheme, defaultPort: scheme === 'https://' ? '443' : '80', rest: text.slice(named.length) };
}

function splitPort(address: string, defaultPort: string): { name: string; port: string } {
  const [, bracketed, bracketedPort] = /^\[(.*)\](?::(.*))?$/.exec(address) ?? [];
  if (bracketed !== undefined) return { name: bracketed, port: portOr(bracketedPort, defaultPort) };
  const parts = address.split(':');
  // An address with more than one colon is an IPv6 address without a port.
  if (parts.length !== 2) return { name: address, port: defaultPort };
  return { name: parts[0] ?? '', port: portOr(parts[1], defaultPort) };
}

const portOr = (text: string | undefined, fallback: string): string =>
  text !== undefined && /^\d+$/.test(text) && Number(text) <= 65_535 ? text : fallback;

/** A server that listens on every address is reached by the loopback one. */
function connectable(name: string): string {
  if (name === '' || name === '0.0.0.0') return '127.0.0.1';
  return isIP(name) === 6 && /^[0:]+$/.test(name) ? '::1' : name;
}
