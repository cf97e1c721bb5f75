/** Something that doctor found wrong, or that could be better, and what to do about it. */
export interface Finding {
  /** How bad it is. error: what the user named can't be used, or nothing can. */
  level: 'error' | 'warning' | 'hint';
  /** A code that stays the same when the text is reworded: `ollama-one-slot`. */
  id: string;
  /** What was found: a sentence without its full stop. */
  text: string;
  /** What to do or to type; lines after the first are commands. */
  fix: string;
  /** A variable of the server's environment that the fix is about; null where it is about none. */
  setting: Setting | null;
}

/** A variable of a server's environment, and the value that is advised for it. */
export interface Setting {
  name: string;
  value: string;
}

/** A finding whose fix is no variable of a server's environment. */
export const finding = (level: Finding['level'], id: string, text: string, fix: string): Finding => ({
  level,
  id,
  text,
  fix,
  setting: null,
});

/** A finding that is fixed by a variable of the server's environment. */
export const settingFinding = (level: Finding['level'], id: string, text: string, setting: Setting): Finding => ({
  level,
  id,
  text,
  fix: `${setting.name}=${setting.value} when you start the server`,
  setting,
});

const levels = ['error', 'warning', 'hint'] as const;

/** The same findings, errors first and hints last; those of one level keep their order. */
export const worstFirst = (findings: readonly Finding[]): Finding[] =>
  findings.toSorted((left, right) => levels.indexOf(left.level) - levels.indexOf(right.level));
