import type { Command } from 'commander';
import { parsePciAddress } from '../core/pci/address.ts';
import { decisions } from '../core/recovery/policy.ts';
import { seconds } from '../core/recovery/phase.ts';
import { isOpen } from '../core/recovery/state.ts';
import { Coordinator } from '../coordinator/coordinator.ts';
import { History } from '../scenarios/history.ts';
import { fail, finish, withRigOptions, type CommandContext } from './context.ts';
import { exitCode, type ExitCode } from './exit.ts';
import {
  causeFault,
  followRecovery,
  planInjection,
  type Injection,
  type InjectionOptions,
} from './injection.ts';
import { styled, writeJson } from './output.ts';
import { openRig, withTopology, type OpenedRig, type RigTopologyOptions } from './openRig.ts';
import { beginRun } from './run.ts';

type InjectOptions = RigTopologyOptions & InjectionOptions;

/** Arms the device, causes the fault, and follows the recovery to its outcome or until patience is at its end. */
const play = async (
  context: CommandContext,
  { rig, runs, json, seed }: OpenedRig,
  injection: Injection,
): Promise<ExitCode> => {
  const { address, protocol, policy, patience } = injection;
  const { streams } = context;
  const start = rig.clock.now();
  const begun = beginRun(rig, { runs, json, seed, scenario: null, quiet: false }, streams);
  if (!begun.ok) return fail(context, begun.error, json);
  const { recorder, journal, end } = begun.value;
  const history = new History();
  recorder.watch((line) => history.add(line));
  const coordinator = new Coordinator(rig, recorder);
  const stop = async (exit: ExitCode): Promise<ExitCode> => {
    const { outcomes, trace } = history.device(address);
    const outcome = outcomes.at(-1) ?? null;
    const state = coordinator.state(address);
    const phase = state === null ? null : state.phase;
    const open = state !== null && isOpen(state);
    const ended = await end(outcome ?? 'no recovery');
    coordinator.dispose();
    await rig.close();
    const run = journal?.run ?? null;
    if (json) writeJson(streams, { type: 'result', device: address, outcome, phase, trace, run });
    else {
      const after = rig.clock.now() - start >= patience ? ` after ${patience / seconds(1)} s` : '';
      const word = outcome ?? (open ? `still ${phase ?? ''}${after}` : `no recovery${after}`);
      streams.out(`\n${run === null ? '' : `run ${run}\n`}${trace.join(' > ')}\n`);
      streams.out(`${styled(streams, 'bold', word)}\n`);
    }
    if (exit !== exitCode.asExpected || ended.ok) return exit;
    return fail(context, ended.error, json);
  };
  const armed = await coordinator.arm(address, protocol, policy);
  if (!armed.ok) return stop(fail(context, armed.error, json));
  const injected = await causeFault(rig, coordinator, injection);
  if (!injected.ok) return stop(fail(context, injected.error, json));
  await followRecovery(rig, coordinator, recorder, injection);
  const { trouble } = recorder;
  return stop(trouble === null ? exitCode.asExpected : fail(context, trouble, json));
};

const inject = async (context: CommandContext, text: string, options: InjectOptions): Promise<ExitCode> => {
  const json = options.json === true;
  const address = parsePciAddress(text);
  if (!address.ok) return fail(context, address.error, json);
  const opened = await openRig(context, options);
  if (!opened.ok) return fail(context, opened.error, json);
  const planned = await planInjection(opened.value.rig, address.value, options);
  if (planned.ok) return play(context, opened.value, planned.value);
  await opened.value.rig.close();
  return fail(context, planned.error, json);
};

export const addInjectCommand = (program: Command, context: CommandContext): void => {
  withRigOptions(
    withTopology(
      program
        .command('inject')
        .description('arm a device, cause one fault, and follow the recovery to its outcome')
        .argument('<address>', 'the device, such as 0000:01:00.0'),
    )
      .option('--error <name>', 'AER error by QEMU’s name (default: MALF_TLP)')
      .option('--severity <severity>', 'correctable, nonFatal or fatal (default: as the device has it)')
      .option('--zpci <where>', 's390x: unmapped, belowAperture or aboveAperture (default: unmapped)')
      .option(
        '--protocol <protocol>',
        'notify, legacy, mediated or eeh (default: the best the device offers)',
      )
      .option('--policy <policy>', `who decides: ${decisions.join(', ')}`, 'ackWhenQuiesced')
      .option('--for <duration>', 'how long to follow the recovery, on the rig’s clock', '120s'),
  ).action((address: string, options: InjectOptions) =>
    finish(context, () => inject(context, address, options)),
  );
};
