import type { BenchError, ErrorCode } from '../core/result.ts';

/** What the process answers: documented in README.md and in `rbench explain`. */
export const exitCode = { asExpected: 0, expectationFailed: 1, usage: 2, rigTrouble: 3 } as const;
export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

const usageCodes: ReadonlySet<ErrorCode> = new Set([
  'malformedInput',
  'unknownRig',
  'unknownAddress',
  'unknownScenario',
  'scenarioMalformed',
  'unknownCode',
  'unknownRun',
]);

/** An error that stopped a command: the caller's words, or the rig (and the disk) behind it. */
export const exitCodeOf = (error: BenchError): ExitCode =>
  usageCodes.has(error.code) ? exitCode.usage : exitCode.rigTrouble;
