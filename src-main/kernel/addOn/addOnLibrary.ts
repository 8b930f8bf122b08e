import type { Library } from '../library.ts';

type Argument = number | bigint | Uint8Array | null;

/** What `resources/native/syscalls.c` exports. What it returns may be minus an errno. */
export interface AddOn {
  /** The numbers of system calls, by their names, on the architecture that it was built for. */
  readonly numbers: Readonly<Record<string, number>>;
  /** Up to six arguments; a Uint8Array is handed over by its address. */
  syscall(number: number, ...list: readonly Argument[]): number;
  map(length: number, protection: number, flags: number, fd: number, offset: bigint): number | bigint;
  load(address: bigint, width: number): number | bigint;
  store(address: bigint, width: number, value: number | bigint): void;
  copyOut(address: bigint, into: Uint8Array): void;
  copyIn(address: bigint, bytes: Uint8Array): void;
  monotonic(): number;
}

/**
 * The C library by the bench's own add-on. The source of this function is also run in other threads, so it uses its
 * argument and the language alone; what is imported above are types.
 */
export const addOnLibrary = (addOn: AddOn): Library => {
  const call = (name: string): ((...list: readonly Argument[]) => number) => {
    const number = addOn.numbers[name];
    if (number === undefined) throw new Error(`The add-on does not know the system call ${name}.`);
    return (...list) => addOn.syscall(number, ...list);
  };
  const openat = call('openat');
  const close = call('close');
  const ioctl = call('ioctl');
  const eventfd = call('eventfd2');
  const read = call('read');
  const write = call('write');
  const pread = call('pread64');
  const pwrite = call('pwrite64');
  const poll = call('poll');
  const epollCreate = call('epoll_create1');
  const epollControl = call('epoll_ctl');
  const epollWait = call('epoll_wait');
  const unmap = call('munmap');
  const socket = call('socket');
  const bind = call('bind');
  const text = new TextEncoder();
  const workingDirectory = -100; // fcntl.h: AT_FDCWD

  return {
    open: (path, flags) => openat(workingDirectory, text.encode(`${path}\0`), flags),
    close: (fd) => close(fd),
    ioctl: (fd, request, argument) => ioctl(fd, request, argument),
    eventfd: (count, flags) => eventfd(count, flags),
    read: (fd, into) => read(fd, into, into.length),
    write: (fd, bytes) => write(fd, bytes, bytes.length),
    pread: (fd, into, offset) => pread(fd, into, into.length, offset),
    pwrite: (fd, bytes, offset) => pwrite(fd, bytes, bytes.length, offset),
    poll: (entries, count, timeout) => poll(entries, count, timeout),
    epollCreate: (flags) => epollCreate(flags),
    epollControl: (epoll, operation, fd, event) => epollControl(epoll, operation, fd, event),
    epollWait: (epoll, events, count, timeout) => epollWait(epoll, events, count, timeout),
    map: (length, protection, flags, fd, offset) => BigInt(addOn.map(length, protection, flags, fd, offset)),
    unmap: (address, length) => unmap(address, length),
    socket: (domain, type, protocol) => socket(domain, type, protocol),
    bind: (fd, address) => bind(fd, address, address.length),
    load: (address, width) => addOn.load(address, width),
    store: (address, width, value) => addOn.store(address, width, value),
    copyOut: (address, into) => addOn.copyOut(address, into),
    copyIn: (address, bytes) => addOn.copyIn(address, bytes),
    monotonic: () => addOn.monotonic(),
  };
};
