import { join } from 'node:path';
import { missingCase } from '../../core/exhaustive.ts';
import type { PciAddress } from '../../core/pci/address.ts';
import { done, success, type BenchError, type Result } from '../../core/result.ts';
import type { RecoveryUevent } from '../../core/recovery/event.ts';
import { refused } from '../refusal.ts';
import { openFlags, type Syscalls } from '../syscalls.ts';
import type { HostTree } from '../sysfs/hostTree.ts';
import type { Waiter, Watch } from '../waiter/waiter.ts';
import { functionOf, parseKernelLogRecord } from './kernelLogRecord.ts';
import { parseUevent } from './uevent.ts';

/** `at`: CLOCK_MONOTONIC in microseconds, when the waiter thread read it. */
export type MachineEvent = { readonly at: number } & (
  | { readonly kind: 'uevent'; readonly address: PciAddress; readonly uevent: RecoveryUevent }
  | { readonly kind: 'kernelLog'; readonly address: PciAddress | null; readonly text: string }
  | { readonly kind: 'deviceAdded'; readonly address: PciAddress }
  | { readonly kind: 'deviceRemoved'; readonly address: PciAddress }
);

export interface MachineEventNeeds {
  readonly tree: HostTree;
  readonly calls: Syscalls;
  readonly waiter: Waiter;
  readonly listener: (event: MachineEvent) => void;
}

export interface MachineEvents {
  /** Why recovery uevents do not come here; null when they do. */
  readonly ueventTrouble: BenchError | null;
  /** Why the kernel log is not told; null when it is. */
  readonly kernelLogTrouble: BenchError | null;
  close(): Promise<void>;
}

type Source = Result<{ readonly stop: () => Promise<void> }>;

/** linux/netlink.h, bits/socket.h. */
const AF_NETLINK = 16;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_KOBJECT_UEVENT = 15;
/** The group that the kernel itself sends to; what udev makes of it goes to group 2. */
const kernelGroup = 1;
/** UEVENT_BUFFER_SIZE is 2048, and the header comes on top. */
const longestUevent = 8192;
/** PRINTK_MESSAGE_MAX is 2048 from Linux 6.2 on (CONSOLE_EXT_LOG_MAX, 8192, before); a shorter buffer gets EINVAL. */
const longestRecord = 8192;

const kernelAddress = (): Uint8Array => {
  const bytes = new Uint8Array(12); // struct sockaddr_nl
  const [family, groups] = [Uint16Array.of(AF_NETLINK), Uint32Array.of(kernelGroup)];
  bytes.set(new Uint8Array(family.buffer), 0);
  bytes.set(new Uint8Array(groups.buffer), 8);
  return bytes;
};

const watchedSource = (calls: Syscalls, fd: number, watch: Result<Watch>): Source => {
  if (!watch.ok) {
    calls.close(fd);
    return watch;
  }
  return success({
    stop: async () => {
      await watch.value.stop();
      calls.close(fd);
    },
  });
};

const listenForUevents = async ({ calls, waiter, listener }: MachineEventNeeds): Promise<Source> => {
  const socket = calls.socket(AF_NETLINK, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
  if (!socket.ok) return refused(socket.errno, 'The kernel gave no socket for its uevents.');
  const bound = calls.bind(socket.value, kernelAddress());
  if (!bound.ok) {
    calls.close(socket.value);
    return refused(bound.errno, 'The kernel does not send its uevents to this program.');
  }
  const note = (at: number, address: PciAddress | null, text: string): void =>
    listener({ kind: 'kernelLog', at, address, text });
  const watch = await waiter.watchRecords(socket.value, longestUevent, {
    record: ({ at, bytes }) => {
      const heard = parseUevent(bytes);
      if (heard === null) return;
      const { address } = heard;
      switch (heard.kind) {
        case 'recovery':
          return listener({ kind: 'uevent', at, address, uevent: heard.uevent });
        case 'added':
          return listener({ kind: 'deviceAdded', at, address });
        case 'removed':
          return listener({ kind: 'deviceRemoved', at, address });
        case 'bound':
          return note(at, address, `The driver ${heard.driver} is bound.`);
        case 'unbound':
          return note(at, address, 'The driver is unbound.');
        default:
          return missingCase(heard);
      }
    },
    lost: (at) => note(at, null, 'The kernel dropped uevents that came too fast (ENOBUFS).'),
    broken: (error) => note(calls.monotonic(), null, `Uevents are heard no more: ${error.message}`),
  });
  return watchedSource(calls, socket.value, watch);
};

/** errno.h: nothing more to read, and records that were overwritten before they were read. */
const EAGAIN = 11;
const EPIPE = 32;

/** What was logged before this is nobody's news. */
const skipOldRecords = (calls: Syscalls, fd: number): Result<void> => {
  const buffer = new Uint8Array(longestRecord);
  for (;;) {
    const read = calls.read(fd, buffer);
    if (read.ok || read.errno === EPIPE) continue;
    return read.errno === EAGAIN ? done : refused(read.errno, 'The kernel log cannot be read.');
  }
};

const listenForKernelLog = async (needs: MachineEventNeeds): Promise<Source> => {
  const { tree, calls, waiter, listener } = needs;
  const path = join(tree.dev, 'kmsg');
  const { O_RDONLY, O_NONBLOCK, O_CLOEXEC } = openFlags;
  const file = calls.open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (!file.ok) {
    return refused(
      file.errno,
      `${path} cannot be opened, so the kernel log is not shown; run the agent as root or with CAP_SYSLOG.`,
    );
  }
  const skipped = skipOldRecords(calls, file.value);
  if (!skipped.ok) {
    calls.close(file.value);
    return skipped;
  }
  const note = (at: number, text: string): void => listener({ kind: 'kernelLog', at, address: null, text });
  const watch = await waiter.watchRecords(file.value, longestRecord, {
    record: ({ at, bytes }) => {
      const record = parseKernelLogRecord(bytes);
      const address = record === null ? null : functionOf(record);
      if (record !== null && address !== null)
        listener({ kind: 'kernelLog', at, address, text: record.text });
    },
    lost: (at) => note(at, 'The kernel log overwrote lines before they were read (EPIPE).'),
    broken: (error) => note(calls.monotonic(), `The kernel log is read no more: ${error.message}`),
  });
  return watchedSource(calls, file.value, watch);
};

const troubleOf = (source: Source): BenchError | null => (source.ok ? null : source.error);

/** Hears uevents and the kernel log; each of them may be missing, and says why. */
export const openMachineEvents = async (needs: MachineEventNeeds): Promise<MachineEvents> => {
  const sources = await Promise.all([listenForUevents(needs), listenForKernelLog(needs)]);
  const [uevents, kernelLog] = sources;
  return {
    ueventTrouble: troubleOf(uevents),
    kernelLogTrouble: troubleOf(kernelLog),
    close: async () => {
      for (const source of sources) if (source.ok) await source.value.stop();
    },
  };
};
