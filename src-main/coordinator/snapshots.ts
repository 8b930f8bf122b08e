import { encodeSnapshot } from '../journal/snapshot.ts';
import type { DeviceSession } from '../rigs/rig.ts';
import { attempt } from './attempt.ts';
import type { Recorder } from './recorder.ts';

/** Keeps both views of the config space; one that cannot be read at that moment is left out. */
export const recordSnapshot = async (
  session: DeviceSession,
  recorder: Recorder,
  moment: string,
  recovery: number | null,
): Promise<void> => {
  if (!recorder.keepsSnapshots) return;
  for (const view of ['vfio', 'hardware'] as const) {
    const config = await attempt('readConfig', () => session.readConfig(view));
    if (!config.ok) continue;
    const bytes = encodeSnapshot(config.value);
    recorder.record({ type: 'snapshot', device: session.address, recovery, moment, view, bytes });
  }
};
