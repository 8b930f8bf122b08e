import type { Command } from 'commander';
import type { ZpciFunction } from '../core/zpci/zpciFunction.ts';
import type { DeviceSummary } from '../rigs/rig.ts';
import { defaultProfile, profileNames, profiles } from '../rigs/simulated/kernel/profile.ts';
import { fail, finish, withRigOptions, type CommandContext } from './context.ts';
import { exitCode, type ExitCode } from './exit.ts';
import { openRig, topologyNames, withTopology, type RigTopologyOptions } from './openRig.ts';
import { table, writeJson } from './output.ts';

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
    context.streams.out(`\n* what "simulated" alone means. Topologies: ${topologyNames}.\n`);
  }
  return exitCode.asExpected;
};

const hexadecimal = (value: number | null, digits = 1): string =>
  value === null ? '-' : `0x${value.toString(16).padStart(digits, '0')}`;

/** s390x shows no ports and keeps no AER counters: a list, by what names the functions there. */
const zpciTable = (functions: readonly (readonly [DeviceSummary, ZpciFunction])[]): string => {
  const rows = functions.map(([device, zpci]) => [
    device.address,
    hexadecimal(zpci.uid),
    hexadecimal(zpci.fid, 8),
    hexadecimal(zpci.functionHandle, 8),
    device.name,
    device.driver ?? '-',
    device.iommuGroup === null ? '-' : String(device.iommuGroup),
    device.protocols.join(' ') || '-',
    hexadecimal(zpci.pchid, 4),
    `${hexadecimal(zpci.pfgid, 2)}/${hexadecimal(zpci.pft, 2)}/${hexadecimal(zpci.vfn)}`,
    zpci.utilityString || '-',
  ]);
  const [, first] = functions[0] ?? [];
  const heads = ['address', 'uid', 'fid', 'handle', 'device', 'driver', 'group', 'protocols', 'pchid'];
  return [
    table([...heads, 'pfgid/pft/vfn', 'utility string'], rows),
    `UID checking is ${first?.uidIsUnique === true ? 'on: the domain of an address is the UID' : 'off: the domains say nothing, and UIDs may repeat'}.\n`,
  ].join('\n');
};

/** Devices as a tree, each below its port; zPCI functions as a list. */
export const deviceTable = (devices: readonly DeviceSummary[]): string => {
  const functions = devices.flatMap((device) =>
    device.zpci === undefined ? [] : [[device, device.zpci] as const],
  );
  return functions.length > 0 && functions.length === devices.length
    ? zpciTable(functions)
    : pciTree(devices);
};

const pciTree = (devices: readonly DeviceSummary[]): string => {
  const depth = new Map<string, number>();
  const rows = devices.map((device) => {
    const level = device.parent === null ? 0 : (depth.get(device.parent) ?? 0) + 1;
    depth.set(device.address, level);
    const { aerCounters: aer } = device;
    return [
      `${'  '.repeat(level)}${device.address}`,
      device.name,
      device.driver ?? '-',
      device.iommuGroup === null ? '-' : String(device.iommuGroup),
      device.protocols.join(' ') || '-',
      aer === null ? 'no AER' : `${aer.correctable}/${aer.nonFatal}/${aer.fatal}`,
    ];
  });
  return table(['address', 'device', 'driver', 'group', 'protocols', 'AER cor/non/fatal'], rows);
};

const listDevices = async (context: CommandContext, options: RigTopologyOptions): Promise<ExitCode> => {
  const opened = await openRig(context, options);
  if (!opened.ok) return fail(context, opened.error, options.json === true);
  const { rig, json } = opened.value;
  const devices = await rig.devices();
  await rig.close();
  if (!devices.ok) return fail(context, devices.error, json);
  if (json) {
    for (const device of devices.value) writeJson(context.streams, { type: 'device', ...device });
    return exitCode.asExpected;
  }
  context.streams.out(`${rig.info.title}\n\n`);
  context.streams.out(deviceTable(devices.value));
  return exitCode.asExpected;
};

export const addRigCommands = (program: Command, context: CommandContext): void => {
  program
    .command('rigs')
    .description('list the rigs and what each is')
    .option('--json', 'one JSON object a line')
    .action((options: { json?: boolean }) => finish(context, () => listRigs(context, options.json === true)));
  withRigOptions(withTopology(program.command('devices').description('list the devices of a rig'))).action(
    (options: RigTopologyOptions) => finish(context, () => listDevices(context, options)),
  );
};
