import type { PciAddress } from '../../../core/pci/address.ts';
import type { Microseconds } from '../../../core/recovery/phase.ts';
import type { RecoveryUevent } from '../../../core/recovery/event.ts';
import type { Disposer, RigClock, RigEvent } from '../../rig.ts';
import { Hierarchy, type HierarchyNode } from '../hardware/hierarchy.ts';
import type { Topology } from '../hardware/topology.ts';
import { enumerate, type TracedStep } from '../savedState.ts';
import { timing, type KernelProfile } from './profile.ts';
import { PciDevice } from './pciDevice.ts';
import { SeededRandom } from './random.ts';
import { ReadWriteSemaphore, runThread, type KernelThread } from './scheduler.ts';

/** What a kernel trace would show: which restore step ran for which device, and what it wrote. */
export interface RestoreTrace {
  readonly at: Microseconds;
  readonly address: PciAddress;
  readonly step: TracedStep;
}

/** One simulated machine: hardware, a kernel profile, a clock, and what the kernel says to the outside. */
export class Machine {
  readonly profile: KernelProfile;
  readonly clock: RigClock;
  readonly random: SeededRandom;
  readonly hierarchy: Hierarchy;
  /** pci_bus_sem: read by every bus walk of a recovery, written by removal (observation 13). */
  readonly busSemaphore = new ReadWriteSemaphore();
  readonly devices = new Map<PciAddress, PciDevice>();
  readonly #listeners = new Set<(event: RigEvent) => void>();
  onRestoreStep: ((trace: RestoreTrace) => void) | null = null;

  constructor(profile: KernelProfile, topology: Topology, clock: RigClock, seed: number) {
    this.profile = profile;
    this.clock = clock;
    this.random = new SeededRandom(seed);
    this.hierarchy = new Hierarchy(topology);
    for (const node of this.hierarchy.nodes) {
      this.devices.set(node.description.address, new PciDevice(node, enumerate(node.fn, profile.version)));
    }
  }

  device(node: HierarchyNode): PciDevice {
    const device = this.devices.get(node.description.address);
    if (device === undefined) throw new Error(`No kernel device for ${node.description.address}.`);
    return device;
  }

  /** The devices below a port that are still there, in the order of pci_walk_bus(). */
  below(port: PciDevice): readonly PciDevice[] {
    return this.hierarchy
      .below(port.node)
      .map((node) => this.device(node))
      .filter((device) => device.present);
  }

  run<Value>(thread: KernelThread<Value>, finished: (value: Value) => void = () => undefined): void {
    runThread(this.clock, thread, finished);
  }

  /** A thread as a promise: what a blocking system call is to user space. */
  call<Value>(thread: KernelThread<Value>): Promise<Value> {
    return new Promise((resolve) => this.run(thread, resolve));
  }

  log(address: PciAddress | null, text: string): void {
    this.emit({ kind: 'kernelLog', at: this.clock.now(), address, text });
  }

  /** pci_uevent_ers(): read from netlink a little later than an eventfd (observation 15). */
  uevent(address: PciAddress, uevent: RecoveryUevent): void {
    this.clock.at(this.clock.now() + timing.ueventRead, () =>
      this.emit({ kind: 'uevent', at: this.clock.now(), address, uevent }),
    );
  }

  emit(event: RigEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  onEvent(listener: (event: RigEvent) => void): Disposer {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tracer(device: PciDevice): ((step: TracedStep) => void) | undefined {
    const listener = this.onRestoreStep;
    if (listener === null) return undefined;
    return (step) => listener({ at: this.clock.now(), address: device.address, step });
  }
}
