import type { BatchRequest } from '../../../core/request.ts';

/** A file that goes to a service, and what the next commands must know of it. */
interface WrittenPart {
  /** Path of the file, as a word of a command; here and below in the quotes that a shell needs. */
  path: string;
  /** Path for its results. */
  results: string;
  /** Path for the errors that some services have in a file of their own. */
  errors: string;
  /** As it stands in the requests: not to be put into a command without quotes. */
  model: string;
  endpoint: string;
}

/** How a hosted batch service wants its requests. */
export interface HostedFormat {
  /** Its name in messages. */
  label: string;
  /** Ending of its files. */
  ending: '.jsonl' | '.json';
  /** What one batch may hold, by the documentation of the service. */
  limits: { requests: number; bytes: number };
  /** The ids that it takes. */
  idPattern: RegExp;
  /** Does one batch hold the requests of one model only? */
  isOfOneModel: boolean;
  /** Text before, between and after the requests of a file. */
  frame: { before: string; between: string; after: string };
  /** The request as the service takes it. Throws a `NotCarriedError` where it can't be carried over. */
  convert: (request: BatchRequest, id: string) => object;
  /** Commands that send a part, and fetch its results into a file beside it. Keys are variables of the shell. */
  commands: (part: WrittenPart) => string[];
}

/** The frame of a file with a request on each line. */
export const lines = { before: '', between: '\n', after: '\n' };
