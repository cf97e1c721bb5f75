import { afterEach, beforeEach, expect, vi } from 'vitest';

/** Every test of a file fails where anything is printed, by whatever way. */
export function expectSilence(): void {
  const printed: unknown[] = [];
  const note = (...texts: unknown[]): true => {
    printed.push(texts);
    return true;
  };
  const warn = (warning: Error): void => void note(warning.message);
  beforeEach(() => {
    printed.length = 0;
    for (const method of ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const) {
      vi.spyOn(console, method).mockImplementation(note);
    }
    vi.spyOn(process.stdout, 'write').mockImplementation(note);
    vi.spyOn(process.stderr, 'write').mockImplementation(note);
    process.on('warning', warn);
  });
  afterEach(() => {
    vi.restoreAllMocks();
    process.off('warning', warn);
    expect(printed).toEqual([]);
  });
}
