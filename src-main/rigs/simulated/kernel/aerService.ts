import type { AerError, AerSeverity } from '../../../core/pci/aer.ts';
import { decodeCorrectable, decodeUncorrectable } from '../../../core/pci/aer.ts';
import { aerControlBit, aerRegister } from '../../../core/pci/capability-registers.ts';
import type { RoutedError } from '../hardware/hierarchy.ts';
import type { Machine } from './machine.ts';
import type { PciDevice } from './pciDevice.ts';
import { pcieDoRecovery } from './pcieRecovery.ts';
import { timing } from './profile.ts';
import { delay, type KernelThread } from './scheduler.ts';

const kernelSeverity: Readonly<Record<AerSeverity, string>> = {
  correctable: 'Correctable',
  nonFatal: 'Uncorrectable (Non-Fatal)',
  fatal: 'Uncorrectable (Fatal)',
};

interface Report {
  readonly device: PciDevice;
  readonly severity: AerSeverity;
}

/**
 * The AER service of the root ports (drivers/pci/pcie/aer.c): one thread for each port works off its errors one by
 * one, so a second error below the same port waits for the first one's recovery, wait included (observation 13).
 */
export class AerService {
  readonly #machine: Machine;
  readonly #queues = new Map<PciDevice, Report[]>();

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** The error happens in the hardware; if a message reaches the root port, the kernel is interrupted. */
  raise(device: PciDevice, error: AerError): RoutedError {
    const routed = this.#machine.hierarchy.reportError(device.node, error);
    if (routed.kind !== 'reported') return routed;
    const port = this.#machine.device(routed.rootPort);
    const report: Report = { device, severity: routed.severity };
    const queue = this.#queues.get(port);
    if (queue === undefined) {
      this.#queues.set(port, [report]);
      this.#machine.run(this.#isr(port));
    } else {
      queue.push(report);
    }
    return routed;
  }

  /** aer_isr(): ends when the queue is empty; the next interrupt starts it again. */
  *#isr(port: PciDevice): KernelThread<void> {
    const queue = this.#queues.get(port) ?? [];
    for (;;) {
      const [report] = queue;
      if (report === undefined) break;
      queue.shift();
      yield* delay(this.#machine.random.around(timing.aerService));
      yield* this.#process(port, report);
    }
    this.#queues.delete(port);
  }

  *#process(port: PciDevice, report: Report): KernelThread<void> {
    const { device, severity } = report;
    if (!device.present) return;
    this.#clearRootStatus(port);
    this.#print(device, severity);
    if (severity === 'correctable') {
      const { fn } = device;
      fn.writeConfig(fn.aerCapability + aerRegister.correctableStatus, 4, 0xffff_ffff);
      return;
    }
    yield* pcieDoRecovery(this.#machine, device, severity);
  }

  #clearRootStatus(port: PciDevice): void {
    const { fn } = port;
    if (fn.aerCapability === 0) return;
    const at = fn.aerCapability + aerRegister.rootStatus;
    fn.writeConfig(at, 4, fn.readConfig(at, 4));
  }

  /**
   * __aer_print_error(): names every unmasked bit that is set, stale ones too, and marks the one the First Error
   * Pointer points to. A bit that nobody cleared keeps the pointer, so the next error appears under the old name
   * (observation 5).
   */
  #print(device: PciDevice, severity: AerSeverity): void {
    const { fn, aerCounters } = device;
    const status = fn.readConfig(fn.aerCapability + aerRegister.uncorrectableStatus, 4);
    const mask = fn.readConfig(fn.aerCapability + aerRegister.uncorrectableMask, 4);
    const severities = fn.readConfig(fn.aerCapability + aerRegister.uncorrectableSeverity, 4);
    const findings =
      severity === 'correctable'
        ? decodeCorrectable(fn.readConfig(fn.aerCapability + aerRegister.correctableStatus, 4))
        : decodeUncorrectable((status & ~mask) >>> 0, severities);
    const control = fn.readConfig(fn.aerCapability + aerRegister.capabilitiesAndControl, 4);
    const first = severity === 'correctable' ? -1 : control & aerControlBit.firstErrorPointer;
    const names = findings.map(
      ({ bit, error, name }) => `[${bit}] ${error?.kernelName ?? name}${bit === first ? ' (First)' : ''}`,
    );
    if (severity !== 'fatal' || this.#machine.profile.countsFatalErrors) aerCounters[severity] += 1;
    this.#machine.log(
      device.address,
      `PCIe Bus Error: severity=${kernelSeverity[severity]}, ${names.join(', ')}`,
    );
  }
}
