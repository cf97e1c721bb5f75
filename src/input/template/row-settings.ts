import type { Token } from './render.ts';

type Row = Record<string, unknown>;

/** Settings of a request that a row has under these names, where its template does not print them. */
const settingNames = [
  'max_tokens',
  'max_completion_tokens',
  'min_tokens',
  'temperature',
  'top_p',
  'top_k',
  'min_p',
  'seed',
  'stop',
  'frequency_penalty',
  'presence_penalty',
  'repetition_penalty',
  'repeat_penalty',
  'reasoning_effort',
];

export interface RowSettings {
  /** The fields of a row that are settings of its request. They stay with the row as well. */
  namesIn: (row: Row) => string[];
  /** Tells, once, that a row has such fields. */
  tell: (row: Row) => void;
}

/** Knows the settings in rows that fill a template of these tokens, which names these fields. */
export function createRowSettings(
  tokens: readonly Token[],
  names: readonly string[],
  note: (text: string) => void,
): RowSettings {
  const printsRow = tokens.some(([kind, name]) => kind !== 'text' && name === '.');
  const isPrinted = (field: string): boolean => names.some((name) => name === field || name.startsWith(`${field}.`));
  const left = printsRow ? [] : settingNames.filter((name) => !isPrinted(name));
  const namesIn = (row: Row): string[] => left.filter((name) => Object.hasOwn(row, name));
  let isTold = false;
  return {
    namesIn,
    tell(row) {
      const given = isTold ? [] : namesIn(row).filter((name) => ![null, ''].includes(row[name] as null));
      if (given.length === 0) return;
      isTold = true;
      const one = given.length === 1;
      note(
        `${one ? 'the field' : 'the fields'} ${given.join(', ')} of a row ${one ? 'is a setting' : 'are settings'} of its request, for --prompt-template does not print ${one ? 'it' : 'them'}: call data by another name`,
      );
    },
  };
}

/** What is wrong with settings that may be data of the row: weather has temperatures too. */
export function problemOfSettings({ temperature }: Row): string | null {
  if (typeof temperature !== 'number' || (temperature >= 0 && temperature <= 2)) return null;
  return `"temperature" is ${temperature}, but the temperature of a request is from 0 to 2: if it is data, rename the field`;
}
