import { setTimeout as sleep } from 'node:timers/promises';
import { done, failure, success, type Result } from '../../core/result.ts';
import type { DriverCheck } from '../session/vfioDevice.ts';
import type { LinuxVfioDevice } from './linuxVfioDevice.ts';
import {
  commonField,
  noVector,
  upperFeature,
  virtioLayoutOf,
  virtioStatus,
  type VirtioLayout,
} from './virtioPci.ts';
import type { MisdirectedDriver } from './badDma.ts';
import { queueAddresses, queueSize, Virtqueue, type QueueAddresses } from './virtqueue.ts';

/** Bytes asked for at a time. */
const requestLength = 64;
/** Milliseconds: a device that works answers within microseconds, an emulated one within some milliseconds. */
const patience = 1000;
const pattern = 0xa5;

/** The entropy source (virtio 1.2, 5.4): one queue, whose buffers the device fills with random bytes. */
class VirtioRng implements MisdirectedDriver {
  readonly name = 'virtio-rng';
  readonly #device: LinuxVfioDevice;
  readonly #queue: Virtqueue;
  #layout: VirtioLayout | null = null;
  #notifyOffset = 0;
  #running = false;

  constructor(device: LinuxVfioDevice) {
    this.#device = device;
    this.#queue = new Virtqueue(device.buffer);
  }

