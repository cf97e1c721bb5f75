import { printable } from '../text/printable.ts';

const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text from data stays text. */
export const escapeHtml = (text: string): string =>
  printable(text).replaceAll(/[&<>"']/g, (character) => names[character] ?? character);

/** The same for sentences: browsers would break a flag of ours behind its hyphens. */
export const proseHtml = (text: string): string =>
  escapeHtml(text).replaceAll(/--[a-z][a-z-]{0,20}/g, '<span class="word">$&</span>');
