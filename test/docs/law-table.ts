const ground = ['async', 'core', 'data', 'files', 'machine', 'text'];
const stages = ['input', 'scheduler', 'journal', 'metrics', 'progress', 'report'];

/** The import law as a table: folders that may import the same share a row. */
export function lawTable(law: Readonly<Record<string, readonly string[]>>): string {
  const rows = new Map<string, string[]>();
  for (const [folder, allowed] of Object.entries(law)) {
    const text = describe(allowed);
    rows.set(text, [...(rows.get(text) ?? []), folder]);
  }
  const lines = [...rows].map(([text, folders]) => `| ${describe(folders)} | ${text} |`);
  return ['| folder | may import, beside itself |', '| --- | --- |', ...lines].join('\n');
}

/** Names the folders, those that have a name together by that. */
function describe(folders: readonly string[]): string {
  const groups = Object.entries({ 'the ground': ground, 'the stages': stages });
  const whole = groups.filter(([, names]) => names.every((name) => folders.includes(name)));
  const rest = folders.filter((folder) => !whole.some(([, names]) => names.includes(folder)));
  const names = rest.map((folder) => (folder === 'backends/planted-engine' ? '`backends/<name>`' : `\`${folder}\``));
  return [...whole.map(([name]) => name), ...names].join(', ') || 'nothing';
}
