/** What the journal's trace of the kernel says of restores and resets of one device. */
import type { JournalLine, LineOf } from '../journal/line.ts';
import { tracedFunction } from '../kernelTrace/functions.ts';
import { stepVisibility } from '../kernelTrace/stepsSeen.ts';
import type { Microseconds } from '../recovery/phase.ts';
import type { EventOf, TraceSight } from './history.ts';
import type { ModelledKernel } from './kernelVersion.ts';

type Traced = EventOf<'traced'>;
type CallLine = LineOf<'kernelTrace'> & {
  readonly told: Extract<LineOf<'kernelTrace'>['told'], { kind: 'call' }>;
};

const isCall = (line: JournalLine): line is CallLine =>
  line.type === 'kernelTrace' && line.told.kind === 'call';

const isCallback = ({ told: { call } }: CallLine): boolean => {
  const kind = tracedFunction(call.function)?.meaning.kind;
  return call.edge === 'ended' && (kind === 'slotReset' || kind === 'resume' || kind === 'recovery');
};

/**
 * How much of what the kernel does the trace shows, from the lines of a run; undefined where nobody ever said that it is
 * traced. Once records were lost, what was not told may have happened all the same.
 */
export const traceSightOf = (
  lines: readonly JournalLine[],
  kernel: ModelledKernel,
): TraceSight | undefined => {
  const told = lines.flatMap((line) => (line.type === 'kernelTrace' ? [line.told] : []));
  const state = told.findLast((one) => one.kind === 'state')?.state;
  if (state === undefined) return undefined;
  const whole =
    state.kind === 'watching' && state.devices === 'known' && !told.some(({ kind }) => kind === 'lost');
  return {
    steps: stepVisibility(state, kernel),
    functions: new Set(state.kind === 'watching' ? state.seen : []),
    whole,
    heard: Math.max(
      0,
      ...lines
        .filter(isCall)
        .filter(isCallback)
        .map(({ happened }) => happened),
    ),
  };
};

const causeOf = (within: string | null): NonNullable<Traced['by']> => {
  const kind = within === null ? undefined : tracedFunction(within)?.meaning.kind;
  if (kind === 'recovery' || kind === 'slotReset' || kind === 'mmioEnabled' || kind === 'resume') {
    return 'recovery';
  }
  return kind === 'reset' || kind === 'aroundReset' || kind === 'vfio' ? 'reset' : 'unknown';
};

/** Restores with their steps, saves, and loads of a snapshot, each when it began; `subject` is the device itself. */
const tracedOf = ({ happened, subject, device, told: { call } }: CallLine): readonly Traced[] => {
  if (call.edge !== 'ended' || subject === null || subject !== device) return [];
  const meaning = tracedFunction(call.function)?.meaning;
  const at = happened - call.took;
  const by = causeOf(call.within);
  switch (meaning?.kind) {
    case 'restore':
      return [
        { kind: 'traced', at, function: call.function, took: call.took, by },
        ...call.steps.map((step): Traced => ({
          kind: 'traced',
          at: at + step.after,
          function: step.function,
          took: step.took,
          by,
        })),
      ];
    case 'restoreStep':
      return [{ kind: 'traced', at, function: meaning.step, took: call.took, by }];
    case 'save':
    case 'loadSnapshot':
      return [{ kind: 'traced', at, function: call.function, took: call.took, by }];
    default:
      return [];
  }
};

/** In the order in which they began. */
export const tracedEvents = (lines: readonly JournalLine[]): readonly Traced[] =>
  lines
    .filter(isCall)
    .flatMap(tracedOf)
    .sort((one, other) => one.at - other.at);

/** Functions in which the error recovery of the kernel resets, and nobody else (drivers/pci/pcie/aer.c, dpc.c). */
const recoveryResets: readonly string[] = ['aer_root_reset', 'dpc_reset_link', 'pci_bus_error_reset'];

/**
 * What the trace says of the reset in one recovery: when it was over; that none was seen before a restore, which began
 * then; that there was none, and no restore; or nothing.
 */
export type TracedReset =
  | { readonly kind: 'reset' | 'restoredOnly'; readonly at: Microseconds }
  | { readonly kind: 'none' | 'unsaid' };

/** `from` and `to`: the time in which the recovery would have reset the device. */
export const tracedReset = (
  lines: readonly JournalLine[],
  sight: TraceSight | undefined,
  from: Microseconds,
  to: Microseconds,
): TracedReset => {
  const calls = lines.filter(isCall).filter(({ told }) => told.call.edge === 'ended');
  const reset = calls.find(
    ({ happened, told: { call } }) =>
      recoveryResets.includes(call.function) && happened >= from && happened <= to,
  );
  if (reset !== undefined) return { kind: 'reset', at: reset.happened };
  const restored = tracedEvents(lines).find(({ at, by }) => by === 'recovery' && at >= from && at <= to);
  if (restored !== undefined) return { kind: 'restoredOnly', at: restored.at };
  const watched = ['pcie_do_recovery', 'aer_root_reset', 'dpc_reset_link'];
  const seen = sight?.whole === true && watched.every((name) => sight.functions.has(name));
  const ended = calls.some(
    ({ happened, told: { call } }) => call.function === 'pcie_do_recovery' && happened >= from,
  );
  return { kind: seen && ended ? 'none' : 'unsaid' };
};
