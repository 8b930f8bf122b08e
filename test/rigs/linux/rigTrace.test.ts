import { describe, expect, it } from 'vitest';
import type { TraceTold } from '../../../src-main/core/kernelTrace/told.ts';
import type { PciAddress } from '../../../src-main/core/pci/address.ts';
import { failure, success, type Result } from '../../../src-main/core/result.ts';
import type { PciFunction } from '../../../src-main/kernel/sysfs/pciFunction.ts';
import type { KernelTrace, KernelTraceEvent } from '../../../src-main/kernel/trace/kernelTrace.ts';
import { RigTrace } from '../../../src-main/rigs/linux/rigTrace.ts';
import type { RigEvent } from '../../../src-main/rigs/rig.ts';
import { addressOf } from '../../kernel/recordedMachine.ts';

const [device, sibling, port, stranger] = [
  '0000:01:00.0',
  '0000:01:00.1',
  '0000:00:04.0',
  '0000:02:00.0',
].map(addressOf) as [PciAddress, PciAddress, PciAddress, PciAddress];

const call: TraceTold = {
  kind: 'call',
  call: {
    ...{ function: 'pcie_flr', edge: 'ended', took: 3, returned: 0 },
    ...{ request: null, within: null, steps: [] },
  },
};

const traced = (permitted: Result<void> = success(undefined)) => {
  const events: RigEvent[] = [];
  const listeners: ((event: KernelTraceEvent) => void)[] = [];
  let running = 0;
  const trace = new RigTrace({
    open: async (listener): Promise<Result<KernelTrace>> => {
      if (!permitted.ok) return permitted;
      listeners.push(listener);
      running += 1;
      return success({
        state: { kind: 'watching', means: 'kprobes', seen: ['pcie_flr'], unseen: [], devices: 'known' },
        close: async () => {
          running -= 1;
        },
      });
    },
    now: () => 5,
    emit: (event) => events.push(event),
  });
  return {
    trace,
    events,
    running: () => running,
    tell: (address: PciAddress | null) => listeners.at(-1)?.({ at: 7, address, told: call }),
  };
};

const opened = { address: device, ports: [port] } as Pick<PciFunction, 'address' | 'ports'> as PciFunction;

describe('the trace of a rig', () => {
  it('begins once, and says what it sees', async () => {
    const { trace, events, running } = traced();
    await Promise.all([trace.begin(), trace.begin()]);
    expect(running()).toBe(1);
    expect(events).toMatchObject([
      { kind: 'kernelTrace', at: 5, address: null, told: { kind: 'state', state: { kind: 'watching' } } },
    ]);
    await trace.close();
    expect(running()).toBe(0);
  });

  it('tells what is done to an opened device, its bus and its ports, or to nobody knows whom, and no more', async () => {
    const { trace, events, tell } = traced();
    trace.concerns(opened);
    await trace.begin();
    for (const address of [device, sibling, port, stranger, null]) tell(address);
    expect(events.slice(1).map((event) => 'address' in event && event.address)).toEqual([
      device,
      sibling,
      port,
      null,
    ]);
  });

  it('that the kernel does not permit is told once with the reason, and is no failure', async () => {
    const { trace, events } = traced(failure('permissionDenied', 'Only root.'));
    await trace.begin();
    await trace.begin();
    expect(events).toMatchObject([
      { told: { kind: 'state', state: { kind: 'off', error: { code: 'permissionDenied' } } } },
    ]);
    expect(await trace.wish('ask')).toMatchObject({ kind: 'off', error: { message: 'Only root.' } });
  });

  it('can be switched off and on, and stays off for devices that are opened later', async () => {
    const { trace, running } = traced();
    await trace.begin();
    expect(await trace.wish('off')).toEqual({ kind: 'off', error: null });
    await trace.begin();
    expect(running()).toBe(0);
    expect(await trace.wish('on')).toMatchObject({ kind: 'watching' });
    expect(running()).toBe(1);
  });
});
