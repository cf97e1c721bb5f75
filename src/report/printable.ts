/** Text from data for a terminal: no control characters, which could move the cursor or start a colour; cut at `length`. */
export function printable(text: string, length = Infinity): string {
  const clean = text.replaceAll(/\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/gu, '�');
  const characters = clean.length > length ? Array.from(clean) : [];
  return characters.length > length ? `${characters.slice(0, length - 1).join('')}…` : clean;
}
