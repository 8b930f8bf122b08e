import type { Microseconds } from '../recovery/phase.ts';
import type { BenchError } from '../result.ts';

/** `kprobes`: beginning, end and device of each call. `functions`: only that a function was called. */
export const traceMeans = ['kprobes', 'functions'] as const;
export type TraceMeans = (typeof traceMeans)[number];

/**
 * `notThere`: the kernel has no function of this name that could be watched; it is of another version, or the compiler
 * has made the function part of its callers. `refused`: it is there, and the kernel lets nobody watch it.
 */
export const unseenReasons = ['notThere', 'refused'] as const;

export interface UnseenFunction {
  readonly function: string;
  readonly because: (typeof unseenReasons)[number];
}

/** Whether the kernel's own functions are watched on a machine, and which; a step that is not seen has not failed. */
export type TraceState =
  | {
      readonly kind: 'watching';
      readonly means: TraceMeans;
      /** `tracedName`s. */
      readonly seen: readonly string[];
      readonly unseen: readonly UnseenFunction[];
      /** Whether calls can be told apart by device. */
      readonly devices: 'known' | 'unknown';
    }
  /** Null: nobody wants it. */
  | { readonly kind: 'off'; readonly error: BenchError | null };

/** A step of a restore that ran within it. Microseconds. */
export interface TracedStep {
  readonly function: string;
  /** From the beginning of the restore. */
  readonly after: Microseconds;
  readonly took: Microseconds;
}

/** A function began or ended; of most only the end is told, with how long it took. */
export interface TracedCall {
  /** A `tracedName`. */
  readonly function: string;
  readonly edge: 'began' | 'ended';
  /** 0 when it began. */
  readonly took: Microseconds;
  /** What it returned, where that says something. */
  readonly returned: number | null;
  /** The ioctl, for a function that serves many. */
  readonly request: string | null;
  /** The function that was watched too and called this one, by whatever way. */
  readonly within: string | null;
  /** The steps of a restore, in the order in which they began. */
  readonly steps: readonly TracedStep[];
}

/** What a trace tells. */
export type TraceTold =
  | { readonly kind: 'call'; readonly call: TracedCall }
  | { readonly kind: 'state'; readonly state: TraceState }
  /** The kernel overwrote so many records before they were read. */
  | { readonly kind: 'lost'; readonly count: number };
