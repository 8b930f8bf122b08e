import { deviceStatusBit, pciExpressRegister } from '../../core/pci/capability-registers.ts';
import { commandBit, configOffset } from '../../core/pci/registers.ts';
import type { DeviceAction, QuiesceAction, QuiesceReport } from '../../core/recovery/reports.ts';
import type { BenchError, Result } from '../../core/result.ts';
import { noting, type WorkedDevice } from './doing.ts';
import type { RegisterMap } from './registers.ts';

type Entry = QuiesceReport['actions'][number];

const entryOf = (action: QuiesceAction, result: Result<unknown>): Entry =>
  result.ok ? { action, result: 'done' } : { action, result: 'failed', error: result.error };

const busMasterOff = async (device: WorkedDevice): Promise<Entry> => {
  const command = await device.readConfig(configOffset.command, 2);
  if (!command.ok) return entryOf('busMasterOff', command);
  if ((command.value & commandBit.busMaster) === 0) return { action: 'busMasterOff', result: 'notNeeded' };
  const without = command.value & ~commandBit.busMaster;
  return entryOf('busMasterOff', await device.writeConfig(configOffset.command, 2, without));
};

const transactionsPending: BenchError = {
  code: 'busy',
  message: 'The device still has transactions pending (Device Status); quiesce again before the ack.',
};

const transactionsDrained = async (device: WorkedDevice, map: RegisterMap): Promise<Entry> => {
  if (map.express === 0) return { action: 'transactionsDrained', result: 'notNeeded' };
  const status = await device.readConfig(map.express + pciExpressRegister.deviceStatus, 2);
  if (!status.ok) return entryOf('transactionsDrained', status);
  const pending = status.value !== 0xffff && (status.value & deviceStatusBit.transactionsPending) !== 0;
  if (!pending) return { action: 'transactionsDrained', result: 'done' };
  return {
    action: 'transactionsDrained',
    result: 'failed',
    error: transactionsPending,
  };
};

/**
 * What works between signal and ack (observation 11): bus master off, MSI-X off, BARs unmapped. No reset, no unbind.
 * Where the platform has cut the device off (s390x, EEH) nothing of it can move any more, and a register that cannot
 * be written is no reason to hold the recovery.
 */
export const quiesce = async (
  worked: WorkedDevice,
  map: RegisterMap,
  cutOff: 'reachable' | 'cutOffByPlatform',
): Promise<QuiesceReport> => {
  const did: DeviceAction[] = [];
  const device = noting(worked, (action) => did.push(action));
  const actions: Entry[] = [{ action: 'touchingStopped', result: 'done' }];
  actions.push(entryOf('barsUnmapped', await device.unmapBars()));
  actions.push(await busMasterOff(device));
  actions.push(
    map.msix === 0
      ? { action: 'msixOff', result: 'notNeeded' }
      : entryOf('msixOff', await device.disableMsix()),
  );
  actions.push(await transactionsDrained(device, map));
  const failed = actions.some((entry) => entry.result === 'failed');
  return { succeeded: !failed || cutOff === 'cutOffByPlatform', actions, did };
};
