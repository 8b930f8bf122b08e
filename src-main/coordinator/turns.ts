import type { PciAddress } from '../core/pci/address.ts';

/**
 * One command at a time for each device: what opens, arms or closes it takes several steps, and two of those woven into
 * each other would open it twice. Decisions within a recovery do not queue here; the kernel's clock runs for them.
 */
export class Turns {
  readonly #last = new Map<PciAddress, Promise<unknown>>();

  async take<Value>(address: PciAddress, run: () => Promise<Value>): Promise<Value> {
    const before = this.#last.get(address);
    const mine = before === undefined ? run() : before.then(run, run);
    this.#last.set(address, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(address) === mine) this.#last.delete(address);
    }
  }
}
