import type { SnapshotView } from '../core/journal/line.ts';
import { momentText } from '../core/restore/moments.ts';
import { encodeSnapshot } from '../journal/snapshot.ts';
import type { DeviceSession } from '../rigs/rig.ts';
import { attempt } from './attempt.ts';
import type { Recorder } from './recorder.ts';

const views: readonly SnapshotView[] = ['vfio', 'hardware'];

/** Keeps both views of the config space; one that cannot be read at that moment is left out. */
export const recordSnapshot = async (
  session: DeviceSession,
  recorder: Recorder,
  moment: string,
  recovery: number | null,
): Promise<void> => {
  if (!recorder.keepsSnapshots) return;
  for (const view of views) {
    const config = await attempt('readConfig', () => session.readConfig(view));
    if (!config.ok) continue;
    const bytes = encodeSnapshot(config.value);
    recorder.record({ type: 'snapshot', device: session.address, recovery, moment, view, bytes });
  }
};

/** Keeps what the device held right after it was opened, before the session set it up. */
export const recordOpening = ({ address, opening }: DeviceSession, recorder: Recorder): void => {
  if (!recorder.keepsSnapshots) return;
  const moment = momentText({ kind: 'open' });
  for (const view of views) {
    const config = opening[view];
    if (config === null) continue;
    const bytes = encodeSnapshot(config);
    recorder.record({ type: 'snapshot', device: address, recovery: null, moment, view, bytes });
  }
};
