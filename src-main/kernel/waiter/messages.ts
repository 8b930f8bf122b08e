/** What passes between the main thread and the waiter thread. */

/** One call of a prepared answer. The descriptors have to stay open for as long as the answer is handed down. */
export type PreparedCall =
  | { readonly call: 'pwrite'; readonly fd: number; readonly offset: bigint; readonly bytes: Uint8Array }
  | {
      readonly call: 'ioctl';
      readonly fd: number;
      readonly request: number;
      readonly argument: Uint8Array;
      /** An errno that says that it was so already. */
      readonly fine?: number;
    }
  /** Reads up to 4 bytes, little-endian; EBUSY when one of the bits is set, unless all of them are (nobody answers). */
  | {
      readonly call: 'expectClear';
      readonly fd: number;
      readonly offset: bigint;
      readonly length: number;
      readonly bits: number;
    }
  | { readonly call: 'write'; readonly fd: number; readonly bytes: Uint8Array };

/** A read whose bytes are told with the answer: what is to be known of the device before the ack. */
export interface PreparedLook {
  readonly fd: number;
  readonly offset: bigint;
  readonly length: number;
}

/**
 * What the thread does at a signal before anything else, so that a busy main thread never costs a deadline. It is only
 * done when the counter is 1: with more, the wait that the ack is for may be over (observation 8). With a `delay` it is
 * done that long after the signal, unless it is taken back or another signal comes: then too the wait is over.
 */
export interface AutomaticAnswer {
  readonly looks?: readonly PreparedLook[];
  /** Microseconds after the signal; 0 if absent. */
  readonly delay?: number;
  /** Microseconds after the signal from which on no ack is given any more, however late the thread runs. */
  readonly latest?: number;
  /** Config writes and the like; each is made even if one before it failed, and only if none has the ack is given. */
  readonly quiesce: readonly PreparedCall[];
  readonly acknowledge: PreparedCall;
  /**
   * How many signals are answered before it has to be handed down anew. 1 for `notify`: the next signal on the same
   * eventfd says "reset", and an ack then would be taken for the next error.
   */
  readonly uses: number;
}

export type Watched =
  /** An eventfd, opened with EFD_NONBLOCK. */
  | { readonly kind: 'eventfd'; readonly automatic: AutomaticAnswer | null }
  /** A non-blocking descriptor whose every read gives one record: a netlink socket, /dev/kmsg. */
  | { readonly kind: 'records'; readonly maximumLength: number };

export type ToThread =
  | {
      readonly kind: 'watch';
      readonly order: number;
      readonly id: number;
      readonly fd: number;
      readonly watched: Watched;
    }
  | {
      readonly kind: 'handDown';
      readonly order: number;
      readonly id: number;
      /** The last signal or answer of this descriptor that was heard of; a later one refuses the order (EAGAIN). Null: whatever was told. */
      readonly heard: number | null;
      readonly automatic: AutomaticAnswer | null;
    }
  | { readonly kind: 'forget'; readonly order: number; readonly id: number }
  /** Wants the signals that were answered and not told yet. */
  | { readonly kind: 'tell' }
  | { readonly kind: 'end' };

/** What became of an automatic answer: errno numbers, 0 for a call that succeeded. */
export interface AnswerGiven {
  /** When the ack had been made, CLOCK_MONOTONIC in whole microseconds. */
  readonly at: number;
  /** The bytes that were looked at, or the errno. */
  readonly looked: readonly (Uint8Array | number)[];
  readonly quiesceErrnos: readonly number[];
  /** Null: no ack was given, because quiescing failed or it was too late. */
  readonly acknowledgeErrno: number | null;
}

export interface TakenSignal {
  readonly id: number;
  /** What is told of one descriptor is numbered, from 1. */
  readonly number: number;
  /** CLOCK_MONOTONIC in whole microseconds, taken as soon as the thread ran. */
  readonly at: number;
  readonly count: bigint;
  readonly answer: AnswerGiven | null;
}

export type FromThread =
  /** `errno` 0: the order was carried out. */
  | { readonly kind: 'answer'; readonly order: number; readonly errno: number }
  /** There are signals that were answered; they come when asked for, or with the next message. */
  | { readonly kind: 'untold' }
  | { readonly kind: 'signals'; readonly signals: readonly TakenSignal[] }
  /** An answer that was given some time after its signal. */
  | { readonly kind: 'answered'; readonly id: number; readonly number: number; readonly answer: AnswerGiven }
  | { readonly kind: 'record'; readonly id: number; readonly at: number; readonly bytes: Uint8Array }
  /** The kernel had more records than room: EPIPE of /dev/kmsg, ENOBUFS of netlink. Watching goes on. */
  | { readonly kind: 'recordsLost'; readonly id: number; readonly at: number; readonly errno: number }
  /** The descriptor could not be read any more and is not watched any more. */
  | { readonly kind: 'broken'; readonly id: number; readonly errno: number }
  /** The thread itself cannot go on. */
  | { readonly kind: 'failed'; readonly errno: number };
