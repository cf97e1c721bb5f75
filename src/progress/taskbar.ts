import { isBefore } from '../text/versions.ts';
import type { ProgressSource } from './progress.ts';
import { canRedraw } from './terminal.ts';

const intervalMs = 1000;

/** The states of ConEmu's sequence, which other terminals took over: https://conemu.github.io/en/AnsiEscapeCodes.html */
const states = { none: 0, percent: 1, error: 2, indeterminate: 3 } as const;

/** Share of failed requests from which on the progress is shown as an error. */
const errorShare = 0.1;

/**
 * Shows the progress in the tab or the task bar of a terminal that can do that, every second: Ghostty forgets what is
 * not repeated. Returns a function that takes it away.
 */
export function startTaskbar({ stream, snapshot, environment }: ProgressSource): () => void {
  if (!canRedraw(stream, environment) || !hasTaskbar(environment)) return () => {};
  const write = (state: number, percent: number): void => void stream.write(`\u001B]9;4;${state};${percent}\u001B\\`);
  const show = (): void => {
    const { total, done, failed } = snapshot().progress;
    if (total === null || done === 0) return write(states.indeterminate, 0);
    write(failed > done * errorShare ? states.error : states.percent, Math.floor((done / Math.max(1, total)) * 100));
  };
  show();
  const timer = setInterval(show, intervalMs).unref();
  let isShown = true;
  return () => {
    if (!isShown) return;
    isShown = false;
    clearInterval(timer);
    write(states.none, 0);
  };
}

/**
 * Says whether the terminal knows the sequence. Others, and older ones, take it for a notification and show one every
 * second. In tmux and screen the variables are those of the terminal around it, which the sequence does not reach.
 */
export function hasTaskbar(environment: NodeJS.ProcessEnv): boolean {
  if (isInside(environment)) return false;
  if (environment['WT_SESSION'] || environment['ConEmuANSI'] === 'ON') return true;
  const { TERM_PROGRAM: program = '', TERM_PROGRAM_VERSION: version = '0' } = environment;
  const since = firstVersions[program];
  return since === undefined ? Number(environment['VTE_VERSION'] ?? 0) >= 7900 : !isBefore(version, since);
}

/** The first versions that know the sequence, by the name in TERM_PROGRAM. */
const firstVersions: Record<string, string> = { ghostty: '1.0', WezTerm: '20250209', 'iTerm.app': '3.6.6' };

const isInside = ({ TMUX: tmux, STY: screen, TERM: kind = '' }: NodeJS.ProcessEnv): boolean =>
  Boolean(tmux) || Boolean(screen) || /^(tmux|screen)/.test(kind);
