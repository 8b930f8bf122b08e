import { missingCase } from '../exhaustive.ts';
import type { Fault, FaultReceipt } from '../faults/fault.ts';
import { callWords, traceStateWords } from '../kernelTrace/words.ts';
import type { JournalLine, LineOf } from '../journal/line.ts';
import type { RecoveryEffect } from '../recovery/effect.ts';
import type { RecoveryEvent } from '../recovery/event.ts';
import type { Microseconds, Phase } from '../recovery/phase.ts';
import { sentenceOf } from '../recovery/reasons.ts';
import type {
  AutomaticReport,
  ProofReport,
  QuiesceAction,
  QuiesceReport,
  ReinitialiseReport,
} from '../recovery/reports.ts';
import type { BenchError } from '../result.ts';
import { formatEventCode } from '../zpci/eventCodes.ts';
import { operationWords } from './operationWords.ts';

/** Who takes part in a recovery, from left to right. */
export const lanes = ['kernel', 'bench', 'device'] as const;
export type Lane = (typeof lanes)[number];

/** `from` and `to` are the same for what happens in one lane. */
export interface TimelineRow {
  readonly at: Microseconds;
  readonly device: string | null;
  readonly from: Lane;
  readonly to: Lane;
  readonly text: string;
  /** Why, in one sentence; empty where the text says it all. */
  readonly why: string;
  readonly tone: 'plain' | 'quiet' | 'error' | 'good' | 'waiting';
  /** The phase that begins with this row, if one does. */
  readonly phase: Phase | null;
}

type Sketch = Omit<TimelineRow, 'at' | 'device' | 'why' | 'phase'>;

const sketch = (from: Lane, to: Lane, text: string, tone: TimelineRow['tone'] = 'plain'): Sketch => ({
  from,
  to,
  text,
  tone,
});

const failedWith = (what: string, error: BenchError): string =>
  `${what}: ${error.errno?.name ?? error.code}, ${error.message}`;

const quietWords: Readonly<Record<QuiesceAction, string>> = {
  touchingStopped: 'untouched',
  busMasterOff: 'bus master',
  msixOff: 'MSI-X',
  barsUnmapped: 'BARs',
  transactionsDrained: 'idle',
};

const quiesceText = (report: QuiesceReport): string => {
  const words = (result: string): string =>
    report.actions
      .filter((entry) => entry.result === result && entry.action !== 'touchingStopped')
      .map((entry) => quietWords[entry.action])
      .join(', ');
  const failed = words('failed');
  if (failed === '') return `quiet: ${words('done')}`;
  // A device that the platform has cut off is quiet whatever of it cannot be written.
  return report.succeeded ? `cut off by the platform; no answer: ${failed}` : `not quiet: ${failed}`;
};

const reinitialiseText = (report: ReinitialiseReport): string => {
  const failed = report.steps.find((step) => step.result === 'failed');
  return failed === undefined ? 'registers and engine are back' : `${failed.step} failed`;
};

const proofText = (report: ProofReport): string => {
  const failed = report.checks.filter((check) => check.result === 'failed').map((check) => check.check);
  if (failed.length > 0) return `does not work: ${failed.join(', ')} failed`;
  const passed = report.checks.filter((check) => check.result === 'passed').map((check) => check.check);
  return `${report.verdict === 'proven' ? 'proven' : 'not proven'}: ${passed.join(', ')} passed`;
};

const answerWords = (answered: AutomaticReport | null): string => {
  switch (answered?.acknowledge.kind) {
    case undefined:
      return '';
    case 'taken':
      return ': quiesced and acked at once';
    case 'refused':
      return ': quiesced at once, the ack was refused';
    case 'withheld':
      return ': not quiet, no ack was given';
  }
};

