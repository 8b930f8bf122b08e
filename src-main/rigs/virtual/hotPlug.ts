import type { FaultReceipt, FaultRequest } from '../../core/faults/fault.ts';
import type { PciAddress } from '../../core/pci/address.ts';
import { done, failure, success, type Result } from '../../core/result.ts';
import type { DeviceSession, Rig, RigEvent } from '../rig.ts';
import type { GuestTopology } from './guestTopology.ts';
import type { Monitor } from './monitor.ts';

export interface HotPlugNeeds {
  readonly monitor: Monitor;
  readonly topology: GuestTopology;
  /** The rig of the guest's agent. */
  readonly rig: Pick<Rig, 'clock' | 'onEvent'>;
}

/** In milliseconds. pciehp lets the button be taken back for 5 s, and a busy host is many times slower. */
const patience = 120_000;

type Awaited = { readonly kind: RigEvent['kind'] | 'DEVICE_DELETED' };

/**
 * Takes devices out of a guest and puts them back. QEMU has no way to tear one out: `device_del` presses the button of
 * the slot (docs/pcie.txt), the guest's kernel asks whoever has the device open for it, and takes it out when it is free.
 */
export class HotPlug {
  readonly #needs: HotPlugNeeds;
  readonly #out = new Map<PciAddress, string>();

  constructor(needs: HotPlugNeeds) {
    this.#needs = needs;
  }

  /** Lets go of the device as soon as the kernel asks for it. `open`: whoever has it open now. */
  async pull(
    { address, injector, fault }: FaultRequest,
    id: string,
    open: DeviceSession | null,
  ): Promise<Result<FaultReceipt>> {
    const { monitor, rig } = this.#needs;
    const at = rig.clock.now();
    const heard = this.#listen(address, id);
    try {
      const pressed = await monitor.execute('device_del', { id });
      if (!pressed.ok) return pressed;
      if (open !== null) {
        const asked = await heard.until(['releaseRequested', 'deviceRemoved']);
        if (!asked.ok) return asked;
        // It may have been let go of meanwhile.
        await open.close();
      }
      const gone = await heard.until(['deviceRemoved']);
      const free = gone.ok ? await heard.until(['DEVICE_DELETED']) : gone;
      if (!free.ok) return free;
    } finally {
      heard.end();
    }
    this.#out.set(address, id);
    const detail = 'The button of the slot was pressed; the kernel let the device go, and QEMU took it out.';
    return success({ at, injector, fault, delivery: { kind: 'reported', detail } });
  }

  /** Puts everything back that was taken out; the addresses that came back. */
  async putBack(): Promise<Result<readonly PciAddress[]>> {
    const back: PciAddress[] = [];
    for (const [address, id] of this.#out) {
      const heard = this.#listen(address, id);
      try {
        const added = await this.#add(id);
        if (!added.ok) return added;
        const seen = await heard.until(['deviceAdded']);
        if (!seen.ok) return seen;
      } finally {
        heard.end();
      }
      this.#out.delete(address);
      back.push(address);
    }
    return success(back);
  }

  /** With the words that it was there with when the guest was started. */
  async #add(id: string): Promise<Result<void>> {
    const { monitor, topology } = this.#needs;
    const words = topology.words.find(
      (word) => word.split(',').includes(`id=${id}`) && !word.startsWith('rng-'),
    );
    const said = await monitor.human(`device_add ${words ?? ''}`);
    if (!said.ok) return said;
    // Of success it says nothing.
    return said.value === ''
      ? done
      : failure('injectionRefused', `QEMU's monitor does not put ${id} back: ${said.value}`);
  }

  #listen(address: PciAddress, id: string) {
    const { monitor, rig } = this.#needs;
    const heard = new Set<Awaited['kind']>();
    let wake = (): void => undefined;
    const hear = (kind: Awaited['kind']): void => {
      heard.add(kind);
      wake();
    };
    const stops = [
      rig.onEvent((event) => {
        if (event.kind === 'linkLost') hear('linkLost');
        if ('address' in event && event.address === address) hear(event.kind);
      }),
      monitor.onEvent(({ event, data }) => {
        if (event === 'DEVICE_DELETED' && data['device'] === id) hear('DEVICE_DELETED');
      }),
    ];
    const until = async (kinds: readonly Awaited['kind'][]): Promise<Result<void>> => {
      const deadline = Date.now() + patience;
      while (!kinds.some((kind) => heard.has(kind))) {
        const left = deadline - Date.now();
        if (heard.has('linkLost')) return failure('linkLost', `The guest is gone, and ${address} with it.`);
        if (left <= 0) {
          return failure(
            'busy',
            `${address} is held: the kernel has not let it go after ${patience / 1_000} s.`,
          );
        }
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, left);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      return done;
    };
    return { until, end: () => stops.forEach((stop) => stop()) };
  }
}
