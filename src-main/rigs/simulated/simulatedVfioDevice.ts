import type { PciAddress } from '../../core/pci/address.ts';
import type { Microseconds, Protocol } from '../../core/recovery/phase.ts';
import { pciIrqIndexes } from '../../core/vfio/numbers.ts';
import { irqSetFlags } from '../../core/vfio/irqSet.ts';
import { done, failure, success, type Result } from '../../core/result.ts';
import type { UserSpaceDriver, VfioDevice } from '../session/vfioDevice.ts';
import { eehOperation, type PartitionableEndpoint } from './kernel/eeh.ts';
import { SimulatedEventfd } from './kernel/eventfd.ts';
import { hotReset } from './kernel/functionReset.ts';
import { refused } from './kernel/kernelError.ts';
import type { Machine } from './kernel/machine.ts';
import type { PciDevice } from './kernel/pciDevice.ts';
import { timing } from './kernel/profile.ts';
import type { VfioCore } from './kernel/vfioCore.ts';

/** Where the bench maps its own buffer for the proof. */
export const benchIova = 0x10_0000;

const { DATA_NONE, TRIGGER, UNMASK } = {
  DATA_NONE: irqSetFlags.VFIO_IRQ_SET_DATA_NONE,
  TRIGGER: irqSetFlags.VFIO_IRQ_SET_ACTION_TRIGGER,
  UNMASK: irqSetFlags.VFIO_IRQ_SET_ACTION_UNMASK,
};

const indexOf = (protocol: Protocol): number =>
  protocol === 'notify' ? pciIrqIndexes.VFIO_PCI_ERR_NOTIFY_IRQ_INDEX : pciIrqIndexes.VFIO_PCI_ERR_IRQ_INDEX;

export interface SimulatedDeviceNeeds {
  readonly machine: Machine;
  readonly device: PciDevice;
  readonly core: VfioCore;
  readonly endpoint: PartitionableEndpoint | null;
}

/** The VfioDevice port on the simulated kernel: system calls become calls into the model. */
export class SimulatedVfioDevice implements VfioDevice {
  readonly address: PciAddress;
  readonly #machine: Machine;
  readonly #device: PciDevice;
  readonly #core: VfioCore;
  readonly #endpoint: PartitionableEndpoint | null;
  #readerLatency: Microseconds = timing.eventfdRead;
  #eventfd: SimulatedEventfd | null = null;

  constructor(needs: SimulatedDeviceNeeds) {
    this.#machine = needs.machine;
    this.#device = needs.device;
    this.#core = needs.core;
    this.#endpoint = needs.endpoint;
    this.address = needs.device.address;
  }

  async registerErrorEventfd(protocol: Protocol): Promise<Result<void>> {
    const { clock } = this.#machine;
    const { address } = this;
    const eventfd = new SimulatedEventfd(clock, this.#readerLatency, (count) =>
      this.#machine.emit({ kind: 'signal', at: clock.now(), address, protocol, count }),
    );
    // A passed-through PE gets no signal from the kernel: the bench polls its state and signals itself.
    const result = protocol === 'eeh' ? done : this.#core.setEventfd(indexOf(protocol), eventfd);
    if (result.ok) this.#eventfd = eventfd;
    return result;
  }

  async unregisterErrorEventfd(protocol: Protocol): Promise<Result<void>> {
    this.#eventfd = null;
    if (protocol === 'eeh') return done;
    return this.#core.setIrqs({ flags: DATA_NONE | TRIGGER, index: indexOf(protocol), start: 0, count: 0 });
  }

  async triggerErrorEventfd(protocol: Protocol): Promise<Result<void>> {
    if (protocol === 'eeh') {
      return failure('notSupported', 'The eeh protocol has no eventfd to trigger; freeze the PE instead.');
    }
    return this.#core.setIrqs({ flags: DATA_NONE | TRIGGER, index: indexOf(protocol), start: 0, count: 1 });
  }

