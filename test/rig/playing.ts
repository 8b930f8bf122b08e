import { Recorder } from '../../src-main/coordinator/recorder.ts';
import type { PciAddress } from '../../src-main/core/pci/address.ts';
import type { JournalLine } from '../../src-main/core/journal/line.ts';
import { concerns } from '../../src-main/core/restore/historyLines.ts';
import { recordedRecoveries } from '../../src-main/core/restore/recordings.ts';
import { decodeSnapshot } from '../../src-main/journal/snapshot.ts';
import type { Rig, RigInfo } from '../../src-main/rigs/rig.ts';
import { auditOf } from '../../src-main/scenarios/audit.ts';
import type { Scenario } from '../../src-main/scenarios/load.ts';
import { ScenarioPlayer, type ScenarioResult } from '../../src-main/scenarios/player.ts';
import type { RigTricks } from '../../src-main/scenarios/tricks.ts';

export interface Playing {
  readonly result: ScenarioResult;
  /**
   * Config spaces as they were read at the moments of the play: `0000:01:00.0 afterReset hardware`; the third of a kind
   * has a 3 behind it.
   */
  readonly readings: ReadonlyMap<string, Uint8Array>;
  /** What the audit finds in each recovery of each device: `0000:01:00.0, recovery 2: busMasterOff passed`. */
  readonly hazards: readonly string[];
  /** All that was recorded. */
  readonly lines: readonly JournalLine[];
}

const views = ['vfio', 'hardware'] as const;

/** Read while the kernel went on, so that either may have come first. */
const isRaced = (line: JournalLine, waitedFor: ReadonlySet<string>): boolean =>
  line.type === 'snapshot' && line.moment === 'duringWait' && !waitedFor.has(line.device);

const hazardsIn = (lines: readonly JournalLine[], info: RigInfo): readonly string[] => {
  const devices = new Set(lines.flatMap((line) => (line.type === 'armed' ? [line.device] : [])));
  return [...devices].flatMap((device) => {
    const own = lines.filter((line) => concerns(line, device));
    return recordedRecoveries(own).flatMap((recovery, index) =>
      (auditOf(own, recovery, info)?.hazards ?? []).map(
        ({ kind, state }) => `${device}, recovery ${index + 1}: ${kind} ${state}`,
      ),
    );
  });
};

/** Plays a scenario to its end, and leaves the rig with nothing open. */
export const playOn = async (scenario: Scenario, rig: Rig, tricks: RigTricks): Promise<Playing> => {
  const recorder = new Recorder(rig.clock, null);
  const readings = new Map<string, Uint8Array>();
  const counts = new Map<string, number>();
  const keep = (kind: string, bytes: Uint8Array): void => {
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    readings.set(count === 1 ? kind : `${kind} ${count}`, bytes);
  };
  // With index 3 the kernel goes on while the bench reads.
  const waitedFor = new Set<string>();
  const settled: JournalLine[] = [];
  const lines: JournalLine[] = [];
  recorder.watch((line) => {
    lines.push(line);
    if (!isRaced(line, waitedFor)) settled.push(line);
    if (line.type === 'armed') {
      if (line.arming.protocol === 'notify') waitedFor.add(line.device);
      else waitedFor.delete(line.device);
    }
    if (line.type !== 'snapshot' || isRaced(line, waitedFor)) return;
    const bytes = decodeSnapshot(line.bytes);
    if (bytes.ok) keep(`${line.device} ${line.moment} ${line.view}`, bytes.value);
  });
  const player = new ScenarioPlayer(scenario, rig, recorder, tricks);
  try {
    const result = await player.play();
    for (const address of Object.keys(result.devices) as PciAddress[]) {
      const session = player.coordinator.session(address);
      if (session === null) continue;
      for (const view of views) {
        const config = await session.readConfig(view);
        if (config.ok) keep(`${address} atTheEnd ${view}`, config.value);
      }
      await session.close();
    }
    return { result, readings, hazards: hazardsIn(settled, rig.info), lines };
  } finally {
    player.dispose();
  }
};
