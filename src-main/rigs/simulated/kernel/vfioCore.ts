import { irqSetFlags, irqSetMasks } from '../../../core/vfio/irqSet.ts';
import { pciIrqIndexes } from '../../../core/vfio/numbers.ts';
import { commandBit, configOffset } from '../../../core/pci/registers.ts';
import { done, success, type Result } from '../../../core/result.ts';
import { disableMsix, enableMsix } from '../liveState.ts';
import { loadSavedState, saveState, storeSavedState, type StoredState } from '../savedState.ts';
import type { SimulatedEventfd } from './eventfd.ts';
import { resetHardware, restoreAfterReset, tryResetFunction } from './functionReset.ts';
import { refused } from './kernelError.ts';
import type { Machine } from './machine.ts';
import type { PciDevice } from './pciDevice.ts';
import { Completion, type KernelThread } from './scheduler.ts';
import { VfioConfig } from './vfioConfig.ts';

const { VFIO_PCI_ERR_IRQ_INDEX, VFIO_PCI_REQ_IRQ_INDEX, VFIO_PCI_ERR_NOTIFY_IRQ_INDEX } = pciIrqIndexes;

/** SET_IRQS without data, as the user fills it in. */
export interface IrqSet {
  readonly flags: number;
  readonly index: number;
  readonly start: number;
  readonly count: number;
}

/** The queue of a mediated function (arch/s390/pci/pci_event.c): four records, oldest first. */
const zpciQueueLength = 4;

/** struct vfio_pci_core_device with the RFC's additions: lives as long as the VFIO driver is bound. */
export class VfioCore {
  readonly #machine: Machine;
  readonly #device: PciDevice;
  errorEventfd: SimulatedEventfd | null = null;
  notifyEventfd: SimulatedEventfd | null = null;
  requestEventfd: SimulatedEventfd | null = null;
  readonly acknowledgement = new Completion();
  /** vdev->pci_saved_state */
  openSnapshot: StoredState | undefined;
  config: VfioConfig | null = null;
  readonly zpciErrors: Uint8Array[] = [];
  /** BAR mappings of user space: each keeps the file open (observation 10). */
  mappings = 0;
  /** Whether the bench's DMA buffer is reachable; a zPCI error reset loses it under QEMU. */
  dmaMapped = false;
  #descriptors = 0;
  #resetWorks = false;
  #released: (() => void)[] = [];

  constructor(machine: Machine, device: PciDevice) {
    this.#machine = machine;
    this.#device = device;
  }

  get isOpen(): boolean {
    return this.config !== null;
  }

  /** The RFC is in the driver, and the function is PCIe. */
  get offersNotify(): boolean {
    return this.#device.driver?.name === 'vfio-pci-notify' && this.#device.fn.expressCapability !== 0;
  }

  /** Index 3 needs PCIe, except where zPCI recovery is mediated (7.3 took the check out). */
  get offersErrorIndex(): boolean {
    return this.#device.fn.expressCapability !== 0 || this.#machine.profile.mediation === 'mediated';
  }

  /** GET_INFO num_irqs: six with the RFC. */
  get numberOfIrqs(): number {
    return this.#device.driver?.name === 'vfio-pci-notify' ? 6 : 5;
  }

