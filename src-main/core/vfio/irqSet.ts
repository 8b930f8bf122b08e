import { failure, success } from '../result.ts';
import type { Result } from '../result.ts';
import { pciIrqIndexes } from './numbers.ts';
import { struct, viewOf } from './struct.ts';
import type { ByteOrder } from './struct.ts';

/** VFIO_DEVICE_SET_IRQS (vfio.h, struct vfio_irq_set); followed by `count` bytes or file descriptors, or nothing. */
export const irqSetStruct = struct('vfio_irq_set', [
  ['argsz', 'u32'],
  ['flags', 'u32'],
  ['index', 'u32'],
  ['start', 'u32'],
  ['count', 'u32'],
]);

export const irqSetFlags = {
  VFIO_IRQ_SET_DATA_NONE: 1 << 0,
  VFIO_IRQ_SET_DATA_BOOL: 1 << 1,
  VFIO_IRQ_SET_DATA_EVENTFD: 1 << 2,
  VFIO_IRQ_SET_ACTION_MASK: 1 << 3,
  VFIO_IRQ_SET_ACTION_UNMASK: 1 << 4,
  VFIO_IRQ_SET_ACTION_TRIGGER: 1 << 5,
} as const;

export const irqSetMasks = {
  VFIO_IRQ_SET_DATA_TYPE_MASK: 0x07,
  VFIO_IRQ_SET_ACTION_TYPE_MASK: 0x38,
} as const;

const { VFIO_IRQ_SET_DATA_NONE, VFIO_IRQ_SET_DATA_BOOL, VFIO_IRQ_SET_DATA_EVENTFD } = irqSetFlags;
const { VFIO_IRQ_SET_ACTION_UNMASK, VFIO_IRQ_SET_ACTION_TRIGGER } = irqSetFlags;

/** De-assigns the interrupt it stands for, or leaves an unassigned one alone. */
export const noEventfd = -1;

const request = (
  order: ByteOrder,
  flags: number,
  index: number,
  start: number,
  count: number,
  dataLength = 0,
): Uint8Array =>
  irqSetStruct.encode(
    order,
    { argsz: irqSetStruct.size + dataLength, flags, index, start, count },
    dataLength,
  );

/** 0x24: from now on the interrupts `start`… of an index signal these eventfds. */
export const encodeRegisterEventfds = (
  order: ByteOrder,
  index: number,
  eventfds: readonly number[],
  start = 0,
): Uint8Array => {
  if (eventfds.length === 0) throw new RangeError('Registering needs at least one eventfd.');
  const flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
  const bytes = request(order, flags, index, start, eventfds.length, eventfds.length * 4);
  const view = viewOf(bytes);
  eventfds.forEach((eventfd, position) => {
    if (!Number.isInteger(eventfd) || eventfd < noEventfd || eventfd > 0x7fff_ffff) {
      throw new RangeError(`${eventfd} is not a file descriptor.`);
    }
    view.setInt32(irqSetStruct.size + position * 4, eventfd, order === 'little');
  });
  return bytes;
};

/** 0x24 with -1: takes single interrupts of an index away and leaves the others as they are. */
export const encodeReleaseEventfds = (
  order: ByteOrder,
  index: number,
  count: number,
  start = 0,
): Uint8Array => encodeRegisterEventfds(order, index, Array<number>(count).fill(noEventfd), start);

/** 0x21 with count 0: switches a whole index off. Not to be confused with the acknowledgement, which is 0x11. */
export const encodeUnregister = (order: ByteOrder, index: number): Uint8Array =>
  request(order, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, index, 0, 0);

/** 0x21 with count 1: the kernel signals the registered eventfd as if the device had interrupted. */
export const encodeLoopbackTrigger = (order: ByteOrder, index: number, start = 0): Uint8Array =>
  request(order, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, index, start, 1);

/** 0x22: as above, for those of several interrupts that are selected. */
export const encodeLoopbackTriggerSelected = (
  order: ByteOrder,
  index: number,
  selected: readonly boolean[],
  start = 0,
): Uint8Array => {
  if (selected.length === 0) throw new RangeError('A loop-back trigger needs at least one interrupt.');
  const flags = VFIO_IRQ_SET_DATA_BOOL | VFIO_IRQ_SET_ACTION_TRIGGER;
  const bytes = request(order, flags, index, start, selected.length, selected.length);
  bytes.set(selected.map(Number), irqSetStruct.size);
  return bytes;
};

