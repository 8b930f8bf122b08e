import { describe, expect, it } from 'vitest';
import { parsePciAddress } from '../../../src-main/core/pci/address.ts';
import { done, success } from '../../../src-main/core/result.ts';
import type { DeviceSession, RigEvent } from '../../../src-main/rigs/rig.ts';
import { guestTopology } from '../../../src-main/rigs/virtual/guestTopology.ts';
import { HotPlug } from '../../../src-main/rigs/virtual/hotPlug.ts';
import { SimulatedClock } from '../../../src-main/rigs/simulated/simulatedClock.ts';
import { valueOf } from '../simulated/bench.ts';
import { qemu, type Command } from './scriptedMonitor.ts';

const address = valueOf(parsePciAddress('0000:01:00.0'));
const request = { address, injector: 'qemuMonitor', fault: { kind: 'unplug' } } as const;

/** A guest whose kernel takes a device away when nobody has it open, and QEMU after the kernel. */
const machine = (refuses: (command: Command) => object | null = () => null) => {
  const listeners = new Set<(event: RigEvent) => void>();
  const tell = (kind: 'releaseRequested' | 'deviceRemoved' | 'deviceAdded'): void =>
    listeners.forEach((listener) => listener({ kind, address, at: 0 }));
  const order: string[] = [];
  const { monitor, far, told } = qemu((command) => {
    const refusal = refuses(command);
    if (refusal !== null) return refusal;
    const line = command.arguments['command-line'] ?? '';
    order.push(line === '' ? command.execute : line);
    setImmediate(() => tell(command.execute === 'device_del' ? 'releaseRequested' : 'deviceAdded'));
    return { return: line === '' ? {} : '' };
  });
  const close = async (): Promise<typeof done> => {
    order.push('close');
    setImmediate(() => {
      tell('deviceRemoved');
      far.write('{"event": "DEVICE_DELETED", "data": {"device": "dut0", "path": "/x"}}\n');
    });
    return done;
  };
  const hotPlug = new HotPlug({
    monitor,
    topology: guestTopology('single'),
    rig: {
      clock: new SimulatedClock({ kind: 'unbounded' }, 0),
      onEvent: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
  });
  return { hotPlug, order, told, listeners, session: { close } as unknown as DeviceSession, tell };
};

describe('a device of a guest', () => {
  it('is let go of when the kernel asks for it, and comes back as it was', async () => {
    const { hotPlug, order, session, listeners } = machine();
    const pulled = await hotPlug.pull(request, 'dut0', session);
    expect(pulled).toMatchObject({ ok: true, value: { delivery: { kind: 'reported' } } });
    expect(await hotPlug.putBack()).toEqual(success([address]));
    expect(order).toEqual([
      'device_del',
      'close',
      'device_add virtio-rng-pci,id=dut0,bus=rootPort1,addr=0x0,rng=dut0Source,aer=on,disable-legacy=on,iommu_platform=on',
    ]);
    // What was put back is not put back again, and nobody listens on.
    expect(await hotPlug.putBack()).toEqual(success([]));
    expect(listeners.size).toBe(0);
  });

  it('stays where QEMU refuses', async () => {
    const error = { class: 'GenericError', desc: 'Device dut0 is already in the process of unplug' };
    const { hotPlug, session, listeners, order } = machine(() => ({ error }));
    expect(await hotPlug.pull(request, 'dut0', session)).toMatchObject({
      ok: false,
      error: { code: 'kernelRefused', message: expect.stringContaining(error.desc) as string },
    });
    expect(await hotPlug.putBack()).toEqual(success([]));
    expect({ order, listeners: listeners.size }).toEqual({ order: [], listeners: 0 });
  });

  it('that goes with its guest is said to be gone', async () => {
    const { hotPlug, session, listeners } = machine(() => {
      setImmediate(() => listeners.forEach((one) => one({ kind: 'linkLost', at: 0, reason: 'QEMU' })));
      return { return: {} };
    });
    expect(await hotPlug.pull(request, 'dut0', session)).toMatchObject({
      ok: false,
      error: { code: 'linkLost' },
    });
  });
});
