import { afterEach, describe, expect, it } from 'vitest';
import type { FaultRequest } from '../../../src-main/core/faults/fault.ts';
import { longAt } from '../../../src-main/core/pci/bytes.ts';
import { findCapability, findExtendedCapability } from '../../../src-main/core/pci/capabilities.ts';
import type { Result } from '../../../src-main/core/result.ts';
import { done } from '../../../src-main/core/result.ts';
import { readHardwareConfig } from '../../../src-main/kernel/sysfs/configSpace.ts';
import { refused } from '../../../src-main/kernel/refusal.ts';
import { monotonicClock } from '../../../src-main/rigs/linux/monotonicClock.ts';
import { topologies } from '../../../src-main/rigs/simulated/hardware/topologies.ts';
import { addressOf } from '../../kernel/recordedMachine.ts';
import { recordedRig, valueOf, type RecordedRig } from './recordedRig.ts';

const dut = addressOf('0000:01:00.0');
const port = addressOf('0000:00:04.0');

const opened: RecordedRig[] = [];
afterEach(async () => {
  for (const rig of opened.splice(0)) await rig.dispose();
});

type Inject = NonNullable<Parameters<typeof recordedRig>[1]>;

/** A clock that runs a hundred times faster: what is waited for in vain is not waited for long. */
const hasty = monotonicClock(() => performance.now() * 100_000);

const rigWith = async (inject?: Inject): Promise<RecordedRig> => {
  const recorded = await recordedRig(topologies.single, inject, { clock: hasty });
  opened.push(recorded);
  await setConfig(recorded, dut, (config, at) => {
    at.set16(0x04, 0x0506);
    at.set16((findCapability(config, 0x10) ?? 0) + 8, 0x000f);
    at.set32(aerOf(config) + 8, 0);
  });
  await setConfig(recorded, port, (config, at) => {
    at.set16(0x04, 0x0507);
    at.set16(0x3e, 2);
    at.set32(aerOf(config) + 0x2c, 7);
  });
  return recorded;
};
const aerOf = (config: Uint8Array): number => findExtendedCapability(config, 1) ?? 0;
const setConfig = async (
  { machine }: RecordedRig,
  address: typeof dut,
  change: (
    config: Uint8Array,
    at: { set16(offset: number, value: number): void; set32(offset: number, value: number): void },
  ) => void,
): Promise<void> => {
  const config = valueOf(await readHardwareConfig(machine.tree, address));
  const view = new DataView(config.buffer);
  change(config, {
    set16: (offset, value) => view.setUint16(offset, value, true),
    set32: (offset, value) => view.setUint32(offset, value, true),
  });
  machine.attribute(address, 'config', config);
};

const request = (
  error: string,
  severity: 'correctable' | 'nonFatal' | 'fatal' | null = null,
  injector: FaultRequest['injector'] = 'aerInject',
): FaultRequest => ({ address: dut, injector, fault: { kind: 'aer', error, severity } });

const deliveryOf = async (rig: RecordedRig, wanted: FaultRequest): Promise<unknown> =>
  valueOf(await rig.rig.inject(wanted)).delivery;

