import { z } from 'zod';
import { microseconds, resultOf } from '../../../preload/contract/reports.ts';
import { configSize } from '../../core/pci/registers.ts';
import type { Microseconds } from '../../core/recovery/phase.ts';
import { success, type Result } from '../../core/result.ts';
import type { ConfigReading } from '../rig.ts';

const bytesOf = (base64: string): Uint8Array => Buffer.from(base64, 'base64');

/**
 * A config space on the wire: its bytes without most of the zeros at the end, which are most of it, in base64. A
 * compressor, or a loop over the bytes, would take an agent on an emulated machine longer than reading the space does.
 */
export const packedConfig = z
  .object({ size: z.int().min(0).max(configSize.extended), bytes: z.base64().max(8 * 1024) })
  .refine(
    ({ size, bytes }) => bytesOf(bytes).length <= size,
    'There are more bytes than the config space has.',
  );
export type PackedConfig = z.output<typeof packedConfig>;

const zeros = Buffer.alloc(configSize.extended);
/** So many zeros at the end are not worth another look, in bytes. */
const grain = 16;

/** Behind it there are only zeros. */
const endOf = (config: Uint8Array): number => {
  let low = 0;
  let high = config.length;
  while (high - low > grain) {
    const middle = (low + high) >>> 1;
    if (zeros.compare(config, middle, high, 0, high - middle) === 0) high = middle;
    else low = middle;
  }
  return high;
};

export const packConfig = (config: Uint8Array): PackedConfig => {
  const end = endOf(config);
  return { size: config.length, bytes: Buffer.from(config.subarray(0, end)).toString('base64') };
};

export const unpackConfig = ({ size, bytes }: PackedConfig): Uint8Array => {
  const config = new Uint8Array(size);
  config.set(bytesOf(bytes));
  return config;
};

const changed = <From, To>(result: Result<From>, change: (value: From) => To): Result<To> =>
  result.ok ? success(change(result.value)) : result;

export const packedReading = z.object({
  at: microseconds,
  vfio: resultOf(packedConfig),
  hardware: resultOf(packedConfig),
});
export type PackedReading = z.output<typeof packedReading>;

/** The steps of reinitialising are seven; an agent that sends many more is none. */
export const packedStepReadings = z.array(packedReading.extend({ step: z.string().max(100) })).max(50);

export const packReading = ({ at, vfio, hardware }: ConfigReading): PackedReading => ({
  at,
  vfio: changed(vfio, packConfig),
  hardware: changed(hardware, packConfig),
});

/** `onClock`: a far moment on this clock. */
export const unpackReading = (
  { at, vfio, hardware }: PackedReading,
  onClock: (far: Microseconds) => Microseconds,
): ConfigReading => ({
  at: onClock(at),
  vfio: changed(vfio, unpackConfig),
  hardware: changed(hardware, unpackConfig),
});
