/** Names that people try for the command, before they know it. */
const otherName = /unknown command '(?:results?|answers?|table|csv|tsv|convert)'/;
const tableOfReport = /argument '(csv|tsv|parquet|xlsx)' is invalid\. Allowed choices are text, json, markdown, html/;

/** Adds to a refusal of flags that `export` is what was meant, where it is. */
export function hintAtExport(refusal: string): string {
  const [command] = otherName.exec(refusal) ?? [];
  if (command !== undefined) return `error: ${command}\n(Did you mean export?)`;
  return tableOfReport.test(refusal)
    ? `${refusal}\nTo get the answers as a table: llmbatch export <output> -o answers.csv`
    : refusal;
}
