import type { Syscalls } from '../syscalls.ts';
import type { ThreadSide } from '../threads/startThread.ts';
import type {
  AnswerGiven,
  AutomaticAnswer,
  FromThread,
  PreparedCall,
  TakenSignal,
  ToThread,
  Watched,
} from './messages.ts';

export interface WaiterThreadData {
  readonly epoll: number;
  readonly wake: number;
}

/**
 * Runs in a thread (../threads/README.md). It blocks in one epoll_wait() over everything watched and the wake eventfd,
 * and reads its messages only when woken. epoll and not poll(): the kernel would look at each of 256 descriptors for
 * each signal of one.
 */
export const waiterThread = (calls: Syscalls, side: ThreadSide, data: WaiterThreadData): void => {
  interface Entry {
    readonly id: number;
    readonly watched: Watched;
    automatic: AutomaticAnswer | null;
    usesLeft: number;
  }
  const EINTR = 4;
  const EAGAIN = 11;
  const EPIPE = 32;
  const ENOBUFS = 105;
  /** A talkative log must not keep a signal waiting. */
  const recordsAtOnce = 64;

  /** Whole microseconds, as journals have them. */
  const now = (): number => Math.floor(calls.monotonic());
  const byFd = new Map<number, Entry>();
  const counter = new BigUint64Array(1);
  const counterBytes = new Uint8Array(counter.buffer);

  /**
   * Signals that were answered already. Telling of them wakes the main thread, which would cost the next signal of a
   * burst its processor: the main thread hears that there are some, and asks for them a little later. No time-out of
   * epoll_wait() instead: in a virtual machine setting a timer costs more than all the rest.
   */
  let untold: TakenSignal[] = [];
  const tellSignals = (): void => {
    if (untold.length === 0) return;
    side.port.postMessage({ kind: 'signals', signals: untold } satisfies FromThread);
    untold = [];
  };
  const post = (message: FromThread): void => {
    tellSignals();
    side.port.postMessage(message);
  };

  const errnoOf = (prepared: PreparedCall): number => {
    const result =
      prepared.call === 'ioctl'
        ? calls.ioctl(prepared.fd, prepared.request, prepared.argument)
        : prepared.call === 'pwrite'
          ? calls.pwrite(prepared.fd, prepared.bytes, prepared.offset)
          : calls.write(prepared.fd, prepared.bytes);
    return result.ok ? 0 : result.errno;
  };

  const answerWith = (automatic: AutomaticAnswer): AnswerGiven => {
    const quiesceErrnos = automatic.quiesce.map(errnoOf);
    const acknowledgeErrno = errnoOf(automatic.acknowledge);
    return { at: now(), quiesceErrnos, acknowledgeErrno };
  };

  const forget = (fd: number): void => {
    byFd.delete(fd);
    calls.epollRemove(data.epoll, fd);
  };

  const takeSignal = (fd: number, entry: Entry, at: number): void => {
    const result = calls.read(fd, counterBytes);
    if (!result.ok) {
      if (result.errno === EAGAIN || result.errno === EINTR) return;
      forget(fd);
      post({ kind: 'broken', id: entry.id, errno: result.errno });
      return;
    }
    const count = counter[0] ?? 0n;
    let answer: AnswerGiven | null = null;
    if (entry.automatic !== null && entry.usesLeft > 0) {
      // Used up even when no ack is given: from here on only the main thread knows what the next signal means.
      entry.usesLeft -= 1;
      if (count === 1n) answer = answerWith(entry.automatic);
    }
    untold.push({ id: entry.id, at, count, answer });
    if (answer === null) tellSignals();
    else if (untold.length === 1) side.port.postMessage({ kind: 'untold' } satisfies FromThread);
  };

  const takeRecords = (fd: number, entry: Entry, maximumLength: number, at: number): void => {
    for (let taken = 0; taken < recordsAtOnce; taken += 1) {
      const bytes = new Uint8Array(maximumLength);
      const result = calls.read(fd, bytes);
      if (result.ok && result.value > 0) {
        post({ kind: 'record', id: entry.id, at, bytes: bytes.slice(0, result.value) });
        continue;
      }
      const errno = result.ok ? 0 : result.errno;
      if (errno === EAGAIN || errno === EINTR) return;
      if (errno === EPIPE || errno === ENOBUFS) {
        post({ kind: 'recordsLost', id: entry.id, at, errno });
        continue;
      }
      forget(fd);
      post({ kind: 'broken', id: entry.id, errno });
      return;
    }
  };

  const fdOf = (id: number): number => [...byFd].find(([, entry]) => entry.id === id)?.[0] ?? -1;

  const obey = (message: ToThread): 'goOn' | 'end' => {
    switch (message.kind) {
      case 'watch': {
        const added = calls.epollAdd(data.epoll, message.fd);
        if (added.ok) {
          const automatic = message.watched.kind === 'eventfd' ? message.watched.automatic : null;
          byFd.set(message.fd, {
            id: message.id,
            watched: message.watched,
            automatic,
            usesLeft: automatic?.uses ?? 0,
          });
        }
        post({ kind: 'answer', order: message.order, errno: added.ok ? 0 : added.errno });
        return 'goOn';
      }
      case 'handDown': {
        const entry = byFd.get(fdOf(message.id));
        if (entry !== undefined) {
          entry.automatic = message.automatic;
          entry.usesLeft = message.automatic?.uses ?? 0;
        }
        post({ kind: 'answer', order: message.order, errno: entry === undefined ? 9 : 0 }); // EBADF
        return 'goOn';
      }
      case 'forget':
        forget(fdOf(message.id));
        post({ kind: 'answer', order: message.order, errno: 0 });
        return 'goOn';
      case 'tell':
        tellSignals();
        return 'goOn';
      case 'end':
        return 'end';
    }
  };

  for (;;) {
    const ready = calls.epollWait(data.epoll, -1);
    const at = now();
    if (!ready.ok) {
      if (ready.errno === EINTR) continue;
      post({ kind: 'failed', errno: ready.errno });
      return;
    }
    // Messages first: an automatic answer that was taken back before the signal must not be given.
    if (ready.value.includes(data.wake)) {
      calls.read(data.wake, counterBytes);
      for (let next = side.receive(); next !== undefined; next = side.receive()) {
        if (obey(next.message as ToThread) === 'end') return tellSignals();
      }
    }
    for (const fd of ready.value) {
      const entry = byFd.get(fd);
      if (entry === undefined) continue;
      if (entry.watched.kind === 'eventfd') takeSignal(fd, entry, at);
      else takeRecords(fd, entry, entry.watched.maximumLength, at);
    }
  }
};
