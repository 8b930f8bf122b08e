import { describe, expect, it } from 'vitest';
import { platformActions, platformWords } from '../../../src-main/core/zpci/platformActions.ts';
import { addressOf } from '../../kernel/recordedMachine.ts';
import { farEnd, nearEnd } from '../remote/pair.ts';
import { Bench, valueOf } from './bench.ts';

const address = addressOf('1234:00:00.0');
const listed = async ({ rig }: Bench) =>
  valueOf(await rig.devices()).find((device) => device.address === address);
const codeOf = (result: { readonly ok: boolean; readonly error?: { readonly code: string } }): string =>
  result.ok ? 'none' : (result.error?.code ?? '');

describe('the platform of a simulated s390x machine', () => {
  it('recovers a function: it comes back as a new device, in service and without a driver', async () => {
    const bench = new Bench('zpci-7.3', 'zpci');
    await bench.rig.inject({
      address,
      injector: 'simulated',
      fault: { kind: 'zpciDma', where: 'unmapped' },
    });
    await bench.sleep(1_000_000);
    const report = valueOf(await bench.rig.platformAct(address, 'recover'));
    expect(report).toMatchObject({ action: 'recover', present: true });
    expect(report.took).toBeGreaterThan(0);
    expect(await listed(bench)).toMatchObject({ driver: null, protocols: [] });
    expect(bench.events.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['deviceRemoved', 'deviceAdded']),
    );
    valueOf(await bench.rig.bind(address, 'vfio-pci'));
    const { session } = await bench.open(address);
    expect(await session.prove()).toMatchObject({ verdict: 'proven' });
  });

  it('takes a function off the bus, where no rescan finds it, and brings it back', async () => {
    const bench = new Bench('zpci-7.3', 'zpci');
    expect(valueOf(await bench.rig.platformAct(address, 'powerOff')).present).toBe(false);
    expect(valueOf(await bench.rig.rescan())).toEqual([]);
    expect(await listed(bench)).toBeUndefined();
    expect(codeOf(await bench.rig.platformAct(address, 'recover'))).toBe('deviceLost');
    expect(valueOf(await bench.rig.platformAct(address, 'powerOn')).present).toBe(true);
    expect(await listed(bench)).toMatchObject({ driver: null });
  });

  it('refuses what goes to a service element, what is open, and what is no zPCI, and changes nothing', async () => {
    const bench = new Bench('zpci-7.3', 'zpci');
    for (const action of platformActions.filter((one) => platformWords[one].toServiceElement)) {
      expect(codeOf(await bench.rig.platformAct(address, action))).toBe('notSupported');
    }
    const { session } = await bench.open(address);
    expect(codeOf(await bench.rig.platformAct(address, 'recover'))).toBe('busy');
    await session.close();
    expect(codeOf(await bench.rig.platformAct(addressOf('2000:00:00.0'), 'powerOff'))).toBe('none');
    const x86 = new Bench('notify-7.2', 'single');
    const offers = valueOf(await x86.rig.platformOffers(addressOf('0000:01:00.0')));
    expect(offers.map(({ refusal }) => refusal?.code)).toEqual(Array(7).fill('notSupported'));
    expect(codeOf(await x86.rig.platformAct(addressOf('0000:0f:00.0'), 'recover'))).toBe('unknownAddress');
  });

  it('is asked over the wire', async () => {
    const far = farEnd('zpci-7.3');
    const near = await nearEnd(far.connect().near);
    try {
      expect(valueOf(await near.platformOffers(address))).toEqual(
        valueOf(await far.rig.platformOffers(address)),
      );
      expect(valueOf(await near.platformAct(address, 'powerOff'))).toMatchObject({ present: false });
      expect(codeOf(await near.platformAct(address, 'zpcictlReset'))).toBe('deviceLost');
      expect(valueOf(await near.platformAct(address, 'powerOn'))).toMatchObject({ present: true });
    } finally {
      await near.close();
      await far.agent.close();
    }
  });
});
