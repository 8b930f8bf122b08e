import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PciAddress } from '../../../src-main/core/pci/address.ts';
import { errnoNumbers, type ErrnoName } from '../../../src-main/core/errno.ts';
import { success } from '../../../src-main/core/result.ts';
import { deviceInfoFlags, deviceInfoStruct } from '../../../src-main/core/vfio/deviceInfo.ts';
import { groupStatusFlags, groupStatusStruct } from '../../../src-main/core/vfio/group.ts';
import { dependentDeviceStruct, hotResetInfoStruct } from '../../../src-main/core/vfio/hotReset.ts';
import { ioasAllocStruct, iommufdRequests } from '../../../src-main/core/vfio/iommufd.ts';
import { irqInfoStruct } from '../../../src-main/core/vfio/irqInfo.ts';
import { decodeIrqRequest, type IrqRequest } from '../../../src-main/core/vfio/irqSet.ts';
import { vfioRequests } from '../../../src-main/core/vfio/numbers.ts';
import { regionInfoStruct } from '../../../src-main/core/vfio/regionInfo.ts';
import { hostOrder, type Kernel } from '../../../src-main/kernel/kernel.ts';
import type { HostTree } from '../../../src-main/kernel/sysfs/hostTree.ts';
import type { Mapping, Syscalls, SyscallResult } from '../../../src-main/kernel/syscalls.ts';
import type { BlockingAnswer, BlockingCall } from '../../../src-main/kernel/threads/blockingCallThread.ts';

export const address = '0000:01:00.0' as PciAddress;
const groupNumber = 4;
const configRegion = 7;
const configFileOffset = 7n << 40n;

type FileKind = 'container' | 'group' | 'device' | 'iommu' | 'eventfd';

/**
 * The kernel's side of /dev/vfio as far as opening and closing a device goes: files with their descriptors, mappings,
 * and the answers of the INFO calls. Any call can be made to fail, so that every way out can be walked.
 */
export class ScriptedKernel {
  readonly open = new Map<number, FileKind>();
  readonly mapped = new Set<bigint>();
  readonly watched = new Set<number>();
  /** What was asked for, in order: `open /dev/vfio/4`, `SET_IRQS registerEventfds 5`. */
  readonly made: string[] = [];
  readonly irqCount: number;
  viable = true;
  /** The n-th call from now on fails like this. */
  failing: { call: number; errno: ErrnoName } | null = null;
  /** The call that has failed. */
  failed: string | null = null;
  #nextFd = 100;
  #calls = 0;

  constructor(irqCount: number) {
    this.irqCount = irqCount;
  }

  failAt(call: number, errno: ErrnoName): void {
    this.#calls = 0;
    this.failing = { call, errno };
  }

