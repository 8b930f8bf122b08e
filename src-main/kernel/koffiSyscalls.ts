import { createRequire } from 'node:module';
import type koffiModule from 'koffi';
import { createSyscalls } from './createSyscalls.ts';
import type { Library } from './library.ts';
import type { Syscalls, SyscallsProvider } from './syscalls.ts';

type Koffi = typeof koffiModule;

/**
 * The C library by koffi. The source of this function is also run in other threads, so it uses its argument and the
 * language alone; what is imported above are types.
 *
 * ioctl() is declared once for each kind of argument instead of as variadic: koffi builds a variadic call anew each
 * time, and on Linux a further integer or pointer is passed in the same register either way.
 */
export const koffiLibrary = (koffi: Koffi): Library => {
  const library = koffi.load('libc.so.6');
  const c = {
    open: library.func('int open64(const char *path, int flags)'),
    close: library.func('int close(int fd)'),
    ioctlBuffer: library.func('int ioctl(int fd, unsigned long request, void *argument)'),
    ioctlNumber: library.func('int ioctl(int fd, unsigned long request, uint64_t argument)'),
    eventfd: library.func('int eventfd(unsigned int count, int flags)'),
    read: library.func('intptr_t read(int fd, void *buffer, size_t length)'),
    write: library.func('intptr_t write(int fd, void *buffer, size_t length)'),
    pread: library.func('intptr_t pread64(int fd, void *buffer, size_t length, int64_t offset)'),
    pwrite: library.func('intptr_t pwrite64(int fd, void *buffer, size_t length, int64_t offset)'),
    poll: library.func('int poll(void *entries, unsigned long count, int timeout)'),
    epollCreate: library.func('int epoll_create1(int flags)'),
    epollControl: library.func('int epoll_ctl(int epoll, int operation, int fd, void *event)'),
    epollWait: library.func('int epoll_wait(int epoll, void *events, int count, int timeout)'),
    mmap: library.func(
      'intptr_t mmap64(intptr_t address, size_t length, int protection, int flags, int fd, int64_t offset)',
    ),
    munmap: library.func('int munmap(intptr_t address, size_t length)'),
    copyOut: library.func('intptr_t memcpy(void *to, intptr_t from, size_t length)'),
    copyIn: library.func('intptr_t memcpy(intptr_t to, void *from, size_t length)'),
    socket: library.func('int socket(int domain, int type, int protocol)'),
    bind: library.func('int bind(int fd, void *address, unsigned int length)'),
    clock: library.func('int clock_gettime(int clock, void *time)'),
  };
  const answered = (returned: number): number => (returned < 0 ? -koffi.errno() : returned);
  const integerTypes = { 1: 'uint8_t', 2: 'uint16_t', 4: 'uint32_t', 8: 'uint64_t' } as const;
  const time = new BigInt64Array(2);

  return {
    open: (path, flags) => answered(c.open(path, flags)),
    close: (fd) => answered(c.close(fd)),
    ioctl: (fd, request, argument) =>
      answered(
        typeof argument === 'object'
          ? c.ioctlBuffer(fd, request, argument)
          : c.ioctlNumber(fd, request, argument),
      ),
    eventfd: (count, flags) => answered(c.eventfd(count, flags)),
    read: (fd, into) => answered(c.read(fd, into, into.length)),
    write: (fd, bytes) => answered(c.write(fd, bytes, bytes.length)),
    pread: (fd, into, offset) => answered(c.pread(fd, into, into.length, offset)),
    pwrite: (fd, bytes, offset) => answered(c.pwrite(fd, bytes, bytes.length, offset)),
    poll: (entries, count, timeout) => answered(c.poll(entries, count, timeout)),
    epollCreate: (flags) => answered(c.epollCreate(flags)),
    epollControl: (epoll, operation, fd, event) => answered(c.epollControl(epoll, operation, fd, event)),
    epollWait: (epoll, events, count, timeout) => answered(c.epollWait(epoll, events, count, timeout)),
    map: (length, protection, flags, fd, offset) => {
      const returned = BigInt(c.mmap(0, length, protection, flags, fd, offset) as number | bigint);
      return returned === -1n ? BigInt(-koffi.errno()) : returned;
    },
    unmap: (address, length) => answered(c.munmap(address, length)),
    socket: (domain, type, protocol) => answered(c.socket(domain, type, protocol)),
    bind: (fd, address) => answered(c.bind(fd, address, address.length)),
    load: (address, width) => koffi.decode(address, integerTypes[width]) as number | bigint,
    store: (address, width, value) => {
      koffi.encode(address, integerTypes[width], value);
    },
    copyOut: (address, into) => {
      if (into.length > 0) c.copyOut(into, address, into.length);
    },
    copyIn: (address, bytes) => {
      if (bytes.length > 0) c.copyIn(address, bytes, bytes.length);
    },
    monotonic: () => {
      c.clock(1, time); // CLOCK_MONOTONIC
      return Number(time[0]) * 1_000_000 + Number(time[1]) / 1000;
    },
  };
};

const require = createRequire(import.meta.url);

/** What other threads load. koffi lies beside the program also when that is one bundled file. */
export const koffiProvider = (): SyscallsProvider => ({
  addOn: require.resolve('koffi'),
  library: koffiLibrary,
});

/** The port for the calling thread; throws what the loader throws where koffi has no build for this machine. */
export const koffiSyscalls = (): Syscalls => createSyscalls(koffiLibrary(require('koffi') as Koffi));
