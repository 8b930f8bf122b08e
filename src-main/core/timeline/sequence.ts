import type { Microseconds, Phase, Protocol } from '../recovery/phase.ts';
import { isAcknowledging, isOpen, openDecision, openWait, type RecoveryState } from '../recovery/state.ts';
import { timeoutActionDue } from '../recovery/waiting.ts';
import { lanes, type Lane, type TimelineRow } from './rows.ts';
import { reportFrame, type SequenceFrame } from './sequenceFrame.ts';

const laneTitle: Readonly<Record<Lane, string>> = { kernel: 'Kernel', bench: 'Bench', device: 'Device' };
const headHeight = 44;
const lineHeight = 14;
/** Arrows end beside the line of a lane, not on it. */
const gap = 8;

export interface SequenceMark {
  readonly y: number;
  /** Where its row begins and ends. */
  readonly top: number;
  readonly bottom: number;
  readonly kind: 'past' | 'expected';
  readonly from: Lane;
  readonly to: Lane;
  /** An arrow, or a dot where both ends are the same. */
  readonly fromX: number;
  readonly toX: number;
  /** As much of the text as there is room for, in lines from the top. */
  readonly lines: readonly string[];
  /** The whole of it. */
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
  /** `room` is how far below `y` it may wander as the time of the phase goes by. */
  readonly now: { readonly y: number; readonly room: number; readonly text: string } | null;
  readonly deadline: {
    readonly y: number;
    /** On the lane of whoever waits. */
    readonly x: number;
    readonly time: string;
    readonly lines: readonly string[];
    readonly text: string;
  } | null;
}

/** Seconds relative to `origin`, with sign and milliseconds: `-0.004`, `+43.200`. */
export const relativeSeconds = (at: Microseconds, origin: Microseconds): string => {
  const milliseconds = Math.round((at - origin) / 1_000);
  const sign = milliseconds < 0 ? '-' : '+';
  const size = Math.abs(milliseconds);
  return `${sign}${Math.floor(size / 1_000)}.${String(size % 1_000).padStart(3, '0')}`;
};

/** At word breaks into as few lines as it needs; a text that needs more than there may be is cut. */
const broken = (text: string, room: number, { characterWidth, mostLines }: SequenceFrame): string[] => {
  const most = Math.max(4, Math.floor(room / characterWidth));
  const lines: string[] = [];
  let rest = text;
  while (rest.length > most && lines.length + 1 < mostLines) {
    const space = rest.lastIndexOf(' ', most);
    const at = space > 2 ? space : most;
    lines.push(rest.slice(0, at));
    rest = rest.slice(at).trimStart();
  }
  return [...lines, rest.length <= most ? rest : `${rest.slice(0, most - 1).trimEnd()}…`];
};

const mark = (
  top: number,
  row: Pick<TimelineRow, 'from' | 'to' | 'text' | 'tone'>,
  rest: Pick<SequenceMark, 'kind' | 'at' | 'time' | 'phase' | 'why'>,
  frame: SequenceFrame,
): SequenceMark => {
  const { from, to, text, tone } = row;
  const fromX = frame.laneX[from];
  const toX = frame.laneX[to];
  const placed = (room: number): Pick<SequenceMark, 'lines' | 'y' | 'top' | 'bottom'> => {
    const lines = broken(text, room, frame);
    const y = top + frame.rowHeight + (lines.length - 1) * lineHeight;
    return { lines, y, top, bottom: y };
  };
  if (from === to) {
    // Beside its dot, on the side with more room.
    const left = from === 'device';
    const textX = left ? fromX - 12 : fromX + 12;
    const room = left ? fromX - 80 : (frame.phaseX ?? frame.width) - textX;
    const anchor = left ? 'end' : 'start';
    return { from, to, fromX, toX: fromX, text, tone, textX, anchor, ...placed(room), ...rest };
  }
  const direction = fromX < toX ? 1 : -1;
  return {
    from,
    to,
    fromX: fromX + gap * direction,
    toX: toX - gap * direction,
    text,
    tone,
    textX: (fromX + toX) / 2,
    anchor: 'middle',
    ...placed(Math.abs(toX - fromX) + (frame.mostLines === 1 ? 10 : -2 * gap)),
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
      // What is on its way to the kernel has its row already.
      if (state.exchange.kind === 'withdrawing') return [];
      return [...reset[protocol].slice(isAcknowledging(state) ? 1 : 0), ...comeBack];
    case 'resetting':
      return protocol === 'notify' ? [...reset.notify.slice(1), ...comeBack] : comeBack;
    case 'slotReset':
      return comeBack;
    default:
      return [];
  }
};

