/**
 * The C library as an add-on gives it to JavaScript: what `createSyscalls.ts` makes the port of. What is called
 * "returned" is what the call returned, or minus its errno.
 */
export interface Library {
  open(path: string, flags: number): number;
  close(fd: number): number;
  ioctl(fd: number, request: number, argument: Uint8Array | number | bigint): number;
  eventfd(count: number, flags: number): number;
  read(fd: number, into: Uint8Array): number;
  write(fd: number, bytes: Uint8Array): number;
  pread(fd: number, into: Uint8Array, offset: bigint): number;
  pwrite(fd: number, bytes: Uint8Array, offset: bigint): number;
  /** `entries`: an array of struct pollfd. */
  poll(entries: Uint8Array, count: number, timeout: number): number;
  epollCreate(flags: number): number;
  /** `event`: a struct epoll_event. */
  epollControl(epoll: number, operation: number, fd: number, event: Uint8Array): number;
  /** `events`: an array of struct epoll_event, of which at most `count` are filled. */
  epollWait(epoll: number, events: Uint8Array, count: number, timeout: number): number;
  /** The address, or minus the errno. */
  map(length: number, protection: number, flags: number, fd: number, offset: bigint): bigint;
  unmap(address: bigint, length: number): number;
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array): number;
  /** One load of exactly this width, of memory that is there. */
  load(address: bigint, width: 1 | 2 | 4 | 8): number | bigint;
  /** One store of exactly this width, to memory that is there. */
  store(address: bigint, width: 1 | 2 | 4 | 8, value: number | bigint): void;
  /** memcpy(); `into` and `bytes` may be empty. */
  copyOut(address: bigint, into: Uint8Array): void;
  copyIn(address: bigint, bytes: Uint8Array): void;
  /** CLOCK_MONOTONIC in microseconds, with a fraction. */
  monotonic(): number;
}
