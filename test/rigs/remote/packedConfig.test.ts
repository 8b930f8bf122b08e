import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { failure, success } from '../../../src-main/core/result.ts';
import {
  packConfig,
  packedConfig,
  packedReading,
  packReading,
  unpackConfig,
  unpackReading,
} from '../../../src-main/rigs/remote/packedConfig.ts';
import { templates } from '../../../src-main/rigs/simulated/hardware/templates.ts';

const space = fc.oneof(
  fc.uint8Array({ minLength: 256, maxLength: 256 }),
  fc.uint8Array({ minLength: 4096, maxLength: 4096 }),
  fc.array(fc.tuple(fc.nat(4095), fc.nat(255)), { maxLength: 60 }).map((bytes) => {
    const config = new Uint8Array(4096);
    for (const [at, value] of bytes) config[at] = value;
    return config;
  }),
);

describe('a config space on the wire', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(space, (config) => {
        const sent = packedConfig.parse(JSON.parse(JSON.stringify(packConfig(config))));
        expect(unpackConfig(sent)).toEqual(config);
      }),
    );
  });

  it.each([
    ['all ones', new Uint8Array(4096).fill(0xff)],
    ['all zeros', new Uint8Array(256)],
  ])('comes back when it is %s', (_, config) => {
    expect(unpackConfig(packedConfig.parse(packConfig(config)))).toEqual(config);
  });

  it('leaves out the zeros at its end', () => {
    const config = templates.virtioRng.layout.resetValue;
    expect(config.length).toBe(4096);
    expect(packConfig(config).bytes.length).toBeLessThan(600);
  });

  it('is refused when it has more bytes than its size, is larger than any, or is no base64', () => {
    const { bytes } = packConfig(new Uint8Array(300).fill(1));
    expect(packedConfig.safeParse({ size: 256, bytes }).success).toBe(false);
    expect(packedConfig.safeParse({ size: 5000, bytes }).success).toBe(false);
    expect(packedConfig.safeParse({ size: 4096, bytes: '~~~~' }).success).toBe(false);
  });

  it('crosses in both views, with its moment on the near clock and a view that could not be read', () => {
    const config = templates.virtioRng.layout.resetValue;
    const unreadable = failure('configUnreadable', 'It is off.');
    const sent = packedReading.parse(packReading({ at: 5, vfio: success(config), hardware: unreadable }));
    expect(unpackReading(sent, (far) => far + 100)).toEqual({
      at: 105,
      vfio: success(config),
      hardware: unreadable,
    });
  });
});
