import type { Command } from 'commander';
import { configOffset } from '../core/pci/registers.ts';
import { wordAt } from '../core/pci/bytes.ts';
import { hexadecimal, provenanceText } from '../core/restore/auditText.ts';
import { historyOf } from '../core/restore/runHistory.ts';
import { comparedPolicies, policyTitles, type WhatIfAnswer } from '../core/restore/whatIf.ts';
import { failure, success, type Result } from '../core/result.ts';
import { decodeSnapshot } from '../journal/snapshot.ts';
import { whatIfOf } from '../rigs/simulated/whatIfOf.ts';
import { fail, finish, type CommandContext } from './context.ts';
import { exitCode, type ExitCode } from './exit.ts';
import { deviceOf, runOrRig, withDevice, type LiveWish } from './liveDevice.ts';
import { table, writeJson } from './output.ts';
import type { RecordedDevice } from './recordedDevice.ts';
import { chosenRecovery } from './chosenRecovery.ts';

interface WhatIfWish extends LiveWish {
  readonly recovery?: string;
  readonly all?: boolean;
}

/** A journal names devices by address; what they are is in their config space. */
const idsIn = ({ lines, device }: RecordedDevice): Result<{ vendorId: number; deviceId: number }> => {
  for (const line of lines) {
    if (line.type !== 'snapshot') continue;
    const config = decodeSnapshot(line.bytes);
    if (!config.ok || config.value.length < 4) continue;
    const vendorId = wordAt(config.value, configOffset.vendorId);
    if (vendorId !== 0xffff)
      return success({ vendorId, deviceId: wordAt(config.value, configOffset.deviceId) });
  }
  return failure('malformedInput', `The run has no reading of ${device} that tells what it is.`);
};

const compare = (found: RecordedDevice, wish: WhatIfWish): Result<WhatIfAnswer> => {
  const { rig, device, lines } = found;
  const ids = idsIn(found);
  if (!ids.ok) return ids;
  const summary = { address: device, name: '', ...ids.value };
  if (wish.rig !== undefined) return whatIfOf(rig, summary, null);
  const recovery = chosenRecovery(found, wish.recovery);
  if (!recovery.ok) return recovery;
  const { kernel, architecture } = rig;
  return whatIfOf(
    rig,
    summary,
    historyOf({ lines, kernel, architecture }, recovery.value, () => null),
  );
};

const tell = ({ streams }: CommandContext, device: string, answer: WhatIfAnswer, all: boolean): void => {
  const { kernel, playedOn, history, rows, hazards } = answer;
  const on = playedOn === 'itself' ? 'the simulated device' : `a simulated twin (${answer.device})`;
  const what = history === 'recorded' ? 'what was done to it' : 'a recovery as the bench does it';
  streams.out(`${device}: ${what}, played on ${on} once for each policy, as kernel ${kernel} restores\n`);
  const shown = rows.filter(({ differs }) => all || differs);
  if (shown.length === 0) streams.out('\nEvery policy ends with the same values.\n');
  else {
    const cells = shown.map(({ offset, width, owner, label, before, by }) => [
      offset.toString(16).padStart(3, '0'),
      `${owner}: ${label}`,
      before === null ? '-' : hexadecimal(before, width),
      ...comparedPolicies.map(
        (policy) =>
          `${hexadecimal(by[policy].value, width)} ${by[policy].sources.map((source) => provenanceText[source]).join(', ')}`,
      ),
    ]);
    const heads = comparedPolicies.map((policy) => policyTitles[policy]);
    streams.out(`\n${table(['at', 'register', 'before', ...heads], cells)}`);
  }
  streams.out('\n');
  for (const policy of comparedPolicies) {
    const present = hazards[policy].filter(({ state }) => state === 'present').map(({ name }) => name);
    streams.out(`${policyTitles[policy]}: ${present.join(', ') || 'no hazard'} at the end\n`);
  }
};

const whatIf = async (
  context: CommandContext,
  run: string | undefined,
  wish: WhatIfWish,
): Promise<ExitCode> => {
  const json = wish.json === true;
  if (wish.rig !== undefined && wish.recovery !== undefined) {
    const { error } = failure('malformedInput', '--recovery is one of a run; with --rig there is none yet.');
    return fail(context, error, json);
  }
  const found = await deviceOf(context, run, wish, 'looked');
  if (!found.ok) return fail(context, found.error, json);
  const answer = compare(found.value, wish);
  if (!answer.ok) return fail(context, answer.error, json);
  const { device } = found.value;
  if (json) writeJson(context.streams, { type: 'whatIf', address: device, ...answer.value });
  else tell(context, device, answer.value, wish.all === true);
  return exitCode.asExpected;
};

export const addWhatIfCommand = (restore: Command, context: CommandContext): void => {
  withDevice(
    restore
      .command('what-if')
      .description('the same recovery under four restore policies: which register ends with which value')
      .argument('[run]', runOrRig)
      .option('--recovery <number>', 'of the run (default: the last)')
      .option('--all', 'also registers that do not differ'),
  ).action((run: string | undefined, wish: WhatIfWish) => finish(context, () => whatIf(context, run, wish)));
};
