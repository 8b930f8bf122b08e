import { historyOf } from '../../core/restore/runHistory.ts';
import { recordedRecoveries } from '../../core/restore/recordings.ts';
import type { RestoreHistory } from '../../core/restore/history.ts';
import type { PciAddress } from '../../core/pci/address.ts';
import { failure, success, type Result } from '../../core/result.ts';
import { whatIfOf } from '../../rigs/simulated/whatIfOf.ts';
import type { HeldRig } from '../heldRig.ts';
import type { HandlersOf } from './handler.ts';
import { spendToken } from './tokens.ts';

/** As many of the newest lines of a run are looked through for a recovery. */
const searched = 20_000;

/** What was done in one recovery; null where no recovery begins with that line, or none is asked for. */
const historyIn = async (
  held: HeldRig,
  device: PciAddress,
  seq: number | null,
): Promise<Result<RestoreHistory | null>> => {
  if (seq === null) return success(null);
  const read = await held.earlierLines(Number.MAX_SAFE_INTEGER, searched);
  if (!read.ok) return read;
  const lines = read.value.filter((line) => 'device' in line && line.device === device);
  const recovery = recordedRecoveries(lines).find((one) => one.seq === seq);
  const { kernel, architecture } = held.rig.info;
  // The actions count, not what was read.
  return success(
    recovery === undefined ? null : historyOf({ lines, kernel, architecture }, recovery, () => null),
  );
};

export const restoreCommands: HandlersOf<'planMarking' | 'mark' | 'unmark' | 'whatIf'> = {
  planMarking: async ({ rig, device }, { bench }) => {
    const held = bench.device(rig, device);
    return held.ok ? held.value.coordinator.planMarking(device) : held;
  },

  mark: async ({ rig, device, token, operator, reason }, { bench, caller }) => {
    const held = bench.device(rig, device);
    if (!held.ok) return held;
    const confirmed = spendToken(bench, caller, held.value, { token, action: 'mark', device });
    return confirmed.ok ? held.value.coordinator.mark(device, { operator, reason }) : confirmed;
  },

  unmark: async ({ rig, device }, { bench }) => {
    const held = bench.device(rig, device);
    return held.ok ? held.value.coordinator.unmark(device) : held;
  },

  whatIf: async ({ rig, device, recovery }, { bench }) => {
    const held = bench.device(rig, device);
    if (!held.ok) return held;
    const listed = held.value.devices.devices.find(({ address }) => address === device);
    if (listed === undefined) return failure('deviceLost', `${device} is not on the bus.`);
    const history = await historyIn(held.value, device, recovery);
    return history.ok ? whatIfOf(held.value.rig.info, listed, history.value) : history;
  },
};
