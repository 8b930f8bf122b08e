import { explainCode } from '../../src-main/core/explain/codes.ts';
import { explainErrnoEverywhere } from '../../src-main/core/explain/errnos.ts';
import type { Explanation } from '../../src-main/core/explain/explanation.ts';
import type { BenchError } from '../../src-main/core/result.ts';

/** What is known of an error's code and errno, without asking the bench: the link may be what is wrong. */
export const explanationsOf = (error: BenchError): readonly Explanation[] => [
  explainCode(error.code),
  ...(error.errno === undefined ? [] : explainErrnoEverywhere(error.errno)),
];
