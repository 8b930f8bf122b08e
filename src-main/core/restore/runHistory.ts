import { missingCase } from '../exhaustive.ts';
import type { JournalLine, LineOf } from '../journal/line.ts';
import type { Microseconds } from '../recovery/phase.ts';
import type { DeviceAction, QuiesceReport, ReinitialiseReport } from '../recovery/reports.ts';
import { describedKernelOf } from './describedKernel.ts';
import { restorePolicies } from './history.ts';
import type { RestoreEvent, RestoreHistory, RestorePolicy, WritePurpose } from './history.ts';
import { historyLines } from './historyLines.ts';
import { KernelResets } from './kernelResets.ts';
import { momentOf } from './moments.ts';
import type { ReadBytes } from './readability.ts';
import type { RecordedRecovery } from './recordings.ts';
import { tracedEvents, traceSightOf } from './runTrace.ts';
import { withStepDoings } from './stepDoings.ts';

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
  readonly actions?: QuiesceReport['actions'];
  readonly steps?: ReinitialiseReport['steps'];
}

/** Journals of before do not say what was written, but that MSI-X was switched off through SET_IRQS. */
const actionsOf = ({ did, actions, steps }: Doings): readonly DeviceAction[] => {
  if (did !== undefined) return did;
  if (steps !== undefined) return steps.flatMap((step) => step.did ?? []);
  const off = actions?.some(({ action, result }) => action === 'msixOff' && result === 'done') === true;
  return off ? [{ kind: 'msix', change: 'disabled' }] : [];
};

const unmaps = ({ actions }: Doings): boolean =>
  actions?.some(({ action, result }) => action === 'barsUnmapped' && result === 'done') === true;

const doingsOf = (
  report: Doings | undefined | null,
  at: Microseconds,
  purpose: WritePurpose,
): RestoreEvent[] =>
  report === undefined || report === null
    ? []
    : [
        ...(unmaps(report) ? [{ at, kind: 'mapping', change: 'unmapped' } as const] : []),
        ...actionsOf(report).map((action) => eventOf(action, at, purpose)),
      ];

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** A report that a line holds without a schema of its own; anything else did nothing. */
const reportIn = (detail: unknown): Doings | null =>
  isObject(detail) && ['did', 'actions', 'steps'].some((member) => Array.isArray(detail[member]))
    ? (detail as Doings)
    : null;

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
    case 'writeRegister':
      return doingsOf(reportIn(report), at, 'program');
    case 'mapBar':
      return [{ at, kind: 'mapping', change: 'mapped' }];
    case 'mark':
    case 'unmark':
      return doingsOf(reportIn(report), at, 'marking');
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
    case 'resetFinished':
      return event.result.ok ? resetEvent(at, event.result.value.kind) : [];
    default:
      return [];
  }
};

/** The events so far, with what reinitialising did since `from` among them. */
const withReinitialising = (
  events: readonly RestoreEvent[],
  from: number,
  { steps, did = [] }: ReinitialiseReport,
  finished: Microseconds,
): RestoreEvent[] => [
  ...withStepDoings(events, from, steps, (step, at) => doingsOf(step, at, 'reinitialise')),
  ...doingsOf({ did }, finished, 'reinitialise'),
];

export interface RunOfDevice {
  /** All lines of one device, and those of no device, which say whether the kernel is traced; in their order. */
  readonly lines: readonly JournalLine[];
  /** As `uname -r` says it. */
  readonly kernel: string;
  readonly architecture: string;
}

/** The config space that a line keeps; null for one that is damaged. */
export type Unpack = (line: LineOf<'snapshot'>) => Uint8Array | null;

const platformOf = (architecture: string): RestoreHistory['platform'] => {
  if (architecture === 's390x') return 'zpci';
  return architecture.startsWith('ppc64') ? 'eeh' : 'aer';
};

const bytesOf = (line: LineOf<'snapshot' | 'unreadable'>, unpack: Unpack): ReadBytes => {
  if (line.type === 'unreadable') return { config: null, unread: { kind: 'refused', error: line.error } };
  const config = unpack(line);
  return config === null ? { config, unread: { kind: 'damaged' } } : { config };
};

/** What the driver restores by itself, as the rig said when the device was opened; journals of before do not tell. */
const policyIn = (lines: readonly JournalLine[]): RestorePolicy => {
  const opening = lines.findLast(
    (line) => line.type === 'operation' && line.operation === 'open' && line.result === 'done',
  );
  const detail = opening?.type === 'operation' ? opening.detail : undefined;
  const told = isObject(detail) ? detail['restores'] : undefined;
  return restorePolicies.find((policy) => policy === told) ?? 'unknown';
};

/** The others stand in the order of their lines, which are written when what they tell of is over. */
const insertByTime = (events: RestoreEvent[], event: RestoreEvent): void => {
  events.splice(events.findLastIndex(({ at }) => at <= event.at) + 1, 0, event);
};

/**
 * What happened to a device from its opening to the end of one recovery, as the journal kept it: readings, the bench's
 * own writes and resets, and that the kernel may have reset the device before event 2. Null where the kernel is no
 * Linux of which a version is known. What journals of before did not keep is not made up: a value that came back by
 * an unrecorded write is then explained by nothing.
 */
export const historyOf = (
  { lines, kernel, architecture }: RunOfDevice,
  recovery: RecordedRecovery,
  unpack: Unpack,
): RestoreHistory | null => {
  const described = describedKernelOf(kernel);
  if (described === null) return null;
  const kept = historyLines(lines, recovery);
  const trace = traceSightOf(lines, described.version);
  let events: RestoreEvent[] = [];
  let reinitialised = 0;
  const resets = new KernelResets(kept.lines, trace);
  let opened = false;
  let own: number | null = null;
  kept.lines.forEach((line, index) => {
    if (index === kept.gap) events.push({ at: line.at, kind: 'gap' });
    if (line.seq >= recovery.seq) own ??= events.length;
    events.push(...resets.before(line));
    if (line.type === 'operation') events.push(...operationEvents(line));
    if (line.type === 'step') events.push(...stepEvents(line));
    if (line.type === 'step' && line.event.kind === 'reinitialiseFinished') {
      events = withReinitialising(events, reinitialised, line.event.report, line.at);
      reinitialised = events.length;
    }
    if (line.type !== 'snapshot' && line.type !== 'unreadable') return;
    const { moment, view } = line;
    const at = line.taken ?? line.at;
    if (momentOf(moment)?.kind === 'open' && !opened) {
      opened = true;
      events.push({ at, kind: 'opened' });
    }
    events.push({ at, kind: 'reading', moment, view, ...bytesOf(line, unpack) });
  });
  const first = events[own ?? 0];
  const timed = [...resets.timed, ...tracedEvents(kept.lines)];
  for (const one of timed) insertByTime(events, one);
  const isOwn = (event: RestoreEvent): boolean =>
    event === first || (event.at >= recovery.openedAt && timed.some((one) => one === event));
  const focus = events.findIndex(isOwn);
  return {
    kernel: described.version,
    platform: platformOf(architecture),
    protocol: recovery.protocol,
    policy: policyIn(kept.lines),
    events,
    focus: Math.max(0, focus),
    ...(trace === undefined ? {} : { trace }),
  };
};
