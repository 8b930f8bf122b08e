import { parsePciAddress, type PciAddress } from '../pci/address.ts';
import type { Microseconds } from '../recovery/phase.ts';
import { tracedName, type TracedFunction } from './functions.ts';
import type { TracedCall, TracedStep } from './told.ts';

/** A traced function was entered or left. `values`: what the probe fetched (kernel/trace/probes.ts). */
export interface TraceHit {
  readonly at: Microseconds;
  readonly task: string;
  readonly function: TracedFunction;
  readonly edge: 'enter' | 'leave';
  readonly values: ReadonlyMap<string, string>;
}

export interface AssembledCall {
  readonly at: Microseconds;
  /** Whom it was called for; null when that is not known. */
  readonly address: PciAddress | null;
  readonly call: TracedCall;
}

interface Frame {
  readonly function: TracedFunction;
  readonly at: Microseconds;
  readonly address: PciAddress | null;
  readonly request: string | null;
  /** Is not told: a question, an ioctl of no interest, or the second half of the function around it. */
  readonly silent: boolean;
  readonly steps: TracedStep[];
}

/** More than the kernel nests of these functions, or runs at once; only a trace with gaps gets there. */
const deepest = 64;
const mostTasks = 256;

const addressFrom = (text: string | undefined): PciAddress | null => {
  const parsed = text === undefined ? null : parsePciAddress(text);
  return parsed?.ok === true ? parsed.value : null;
};

const numberFrom = (text: string | undefined): number | null => {
  const number = text === undefined ? Number.NaN : Number(text);
  return Number.isInteger(number) ? number : null;
};

const frameOf = (hit: TraceHit, outer: Frame | undefined): Frame => {
  const { function: traced, values, at } = hit;
  const number = numberFrom(values.get('second'));
  const request = traced.requests?.[number ?? -1] ?? null;
  return {
    function: traced,
    at,
    // Steps are called for the device of the restore around them, also where the compiler took their argument away.
    address:
      addressFrom(values.get('device')) ??
      (traced.meaning.kind === 'restoreStep' ? (outer?.address ?? null) : null),
    request,
    silent:
      outer?.function === traced ||
      (traced.probes === true && number === 1) ||
      (traced.requests !== undefined && request === null),
    steps: [],
  };
};

/** The ranges of pci_restore_config_space() are one step. */
const addStep = (steps: TracedStep[], added: TracedStep): void => {
  const last = steps.at(-1);
  if (last?.function === added.function) {
    steps[steps.length - 1] = { ...last, took: added.after + added.took - last.after };
  } else steps.push(added);
};

/**
 * Makes calls of hits: each task of the kernel has its own stack of functions under way. Steps of a restore are told
 * with it. What was left without having been entered is not told: the trace began in the middle of it.
 */
export const callAssembler = (): ((hit: TraceHit) => AssembledCall | null) => {
  const tasks = new Map<string, Frame[]>();

  const outerOf = (stack: readonly Frame[]): Frame | undefined => stack.findLast(({ silent }) => !silent);

  const told = (
    frame: Frame,
    stack: readonly Frame[],
    at: Microseconds,
    edge: TracedCall['edge'],
    returned: number | null = null,
  ): AssembledCall => {
    const outer = outerOf(stack);
    return {
      at,
      address: frame.address,
      call: {
        function: tracedName(frame.function),
        edge,
        took: edge === 'began' ? 0 : Math.max(0, at - frame.at),
        returned: frame.function.returns === undefined ? null : returned,
        request: frame.request,
        within: outer === undefined ? null : tracedName(outer.function),
        steps: frame.steps,
      },
    };
  };

  const enter = (hit: TraceHit): AssembledCall | null => {
    const stack = tasks.get(hit.task) ?? [];
    const frame = frameOf(hit, stack.at(-1));
    const beginning = frame.function.lasts === true && !frame.silent;
    const call = beginning ? told(frame, stack, hit.at, 'began') : null;
    if (stack.length === deepest) stack.shift();
    stack.push(frame);
    tasks.set(hit.task, stack);
    const [oldest] = tasks.keys();
    if (tasks.size > mostTasks && oldest !== undefined) tasks.delete(oldest);
    return call;
  };

  const leave = (hit: TraceHit): AssembledCall | null => {
    const stack = tasks.get(hit.task);
    const position = stack?.findLastIndex((frame) => frame.function === hit.function) ?? -1;
    if (stack === undefined || position === -1) return null;
    // What lies above it has been left too, and that was lost.
    const [frame] = stack.splice(position);
    if (stack.length === 0) tasks.delete(hit.task);
    if (frame === undefined || frame.silent) return null;
    const { meaning } = frame.function;
    const outer = outerOf(stack);
    if (meaning.kind === 'restoreStep' && outer?.function.meaning.kind === 'restore') {
      addStep(outer.steps, {
        function: meaning.step,
        after: Math.max(0, frame.at - outer.at),
        took: Math.max(0, hit.at - frame.at),
      });
      return null;
    }
    return told(frame, stack, hit.at, 'ended', numberFrom(hit.values.get('value')));
  };

  return (hit) => (hit.edge === 'enter' ? enter(hit) : leave(hit));
};
