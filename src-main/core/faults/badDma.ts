import { failure, success, type Result } from '../result.ts';
import type { Fault } from './fault.ts';

/** The first and the last address that a function may use for DMA (VFIO_DEVICE_INFO_CAP_ZPCI_BASE). */
export interface DmaAperture {
  readonly start: bigint;
  readonly end: bigint;
}

export type BadDmaPlace = Extract<Fault, { kind: 'zpciDma' }>['where'];

/** Clear of address 0, which a device may take for "no address". */
const lowAddress = 0x4000n;

/** What the platform reports for it; measured on Linux 7.3 under QEMU. */
export const expectedEventCode: Readonly<Record<Exclude<BadDmaPlace, 'aboveAperture'>, number>> = {
  unmapped: 0x4,
  belowAperture: 0x2,
};

export const aboveApertureRefusal = failure(
  'injectionRefused',
  'A DMA above the aperture is dropped silently under QEMU: no error would come. Take "unmapped" or "belowAperture".',
);

/**
 * An address for `length` bytes that the platform refuses. `unmapped` is one inside the aperture that nobody maps, as the
 * address space gave it.
 */
export const badAddress = (
  where: BadDmaPlace,
  { start }: DmaAperture,
  length: number,
  unmapped: () => Result<bigint>,
): Result<bigint> => {
  switch (where) {
    case 'unmapped':
      return unmapped();
    case 'belowAperture':
      return lowAddress + BigInt(length) <= start
        ? success(lowAddress)
        : failure(
            'injectionRefused',
            `The aperture begins at 0x${start.toString(16)}: there is no address below it.`,
          );
    case 'aboveAperture':
      return aboveApertureRefusal;
  }
};
