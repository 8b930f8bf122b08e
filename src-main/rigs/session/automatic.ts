import { deviceStatusBit, pciExpressRegister } from '../../core/pci/capability-registers.ts';
import { commandBit, configOffset } from '../../core/pci/registers.ts';
import type {
  AutomaticReport,
  DeviceAction,
  QuiesceAction,
  QuiesceReport,
} from '../../core/recovery/reports.ts';
import { missingCase } from '../../core/exhaustive.ts';
import { success, type Result } from '../../core/result.ts';
import type { AutomaticOrder } from '../rig.ts';
import { errorRegisters, inspectionOf } from './inspect.ts';
import type { RegisterMap } from './registers.ts';
import type { GivenAnswer, PreparedAnswer, PreparedCall, VfioDevice } from './vfioDevice.ts';

type Entry = QuiesceReport['actions'][number];

/** What a call that succeeded did to the registers. */
const actionOf = (call: PreparedCall): DeviceAction | null => {
  switch (call.call) {
    case 'writeConfig':
      return { kind: 'write', offset: call.offset, width: call.width, value: call.value };
    case 'disableMsix':
      return { kind: 'msix', change: 'disabled' };
    case 'expectClear':
      return null;
    default:
      return missingCase(call);
  }
};

/** What `quiesce` does, as calls that need nobody to read or to decide in between. */
const quiescingCalls = async (
  device: VfioDevice,
  map: RegisterMap,
): Promise<Result<readonly (readonly [QuiesceAction, PreparedCall | null])[]>> => {
  const command = await device.readConfig(configOffset.command, 2);
  if (!command.ok) return command;
  const value = command.value & ~commandBit.busMaster;
  const status = map.express + pciExpressRegister.deviceStatus;
  const bits = deviceStatusBit.transactionsPending;
  return success([
    ['busMasterOff', { call: 'writeConfig', offset: configOffset.command, width: 2, value }],
    ['msixOff', map.msix === 0 ? null : { call: 'disableMsix' }],
    [
      'transactionsDrained',
      map.express === 0 ? null : { call: 'expectClear', offset: status, width: 2, bits },
    ],
  ]);
};

/**
 * The answer to the next signal, prepared from what the registers hold: COMMAND as it is, without bus master. The bench
 * maps no BAR of a device in service (its drivers read and write them by system call), so there is none to unmap.
 */
export const prepareAnswer = async (
  device: VfioDevice,
  map: RegisterMap,
  { at, latest }: AutomaticOrder,
): Promise<Result<PreparedAnswer>> => {
  const quiescing = await quiescingCalls(device, map);
  if (!quiescing.ok) return quiescing;
  const report = ({ at: given, looks, calls, acknowledged }: GivenAnswer): AutomaticReport => {
    const results = [...calls];
    const actions: Entry[] = [
      { action: 'touchingStopped', result: 'done' },
      { action: 'barsUnmapped', result: 'notNeeded' },
    ];
    const did: DeviceAction[] = [];
    for (const [action, call] of quiescing.value) {
      const result = call === null ? null : results.shift();
      const done = call === null || result?.ok !== true ? null : actionOf(call);
      if (done !== null) did.push(done);
      if (result === null || result === undefined) actions.push({ action, result: 'notNeeded' });
      else if (result.ok) actions.push({ action, result: 'done' });
      else actions.push({ action, result: 'failed', error: result.error });
    }
    return {
      at: given,
      inspection: inspectionOf(looks),
      quiesce: { succeeded: actions.every(({ result }) => result !== 'failed'), actions, did },
      acknowledge:
        acknowledged === null
          ? { kind: 'withheld' }
          : acknowledged.ok
            ? { kind: 'taken' }
            : { kind: 'refused', error: acknowledged.error },
    };
  };
  return success({
    delay: at === 'signal' ? 0 : at,
    latest,
    looks: errorRegisters(map),
    calls: quiescing.value.flatMap(([, call]) => call ?? []),
    report,
  });
};
