import { valueAt } from '../../core/pci/bytes.ts';
import type { PciAddress } from '../../core/pci/address.ts';
import { done, failure, success, type ErrorCode, type Result } from '../../core/result.ts';
import { decodeDeviceInfo, encodeDeviceInfoRequest, type DeviceInfo } from '../../core/vfio/deviceInfo.ts';
import { encodeFeatureProbe } from '../../core/vfio/feature.ts';
import { decodeIrqInfo, encodeIrqInfoRequest, type IrqInfo } from '../../core/vfio/irqInfo.ts';
import {
  encodeAcknowledge,
  encodeLoopbackTrigger,
  encodeRegisterEventfds,
  encodeUnregister,
} from '../../core/vfio/irqSet.ts';
import { pciIrqName, pciRegionIndexes, pciRegionName, vfioRequests } from '../../core/vfio/numbers.ts';
import { decodeRegionInfo, encodeRegionInfoRequest, type RegionInfo } from '../../core/vfio/regionInfo.ts';
import { hostOrder } from '../kernel.ts';
import { refused } from '../refusal.ts';
import type { MapRequest, Mapping, Syscalls } from '../syscalls.ts';
import { askKernel } from './vfioCall.ts';

const { VFIO_DEVICE_SET_IRQS } = vfioRequests;
const configIndex = pciRegionIndexes.VFIO_PCI_CONFIG_REGION_INDEX;

/** The calls on an open VFIO device that return at once. What may block is made elsewhere (../threads). */
export class VfioDeviceFile {
  readonly address: PciAddress;
  readonly fd: number;
  readonly #calls: Syscalls;
  readonly #regions = new Map<number, RegionInfo>();

  constructor(calls: Syscalls, address: PciAddress, fd: number) {
    this.#calls = calls;
    this.address = address;
    this.fd = fd;
  }

  info(): Result<DeviceInfo> {
    const bytes = encodeDeviceInfoRequest(hostOrder);
    const answer = this.#ask(vfioRequests.VFIO_DEVICE_GET_INFO, bytes, 'did not describe itself');
    return answer.ok ? decodeDeviceInfo(hostOrder, answer.value) : answer;
  }

  /** Where a region lies never changes while the device is open, so it is asked for once. */
  region(index: number): Result<RegionInfo> {
    const known = this.#regions.get(index);
    if (known !== undefined) return success(known);
    const what = `did not describe its ${pciRegionName(index)}`;
    const ask = (length?: number): Result<RegionInfo> => {
      const bytes = encodeRegionInfoRequest(hostOrder, index, length);
      const answer = this.#ask(vfioRequests.VFIO_DEVICE_GET_REGION_INFO, bytes, what);
      return answer.ok ? decodeRegionInfo(hostOrder, answer.value) : answer;
    };
    const first = ask();
    if (!first.ok) return first;
    const short = first.value.problems.find((problem) => problem.kind === 'bufferTooSmall');
    const region = short === undefined ? first : ask(short.neededLength);
    if (region.ok) this.#regions.set(index, region.value);
    return region;
  }

