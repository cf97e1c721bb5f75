import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    reporters: ['default', './test/helpers/plain-count.ts'],
    // Two cores: Vitest would take one, and wait for the processes that the tests start.
    maxWorkers: 2,
    // What is slow is no failure: a machine with much else to do is a slow one.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