describe('an error by aer_inject', () => {
  it.each<[string, Inject, RegExp]>([
    [
      'the counters of the device',
      (machine) => {
        machine.attribute(dut, 'aer_dev_fatal', 'TOTAL_ERR_FATAL 1\n');
        return done;
      },
      /counted a fatal error of 0000:01:00.0/,
    ],
    [
      'the counters of the root port',
      (machine) => {
        machine.attribute(port, 'aer_rootport_total_err_fatal', '4\n');
        return done;
      },
      /counted a fatal error of 0000:00:04.0 \(0 to 4\)/,
    ],
  ])('arrives by %s', async (_, inject, detail) => {
    const delivery = await deliveryOf(await rigWith(inject), request('MALF_TLP'));
    expect(delivery).toMatchObject({ kind: 'reported', detail: expect.stringMatching(detail) });
  });

  it.each([
    ['pcieport 0000:00:04.0: AER: Uncorrected (Fatal) error received: 0000:01:00.0', 'reported'],
    [
      'pcieport 0000:00:04.0: AER: Uncorrectable (Fatal) error message received from 0000:01:00.0',
      'reported',
    ],
    [
      'vfio-pci 0000:01:00.0: PCIe Bus Error: severity=Uncorrected (Fatal), type=Transaction Layer',
      'reported',
    ],
    [
      'pcieport 0000:00:04.0: aer_inject: Injecting errors 00000000/00040000 into device 0000:01:00.0',
      'lost',
    ],
    ['vfio-pci 0000:01:00.0: enabling device (0000 -> 0003)', 'lost'],
  ])('told by a line of the kernel log, which is not "%s" of its own deed: %s', async (text, kind) => {
    const recorded: RecordedRig = await rigWith(() => {
      recorded.tell({ kind: 'kernelLog', at: 1, address: dut, text });
      return done;
    });
    expect(await deliveryOf(recorded, request('MALF_TLP'))).toMatchObject({ kind });
  });

  it('gets the severity that was asked for', async () => {
    const severities: number[] = [];
    const severityOf = async (recorded: RecordedRig): Promise<number> => {
      const config = valueOf(await readHardwareConfig(recorded.machine.tree, dut));
      return longAt(config, aerOf(config) + 0x0c);
    };
    const recorded = await rigWith();
    for (const severity of ['fatal', 'nonFatal', null] as const) {
      await recorded.rig.inject(request('COMP_TIME', severity));
      severities.push((await severityOf(recorded)) & (1 << 14));
    }
    expect(severities).toEqual([1 << 14, 0, 0]);
  });

  it('that is masked is not even tried, because the module would remember it', async () => {
    let asked = 0;
    const recorded = await rigWith(() => {
      asked += 1;
      return done;
    });
    await setConfig(recorded, dut, (config, at) => at.set32(aerOf(config) + 8, 1 << 18));
    expect(await recorded.rig.inject(request('MALF_TLP'))).toMatchObject({
      ok: false,
      error: { code: 'injectionRefused', message: expect.stringContaining('masked') },
    });
    expect(asked).toBe(0);
    expect(await recorded.rig.inject(request('COMP_TIME'))).toMatchObject({ ok: true });
    expect(asked).toBe(1);
  });

  it('that the kernel refuses is refused as it stands', async () => {
    const refusal = refused(93, 'no AER', 'injectionRefused');
    const recorded = await rigWith((): Result<void> => refusal);
    expect(await recorded.rig.inject(request('MALF_TLP'))).toEqual(refusal);
  });

  it.each<[string, FaultRequest, string]>([
    ['no error of AER', request('NO_SUCH'), 'malformedInput'],
    [
      'another kind of fault',
      { address: dut, injector: 'aerInject', fault: { kind: 'unplug' } },
      'injectionRefused',
    ],
    ['an injector that is not here', request('MALF_TLP', null, 'qemuMonitor'), 'injectorUnavailable'],
    [
      'a loop-back without a session',
      { address: dut, injector: 'loopback', fault: { kind: 'loopback' } },
      'injectorUnavailable',
    ],
  ])('is refused: %s', async (_, wanted, code) => {
    expect(await (await rigWith()).rig.inject(wanted)).toMatchObject({ ok: false, error: { code } });
  });
});

describe('an error that somebody else causes', () => {
  it('is witnessed when it arrives between the two calls', async () => {
    const { rig, tell } = await rigWith();
    const number = valueOf(await rig.expectFault(request('COMP_TIME', 'nonFatal', 'qemuMonitor')));
    tell({ kind: 'uevent', at: 5, address: dut, uevent: 'beginRecovery' });
    expect(valueOf(await rig.settleFault(number))).toMatchObject({ kind: 'reported' });
    expect(await rig.settleFault(number)).toMatchObject({ ok: false, error: { code: 'malformedInput' } });
  });

  it('is said to be lost where the way was closed, and what others did does not count', async () => {
    const recorded = await rigWith();
    await setConfig(recorded, dut, (_, at) => at.set16(0x04, 0x0006));
    const number = valueOf(await recorded.rig.expectFault(request('MALF_TLP', null, 'qemuMonitor')));
    recorded.tell({ kind: 'uevent', at: 5, address: addressOf('0000:02:00.0'), uevent: 'beginRecovery' });
    expect(valueOf(await recorded.rig.settleFault(number))).toMatchObject({ kind: 'lost', where: 'serr' });
  });

  it('is expected once for each device: the later expectation counts', async () => {
    const { rig, tell } = await rigWith();
    const first = valueOf(await rig.expectFault(request('MALF_TLP')));
    const second = valueOf(await rig.expectFault(request('MALF_TLP')));
    expect(await rig.settleFault(first)).toMatchObject({ ok: false });
    tell({ kind: 'uevent', at: 5, address: dut, uevent: 'beginRecovery' });
    expect(valueOf(await rig.settleFault(second))).toMatchObject({ kind: 'reported' });
  });
});

describe('injectors', () => {
  it('say why they cannot be used', async () => {
    const { rig, machine } = await rigWith();
    const refusals = async (address: typeof dut): Promise<unknown> =>
      valueOf(await rig.injectors(address)).map(({ injector, refusal }) => [
        injector,
        refusal?.errno?.name ?? refusal?.code,
      ]);
    expect(await refusals(dut)).toEqual([
      ['aerInject', 'ENOENT'],
      ['loopback', 'injectorUnavailable'],
    ]);
    machine.file('dev/aer_inject', '');
    expect(await refusals(dut)).toEqual([
      ['aerInject', undefined],
      ['loopback', 'injectorUnavailable'],
    ]);
    machine.unlink(dut, 'aer_dev_fatal');
    expect(await refusals(dut)).toContainEqual(['aerInject', 'injectorUnavailable']);
  });
});
