import type { Command } from 'commander';
import { parsePciAddress, type PciAddress } from '../core/pci/address.ts';
import { failure, type Result } from '../core/result.ts';
import { platformActions, platformWords, type PlatformAction } from '../core/zpci/platformActions.ts';
import { isPlatformRig, type PlatformRig } from '../rigs/platformRig.ts';
import type { Rig } from '../rigs/rig.ts';
import { fail, finish, withRigOptions, type CommandContext } from './context.ts';
import { exitCode, type ExitCode } from './exit.ts';
import { oneOf } from './faultOptions.ts';
import { openRig, withTopology, type RigTopologyOptions } from './openRig.ts';
import { writeJson } from './output.ts';

interface PlatformOptions extends RigTopologyOptions {
  readonly yes?: boolean;
}

const list = async (
  context: CommandContext,
  rig: PlatformRig,
  address: PciAddress,
  json: boolean,
): Promise<ExitCode> => {
  const { streams } = context;
  const offers = await rig.platformOffers(address);
  if (!offers.ok) return fail(context, offers.error, json);
  for (const { action, refusal } of offers.value) {
    const { typed, consequence } = platformWords[action];
    if (json) writeJson(streams, { type: 'platformAction', action, consequence, refusal });
    else {
      const not = refusal === null ? '' : `\n  refused now: ${refusal.message}`;
      streams.out(`${action}  (${typed})\n  ${consequence}${not}\n`);
    }
  }
  return exitCode.asExpected;
};

const act = async (
  context: CommandContext,
  rig: PlatformRig,
  address: PciAddress,
  action: PlatformAction,
  { yes, json }: PlatformOptions,
): Promise<ExitCode> => {
  const { consequence } = platformWords[action];
  if (yes !== true) {
    const { error } = failure('malformedInput', `${consequence} Say --yes if that is wanted.`);
    return fail(context, error, json === true);
  }
  const acted = await rig.platformAct(address, action);
  if (!acted.ok) return fail(context, acted.error, json === true);
  const { took, present } = acted.value;
  if (json === true) writeJson(context.streams, { type: 'platformReport', device: address, ...acted.value });
  else {
    const where = present ? 'is on the bus' : 'is not on the bus';
    context.streams.out(`${action}: done in ${Math.round(took / 1_000)} ms; ${address} ${where}.\n`);
  }
  return exitCode.asExpected;
};

const onRig = async (
  context: CommandContext,
  rig: Rig,
  address: PciAddress,
  action: PlatformAction | null,
  options: PlatformOptions,
): Promise<ExitCode> => {
  const json = options.json === true;
  if (!isPlatformRig(rig)) {
    const { error } = failure(
      'notSupported',
      `${rig.info.title} has no platform that could act on a function.`,
    );
    return fail(context, error, json);
  }
  return action === null ? list(context, rig, address, json) : act(context, rig, address, action, options);
};

const platform = async (
  context: CommandContext,
  text: string,
  word: string | undefined,
  options: PlatformOptions,
): Promise<ExitCode> => {
  const json = options.json === true;
  const address = parsePciAddress(text);
  if (!address.ok) return fail(context, address.error, json);
  const action: Result<PlatformAction> | null =
    word === undefined ? null : oneOf<PlatformAction>('action', platformActions, word);
  if (action !== null && !action.ok) return fail(context, action.error, json);
  const opened = await openRig(context, options);
  if (!opened.ok) return fail(context, opened.error, json);
  const { rig } = opened.value;
  try {
    return await onRig(context, rig, address.value, action === null ? null : action.value, options);
  } finally {
    await rig.close();
  }
};

export const addPlatformCommand = (program: Command, context: CommandContext): void => {
  withRigOptions(
    withTopology(
      program
        .command('platform')
        .description('s390x: what the platform can do to a function besides VFIO, and what comes of it')
        .argument('<address>', 'the function, such as 1234:00:00.0')
        .argument('[action]', `one of ${platformActions.join(', ')}; without one they are listed`)
        .option('--yes', 'carry it out'),
    ),
  ).action((address: string, action: string | undefined, options: PlatformOptions) =>
    finish(context, () => platform(context, address, action, options)),
  );
};