/**
 * 0x11 with count 0 on index 5: user space has quiesced the device and the kernel may go on with its recovery. The RFC
 * refuses any other count with EINVAL, and accepts an acknowledgement that nothing waits for, which then may count for
 * the next error: send it only with a wait open.
 */
export const encodeAcknowledge = (order: ByteOrder): Uint8Array =>
  request(
    order,
    VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK,
    pciIrqIndexes.VFIO_PCI_ERR_NOTIFY_IRQ_INDEX,
    0,
    0,
  );

/** A SET_IRQS call by what it means. `start` is the first interrupt within the index. */
export type IrqRequest =
  | {
      readonly kind: 'registerEventfds';
      readonly index: number;
      readonly start: number;
      readonly eventfds: readonly number[];
    }
  | { readonly kind: 'unregister'; readonly index: number }
  | {
      readonly kind: 'loopbackTrigger';
      readonly index: number;
      readonly start: number;
      readonly count: number;
    }
  | {
      readonly kind: 'loopbackTriggerSelected';
      readonly index: number;
      readonly start: number;
      readonly selected: readonly boolean[];
    }
  | { readonly kind: 'acknowledge' }
  /** Well formed, but none of the calls that this program makes. */
  | {
      readonly kind: 'other';
      readonly flags: number;
      readonly index: number;
      readonly start: number;
      readonly count: number;
    };

/** Reads a request back, as a simulated kernel or a log of calls needs it. */
export const decodeIrqRequest = (order: ByteOrder, bytes: Uint8Array): Result<IrqRequest> => {
  const decoded = irqSetStruct.decode(order, bytes);
  if (!decoded.ok) return decoded;
  const { argsz, flags, index, start, count } = decoded.value;
  const dataType = flags & irqSetMasks.VFIO_IRQ_SET_DATA_TYPE_MASK;
  const action = flags & irqSetMasks.VFIO_IRQ_SET_ACTION_TYPE_MASK;
  const unitLength = dataType === VFIO_IRQ_SET_DATA_EVENTFD ? 4 : dataType === VFIO_IRQ_SET_DATA_BOOL ? 1 : 0;
  const neededLength = irqSetStruct.size + count * unitLength;
  // The same test as vfio_set_irqs_validate_and_prepare() makes, before anything of that size is allocated.
  if (Math.min(argsz, bytes.length) < neededLength) {
    return failure(
      'malformedStruct',
      `vfio_irq_set with ${count} entries needs ${neededLength} bytes, but argsz is ${argsz} and there are ${bytes.length}.`,
      { details: { struct: 'vfio_irq_set', neededLength, argsz, actualLength: bytes.length } },
    );
  }
  const other: IrqRequest = { kind: 'other', flags, index, start, count };
  const view = viewOf(bytes);
  if ((flags & ~(dataType | action)) !== 0) return success(other);
  if (action === VFIO_IRQ_SET_ACTION_TRIGGER) {
    if (dataType === VFIO_IRQ_SET_DATA_EVENTFD && count > 0) {
      const eventfds = Array.from({ length: count }, (_, position) =>
        view.getInt32(irqSetStruct.size + position * 4, order === 'little'),
      );
      return success({ kind: 'registerEventfds', index, start, eventfds });
    }
    if (dataType === VFIO_IRQ_SET_DATA_NONE) {
      if (count > 0) return success({ kind: 'loopbackTrigger', index, start, count });
      return success(start === 0 ? { kind: 'unregister', index } : other);
    }
    if (dataType === VFIO_IRQ_SET_DATA_BOOL && count > 0) {
      const flagsOfEach = bytes.subarray(irqSetStruct.size, neededLength);
      const selected = Array.from(flagsOfEach, (byte) => byte !== 0);
      return success({ kind: 'loopbackTriggerSelected', index, start, selected });
    }
  }
  const isAcknowledgement =
    action === VFIO_IRQ_SET_ACTION_UNMASK &&
    dataType === VFIO_IRQ_SET_DATA_NONE &&
    index === pciIrqIndexes.VFIO_PCI_ERR_NOTIFY_IRQ_INDEX &&
    start === 0 &&
    count === 0;
  return success(isAcknowledgement ? { kind: 'acknowledge' } : other);
};
