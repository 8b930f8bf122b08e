import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // For the components of the page; their tests ask for a DOM with `// @vitest-environment happy-dom`.
  plugins: [vue()],
  test: {
    include: ['test/**/*.test.ts'],
    // In a real Electron and a real browser: vitest.e2e.config.ts. On real kernels: vitest.rig.config.ts.
    exclude: ['test/e2e/**', 'test/rig/**'],
    testTimeout: 30_000,
  },
});
