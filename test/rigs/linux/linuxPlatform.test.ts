import { afterEach, describe, expect, it } from 'vitest';
import type { PciAddress } from '../../../src-main/core/pci/address.ts';
import type { Result } from '../../../src-main/core/result.ts';
import type { PlatformAction } from '../../../src-main/core/zpci/platformActions.ts';
import type { RigEvent } from '../../../src-main/rigs/rig.ts';
import { topologies } from '../../../src-main/rigs/simulated/hardware/topologies.ts';
import { addressOf } from '../../kernel/recordedMachine.ts';
import { zpciAddress, zpciMachine } from '../../kernel/zpciMachine.ts';
import { recordedRig, valueOf, type RecordedRig } from './recordedRig.ts';

const opened: RecordedRig[] = [];
afterEach(async () => {
  for (const rig of opened.splice(0)) await rig.dispose();
});
const function0 = addressOf(zpciAddress);
const power = '/bus/pci/slots/00000056/power';
const sysfs = `/bus/pci/devices/${zpciAddress}`;

/** An s390x machine; what its platform is told takes functions away and gives them back. */
const s390x = async (changes: Parameters<typeof recordedRig>[2] = {}): Promise<RecordedRig> => {
  const machine = zpciMachine();
  const folder = `devices/pci1234:00/${zpciAddress}`;
  machine.onPlatform = (file, text) => {
    if (file !== 'power') return;
    machine.file(`sys${power}`, `${text}\n`);
    if (text === '0') machine.remove(zpciAddress);
    else machine.restore(zpciAddress, folder);
  };
  const recorded = await recordedRig(topologies.zpci, undefined, changes, machine);
  opened.push(recorded);
  valueOf(await recorded.rig.devices());
  return recorded;
};
const refusalsOf = async ({ rig }: RecordedRig, address = function0): Promise<Record<string, string>> =>
  Object.fromEntries(
    valueOf(await rig.platformOffers(address)).flatMap(({ action, refusal }) =>
      refusal === null ? [] : [[action, refusal.code]],
    ),
  );
const codeOf = (result: Result<unknown>): string =>
  result.ok ? 'none' : [result.error.code, result.error.errno?.name ?? '-'].join(' ');

describe('the platform of s390x', () => {
  it('offers what the kernel has files for', async () => {
    const recorded = await s390x();
    expect(await refusalsOf(recorded)).toEqual({ powerOn: 'malformedInput' });
    recorded.machine.unlink(zpciAddress, 'recover');
    recorded.machine.unlink(zpciAddress, 'report_error');
    recorded.machine.unlinkFolder('sys/bus/pci/slots');
    expect(Object.values(await refusalsOf(recorded))).toEqual(Array(7).fill('notSupported'));
    expect(recorded.machine.written).toEqual([]);
  });

  it('recovers a function by its own file', async () => {
    const { rig, machine } = await s390x();
    expect(valueOf(await rig.platformAct(function0, 'recover'))).toMatchObject({
      action: 'recover',
      present: true,
    });
    expect(machine.written).toEqual([`${sysfs}/recover "1"`]);
  });

  it('switches the slot off, knows the function by its FID meanwhile, and switches it on', async () => {
    const recorded = await s390x();
    const { rig, machine } = recorded;
    expect(valueOf(await rig.platformAct(function0, 'powerOff'))).toMatchObject({ present: false });
    expect(valueOf(await rig.devices()).map(({ address }) => address)).not.toContain(zpciAddress);
    expect(await refusalsOf(recorded)).not.toHaveProperty('powerOn');
    expect(codeOf(await rig.platformAct(function0, 'recover'))).toBe('deviceLost -');
    expect(valueOf(await rig.platformAct(function0, 'powerOn'))).toMatchObject({ present: true });
    expect(machine.written).toEqual([`${power} "0"`, `${power} "1"`]);
  });

  it.each([
    ['zpcictlReset', '0102', true],
    ['zpcictlResetFirmware', '0100', false],
    ['zpcictlDeconfigure', '0101', false],
    ['zpcictlReportError', '0102', false],
  ] as const)('writes for %s what zpcictl writes', async (action, begins, recovers) => {
    const { rig, machine } = await s390x();
    valueOf(await rig.platformAct(function0, action));
    const [report, ...rest] = machine.written;
    expect(report).toMatch(new RegExp(`^${sysfs}/report_error "${begins}0fe6000000006b49d200`));
    expect(rest).toEqual(recovers ? [`${sysfs}/recover "1"`] : []);
  });

  it('does not recover what could not be reported, and tells the errno', async () => {
    const { rig, machine } = await s390x();
    machine.refusing.set('report_error', 'EOPNOTSUPP');
    expect(codeOf(await rig.platformAct(function0, 'zpcictlReset'))).toMatch(/EOPNOTSUPP$/);
    expect(machine.written).toHaveLength(1);
  });

  it('writes nothing for what is refused: no s390x function, nobody, held, in use by the host', async () => {
    const { rig, machine } = await s390x();
    expect(codeOf(await rig.platformAct(addressOf('ffff:00:00.0'), 'recover'))).toBe('unknownAddress -');
    expect(codeOf(await rig.platformAct(function0, 'powerOn'))).toBe('malformedInput -');
    machine.unlink(zpciAddress, 'function_id');
    expect(codeOf(await rig.platformAct(function0, 'recover'))).toBe('notSupported -');
    expect(machine.written).toEqual([]);
  });

  it('does not wait for ever for the kernel, and tells when it has ended', async () => {
    const recorded = await s390x({ patience: 20 });
    const { rig, machine } = recorded;
    let letGo: () => void = () => undefined;
    machine.held.set(
      `${machine.tree.sys}/bus/pci/devices`,
      new Promise((resolve) => {
        letGo = resolve;
      }),
    );
    expect(codeOf(await rig.platformAct(function0, 'recover'))).toBe('callTimedOut ETIMEDOUT');
    expect(codeOf(await rig.platformAct(function0, 'powerOff'))).toBe('busy EBUSY');
    const told = new Promise<RigEvent>((resolve) => rig.onEvent(resolve));
    letGo();
    expect(await told).toMatchObject({
      kind: 'kernelLog',
      address: function0,
      text: expect.stringMatching(/ended "Recover" of 1234:00:00\.0: done/),
    });
  });
});

it.each(['recover', 'powerOff', 'zpcictlDeconfigure'] as const satisfies readonly PlatformAction[])(
  '%s is refused while the bench has the function open',
  async (action) => {
    let arrived: () => void = () => undefined;
    const opening = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const recorded = await s390x({
      openVfioDevice: async () => {
        arrived();
        await ended;
        return { ok: false, error: { code: 'kernelRefused', message: 'Files are no devices.' } };
      },
    });
    const session = recorded.rig.open(function0 as PciAddress);
    await opening;
    expect(codeOf(await recorded.rig.platformAct(function0, action))).toBe('busy EBUSY');
    expect(recorded.machine.written).toEqual([]);
    end();
    await session;
  },
);
