import type { Command } from 'commander';
import { parsePciAddress, type PciAddress } from '../core/pci/address.ts';
import type { Fault, InjectorName } from '../core/faults/fault.ts';
import { preflight } from '../core/faults/preflight.ts';
import { decisions, defaultPolicy, type Decision, type Policy } from '../core/recovery/policy.ts';
import { protocols, seconds, type Microseconds, type Protocol } from '../core/recovery/phase.ts';
import { isConcluded, isOpen } from '../core/recovery/state.ts';
import { failure, success, type Result } from '../core/result.ts';
import { Coordinator } from '../coordinator/coordinator.ts';
import { History } from '../scenarios/history.ts';
import { chooseInjector, needsOpenDevice } from '../scenarios/chooseInjector.ts';
import { parseDuration } from '../scenarios/duration.ts';
import type { Rig } from '../rigs/rig.ts';
import { fail, finish, withRigOptions, type CommandContext } from './context.ts';
import { exitCode, type ExitCode } from './exit.ts';
import { faultOf, oneOf, type FaultOptions } from './faultOptions.ts';
import { styled, writeJson } from './output.ts';
import { openRig, withTopology, type OpenedRig, type RigTopologyOptions } from './openRig.ts';
import { beginRun } from './run.ts';

interface InjectOptions extends RigTopologyOptions, FaultOptions {
  readonly protocol?: string;
  readonly policy: string;
  readonly for: string;
}

interface Injection {
  readonly address: PciAddress;
  readonly fault: Fault;
  /** Null: it needs the device open, and is chosen when it is. */
  readonly injector: InjectorName | null;
  readonly protocol: Protocol;
  readonly policy: Policy;
  readonly patience: Microseconds;
}

/** Everything that can be wrong with the words is found here, before anything is opened or recorded. */
const plan = async (rig: Rig, address: PciAddress, options: InjectOptions): Promise<Result<Injection>> => {
  const decision = oneOf<Decision>('policy', decisions, options.policy);
  if (!decision.ok) return decision;
  const patience = parseDuration(options.for);
  if (patience === null) {
    return failure('malformedInput', `"${options.for}" is no duration; write 200ms, 5s or 2m.`);
  }
  const fault = faultOf(rig.info.architecture, options);
  if (!fault.ok) return fault;
  const wanted =
    options.protocol === undefined ? null : oneOf<Protocol>('protocol', protocols, options.protocol);
  if (wanted !== null && !wanted.ok) return wanted;
  const target = await rig.faultTarget(address);
  if (!target.ok) return target;
  const chosen = await chooseInjector(rig, address, fault.value);
  if (!chosen.ok && !needsOpenDevice(chosen.error)) return chosen;
  const injector = chosen.ok ? chosen.value : null;
  if (injector !== null) {
    const refusal = preflight({ address, injector, fault: fault.value }, target.value, 'noWait');
    if (refusal !== null) return { ok: false, error: refusal };
  }
  const devices = await rig.devices();
  if (!devices.ok) return devices;
  const offered = devices.value.find((device) => device.address === address)?.protocols ?? [];
  const protocol = wanted?.value ?? offered[0];
  if (protocol === undefined || !offered.includes(protocol)) {
    return failure(
      'protocolUnavailable',
      `${address} on ${rig.info.title} offers ${offered.join(', ') || 'no protocol'}${wanted === null ? '' : `, not ${wanted.value}`}.`,
    );
  }
  const policy = { ...defaultPolicy, decision: decision.value };
  return success({ address, injector, fault: fault.value, protocol, policy, patience });
};

/** Arms the device, causes the fault, and follows the recovery to its outcome or until patience is at its end. */
const play = async (
  context: CommandContext,
  { rig, runs, json, seed }: OpenedRig,
  { address, fault, injector, protocol, policy, patience }: Injection,
): Promise<ExitCode> => {
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
  const chosen = injector === null ? await chooseInjector(rig, address, fault) : success(injector);
  if (!chosen.ok) return stop(fail(context, chosen.error, json));
  const injected = await coordinator.inject(address, fault, chosen.value);
  if (!injected.ok) return stop(fail(context, injected.error, json));
  await new Promise<void>((resolve) => {
    const giveUp = rig.clock.at(rig.clock.now() + patience, resolve);
    recorder.watch(() => {
      const state = coordinator.state(address);
      if (state === null || !isConcluded(state)) return;
      giveUp();
      resolve();
    });
  });
  const { trouble } = recorder;
  return stop(trouble === null ? exitCode.asExpected : fail(context, trouble, json));
};

const inject = async (context: CommandContext, text: string, options: InjectOptions): Promise<ExitCode> => {
  const json = options.json === true;
  const address = parsePciAddress(text);
  if (!address.ok) return fail(context, address.error, json);
  const opened = await openRig(context, options);
  if (!opened.ok) return fail(context, opened.error, json);
  const planned = await plan(opened.value.rig, address.value, options);
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
