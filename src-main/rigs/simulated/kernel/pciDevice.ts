import type { PciAddress } from '../../../core/pci/address.ts';
import type { HierarchyNode } from '../hardware/hierarchy.ts';
import type { SimulatedFunction } from '../hardware/simulatedFunction.ts';
import type { KernelPciState } from '../savedState.ts';
import { Mutex, type KernelThread } from './scheduler.ts';
import type { VfioCore } from './vfioCore.ts';

/** pci_ers_result_t (include/linux/pci.h). */
export type ErsResult = 'none' | 'canRecover' | 'needReset' | 'disconnect' | 'recovered' | 'noAerDriver';

/** pci_channel_state_t. */
export type ChannelState = 'normal' | 'frozen' | 'permanentFailure';

/** struct pci_error_handlers of one driver. */
export interface ErrorHandlers {
  errorDetected(device: PciDevice, state: ChannelState): KernelThread<ErsResult>;
  slotReset?(device: PciDevice): ErsResult;
}

export interface BoundDriver {
  readonly name: string;
  /** null: the driver has no error handlers, and a recovery below the same port cannot succeed. */
  readonly handlers: ErrorHandlers | null;
  readonly vfio: 'vfio' | 'host';
}

/** struct pci_dev, as far as error recovery goes. */
export class PciDevice {
  readonly node: HierarchyNode;
  readonly state: KernelPciState;
  /** device_lock(): held across every error callback, so also across the whole wait (observation 11). */
  readonly lock = new Mutex();
  readonly aerCounters = { correctable: 0, nonFatal: 0, fatal: 0 };
  channel: ChannelState = 'normal';
  driver: BoundDriver | null = null;
  /** The VFIO side of the function while a VFIO driver is bound, open or not. */
  vfio: VfioCore | null = null;
  present = true;
  /** s390x: when the last error event of this function reaches the kernel; on the rig’s clock, in microseconds. */
  lastEventAt = 0;

  constructor(node: HierarchyNode, state: KernelPciState) {
    this.node = node;
    this.state = state;
  }

  get address(): PciAddress {
    return this.node.description.address;
  }

  get fn(): SimulatedFunction {
    return this.node.fn;
  }

  get isBridge(): boolean {
    return this.fn.template.kind !== 'endpoint';
  }
}