interface Expiry {
  readonly at: Microseconds;
  readonly lane: Lane;
  readonly text: string;
}

/** What the wait that is open now comes to when nobody decides. */
const expiryOf = (state: RecoveryState, origin: Microseconds): Expiry | null => {
  const wait = openWait(state);
  if (wait === null && openDecision(state) === null) return null;
  if (!isOpen(state) || !('exchange' in state)) return null;
  const { protocol, policy } = state.arming;
  const due = timeoutActionDue(state);
  if (due !== null) {
    const goesOn = protocol === 'notify' ? 'acks' : 'resets';
    const deed = policy.onTimeout === 'withdraw' ? 'withdraws' : goesOn;
    const text = `nobody decides: the policy ${deed} at ${relativeSeconds(due, origin)}`;
    return { at: state.deadline, lane: protocol === 'notify' ? 'kernel' : 'bench', text };
  }
  if (wait === null)
    return { at: state.deadline, lane: 'bench', text: 'without a decision: the bench gives up' };
  const rest =
    state.recovery.severity === 'fatal' ? '; reset anyway, no second signal' : ', no second signal';
  return { at: wait.deadline, lane: 'kernel', text: `without an ack: CAN_RECOVER${rest}` };
};

const waitingPhases: ReadonlySet<Phase> = new Set(['errorDetected', 'quiescing', 'awaitingAck']);

const waitBar = (marks: readonly SequenceMark[], bottom: number): { top: number; bottom: number } | null => {
  const opened = marks.findLast((one) => one.phase === 'errorDetected');
  if (opened === undefined) return null;
  const ended = marks.find((one) => one.y > opened.y && one.phase !== null && !waitingPhases.has(one.phase));
  return { top: opened.y, bottom: ended?.y ?? bottom };
};

/**
 * Lays out the sequence diagram of one recovery: time runs down, one row for each thing that happened, then "now", the
 * rows that are expected, and the deadline of whoever waits. `state` is null for a replay that has no open end.
 */
export const layOutSequence = (
  rows: readonly TimelineRow[],
  origin: Microseconds,
  state: RecoveryState | null,
  now: Microseconds | null,
  protocol: Protocol,
  frame: SequenceFrame = reportFrame,
): SequenceLayout => {
  const { rowHeight } = frame;
  let top = headHeight;
  let lastTime = '';
  const marks: SequenceMark[] = [];
  const add = (...placing: [Expected & Pick<TimelineRow, 'tone'>, Parameters<typeof mark>[2]]): void => {
    const placed = mark(top, ...placing, frame);
    marks.push(placed);
    top = placed.bottom;
  };
  for (const row of rows) {
    const time = relativeSeconds(row.at, origin);
    const shown = time === lastTime ? '' : time;
    lastTime = time;
    add(row, { kind: 'past', at: row.at, time: shown, phase: row.phase, why: row.why });
  }
  let nowLine: SequenceLayout['now'] = null;
  if (now !== null && state !== null && isOpen(state)) {
    nowLine = { y: top + rowHeight, room: frame.nowRoom, text: `now ${relativeSeconds(now, origin)}` };
    top += rowHeight + frame.nowRoom;
  }
  const expiry = state === null ? null : expiryOf(state, origin);
  const expected = expectedRows(state);
  // What has to happen in time stands above the deadline; the answer and the return of the device may come later.
  const before = Math.max(0, expected.length - (protocol === 'notify' ? 2 : 1));
  let deadline: SequenceLayout['deadline'] = null;
  const addDeadline = (): void => {
    if (expiry === null) return;
    top += rowHeight;
    const x = frame.laneX[expiry.lane];
    const lines = broken(expiry.text, frame.width - x - 20, frame);
    const time = relativeSeconds(expiry.at, origin);
    deadline = { y: top, x, time, lines, text: expiry.text };
    top += (lines.length - 1) * lineHeight;
  };
  expected.forEach((row, index) => {
    if (index === before) addDeadline();
    add({ ...row, tone: 'quiet' }, { kind: 'expected', at: null, time: '', phase: null, why: '' });
  });
  if (expected.length === 0) addDeadline();
  const bar = protocol === 'notify' ? waitBar(marks, (deadline as { y: number } | null)?.y ?? top) : null;
  return {
    width: frame.width,
    height: top + rowHeight,
    lanes: lanes.map((lane) => ({ lane, title: laneTitle[lane], x: frame.laneX[lane] })),
    marks,
    waits: bar === null ? [] : [{ x: frame.laneX.kernel, ...bar }],
    now: nowLine,
    deadline,
  };
};
