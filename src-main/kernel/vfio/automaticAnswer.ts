import { errnoNumbers } from '../../core/errno.ts';
import { success, type Result } from '../../core/result.ts';
import { encodeAcknowledge, encodeUnregister } from '../../core/vfio/irqSet.ts';
import { pciIrqIndexes, pciRegionIndexes, vfioRequests } from '../../core/vfio/numbers.ts';
import { hostOrder } from '../kernel.ts';
import type { AutomaticAnswer, PreparedCall, PreparedLook } from '../waiter/messages.ts';
import { littleEndian, type VfioDeviceFile } from './deviceFile.ts';

export interface ConfigPlace {
  readonly offset: number;
  readonly width: 1 | 2 | 4;
}

/** A call that works between signal and ack (observation 11). */
export type QuiesceCall =
  | ({ readonly call: 'writeConfig'; readonly value: number } & ConfigPlace)
  | { readonly call: 'disableMsix' }
  | ({ readonly call: 'expectClear'; readonly bits: number } & ConfigPlace);

export interface AnswerWishes {
  readonly looks: readonly ConfigPlace[];
  readonly quiesce: readonly QuiesceCall[];
  /** Microseconds after the signal. */
  readonly delay: number;
  readonly latest: number;
}

/**
 * What the waiter does by itself at the next error signal of a `notify` device, as bytes. It is used up by that signal,
 * because the next one on the eventfd says "reset".
 */
export const prepareAutomaticAnswer = (
  file: VfioDeviceFile,
  { looks, quiesce, delay, latest }: AnswerWishes,
): Result<AutomaticAnswer> => {
  const { fd } = file;
  const setIrqs = (argument: Uint8Array) =>
    ({ call: 'ioctl', fd, request: vfioRequests.VFIO_DEVICE_SET_IRQS, argument }) as const;
  const config = file.locate(pciRegionIndexes.VFIO_PCI_CONFIG_REGION_INDEX, 0, 1);
  if (!config.ok) return config;
  const lookAt = ({ offset, width }: ConfigPlace): PreparedLook => ({
    fd,
    offset: config.value + BigInt(offset),
    length: width,
  });
  const prepared = (wish: QuiesceCall): PreparedCall => {
    switch (wish.call) {
      case 'writeConfig': {
        const { offset } = lookAt(wish);
        return { call: 'pwrite', fd, offset, bytes: littleEndian(wish.value, wish.width) };
      }
      case 'expectClear':
        return { call: 'expectClear', ...lookAt(wish), bits: wish.bits };
      case 'disableMsix': {
        const argument = encodeUnregister(hostOrder, pciIrqIndexes.VFIO_PCI_MSIX_IRQ_INDEX);
        // The kernel's answer when MSI-X is off already (vfio_pci_set_msi_trigger).
        return { ...setIrqs(argument), fine: errnoNumbers.EINVAL };
      }
    }
  };
  return success({
    looks: looks.map(lookAt),
    quiesce: quiesce.map(prepared),
    acknowledge: setIrqs(encodeAcknowledge(hostOrder)),
    delay,
    latest,
    uses: 1,
  });
};
