import { commandBit, configOffset } from '../../../core/pci/registers.ts';
import { done, type Result } from '../../../core/result.ts';
import { restoreState, saveState } from '../savedState.ts';
import { refused } from './kernelError.ts';
import type { Machine } from './machine.ts';
import type { PciDevice } from './pciDevice.ts';
import { timing } from './profile.ts';
import { delay, type KernelThread } from './scheduler.ts';

/** pci_dev_save_and_disable(): what is saved is what the hardware shows now, zeroes included (observation 4). */
export const saveAndDisable = (machine: Machine, device: PciDevice): void => {
  if (saveState(device.state, device.fn) === 'configInaccessible') {
    machine.log(device.address, 'config space inaccessible; unable to save state');
  }
  device.fn.writeConfig(configOffset.command, 2, commandBit.intxDisable);
};

/** pci_dev_restore() */
export const restoreAfterReset = (machine: Machine, device: PciDevice): void => {
  restoreState(device.state, device.fn, machine.tracer(device));
};

/**
 * __pci_reset_function_locked(): FLR, the zPCI slot, the bus of a lone function. Nothing is saved or restored here; the
 * caller holds the device lock.
 */
export function* resetHardware(machine: Machine, device: PciDevice): KernelThread<Result<void>> {
  const { fn, node } = device;
  if (fn.link === 'removed') return refused('ENODEV', `${device.address} is not on the bus any more.`);
  if (fn.canFunctionLevelReset && fn.link === 'up') {
    fn.functionLevelReset();
    yield* delay(machine.random.around(timing.functionLevelReset));
    return done;
  }
  if (machine.profile.platform === 'zpci') {
    if (fn.link === 'frozen') machine.log(device.address, 'unable to FLR');
    yield* delay(machine.random.between(timing.zpciReset.least, timing.zpciReset.most));
    fn.reenable();
    device.channel = 'normal';
    return done;
  }
  const { parent } = node;
  if (parent !== undefined && machine.hierarchy.below(parent).length === 1) {
    machine.hierarchy.resetBelow(parent);
    yield* delay(machine.random.around(timing.busReset));
    return done;
  }
  return refused(
    'EINVAL',
    `${device.address} has no way to be reset alone: no FLR, and it shares its bus. Use a hot reset of the slot.`,
    'notSupported',
  );
}

/** Save, reset, restore, with the device lock held by the caller. */
export function* resetLocked(machine: Machine, device: PciDevice): KernelThread<Result<void>> {
  saveAndDisable(machine, device);
  const result = yield* resetHardware(machine, device);
  restoreAfterReset(machine, device);
  return result;
}

/** pci_try_reset_function(): never waits for the device lock. */
export function* tryResetFunction(machine: Machine, device: PciDevice): KernelThread<Result<void>> {
  if (!device.lock.tryLock()) {
    return refused(
      'EAGAIN',
      `The kernel holds the lock of ${device.address}: an error recovery is under way. Try again when it has ended.`,
    );
  }
  const result = yield* resetLocked(machine, device);
  device.lock.unlock();
  return result;
}

/** The sysfs file `reset`: waits for the lock, so it blocks for a whole notify wait (observation 11). */
export function* sysfsReset(machine: Machine, device: PciDevice): KernelThread<Result<void>> {
  yield* device.lock.lock();
  const result = yield* resetLocked(machine, device);
  device.lock.unlock();
  return result;
}

/** pci_reset_bus() for VFIO_DEVICE_PCI_HOT_RESET: all functions of the slot, all locks or none. */
export function* hotReset(machine: Machine, devices: readonly PciDevice[]): KernelThread<Result<void>> {
  const locked: PciDevice[] = [];
  for (const device of devices) {
    if (device.lock.tryLock()) locked.push(device);
  }
  const unlock = (): void => {
    for (const device of locked) device.lock.unlock();
  };
  if (locked.length < devices.length) {
    unlock();
    return refused(
      'EAGAIN',
      'The kernel holds the lock of a function of this slot: an error recovery is under way.',
    );
  }
  for (const device of devices) saveAndDisable(machine, device);
  for (const device of devices) device.fn.conventionalReset();
  yield* delay(machine.random.around(timing.busReset));
  for (const device of devices) restoreAfterReset(machine, device);
  unlock();
  return done;
}
