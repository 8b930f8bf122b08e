import type { Command } from 'commander';
import type { Fault } from '../core/faults/fault.ts';
import { parsePciAddress } from '../core/pci/address.ts';
import { decisions, defaultPolicy, type Decision } from '../core/recovery/policy.ts';
import { protocols, seconds, type Protocol } from '../core/recovery/phase.ts';
import { isConcluded, isOpen } from '../core/recovery/state.ts';
import { failure, success, type Result } from '../core/result.ts';
import { Coordinator } from '../coordinator/coordinator.ts';
import { History } from '../scenarios/history.ts';
import { parseDuration } from '../scenarios/duration.ts';
import { defaultProfile, profileNames, profiles } from '../rigs/simulated/kernel/profile.ts';
import type { TopologyName } from '../rigs/simulated/hardware/topologies.ts';
import { topologies } from '../rigs/simulated/hardware/topologies.ts';
import type { SimulatedRig } from '../rigs/simulated/simulatedRig.ts';
import {
  fail,
  finish,
  parseRigOptions,
  withRigOptions,
  type CommandContext,
  type RigOptions,
} from './context.ts';
import { exitCode, type ExitCode } from './exit.ts';
import { styled, table, writeJson } from './output.ts';
import { openSimulatedRig, parseTopology } from './rigName.ts';
import { beginRun } from './run.ts';

const listRigs = (context: CommandContext, json: boolean): ExitCode => {
  const rigs = profileNames.map((name) => ({
    name: `simulated:${name}`,
    title: profiles[name].title,
    preferred: name === defaultProfile,
  }));
  if (json) for (const rig of rigs) writeJson(context.streams, { type: 'rig', ...rig });
  else {
    const rows = rigs.map(({ name, title, preferred }) => [name, preferred ? '*' : '', title]);
    context.streams.out(table(['rig', '', 'what it is'], rows));
    context.streams.out(
      `\n* what "simulated" alone means. Topologies: ${Object.keys(topologies).join(', ')}.\n`,
    );
  }
  return exitCode.asExpected;
};

interface DeviceOptions extends RigOptions {
  readonly topology?: string;
}

const openRig = (
  context: CommandContext,
  options: DeviceOptions,
): Result<{ rig: SimulatedRig; runs: string | null; json: boolean; seed: number }> => {
  const parsed = parseRigOptions(context, options);
  if (!parsed.ok) return parsed;
  let topology: TopologyName | null = null;
  if (options.topology !== undefined) {
    const named = parseTopology(options.topology);
    if (!named.ok) return named;
    topology = named.value;
  }
  const { profile, pace, seed, runs, json } = parsed.value;
  const rig = openSimulatedRig({ profile, topology, pace, seed, wallStart: context.now(), ackTimeout: null });
  return success({ rig, runs, json, seed });
};

const listDevices = async (context: CommandContext, options: DeviceOptions): Promise<ExitCode> => {
  const opened = openRig(context, options);
  if (!opened.ok) return fail(context, opened.error, options.json === true);
  const { rig, json } = opened.value;
  const devices = await rig.devices();
  await rig.close();
  if (!devices.ok) return fail(context, devices.error, json);
  if (json) {
    for (const device of devices.value) writeJson(context.streams, { type: 'device', ...device });
    return exitCode.asExpected;
  }
  const depth = new Map<string, number>();
  const rows = devices.value.map((device) => {
    const level = device.parent === null ? 0 : (depth.get(device.parent) ?? 0) + 1;
    depth.set(device.address, level);
    const { aerCounters: aer, zpci } = device;
    return [
      `${'  '.repeat(level)}${device.address}`,
      device.name,
      device.driver ?? '-',
      device.iommuGroup === null ? '-' : String(device.iommuGroup),
      device.protocols.join(' ') || '-',
      zpci !== undefined
        ? `uid 0x${zpci.uid.toString(16)} fid 0x${zpci.fid.toString(16)}`
        : aer === null
          ? 'no AER'
          : `${aer.correctable}/${aer.nonFatal}/${aer.fatal}`,
    ];
  });
  context.streams.out(`${rig.info.title}\n\n`);
  context.streams.out(
    table(['address', 'device', 'driver', 'group', 'protocols', 'AER cor/non/fatal'], rows),
  );
  return exitCode.asExpected;
};

interface InjectOptions extends DeviceOptions {
  readonly error?: string;
  readonly severity?: string;
  readonly zpci?: string;
  readonly protocol?: string;
  readonly policy: string;
  readonly for: string;
}

const oneOf = <Value extends string>(what: string, values: readonly Value[], text: string): Result<Value> =>
  values.includes(text as Value)
    ? success(text as Value)
    : failure('malformedInput', `The ${what} "${text}" is none of ${values.join(', ')}.`);

