import { missingCase } from '../exhaustive.ts';
import type { JournalLine, LineOf } from '../journal/line.ts';
import type { Microseconds } from '../recovery/phase.ts';
import type { DeviceAction } from '../recovery/reports.ts';
import { describedKernelOf } from './describedKernel.ts';
import type { RestoreEvent, RestoreHistory, WritePurpose } from './history.ts';
import { momentOf } from './moments.ts';
import type { Unpack } from './recordedHistory.ts';
import type { RecordedRecovery } from './recordings.ts';

const eventOf = (action: DeviceAction, at: Microseconds, purpose: WritePurpose): RestoreEvent => {
  switch (action.kind) {
    case 'write': {
      const { offset, width, value } = action;
      return { at, kind: 'ownWrite', offset, width, value, purpose };
    }
    case 'deviceReset':
      return { at, kind: 'deviceReset', reach: 'function' };
    case 'msix':
      return { at, kind: 'kernelFeature', feature: 'msix', change: action.change };
    default:
      return missingCase(action);
  }
};

interface Doings {
  readonly did?: readonly DeviceAction[];
}

const doingsOf = (
  report: Doings | undefined | null,
  at: Microseconds,
  purpose: WritePurpose,
): RestoreEvent[] => (report?.did ?? []).map((action) => eventOf(action, at, purpose));

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** The `did` of a report that a line holds without a schema of its own; anything else did nothing. */
const reportIn = (detail: unknown): Doings | null =>
  isObject(detail) && Array.isArray(detail['did']) ? (detail as Doings) : null;

const resetEvent = (at: Microseconds, kind: unknown): RestoreEvent[] => {
  if (kind === 'device') return [{ at, kind: 'deviceReset', reach: 'function' }];
  return kind === 'hot' ? [{ at, kind: 'deviceReset', reach: 'slot' }] : [];
};

/** Opening, and what was asked for outside a recovery: the report is the detail, or in it. */
const operationEvents = ({ at, operation, result, detail }: LineOf<'operation'>): RestoreEvent[] => {
  if (result !== 'done') return [];
  const report = isObject(detail) ? detail['report'] : undefined;
  switch (operation) {
    case 'open':
      return doingsOf(reportIn(detail), at, 'reinitialise');
    case 'quiesce':
      return doingsOf(reportIn(report), at, 'quiesce');
    case 'reinitialise':
      return doingsOf(reportIn(report), at, 'reinitialise');
    case 'reset':
      return resetEvent(at, isObject(report) ? report['kind'] : undefined);
    default:
      return [];
  }
};

const stepEvents = ({ at, event }: LineOf<'step'>): RestoreEvent[] => {
  switch (event.kind) {
    case 'quiesceFinished':
      return doingsOf(event.report, at, 'quiesce');
    case 'answered':
      return doingsOf(event.answered.quiesce, at, 'quiesce');
    case 'signal':
      return doingsOf(event.answered?.quiesce, at, 'quiesce');
    case 'reinitialiseFinished':
      return doingsOf(event.report, at, 'reinitialise');
    case 'resetFinished':
      return event.result.ok ? resetEvent(at, event.result.value.kind) : [];
    default:
      return [];
  }
};

/** Where the part of a run begins that one recovery builds upon: the device's last opening before it. */
const openingBefore = (lines: readonly JournalLine[], seq: number): number => {
  const first = lines.findLastIndex(
    (line) => line.seq <= seq && line.type === 'snapshot' && line.moment === 'open',
  );
  if (first > 0) {
    const before = lines[first - 1];
    // The other view of the same opening.
    if (before?.type === 'snapshot' && before.moment === 'open') return first - 1;
  }
  return Math.max(0, first);
};

export interface RunOfDevice {
  /** All lines of one device, in their order. */
  readonly lines: readonly JournalLine[];
  /** As `uname -r` says it. */
  readonly kernel: string;
  readonly architecture: string;
}

const platformOf = (architecture: string): RestoreHistory['platform'] => {
  if (architecture === 's390x') return 'zpci';
  return architecture.startsWith('ppc64') ? 'eeh' : 'aer';
};

/**
 * What happened to a device from its opening to the end of one recovery, as the journal kept it: readings, the bench's
 * own writes and resets, and that the kernel may have reset the device before event 2. Null where the kernel is no
 * Linux of which a version is known. A reading that cannot be unpacked is one that could not be read.
 */
export const historyOf = (
  { lines, kernel, architecture }: RunOfDevice,
  recovery: RecordedRecovery,
  unpack: Unpack,
): RestoreHistory | null => {
  const described = describedKernelOf(kernel);
  if (described === null) return null;
  const events: RestoreEvent[] = [];
  let opened = false;
  /** Recoveries whose reset has been told; counted anew with each arming. */
  let reset = new Set<number>();
  for (const line of lines.slice(openingBefore(lines, recovery.seq))) {
    const later = line.seq > recovery.seq;
    if (later && line.type === 'armed') break;
    if (line.type === 'armed') reset = new Set();
    const others = 'recovery' in line && line.recovery !== null && line.recovery !== recovery.number;
    if (later && others) break;
    if (line.type === 'operation') events.push(...operationEvents(line));
    if (line.type === 'step') events.push(...stepEvents(line));
    if (line.type !== 'snapshot') continue;
    const { at, moment, view, bytes, recovery: number } = line;
    const kind = momentOf(moment)?.kind;
    if (kind === 'open' && !opened) {
      opened = true;
      events.push({ at, kind: 'opened' });
    }
    const isAfter = kind === 'afterReset' || kind === 'end';
    if (isAfter && number !== null && !reset.has(number)) {
      reset.add(number);
      events.push({ at, kind: 'recoveryReset', proof: 'possible' });
    }
    events.push({ at, kind: 'reading', moment, view, config: unpack(bytes) });
  }
  return {
    kernel: described.version,
    platform: platformOf(architecture),
    protocol: recovery.protocol,
    policy: 'unknown',
    events,
  };
};
