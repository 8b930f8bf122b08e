import { success } from '../result.ts';
import type { Result } from '../result.ts';
import { struct } from './struct.ts';
import type { ByteOrder } from './struct.ts';

/** VFIO_DEVICE_GET_IRQ_INFO (vfio.h, struct vfio_irq_info). */
export const irqInfoStruct = struct('vfio_irq_info', [
  ['argsz', 'u32'],
  ['flags', 'u32'],
  ['index', 'u32'],
  ['count', 'u32'],
]);

export const irqInfoFlags = {
  VFIO_IRQ_INFO_EVENTFD: 1 << 0,
  VFIO_IRQ_INFO_MASKABLE: 1 << 1,
  VFIO_IRQ_INFO_AUTOMASKED: 1 << 2,
  VFIO_IRQ_INFO_NORESIZE: 1 << 3,
} as const;

export interface IrqInfo {
  readonly index: number;
  /** How many interrupts the index has; 0 when the device does not implement it. */
  readonly count: number;
  readonly flags: number;
  readonly signalsEventfd: boolean;
  readonly maskable: boolean;
  readonly automasked: boolean;
  readonly fixedSize: boolean;
}

/**
 * Asks about one interrupt index. The kernel refuses with EINVAL an index that it does not know, and, on the RFC
 * kernel, also index 5 although num_irqs counts it.
 */
export const encodeIrqInfoRequest = (order: ByteOrder, index: number): Uint8Array =>
  irqInfoStruct.encode(order, { argsz: irqInfoStruct.size, index });

export const decodeIrqInfo = (order: ByteOrder, bytes: Uint8Array): Result<IrqInfo> => {
  const decoded = irqInfoStruct.decode(order, bytes);
  if (!decoded.ok) return decoded;
  const { index, count, flags } = decoded.value;
  return success({
    index,
    count,
    flags,
    signalsEventfd: (flags & irqInfoFlags.VFIO_IRQ_INFO_EVENTFD) !== 0,
    maskable: (flags & irqInfoFlags.VFIO_IRQ_INFO_MASKABLE) !== 0,
    automasked: (flags & irqInfoFlags.VFIO_IRQ_INFO_AUTOMASKED) !== 0,
    fixedSize: (flags & irqInfoFlags.VFIO_IRQ_INFO_NORESIZE) !== 0,
  });
};
