import type { Library } from './library.ts';

/**
 * The system calls that the bench makes, and nothing above them: the port that stands between this room and the add-on
 * that really calls the C library. `createSyscalls.ts` implements it over koffi or over the bench's own add-on;
 * `test/conformance/syscallsSuite.ts` is what it passes over both.
 *
 * No call throws because of what the kernel said. Numbers in buffers are in the host's byte order.
 */

/** `errno` is the number as it was right after the call; `errnoFromNumber` of core/errno.ts gives it its name. */
export type SyscallResult<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly errno: number };

export type MappingWidth = 1 | 2 | 4 | 8;

/**
 * Memory mapped into this process. `offset` counts from its start; an offset outside it, or a use after `unmap`, is a
 * mistake of the calling code and throws a RangeError, because the processor would answer with SIGSEGV. A mapped BAR
 * whose device has Memory off answers with SIGBUS (vfio_pci_mmap_fault): read a BAR of a device in trouble with pread.
 */
export interface Mapping {
  readonly address: bigint;
  readonly length: number;
  /** One load of exactly this width. */
  read(offset: number, width: 1 | 2 | 4): number;
  /** One load of 64 bits. */
  readLong(offset: number): bigint;
  /** One store of exactly this width. */
  write(offset: number, width: 1 | 2 | 4, value: number): void;
  /** One store of 64 bits. */
  writeLong(offset: number, value: bigint): void;
  /** A copy, by as many accesses as memcpy() likes: for memory, not for registers. */
  copyOut(offset: number, length: number): Uint8Array;
  copyIn(offset: number, bytes: Uint8Array): void;
  unmap(): SyscallResult<void>;
}

export interface MapRequest {
  /** Bytes. */
  readonly length: number;
  readonly access: 'read' | 'write' | 'readWrite';
  /** A file, or memory of this process that the kernel may pin: shared and filled with zeros. */
  readonly from: { readonly fd: number; readonly offset: bigint } | 'anonymous';
}

export interface PollEntry {
  readonly fd: number;
  /** `pollEvents`, or'ed. */
  readonly events: number;
}

export interface Syscalls {
  /** `flags`: `openFlags`, or'ed. No file is created. */
  open(path: string, flags: number): SyscallResult<number>;
  close(fd: number): SyscallResult<void>;
  /** What ioctl() returned. A buffer is handed over by its address, and holds the answer afterwards. */
  ioctl(fd: number, request: number, argument: Uint8Array | number | bigint): SyscallResult<number>;
  /** `flags`: `eventfdFlags`, or'ed. */
  eventfd(initialCount: number, flags: number): SyscallResult<number>;
  /** Bytes read into the buffer; 0 at the end of a file. */
  read(fd: number, into: Uint8Array): SyscallResult<number>;
  write(fd: number, bytes: Uint8Array): SyscallResult<number>;
  pread(fd: number, into: Uint8Array, offset: bigint): SyscallResult<number>;
  pwrite(fd: number, bytes: Uint8Array, offset: bigint): SyscallResult<number>;
  /**
   * The `revents` of each entry, all 0 after the time-out. It blocks the calling thread: on the main thread only with
   * a time-out of 0 ms. -1 waits for ever.
   */
  poll(entries: readonly PollEntry[], timeout: number): SyscallResult<readonly number[]>;
  /** A close-on-exec epoll instance. */
  epollCreate(): SyscallResult<number>;
  epollAdd(epoll: number, fd: number): SyscallResult<void>;
  epollRemove(epoll: number, fd: number): SyscallResult<void>;
  /** The descriptors that are readable or broken, at most 64 at a time, level-triggered. Blocks like `poll`. */
  epollWait(epoll: number, timeout: number): SyscallResult<readonly number[]>;
  mmap(request: MapRequest): SyscallResult<Mapping>;
  socket(domain: number, type: number, protocol: number): SyscallResult<number>;
  /** `address`: a sockaddr as bytes. */
  bind(fd: number, address: Uint8Array): SyscallResult<void>;
  /** CLOCK_MONOTONIC in microseconds, with a fraction. */
  monotonic(): number;
}

/**
 * How a thread gets an implementation of its own: a function cannot cross to another thread, but its source and the
 * path of the add-on can. `library` must not use anything but its argument and the language (see threads/README.md).
 */
export interface SyscallsProvider {
  /** File of the add-on, for require(). */
  readonly addOn: string;
  readonly library: (addOn: never) => Library;
}

/** fcntl.h, asm-generic, which x86 and s390x use. */
export const openFlags = {
  O_RDONLY: 0,
  O_WRONLY: 1,
  O_RDWR: 2,
  O_NONBLOCK: 0o4000,
  O_CLOEXEC: 0o2000000,
} as const;

/** sys/eventfd.h. */
export const eventfdFlags = { EFD_NONBLOCK: 0o4000, EFD_CLOEXEC: 0o2000000 } as const;

/** poll.h. */
export const pollEvents = {
  POLLIN: 1,
  POLLPRI: 2,
  POLLOUT: 4,
  POLLERR: 8,
  POLLHUP: 16,
  POLLNVAL: 32,
} as const;
