import type { RunView } from '../../../preload/contract/views.ts';
import { missingCase } from '../../../src-main/core/exhaustive.ts';
import type { JournalLine } from '../../../src-main/core/journal/line.ts';
import type { Microseconds, Phase } from '../../../src-main/core/recovery/phase.ts';
import { rowsOf, type TimelineRow } from '../../../src-main/core/timeline/rows.ts';

/** When a run was begun, from its name: `2026-11-21T02-31-07Z-5f0a`. The name itself where it says nothing. */
export const begunOf = (run: string): string => {
  const [, date, hours, minutes, seconds] = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)Z/.exec(run) ?? [];
  return date === undefined ? run : `${date} ${hours}:${minutes}:${seconds}`;
};

export const sizeWords = (bytes: number): string => {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
};

export const statusWords: Readonly<Record<RunView['status'], string>> = {
  ended: 'ended',
  recording: 'recording',
  interrupted: 'interrupted',
  unreadable: 'unreadable',
};

/** `12.345678 s` since the run began: whole microseconds, so that the label names the moment exactly. */
export const momentWords = (at: Microseconds, from: Microseconds): string =>
  `${((at - from) / 1_000_000).toFixed(6)} s`;

/** `1,024`: thin spaces are no help in a column of numbers. */
export const count = (value: number): string => value.toLocaleString('en');

export type BandTone = 'idle' | 'open' | 'waiting' | 'good' | 'bad';

/** How a phase looks in a band: its height and its colour. */
export const bandTone = (phase: Phase): BandTone => {
  switch (phase) {
    case 'armed':
      return 'idle';
    case 'errorDetected':
    case 'quiescing':
    case 'resetting':
    case 'slotReset':
    case 'reinitialising':
      return 'open';
    case 'awaitingAck':
      return 'waiting';
    case 'recovered':
      return 'good';
    case 'failed':
    case 'timedOut':
    case 'withdrawn':
    case 'deviceLost':
      return 'bad';
    default:
      return missingCase(phase);
  }
};

export const tagClass: Readonly<Record<BandTone, string>> = {
  idle: '',
  open: 'accent',
  waiting: 'wait',
  good: 'good',
  bad: 'fatal',
};

/** What one line says, in a few words. */
export const lineWords = (
  line: JournalLine,
): { readonly text: string; readonly tone: TimelineRow['tone'] } => {
  const [row] = rowsOf(line, null);
  if (row !== undefined) return row;
  const quiet = (text: string): { text: string; tone: 'quiet' } => ({ text, tone: 'quiet' });
  switch (line.type) {
    case 'run':
      return quiet(`run on ${line.rig.title}`);
    case 'end':
      return quiet(`end: ${line.outcome}`);
    case 'approval':
      return quiet(`${line.action} approved by ${line.approval.operator}: ${line.approval.reason}`);
    case 'uevent':
      return quiet(`uevent ${line.uevent}`);
    case 'snapshot':
      return quiet(`snapshot ${line.moment}, ${line.view} view`);
    case 'scenario':
      return quiet(`step ${line.step} ${line.result}: ${line.text}`);
    case 'fault':
      return quiet('fault: receipt');
    case 'armed':
    case 'disarmed':
    case 'step':
    case 'handDown':
    case 'refusal':
    case 'operation':
    case 'kernelLog':
    case 'kernelTrace':
    case 'unreadable':
      return quiet(line.type);
    default:
      return missingCase(line);
  }
};
