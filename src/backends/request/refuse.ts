import { EngineError, type ErrorKind, messageOf } from '../../core/errors.ts';

/** Thrown where a request can't be answered; who answers requests makes a failure of it. */
export const refuse = (kind: ErrorKind, message: string): EngineError => new EngineError(kind, message);

/** The text of anything thrown, with one full stop at its end. */
export const sentenceOf = (error: unknown): string => `${messageOf(error).replace(/\.+$/, '')}.`;
