import type { Fault, InjectorOffer } from '../../src-main/core/faults/fault.ts';
import type { JournalLine, RigHeader } from '../../src-main/core/journal/line.ts';
import type { Microseconds, Outcome, Phase, Protocol } from '../../src-main/core/recovery/phase.ts';
import type { Policy } from '../../src-main/core/recovery/policy.ts';
import type { Approval } from '../../src-main/core/recovery/event.ts';
import type { ResetKind } from '../../src-main/core/recovery/reports.ts';
import type { RecoveryState } from '../../src-main/core/recovery/state.ts';
import type { Explanation } from '../../src-main/core/explain/explanation.ts';

/** A device as lists and trees show it. Addresses come from the rig; the page never makes one up. */
export interface DeviceView {
  readonly address: string;
  readonly name: string;
  readonly kind: 'endpoint' | 'bridge';
  readonly className: string;
  readonly vendorId: number;
  readonly deviceId: number;
  readonly parent: string | null;
  readonly driver: string | null;
  readonly iommuGroup: number | null;
  readonly protocols: readonly Protocol[];
  readonly aerCounters: {
    readonly correctable: number;
    readonly nonFatal: number;
    readonly fatal: number;
  } | null;
  readonly zpci?: { readonly uid: number; readonly fid: number };
}

/** An armed device, or one that was: the last state of its recovery. */
export interface ArmedView {
  readonly device: string;
  readonly state: RecoveryState;
  readonly sharers: readonly string[];
  readonly resetKinds: readonly ResetKind[];
}

export interface RigView {
  readonly id: string;
  readonly rig: RigHeader;
  /** Why it cannot be used, or null. */
  readonly trouble: string | null;
  readonly devices: readonly DeviceView[];
  readonly armed: readonly ArmedView[];
  /** The rig's clock when this was made, and how many of its seconds pass in a real one. */
  readonly now: Microseconds;
  readonly pace: number;
  /** The run being recorded; null when nothing is. */
  readonly run: string | null;
  /** The newest lines of the run, oldest first; `lines` gives the ones before. */
  readonly recent: readonly JournalLine[];
  /** The lowest number of a line that `lines` can give; a line comes before `recent` when its first is above this. */
  readonly firstSeq: number;
  readonly scenario: ScenarioProgress | null;
}

export interface ScenarioSummary {
  readonly name: string;
  readonly title: string;
  readonly seed: number;
  readonly story: string;
  readonly protocol: Protocol;
  readonly profiles: readonly string[];
  readonly topology: string;
  readonly device: string;
  /** Each step as it is written. */
  readonly steps: readonly string[];
}

export interface ScenarioProgress {
  readonly scenario: ScenarioSummary;
  /** How many steps have been played. */
  readonly played: number;
  readonly running: boolean;
  readonly failed: { readonly step: number; readonly detail: string } | null;
  readonly ended: boolean;
}

/** Who drives: with several viewers one at a time, handed over explicitly. */
export interface OperatorView {
  readonly you: string;
  readonly holder: string | null;
  /** A viewer who asks to take over. */
  readonly asking: string | null;
  /** Everybody who looks, in the order they came; each name is there once. */
  readonly viewers: readonly string[];
}

export interface ConsoleSnapshot {
  /** The number of the last delta that is in this snapshot. */
  readonly number: number;
  readonly rigs: readonly RigView[];
  readonly operator: OperatorView;
  /** What can be added: simulated profiles and topologies. */
  readonly profiles: readonly { readonly name: string; readonly title: string; readonly topology: string }[];
  readonly topologies: readonly string[];
  readonly bench: string;
}

export const confirmedActions = ['inject', 'acknowledge', 'withdraw', 'reset', 'unbind'] as const;
export type ConfirmedAction = (typeof confirmedActions)[number];

/**
 * What a card shows before it can be confirmed. The token is good once and for ten minutes, for this action of this
 * viewer on this device and in this recovery. `unbind` covers every change of the driver, to another one as well.
 */
export interface ConfirmationView {
  readonly token: string;
  readonly action: ConfirmedAction;
  readonly device: string;
  readonly recovery: number | null;
  readonly consequence: string;
  readonly known: Readonly<Record<string, unknown>>;
  /** Why it would be refused now, or null. */
  readonly refusal: string | null;
}

export interface ConfigView {
  readonly device: string;
  readonly view: 'vfio' | 'hardware';
  /** Base64. */
  readonly bytes: string;
}

export interface RunView {
  readonly run: string;
  readonly bytes: number;
  readonly lines: number | null;
  readonly status: 'ended' | 'recording' | 'interrupted' | 'unreadable';
  readonly outcome: string | null;
  readonly rig: string | null;
  readonly scenario: string | null;
}

/** A run opened for replay: read-only. */
export interface OpenedRun {
  readonly run: string;
  readonly rig: RigHeader | null;
  readonly scenario: string | null;
  readonly lines: number;
  readonly from: Microseconds;
  readonly to: Microseconds;
  /** One sentence for each thing that is wrong with the file. */
  readonly findings: readonly string[];
  readonly divergences: number;
  readonly devices: readonly {
    readonly device: string;
    readonly trace: readonly Phase[];
    readonly recoveries: readonly {
      readonly number: number;
      readonly openedAt: Microseconds;
      readonly concludedAt: Microseconds | null;
      readonly outcome: Outcome | null;
      readonly durations: Readonly<Record<string, Microseconds>>;
    }[];
  }[];
}

export interface ExportedRun {
  /** A file name to suggest. */
  readonly name: string;
  readonly mediaType: string;
  readonly text: string;
}

export type { Approval, Explanation, Fault, InjectorOffer, JournalLine, Policy };
