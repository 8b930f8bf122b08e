import type { FaultReceipt } from '../../core/faults/fault.ts';
import type { PciAddress } from '../../core/pci/address.ts';
import { seconds } from '../../core/recovery/phase.ts';
import type { Disposer, Rig, RigClock, RigEvent } from '../rig.ts';

/** Firmware tells within milliseconds; an emulator on a busy machine takes longer. */
const patience = seconds(2);

/** `Event 0x4 reports an error for PCI function 0x56` (arch/s390/pci/pci_event.c, __zpci_event_error()). */
const speaksOfError = (text: string): boolean => /Event 0x[0-9a-f]+ reports an error/i.test(text);

const wordsOf = (event: RigEvent, address: PciAddress): string | null => {
  if (!('address' in event) || event.address !== address) return null;
  switch (event.kind) {
    case 'signal':
      return `The kernel signalled the eventfd of ${event.protocol}.`;
    case 'uevent':
      return `The kernel announced "${event.uevent}".`;
    case 'kernelLog':
      return speaksOfError(event.text) ? `The kernel log says: ${event.text}` : null;
    default:
      return null;
  }
};

/** Hears whether the kernel was told of an error of a zPCI function; from its making on. */
export class ZpciWitness {
  readonly #clock: RigClock;
  readonly #stop: Disposer;
  #heard: string | null = null;
  #wake: (() => void) | null = null;

  constructor(
    { clock, onEvent }: { readonly clock: RigClock; readonly onEvent: Rig['onEvent'] },
    address: PciAddress,
  ) {
    this.#clock = clock;
    this.#stop = onEvent((event) => {
      this.#heard ??= wordsOf(event, address);
      if (this.#heard !== null) this.#wake?.();
    });
  }

  /** Waits for the kernel's word of a DMA to `address`. */
  async deliveryOf(address: bigint): Promise<FaultReceipt['delivery']> {
    await this.#wordOrLate();
    this.close();
    const where = `The device did a DMA to 0x${address.toString(16)}.`;
    return this.#heard === null
      ? {
          kind: 'lost',
          where: 'platform',
          detail: `${where} Nothing was heard of it: the platform reported no error. Bring the device back (reinitialise), its queue is misdirected.`,
        }
      : { kind: 'reported', detail: `${where} ${this.#heard}` };
  }

  close(): void {
    this.#stop();
  }

  #wordOrLate(): Promise<void> {
    if (this.#heard !== null) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#clock.at(this.#clock.now() + patience, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}
