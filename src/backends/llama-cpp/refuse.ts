import { EngineError, type ErrorKind } from '../../core/errors.ts';

/** Thrown inside the worker where a request can't be answered; `answerRequest` makes a failure of it. */
export const refuse = (kind: ErrorKind, message: string): EngineError => new EngineError(kind, message);
