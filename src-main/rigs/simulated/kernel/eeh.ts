import { longAt } from '../../../core/pci/bytes.ts';
import type { EehOperation, EehPeState, EehReport } from '../../../core/recovery/reports.ts';
import { success, type Result } from '../../../core/result.ts';
import { writeAssignedBars } from '../hardware/firmware.ts';
import { refused } from './kernelError.ts';
import type { Machine } from './machine.ts';
import type { PciDevice } from './pciDevice.ts';
import { timing } from './profile.ts';
import { delay, type KernelThread } from './scheduler.ts';

/** One partitionable endpoint: the functions that freeze and are reset together. */
export interface PartitionableEndpoint {
  readonly number: number;
  readonly devices: readonly PciDevice[];
  state: EehPeState;
  /** After the reset the kernel still has to configure the PE, and user space to thaw its DMA. */
  dma: 'allowed' | 'frozen';
  freezes: number;
}

/** eeh_max_freezes: a PE that freezes more often within an hour is disabled for good (arch/powerpc/kernel/eeh.c). */
const maximumFreezes = 5;

const partitionOf = (device: PciDevice): number | null => {
  const { identity } = device.node.description;
  return identity.kind === 'eeh' && !device.isBridge ? identity.partition : null;
};

/** The PEs of a machine, one for each partition below one port. */
export const partitionableEndpointsOf = (machine: Machine): ReadonlyMap<PciDevice, PartitionableEndpoint> => {
  const endpoints = new Map<string, PciDevice[]>();
  for (const device of machine.devices.values()) {
    const partition = partitionOf(device);
    if (partition === null) continue;
    const key = `${device.node.parent?.description.address ?? ''}/${partition}`;
    endpoints.set(key, [...(endpoints.get(key) ?? []), device]);
  }
  const byDevice = new Map<PciDevice, PartitionableEndpoint>();
  for (const devices of endpoints.values()) {
    const [first] = devices;
    const number = first === undefined ? 0 : (partitionOf(first) ?? 0);
    const endpoint: PartitionableEndpoint = { number, devices, state: 'normal', dma: 'allowed', freezes: 0 };
    for (const device of devices) byDevice.set(device, endpoint);
  }
  return byDevice;
};

const setLinks = (endpoint: PartitionableEndpoint, link: 'up' | 'frozen'): void => {
  for (const device of endpoint.devices) if (device.present) device.fn.setLink(link);
};

/** The hardware cuts the PE off: reads give all ones, writes and DMA go nowhere. */
export const freeze = (machine: Machine, endpoint: PartitionableEndpoint): void => {
  const [first] = endpoint.devices;
  endpoint.freezes += 1;
  endpoint.state = endpoint.freezes > maximumFreezes ? 'unavailable' : 'stopped';
  endpoint.dma = 'frozen';
  setLinks(endpoint, 'frozen');
  machine.log(
    first?.address ?? null,
    endpoint.state === 'unavailable'
      ? `EEH: PE#${endpoint.number} has failed ${endpoint.freezes} times in the last hour and has been permanently disabled.`
      : `EEH: Frozen PE#${endpoint.number} detected`,
  );
};

const logOf = (endpoint: PartitionableEndpoint): string =>
  endpoint.devices
    .map(({ address, fn }) => {
      const word = (offset: number): string => fn.readConfig(offset, 4).toString(16).padStart(8, '0');
      const aer = fn.aerCapability === 0 ? '' : ` AER status ${word(fn.aerCapability + 4)}`;
      return `${address} cmd/stat ${word(4)} id ${longAt(fn.config, 0).toString(16).padStart(8, '0')}${aer}`;
    })
    .join('; ');

/** VFIO_EEH_PE_OP (drivers/vfio/vfio_spapr_eeh.c), for the PE of one device. */
export function* eehOperation(
  machine: Machine,
  endpoint: PartitionableEndpoint,
  operation: EehOperation,
): KernelThread<Result<EehReport>> {
  const answer = (): Result<EehReport> => success({ state: endpoint.state });
  if (endpoint.state === 'unavailable') {
    return operation === 'getState'
      ? answer()
      : refused('EIO', 'The PE is permanently disabled; nothing but a replug brings it back.', 'deviceLost');
  }
  switch (operation) {
    case 'getState':
      return answer();
    case 'unfreezeIo':
      if (endpoint.state === 'reset') return refused('EINVAL', 'A reset of this PE is asserted.');
      if (endpoint.state === 'stopped') {
        endpoint.state = 'stoppedDma';
        setLinks(endpoint, 'up');
      }
      return answer();
    case 'readLog':
      return success({ state: endpoint.state, log: logOf(endpoint) });
    case 'resetHot':
    case 'resetFundamental':
      endpoint.state = 'reset';
      for (const device of endpoint.devices) device.fn.conventionalReset();
      setLinks(endpoint, 'frozen');
      yield* delay(machine.random.around(timing.eehResetHold));
      return answer();
    case 'resetDeactivate':
      if (endpoint.state !== 'reset') return refused('EINVAL', 'No reset of this PE is asserted.');
      yield* delay(machine.random.around(timing.eehResetSettle));
      endpoint.state = 'stoppedDma';
      setLinks(endpoint, 'up');
      // eeh_pe_restore_bars(): the BARs come back from what the EEH core saved at boot.
      for (const device of endpoint.devices) writeAssignedBars(device.fn);
      return answer();
    case 'configure':
      if (endpoint.state === 'reset') return refused('EINVAL', 'A reset of this PE is still asserted.');
      if (endpoint.state === 'stopped') return refused('EINVAL', 'The I/O of this PE is still frozen.');
      return answer();
    case 'unfreezeDma':
      if (endpoint.state === 'reset' || endpoint.state === 'stopped') {
        return refused('EINVAL', 'The I/O of this PE is still frozen.');
      }
      endpoint.state = 'normal';
      endpoint.dma = 'allowed';
      return answer();
  }
}