  /** From now on the reader of the error eventfd takes this long, and may find several signals (observation 8). */
  slowReader(takes: Microseconds): void {
    this.#readerLatency = takes;
    if (this.#eventfd !== null) this.#eventfd.latency = takes;
  }

  /** What the poll of a frozen PE finds, at its next turn. */
  signalAtNextPoll(): void {
    const eventfd = this.#eventfd;
    if (eventfd === null) return;
    const { clock } = this.#machine;
    const turn = Math.ceil((clock.now() + 1) / timing.eehPoll) * timing.eehPoll;
    clock.at(turn, () => eventfd.signal());
  }

  async acknowledge(): Promise<Result<void>> {
    const index = pciIrqIndexes.VFIO_PCI_ERR_NOTIFY_IRQ_INDEX;
    return this.#core.setIrqs({ flags: DATA_NONE | UNMASK, index, start: 0, count: 0 });
  }

  async enableMsix(): Promise<Result<void>> {
    return this.#core.enableMsix();
  }

  async disableMsix(): Promise<Result<void>> {
    return this.#core.disableMsix();
  }

  reset(): Promise<Result<void>> {
    return this.#machine.call(this.#core.reset());
  }

  async hotReset(): Promise<Result<readonly PciAddress[]>> {
    const affected = this.#affectedByHotReset();
    const notOwned = affected.filter((device) => device.vfio === null && device.driver !== null);
    if (notOwned.length > 0) {
      return refused(
        'EPERM',
        `A hot reset would also hit ${notOwned.map((device) => device.address).join(', ')}, which VFIO does not own.`,
      );
    }
    const result = await this.#machine.call(hotReset(this.#machine, affected));
    return result.ok ? success(affected.map((device) => device.address)) : result;
  }

  #affectedByHotReset(): readonly PciDevice[] {
    const { parent } = this.#device.node;
    return parent === undefined ? [this.#device] : this.#machine.below(this.#machine.device(parent));
  }

  async takeZpciError(): Promise<Result<Uint8Array | null>> {
    return this.#core.takeZpciError();
  }

  async eeh(operation: Parameters<VfioDevice['eeh']>[0]): ReturnType<VfioDevice['eeh']> {
    return this.#endpoint === null
      ? refused('ENOTTY', `${this.address} is in no PE: this platform has no EEH.`)
      : this.#machine.call(eehOperation(this.#machine, this.#endpoint, operation));
  }

  async readConfig(offset: number, width: 1 | 2 | 4): Promise<Result<number>> {
    return this.#core.config?.read(offset, width) ?? this.#closed();
  }

  async writeConfig(offset: number, width: 1 | 2 | 4, value: number): Promise<Result<void>> {
    return this.#core.config?.write(offset, width, value) ?? this.#closed();
  }

  async readConfigSpace(): Promise<Result<Uint8Array>> {
    return this.#core.config?.readAll() ?? this.#closed();
  }

  async readHardwareConfigSpace(): Promise<Result<Uint8Array>> {
    const { fn } = this.#device;
    if (fn.link === 'removed') return refused('ENODEV', `${this.address} is not on the bus any more.`);
    if (fn.link === 'frozen' && this.#machine.profile.platform === 'zpci') {
      return refused(
        'ENODEV',
        `${this.address} is in error and answers only after a reset.`,
        'configUnreadable',
      );
    }
    return success(fn.link === 'frozen' ? new Uint8Array(fn.config.length).fill(0xff) : fn.snapshot());
  }

  async unmapBars(): Promise<Result<void>> {
    await this.#machine.call(this.#core.unmap());
    return done;
  }

  async remapDma(): Promise<Result<void>> {
    this.#core.dmaMapped = true;
    return done;
  }

  close(): Promise<Result<void>> {
    this.#eventfd = null;
    return this.#machine.call(this.#core.close());
  }

  #closed(): ReturnType<typeof failure> {
    return failure('sessionClosed', `${this.address} is not open.`);
  }
}

/** The engine of a simulated function, driven as a user-space driver would drive the real one. */
export const simulatedDriver = (needs: SimulatedDeviceNeeds): UserSpaceDriver | null => {
  const { device, core, endpoint } = needs;
  const { fn } = device;
  if (fn.template.engine === undefined) return null;
  const isMapped = (iova: number): boolean =>
    core.dmaMapped && iova === benchIova && (endpoint === null || endpoint.dma === 'allowed');
  return {
    name: `${fn.template.name} (simulated)`,
    initialise: async () => {
      const result = fn.initialiseEngine();
      return result.kind === 'done'
        ? done
        : failure('kernelRefused', `${device.address} does not answer in its BAR (${result.because}).`);
    },
    proveDma: async () => {
      const result = fn.performDma(benchIova, isMapped);
      return result.kind === 'done'
        ? { result: 'passed', detail: 'A DMA through the IOMMU arrived.' }
        : { result: 'failed', detail: `No DMA: ${result.because}.` };
    },
    proveMsix: async () => {
      const result = fn.raiseMsix(0);
      if (result.kind === 'blocked') return { result: 'failed', detail: `No interrupt: ${result.because}.` };
      return device.state.live.msix.kind === 'on'
        ? { result: 'passed', detail: 'MSI-X vector 0 arrived at its eventfd.' }
        : { result: 'failed', detail: 'The interrupt was sent, but the kernel holds MSI-X for disabled.' };
    },
  };
};
