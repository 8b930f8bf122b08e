import type { JournalLine } from '../../../src-main/core/journal/line.ts';
import type { Microseconds } from '../../../src-main/core/recovery/phase.ts';
import type { ErrorRecord, Severity } from '../../../src-main/core/recovery/reports.ts';

/** What one look at the device found: the registers or the queue, at one moment of the run. */
export interface ErrorFinding {
  readonly seq: number;
  readonly at: Microseconds;
  readonly recovery: number | null;
  readonly severity: Severity;
  /** Empty: there was a signal, and nothing was found behind it. */
  readonly errors: readonly ErrorRecord[];
  /** Why the look failed, or null. */
  readonly failed: string | null;
}

const findingOf = (line: JournalLine): ErrorFinding | null => {
  if (line.type !== 'step') return null;
  const { seq, at, event, recovery } = line;
  const common = { seq, at, recovery };
  if (event.kind !== 'inspected' && event.kind !== 'drained' && event.kind !== 'eehFinished') return null;
  if (!event.result.ok) {
    if (event.kind === 'eehFinished' && event.operation !== 'readLog') return null;
    const { errno, code, message } = event.result.error;
    return { ...common, severity: 'unknown', errors: [], failed: `${errno?.name ?? code}: ${message}` };
  }
  if (event.kind === 'inspected') {
    const { severity, errors } = event.result.value;
    // s390x and POWER have no AER registers to look at; their finding comes by another way.
    return severity === 'unknown' && errors.length === 0
      ? null
      : { ...common, severity, errors, failed: null };
  }
  if (event.kind === 'drained') {
    return { ...common, severity: 'unknown', errors: event.result.value, failed: null };
  }
  const { log } = event.result.value;
  if (log === undefined) return null;
  return { ...common, severity: 'unknown', errors: [{ source: 'eeh', text: log }], failed: null };
};

/** Every look of the run at this device's errors, newest first. */
export const errorHistory = (lines: readonly JournalLine[]): readonly ErrorFinding[] =>
  lines.flatMap((line) => findingOf(line) ?? []).toReversed();

export type CcdfRecord = Extract<ErrorRecord, { source: 'ccdf' }>;

export interface DrainedRecord {
  readonly at: Microseconds;
  readonly key: string;
  readonly record: CcdfRecord;
  /** Which it was of those that were in the queue together, from 1, the oldest. */
  readonly place: number;
  readonly together: number;
}

/** So many the kernel keeps of an open function: "Maximum number (4) of pending error events queued" (pci_event.c). */
export const queueLength = 4;

/** The records that were drained, each with its moment: the newest queue first, and in it the oldest record. */
export const drainedRecords = (history: readonly ErrorFinding[]): readonly DrainedRecord[] =>
  history.flatMap(({ at, seq, errors }) =>
    errors
      .filter((record): record is CcdfRecord => record.source === 'ccdf')
      .map((record, index, { length }) => ({
        ...{ at, key: `${seq} ${index}`, record },
        ...{ place: index + 1, together: length },
      })),
  );

export const severityWords: Readonly<Record<Severity, string>> = {
  correctable: 'correctable',
  nonFatal: 'non-fatal',
  fatal: 'fatal',
  unknown: 'unknown',
};
export const severityTones: Readonly<Record<Severity, string>> = {
  correctable: 'accent',
  nonFatal: 'warn',
  fatal: 'fatal',
  unknown: '',
};
/** A shape beside each colour. */
export const severitySigns: Readonly<Record<Severity, string>> = {
  correctable: '●',
  nonFatal: '▲',
  fatal: '◆',
  unknown: '?',
};

export const nameOfRecord = (record: ErrorRecord): string => {
  switch (record.source) {
    case 'aer':
      return `${record.name}${record.first ? ' (first)' : ''}`;
    case 'ccdf':
      return `PEC 0x${record.pec.toString(16)} ${record.pecName}`;
    case 'eeh':
      return 'EEH log';
  }
};
