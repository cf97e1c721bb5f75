import { isBefore } from '../../../text/versions.ts';

/** A fault of some versions of the server that matters to a run. Sources: Ollama's own history and issues. */
export interface VersionFact {
  /** A code for the fact. */
  id: string;
  /** The first version that has the fault; null: the earliest one that has it is not known. */
  from: string | null;
  /** The first later version without the fault; null: none is known. */
  until: string | null;
  /** How serious the fault is: a hint where a run loses nothing by it. */
  level: 'warning' | 'hint';
  /** What is told to the user, as a sentence. */
  text: string;
}

export const versionFacts: readonly VersionFact[] = [
  {
    id: 'cuts-prompts',
    from: null,
    until: '0.12.6',
    level: 'warning',
    text: 'cuts long prompts silently, even with truncation turned off; a request whose prompt seems cut fails',
  },
  {
    id: 'counts-new-tokens',
    from: '0.30.0',
    until: '0.30.1',
    level: 'warning',
    text: 'counts only the prompt tokens that were not in its cache: token counts are too low',
  },
  {
    id: 'no-cached-count',
    from: null,
    until: '0.33.3',
    level: 'hint',
    text: 'does not say how many prompt tokens came from its cache: they are shown as n/a',
  },
  {
    id: 'repeat-penalty',
    from: null,
    until: '0.32.10',
    level: 'hint',
    text: 'uses a repeat_penalty of 1.1 by default; llmbatch always sets it, to 1 unless you or the model set another value',
  },
  {
    id: 'ram-cache',
    from: '0.30.0',
    until: null,
    level: 'warning',
    text: 'keeps every prompt in a cache of 8 GiB of RAM, which slows it with each distinct prompt: start it with LLAMA_ARG_CACHE_RAM=0',
  },
];

/** The facts that hold for a version; none where the version is unknown (0.0.0 is a build of one's own). */
export function factsOf(version: string): VersionFact[] {
  if (!/^\d+\.\d+\.\d+/.test(version) || version.startsWith('0.0.0')) return [];
  return versionFacts.filter(
    ({ from, until }) => (from === null || !isBefore(version, from)) && (until === null || isBefore(version, until)),
  );
}

/** Says whether a version cuts long prompts because it does not know `truncate: false`. */
export const cutsPrompts = (version: string): boolean => !version.startsWith('0.0.0') && isBefore(version, '0.12.6');
