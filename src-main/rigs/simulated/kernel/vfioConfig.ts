import { commandBit, configOffset, configSize } from '../../../core/pci/registers.ts';
import { success, type Result } from '../../../core/result.ts';
import type { AccessWidth } from '../../session/vfioDevice.ts';
import { refused } from './kernelError.ts';
import type { Machine } from './machine.ts';
import type { PciDevice } from './pciDevice.ts';
import type { KernelProfile } from './profile.ts';

/** What of a machine the view needs, so that a single function can have one without a machine around it. */
export interface ConfigSurroundings extends Pick<Machine, 'log'> {
  readonly profile: Pick<KernelProfile, 'platform'>;
}
type Viewed = Pick<PciDevice, 'fn' | 'address'>;

const barCount = 6;

/** Bytes that come from memory: [first, end). vfio_pci_init_perm_bits() says which. */
const virtualBytes = [
  [configOffset.vendorId, configOffset.command],
  [configOffset.baseAddress0, configOffset.baseAddress0 + 4 * barCount],
  [configOffset.interruptLine, configOffset.minimumGrant],
] as const;

/**
 * vfio's virtualised view of a config space (drivers/vfio/pci/vfio_pci_config.c): ids, BARs, and what is said of the
 * interrupt line come from memory, everything else from the hardware.
 */
export class VfioConfig {
  readonly #machine: ConfigSurroundings;
  readonly #device: Viewed;
  /** vconfig, as far as it is virtual: as it was when the device was opened. */
  readonly #virtual: Uint8Array;
  /** rbar[]: what vfio_bar_restore() writes back. */
  readonly #realBars: readonly number[];
  #virtualMemory: boolean;
  /** COMMAND's Interrupt Disable as user space wrote it; the bit in the hardware is the kernel's. */
  #virtualIntxDisable: number;

  constructor(machine: ConfigSurroundings, device: Viewed) {
    this.#machine = machine;
    this.#device = device;
    const { fn } = device;
    this.#virtual = fn.config.slice(0, configSize.header);
    // vfio_config_init(): without an interrupt line of the platform there is no INTx pin either.
    if (machine.profile.platform === 'zpci') this.#virtual[configOffset.interruptPin] = 0;
    this.#realBars = Array.from({ length: barCount }, (_, bar) =>
      fn.readConfig(configOffset.baseAddress0 + 4 * bar, 4),
    );
    this.#virtualMemory = (fn.command & commandBit.memorySpace) !== 0;
    this.#virtualIntxDisable = fn.command & commandBit.intxDisable;
  }

  #isVirtual(offset: number): boolean {
    return virtualBytes.some(([first, end]) => offset >= first && offset < end);
  }

  read(offset: number, width: AccessWidth): Result<number> {
    const { fn } = this.#device;
    if (offset < 0 || offset + width > fn.config.length) {
      return refused(
        'EFAULT',
        `The config space of ${this.#device.address} ends at ${fn.config.length} bytes.`,
      );
    }
    if (this.#isVirtual(offset)) {
      let value = 0;
      for (let byte = width - 1; byte >= 0; byte--)
        value = (value << 8) | (this.#virtual[offset + byte] ?? 0);
      return success(value >>> 0);
    }
    const unreachable = this.#reachable();
    if (unreachable !== null) return unreachable;
    const value = fn.readConfig(offset, width);
    return success(offset === configOffset.command ? this.#asUserSpaceHasIt(value) : value);
  }

  write(offset: number, width: AccessWidth, value: number): Result<void> {
    const { fn } = this.#device;
    const unreachable = this.#reachable();
    if (unreachable !== null) return unreachable;
    if (this.#isVirtual(offset)) return success(undefined);
    if (offset === configOffset.command) this.#beforeCommand((value & commandBit.memorySpace) !== 0);
    if (offset !== configOffset.command) {
      fn.writeConfig(offset, width, value);
      return success(undefined);
    }
    const { intxDisable, memorySpace } = commandBit;
    // vfio_pci_intx_mask() and _unmask(): without INTx in use the hardware's bit follows the user's when that changes.
    const follows = ((value ^ this.#virtualIntxDisable) & intxDisable) !== 0;
    const physical = (follows ? value : fn.command) & intxDisable;
    fn.writeConfig(offset, width, ((value & ~intxDisable) | physical) >>> 0);
    this.#virtualMemory = (value & memorySpace) !== 0;
    this.#virtualIntxDisable = value & intxDisable;
    return success(undefined);
  }

  /** One pread of the whole config region. */
  readAll(): Result<Uint8Array> {
    const unreachable = this.#reachable();
    if (unreachable !== null) return unreachable;
    const bytes = this.#device.fn.snapshot();
    const command = this.#asUserSpaceHasIt(bytes[configOffset.command + 1] ?? 0, 8);
    bytes[configOffset.command + 1] = command;
    for (const [first, end] of virtualBytes) bytes.set(this.#virtual.subarray(first, end), first);
    return success(bytes);
  }

  /** `shift`: how many bits of COMMAND are left out at its lower end. */
  #asUserSpaceHasIt(command: number, shift = 0): number {
    const bit = commandBit.intxDisable >>> shift;
    return ((command & ~bit) | (this.#virtualIntxDisable >>> shift)) >>> 0;
  }

  /** On s390x a function in error answers ENODEV; on x86 a device that is gone reads all ones. */
  #reachable(): ReturnType<typeof refused> | null {
    const { fn, address } = this.#device;
    if (fn.link === 'removed') return refused('ENODEV', `${address} is not on the bus any more.`);
    return fn.link === 'frozen' && this.#machine.profile.platform === 'zpci'
      ? refused(
          'ENODEV',
          `${address} is in error: its config space answers only after a reset.`,
          'configUnreadable',
        )
      : null;
  }

  /**
   * vfio_basic_config_write(): when the user believes that Memory is on and the hardware has it off, or a BAR is not
   * what it was, the device was reset behind vfio's back and gets its BARs back first.
   */
  #beforeCommand(newMemory: boolean): void {
    const { fn, address } = this.#device;
    const physicalMemory = (fn.command & commandBit.memorySpace) !== 0;
    const barLost = this.#realBars.some(
      (bar, index) => bar !== 0 && fn.readConfig(configOffset.baseAddress0 + 4 * index, 4) !== bar,
    );
    if (!(newMemory && this.#virtualMemory && !physicalMemory) && !barLost) return;
    this.#machine.log(address, 'vfio_bar_restore: reset recovery - restoring BARs');
    this.#realBars.forEach((bar, index) => fn.writeConfig(configOffset.baseAddress0 + 4 * index, 4, bar));
  }
}