  /** The vector of the queue; vector 0 is usually the configuration's. */
  get #vector(): number {
    return this.#device.abilities.msixVectors > 1 ? 1 : 0;
  }

  async initialise(): Promise<Result<void>> {
    this.#queue.clear();
    const set = await this.#setUp(this.#queue.addresses);
    if (!set.ok) return set;
    const started = this.#start();
    this.#running = started.ok;
    return started;
  }

  /** A device that is in error for its DMA reads as all ones from `queueEnable` on: nothing of it is a failure here. */
  async misdirect(address: bigint): Promise<Result<void>> {
    const set = await this.#setUp(queueAddresses(address));
    if (!set.ok) return set;
    this.#start();
    this.#notify();
    return done;
  }

  /** From its reset to the enabled queue. */
  async #setUp(addresses: QueueAddresses): Promise<Result<void>> {
    const layout = await this.#findLayout();
    if (!layout.ok) return layout;
    this.#layout = layout.value;
    this.#running = false;
    const { acknowledge, driver, featuresOk } = virtioStatus;
    return firstFailure([
      () => this.#resetDevice(),
      () => this.#write('deviceStatus', acknowledge),
      () => this.#write('deviceStatus', acknowledge | driver),
      () => this.#negotiate(),
      () => this.#write('deviceStatus', acknowledge | driver | featuresOk),
      () => this.#confirmStatus(acknowledge | driver | featuresOk),
      () => this.#setUpQueue(addresses),
    ]);
  }

  #start(): Result<void> {
    const { acknowledge, driver, featuresOk, driverOk } = virtioStatus;
    const status = acknowledge | driver | featuresOk | driverOk;
    const written = this.#write('deviceStatus', status);
    return written.ok ? this.#confirmStatus(status) : written;
  }

  async proveDma(): Promise<DriverCheck> {
    const first = await this.#request();
    if (!first.ok) return failed(first.error.message);
    const second = await this.#request();
    if (!second.ok) return failed(second.error.message);
    const [one, other] = [first.value, second.value];
    if (one.length === 0 || other.length === 0) return failed('The device gave the buffer back empty.');
    if ([one, other].some((bytes) => bytes.every((byte) => byte === pattern || byte === 0))) {
      return failed('The device says that it has filled the buffer, but nothing arrived in memory.');
    }
    if (Buffer.from(one).equals(Buffer.from(other))) return failed('Two requests gave the same bytes.');
    return {
      result: 'passed',
      detail: `${one.length} and ${other.length} random bytes arrived by DMA through the IOMMU.`,
    };
  }

  async proveMsix(): Promise<DriverCheck> {
    const { interrupts } = this.#device;
    const vector = this.#vector;
    const before = interrupts.count(vector);
    const answered = await this.#request();
    if (!answered.ok) return failed(answered.error.message);
    return (await interrupts.reaches(vector, before + 1n, patience))
      ? { result: 'passed', detail: `MSI-X vector ${vector} arrived at its eventfd.` }
      : failed(`The device answered, but MSI-X vector ${vector} did not arrive within ${patience} ms.`);
  }

  async #findLayout(): Promise<Result<VirtioLayout>> {
    if (this.#layout !== null) return success(this.#layout);
    const config = await this.#device.readConfigSpace();
    return config.ok ? virtioLayoutOf(config.value) : config;
  }

  /** Status 0, until it reads 0 (4.1.4.3.2). A device whose BAR is gone reads 0 at once, and shows it a step later. */
  async #resetDevice(): Promise<Result<void>> {
    const written = this.#write('deviceStatus', 0);
    if (!written.ok) return written;
    for (const until = Date.now() + patience; Date.now() < until; await sleep(1)) {
      const status = this.#read('deviceStatus');
      if (!status.ok) return status;
      if (status.value === 0) return done;
      if (status.value === 0xff) return this.#silent('reads as all ones');
    }
    return this.#silent('does not leave its reset');
  }

  /** VERSION_1 and ACCESS_PLATFORM, which lets its DMA go through the IOMMU. */
  #negotiate(): Result<void> {
    const selected = this.#write('deviceFeatureSelect', 1);
    if (!selected.ok) return selected;
    const offered = this.#read('deviceFeature');
    if (!offered.ok) return offered;
    if (offered.value === 0) return this.#silent('offers no feature, so its BAR is gone');
    const wanted = upperFeature.version1 | upperFeature.accessPlatform;
    if ((offered.value & wanted) !== wanted) {
      return failure(
        'notSupported',
        `${this.#device.address} does not send its DMA through the IOMMU (no ACCESS_PLATFORM); QEMU wants iommu_platform=on.`,
      );
    }
    return firstOf([
      this.#write('driverFeatureSelect', 1),
      this.#write('driverFeature', wanted),
      this.#write('driverFeatureSelect', 0),
      this.#write('driverFeature', 0),
    ]);
  }

  #confirmStatus(expected: number): Result<void> {
    const status = this.#read('deviceStatus');
    if (!status.ok) return status;
    return (status.value & expected) === expected
      ? done
      : this.#silent(`refused to go on (device status 0x${status.value.toString(16)})`);
  }

  #setUpQueue({ descriptors, available, used }: QueueAddresses): Result<void> {
    const selected = this.#write('queueSelect', 0);
    if (!selected.ok) return selected;
    const largest = this.#read('queueSize');
    if (!largest.ok) return largest;
    if (largest.value === 0) return this.#silent('has no queue');
    if (largest.value < queueSize) return this.#silent(`has a queue of ${largest.value} entries only`);
    const written = firstOf([
      this.#write('queueSize', queueSize),
      this.#write('configMsixVector', noVector),
      ...(this.#device.abilities.msixVectors > 0 ? [this.#write('queueMsixVector', this.#vector)] : []),
      ...this.#writeLong('queueDescriptorLow', 'queueDescriptorHigh', descriptors),
      ...this.#writeLong('queueDriverLow', 'queueDriverHigh', available),
      ...this.#writeLong('queueDeviceLow', 'queueDeviceHigh', used),
    ]);
    if (!written.ok) return written;
    const vector = this.#read('queueMsixVector');
    if (!vector.ok) return vector;
    if (this.#device.abilities.msixVectors > 0 && vector.value === noVector) {
      return this.#silent('took no MSI-X vector for its queue');
    }
    const notify = this.#read('queueNotifyOffset');
    if (!notify.ok) return notify;
    this.#notifyOffset = notify.value;
    return this.#write('queueEnable', 1);
  }

  /** One request, answered into memory; it asks the memory and not the interrupt. */
  async #request(): Promise<Result<Uint8Array>> {
    if (this.#layout === null || !this.#running) {
      return failure('notSupported', 'The device could not be initialised, so nothing was asked of it.');
    }
    this.#queue.offer(requestLength, pattern);
    const notified = this.#notify();
    if (!notified.ok) return notified;
    for (const until = Date.now() + patience; !this.#queue.returned; await sleep(1)) {
      if (Date.now() >= until) {
        return this.#silent(`did not fill its buffer within ${patience} ms: its DMA does not arrive`);
      }
    }
    return success(this.#queue.take());
  }

  #notify(): Result<void> {
    const { bar, offset, multiplier } = this.#found().notify;
    return this.#device.writeBar(bar, offset + this.#notifyOffset * multiplier, 2, 0);
  }

  #read(field: keyof typeof commonField): Result<number> {
    const { bar, offset } = this.#found().common;
    const [at, width] = commonField[field];
    return this.#device.readBar(bar, offset + at, width);
  }

  #write(field: keyof typeof commonField, value: number): Result<void> {
    const { bar, offset } = this.#found().common;
    const [at, width] = commonField[field];
    return this.#device.writeBar(bar, offset + at, width, value);
  }

  #writeLong(
    low: keyof typeof commonField,
    high: keyof typeof commonField,
    value: bigint,
  ): readonly Result<void>[] {
    return [this.#write(low, Number(value & 0xffff_ffffn)), this.#write(high, Number(value >> 32n))];
  }

  #found(): VirtioLayout {
    if (this.#layout === null) throw new Error('The registers of a device were used before they were found.');
    return this.#layout;
  }

  #silent(why: string): ReturnType<typeof failure> {
    return failure('kernelRefused', `${this.#device.address} ${why}.`);
  }
}

export const virtioRngDriver = (device: LinuxVfioDevice): MisdirectedDriver => new VirtioRng(device);

const failed = (detail: string): DriverCheck => ({ result: 'failed', detail });

const firstOf = (results: readonly Result<void>[]): Result<void> => results.find(({ ok }) => !ok) ?? done;

const firstFailure = async (
  steps: readonly (() => Result<void> | Promise<Result<void>>)[],
): Promise<Result<void>> => {
  for (const step of steps) {
    const result = await step();
    if (!result.ok) return result;
  }
  return done;
};