  #attempt<Value>(what: string, run: () => SyscallResult<Value>): SyscallResult<Value> {
    const position = this.#calls;
    this.#calls += 1;
    this.made.push(what);
    if (this.failing?.call === position) {
      this.failed = what;
      return refusal(this.failing.errno);
    }
    return run();
  }

  #new(kind: FileKind): SyscallResult<number> {
    this.#nextFd += 1;
    this.open.set(this.#nextFd, kind);
    return { ok: true, value: this.#nextFd };
  }

  #openPath(path: string): SyscallResult<number> {
    if (path.endsWith('/vfio/vfio')) return this.#new('container');
    if (path.endsWith(`/vfio/${groupNumber}`)) {
      return [...this.open.values()].includes('group') ? refusal('EBUSY') : this.#new('group');
    }
    if (path.endsWith('/vfio/devices/vfio0')) return this.#new('device');
    return path.endsWith('/iommu') ? this.#new('iommu') : refusal('ENOENT');
  }

  /** close() gives the descriptor back even when it reports an error. */
  #close(fd: number): SyscallResult<void> {
    this.made.push(`close ${this.open.get(fd) ?? 'nothing'}`);
    return this.open.delete(fd) ? nothing : refusal('EBADF');
  }

  #ioctl(fd: number, request: number, argument: Uint8Array | number | bigint): SyscallResult<number> {
    const bytes = typeof argument === 'object' ? argument : new Uint8Array();
    const fill = (answer: Uint8Array): SyscallResult<number> => {
      bytes.set(answer.subarray(0, bytes.length));
      return zero;
    };
    const r = vfioRequests;
    // 12 and 13 mean other things on a container than on a device.
    if (this.open.get(fd) === 'container') return request === r.VFIO_CHECK_EXTENSION ? one : zero;
    switch (request) {
      case r.VFIO_GROUP_GET_STATUS: {
        const flags = this.viable ? groupStatusFlags.VFIO_GROUP_FLAGS_VIABLE : 0;
        return fill(groupStatusStruct.encode(hostOrder, { argsz: 8, flags }));
      }
      case r.VFIO_GROUP_GET_DEVICE_FD:
        return this.#new('device');
      case r.VFIO_DEVICE_GET_INFO: {
        const flags = deviceInfoFlags.VFIO_DEVICE_FLAGS_PCI | deviceInfoFlags.VFIO_DEVICE_FLAGS_RESET;
        const counts = { num_regions: 9, num_irqs: this.irqCount };
        return fill(deviceInfoStruct.encode(hostOrder, { argsz: bytes.length, flags, ...counts }));
      }
      case r.VFIO_DEVICE_GET_REGION_INFO: {
        const { index = 0 } = { index: regionInfoStruct.read(hostOrder, bytes, 'index') };
        const config = index === configRegion ? { size: 4096n, offset: configFileOffset } : {};
        return fill(regionInfoStruct.encode(hostOrder, { argsz: 32, flags: 3, index, ...config }));
      }
      case r.VFIO_DEVICE_GET_IRQ_INFO: {
        const index = irqInfoStruct.read(hostOrder, bytes, 'index') ?? 0;
        if (index === 5) return refusal('EINVAL'); // observation 1
        const count = index === 2 ? 2 : index > 2 ? 1 : 0;
        return fill(irqInfoStruct.encode(hostOrder, { argsz: 16, flags: 1, index, count }));
      }
      case r.VFIO_DEVICE_GET_PCI_HOT_RESET_INFO:
        bytes.set(hotResetInfoStruct.encode(hostOrder, { argsz: bytes.length, count: 1 }));
        bytes.set(
          dependentDeviceStruct.encode(hostOrder, { group_id: groupNumber, segment: 0, bus: 1, devfn: 0 }),
          hotResetInfoStruct.size,
        );
        return zero;
      case r.VFIO_DEVICE_FEATURE:
        return refusal('ENOTTY');
      case iommufdRequests.IOMMU_IOAS_ALLOC:
        return fill(ioasAllocStruct.encode(hostOrder, { size: 12, out_ioas_id: 1 }));
      default:
        return zero;
    }
  }

  #nameOf(request: number, argument: Uint8Array | number | bigint): string {
    const names = Object.entries({ ...vfioRequests, ...iommufdRequests });
    const name = names.find(([, number]) => number === request)?.[0] ?? `0x${request.toString(16)}`;
    if (request !== vfioRequests.VFIO_DEVICE_SET_IRQS || typeof argument !== 'object') return name;
    const decoded = decodeIrqRequest(hostOrder, argument);
    return decoded.ok ? `SET_IRQS ${irqWords(decoded.value)}` : name;
  }

  readonly calls = {
    open: (path: string) =>
      this.#attempt(`open ${path.split('/vfio/')[1] ?? path}`, () => this.#openPath(path)),
    close: (fd: number) => this.#close(fd),
    ioctl: (fd: number, request: number, argument: Uint8Array | number | bigint) =>
      this.#attempt(this.#nameOf(request, argument), () => this.#ioctl(fd, request, argument)),
    eventfd: () => this.#attempt('eventfd', () => this.#new('eventfd')),
    pread: (_fd: number, into: Uint8Array) =>
      this.#attempt('pread', () => ({ ok: true, value: into.length }) as const),
    pwrite: (_fd: number, bytes: Uint8Array) =>
      this.#attempt('pwrite', () => ({ ok: true, value: bytes.length }) as const),
    mmap: ({ length }: { length: number }) => this.#attempt('mmap', () => this.#map(length)),
  } as unknown as Syscalls;

  #map(length: number): SyscallResult<Mapping> {
    const where = BigInt(0x7000_0000 + this.#calls * 0x10_0000);
    this.mapped.add(where);
    const unmap = (): SyscallResult<void> => {
      this.mapped.delete(where);
      return nothing;
    };
    const memory = { address: where, length, unmap, copyOut: (_at: number, size: number) => ioaRanges(size) };
    return { ok: true, value: memory as unknown as Mapping };
  }

  kernel(tree: HostTree): Kernel {
    const blocking = {
      make: async (request: BlockingCall) =>
        success<BlockingAnswer>({ result: this.#blocking(request), argument: null }),
      close: () => undefined,
    };
    const watch = async (fd: number) => {
      const attempt = this.#attempt('watch', () => nothing);
      if (!attempt.ok) return { ok: false, error: { code: 'benchDefect', message: 'No thread.' } } as const;
      this.watched.add(fd);
      return success({
        handDown: async () => success(undefined),
        takeBack: async () => success(undefined),
        stop: async () => {
          this.watched.delete(fd);
          return success(undefined);
        },
      });
    };
    const waiter = { watchEventfd: watch, watchRecords: watch, close: async () => undefined };
    return { calls: this.calls, blocking, waiter, tree };
  }

  #blocking(request: BlockingCall): SyscallResult<number> {
    switch (request.call) {
      case 'close': {
        const closed = this.#close(request.fd);
        return closed.ok ? zero : closed;
      }
      case 'ioctl':
        return this.calls.ioctl(request.fd, request.request, request.argument);
      default:
        return refusal('EINVAL');
    }
  }
}