  /** GET_IRQ_INFO: the RFC forgot its own index (observation 1). */
  irqCount(index: number): Result<number> {
    if (index >= this.numberOfIrqs || index === VFIO_PCI_ERR_NOTIFY_IRQ_INDEX) {
      return refused('EINVAL', `GET_IRQ_INFO knows no index ${index} here.`);
    }
    if (index === VFIO_PCI_ERR_IRQ_INDEX) return success(this.offersErrorIndex ? 1 : 0);
    if (index === VFIO_PCI_REQ_IRQ_INDEX) return success(1);
    return success(
      index === pciIrqIndexes.VFIO_PCI_MSIX_IRQ_INDEX ? (this.#device.fn.msixTable?.vectors ?? 0) : 1,
    );
  }

  setEventfd(index: number, eventfd: SimulatedEventfd): Result<void> {
    if (index < VFIO_PCI_ERR_IRQ_INDEX || index >= this.numberOfIrqs || !this.#hasIndex(index)) {
      return refused('EINVAL', `SET_IRQS: this kernel and device have no index ${index} to register.`);
    }
    this.#replaceEventfd(index, eventfd);
    return done;
  }

  /** VFIO_DEVICE_SET_IRQS with DATA_NONE on the error indexes. */
  setIrqs(request: IrqSet): Result<void> {
    const { index, start, count } = request;
    const action = request.flags & irqSetMasks.VFIO_IRQ_SET_ACTION_TYPE_MASK;
    if (index >= this.numberOfIrqs || start !== 0 || count > 1) {
      return refused('EINVAL', 'SET_IRQS: index, start or count are out of range.');
    }
    // vfio_set_irqs_validate_and_prepare(): an index of which the device has none takes nothing.
    if (!this.#hasIndex(index)) return refused('EINVAL', `SET_IRQS: this device has no index ${index}.`);
    if (action === irqSetFlags.VFIO_IRQ_SET_ACTION_UNMASK && index === VFIO_PCI_ERR_NOTIFY_IRQ_INDEX) {
      if (count !== 0)
        return refused('EINVAL', 'The ack takes count 0; another count is refused (observation 1).');
      this.acknowledgement.complete();
      return done;
    }
    if (action !== irqSetFlags.VFIO_IRQ_SET_ACTION_TRIGGER) {
      return refused('ENOTTY', `SET_IRQS: index ${index} does not know this action (observation 1).`);
    }
    const eventfd = this.#eventfdOf(index);
    if (eventfd === null) return refused('EINVAL', `SET_IRQS: no eventfd is registered on index ${index}.`);
    if (count === 1) {
      eventfd.signal();
    } else {
      eventfd.close();
      this.#replaceEventfd(index, null);
    }
    return done;
  }

  #hasIndex(index: number): boolean {
    if (index === VFIO_PCI_ERR_NOTIFY_IRQ_INDEX) return this.offersNotify;
    return index === VFIO_PCI_ERR_IRQ_INDEX ? this.offersErrorIndex : true;
  }

  #eventfdOf(index: number): SimulatedEventfd | null {
    if (index === VFIO_PCI_ERR_NOTIFY_IRQ_INDEX) return this.notifyEventfd;
    if (index === VFIO_PCI_ERR_IRQ_INDEX) return this.errorEventfd;
    return index === VFIO_PCI_REQ_IRQ_INDEX ? this.requestEventfd : null;
  }