/** What the event of a step looks like between the lanes. */
const eventSketch = (event: RecoveryEvent): Sketch => {
  switch (event.kind) {
    case 'signal':
      return sketch(
        'kernel',
        'bench',
        `signal, count ${event.count}${answerWords(event.answered ?? null)}`,
        'error',
      );
    case 'answered':
      return sketch('bench', 'kernel', `without asking${answerWords(event.answered)}`);
    case 'loopbackTriggered':
      return sketch('bench', 'kernel', 'trigger the eventfd (loop-back)');
    case 'uevent':
      return sketch(
        'kernel',
        'bench',
        `uevent ${event.uevent}`,
        event.uevent === 'failedRecovery' ? 'error' : 'plain',
      );
    case 'deviceRemoved':
      return sketch('device', 'bench', 'the device is gone', 'error');
    case 'closed':
      return sketch('bench', 'kernel', 'close the device', 'error');
    case 'clockReached':
      return sketch('bench', 'bench', 'a deadline is reached', 'quiet');
    case 'quiesceRequested':
      return sketch('bench', 'bench', 'quiesce asked for');
    case 'acknowledgeRequested':
    case 'withdrawRequested':
    case 'resetRequested': {
      const what =
        event.kind === 'resetRequested' ? `reset (${event.resetKind})` : event.kind.replace('Requested', '');
      return sketch(
        'bench',
        'bench',
        `${what} approved by ${event.approval.operator}: ${event.approval.reason}`,
      );
    }
    case 'reinitialiseRequested':
      return sketch('bench', 'bench', 'reinitialise asked for');
    case 'inspected': {
      if (!event.result.ok)
        return sketch('device', 'bench', failedWith('errors unreadable', event.result.error), 'error');
      const { severity, errors } = event.result.value;
      const names = errors.map((error) =>
        error.source === 'aer' ? error.name : error.source === 'ccdf' ? error.pecName : 'log',
      );
      return sketch(
        'device',
        'bench',
        names.length === 0
          ? `no errors in the registers (${severity})`
          : `errors: ${severity} ${names.join(', ')}`,
      );
    }
    case 'drained': {
      if (!event.result.ok)
        return sketch('kernel', 'bench', failedWith('feature 13', event.result.error), 'error');
      const records = event.result.value.map((error) =>
        error.source === 'ccdf' ? `PEC ${formatEventCode(error.pec)} ${error.pecName}` : '',
      );
      return sketch('kernel', 'bench', `feature 13: ${records.join(', ') || 'empty (ENOMSG)'}`);
    }
    case 'quiesceFinished':
      return sketch('device', 'bench', quiesceText(event.report), event.report.succeeded ? 'good' : 'error');
    case 'acknowledgeFinished':
    case 'withdrawFinished': {
      const what = event.kind === 'acknowledgeFinished' ? 'ack' : 'eventfd removed';
      return event.error === null
        ? sketch('kernel', 'bench', `${what}: taken`, 'good')
        : sketch('kernel', 'bench', failedWith(what, event.error), 'error');
    }
    case 'resetFinished':
      return event.result.ok
        ? sketch(
            'device',
            'bench',
            `reset done after ${(event.result.value.took / 1_000).toFixed(1)} ms`,
            'good',
          )
        : sketch('kernel', 'bench', failedWith('reset', event.result.error), 'error');
    case 'eehFinished':
      return event.result.ok
        ? sketch('kernel', 'bench', `EEH ${event.operation}: PE ${event.result.value.state}`)
        : sketch('kernel', 'bench', failedWith(`EEH ${event.operation}`, event.result.error), 'error');
    case 'reinitialiseFinished':
      return sketch(
        'device',
        'bench',
        reinitialiseText(event.report),
        event.report.succeeded ? 'good' : 'error',
      );
    case 'proofFinished':
      return sketch(
        'device',
        'bench',
        proofText(event.report),
        event.report.verdict === 'failed' ? 'error' : 'good',
      );
    default:
      return missingCase(event);
  }
};

/** What the bench does next, as an arrow to whoever it is done to; null for what is told otherwise. */
const effectSketch = (effect: RecoveryEffect): Sketch | null => {
  switch (effect.kind) {
    case 'inspect':
      return sketch('bench', 'device', 'read the error registers');
    case 'drainErrors':
      return sketch('bench', 'kernel', 'read feature 13 until it is empty');
    case 'quiesce':
      return sketch('bench', 'device', 'quiesce: BARs, bus master, MSI-X');
    case 'acknowledge':
      return sketch('bench', 'kernel', 'ack (DATA_NONE | ACTION_UNMASK)', 'waiting');
    case 'withdraw':
      return sketch('bench', 'kernel', 'remove the eventfd', 'waiting');
    case 'reset':
      return sketch('bench', 'kernel', `reset (${effect.resetKind}), attempt ${effect.attempt}`);
    case 'eeh':
      return sketch('bench', 'kernel', `EEH ${effect.operation}`);
    case 'reinitialise':
      return sketch('bench', 'device', 'put the registers back, reset, set up');
    case 'prove':
      return sketch('bench', 'device', 'prove DMA and MSI-X');
    case 'conclude':
      return sketch('bench', 'bench', effect.outcome, effect.outcome === 'recovered' ? 'good' : 'error');
    case 'snapshot':
      return null;
    default:
      return missingCase(effect);
  }
};

/** Reading a whole config space takes many times as long as the ack may (test/bench/waiter.ts). */
const unreadWait =
  'The config space was not read in this wait: before the ack that would have held it up, after the ack the kernel resets.';

const isAckedAtOnce = ({ event }: LineOf<'step'>): boolean =>
  event.kind === 'signal' && event.answered?.acknowledge.kind === 'taken';

