import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // In a real Electron and a real browser: vitest.e2e.config.ts.
    exclude: ['test/e2e/**'],
    testTimeout: 30_000,
  },
});