const zero = { ok: true, value: 0 } as const;
const one = { ok: true, value: 1 } as const;
const nothing = { ok: true, value: undefined } as const;
const refusal = (errno: ErrnoName): SyscallResult<never> => ({ ok: false, errno: errnoNumbers[errno] });

/** One range, up to 39 bits. */
const ioaRanges = (size: number): Uint8Array => {
  const bytes = new Uint8Array(size);
  if (size >= 16) new DataView(bytes.buffer).setBigUint64(8, (1n << 39n) - 1n, hostOrder === 'little');
  return bytes;
};

const irqWords = (request: IrqRequest): string =>
  'index' in request ? `${request.kind} ${request.index}` : request.kind;

export interface TreeWishes {
  readonly driver: string | null;
  readonly group: boolean;
  readonly iommufd: boolean;
}

/** The files that opening looks at. */
export const hostTree = (wishes: TreeWishes): { tree: HostTree; remove: () => void } => {
  const root = mkdtempSync(join(tmpdir(), 'vfio-tree-'));
  const folder = join(root, 'sys/devices/pci0000:00/0000:00:04.0', address);
  const link = (target: string, path: string): void => {
    mkdirSync(target, { recursive: true });
    symlinkSync(target, path);
  };
  mkdirSync(folder, { recursive: true });
  mkdirSync(join(root, 'sys/bus/pci/devices'), { recursive: true });
  mkdirSync(join(root, 'dev/vfio'), { recursive: true });
  symlinkSync(folder, join(root, 'sys/bus/pci/devices', address));
  if (wishes.driver !== null) link(join(root, 'sys/bus/pci/drivers', wishes.driver), join(folder, 'driver'));
  if (wishes.group) link(join(root, `sys/kernel/iommu_groups/${groupNumber}`), join(folder, 'iommu_group'));
  if (wishes.driver?.startsWith('vfio') === true) writeFileSync(join(root, `dev/vfio/${groupNumber}`), '');
  if (wishes.iommufd) {
    mkdirSync(join(folder, 'vfio-dev/vfio0'), { recursive: true });
    mkdirSync(join(root, 'dev/vfio/devices'));
    writeFileSync(join(root, 'dev/vfio/devices/vfio0'), '');
    writeFileSync(join(root, 'dev/iommu'), '');
  }
  const tree = { sys: join(root, 'sys'), proc: join(root, 'proc'), dev: join(root, 'dev'), nameFiles: [] };
  return { tree, remove: () => rmSync(root, { recursive: true, force: true }) };
};
