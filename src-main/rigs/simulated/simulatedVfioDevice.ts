import type { PciAddress } from '../../core/pci/address.ts';
import type { Microseconds, Protocol } from '../../core/recovery/phase.ts';
import { pciIrqIndexes } from '../../core/vfio/numbers.ts';
import { irqSetFlags } from '../../core/vfio/irqSet.ts';
import { done, failure, success, type Result } from '../../core/result.ts';
import type {
  GivenAnswer,
  PreparedAnswer,
  PreparedCall,
  Told,
  UserSpaceDriver,
  VfioDevice,
  ZpciBase,
} from '../session/vfioDevice.ts';
import { StandingAnswer } from './standingAnswer.ts';
import { eehOperation, type PartitionableEndpoint } from './kernel/eeh.ts';
import { SimulatedEventfd } from './kernel/eventfd.ts';
import { hotReset } from './kernel/functionReset.ts';
import { refused } from './kernel/kernelError.ts';
import type { Machine } from './kernel/machine.ts';
import type { PciDevice } from './kernel/pciDevice.ts';
import { timing } from './kernel/profile.ts';
import type { VfioCore } from './kernel/vfioCore.ts';
import { dmaAperture, functionHandleOf, zpciErrorEvent } from './kernel/zpciEvents.ts';

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

/** One mmap() of a BAR. It survives a reset and the close of the file, and then silently reads what nobody decodes. */
export interface BarMapping {
  readonly bar: number;
  read(offset: number, width: 1 | 2 | 4): number;
  /** munmap(): the last one of a closed file releases the device. */
  unmap(): Promise<void>;
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
  #standing = new StandingAnswer();
  #open = true;
  readonly #mappings = new Set<BarMapping>();

  constructor(needs: SimulatedDeviceNeeds) {
    this.#machine = needs.machine;
    this.#device = needs.device;
    this.#core = needs.core;
    this.#endpoint = needs.endpoint;
    this.address = needs.device.address;
  }

  async registerErrorEventfd(protocol: Protocol): Promise<Result<void>> {
    if (!this.#open) return this.#closed();
    const { clock } = this.#machine;
    const { address } = this;
    const standing = new StandingAnswer();
    const eventfd = new SimulatedEventfd(clock, this.#readerLatency, (count) => {
      const at = clock.now();
      const signal = standing.signalled(count, at, clock, {
        give: (answer, signalAt) => this.#give(answer, signalAt),
        late: (late) =>
          this.#machine.emit({ kind: 'answered', at: late.answered.at, address, protocol, ...late }),
      });
      this.#machine.emit({ kind: 'signal', at, address, protocol, count, ...signal });
    });
    // A passed-through PE gets no signal from the kernel: the bench polls its state and signals itself.
    const result = protocol === 'eeh' ? done : this.#core.setEventfd(indexOf(protocol), eventfd);
    if (result.ok) {
      this.#eventfd = eventfd;
      this.#standing = standing;
    }
    return result;
  }

  get told(): Told {
    return this.#standing.told;
  }

  async handDown(answer: PreparedAnswer, heard: number): Promise<Result<void>> {
    return this.#open ? this.#standing.handDown(answer, heard) : this.#closed();
  }

  async takeBack(): Promise<Result<void>> {
    this.#standing.takeBack();
    return done;
  }

  /** What the waiter thread does on a real kernel, at one moment. */
  #give({ looks, calls, latest }: PreparedAnswer, signalAt: Microseconds): GivenAnswer {
    const { config } = this.#core;
    const at = this.#machine.clock.now();
    const looked = looks.map(({ offset, width }) => config?.read(offset, width) ?? this.#closed());
    const called = calls.map((call) => this.#make(call));
    const mayAck = at - signalAt < latest && called.every(({ ok }) => ok);
    const acknowledged = mayAck
      ? this.#setIrqs(DATA_NONE | UNMASK, pciIrqIndexes.VFIO_PCI_ERR_NOTIFY_IRQ_INDEX, 0)
      : null;
    return { at, looks: looked, calls: called, acknowledged };
  }

  #make(call: PreparedCall): Result<void> {
    const { config } = this.#core;
    if (call.call === 'disableMsix') return this.#core.disableMsix();
    if (config === null) return this.#closed();
    if (call.call === 'writeConfig') return config.write(call.offset, call.width, call.value);
    const read = config.read(call.offset, call.width);
    if (!read.ok) return read;
    const nobodyAnswers = read.value === 2 ** (8 * call.width) - 1;
    return !nobodyAnswers && (read.value & call.bits) !== 0
      ? refused('EBUSY', `${this.address} still has transactions pending (Device Status).`, 'busy')
      : done;
  }

