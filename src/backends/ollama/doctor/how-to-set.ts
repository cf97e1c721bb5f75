import type { Finding, Setting } from '../../../core/doctor/finding.ts';
import { quoteForShell } from '../../../text/format.ts';
import type { FindingContext } from './find-ollama.ts';
import type { ServerSettings } from './server-settings.ts';

/** Says how the settings of the findings are set, all at once: lines to read and to type. */
export function howToSet(findings: readonly Finding[], { ollama, machine }: FindingContext): string[] {
  const wanted = new Map(findings.flatMap(({ setting }) => (setting === null ? [] : [[setting.name, setting]])));
  if (wanted.size === 0) return [];
  const settings = [...wanted.values()];
  const what = `To set ${settings.length === 1 ? 'this' : 'these'} for the Ollama server`;
  if (!ollama.isLocal) return [`${what}, on its machine:`, ...eitherWay(settings, null)];
  if (machine.platform === 'darwin') return [`${what}:`, ...forMac(settings)];
  if (machine.platform === 'win32') return [`${what}:`, ...forWindows(settings)];
  if (ollama.settings === null) return [`${what}:`, ...eitherWay(settings, ollama.url)];
  if (ollama.settings.startedBy === 'systemd') return [`${what}:`, ...bySystemd(settings)];
  return [`${what}, end it and start it so:`, byCommand([...keptOf(ollama.settings, wanted), ...settings], ollama.url)];
}

const eitherWay = (settings: readonly Setting[], url: string | null): string[] => [
  ...bySystemd(settings),
  'or, where it is started by hand:',
  byCommand(settings, url),
];

/** Settings that the server was started with and is to keep. */
const keptOf = ({ values }: ServerSettings, wanted: ReadonlyMap<string, Setting>): Setting[] =>
  Object.entries(values).flatMap(([name, value]) => (value === null || wanted.has(name) ? [] : [{ name, value }]));

const pair = ({ name, value }: Setting): string => `${name}=${quoteForShell(value)}`;

const bySystemd = (settings: readonly Setting[]): string[] => [
  '  sudo systemctl edit ollama',
  '    [Service]',
  ...settings.map((setting) => `    Environment="${pair(setting)}"`),
  '  sudo systemctl restart ollama',
];

/** The command that starts the server with the settings, and at the port that it has now. */
function byCommand(settings: readonly Setting[], url: string | null): string {
  const isUsual = url === null || url.endsWith(':11434') || settings.some(({ name }) => name === 'OLLAMA_HOST');
  const host = isUsual ? [] : [{ name: 'OLLAMA_HOST', value: new URL(url).host }];
  return `  ${[...host, ...settings].map(pair).join(' ')} ollama serve`;
}

const forMac = (settings: readonly Setting[]): string[] => [
  ...settings.map(({ name, value }) => `  launchctl setenv ${name} ${value}`),
  '  then quit Ollama, and start it again',
];

const forWindows = (settings: readonly Setting[]): string[] => [
  ...settings.map(({ name, value }) => `  setx ${name} ${value}`),
  '  then quit Ollama, and start it again',
];
