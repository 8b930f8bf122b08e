import { success, type Result } from '../../core/result.ts';
import type { Protocol } from '../../core/recovery/phase.ts';
import type { ResetKind } from '../../core/recovery/reports.ts';
import { zpciBaseOf } from '../../core/vfio/deviceInfo.ts';
import { featureNumbers } from '../../core/vfio/feature.ts';
import { pciIrqIndexes } from '../../core/vfio/numbers.ts';
import type { ZpciBaseCapability } from '../../core/vfio/zpciCapabilities.ts';
import { mediationOf, type Mediation } from '../../core/zpci/mediation.ts';
import { eventfdFlags } from '../syscalls.ts';
import type { Kernel } from '../kernel.ts';
import { refused } from '../refusal.ts';
import type { VfioDeviceFile } from './deviceFile.ts';
import { affectedByHotReset, type AffectedDevice } from './hotReset.ts';

export interface VfioAbilities {
  readonly protocols: readonly Protocol[];
  readonly resetKinds: readonly ResetKind[];
  /** What a hot reset takes down, this function included; empty where there is none. */
  readonly affectedByHotReset: readonly AffectedDevice[];
  /** The kernel can ask for the device back (index 4). */
  readonly asksForRelease: boolean;
  /** 0 where the device has no MSI-X. */
  readonly msixVectors: number;
  /** Of a zPCI function. */
  readonly zpci: { readonly base: ZpciBaseCapability; readonly mediation: Mediation } | null;
}

const { VFIO_PCI_ERR_IRQ_INDEX, VFIO_PCI_REQ_IRQ_INDEX, VFIO_PCI_ERR_NOTIFY_IRQ_INDEX } = pciIrqIndexes;

/** What the kernel says that an open device can do: asked, never guessed from versions. */
export const discover = (kernel: Pick<Kernel, 'calls'>, file: VfioDeviceFile): Result<VfioAbilities> => {
  const info = file.info();
  if (!info.ok) return info;
  const { irqCount, supportsReset } = info.value;
  const count = (index: number): number => {
    const irq = index < irqCount ? file.irq(index) : null;
    return irq?.ok === true ? irq.value.count : 0;
  };
  const notify = irqCount > VFIO_PCI_ERR_NOTIFY_IRQ_INDEX ? takesNotifyEventfd(kernel, file) : success(false);
  if (!notify.ok) return notify;
  const signalsErrors = count(VFIO_PCI_ERR_IRQ_INDEX) > 0;
  const base = zpciBaseOf(info.value);
  const zpci =
    base === undefined
      ? null
      : {
          base,
          mediation: mediationOf(base, file.probeFeature(featureNumbers.VFIO_DEVICE_FEATURE_ZPCI_ERROR)),
        };
  const mediated = zpci?.mediation.kind === 'mediated';
  const affected = affectedByHotReset(kernel, file);
  return success({
    protocols: [
      ...(notify.value ? (['notify'] as const) : []),
      ...(signalsErrors ? ([mediated ? 'mediated' : 'legacy'] as const) : []),
    ],
    resetKinds: [...(supportsReset ? (['device'] as const) : []), ...(affected.ok ? (['hot'] as const) : [])],
    affectedByHotReset: affected.ok ? affected.value : [],
    asksForRelease: count(VFIO_PCI_REQ_IRQ_INDEX) > 0,
    msixVectors: count(pciIrqIndexes.VFIO_PCI_MSIX_IRQ_INDEX),
    zpci,
  });
};

/**
 * GET_IRQ_INFO refuses index 5 even where it exists (observation 1), so an eventfd is registered and taken back. A
 * failure only where the index might stay armed.
 */
const takesNotifyEventfd = ({ calls }: Pick<Kernel, 'calls'>, file: VfioDeviceFile): Result<boolean> => {
  const eventfd = calls.eventfd(0, eventfdFlags.EFD_NONBLOCK | eventfdFlags.EFD_CLOEXEC);
  if (!eventfd.ok) return refused(eventfd.errno, 'The kernel gave no eventfd to try the handshake with.');
  try {
    if (!file.registerEventfds(VFIO_PCI_ERR_NOTIFY_IRQ_INDEX, [eventfd.value]).ok) return success(false);
    const removed = file.unregister(VFIO_PCI_ERR_NOTIFY_IRQ_INDEX);
    return removed.ok ? success(true) : removed;
  } finally {
    calls.close(eventfd.value);
  }
};
