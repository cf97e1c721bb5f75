/** What came is no whole answer: something else than a part of one, or its end is missing. */
export class BrokenAnswer extends Error {
  readonly kind: 'invalid-response' | 'server-error';

  constructor(kind: BrokenAnswer['kind'], message: string) {
    super(message);
    this.name = 'BrokenAnswer';
    this.kind = kind;
  }
}
