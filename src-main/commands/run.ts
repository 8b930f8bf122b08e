import { Recorder } from '../coordinator/recorder.ts';
import { success, type Result } from '../core/result.ts';
import { backgroundFiles, systemFiles } from '../journal/files.ts';
import { createJournal, type JournalWriter } from '../journal/writer.ts';
import type { Rig } from '../rigs/rig.ts';
import { benchVersion } from './places.ts';
import { TimelineWriter } from './timeline.ts';
import { writeJson, type Streams } from './output.ts';

export interface RunOptions {
  /** null: nothing is recorded. */
  readonly runs: string | null;
  readonly json: boolean;
  /** Null where the rig has none. */
  readonly seed: number | null;
  readonly scenario: string | null;
  /** Nothing is printed as it happens. */
  readonly quiet: boolean;
}

export interface Run {
  readonly recorder: Recorder;
  readonly journal: JournalWriter | null;
  /** Writes the last line and closes the journal. */
  end(outcome: string): Promise<Result<void>>;
}

/** Begins a run on a rig: its journal, and its lines on the terminal. */
export const beginRun = (rig: Rig, options: RunOptions, streams: Streams): Result<Run> => {
  const { kind, name, title, kernel, architecture } = rig.info;
  let journal: JournalWriter | null = null;
  if (options.runs !== null) {
    const created = createJournal({
      directory: options.runs,
      header: {
        bench: benchVersion(),
        rig: { kind, name, title, kernel, architecture },
        ...(options.seed === null ? {} : { seed: options.seed }),
        ...(options.scenario === null ? {} : { scenario: options.scenario }),
      },
      at: rig.clock.now(),
      now: () => Date.parse(rig.clock.wall()),
      // Virtual time stands still while a disk is waited for; a real kernel's clock does not.
      files: kind === 'simulated' ? systemFiles : backgroundFiles,
    });
    if (!created.ok) return created;
    journal = created.value;
  }
  const recorder = new Recorder(rig.clock, journal);
  if (!options.quiet) {
    const timeline = new TimelineWriter(streams);
    recorder.watch((line) => {
      if (!options.json) timeline.add(line);
      else if (line.type !== 'snapshot') writeJson(streams, line);
    });
  }
  return success({
    recorder,
    journal,
    end: (outcome) => {
      recorder.record({ type: 'end', outcome }, 'durable');
      return journal?.close() ?? Promise.resolve(success(undefined));
    },
  });
};
