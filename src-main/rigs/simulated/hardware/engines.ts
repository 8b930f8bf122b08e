import type { EngineModel } from './functionTemplate.ts';

const registers = (size: number, values: Readonly<Record<number, readonly number[]>>): Uint8Array => {
  const bytes = new Uint8Array(size);
  for (const [offset, content] of Object.entries(values)) bytes.set(content, Number(offset));
  return bytes;
};

/** Virtio 1.2, 4.1.4.3: num_queues at 0x12, device_status at 0x14; DRIVER_OK and what must be set before it. */
export const virtioEngine = (options: { queues: number }): EngineModel => ({
  bar: 4,
  resetValue: registers(0x38, { 0x12: [options.queues, 0] }),
  identity: { offset: 0x12, width: 2, value: options.queues },
  ready: { offset: 0x14, width: 1, value: 0x0f },
});

/** NVM Express base 2.0, 3.1.3: VS at 8, CC at 0x14 with the entry sizes and EN. */
export const nvmeEngine: EngineModel = {
  bar: 0,
  resetValue: registers(0x40, { 0x08: [0x00, 0x04, 0x01, 0x00] }),
  identity: { offset: 0x08, width: 4, value: 0x0001_0400 },
  ready: { offset: 0x14, width: 4, value: 0x0046_0001 },
};

/** Intel 8254x/8257x: STATUS at 8, RCTL at 0x100 with EN. */
export const networkEngine: EngineModel = {
  bar: 0,
  resetValue: registers(0x104, { 0x08: [0x83, 0x00, 0x08, 0x00] }),
  identity: { offset: 0x08, width: 4, value: 0x0008_0083 },
  ready: { offset: 0x100, width: 4, value: 0x0000_0002 },
};

/** An invented accelerator: a signature at 0, a run register at 4. */
export const acceleratorEngine: EngineModel = {
  bar: 0,
  resetValue: registers(0x10, { 0x00: [0x42, 0x52, 0x43, 0x41] }),
  identity: { offset: 0x00, width: 4, value: 0x4143_5242 },
  ready: { offset: 0x04, width: 4, value: 0x0000_0001 },
};
