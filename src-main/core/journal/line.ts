import type { RecoveryEffect } from '../recovery/effect.ts';
import type { Automatic } from '../recovery/automatic.ts';
import type { TraceTold } from '../kernelTrace/told.ts';
import type { Approval, RecoveryEvent } from '../recovery/event.ts';
import type { Microseconds, Phase } from '../recovery/phase.ts';
import type { Arming } from '../recovery/policy.ts';
import type { Reason } from '../recovery/reasons.ts';
import type { BenchError } from '../result.ts';

/** The format of this journal. A reader that meets another number says so and interprets nothing. */
export const journalSchema = 1;

/** Longer lines are not written, and a reader skips them without keeping them in memory. In bytes, newline included. */
export const longestLine = 1 << 20;

/** Which process writes a journal, so that a repair never cuts a line that is still being written. */
export interface WriterIdentity {
  readonly pid: number;
  /** Tells a process from a later one with the same pid; null where the platform does not say. */
  readonly started: string | null;
}

export interface RigHeader {
  readonly kind: 'simulated' | 'local' | 'remote' | 'virtual';
  readonly name: string;
  readonly title: string;
  /** As `uname -r` says it. */
  readonly kernel: string;
  /** As `uname -m` says it. */
  readonly architecture: string;
}

/** The first line of every journal. */
export interface RunBody {
  readonly type: 'run';
  readonly schema: typeof journalSchema;
  /** The name of the file without `.jsonl`. */
  readonly run: string;
  /** Version of the bench that wrote it. */
  readonly bench: string;
  readonly rig: RigHeader;
  readonly scenario?: string;
  readonly seed?: number;
  readonly writer: WriterIdentity;
}

/** Starts the fold of this device anew, with `armedState(arming)`. */
export interface ArmedBody {
  readonly type: 'armed';
  readonly device: string;
  readonly arming: Arming;
}

export interface DisarmedBody {
  readonly type: 'disarmed';
  readonly device: string;
  readonly because: string;
}

/**
 * What whoever waits for the device's signals may do by itself from here on; null takes it back. A signal uses it up. It
 * changes no state: what comes of it is in the steps.
 */
export interface HandDownBody {
  readonly type: 'handDown';
  readonly device: string;
  readonly automatic: Automatic | null;
}

/** One event that changed something, what it led to, and the effects that this line announces. */
export interface StepBody {
  readonly type: 'step';
  readonly device: string;
  readonly event: RecoveryEvent;
  readonly reason: Reason;
  /** The phase after the event. */
  readonly phase: Phase;
  /** The recovery after the event; null while none was ever opened in this arming. */
  readonly recovery: number | null;
  readonly effects: readonly RecoveryEffect[];
}

/** A wish that the state did not allow. Nothing was done. */
export interface RefusalBody {
  readonly type: 'refusal';
  readonly device: string;
  readonly wish: string;
  readonly error: BenchError;
}

/** Something that was done to a device outside the steps of a recovery. */
export interface OperationBody {
  readonly type: 'operation';
  readonly device: string;
  readonly operation: string;
  readonly result: 'done' | BenchError;
  readonly detail?: unknown;
}

export const approvalActions = ['acknowledge', 'withdraw', 'reset'] as const;
export type ApprovalAction = (typeof approvalActions)[number];

/** The audit line: who approved what, why, and what the console showed at that moment. */
export interface ApprovalBody {
  readonly type: 'approval';
  readonly device: string;
  readonly recovery: number;
  readonly action: ApprovalAction;
  readonly approval: Approval;
  readonly known: Readonly<Record<string, unknown>>;
}

export interface FaultBody {
  readonly type: 'fault';
  readonly device: string;
  readonly request: unknown;
  readonly receipt: unknown;
}

export interface UeventBody {
  readonly type: 'uevent';
  readonly device: string;
  readonly uevent: string;
}

export interface KernelLogBody {
  readonly type: 'kernelLog';
  readonly device: string | null;
  readonly text: string;
}

/** What the kernel itself was seen to do, where it is traced. */
export interface KernelTraceBody {
  readonly type: 'kernelTrace';
  /** Whose recovery it belongs to; null when that is not known, or it concerns the whole machine. */
  readonly device: string | null;
  /** When the kernel did it, on the rig's monotonic clock; the line is written a little later. */
  readonly happened: Microseconds;
  /** Whom the function was called for: the device, or a port above it. */
  readonly subject: string | null;
  readonly told: TraceTold;
}

export const snapshotViews = ['vfio', 'hardware'] as const;
export type SnapshotView = (typeof snapshotViews)[number];

export interface SnapshotBody {
  readonly type: 'snapshot';
  readonly device: string;
  readonly recovery: number | null;
  /** As `momentText` of core/restore names it. */
  readonly moment: string;
  /** When it was read, on the rig's monotonic clock; absent: right before the line was written. */
  readonly taken?: Microseconds;
  readonly view: SnapshotView;
  /** `encodeSnapshot` of the config space. */
  readonly bytes: string;
}

/** A view of the config space that was to be kept at a moment and could not be read; `moment` and `taken` as in a snapshot. */
export interface UnreadableBody {
  readonly type: 'unreadable';
  readonly device: string;
  readonly recovery: number | null;
  readonly moment: string;
  readonly taken?: Microseconds;
  readonly view: SnapshotView;
  readonly error: BenchError;
}

export const scenarioResults = ['started', 'passed', 'failed'] as const;
export type ScenarioResult = (typeof scenarioResults)[number];

export interface ScenarioBody {
  readonly type: 'scenario';
  readonly step: number;
  readonly text: string;
  readonly result: ScenarioResult;
  readonly detail?: string;
}

/** The last line of a run that was ended in good order. */
export interface EndBody {
  readonly type: 'end';
  readonly outcome: string;
}

/** What one line says. */
export type JournalBody =
  | RunBody
  | ArmedBody
  | DisarmedBody
  | HandDownBody
  | StepBody
  | RefusalBody
  | OperationBody
  | ApprovalBody
  | FaultBody
  | UeventBody
  | KernelLogBody
  | KernelTraceBody
  | SnapshotBody
  | UnreadableBody
  | ScenarioBody
  | EndBody;

export type JournalLineType = JournalBody['type'];

export interface Envelope {
  /** From 1, without gaps. */
  readonly seq: number;
  /** When the line was written, on the rig's monotonic clock. */
  readonly at: Microseconds;
  /** When the line was written, on the wall clock: ISO 8601, UTC, with milliseconds. */
  readonly wall: string;
}

export type JournalLine = Envelope & JournalBody;
export type LineOf<Type extends JournalLineType> = Extract<JournalLine, { type: Type }>;
