import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PciAddress } from '../../../src-main/core/pci/address.ts';
import { imageOf, plainGuestOf } from '../../../src-main/commands/virtualRigs.ts';
import { defaultKernels } from '../../../src-main/rigs/virtual/guestArchitecture.ts';
import { isFunctionEnabled } from '../../../src-main/core/zpci/functionHandle.ts';
import { guestTopology } from '../../../src-main/rigs/virtual/guestTopology.ts';
import { openVirtualRig, type VirtualRig } from '../../../src-main/rigs/virtual/virtualRig.ts';

/** Boots a real kernel: needs QEMU for s390x and the image. */
const image = await imageOf({ architecture: 's390x', kernel: defaultKernels.s390x }, process.env);
const missing = image.ok ? null : image.error.message;

/** In milliseconds; an emulator on a machine that others use too takes its time. */
const bootTime = 180_000;

const valueOf = <Value>(
  result: { ok: true; value: Value } | { ok: false; error: { message: string } },
): Value => {
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
};

describe.skipIf(missing !== null && process.env['CI'] !== 'true')(
  `an s390x guest${missing === null ? '' : ` (${missing})`}`,
  () => {
    let rig: VirtualRig;
    const topology = guestTopology('zpci');
    const [first, second] = topology.devices.map(({ address }) => address) as [PciAddress, PciAddress];

    beforeAll(async () => {
      rig = valueOf(
        await openVirtualRig({
          image: valueOf(image),
          name: 'virtual:s390x',
          bench: 'test',
          topology,
          ...plainGuestOf('s390x'),
          bootPatience: bootTime,
        }),
      );
    }, bootTime);
    afterAll(() => rig.close());

    it('has functions with UID and FID, in the domain of their UID', async () => {
      expect(rig.info).toMatchObject({ kind: 'virtual', architecture: 's390x' });
      expect(valueOf(await rig.devices())).toMatchObject([
        { address: '1234:00:00.0', driver: 'vfio-pci', zpci: { uid: 0x1234, fid: 0x56 }, aerCounters: null },
        { address: '1235:00:00.0', driver: 'vfio-pci', zpci: { uid: 0x1235, fid: 0x57 }, aerCounters: null },
      ]);
    });

    it('shows what QEMU gives its functions as sysfs writes it', async () => {
      const [{ zpci } = {}] = valueOf(await rig.devices());
      expect(zpci).toEqual({
        uid: 0x1234,
        fid: 0x56,
        functionHandle: expect.any(Number),
        pchid: 0,
        // QEMU's own group of emulated functions (include/hw/s390x/s390-pci-bus.h, ZPCI_DEFAULT_FN_GRP).
        pfgid: 0xff,
        pft: 0,
        vfn: 0,
        utilityString: '',
        uidIsUnique: true,
      });
      expect(isFunctionEnabled(zpci?.functionHandle ?? 0)).toBe(true);
    });

    it('has a platform that recovers a function, not while it is open, and no service element', async () => {
      const session = valueOf(await rig.open(second));
      expect(await rig.platformAct(second, 'recover')).toMatchObject({ ok: false, error: { code: 'busy' } });
      valueOf(await session.close());
      expect(await rig.platformAct(second, 'zpcictlReset')).toMatchObject({
        ok: false,
        error: { code: 'kernelRefused', errno: { name: 'EOPNOTSUPP' } },
      });
      const driver = async () =>
        valueOf(await rig.devices()).find(({ address }) => address === second)?.driver;
      expect(await driver()).toBe('vfio-pci');
      const ended = new Promise<void>((resolve) =>
        rig.onEvent((event) => {
          if (event.kind === 'kernelLog' && event.text.includes('ended "Recover"')) resolve();
        }),
      );
      const recovered = await rig.platformAct(second, 'recover');
      // A machine that is busy has no patience with an emulated kernel, and is told when that is done.
      if (recovered.ok) expect(recovered.value.present).toBe(true);
      else {
        expect(recovered.error.code).toBe('callTimedOut');
        await ended;
      }
      // Its driver_override went with the device that was removed.
      await expect.poll(driver, { timeout: 30_000 }).toBe('virtio-pci');
      valueOf(await rig.bind(second, 'vfio-pci'));
    }, 60_000);

    it('does DMA and interrupts through the add-on, on a big-endian processor', async () => {
      const session = valueOf(await rig.open(first));
      const proof = await session.prove();
      expect(proof.checks).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ check: 'dma', result: 'passed' }),
          expect.objectContaining({ check: 'msix', result: 'passed' }),
        ]),
      );
      await session.close();
    });

    it('offers no injection by the monitor: without AER there is nothing that QEMU could inject', async () => {
      const offers = valueOf(await rig.injectors(first));
      expect(offers.map(({ injector }) => injector)).not.toContain('qemuMonitor');
    });
  },
);
