import { success } from '../../core/result.ts';
import { listRuns } from '../../journal/catalogue.ts';
import { exporters } from '../exporters.ts';
import type { HandlersOf } from './handler.ts';

export const runCommands: HandlersOf<'runs' | 'openRun' | 'runLines' | 'runMoment' | 'exportRun'> = {
  runs: async (_input, { bench }) => {
    const { runs } = bench.options;
    if (runs === null) return success([]);
    const listed = await listRuns(runs);
    if (!listed.ok) return listed;
    return success(
      listed.value.map(({ run, bytes, lines, status, outcome, header }) => ({
        run,
        bytes,
        lines,
        status,
        outcome,
        rig: header?.rig.name ?? null,
        scenario: header?.scenario ?? null,
      })),
    );
  },

  openRun: async ({ run }, { bench }) => bench.openRuns.open(run),

  runLines: async ({ run, from, count }, { bench }) => bench.openRuns.lines(run, from, count),

  runMoment: async ({ run, at, device }, { bench }) => bench.openRuns.moment(run, at, device),

  exportRun: async ({ run, format }, { bench }) => {
    const path = bench.openRuns.path(run);
    return path.ok ? exporters[format]({ run, path: path.value }) : path;
  },
};
