import { errnoNumbers } from '../../core/errno.ts';
import { missingCase } from '../../core/exhaustive.ts';
import { done, failure, success, type BenchError, type Result } from '../../core/result.ts';
import { refused } from '../refusal.ts';
import { eventfdFlags, type Syscalls, type SyscallsProvider } from '../syscalls.ts';
import { startThread } from '../threads/startThread.ts';
import type { AnswerGiven, AutomaticAnswer, FromThread, ToThread, Watched } from './messages.ts';
import { waiterThread, type WaiterThreadData } from './waiterThread.ts';

export interface Signal {
  /** Signals and late answers of one eventfd are numbered in the order in which they are told, from 1. */
  readonly number: number;
  /** CLOCK_MONOTONIC in whole microseconds. */
  readonly at: number;
  /** What one read of the eventfd gave: how many signals have come together. */
  readonly count: bigint;
  /** Null when none was handed down, it was used up, or `count` was not 1. */
  readonly answer: AnswerGiven | null;
}

/** What a watched descriptor tells. None may throw; each is called on the main thread. */
export interface EventfdListener {
  readonly signal: (signal: Signal) => void;
  /** An answer that was handed down with a delay was given. */
  readonly answered?: (late: { readonly number: number; readonly answer: AnswerGiven }) => void;
  /** It could not be read, or the waiter is gone: nothing more will come. */
  readonly broken: (error: BenchError) => void;
}

export interface RecordsListener {
  readonly record: (record: { readonly at: number; readonly bytes: Uint8Array }) => void;
  /** The kernel dropped records that had not been read yet. */
  readonly lost: (at: number) => void;
  readonly broken: (error: BenchError) => void;
}

export interface Watch {
  /** Resolves when the descriptor may be closed; nothing is told after it. */
  stop(): Promise<Result<void>>;
}

export interface EventfdWatch extends Watch {
  /**
   * Replaces the automatic answer; resolves when the thread has it. `heard`: the number of what was told last, 0 for
   * nothing. When something was told since, the answer rests on old news, and is refused with `stepUnderWay`.
   */
  handDown(automatic: AutomaticAnswer, heard: number): Promise<Result<void>>;
  /** When it has resolved no answer is given any more, and one that was given has been told. */
  takeBack(): Promise<Result<void>>;
}

/** One thread that waits for everything at once; see README.md. */
export interface Waiter {
  /** `fd`: an eventfd with EFD_NONBLOCK. Watch it before the kernel is told of it, so that no signal comes unheard. */
  watchEventfd(
    fd: number,
    listener: EventfdListener,
    automatic?: AutomaticAnswer | null,
  ): Promise<Result<EventfdWatch>>;
  /** `fd`: non-blocking, one record for each read() of at most `maximumLength` bytes. */
  watchRecords(fd: number, maximumLength: number, listener: RecordsListener): Promise<Result<Watch>>;
  /** Ends the thread. The descriptors that were watched are the caller's to close. */
  close(): Promise<void>;
}

type Listener =
  ({ readonly kind: 'eventfd' } & EventfdListener) | ({ readonly kind: 'records' } & RecordsListener);

/** Milliseconds after which signals that were answered already are asked for. */
const patienceForAnswered = 20;

const one = new Uint8Array(BigUint64Array.of(1n).buffer);

const gone = (why: string): { readonly ok: false; readonly error: BenchError } =>
  failure('benchDefect', `The thread that waits for signals has ended: ${why}.`);

const orderResult = (errno: number): Result<void> => {
  if (errno === 0) return done;
  return errno === errnoNumbers.EAGAIN
    ? refused(
        errno,
        'Something was signalled meanwhile; what to do next has to be decided anew.',
        'stepUnderWay',
      )
    : refused(errno, 'The waiter could not watch the descriptor.');
};