const faultFor = (rig: SimulatedRig, options: InjectOptions): Result<Fault> => {
  switch (rig.machine.profile.platform) {
    case 'aer': {
      const { severity: text, error = 'MALF_TLP' } = options;
      if (text === undefined) return success({ kind: 'aer', error, severity: null });
      const severity = oneOf('severity', ['correctable', 'nonFatal', 'fatal'] as const, text);
      return severity.ok ? success({ kind: 'aer', error, severity: severity.value }) : severity;
    }
    case 'zpci': {
      const where = oneOf(
        'place',
        ['unmapped', 'belowAperture', 'aboveAperture'] as const,
        options.zpci ?? 'unmapped',
      );
      return where.ok ? success({ kind: 'zpciDma', where: where.value }) : where;
    }
    case 'eeh':
      return success({ kind: 'eehFreeze' });
  }
};

/** Arms a device, causes one fault, and follows the recovery to its outcome. */
const inject = async (context: CommandContext, text: string, options: InjectOptions): Promise<ExitCode> => {
  const json = options.json === true;
  const address = parsePciAddress(text);
  if (!address.ok) return fail(context, address.error, json);
  const decision = oneOf<Decision>('policy', decisions, options.policy);
  if (!decision.ok) return fail(context, decision.error, json);
  const patience = parseDuration(options.for);
  if (patience === null) {
    return fail(
      context,
      { code: 'malformedInput', message: `"${options.for}" is no duration; write 200ms or 5s.` },
      json,
    );
  }
  const opened = openRig(context, options);
  if (!opened.ok) return fail(context, opened.error, json);
  const { rig, runs, seed } = opened.value;
  const fault = faultFor(rig, options);
  if (!fault.ok) return fail(context, fault.error, json);
  const devices = await rig.devices();
  const offered = devices.ok
    ? devices.value.find((device) => device.address === address.value)?.protocols
    : undefined;
  const protocol = oneOf<Protocol>('protocol', protocols, options.protocol ?? offered?.[0] ?? 'legacy');
  if (!protocol.ok) return fail(context, protocol.error, json);
  const begun = beginRun(rig, { runs, json, seed, scenario: null, quiet: false }, context.streams);
  if (!begun.ok) return fail(context, begun.error, json);
  const { recorder, journal, end } = begun.value;
  const history = new History();
  recorder.watch((line) => history.add(line));
  const coordinator = new Coordinator(rig, recorder);
  const stop = async (exit: ExitCode): Promise<ExitCode> => {
    const { outcomes, trace } = history.device(address.value);
    const outcome = outcomes.at(-1) ?? null;
    const ended = end(outcome ?? 'no recovery');
    coordinator.dispose();
    await rig.close();
    const run = journal?.run ?? null;
    if (json) writeJson(context.streams, { type: 'result', device: address.value, outcome, trace, run });
    else
      context.streams.out(
        `\n${styled(context.streams, 'bold', outcome ?? 'no recovery')}  ${trace.join(' > ')}\n`,
      );
    return ended.ok ? exit : fail(context, ended.error, json);
  };
  const armed = await coordinator.arm(address.value, protocol.value, {
    ...defaultPolicy,
    decision: decision.value,
  });
  if (!armed.ok) return stop(fail(context, armed.error, json));
  const injected = await coordinator.inject(address.value, fault.value, 'simulated');
  if (!injected.ok) return stop(fail(context, injected.error, json));
  await new Promise<void>((resolve) => {
    const giveUp = rig.clock.at(rig.clock.now() + patience, resolve);
    recorder.watch(() => {
      const state = coordinator.state(address.value);
      if (state === null || !isConcluded(state)) return;
      giveUp();
      resolve();
    });
  });
  const state = coordinator.state(address.value);
  const open = state !== null && isOpen(state);
  if (open && !json) context.streams.out(`\nstill ${state.phase} after ${options.for}\n`);
  return stop(exitCode.asExpected);
};

export const addRigCommands = (program: Command, context: CommandContext): void => {
  program
    .command('rigs')
    .description('list the rigs and what each is')
    .option('--json', 'one JSON object a line')
    .action((options: { json?: boolean }) => finish(context, () => listRigs(context, options.json === true)));
  const topologyHelp = `simulated rigs: ${Object.keys(topologies).join(', ')}`;
  withRigOptions(
    program
      .command('devices')
      .description('list the devices of a rig')
      .option('--topology <name>', topologyHelp),
  ).action((options: DeviceOptions) => finish(context, () => listDevices(context, options)));
  withRigOptions(
    program
      .command('inject')
      .description('arm a device, cause one fault, and follow the recovery to its outcome')
      .argument('<address>', 'the device, such as 0000:01:00.0')
      .option('--topology <name>', topologyHelp)
      .option('--error <name>', 'AER error by QEMU’s name (default: MALF_TLP)')
      .option('--severity <severity>', 'correctable, nonFatal or fatal (default: as the device has it)')
      .option('--zpci <where>', 's390x: unmapped, belowAperture or aboveAperture (default: unmapped)')
      .option(
        '--protocol <protocol>',
        'notify, legacy, mediated or eeh (default: the best the device offers)',
      )
      .option('--policy <policy>', `who decides: ${decisions.join(', ')}`, 'ackWhenQuiesced')
      .option(
        '--for <duration>',
        'how long to follow the recovery, on the rig’s clock',
        `${seconds(120) / 1e6}s`,
      ),
  ).action((address: string, options: InjectOptions) =>
    finish(context, () => inject(context, address, options)),
  );
};
