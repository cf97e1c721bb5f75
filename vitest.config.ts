import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    reporters: ['default', './test/helpers/plain-count.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
