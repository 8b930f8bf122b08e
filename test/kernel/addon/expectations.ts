import assert from 'node:assert/strict';
import { describe, it, before, after } from 'node:test';

/**
 * What a suite needs of Vitest, over Node's own test runner: Vitest itself does not run on a processor that is emulated
 * one program at a time. A matcher that is not here throws, which fails the test.
 */
interface Matchers {
  toBe(expected: unknown): void;
  toEqual(expected: unknown): void;
  toHaveLength(expected: number): void;
  toMatch(expected: RegExp): void;
  toThrow(kind: new () => Error): void;
  toBeGreaterThanOrEqual(least: number): void;
  toBeLessThanOrEqual(most: number): void;
}

export const expect = (actual: unknown): Matchers => ({
  toBe: (expected) => assert.equal(actual, expected),
  toEqual: (expected) => assert.deepEqual(actual, expected),
  toHaveLength: (expected) => assert.equal((actual as { length: number }).length, expected),
  toMatch: (expected) => assert.match(actual as string, expected),
  toThrow: (kind) => assert.throws(actual as () => void, kind),
  toBeGreaterThanOrEqual: (least) => assert.ok((actual as number) >= least, `${String(actual)} < ${least}`),
  toBeLessThanOrEqual: (most) => assert.ok((actual as number) <= most, `${String(actual)} > ${most}`),
});

export { describe, it, before as beforeAll, after as afterAll };
