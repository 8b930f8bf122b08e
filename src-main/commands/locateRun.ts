import { existsSync } from 'node:fs';
import { failure, success, type Result } from '../core/result.ts';
import { listRuns, pathOfRun, type RunEntry } from '../journal/catalogue.ts';
import type { CommandContext } from './context.ts';
import { runDirectory } from './places.ts';

/** The options of every command on a recorded run. */
export interface RunWish {
  readonly runs?: string;
  readonly json?: boolean;
}

export const runWords = 'the name of a run, "last", or the path of a .jsonl file';

export const directoryOf = (context: CommandContext, wish: RunWish): string =>
  wish.runs ?? runDirectory(context.environment);

/** How much of a run's name is its time, `2026-11-21T02-31-07Z`. */
const runSeconds = 20;

/** A run by its name, `last` for the newest, or the path of a .jsonl file. */
export const locateRun = async (
  context: CommandContext,
  run: string,
  wish: RunWish,
): Promise<Result<string>> => {
  if (run.endsWith('.jsonl')) {
    return existsSync(run) ? success(run) : failure('unknownRun', `There is no file ${run}.`);
  }
  const directory = directoryOf(context, wish);
  if (run !== 'last') {
    const path = pathOfRun(directory, run);
    return !path.ok || existsSync(path.value)
      ? path
      : failure('unknownRun', `There is no run ${run} in ${directory}; "rbench journal list" names them.`);
  }
  const runs = await listRuns(directory);
  if (!runs.ok) return runs;
  // A run's name counts seconds; of two in one second only the first lines say which one is the newer.
  const began = ({ header, run: name }: RunEntry): string =>
    `${name.slice(0, runSeconds)} ${header?.wall ?? ''} ${name}`;
  const newest = [...runs.value].sort((one, other) => (began(one) < began(other) ? -1 : 1)).at(-1);
  return newest === undefined
    ? failure('unknownRun', `There is no run in ${directory} yet; "rbench scenario run" records one.`)
    : success(newest.path);
};
