import { afterEach, describe, expect, it } from 'vitest';
import type { FaultRequest } from '../../../src-main/core/faults/fault.ts';
import { failure, success, type Result } from '../../../src-main/core/result.ts';
import type { MachineEvent } from '../../../src-main/kernel/events/machineEvents.ts';
import { injectFault, injectorOffers, type InjectionNeeds } from '../../../src-main/rigs/linux/injection.ts';
import { monotonicClock } from '../../../src-main/rigs/linux/monotonicClock.ts';
import { readPciFunction, type PciFunction } from '../../../src-main/kernel/sysfs/pciFunction.ts';
import type { DeviceSession, Rig, RigClock } from '../../../src-main/rigs/rig.ts';
import { topologies } from '../../../src-main/rigs/simulated/hardware/topologies.ts';
import { addressOf } from '../../kernel/recordedMachine.ts';
import { recordedRig, valueOf, type RecordedRig } from './recordedRig.ts';

const dut = addressOf('1234:00:00.0');
const other = addressOf('1235:00:00.0');

const opened: RecordedRig[] = [];
afterEach(async () => {
  for (const rig of opened.splice(0)) await rig.dispose();
});

/** A clock that runs a hundred times faster: what is waited for in vain is not waited for long. */
const unhurried = monotonicClock(() => performance.now() * 1_000);
const hasty: RigClock = {
  now: () => unhurried.now(),
  wall: () => unhurried.wall(),
  at: (moment, callback) => {
    const now = unhurried.now();
    return unhurried.at(now + (moment - now) / 100, callback);
  },
};

const zpciRig = async (kernel = '7.3-s390x'): Promise<RecordedRig> => {
  const recorded = await recordedRig(topologies.zpci, undefined, {
    clock: hasty,
    info: { kind: 'local', name: 'local', title: 'Files', kernel, architecture: 's390x' },
  });
  opened.push(recorded);
  for (const [address, fid] of [
    [dut, '0x00000056'],
    [other, '0x00000057'],
  ] as const) {
    recorded.machine.attribute(address, 'function_id', `${fid}\n`);
    recorded.machine.attribute(address, 'uid', `0x${address.slice(0, 4)}\n`);
  }
  return recorded;
};

const functionOf = async ({ machine }: RecordedRig): Promise<PciFunction> => {
  const found = await readPciFunction(machine.tree, dut);
  if (found === null) throw new Error('The machine has lost its function.');
  return found;
};

/** Nothing of a session is used but that there is one. */
const session = {} as DeviceSession;

const needsOf = (
  { rig, machine }: RecordedRig,
  open: InjectionNeeds['open'],
  onEvent: Rig['onEvent'] = (listener) => rig.onEvent(listener),
): InjectionNeeds => ({
  tree: machine.tree,
  clock: hasty,
  injectAer: async () => failure('notSupported', 'There is no AER here.'),
  open,
  witness: rig,
  onEvent,
});

const request = (where: 'unmapped' | 'belowAperture' | 'aboveAperture'): FaultRequest => ({
  address: dut,
  injector: 'badDma',
  fault: { kind: 'zpciDma', where },
});

describe('what a zPCI function can likely be armed with', () => {
  it.each([
    ['7.3-s390x', [['mediated'], ['mediated']]],
    ['7.10.1', [['mediated'], ['mediated']]],
    ['8.0-rc1', [['mediated'], ['mediated']]],
    ['7.2.13-s390x', [['legacy'], []]],
    ['6.12.48', [['legacy'], []]],
  ])('on Linux %s, with and without PCI Express, is %j', async (kernel, protocols) => {
    const { rig } = await zpciRig(kernel);
    const devices = valueOf(await rig.devices());
    const [first, second] = [dut, other].map((wanted) => devices.find(({ address }) => address === wanted));
    expect([first?.protocols, second?.protocols]).toEqual(protocols);
  });
});