const stepRows = (line: LineOf<'step'>, previous: Phase | null): TimelineRow[] => {
  const { device, phase } = line;
  const at = line.event.at;
  const sentence = sentenceOf(line.reason);
  const why = isAckedAtOnce(line) ? `${sentence} ${unreadWait}` : sentence;
  const entered = phase === previous ? null : phase;
  const row = { at, device, ...eventSketch(line.event), why, phase: entered };
  const waiting = phase === 'awaitingAck' && entered !== null ? { ...row, tone: 'waiting' as const } : row;
  const effects = line.effects.flatMap((effect) => effectSketch(effect) ?? []);
  return [waiting, ...effects.map((effect) => ({ at, device, ...effect, why: '', phase: null }))];
};

/** Journals of other versions may hold faults that this one does not know; then the kind is all that is said. */
const faultText = (request: unknown): string => {
  const { fault } = request as {
    fault?: Partial<Fault & { error: string; severity: string | null; where: string }>;
  };
  const words = [fault?.severity, fault?.error ?? fault?.kind, fault?.where];
  return words.filter((word) => typeof word === 'string').join(' ');
};

const faultRows = (line: LineOf<'fault'>): TimelineRow[] => {
  const common = { at: line.at, device: line.device, from: 'bench', why: '', phase: null } as const;
  if (line.receipt === null) {
    return [{ ...common, to: 'device', text: `inject ${faultText(line.request)}`, tone: 'error' }];
  }
  const { delivery } = line.receipt as Partial<FaultReceipt>;
  return delivery?.kind === 'lost'
    ? [
        {
          ...common,
          to: 'bench',
          text: `the fault got lost (${delivery.where}): ${delivery.detail}`,
          tone: 'error',
        },
      ]
    : [];
};

const traceText = ({ told, device, subject }: LineOf<'kernelTrace'>): string => {
  switch (told.kind) {
    case 'call':
      return subject === null || subject === device
        ? callWords(told.call)
        : `${callWords(told.call)} (${subject})`;
    case 'state':
      return traceStateWords(told.state);
    case 'lost':
      return `${told.count} records of the kernel's trace were lost`;
    default:
      return missingCase(told);
  }
};

/**
 * The rows that one line of a run adds to its sequence diagram: the same for the terminal, the console and the report.
 * `previous` is the phase of the line's device before this line.
 */
export const rowsOf = (line: JournalLine, previous: Phase | null): readonly TimelineRow[] => {
  const plain = (device: string | null, sketched: Sketch, phase: Phase | null = null): TimelineRow[] => [
    { at: line.at, device, ...sketched, why: '', phase },
  ];
  switch (line.type) {
    case 'step':
      return stepRows(line, previous);
    case 'armed':
      return plain(line.device, sketch('bench', 'kernel', `arm ${line.arming.protocol}`), 'armed');
    case 'disarmed':
      return plain(line.device, sketch('bench', 'kernel', `disarmed: ${line.because}`));
    case 'handDown': {
      const at = line.automatic?.at;
      const when = at === 'signal' ? 'at the signal' : `${(at ?? 0) / 1e6} s after the signal`;
      const text =
        line.automatic === null ? 'take the automatic ack back' : `hand down: ack ${when} once quiet`;
      return plain(line.device, sketch('bench', 'bench', text, 'quiet'));
    }
    case 'refusal':
      return plain(
        line.device,
        sketch('bench', 'bench', failedWith(`${line.wish} refused`, line.error), 'error'),
      );
    case 'operation':
      return plain(
        line.device,
        line.result === 'done'
          ? sketch('bench', 'device', operationWords(line))
          : sketch('bench', 'device', failedWith(line.operation, line.result), 'error'),
      );
    case 'fault':
      return faultRows(line);
    case 'unreadable':
      return plain(
        line.device,
        sketch('bench', 'device', failedWith(`config space unreadable (${line.view})`, line.error), 'error'),
      );
    case 'kernelLog':
      return plain(line.device, sketch('kernel', 'kernel', line.text, 'quiet'));
    case 'kernelTrace':
      return plain(line.device, sketch('kernel', 'kernel', traceText(line), 'quiet')).map((row) => ({
        ...row,
        at: line.happened,
      }));
    case 'scenario':
      return line.result === 'failed'
        ? plain(
            null,
            sketch('bench', 'bench', `step ${line.step} failed: ${line.detail ?? line.text}`, 'error'),
          )
        : [];
    // The step that follows an approval, and the one that a uevent leads to, say the same with their consequence.
    case 'approval':
    case 'uevent':
    case 'snapshot':
    case 'run':
    case 'end':
      return [];
    default:
      return missingCase(line);
  }
};
