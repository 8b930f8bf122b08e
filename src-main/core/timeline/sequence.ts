import type { Microseconds, Phase, Protocol } from '../recovery/phase.ts';
import type { RecoveryState } from '../recovery/state.ts';
import { openWait } from '../recovery/state.ts';
import { lanes, type Lane, type TimelineRow } from './rows.ts';

/** Lengths are in units of the drawing, which the console and the report scale as they like. */
export const sequenceWidth = 780;
/** Right of the device lane: the phases. */
export const phaseX = 670;
const laneX: Readonly<Record<Lane, number>> = { kernel: 150, bench: 400, device: 650 };
const laneTitle: Readonly<Record<Lane, string>> = { kernel: 'Kernel', bench: 'Bench', device: 'Device' };
const headHeight = 44;
const rowHeight = 34;
/** Arrows end beside the line of a lane, not on it. */
const gap = 8;

export interface SequenceMark {
  readonly y: number;
  readonly kind: 'past' | 'expected';
  /** An arrow, or a dot where both ends are the same. */
  readonly fromX: number;
  readonly toX: number;
  readonly text: string;
  readonly textX: number;
  readonly anchor: 'middle' | 'start' | 'end';
  readonly tone: TimelineRow['tone'];
  readonly at: Microseconds | null;
  /** `+0.003`, in seconds since the recovery was opened; empty when the row above says the same. */
  readonly time: string;
  readonly phase: Phase | null;
  readonly why: string;
}

export interface SequenceLayout {
  readonly width: number;
  readonly height: number;
  readonly lanes: readonly { readonly lane: Lane; readonly title: string; readonly x: number }[];
  readonly marks: readonly SequenceMark[];
  /** The kernel waits: a bar on its lane. */
  readonly waits: readonly { readonly x: number; readonly top: number; readonly bottom: number }[];
  readonly now: { readonly y: number; readonly text: string } | null;
  readonly deadline: { readonly y: number; readonly time: string; readonly text: string } | null;
}

/** Seconds relative to `origin`, with sign and milliseconds: `-0.004`, `+43.200`. */
export const relativeSeconds = (at: Microseconds, origin: Microseconds): string => {
  const milliseconds = Math.round((at - origin) / 1_000);
  const sign = milliseconds < 0 ? '-' : '+';
  const size = Math.abs(milliseconds);
  return `${sign}${Math.floor(size / 1_000)}.${String(size % 1_000).padStart(3, '0')}`;
};

/** A text is cut to the room it has, at about 6.4 units a character; the whole one is in the timeline. */
const fitted = (text: string, room: number): string => {
  const most = Math.floor(room / 6.4);
  return text.length <= most ? text : `${text.slice(0, most - 1).trimEnd()}…`;
};

const mark = (
  y: number,
  row: Pick<TimelineRow, 'from' | 'to' | 'text' | 'tone'>,
  rest: Pick<SequenceMark, 'kind' | 'at' | 'time' | 'phase' | 'why'>,
): SequenceMark => {
  const from = laneX[row.from];
  const to = laneX[row.to];
  const { tone } = row;
  if (from === to) {
    // Beside its dot, on the side with more room.
    const left = row.from === 'device';
    const textX = left ? from - 12 : from + 12;
    const text = fitted(row.text, left ? from - 80 : phaseX - textX);
    return { y, fromX: from, toX: from, text, tone, textX, anchor: left ? 'end' : 'start', ...rest };
  }
  const direction = from < to ? 1 : -1;
  return {
    y,
    fromX: from + gap * direction,
    toX: to - gap * direction,
    text: fitted(row.text, Math.abs(to - from) + 10),
    tone,
    textX: (from + to) / 2,
    anchor: 'middle',
    ...rest,
  };
};

type Expected = Pick<TimelineRow, 'from' | 'to' | 'text'>;

