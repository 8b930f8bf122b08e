import type { OpenedRun, ReplayedDevice } from '../../../preload/contract/views.ts';
import {
  openPhases,
  type Microseconds,
  type OpenPhase,
  type Phase,
} from '../../../src-main/core/recovery/phase.ts';

export interface PhasePair {
  readonly left: Phase | null;
  readonly right: Phase | null;
}

export interface DurationPair {
  readonly phase: OpenPhase | 'all';
  readonly left: Microseconds | null;
  readonly right: Microseconds | null;
  /** Right less left; null where one of them is missing. */
  readonly difference: Microseconds | null;
}

export interface RecoveryPair {
  /** From 1, over the whole run: numbers within an arming start anew. */
  readonly ordinal: number;
  readonly left: string | null;
  readonly right: string | null;
  readonly durations: readonly DurationPair[];
}

export interface DeviceComparison {
  readonly device: string;
  readonly in: 'both' | 'left' | 'right';
  readonly trace: readonly PhasePair[];
  /** Index of the first pair that is not the same; null when all are. */
  readonly differsAt: number | null;
  readonly recoveries: readonly RecoveryPair[];
}

export interface Comparison {
  readonly devices: readonly DeviceComparison[];
  /** One sentence. */
  readonly verdict: string;
  readonly same: boolean;
}

type Recovery = ReplayedDevice['recoveries'][number];

const difference = (left: Microseconds | null, right: Microseconds | null): Microseconds | null =>
  left === null || right === null ? null : right - left;

const whole = (recovery: Recovery | undefined): Microseconds | null =>
  recovery === undefined || recovery.concludedAt === null ? null : recovery.concludedAt - recovery.openedAt;

const durationsOf = (left: Recovery | undefined, right: Recovery | undefined): readonly DurationPair[] => {
  const of = (recovery: Recovery | undefined, phase: OpenPhase): Microseconds | null =>
    recovery?.durations[phase] ?? null;
  const pairs = openPhases
    .map((phase) => ({ phase, left: of(left, phase), right: of(right, phase) }))
    .filter((pair) => pair.left !== null || pair.right !== null);
  const all = { phase: 'all' as const, left: whole(left), right: whole(right) };
  return [...pairs, all].map((pair) => ({ ...pair, difference: difference(pair.left, pair.right) }));
};

const outcomeOf = (recovery: Recovery | undefined): string | null =>
  recovery === undefined ? null : (recovery.outcome ?? 'open');

const compareDevice = (
  device: string,
  left: ReplayedDevice | undefined,
  right: ReplayedDevice | undefined,
): DeviceComparison => {
  const length = Math.max(left?.trace.length ?? 0, right?.trace.length ?? 0);
  const trace = Array.from({ length }, (_, index) => ({
    left: left?.trace[index] ?? null,
    right: right?.trace[index] ?? null,
  }));
  const differs = trace.findIndex((pair) => pair.left !== pair.right);
  const most = Math.max(left?.recoveries.length ?? 0, right?.recoveries.length ?? 0);
  return {
    device,
    in: left === undefined ? 'right' : right === undefined ? 'left' : 'both',
    trace,
    differsAt: differs === -1 ? null : differs,
    recoveries: Array.from({ length: most }, (_, index) => ({
      ordinal: index + 1,
      left: outcomeOf(left?.recoveries[index]),
      right: outcomeOf(right?.recoveries[index]),
      durations: durationsOf(left?.recoveries[index], right?.recoveries[index]),
    })),
  };
};

/** Recoveries that were opened up to this place of a trace. */
const recoveriesUntil = (trace: readonly PhasePair[], index: number): number =>
  trace.slice(0, index + 1).filter(({ left, right }) => (left ?? right) === 'errorDetected').length;

const phaseWord = (phase: Phase | null): string => phase ?? 'nothing more';

const verdictOf = (devices: readonly DeviceComparison[], cut: boolean): string => {
  const alone = devices.find((one) => one.in !== 'both');
  const differing = devices.find((one) => one.in === 'both' && one.differsAt !== null);
  if (differing !== undefined && differing.differsAt !== null) {
    const pair = differing.trace[differing.differsAt];
    const recovery = recoveriesUntil(differing.trace, differing.differsAt);
    const where = recovery === 0 ? 'before its first recovery' : `in recovery ${recovery}`;
    return `${differing.device} goes another way ${where}: ${phaseWord(pair?.left ?? null)} on the left, ${phaseWord(pair?.right ?? null)} on the right.`;
  }
  if (alone !== undefined) return `${alone.device} was armed in the ${alone.in} run only.`;
  if (devices.length === 0) return 'No device was armed in either run.';
  const far = cut ? ' as far as they are compared' : '';
  return `Every device goes through the same phases in both runs${far}; only the durations differ.`;
};

/** Two runs side by side: the phases of each device in order, and how long each took. */
export const compareRuns = (left: OpenedRun, right: OpenedRun): Comparison => {
  const addresses = [...new Set([...left.devices, ...right.devices].map(({ device }) => device))];
  const of = (run: OpenedRun, device: string): ReplayedDevice | undefined =>
    run.devices.find((one) => one.device === device);
  const devices = addresses.map((device) => compareDevice(device, of(left, device), of(right, device)));
  const cut = [...left.devices, ...right.devices].some((one) => one.traceLength > one.trace.length);
  const same = devices.every((one) => one.in === 'both' && one.differsAt === null);
  return { devices, same, verdict: verdictOf(devices, cut) };
};
