import type { Library } from './library.ts';
import type { MapRequest, Mapping, Syscalls, SyscallResult } from './syscalls.ts';

/**
 * The syscalls port over the C library, however that is called. The source of this function is also run in other
 * threads, so it uses its argument and the language alone; what is imported above are types.
 */
export const createSyscalls = (library: Library): Syscalls => {
  const counted = (returned: number): SyscallResult<number> =>
    returned < 0 ? { ok: false, errno: -returned } : { ok: true, value: returned };
  const finished = (returned: number): SyscallResult<void> =>
    returned < 0 ? { ok: false, errno: -returned } : { ok: true, value: undefined };

  const mappingAt = (address: bigint, length: number): Mapping => {
    let mapped = true;
    /** The address of what lies at an offset. */
    const at = (offset: number, size: number): bigint => {
      if (!mapped) throw new RangeError('The memory is not mapped any more.');
      if (!Number.isInteger(offset) || offset < 0 || size < 0 || offset + size > length) {
        throw new RangeError(`${size} bytes at ${offset} are outside a mapping of ${length} bytes.`);
      }
      return address + BigInt(offset);
    };
    return {
      address,
      length,
      read: (offset, width) => Number(library.load(at(offset, width), width)),
      readLong: (offset) => BigInt(library.load(at(offset, 8), 8)),
      write: (offset, width, value) => library.store(at(offset, width), width, value),
      writeLong: (offset, value) => library.store(at(offset, 8), 8, value),
      copyOut: (offset, size) => {
        const from = at(offset, size);
        const bytes = new Uint8Array(size);
        library.copyOut(from, bytes);
        return bytes;
      },
      copyIn: (offset, bytes) => library.copyIn(at(offset, bytes.length), bytes),
      unmap: () => {
        if (!mapped) return { ok: true, value: undefined };
        mapped = false;
        return finished(library.unmap(address, length));
      },
    };
  };

  // mman.h: PROT_READ 1, PROT_WRITE 2; MAP_SHARED 1, MAP_ANONYMOUS 0x20.
  const protections = { read: 1, write: 2, readWrite: 3 } as const;
  const map = ({ length, access, from }: MapRequest): SyscallResult<Mapping> => {
    const returned =
      from === 'anonymous'
        ? library.map(length, protections[access], 0x21, -1, 0n)
        : library.map(length, protections[access], 1, from.fd, from.offset);
    return returned < 0n
      ? { ok: false, errno: Number(-returned) }
      : { ok: true, value: mappingAt(returned, length) };
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

  return {
    open: (path, flags) => counted(library.open(path, flags)),
    close: (fd) => finished(library.close(fd)),
    ioctl: (fd, request, argument) => counted(library.ioctl(fd, request, argument)),
    eventfd: (initialCount, flags) => counted(library.eventfd(initialCount, flags)),
    read: (fd, into) => counted(library.read(fd, into)),
    write: (fd, bytes) => counted(library.write(fd, bytes)),
    pread: (fd, into, offset) => counted(library.pread(fd, into, offset)),
    pwrite: (fd, bytes, offset) => counted(library.pwrite(fd, bytes, offset)),
    poll: (entries, timeout) => {
      const bytes = new Uint8Array(entries.length * 8); // struct pollfd: int fd; short events, revents
      const view = new DataView(bytes.buffer);
      entries.forEach(({ fd, events: wanted }, position) => {
        view.setInt32(position * 8, fd, littleEndian);
        view.setInt16(position * 8 + 4, wanted, littleEndian);
      });
      const answered = counted(library.poll(bytes, entries.length, timeout));
      if (!answered.ok) return answered;
      return {
        ok: true,
        value: entries.map((_, position) => view.getInt16(position * 8 + 6, littleEndian)),
      };
    },
    epollCreate: () => counted(library.epollCreate(0o2000000)), // EPOLL_CLOEXEC
    epollAdd: (epoll, fd) => finished(library.epollControl(epoll, 1, fd, watchEvent(fd))), // EPOLL_CTL_ADD
    epollRemove: (epoll, fd) => finished(library.epollControl(epoll, 2, fd, watchEvent(fd))), // EPOLL_CTL_DEL
    epollWait: (epoll, timeout) => {
      const answered = counted(library.epollWait(epoll, events, 64, timeout));
      if (!answered.ok) return answered;
      const ready: number[] = [];
      for (let position = 0; position < answered.value; position += 1) {
        ready.push(eventsView.getInt32(position * epollEventSize + epollDataOffset, littleEndian));
      }
      return { ok: true, value: ready };
    },
    mmap: map,
    socket: (domain, type, protocol) => counted(library.socket(domain, type, protocol)),
    bind: (fd, address) => finished(library.bind(fd, address)),
    monotonic: () => library.monotonic(),
  };
};
