import type { Syscalls } from '../syscalls.ts';
import type { ThreadSide } from '../threads/startThread.ts';
import type {
  AnswerGiven,
  AutomaticAnswer,
  FromThread,
  PreparedCall,
  PreparedLook,
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
    /** How many signals and late answers were told. */
    told: number;
    /** An answer that is to be given later. */
    late: { readonly automatic: AutomaticAnswer; readonly signalAt: number; readonly due: number } | null;
  }
  const EINTR = 4;
  const EBADF = 9;
  const EAGAIN = 11;
  const EBUSY = 16;
  const EPIPE = 32;
  const ENOBUFS = 105;
  /** A talkative log must not keep a signal waiting. */
  const recordsAtOnce = 64;

  /** Whole microseconds, as journals have them. */
  const now = (): number => Math.floor(calls.monotonic());
  const byFd = new Map<number, Entry>();
  /** The entries with an answer that is to be given later: hardly ever one. */
  const owing = new Set<Entry>();
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

  const look = (prepared: PreparedLook): Uint8Array | number => {
    const bytes = new Uint8Array(prepared.length);
    const result = calls.pread(prepared.fd, bytes, prepared.offset);
    return result.ok ? bytes : result.errno;
  };

  const errnoOf = (prepared: PreparedCall): number => {
    if (prepared.call === 'expectClear') {
      const bytes = look(prepared);
      if (typeof bytes === 'number') return bytes;
      let value = 0;
      for (const [position, byte] of bytes.entries()) value += byte * 256 ** position;
      return value !== 256 ** bytes.length - 1 && (value & prepared.bits) !== 0 ? EBUSY : 0;
    }
    const result =
      prepared.call === 'ioctl'
        ? calls.ioctl(prepared.fd, prepared.request, prepared.argument)
        : prepared.call === 'pwrite'
          ? calls.pwrite(prepared.fd, prepared.bytes, prepared.offset)
          : calls.write(prepared.fd, prepared.bytes);
    if (result.ok || (prepared.call === 'ioctl' && result.errno === prepared.fine)) return 0;
    return result.errno;
  };

  const answerWith = (automatic: AutomaticAnswer, signalAt: number): AnswerGiven => {
    const looked = (automatic.looks ?? []).map(look);
    const quiesceErrnos = automatic.quiesce.map(errnoOf);
    const { latest } = automatic;
    const inTime = latest === undefined || now() - signalAt < latest;
    // The ack says that nobody touches the device any more.
    const isQuiet = quiesceErrnos.every((errno) => errno === 0);
    const acknowledgeErrno = inTime && isQuiet ? errnoOf(automatic.acknowledge) : null;
    return { at: now(), looked, quiesceErrnos, acknowledgeErrno };
  };

  const owe = (entry: Entry, late: Entry['late']): void => {
    entry.late = late;
    if (late === null) owing.delete(entry);
    else owing.add(entry);
  };

  const giveLateAnswers = (): void => {
    for (const entry of [...owing]) {
      const { late } = entry;
      if (late === null || now() < late.due) continue;
      owe(entry, null);
      entry.told += 1;
      const answer = answerWith(late.automatic, late.signalAt);
      post({ kind: 'answered', id: entry.id, number: entry.told, answer });
    }
  };

  /** In milliseconds, -1 for as long as it takes. */
  const timeToWait = (): number => {
    let due = Infinity;
    for (const { late } of owing) due = Math.min(due, late?.due ?? Infinity);
    return due === Infinity ? -1 : Math.max(0, Math.ceil((due - now()) / 1000));
  };

  const forget = (fd: number): void => {
    const entry = byFd.get(fd);
    if (entry !== undefined) owe(entry, null);
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
    // Whatever it says, the wait that a late answer is for has ended (observation 8).
    owe(entry, null);
    let answer: AnswerGiven | null = null;
    if (entry.automatic !== null && entry.usesLeft > 0) {
      // Used up even when no ack is given: from here on only the main thread knows what the next signal means.
      entry.usesLeft -= 1;
      const { automatic } = entry;
      const { delay = 0 } = automatic;
      if (count === 1n && delay > 0) owe(entry, { automatic, signalAt: at, due: at + delay });
      else if (count === 1n) answer = answerWith(automatic, at);
    }
    entry.told += 1;
    untold.push({ id: entry.id, number: entry.told, at, count, answer });
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
            told: 0,
            late: null,
          });
        }
        post({ kind: 'answer', order: message.order, errno: added.ok ? 0 : added.errno });
        return 'goOn';
      }
      case 'handDown': {
        const entry = byFd.get(fdOf(message.id));
        // What was decided without knowing of the last signal is not done.
        const isOld = entry !== undefined && message.heard !== null && entry.told > message.heard;
        if (entry !== undefined && !isOld) {
          entry.automatic = message.automatic;
          entry.usesLeft = message.automatic?.uses ?? 0;
          owe(entry, null);
        }
        const errno = entry === undefined ? EBADF : isOld ? EAGAIN : 0;
        post({ kind: 'answer', order: message.order, errno });
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
    const ready = calls.epollWait(data.epoll, timeToWait());
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
    giveLateAnswers();
  }
};
