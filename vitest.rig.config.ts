import { defineConfig } from 'vitest/config';
import { missingForGuests } from './test/rig/missing.ts';

const missing = await missingForGuests();
// Where everything has to be there, what is missing is an error: the tests run, and fail on it.
const skipped = missing !== null && process.env['CI'] !== 'true';
if (skipped) process.stderr.write(`The tests on a real kernel are skipped. ${missing}\n`);

/** Real kernels in QEMU guests. Two files at a time: much of a guest’s life is waiting for a time-out. */
export default defineConfig({
  test: {
    name: 'rig',
    include: skipped ? [] : ['test/rig/**/*.test.ts'],
    passWithNoTests: skipped,
    // A boot takes seconds on an idle machine, and many times that on a busy one.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    maxWorkers: 2,
  },
});
