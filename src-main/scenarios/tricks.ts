import type { PciAddress } from '../core/pci/address.ts';
import type { Microseconds } from '../core/recovery/phase.ts';
import { done, failure, type Result } from '../core/result.ts';
import type { Rig } from '../rigs/rig.ts';
import type { VirtualRig } from '../rigs/virtual/virtualRig.ts';
import type { SimulatedRig } from '../rigs/simulated/simulatedRig.ts';
import { enableTph } from '../rigs/simulated/liveState.ts';

/** What scenarios do that is not part of a Rig: each rig that can do it says how. */
export interface RigTricks {
  enableTph(address: PciAddress, control: number): Promise<Result<void>>;
  slowReader(address: PciAddress, takes: Microseconds): Promise<Result<void>>;
}

const notOpen = (address: PciAddress) => failure('sessionClosed', `${address} is not open; arm it first.`);

/** For a rig that does nothing besides what every rig does. */
export const noTricks = (rig: Rig): RigTricks => {
  const refuse = async (): Promise<Result<void>> =>
    failure('notSupported', `${rig.info.title} cannot do this step; a simulated rig can.`);
  return { enableTph: refuse, slowReader: refuse };
};

/** In a guest the reader is slow, and not the guest; no device of QEMU has TPH. */
export const virtualTricks = (rig: VirtualRig): RigTricks => ({
  ...noTricks(rig),
  slowReader: async (address, takes) => {
    rig.slowReader(address, takes);
    return done;
  },
});

export const simulatedTricks = (rig: SimulatedRig): RigTricks => ({
  enableTph: async (address, control) => {
    const device = rig.machine.devices.get(address);
    if (device === undefined) return notOpen(address);
    return enableTph(device.state.live, device.fn, control, []) === 'enabled'
      ? done
      : failure('notSupported', `${address} has no TPH capability.`);
  },
  slowReader: async (address, takes) => {
    const device = rig.openDevice(address);
    if (device === null) return notOpen(address);
    device.slowReader(takes);
    return done;
  },
});
