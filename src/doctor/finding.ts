/** Something amiss, and what mends it. */
export interface Finding {
  /** An error: what the user named can't be used, or nothing can. */
  level: 'error' | 'warning' | 'hint';
  /** A sentence without its point. */
  text: string;
  /** What to do or to type; lines after the first are commands. */
  fix: string;
  /** A variable of the server's environment that the fix is about; `how_to_set` says how to set it. */
  setting: Setting | null;
}

export interface Setting {
  name: string;
  value: string;
}

export const finding = (level: Finding['level'], text: string, fix: string): Finding => ({
  level,
  text,
  fix,
  setting: null,
});

/** A finding that a variable of the server's environment mends. */
export const settingFinding = (level: Finding['level'], text: string, setting: Setting): Finding => ({
  level,
  text,
  fix: `${setting.name}=${setting.value} where the server is started`,
  setting,
});
