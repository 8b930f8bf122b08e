import type { SnapshotView } from '../core/journal/line.ts';
import { momentText } from '../core/restore/moments.ts';
import { failure } from '../core/result.ts';
import { encodeSnapshot } from '../journal/snapshot.ts';
import type { DeviceSession } from '../rigs/rig.ts';
import { attempt } from './attempt.ts';
import type { Recorder } from './recorder.ts';

const views: readonly SnapshotView[] = ['vfio', 'hardware'];

/** Keeps both views of the config space; of one that cannot be read at that moment, why. */
export const recordSnapshot = async (
  session: DeviceSession,
  recorder: Recorder,
  moment: string,
  recovery: number | null,
): Promise<void> => {
  if (!recorder.keepsSnapshots) return;
  for (const view of views) {
    const config = await attempt('readConfig', () => session.readConfig(view));
    const line = { device: session.address, recovery, moment, view } as const;
    recorder.record(
      config.ok
        ? { type: 'snapshot', ...line, bytes: encodeSnapshot(config.value) }
        : { type: 'unreadable', ...line, error: config.error },
    );
  }
};

const notAtOpening = failure('configUnreadable', 'This view could not be read right after the open.');

/** Keeps what the device held right after it was opened, before the session set it up. */
export const recordOpening = ({ address, opening }: DeviceSession, recorder: Recorder): void => {
  if (!recorder.keepsSnapshots) return;
  const moment = momentText({ kind: 'open' });
  for (const view of views) {
    const config = opening[view];
    const line = { device: address, recovery: null, moment, view } as const;
    recorder.record(
      config === null
        ? { type: 'unreadable', ...line, error: notAtOpening.error }
        : { type: 'snapshot', ...line, bytes: encodeSnapshot(config) },
    );
  }
};