const reset: Readonly<Record<Protocol, readonly Expected[]>> = {
  notify: [
    { from: 'bench', to: 'kernel', text: 'ack (DATA_NONE | ACTION_UNMASK)' },
    { from: 'kernel', to: 'device', text: 'reset of the slot' },
    { from: 'kernel', to: 'bench', text: 'slot_reset: eventfd 5 again' },
  ],
  legacy: [
    { from: 'bench', to: 'kernel', text: 'VFIO_DEVICE_RESET' },
    { from: 'kernel', to: 'device', text: 'reset' },
  ],
  mediated: [
    { from: 'bench', to: 'kernel', text: 'VFIO_DEVICE_RESET, until it is not EAGAIN' },
    { from: 'kernel', to: 'device', text: 'reset' },
  ],
  eeh: [
    { from: 'bench', to: 'kernel', text: 'PE reset, configure, thaw DMA' },
    { from: 'kernel', to: 'device', text: 'reset of the PE' },
  ],
};

const comeBack: readonly Expected[] = [
  { from: 'bench', to: 'device', text: 'put back, DEVICE_RESET, proof' },
];

/** What is still to come if the recovery goes its way, for the dashed part of the diagram. */
export const expectedRows = (state: RecoveryState | null): readonly Expected[] => {
  if (state === null) return [];
  const { protocol } = state.arming;
  switch (state.phase) {
    case 'errorDetected':
    case 'quiescing':
    case 'awaitingAck':
      return [...reset[protocol], ...comeBack];
    case 'resetting':
      return protocol === 'notify' ? [...reset.notify.slice(1), ...comeBack] : comeBack;
    case 'slotReset':
      return comeBack;
    default:
      return [];
  }
};

/** What the kernel does when the wait runs out. */
const expiry = (state: RecoveryState): string =>
  'recovery' in state && state.recovery.severity === 'fatal'
    ? 'without an ack: CAN_RECOVER; reset anyway, no second signal'
    : 'without an ack: CAN_RECOVER, no second signal';

const waitBar = (marks: readonly SequenceMark[], bottom: number): { top: number; bottom: number } | null => {
  const opened = marks.findLast((one) => one.phase === 'errorDetected');
  if (opened === undefined) return null;
  const ended = marks.find((one) => one.y > opened.y && one.phase !== null && !waitingPhases.has(one.phase));
  return { top: opened.y, bottom: ended?.y ?? bottom };
};

const waitingPhases: ReadonlySet<Phase> = new Set(['errorDetected', 'quiescing', 'awaitingAck']);

/**
 * Lays out the sequence diagram of one device: time runs down, one row for each thing that happened, then "now", the
 * rows that are expected, and the kernel's deadline. `state` is null for a replay that has no open end.
 */
export const layOutSequence = (
  rows: readonly TimelineRow[],
  origin: Microseconds,
  state: RecoveryState | null,
  now: Microseconds | null,
  protocol: Protocol,
): SequenceLayout => {
  let y = headHeight + rowHeight;
  let lastTime = '';
  const marks: SequenceMark[] = rows.map((row) => {
    const time = relativeSeconds(row.at, origin);
    const shown = time === lastTime ? '' : time;
    lastTime = time;
    const placed = mark(y, row, { kind: 'past', at: row.at, time: shown, phase: row.phase, why: row.why });
    y += rowHeight;
    return placed;
  });
  const wait = state === null ? null : openWait(state);
  const expected = expectedRows(state);
  const running = now !== null && expected.length > 0;
  const nowLine = running ? { y, text: `now ${relativeSeconds(now, origin)}` } : null;
  if (running) y += rowHeight;
  let deadline: SequenceLayout['deadline'] = null;
  expected.forEach((row, index) => {
    const rest = { kind: 'expected', at: null, time: '', phase: null, why: '' } as const;
    marks.push(mark(y, { ...row, tone: 'quiet' }, rest));
    y += rowHeight;
    if (wait !== null && state !== null && index === 1) {
      deadline = { y, time: relativeSeconds(wait.deadline, origin), text: expiry(state) };
      y += rowHeight;
    }
  });
  const bar =
    protocol === 'notify' ? waitBar(marks, (deadline as { y: number } | null)?.y ?? y - rowHeight) : null;
  return {
    width: sequenceWidth,
    height: y,
    lanes: lanes.map((lane) => ({ lane, title: laneTitle[lane], x: laneX[lane] })),
    marks,
    waits: bar === null ? [] : [{ x: laneX.kernel, ...bar }],
    now: nowLine,
    deadline,
  };
};