  irq(index: number): Result<IrqInfo> {
    const bytes = encodeIrqInfoRequest(hostOrder, index);
    const answer = this.#ask(
      vfioRequests.VFIO_DEVICE_GET_IRQ_INFO,
      bytes,
      `did not describe its ${pciIrqName(index)} interrupts`,
    );
    return answer.ok ? decodeIrqInfo(hostOrder, answer.value) : answer;
  }

  /** 0x24: these eventfds from the first interrupt of the index on. */
  registerEventfds(index: number, eventfds: readonly number[]): Result<void> {
    const bytes = encodeRegisterEventfds(hostOrder, index, eventfds);
    return this.#setIrqs(bytes, `took no eventfd for ${pciIrqName(index)}`);
  }

  /** 0x21, count 0. */
  unregister(index: number): Result<void> {
    return this.#setIrqs(
      encodeUnregister(hostOrder, index),
      `did not give back the eventfd of ${pciIrqName(index)}`,
    );
  }

  /** 0x21, count 1. */
  trigger(index: number): Result<void> {
    return this.#setIrqs(
      encodeLoopbackTrigger(hostOrder, index),
      `could not be triggered on ${pciIrqName(index)}`,
    );
  }

  /** 0x11, count 0, index 5. */
  acknowledge(): Result<void> {
    return this.#setIrqs(encodeAcknowledge(hostOrder), 'did not take the ack');
  }

  /** Whether the device has a feature: `notSupported` with ENOTTY where it has not. */
  probeFeature(feature: number): Result<void> {
    const bytes = encodeFeatureProbe(hostOrder, feature, 'get');
    const answer = this.#ask(vfioRequests.VFIO_DEVICE_FEATURE, bytes, `has no feature ${feature}`);
    return answer.ok ? done : answer;
  }

  /** Little-endian, as config space is. */
  readConfig(offset: number, width: 1 | 2 | 4): Result<number> {
    const bytes = this.#readRegion(configIndex, offset, width, 'configUnreadable');
    return bytes.ok ? success(valueAt(bytes.value, 0, width)) : bytes;
  }

  writeConfig(offset: number, width: 1 | 2 | 4, value: number): Result<void> {
    return this.#writeRegion(configIndex, offset, littleEndian(value, width));
  }

  /** All of it, 256 or 4096 bytes, or its first `length`. */
  readConfigSpace(length?: number): Result<Uint8Array> {
    const region = this.region(configIndex);
    if (!region.ok) return region;
    return this.#readRegion(configIndex, 0, length ?? Number(region.value.size), 'configUnreadable');
  }

  /** By pread, which never kills the process; BARs are little-endian. A dead device answers 0 or all ones. */
  readBar(bar: number, offset: number, width: 1 | 2 | 4): Result<number> {
    const bytes = this.#readRegion(bar, offset, width);
    return bytes.ok ? success(valueAt(bytes.value, 0, width)) : bytes;
  }

  writeBar(bar: number, offset: number, width: 1 | 2 | 4, value: number): Result<void> {
    return this.#writeRegion(bar, offset, littleEndian(value, width));
  }

  /** mmap() of a whole region. It outlives the file: the device is released with the last mapping. */
  mapRegion(index: number, access: MapRequest['access']): Result<Mapping> {
    const region = this.region(index);
    if (!region.ok) return region;
    const { mappable, size, offset } = region.value;
    if (!mappable || size === 0n) {
      return failure('notSupported', `The ${pciRegionName(index)} of ${this.address} cannot be mapped.`);
    }
    const mapped = this.#calls.mmap({ length: Number(size), access, from: { fd: this.fd, offset } });
    return mapped.ok
      ? success(mapped.value)
      : refused(mapped.errno, `The ${pciRegionName(index)} of ${this.address} could not be mapped.`);
  }

  /** An offset in this file for pread and pwrite, once it is sure that the bytes are in the region. */
  locate(index: number, offset: number, length: number): Result<bigint> {
    const region = this.region(index);
    if (!region.ok) return region;
    if (offset < 0 || BigInt(offset + length) > region.value.size) {
      return refused(
        22, // EINVAL
        `${this.address} has no ${length} bytes at 0x${offset.toString(16)} of its ${pciRegionName(index)}.`,
      );
    }
    return success(region.value.offset + BigInt(offset));
  }

  #readRegion(index: number, offset: number, length: number, code?: ErrorCode): Result<Uint8Array> {
    const position = this.locate(index, offset, length);
    if (!position.ok) return position;
    const bytes = new Uint8Array(length);
    const read = this.#calls.pread(this.fd, bytes, position.value);
    const what = `${pciRegionName(index)} of ${this.address} at 0x${offset.toString(16)}`;
    if (!read.ok) return refused(read.errno, `The ${what} could not be read.`, code);
    return read.value === length
      ? success(bytes)
      : failure(code ?? 'kernelRefused', `The ${what} gave ${read.value} of ${length} bytes.`);
  }

  #writeRegion(index: number, offset: number, bytes: Uint8Array): Result<void> {
    const position = this.locate(index, offset, bytes.length);
    if (!position.ok) return position;
    const written = this.#calls.pwrite(this.fd, bytes, position.value);
    const what = `${pciRegionName(index)} of ${this.address} at 0x${offset.toString(16)}`;
    if (!written.ok) return refused(written.errno, `The ${what} could not be written.`);
    return written.value === bytes.length
      ? done
      : failure('kernelRefused', `The ${what} took ${written.value} of ${bytes.length} bytes.`);
  }

  #setIrqs(bytes: Uint8Array, what: string): Result<void> {
    const answer = this.#ask(VFIO_DEVICE_SET_IRQS, bytes, what);
    return answer.ok ? done : answer;
  }

  #ask(request: number, bytes: Uint8Array, what: string): Result<Uint8Array> {
    return askKernel(this.#calls, this.fd, request, bytes, `${this.address} ${what}.`);
  }
}

/** The bytes of a register as they cross the bus. */
export const littleEndian = (value: number, width: 1 | 2 | 4): Uint8Array => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes.slice(0, width);
};
