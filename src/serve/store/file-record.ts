/** What OpenAI calls the use of a file; the server makes files of `batch_output` itself. */
type FilePurpose = 'batch' | 'batch_output';

/** A file of the store, as it lies on disk beside its bytes. Times are whole seconds since 1970, as OpenAI has them. */
export interface FileRecord {
  /** `file-` and 24 characters of the server's own making: a client's text never becomes a path. */
  id: string;
  bytes: number;
  createdAt: number;
  /** Null: it is kept until somebody deletes it. */
  expiresAt: number | null;
  /** As the client named it: shown, never opened. */
  filename: string;
  purpose: FilePurpose;
}
