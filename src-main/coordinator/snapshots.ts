import { snapshotViews } from '../core/journal/line.ts';
import { seconds } from '../core/recovery/phase.ts';
import { momentText } from '../core/restore/moments.ts';
import { failure, success, type Result } from '../core/result.ts';
import { encodeSnapshot } from '../journal/snapshot.ts';
import type { ConfigReading, DeviceSession, RigClock, StepReader } from '../rigs/rig.ts';
import { thrownError } from './attempt.ts';
import type { Recorder } from './recorder.ts';

/** Nothing that a recovery or an injection waits for may hang on a reading. */
const readingPatience = seconds(10);

/** Both views, or why there are none. Never rejects, and never takes longer than its patience. */
const readWithin = (session: DeviceSession, clock: RigClock): Promise<ConfigReading> => {
  const at = clock.now();
  return new Promise((resolve) => {
    const fail = (error: Result<never>): void => resolve({ at, vfio: error, hardware: error });
    const stop = clock.at(at + readingPatience, () => {
      const patience = readingPatience / seconds(1);
      fail(failure('callTimedOut', `${session.address} gave no config space within ${patience} s.`));
    });
    // A session that throws at once is no different from one that rejects.
    const read = async (): Promise<ConfigReading> => session.readBothViews();
    void read()
      .then(resolve, (thrown: unknown) => fail({ ok: false, error: thrownError('readBothViews', thrown) }))
      .finally(stop);
  });
};

interface Place {
  readonly device: string;
  readonly recovery: number | null;
  readonly moment: string;
}

/** Keeps both views of the config space; of one that could not be read, why. */
const recordReading = (recorder: Recorder, place: Place, reading: ConfigReading): void => {
  for (const view of snapshotViews) {
    const config = reading[view];
    const line = { ...place, taken: reading.at, view } as const;
    recorder.record(
      config.ok
        ? { type: 'snapshot', ...line, bytes: encodeSnapshot(config.value) }
        : { type: 'unreadable', ...line, error: config.error },
    );
  }
};

/** Keeps what a device holds at a moment, as `momentText` names it. Never takes longer than ten seconds. */
export const recordSnapshot = async (
  session: DeviceSession,
  recorder: Recorder,
  moment: string,
  recovery: number | null,
): Promise<void> => {
  if (!recorder.keepsSnapshots) return;
  const reading = await readWithin(session, recorder.clock);
  recordReading(recorder, { device: session.address, recovery, moment }, reading);
};

/** Keeps what a device holds after each step of reinitialising; undefined where nobody keeps snapshots. */
export const stepRecorder = (
  { address: device }: DeviceSession,
  recorder: Recorder,
  recovery: number,
): StepReader | undefined =>
  recorder.keepsSnapshots
    ? (step, reading) => {
        const moment = momentText({ kind: 'afterStep', step });
        recordReading(recorder, { device, recovery, moment }, reading);
      }
    : undefined;

const notAtOpening = failure('configUnreadable', 'This view could not be read right after the open.');

/** Keeps what the device held right after it was opened, before the session set it up. */
export const recordOpening = ({ address, opening }: DeviceSession, recorder: Recorder): void => {
  if (!recorder.keepsSnapshots) return;
  const { vfio, hardware } = opening;
  const read = (config: Uint8Array | null): Result<Uint8Array> =>
    config === null ? notAtOpening : success(config);
  recordReading(
    recorder,
    { device: address, recovery: null, moment: momentText({ kind: 'open' }) },
    { at: recorder.clock.now(), vfio: read(vfio), hardware: read(hardware) },
  );
};