  #replaceEventfd(index: number, eventfd: SimulatedEventfd | null): void {
    if (index === VFIO_PCI_ERR_NOTIFY_IRQ_INDEX) this.notifyEventfd = eventfd;
    else if (index === VFIO_PCI_ERR_IRQ_INDEX) this.errorEventfd = eventfd;
    else this.requestEventfd = eventfd;
  }

  /** vfio_pci_core_enable() */
  *open(): KernelThread<Result<void>> {
    const { fn, state, address } = this.#device;
    if (this.isOpen) {
      this.#descriptors += 1;
      return done;
    }
    if (fn.link === 'removed') return refused('ENODEV', `${address} is not on the bus any more.`);
    this.#writeCommand((command) => (command & ~commandBit.busMaster) | commandBit.memorySpace);
    const reset = yield* tryResetFunction(this.#machine, this.#device);
    if (!reset.ok && reset.error.code === 'busy') return reset;
    this.#resetWorks = reset.ok;
    saveState(state, fn);
    this.openSnapshot = storeSavedState(state);
    // A function that can tell its INTx off by COMMAND gets it on again, after the snapshot.
    this.#writeCommand((command) => command & ~commandBit.intxDisable);
    this.config = new VfioConfig(this.#machine, this.#device);
    this.dmaMapped = true;
    this.#descriptors = 1;
    return done;
  }

  /** The last close of the device file: vfio_pci_core_close_device() with the RFC's order (observation 10). */
  *close(): KernelThread<Result<void>> {
    if (!this.isOpen) return refused('EBADF', `${this.#device.address} is not open.`, 'sessionClosed');
    this.#descriptors = Math.max(0, this.#descriptors - 1);
    if (this.#descriptors > 0 || this.mappings > 0) return done;
    yield* this.#release();
    return done;
  }

  /** mmap() of a BAR; the mapping holds a reference to the file. */
  map(): void {
    this.mappings += 1;
  }

  /** munmap() of a BAR; the last one after close() is what really releases the device. */
  *unmap(): KernelThread<void> {
    this.mappings = Math.max(0, this.mappings - 1);
    if (this.mappings === 0 && this.#descriptors === 0 && this.isOpen) yield* this.#release();
  }

  *#release(): KernelThread<void> {
    const machine = this.#machine;
    const device = this.#device;
    const { fn, state, address } = device;
    disableMsix(state.live, fn);
    this.#writeCommand((command) => command & ~commandBit.busMaster);
    if (this.zpciErrors.length > 0) {
      machine.log(address, `Unhandled PCI error events count=${this.zpciErrors.length}`);
      this.zpciErrors.length = 0;
    }
    loadSavedState(state, this.openSnapshot);
    this.openSnapshot = undefined;
    fn.writeConfig(configOffset.command, 2, commandBit.intxDisable);
    // Not the "try" interface: it would save the present state over the snapshot just loaded (vfio_pci_core_disable).
    if (this.#resetWorks && device.lock.tryLock()) {
      yield* resetHardware(machine, device);
      device.lock.unlock();
    }
    restoreAfterReset(machine, device);
    this.config = null;
    this.dmaMapped = false;
    // complete() runs before the trigger is cleared, so the kernel still says NEED_RESET.
    this.acknowledgement.complete();
    for (const eventfd of [this.errorEventfd, this.notifyEventfd, this.requestEventfd]) eventfd?.close();
    this.errorEventfd = null;
    this.notifyEventfd = null;
    this.requestEventfd = null;
    for (const wake of this.#released.splice(0)) wake();
  }

  /** vfio_unregister_group_dev(): asks the user to let go (REQ, index 4) and waits until it has. */
  *waitUntilReleased(): KernelThread<void> {
    if (!this.isOpen) return;
    this.requestEventfd?.signal();
    yield { kind: 'queue', enqueue: (wake) => this.#released.push(() => wake(undefined)) };
  }

  *reset(): KernelThread<Result<void>> {
    if (!this.#resetWorks && this.#machine.profile.platform !== 'zpci') {
      return refused(
        'EINVAL',
        `${this.#device.address} has no function reset (GET_INFO has no RESET flag).`,
        'notSupported',
      );
    }
    const inError = this.#device.fn.link === 'frozen';
    const result = yield* tryResetFunction(this.#machine, this.#device);
    if (result.ok && inError) this.dmaMapped = false;
    return result;
  }

  enableMsix(): Result<void> {
    const { fn, state, address } = this.#device;
    const table = fn.msixTable;
    if (table === undefined) return refused('EINVAL', `${address} has no MSI-X.`, 'notSupported');
    const entries = Array.from({ length: table.vectors }, (_, vector) => ({
      address: 0xfee0_1000,
      data: 0x40 + vector,
      masked: false,
    }));
    this.#withMemory(() => enableMsix(state.live, fn, entries));
    return done;
  }

  disableMsix(): Result<void> {
    this.#withMemory(() => disableMsix(this.#device.state.live, this.#device.fn));
    return done;
  }

  /**
   * vfio_pci_memory_lock_and_enable() and vfio_pci_memory_unlock_and_restore(): Memory is on while the kernel writes
   * the table, and COMMAND is then what it was, also in the bit that the kernel set meanwhile to switch INTx off.
   */
  #withMemory(change: () => void): void {
    const { command } = this.#device.fn;
    this.#writeCommand((value) => value | commandBit.memorySpace);
    change();
    this.#writeCommand(() => command);
  }

  /** The kernel stores a record of a mediated function; the fifth unread one is dropped. */
  queueZpciError(record: Uint8Array): void {
    if (this.zpciErrors.length >= zpciQueueLength) {
      this.#machine.log(
        this.#device.address,
        `Maximum number (${zpciQueueLength}) of pending error events queued`,
      );
      return;
    }
    this.zpciErrors.push(record);
  }

  /** VFIO_DEVICE_FEATURE_ZPCI_ERROR, GET: null is ENOMSG. */
  takeZpciError(): Result<Uint8Array | null> {
    if (this.#machine.profile.mediation !== 'mediated') {
      return refused('ENOTTY', 'This kernel has no feature 13: it recovers the function by itself.');
    }
    return success(this.zpciErrors.shift() ?? null);
  }

  #writeCommand(change: (command: number) => number): void {
    const { fn } = this.#device;
    fn.writeConfig(configOffset.command, 2, change(fn.command));
  }
}
