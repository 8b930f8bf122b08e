import { z } from 'zod';
import { microseconds, resultOf } from '../../../preload/contract/reports.ts';
import { configSize } from '../../core/pci/registers.ts';
import type { Microseconds } from '../../core/recovery/phase.ts';
import { success, type Result } from '../../core/result.ts';
import type { ConfigReading } from '../rig.ts';

const bytesOf = (base64: string): Uint8Array => Buffer.from(base64, 'base64');

/**
 * A config space on the wire: its bytes without the zeros at the end, which are most of it, in base64. A compressor, or
 * a comparison byte by byte, would take an agent on an emulated machine as long as reading the space does.
 */
export const packedConfig = z
  .object({ size: z.int().min(0).max(configSize.extended), bytes: z.base64().max(8 * 1024) })
  .refine(
    ({ size, bytes }) => bytesOf(bytes).length <= size,
    'There are more bytes than the config space has.',
  );
export type PackedConfig = z.output<typeof packedConfig>;

export const packConfig = (config: Uint8Array): PackedConfig => {
  let end = config.length;
  while (end > 0 && config[end - 1] === 0) end -= 1;
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
