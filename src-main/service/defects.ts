import { failure, type BenchError } from '../core/result.ts';

/** A defect of the bench itself: the details are for who mends it, and go to stderr only. */
export const reportDefect = (where: string, thrown: unknown): BenchError => {
  const told = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  process.stderr.write(`recovery-bench: ${where} broke off: ${told}\n`);
  const said = thrown instanceof Error ? thrown.message : String(thrown);
  return failure('benchDefect', `The bench itself broke off at ${where}: ${said}`).error;
};
