import { createRequire } from 'node:module';
import type koffiModule from 'koffi';
import type { MapRequest, Mapping, Syscalls, SyscallResult, SyscallsProvider } from './syscalls.ts';

type Koffi = typeof koffiModule;

/**
 * The syscalls port by koffi. The source of this function is also run in other threads, so it uses its argument and
 * the language alone; what is imported above are types.
 *
 * ioctl() is declared once for each kind of argument instead of as variadic: koffi builds a variadic call anew each
 * time, and on Linux a further integer or pointer is passed in the same register either way.
 */
export const createKoffiSyscalls = (koffi: Koffi): Syscalls => {
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

  const refused = (): SyscallResult<never> => ({ ok: false, errno: koffi.errno() });
  const counted = (returned: number): SyscallResult<number> =>
    returned < 0 ? refused() : { ok: true, value: returned };
  const finished = (returned: number): SyscallResult<void> =>
    returned < 0 ? refused() : { ok: true, value: undefined };
  const integerTypes = { 1: 'uint8_t', 2: 'uint16_t', 4: 'uint32_t', 8: 'uint64_t' } as const;

  const mappingAt = (address: bigint, length: number): Mapping => {
    let mapped = true;
    const within = (offset: number, size: number): void => {
      if (!mapped) throw new RangeError('The memory is not mapped any more.');
      if (!Number.isInteger(offset) || offset < 0 || size < 0 || offset + size > length) {
        throw new RangeError(`${size} bytes at ${offset} are outside a mapping of ${length} bytes.`);
      }
    };
    return {
      address,
      length,
      read: (offset, width) => {
        within(offset, width);
        return koffi.decode(address, offset, integerTypes[width]) as number;
      },
      readLong: (offset) => {
        within(offset, 8);
        return BigInt(koffi.decode(address, offset, integerTypes[8]) as number | bigint);
      },
      write: (offset, width, value) => {
        within(offset, width);
        koffi.encode(address, offset, integerTypes[width], value);
      },
      writeLong: (offset, value) => {
        within(offset, 8);
        koffi.encode(address, offset, integerTypes[8], value);
      },
      copyOut: (offset, size) => {
        within(offset, size);
        const bytes = new Uint8Array(size);
        if (size > 0) c.copyOut(bytes, address + BigInt(offset), size);
        return bytes;
      },
      copyIn: (offset, bytes) => {
        within(offset, bytes.length);
        if (bytes.length > 0) c.copyIn(address + BigInt(offset), bytes, bytes.length);
      },
      unmap: () => {
        if (!mapped) return { ok: true, value: undefined };
        mapped = false;
        return finished(c.munmap(address, length));
      },
    };
  };

  // mman.h: PROT_READ 1, PROT_WRITE 2; MAP_SHARED 1, MAP_ANONYMOUS 0x20.
  const protections = { read: 1, write: 2, readWrite: 3 } as const;
  const map = ({ length, access, from }: MapRequest): SyscallResult<Mapping> => {
    const anonymous = from === 'anonymous';
    const flags = 1 | (anonymous ? 0x20 : 0);
    const fd = anonymous ? -1 : from.fd;
    const returned = c.mmap(0, length, protections[access], flags, fd, anonymous ? 0n : from.offset) as
      number | bigint;
    return Number(returned) === -1 ? refused() : { ok: true, value: mappingAt(BigInt(returned), length) };
  };

  // struct epoll_event is packed on x86-64 alone (sys/epoll.h, __EPOLL_PACKED): 12 bytes there, 16 elsewhere.
  const epollEventSize = process.arch === 'x64' ? 12 : 16;
  const epollDataOffset = process.arch === 'x64' ? 4 : 8;
  const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
  const events = new Uint8Array(64 * epollEventSize);
  const eventsView = new DataView(events.buffer);
  const watchEvent = (fd: number): Uint8Array => {
    const event = new Uint8Array(epollEventSize);
    const view = new DataView(event.buffer);
    view.setUint32(0, 1, littleEndian); // EPOLLIN; EPOLLERR and EPOLLHUP come unasked
    view.setInt32(epollDataOffset, fd, littleEndian);
    return event;
  };

  const time = new BigInt64Array(2);
  return {
    open: (path, flags) => counted(c.open(path, flags)),
    close: (fd) => finished(c.close(fd)),
    ioctl: (fd, request, argument) =>
      counted(
        typeof argument === 'object'
          ? c.ioctlBuffer(fd, request, argument)
          : c.ioctlNumber(fd, request, argument),
      ),
    eventfd: (initialCount, flags) => counted(c.eventfd(initialCount, flags)),
    read: (fd, into) => counted(c.read(fd, into, into.length)),
    write: (fd, bytes) => counted(c.write(fd, bytes, bytes.length)),
    pread: (fd, into, offset) => counted(c.pread(fd, into, into.length, offset)),
    pwrite: (fd, bytes, offset) => counted(c.pwrite(fd, bytes, bytes.length, offset)),
    poll: (entries, timeout) => {
      const bytes = new Uint8Array(entries.length * 8); // struct pollfd: int fd; short events, revents
      const view = new DataView(bytes.buffer);
      entries.forEach(({ fd, events: wanted }, position) => {
        view.setInt32(position * 8, fd, littleEndian);
        view.setInt16(position * 8 + 4, wanted, littleEndian);
      });
      if (c.poll(bytes, entries.length, timeout) < 0) return refused();
      return {
        ok: true,
        value: entries.map((_, position) => view.getInt16(position * 8 + 6, littleEndian)),
      };
    },
    epollCreate: () => counted(c.epollCreate(0o2000000)), // EPOLL_CLOEXEC
    epollAdd: (epoll, fd) => finished(c.epollControl(epoll, 1, fd, watchEvent(fd))), // EPOLL_CTL_ADD
    epollRemove: (epoll, fd) => finished(c.epollControl(epoll, 2, fd, watchEvent(fd))), // EPOLL_CTL_DEL
    epollWait: (epoll, timeout) => {
      const count = c.epollWait(epoll, events, 64, timeout) as number;
      if (count < 0) return refused();
      const ready: number[] = [];
      for (let position = 0; position < count; position += 1) {
        ready.push(eventsView.getInt32(position * epollEventSize + epollDataOffset, littleEndian));
      }
      return { ok: true, value: ready };
    },
    mmap: map,
    socket: (domain, type, protocol) => counted(c.socket(domain, type, protocol)),
    bind: (fd, address) => finished(c.bind(fd, address, address.length)),
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
  create: createKoffiSyscalls,
});

/** The port for the calling thread; throws what the loader throws where koffi has no build for this machine. */
export const koffiSyscalls = (): Syscalls => createKoffiSyscalls(require('koffi') as Koffi);