describe('the injectors of a zPCI function', () => {
  it('say that it has to be open, and then refuse nothing', async () => {
    const recorded = await zpciRig();
    const found = await functionOf(recorded);
    const offers = (open: InjectionNeeds['open']) => injectorOffers(recorded.machine.tree, found, open);
    const badDma = { cause: async () => success(0n) };
    expect((await offers(null)).map(({ injector, refusal }) => [injector, refusal?.details])).toEqual([
      ['badDma', { needs: 'open' }],
      ['loopback', { needs: 'open' }],
    ]);
    expect((await offers({ session, badDma })).map(({ refusal }) => refusal)).toEqual([null, null]);
    const [undriven] = await offers({ session, badDma: null });
    expect(undriven?.refusal?.message).toMatch(/no driver for 1234:00:00.0/);
  });

  it('take a fault of the function’s own kind, and no other', async () => {
    const recorded = await zpciRig();
    const found = await functionOf(recorded);
    const needs = needsOf(recorded, { session, badDma: { cause: async () => success(0n) } });
    const aer = { kind: 'aer', error: 'MALF_TLP', severity: null } as const;
    expect(await injectFault(needs, found, { ...request('unmapped'), fault: aer })).toMatchObject({
      ok: false,
      error: { code: 'injectionRefused' },
    });
  });

  it('cause nothing on a closed device', async () => {
    const recorded = await zpciRig();
    expect(
      await injectFault(needsOf(recorded, null), await functionOf(recorded), request('unmapped')),
    ).toMatchObject({ ok: false, error: { code: 'injectorUnavailable' } });
  });
});

describe('a bad DMA', () => {
  const caused = async (
    happens: (recorded: RecordedRig) => Result<bigint>,
  ): Promise<{ delivery: unknown; listening: number }> => {
    const recorded = await zpciRig();
    let listening = 0;
    const onEvent: Rig['onEvent'] = (listener) => {
      listening += 1;
      const stop = recorded.rig.onEvent(listener);
      return () => {
        listening -= 1;
        stop();
      };
    };
    const badDma = { cause: async () => happens(recorded) };
    const needs = needsOf(recorded, { session, badDma }, onEvent);
    const receipt = await injectFault(needs, await functionOf(recorded), request('unmapped'));
    return { delivery: receipt.ok ? receipt.value.delivery : receipt.error.code, listening };
  };

  it.each<[string, MachineEvent, string]>([
    [
      'a line of the kernel log',
      {
        kind: 'kernelLog',
        at: 1,
        address: dut,
        text: 'zpci: 1234:00:00.0: Event 0x4 reports an error for PCI function 0x56',
      },
      'reported',
    ],
    ['a uevent', { kind: 'uevent', at: 1, address: dut, uevent: 'beginRecovery' }, 'reported'],
    [
      'a uevent of another function',
      { kind: 'uevent', at: 1, address: other, uevent: 'beginRecovery' },
      'lost',
    ],
    [
      'a line that tells of something else',
      { kind: 'kernelLog', at: 1, address: dut, text: 'vfio-pci 1234:00:00.0: resetting' },
      'lost',
    ],
  ])('is told by %s: %s', async (_, event, kind) => {
    const { delivery, listening } = await caused(({ tell }) => {
      tell(event);
      return success(0x1_0001_0000n);
    });
    expect(delivery).toMatchObject({ kind, detail: expect.stringContaining('0x100010000') });
    expect(listening).toBe(0);
  });

  it('that the device refuses is no receipt, and nobody goes on listening', async () => {
    expect(await caused(() => failure('injectionRefused', 'BusMaster is off.'))).toEqual({
      delivery: 'injectionRefused',
      listening: 0,
    });
  });
});

describe('a zPCI function in error', () => {
  it('is frozen to the pre-flight rules when its config space gives ones', async () => {
    const recorded = await zpciRig();
    expect(valueOf(await recorded.rig.faultTarget(dut)).link).toBe('up');
    recorded.machine.attribute(dut, 'config', new Uint8Array(4096).fill(0xff));
    expect(valueOf(await recorded.rig.faultTarget(dut))).toMatchObject({ link: 'frozen', aer: null });
  });
});
