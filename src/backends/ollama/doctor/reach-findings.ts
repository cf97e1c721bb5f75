import { type Finding, finding, settingFinding } from '../../../core/doctor/finding.ts';
import { portOf } from '../server-process.ts';
import { addressFindings } from './address-findings.ts';
import type { FindingContext, OllamaSearch } from './find-ollama.ts';

/**
 * Findings about the way to the Ollama server: whether it is there, whether it is the right one, and who can reach it.
 */
export const reachFindings = (context: FindingContext): Finding[] => [
  ...absence(context),
  ...addressFindings(context),
  ...openServer(context.ollama),
];

function absence({ ollama, asked }: FindingContext): Finding[] {
  const { failure, isLocal, isInstalled, address } = ollama;
  if (failure === null) return [];
  // Ollama was not asked for, so its absence is normal.
  if (address === null && !isInstalled && asked.model === null && failure.kind === 'silent') return [];
  const level = asked.host !== null || asked.model !== null ? 'error' : 'warning';
  const fix = absenceFix(ollama, failure.kind, isLocal && isInstalled);
  return [finding(level, `ollama-server-${failure.kind}`, failure.text, fix)];
}

function absenceFix({ isLocal, url }: OllamaSearch, kind: string, canStart: boolean): string {
  if (kind === 'address') return 'OLLAMA_HOST=127.0.0.1:11434, or nothing';
  if (kind === 'refused') return 'set OLLAMA_API_KEY if the server needs a key, or use --host with its IP address';
  if (kind === 'other') return '--host with the address of an Ollama server, such as 127.0.0.1:11434';
  if (kind === 'slow') return 'see whether its machine is overloaded, and try again; start Ollama anew where it hangs';
  if (canStart) return `start it:${startCommands(url)}`;
  if (isLocal) return 'install it (https://ollama.com/download), or name another server with --host';
  return `start the server with OLLAMA_HOST=0.0.0.0, so that other machines can connect; or use another --host`;
}

function startCommands(url: string | null): string {
  const isUsual = url === null || url.endsWith(':11434');
  const host = isUsual ? '' : `OLLAMA_HOST=${new URL(url).host} `;
  return `${process.platform === 'linux' && isUsual ? '\nsudo systemctl start ollama' : ''}\n${host}ollama serve`;
}

function openServer({ isOpenToOthers, url }: OllamaSearch): Finding[] {
  if (url === null || isOpenToOthers !== true) return [];
  const text = 'other machines may reach this Ollama server, which asks no one for a password';
  const setting = { name: 'OLLAMA_HOST', value: `127.0.0.1:${portOf(url)}` };
  return [settingFinding('warning', 'ollama-open-to-others', text, setting)];
}
