import { messageOf } from '../../core/errors.ts';

/** The text of anything thrown, with one full stop at its end. */
export const sentenceOf = (error: unknown): string => `${messageOf(error).replace(/\.+$/, '')}.`;