  async unregisterErrorEventfd(protocol: Protocol): Promise<Result<void>> {
    this.#standing.takeBack();
    if (protocol === 'eeh') {
      this.#eventfd?.close();
      this.#eventfd = null;
      return done;
    }
    const removed = this.#setIrqs(DATA_NONE | TRIGGER, indexOf(protocol), 0);
    if (removed.ok) this.#eventfd = null;
    return removed;
  }

  /** SET_IRQS without data, as a program may fill it in. */
  #setIrqs(flags: number, index: number, count: number): Result<void> {
    return this.#open ? this.#core.setIrqs({ flags, index, start: 0, count }) : this.#closed();
  }

  /** Index 4: what the kernel asks when it wants the device back. */
  registerRequestEventfd(): Result<void> {
    const { clock } = this.#machine;
    const { address } = this;
    const eventfd = new SimulatedEventfd(clock, timing.eventfdRead, () =>
      this.#machine.emit({ kind: 'releaseRequested', at: clock.now(), address }),
    );
    return this.#core.setEventfd(pciIrqIndexes.VFIO_PCI_REQ_IRQ_INDEX, eventfd);
  }

  async triggerErrorEventfd(protocol: Protocol): Promise<Result<void>> {
    if (protocol === 'eeh') {
      return failure('notSupported', 'The eeh protocol has no eventfd to trigger; freeze the PE instead.');
    }
    return this.#setIrqs(DATA_NONE | TRIGGER, indexOf(protocol), 1);
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
    return this.#setIrqs(DATA_NONE | UNMASK, pciIrqIndexes.VFIO_PCI_ERR_NOTIFY_IRQ_INDEX, 0);
  }

  async enableMsix(): Promise<Result<void>> {
    return this.#open ? this.#core.enableMsix() : this.#closed();
  }

  async disableMsix(): Promise<Result<void>> {
    return this.#open ? this.#core.disableMsix() : this.#closed();
  }

  async reset(): Promise<Result<void>> {
    return this.#open ? this.#machine.call(this.#core.reset()) : this.#closed();
  }

  async hotReset(): Promise<Result<readonly PciAddress[]>> {
    if (!this.#open) return this.#closed();
    const affected = this.#affectedByHotReset();
    // vfio_pci_dev_set_resettable(): every function has to be in the set of VFIO devices, a driverless one is not.
    const notOwned = affected.filter((device) => device.vfio === null);
    if (notOwned.length > 0) {
      return refused(
        'EINVAL',
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
    return this.#open ? this.#core.takeZpciError() : this.#closed();
  }

  async readZpciBase(): Promise<Result<ZpciBase | null>> {
    if (!this.#open) return this.#closed();
    if (this.#machine.profile.platform !== 'zpci') return success(null);
    return success({ aperture: dmaAperture, functionHandle: functionHandleOf(this.#device) });
  }

  async eeh(operation: Parameters<VfioDevice['eeh']>[0]): ReturnType<VfioDevice['eeh']> {
    return this.#endpoint === null
      ? refused('ENOTTY', `${this.address} is in no PE: this platform has no EEH.`)
      : this.#machine.call(eehOperation(this.#machine, this.#endpoint, operation));
  }

  async readConfig(offset: number, width: 1 | 2 | 4): Promise<Result<number>> {
    return (this.#open ? this.#core.config?.read(offset, width) : null) ?? this.#closed();
  }

  async writeConfig(offset: number, width: 1 | 2 | 4, value: number): Promise<Result<void>> {
    return (this.#open ? this.#core.config?.write(offset, width, value) : null) ?? this.#closed();
  }

  async readConfigSpace(): Promise<Result<Uint8Array>> {
    return (this.#open ? this.#core.config?.readAll() : null) ?? this.#closed();
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

  /** A load from the BAR region, by pread(). An answer of 0 or all ones is no error. */
  async readBar(bar: number, offset: number, width: 1 | 2 | 4): Promise<Result<number>> {
    if (!this.#open) return this.#closed();
    return this.#device.fn.barSpec(bar) === undefined
      ? refused('EINVAL', `${this.address} has no BAR ${bar}.`)
      : success(this.#device.fn.readBar(bar, offset, width));
  }

  /** mmap() of a BAR. */
  async mapBar(bar: number): Promise<Result<BarMapping>> {
    if (!this.#open) return this.#closed();
    const { fn } = this.#device;
    if (fn.barSpec(bar) === undefined) return refused('EINVAL', `${this.address} has no BAR ${bar}.`);
    this.#core.map();
    const mapping: BarMapping = {
      bar,
      read: (offset, width) => fn.readBar(bar, offset, width),
      unmap: async () => {
        if (this.#mappings.delete(mapping)) await this.#machine.call(this.#core.unmap());
      },
    };
    this.#mappings.add(mapping);
    return success(mapping);
  }

  async loadMapped(bar: number, offset: number, width: 1 | 2 | 4): Promise<Result<number>> {
    const mapping = [...this.#mappings].findLast((one) => one.bar === bar);
    return mapping === undefined
      ? failure('malformedInput', `BAR ${bar} of ${this.address} is not mapped; map it first.`)
      : success(mapping.read(offset, width));
  }

  async unmapBars(): Promise<Result<void>> {
    for (const mapping of [...this.#mappings]) await mapping.unmap();
    return done;
  }

  async remapDma(): Promise<Result<void>> {
    if (!this.#open) return this.#closed();
    this.#core.dmaMapped = true;
    return done;
  }

  async close(): Promise<Result<void>> {
    if (!this.#open) return this.#closed();
    this.#open = false;
    this.#standing.takeBack();
    this.#eventfd?.close();
    this.#eventfd = null;
    return this.#machine.call(this.#core.close());
  }

  #closed(): ReturnType<typeof failure> {
    return refused('EBADF', `${this.address} is not open.`, 'sessionClosed');
  }
}

/** The engine of a simulated function, driven as a user-space driver would drive the real one. */
export const simulatedDriver = (needs: SimulatedDeviceNeeds): UserSpaceDriver | null => {
  const { machine, device, core, endpoint } = needs;
  const { fn } = device;
  if (fn.template.engine === undefined) return null;
  const isMapped = (iova: number): boolean =>
    core.dmaMapped && iova === benchIova && (endpoint === null || endpoint.dma === 'allowed');
  // On s390x an address that is not mapped is an error of the function, which freezes it again (PEC 4).
  const reportBadDma = (): void => {
    if (machine.profile.platform !== 'zpci') return;
    const functionHandle = functionHandleOf(device);
    machine.run(
      zpciErrorEvent(machine, device, {
        eventCode: 0x4,
        failingAddress: BigInt(benchIova),
        functionHandle,
      }),
    );
  };
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
      if (result.kind === 'blocked' && result.because === 'notMapped') reportBadDma();
      return result.kind === 'done'
        ? { result: 'passed', detail: 'A DMA through the IOMMU arrived.' }
        : { result: 'failed', detail: `No DMA: ${result.because}.` };
    },
    proveMsix: async () => {
      // The interrupt that is waited for is that of the engine's work.
      if (!fn.engineReady) return { result: 'failed', detail: 'No interrupt: engineNotInitialised.' };
      const result = fn.raiseMsix(0);
      if (result.kind === 'blocked') return { result: 'failed', detail: `No interrupt: ${result.because}.` };
      return device.state.live.msix.kind === 'on'
        ? { result: 'passed', detail: 'MSI-X vector 0 arrived at its eventfd.' }
        : { result: 'failed', detail: 'The interrupt was sent, but the kernel holds MSI-X for disabled.' };
    },
  };
};
