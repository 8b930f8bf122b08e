import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errnoNumbers, type ErrnoName } from '../../src-main/core/errno.ts';
import {
  eventfdFlags,
  openFlags,
  pollEvents,
  type Syscalls,
  type SyscallResult,
} from '../../src-main/kernel/syscalls.ts';

const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
const counterOf = (bytes: Uint8Array): bigint => new DataView(bytes.buffer).getBigUint64(0, littleEndian);
const counter = (value: bigint): Uint8Array => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, littleEndian);
  return bytes;
};

export const openDescriptors = (): readonly string[] => readdirSync('/proc/self/fd');

/** The value, or a failed test that names the errno. */
export const taken = <Value>(result: SyscallResult<Value>): Value => {
  if (!result.ok) throw new Error(`refused with errno ${result.errno}`);
  return result.value;
};

const refusal = (errno: ErrnoName): unknown => ({ ok: false, errno: errnoNumbers[errno] });

// asm-generic/ioctls.h
const FIONREAD = 0x541b;
const TCGETS = 0x5401;
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;

/** What every implementation of the syscalls port does, against the kernel that runs the test. */
export const syscallsSuite = (name: string, open: () => Syscalls): void => {
  describe(`system calls of ${name}`, () => {
    let calls: Syscalls;
    let directory: string;
    const { EFD_NONBLOCK, EFD_CLOEXEC } = eventfdFlags;

    beforeAll(() => {
      calls = open();
      directory = mkdtempSync(join(tmpdir(), 'syscalls-'));
    });
    afterAll(() => rmSync(directory, { recursive: true, force: true }));

    const withFd = (fd: number, use: (fd: number) => void): void => {
      try {
        use(fd);
      } finally {
        taken(calls.close(fd));
      }
    };
    const file = (content: string): string => {
      const path = join(directory, 'file');
      writeFileSync(path, content);
      return path;
    };

    it('counts the signals of an eventfd, in host order, and clears it with a read', () => {
      withFd(taken(calls.eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC)), (fd) => {
        expect(calls.write(fd, counter(0x1_0000_0002n))).toEqual({ ok: true, value: 8 });
        const bytes = new Uint8Array(8);
        expect(calls.read(fd, bytes)).toEqual({ ok: true, value: 8 });
        expect(counterOf(bytes)).toBe(0x1_0000_0005n);
        expect(calls.read(fd, bytes)).toEqual(refusal('EAGAIN'));
      });
    });

    it('reads into the part of a buffer that it was given, and nowhere else', () => {
      withFd(taken(calls.eventfd(7, EFD_NONBLOCK)), (fd) => {
        const bytes = new Uint8Array(24).fill(0xee);
        taken(calls.read(fd, bytes.subarray(8, 16)));
        expect([...bytes.subarray(0, 8), ...bytes.subarray(16)]).toEqual(Array(16).fill(0xee));
        expect(counterOf(bytes.slice(8, 16))).toBe(7n);
      });
    });

    it('gives the errno of each call that is refused', () => {
      const bytes = new Uint8Array(8);
      const closed = taken(calls.eventfd(0, 0));
      taken(calls.close(closed));
      const missing = join(directory, 'missing');
      expect(calls.open(missing, openFlags.O_RDWR)).toEqual(refusal('ENOENT'));
      expect(calls.open(directory, openFlags.O_RDWR)).toEqual(refusal('EISDIR'));
      expect(calls.eventfd(0, 1 << 30)).toEqual(refusal('EINVAL'));
      expect(calls.close(closed)).toEqual(refusal('EBADF'));
      expect(calls.read(closed, bytes)).toEqual(refusal('EBADF'));
      expect(calls.write(closed, bytes)).toEqual(refusal('EBADF'));
      expect(calls.pread(closed, bytes, 0n)).toEqual(refusal('EBADF'));
      expect(calls.pwrite(closed, bytes, 0n)).toEqual(refusal('EBADF'));
      expect(calls.ioctl(closed, FIONREAD, bytes)).toEqual(refusal('EBADF'));
      expect(calls.ioctl(closed, FIONREAD, 0)).toEqual(refusal('EBADF'));
      expect(calls.bind(closed, new Uint8Array(12))).toEqual(refusal('EBADF'));
      expect(calls.epollAdd(closed, 0)).toEqual(refusal('EBADF'));
      expect(calls.epollRemove(closed, 0)).toEqual(refusal('EBADF'));
      expect(calls.epollWait(closed, 0)).toEqual(refusal('EBADF'));
      expect(calls.socket(AF_NETLINK, SOCK_RAW, 9999)).toEqual(refusal('EPROTONOSUPPORT'));
      expect(calls.mmap({ length: 0, access: 'read', from: 'anonymous' })).toEqual(refusal('EINVAL'));
      expect(calls.mmap({ length: 4096, access: 'read', from: { fd: closed, offset: 0n } })).toEqual(
        refusal('EBADF'),
      );
    });

    it('opens, reads and writes a file at an offset', () => {
      withFd(taken(calls.open(file('0123456789'), openFlags.O_RDWR | openFlags.O_CLOEXEC)), (fd) => {
        expect(calls.pwrite(fd, Uint8Array.of(0x41, 0x42), 4n)).toEqual({ ok: true, value: 2 });
        const bytes = new Uint8Array(4);
        expect(calls.pread(fd, bytes, 3n)).toEqual({ ok: true, value: 4 });
        expect(Buffer.from(bytes).toString()).toBe('3AB6');
        expect(calls.pread(fd, bytes, 100n)).toEqual({ ok: true, value: 0 });
        expect(readFileSync(join(directory, 'file'), 'latin1')).toBe('0123AB6789');
      });
    });

    it('takes offsets beyond 4 GiB, as those of VFIO regions are', () => {
      withFd(taken(calls.open(file(''), openFlags.O_RDWR)), (fd) => {
        const offset = 7n << 34n;
        expect(calls.pwrite(fd, Uint8Array.of(0x5a), offset)).toEqual({ ok: true, value: 1 });
        const bytes = new Uint8Array(2);
        expect(calls.pread(fd, bytes, offset - 1n)).toEqual({ ok: true, value: 2 });
        expect([...bytes]).toEqual([0, 0x5a]);
      });
    });

    it('hands an ioctl a buffer that the kernel fills, or a plain number', () => {
      withFd(taken(calls.open(file('0123456789'), openFlags.O_RDONLY)), (fd) => {
        const bytes = new Uint8Array(4);
        expect(calls.ioctl(fd, FIONREAD, bytes)).toEqual({ ok: true, value: 0 });
        expect(new DataView(bytes.buffer).getInt32(0, littleEndian)).toBe(10);
        expect(calls.ioctl(fd, FIONREAD, 0)).toEqual(refusal('EFAULT'));
        expect(calls.ioctl(fd, FIONREAD, 1n)).toEqual(refusal('EFAULT'));
        expect(calls.ioctl(fd, TCGETS, new Uint8Array(64))).toEqual(refusal('ENOTTY'));
      });
    });

    it('tells by poll what is readable, hung up or not open', () => {
      const quiet = taken(calls.eventfd(0, 0));
      const signalled = taken(calls.eventfd(1, 0));
      const closed = taken(calls.eventfd(0, 0));
      taken(calls.close(closed));
      const entries = [quiet, signalled, closed].map((fd) => ({ fd, events: pollEvents.POLLIN }));
      expect(calls.poll(entries, 0)).toEqual({
        ok: true,
        value: [0, pollEvents.POLLIN, pollEvents.POLLNVAL],
      });
      expect(calls.poll(entries.slice(0, 1), 1)).toEqual({ ok: true, value: [0] });
      expect(calls.poll([], 0)).toEqual({ ok: true, value: [] });
      for (const fd of [quiet, signalled]) taken(calls.close(fd));
    });

    it('tells by epoll which of many descriptors are readable', () => {
      const epoll = taken(calls.epollCreate());
      const eventfds = Array.from({ length: 100 }, () => taken(calls.eventfd(0, EFD_NONBLOCK)));
      for (const fd of eventfds) taken(calls.epollAdd(epoll, fd));
      expect(calls.epollAdd(epoll, eventfds[0] ?? -1)).toEqual(refusal('EEXIST'));
      expect(calls.epollWait(epoll, 0)).toEqual({ ok: true, value: [] });
      const chosen = [eventfds[3], eventfds[99]].filter((fd) => fd !== undefined);
      for (const fd of chosen) taken(calls.write(fd, counter(1n)));
      expect([...taken(calls.epollWait(epoll, -1))].sort()).toEqual([...chosen].sort());
      taken(calls.epollRemove(epoll, chosen[0] ?? -1));
      expect(calls.epollWait(epoll, -1)).toEqual({ ok: true, value: [chosen[1]] });
      expect(calls.epollRemove(epoll, chosen[0] ?? -1)).toEqual(refusal('ENOENT'));
      for (const fd of eventfds) taken(calls.write(fd, counter(1n)));
      expect(taken(calls.epollWait(epoll, 0))).toHaveLength(64);
      for (const fd of [epoll, ...eventfds]) taken(calls.close(fd));
    });

    it('closes a descriptor that a child would inherit otherwise', () => {
      withFd(taken(calls.eventfd(0, EFD_CLOEXEC)), (kept) => {
        withFd(taken(calls.epollCreate()), (epoll) => {
          const flags = (fd: number): string => readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
          for (const fd of [kept, epoll]) expect(flags(fd)).toMatch(/flags:\s*02\d{6}/);
        });
      });
    });

    it('maps memory of its own, filled with zeros, and accesses it with each width', () => {
      const mapping = taken(calls.mmap({ length: 8192, access: 'readWrite', from: 'anonymous' }));
      expect(mapping.address % 4096n).toBe(0n);
      expect(mapping.readLong(0)).toBe(0n);
      mapping.writeLong(8, 0x8182_8384_8586_8788n);
      expect(mapping.readLong(8)).toBe(0x8182_8384_8586_8788n);
      const bytes = mapping.copyOut(8, 8);
      const view = new DataView(bytes.buffer);
      expect(mapping.read(8, 1)).toBe(view.getUint8(0));
      expect(mapping.read(10, 2)).toBe(view.getUint16(2, littleEndian));
      expect(mapping.read(12, 4)).toBe(view.getUint32(4, littleEndian));
      mapping.write(16, 1, 0xff);
      mapping.write(18, 2, 0xfffe);
      mapping.write(20, 4, 0xffff_fffd);
      expect([mapping.read(16, 1), mapping.read(17, 1), mapping.read(18, 2), mapping.read(20, 4)]).toEqual([
        0xff, 0, 0xfffe, 0xffff_fffd,
      ]);
      mapping.copyIn(8190, Uint8Array.of(1, 2));
      expect([...mapping.copyOut(8189, 3)]).toEqual([0, 1, 2]);
      expect(mapping.unmap()).toEqual({ ok: true, value: undefined });
    });

    it('refuses an access outside a mapping or after its end, instead of dying of it', () => {
      const mapping = taken(calls.mmap({ length: 4096, access: 'readWrite', from: 'anonymous' }));
      expect(() => mapping.read(4096, 1)).toThrow(RangeError);
      expect(() => mapping.read(4093, 4)).toThrow(RangeError);
      expect(() => mapping.write(-1, 1, 0)).toThrow(RangeError);
      expect(() => mapping.readLong(4089)).toThrow(RangeError);
      expect(() => mapping.writeLong(4089, 0n)).toThrow(RangeError);
      expect(() => mapping.copyOut(0, 4097)).toThrow(RangeError);
      expect(() => mapping.copyIn(4095, new Uint8Array(2))).toThrow(RangeError);
      taken(mapping.unmap());
      expect(() => mapping.read(0, 1)).toThrow(RangeError);
      expect(mapping.unmap()).toEqual({ ok: true, value: undefined });
    });

    it('maps a file, at an offset', () => {
      const path = file('a'.repeat(4096) + 'b'.repeat(4096));
      withFd(taken(calls.open(path, openFlags.O_RDWR)), (fd) => {
        const mapping = taken(calls.mmap({ length: 4096, access: 'readWrite', from: { fd, offset: 4096n } }));
        expect(mapping.read(0, 1)).toBe('b'.charCodeAt(0));
        mapping.write(0, 1, 'c'.charCodeAt(0));
        taken(mapping.unmap());
        expect(readFileSync(path, 'latin1').slice(4095, 4098)).toBe('acb');
      });
    });

    it('reads a pipe to its end', () => {
      const path = join(directory, 'pipe');
      execFileSync('mkfifo', [path]);
      const reader = taken(calls.open(path, openFlags.O_RDONLY | openFlags.O_NONBLOCK));
      const writer = taken(calls.open(path, openFlags.O_WRONLY));
      const bytes = new Uint8Array(16);
      expect(calls.read(reader, bytes)).toEqual(refusal('EAGAIN'));
      taken(calls.write(writer, Uint8Array.of(1, 2, 3)));
      expect(calls.read(reader, bytes)).toEqual({ ok: true, value: 3 });
      expect([...bytes.subarray(0, 3)]).toEqual([1, 2, 3]);
      expect(calls.poll([{ fd: reader, events: pollEvents.POLLIN }], 0)).toEqual({ ok: true, value: [0] });
      taken(calls.close(writer));
      expect(calls.poll([{ fd: reader, events: pollEvents.POLLIN }], 0)).toEqual({
        ok: true,
        value: [pollEvents.POLLHUP],
      });
      expect(calls.read(reader, bytes)).toEqual({ ok: true, value: 0 });
      taken(calls.close(reader));
    });

    it('opens, binds and reads a netlink socket', () => {
      const NETLINK_KOBJECT_UEVENT = 15;
      withFd(taken(calls.socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT)), (fd) => {
        const address = new Uint8Array(12); // struct sockaddr_nl: family, pad, pid, groups
        new DataView(address.buffer).setUint16(0, AF_NETLINK, littleEndian);
        expect(calls.bind(fd, address)).toEqual({ ok: true, value: undefined });
        expect(calls.bind(fd, new Uint8Array(1))).toEqual(refusal('EINVAL'));
        expect(calls.read(fd, new Uint8Array(64))).toEqual(refusal('EAGAIN'));
      });
    });

    it('counts microseconds on the clock that Node and the kernel log use', () => {
      const before = Number(process.hrtime.bigint()) / 1000;
      const now = calls.monotonic();
      const after = Number(process.hrtime.bigint()) / 1000;
      expect(now).toBeGreaterThanOrEqual(before - 1);
      expect(now).toBeLessThanOrEqual(after + 1);
    });

    it('leaves no descriptor behind', () => {
      const before = openDescriptors();
      withFd(taken(calls.open(file('x'), openFlags.O_RDWR)), (fd) => {
        taken(taken(calls.mmap({ length: 1, access: 'read', from: { fd, offset: 0n } })).unmap());
        calls.mmap({ length: 0, access: 'read', from: { fd, offset: 0n } });
      });
      expect(openDescriptors()).toEqual(before);
    });
  });
};
