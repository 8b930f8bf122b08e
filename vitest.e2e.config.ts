import { defineConfig } from 'vitest/config';

/** The built app in a real Electron under a display of its own. */
export default defineConfig({
  test: {
    name: 'e2e',
    include: ['test/e2e/**/*.e2e.test.ts'],
    globalSetup: ['test/e2e/globalSetup.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Windows compete for the focus and for the processor.
    fileParallelism: false,
  },
});
