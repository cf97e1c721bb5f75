import { EngineError, type ErrorKind } from '../../core/errors.ts';

/** Thrown where a request can't be answered; who answers requests makes a failure of it. */
export const refuse = (kind: ErrorKind, message: string): EngineError => new EngineError(kind, message);
