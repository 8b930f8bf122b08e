import { defineConfig } from 'vitest/config';
import { memoryFolder } from './test/e2e/memoryFolder.ts';
import { missingTools } from './test/e2e/tools.ts';

const missing = missingTools();
// Where everything has to be there, what is missing is an error: the tests run, and fail on it.
const skipped = missing.length > 0 && process.env['CI'] !== 'true';
if (skipped) process.stderr.write(`The end-to-end tests are skipped; missing: ${missing.join(', ')}.\n`);

/** The built app in a real Electron under a display of its own, and the browser door in Debian's Chromium. */
export default defineConfig({
  test: {
    name: 'e2e',
    include: skipped ? [] : ['test/e2e/**/*.e2e.test.ts'],
    passWithNoTests: skipped,
    globalSetup: skipped ? [] : ['test/e2e/globalSetup.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What hangs should not cost a time-out for each of its tests.
    bail: process.env['CI'] === 'true' ? 3 : 0,
    // Profiles and journals of all that is started.
    env: { TMPDIR: memoryFolder() },
    expect: { poll: { timeout: 15_000, interval: 50 } },
    // Windows compete for the focus and for the processor.
    fileParallelism: false,
  },
});
