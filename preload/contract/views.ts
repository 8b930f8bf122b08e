import type { Fault, InjectorOffer } from '../../src-main/core/faults/fault.ts';
import type { JournalLine, RigHeader } from '../../src-main/core/journal/line.ts';
import type { Microseconds, Outcome, Phase, Protocol } from '../../src-main/core/recovery/phase.ts';
import type { Policy } from '../../src-main/core/recovery/policy.ts';
import type { Approval } from '../../src-main/core/recovery/event.ts';
import type { ResetKind } from '../../src-main/core/recovery/reports.ts';
import type { RecoveryState } from '../../src-main/core/recovery/state.ts';
import type { BenchError } from '../../src-main/core/result.ts';
import type { ZpciFunction } from '../../src-main/core/zpci/zpciFunction.ts';
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
  /** s390x only. */
  readonly zpci?: ZpciFunction;
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
  /**
   * `lost`: the machine cannot be heard, and the phase of each device is unknown until it can. `gone`: it has ended, and
   * nobody will ever know.
   */
  readonly link: 'up' | 'lost' | 'gone';
  readonly devices: readonly DeviceView[];
  readonly armed: readonly ArmedView[];
  /** Addresses that the bench holds open: what is disarmed stays so until it is closed. */
  readonly open: readonly string[];
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

/** A rig that is being opened, or that could not be. */
export interface OpeningView {
  /** The rig's, when it is open. */
  readonly id: string;
  /** `ssh`: a remote rig to which the bench brings its agent. */
  readonly kind: RigHeader['kind'] | 'ssh';
  readonly title: string;
  readonly state: 'opening' | 'cancelling' | 'failed';
  /** What has been done for it so far, the newest last; the oldest are left out. */
  readonly steps: readonly string[];
  /** What it waits for: a yes or no of the operator. */
  readonly question: string | null;
  readonly error: BenchError | null;
}

/** The architectures that a virtual rig can have. */
export const guestMachines = ['x86', 's390x'] as const;
export type GuestMachine = (typeof guestMachines)[number];

export interface VirtualOffer {
  readonly refusal: string | null;
  /** The first of each is the usual one. */
  readonly topologies: readonly { readonly name: string; readonly title: string }[];
  /** `toBuild`: the image is not there or too old, and is built before the guest boots. */
  readonly kernels: readonly { readonly name: string; readonly toBuild: boolean }[];
}

/** What can be added besides simulated rigs, as this machine is now. A refusal is a sentence, or null. */
export interface RigOffers {
  readonly virtual: Readonly<Record<GuestMachine, VirtualOffer>>;
  readonly local: { readonly refusal: string | null };
}

/** The token is good once and for ten minutes, for this command line of this viewer. */
export interface RigConfirmation {
  readonly token: string;
  readonly consequence: string;
}

/** A file that cannot be read as a scenario does not hide the others. */
export interface ScenarioCatalogue {
  readonly scenarios: readonly ScenarioSummary[];
  readonly unreadable: readonly { readonly name: string; readonly message: string }[];
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
  readonly openings: readonly OpeningView[];
  readonly operator: OperatorView;
  /** What simulated rigs there can be. */
  readonly profiles: readonly { readonly name: string; readonly title: string; readonly topology: string }[];
  readonly topologies: readonly string[];
  /** Whether the functions of real kernels are watched from the first opening of a device on. */
  readonly kernelWatched: boolean;
  readonly bench: string;
}

export const confirmedActions = [
  'inject',
  'acknowledge',
  'withdraw',
  'reset',
  'mark',
  'unbind',
  'platform',
] as const;
export type ConfirmedAction = (typeof confirmedActions)[number];

/**
 * What a card shows before it can be confirmed. The token is good once and for ten minutes, for this action of this
 * viewer on this device and in this recovery. `unbind` covers every change of the driver, to another one as well;
 * `platform` every action of the s390x platform.
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

/** From `at` on, until the next band or the end of the run. `phase` is null while the device is not armed. */
export interface PhaseBand {
  readonly at: Microseconds;
  readonly phase: Phase | null;
}

/** What became of one device in a run. The lists of a long run are shortened; the counts are those of the whole. */
export interface ReplayedDevice {
  readonly device: string;
  readonly trace: readonly Phase[];
  readonly traceLength: number;
  /** For drawing: in a long run one band stands for several, and has the gravest phase of them. */
  readonly bands: readonly PhaseBand[];
  readonly recoveries: readonly {
    readonly number: number;
    readonly openedAt: Microseconds;
    readonly concludedAt: Microseconds | null;
    readonly outcome: Outcome | null;
    readonly durations: Readonly<Record<string, Microseconds>>;
  }[];
  readonly recoveryCount: number;
}

/**
 * A run opened for replay: read-only. A long journal is answered for before it has been read to its end, and `reading`
 * says how far; ask again for the rest.
 */
export interface OpenedRun {
  readonly run: string;
  readonly rig: RigHeader | null;
  readonly scenario: string | null;
  readonly lines: number;
  readonly from: Microseconds;
  readonly to: Microseconds;
  /** Null when the whole journal has been read; else lines that are in what follows, and their share, below 1. */
  readonly reading: { readonly lines: number; readonly share: number } | null;
  /** Whether the run has an end line; null while that has not been read. */
  readonly ended: boolean | null;
  /** One sentence for each thing that is wrong with the file: the first hundred of `findingCount`. */
  readonly findings: readonly string[];
  readonly findingCount: number;
  /** Step lines that the core does not agree with, and a sentence for each of the first hundred. */
  readonly divergences: number;
  readonly diverged: readonly string[];
  readonly devices: readonly ReplayedDevice[];
}

/** A run as it was at one moment: the fold of all lines that had been written by then. */
export interface RunMoment {
  readonly run: string;
  readonly at: Microseconds;
  /** How many lines had been written; the next one has this index for `runLines`. */
  readonly lines: number;
  readonly devices: readonly {
    readonly device: string;
    /** Null when it was not armed any more. */
    readonly phase: Phase | null;
    readonly recovery: number | null;
    readonly outcome: Outcome | null;
  }[];
  /** The recovery of the asked device that was open then, or its last one; null when it had none. */
  readonly story: {
    readonly device: string;
    readonly state: RecoveryState;
    /** Its lines, and those of its arming and its fault when they are near. */
    readonly lines: readonly JournalLine[];
    /** Whether lines are left out because the recovery has too many, or they are too far away. */
    readonly cut: boolean;
  } | null;
}

export interface ExportedRun {
  /** A file name to suggest. */
  readonly name: string;
  readonly mediaType: string;
  readonly text: string;
}

export type { Approval, Explanation, Fault, InjectorOffer, JournalLine, Policy };
