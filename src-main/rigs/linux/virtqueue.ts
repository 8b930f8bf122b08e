import { hostOrder } from '../../kernel/kernel.ts';
import type { DmaBuffer } from '../../kernel/vfio/dmaBuffer.ts';

/** Where the parts of the one queue and its data lie in the buffer (split virtqueue, virtio 1.2, 2.7). */
const place = { descriptors: 0x0000, available: 0x1000, used: 0x2000, data: 0x3000 } as const;
const deviceWrites = 2; // VIRTQ_DESC_F_WRITE
const indexAt = 2; // flags, then idx, in both rings
const ringAt = 4;

/** Virtqueues are little-endian whatever the processor is. */
const swapped = (value: number): number =>
  hostOrder === 'little' ? value : ((value & 0xff) << 8) | (value >>> 8);

/** Entries of the queue; a device has at least as many. */
export const queueSize = 8;

/** I/O addresses of the three parts. */
export interface QueueAddresses {
  readonly descriptors: bigint;
  readonly available: bigint;
  readonly used: bigint;
}

/** Bytes from the first to the end of the last. */
export const queueLength = place.data;

/** Of a queue whose memory begins at `iova`. */
export const queueAddresses = (iova: bigint): QueueAddresses => ({
  descriptors: iova + BigInt(place.descriptors),
  available: iova + BigInt(place.available),
  used: iova + BigInt(place.used),
});

/** One split virtqueue with one request in flight, whose buffer the device fills. */
export class Virtqueue {
  readonly #buffer: DmaBuffer;
  #submitted = 0;

  constructor(buffer: DmaBuffer) {
    this.#buffer = buffer;
  }

  get addresses(): QueueAddresses {
    return queueAddresses(this.#buffer.iova);
  }

  /** As the device finds it after its reset. */
  clear(): void {
    this.#buffer.memory.copyIn(0, new Uint8Array(place.data));
    this.#submitted = 0;
  }

  /** Fills the data with `pattern` and offers it to the device, which has to be notified then. */
  offer(length: number, pattern: number): void {
    const { memory, iova } = this.#buffer;
    memory.copyIn(place.data, new Uint8Array(length).fill(pattern));
    const descriptor = new Uint8Array(16);
    const view = new DataView(descriptor.buffer);
    view.setBigUint64(0, iova + BigInt(place.data), true);
    view.setUint32(8, length, true);
    view.setUint16(12, deviceWrites, true);
    memory.copyIn(place.descriptors, descriptor);
    memory.write(place.available + ringAt + 2 * (this.#submitted % queueSize), 2, 0);
    this.#submitted = (this.#submitted + 1) & 0xffff;
    // The index last: from here on the descriptor is the device's. A call into C lies between, and both x86 and s390x
    // keep stores in order.
    memory.write(place.available + indexAt, 2, swapped(this.#submitted));
  }

  /** Whether the device has given back all that it was offered. */
  get returned(): boolean {
    return swapped(this.#buffer.memory.read(place.used + indexAt, 2)) === this.#submitted;
  }

  /** What the device says to have written of the last request. */
  take(): Uint8Array {
    const slot = ((this.#submitted + 0xffff) % 0x1_0000) % queueSize;
    const element = this.#buffer.memory.copyOut(place.used + ringAt + 8 * slot, 8);
    const length = new DataView(element.buffer).getUint32(4, true);
    return this.#buffer.memory.copyOut(place.data, Math.min(length, place.available));
  }
}
