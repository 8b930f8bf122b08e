import { describe, expect, it } from 'vitest';
import { reachOf } from '../../../src-main/core/pci/reach.ts';
import { success, type Result } from '../../../src-main/core/result.ts';
import { viewReader } from '../../../src-main/rigs/session/bothViews.ts';
import { templates } from '../../../src-main/rigs/simulated/hardware/templates.ts';
import { valueOf } from '../simulated/bench.ts';
import { eio } from './port.ts';

const template = templates.virtioRng.layout.resetValue;
const now = 7_000;
const clock = { now: () => now, wall: () => '', at: () => () => undefined };

/** A device of which the bytes that are asked for are read, and nothing else. */
const deviceOf = (answer: (length: number) => Result<Uint8Array>) => {
  const asked: (number | undefined)[] = [];
  const read = (length?: number): Promise<Result<Uint8Array>> => {
    asked.push(length);
    return Promise.resolve(answer(length ?? 4096));
  };
  return { asked, device: { readConfigSpace: read, readHardwareConfigSpace: read } };
};
const opening = { vfio: template, hardware: template };

describe('reading both views', () => {
  it('asks for what can hold anything, and has the whole space', async () => {
    const reach = reachOf(template);
    expect(reach).toBeLessThan(1024);
    const changed = template.slice();
    changed[4] = 6;
    const { device, asked } = deviceOf((length) => success(changed.slice(0, length)));
    const reading = await viewReader(device, clock, opening)();
    expect(asked).toEqual([reach, reach]);
    expect(reading).toEqual({ at: now, vfio: success(changed), hardware: success(changed) });
  });

  it('of a device that answers nothing has ones to the end', async () => {
    const { device } = deviceOf((length) => success(new Uint8Array(length).fill(0xff)));
    const { hardware } = await viewReader(device, clock, opening)();
    expect(valueOf(hardware)).toEqual(new Uint8Array(4096).fill(0xff));
  });

  it('reads all of a view that could not be read at the opening, and tells an error', async () => {
    const { device, asked } = deviceOf((length) => (length === 4096 ? success(template.slice()) : eio));
    const reading = await viewReader(device, clock, { vfio: template, hardware: null })();
    expect(asked).toEqual([reachOf(template), undefined]);
    expect(reading.vfio).toEqual(eio);
    expect(valueOf(reading.hardware)).toEqual(template);
  });
});

describe('how far a config space reaches', () => {
  it('is to the end of the last extended capability', () => {
    // AER of an endpoint at 0x100 has 0x48 bytes (PCIe 7.8.4) and is the last one here.
    expect(reachOf(template)).toBeGreaterThanOrEqual(0x148);
    for (const { layout } of Object.values(templates)) {
      const { resetValue } = layout;
      const reach = reachOf(resetValue);
      expect(reach % 4).toBe(0);
      expect(resetValue.subarray(reach).every((byte) => byte === 0)).toBe(true);
    }
  });

  it('is all of it when something stands behind, nobody answers, or a capability does not say how long it is', () => {
    const behind = template.slice();
    behind[4000] = 1;
    expect(reachOf(behind)).toBe(4096);
    expect(reachOf(new Uint8Array(4096).fill(0xff))).toBe(4096);
    const unknown = template.slice();
    // An extended capability of an id that nobody knows (PCIe 7.6.3: bits 15:0), which ends the list.
    unknown.set([0x00, 0x7f, 0x01, 0x00], 0x100);
    expect(reachOf(unknown)).toBe(4096);
  });

  it('is 256 bytes without extended capabilities', () => {
    expect(reachOf(templates.conventionalNic.layout.resetValue)).toBe(256);
  });
});
