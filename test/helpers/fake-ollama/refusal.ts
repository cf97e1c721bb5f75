/** An answer that is not 200: `{"error": text}` with a status. */
export interface Refusal {
  status: number;
  text: string;
  /** Raised behind the scheduler, where a streamed request has another content type. */
  late: boolean;
}

class RefusalError extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.text);
    this.refusal = refusal;
  }
}

export const refuse = (status: number, text: string): RefusalError => new RefusalError({ status, text, late: false });

export const refuseLate = (status: number, text: string): RefusalError =>
  new RefusalError({ status, text, late: true });

export const refusalIn = (error: unknown): Refusal | null => (error instanceof RefusalError ? error.refusal : null);

/** A refusal of llama-server itself: JSON inside the error's text. */
export const refuseNested = (message: string, type: string, more: Record<string, unknown> = {}): RefusalError =>
  refuseLate(400, JSON.stringify({ error: { code: 400, message, type, ...more } }));