/** Starts the thread. What is watched keeps the process alive until `close`. */
export const openWaiter = (calls: Syscalls, provider: SyscallsProvider): Result<Waiter> => {
  const opened: number[] = [];
  const closeAll = (): void => opened.forEach((fd) => calls.close(fd));
  const { EFD_CLOEXEC, EFD_NONBLOCK } = eventfdFlags;

  const epoll = calls.epollCreate();
  if (!epoll.ok) return refused(epoll.errno, 'The kernel gave no epoll instance to wait with.');
  opened.push(epoll.value);
  const wake = calls.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (!wake.ok) {
    closeAll();
    return refused(wake.errno, 'The kernel gave no eventfd to wake the waiter with.');
  }
  opened.push(wake.value);
  const added = calls.epollAdd(epoll.value, wake.value);
  if (!added.ok) {
    closeAll();
    return refused(added.errno, 'The waiter’s own eventfd could not be watched.');
  }

  const data: WaiterThreadData = { epoll: epoll.value, wake: wake.value };
  const thread = startThread(provider, waiterThread, data);
  const listeners = new Map<number, Listener>();
  const orders = new Map<number, (answer: Result<void>) => void>();
  let nextNumber = 1;
  let ended: { readonly ok: false; readonly error: BenchError } | null = null;

  const send = (message: ToThread): void => {
    thread.postMessage(message);
    calls.write(wake.value, one);
  };
  // Node joins its threads before it exits, and this one would never come back from epoll_wait() by itself.
  const endWithProcess = (): void => send({ kind: 'end' });
  process.once('exit', endWithProcess);

  const end = (reason: string): void => {
    if (ended !== null) return;
    ended = gone(reason);
    process.off('exit', endWithProcess);
    for (const answer of orders.values()) answer(ended);
    orders.clear();
    for (const listener of listeners.values()) listener.broken(ended.error);
    listeners.clear();
  };

  const order = (build: (number: number) => ToThread): Promise<Result<void>> => {
    if (ended !== null) return Promise.resolve(ended);
    const number = nextNumber;
    nextNumber += 1;
    return new Promise((resolve) => {
      orders.set(number, resolve);
      send(build(number));
    });
  };

  const broken = (id: number, errno: number): void => {
    const listener = listeners.get(id);
    listeners.delete(id);
    listener?.broken(
      errno === 0
        ? failure('deviceLost', 'What was watched has come to its end.').error
        : refused(errno, 'What was watched can no longer be read.').error,
    );
  };

  const hear = (message: FromThread): void => {
    switch (message.kind) {
      case 'answer': {
        const answer = orders.get(message.order);
        orders.delete(message.order);
        answer?.(orderResult(message.errno));
        return;
      }
      case 'untold':
        setTimeout(() => {
          if (ended === null) send({ kind: 'tell' });
        }, patienceForAnswered);
        return;
      case 'signals':
        for (const signal of message.signals) {
          const listener = listeners.get(signal.id);
          if (listener?.kind === 'eventfd') listener.signal(signal);
        }
        return;
      case 'answered': {
        const listener = listeners.get(message.id);
        if (listener?.kind === 'eventfd') listener.answered?.(message);
        return;
      }
      case 'record': {
        const listener = listeners.get(message.id);
        if (listener?.kind === 'records') listener.record(message);
        return;
      }
      case 'recordsLost': {
        const listener = listeners.get(message.id);
        if (listener?.kind === 'records') listener.lost(message.at);
        return;
      }
      case 'broken':
        return broken(message.id, message.errno);
      case 'failed':
        return end(refused(message.errno, `epoll_wait() gave errno ${message.errno}`).error.message);
      default:
        return missingCase(message);
    }
  };

  thread.on('message', hear);
  thread.on('error', (error) => end(error instanceof Error ? error.message : String(error)));
  const exited = new Promise<void>((resolve) => {
    thread.on('exit', () => {
      end('it returned');
      closeAll();
      resolve();
    });
  });

  const watch = async (fd: number, watched: Watched, listener: Listener): Promise<Result<number>> => {
    const id = nextNumber;
    nextNumber += 1;
    listeners.set(id, listener);
    const answer = await order((number) => ({ kind: 'watch', order: number, id, fd, watched }));
    if (answer.ok) return success(id);
    listeners.delete(id);
    return answer;
  };

  const stop = async (id: number): Promise<Result<void>> => {
    if (!listeners.delete(id)) return done;
    return order((number) => ({ kind: 'forget', order: number, id }));
  };

  return success({
    watchEventfd: async (fd, listener, automatic = null) => {
      const id = await watch(fd, { kind: 'eventfd', automatic }, { kind: 'eventfd', ...listener });
      return id.ok
        ? success({
            stop: () => stop(id.value),
            handDown: (replacement, heard) =>
              order((number) => ({
                ...{ kind: 'handDown', order: number, id: id.value, heard, automatic: replacement },
              })),
            takeBack: () =>
              order((number) => ({
                ...{ kind: 'handDown', order: number, id: id.value, heard: null, automatic: null },
              })),
          })
        : id;
    },
    watchRecords: async (fd, maximumLength, listener) => {
      const id = await watch(fd, { kind: 'records', maximumLength }, { kind: 'records', ...listener });
      return id.ok ? success({ stop: () => stop(id.value) }) : id;
    },
    close: () => {
      listeners.clear();
      if (ended === null) send({ kind: 'end' });
      return exited;
    },
  });
};
