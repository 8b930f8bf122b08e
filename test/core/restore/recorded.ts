import type { LineOf, SnapshotView } from '../../../src-main/core/journal/line.ts';
import type { Policy } from '../../../src-main/core/recovery/policy.ts';
import { recordedRecoveries, restoreMoments } from '../../../src-main/core/restore/recordings.ts';
import type { RecordedRecovery, RestoreMoment } from '../../../src-main/core/restore/recordings.ts';
import { decodeSnapshot } from '../../../src-main/journal/snapshot.ts';
import type { ProfileName } from '../../../src-main/rigs/simulated/kernel/profile.ts';
import { Lab, fatal, rng, valueOf } from '../../coordinator/lab.ts';

export const linesOfDevice = (lab: Lab, device: string = rng) =>
  lab.lines.filter((line) => 'device' in line && line.device === device);

/** Config spaces by moment, of one view; a moment that was not kept is not there. */
export type Readings = Readonly<Partial<Record<RestoreMoment, Uint8Array>>>;

/** The readings of one view, unpacked. */
export const readingsOf = (recovery: RecordedRecovery, view: SnapshotView = 'hardware'): Readings => {
  const readings: Partial<Record<RestoreMoment, Uint8Array>> = {};
  for (const moment of restoreMoments) {
    const packed = recovery.moments[moment]?.views[view];
    if (packed !== undefined) readings[moment] = valueOf(decodeSnapshot(packed));
  }
  return readings;
};

const kept = (lab: Lab, moment: string): boolean =>
  lab
    .linesOf('snapshot')
    .some((line: LineOf<'snapshot'>) => line.moment === moment && line.view === 'hardware');

/** A fatal error of the simulated device, acked by policy, up to a moment that is kept. */
export const recordedFatal = async (
  profile: ProfileName,
  until: 'afterReset' | 'end',
  policy: Partial<Policy> = {},
): Promise<{ recovery: RecordedRecovery; readings: Readings }> => {
  const lab = new Lab({ profile });
  try {
    await lab.arm({ decision: 'ackWhenQuiesced', ...policy });
    await lab.hit(fatal);
    await lab.until(until, () => kept(lab, until));
    const recovery = recordedRecoveries(linesOfDevice(lab)).at(-1);
    if (recovery === undefined) throw new Error('Nothing was recorded.');
    return { recovery, readings: readingsOf(recovery) };
  } finally {
    await lab.close();
  }
};
