import { resolve } from 'node:path';
import type { Command } from 'commander';
import { failure, success, type Result } from '../core/result.ts';
import { kernelRecoversItself } from '../core/zpci/mediation.ts';
import { onEndingSignal } from '../door/endingSignals.ts';
import { makeImage, openVirtual } from '../rigs/opening/openVirtual.ts';
import {
  defaultKernels,
  guestArchitectures,
  type GuestArchitecture,
} from '../rigs/virtual/guestArchitecture.ts';
import type { DeviceSummary, Rig } from '../rigs/rig.ts';
import { guestTopologyNames, topologyNames } from '../rigs/virtual/guestTopology.ts';
import type { KernelSource } from '../rigs/virtual/image/buildImage.ts';
import { formatVirtualRigName, parseVirtualRigName } from '../rigs/virtual/virtualRigName.ts';
import { fail, finish, type CommandContext } from './context.ts';
import { exitCode, type ExitCode } from './exit.ts';
import { oneOf } from './faultOptions.ts';
import { writeJson } from './output.ts';
import { rigPlaces } from './places.ts';
import { deviceTable } from './rigCommands.ts';
import { plainGuestOf } from './virtualRigs.ts';

interface BuildOptions {
  readonly kernel?: string;
  readonly update?: boolean;
  readonly json?: boolean;
}

interface StartOptions {
  readonly kernel?: string;
  readonly topology?: string;
  readonly driver?: string;
  readonly parameter: readonly string[];
  readonly once?: boolean;
  readonly json?: boolean;
}

const architectureNamed = (name: string): Result<GuestArchitecture> => {
  const known = guestArchitectures.find((architecture) => architecture === name);
  return known === undefined
    ? failure(
        'malformedInput',
        `There is no image for "${name.slice(0, 40)}"; there is one for ${guestArchitectures.join(' and for ')}.`,
      )
    : success(known);
};

const kernelOf = (text: string): KernelSource =>
  text.includes('/') ? { kind: 'folder', path: resolve(text) } : { kind: 'release', name: text };

const build = async (
  context: CommandContext,
  architecture: string,
  options: BuildOptions,
): Promise<ExitCode> => {
  const { streams } = context;
  const json = options.json === true;
  const known = architectureNamed(architecture);
  if (!known.ok) return fail(context, known.error, json);
  const onProgress = (text: string): void => {
    if (json) writeJson(streams, { type: 'progress', text });
    else streams.out(`${text}\n`);
  };
  const built = await makeImage(
    {
      architecture: known.value,
      kernel: kernelOf(options.kernel ?? defaultKernels[known.value]),
      versions: options.update === true ? 'newest' : 'pinned',
    },
    { places: rigPlaces(context.environment), onProgress },
  );
  if (!built.ok) return fail(context, built.error, json);
  const { image, result } = built.value;
  const { name, release } = image.manifest;
  const rig = formatVirtualRigName({ architecture: known.value, kernel: name, topology: null });
  if (json) writeJson(streams, { type: 'image', rig, result, release, folder: image.folder });
  else {
    const how = result === 'built' ? 'is built' : 'is as it was';
    streams.out(`The image with Linux ${release} ${how}; --rig ${rig} starts it.\n${image.folder}\n`);
  }
  return exitCode.asExpected;
};

/** `name=value` words; which names a driver knows is for its module to say. */
const parametersOf = (words: readonly string[]): Result<Record<string, string>> => {
  const pairs: Record<string, string> = {};
  for (const word of words) {
    const [name = '', value, ...rest] = word.split('=');
    if (value === undefined || rest.length > 0) {
      return failure(
        'malformedInput',
        `"${word}" is no parameter; write NAME=VALUE, such as ack_timeout_ms=3000.`,
      );
    }
    pairs[name] = value;
  }
  return success(pairs);
};

const start = async (
  context: CommandContext,
  architecture: string,
  options: StartOptions,
): Promise<ExitCode> => {
  const { streams } = context;
  const json = options.json === true;
  const known = architectureNamed(architecture);
  if (!known.ok) return fail(context, known.error, json);
  const name = parseVirtualRigName([
    `${known.value}@${options.kernel ?? defaultKernels[known.value]}`,
    options.topology ?? topologyNames[known.value][0],
  ]);
  if (!name.ok) return fail(context, name.error, json);
  const driver = oneOf(
    'driver',
    ['vfio-pci-notify', 'vfio-pci'] as const,
    options.driver ?? plainGuestOf(known.value).driver,
  );
  if (!driver.ok) return fail(context, driver.error, json);
  const parameters = parametersOf(options.parameter);
  if (!parameters.ok) return fail(context, parameters.error, json);
  const begun = performance.now();
  const opened = await openVirtual(
    { name: name.value, driver: driver.value, moduleParameters: parameters.value },
    {
      places: rigPlaces(context.environment),
      image: 'asItIs',
      onProgress: (text) => {
        if (json) writeJson(streams, { type: 'progress', text });
        else streams.out(`${text}\n`);
      },
    },
  );
  if (!opened.ok) return fail(context, opened.error, json);
  const rig = opened.value;
  try {
    const devices = await rig.devices();
    if (!devices.ok) return fail(context, devices.error, json);
    const mediation = known.value === 's390x' ? await probeMediation(rig, devices.value) : null;
    if (mediation !== null && !mediation.ok) return fail(context, mediation.error, json);
    const readyAfter = Math.round(performance.now() - begun);
    if (json) {
      for (const device of devices.value) writeJson(streams, { type: 'device', ...device });
      writeJson(streams, {
        type: 'ready',
        rig: rig.info.name,
        kernel: rig.info.kernel,
        readyAfter,
        ...mediation?.value,
      });
    } else {
      streams.out(`\n${rig.info.title}\n\n${deviceTable(devices.value)}`);
      if (mediation !== null) streams.out(`\n${mediation.value.statement}\n`);
      streams.out(
        `\nready after ${(readyAfter / 1_000).toFixed(1)} s${options.once === true ? '' : '; Ctrl+C ends it'}\n`,
      );
    }
    if (options.once === true) return exitCode.asExpected;
    const end = await endOf(rig.guest.ended);
    if (end === null) return exitCode.asExpected;
    const { reason, details } = end;
    return fail(context, failure('linkLost', `The guest is gone: ${reason}.`, { details }).error, json);
  } finally {
    await rig.close();
  }
};

/** What the kernel of an s390x guest does with an error, asked of a device and not taken from its version. */
const probeMediation = async (
  rig: Rig,
  devices: readonly DeviceSummary[],
): Promise<Result<{ readonly mediated: boolean; readonly statement: string }>> => {
  const device = devices.find(({ driver }) => driver === 'vfio-pci');
  if (device === undefined) return failure('deviceLost', 'The guest has no device on vfio-pci.');
  const session = await rig.open(device.address);
  if (!session.ok) return session;
  const mediated = session.value.capabilities.protocols.includes('mediated');
  await session.value.close();
  const statement = mediated
    ? `Linux ${rig.info.kernel} leaves the recovery to user space (VFIO_DEVICE_FEATURE_ZPCI_ERROR is there).`
    : `Linux ${rig.info.kernel}: ${kernelRecoversItself} Nothing mediated can be shown; build with --update when the archive has a newer kernel.`;
  return success({ mediated, statement });
};

/** Until somebody ends the command (null), or the guest ends by itself. */
const endOf = <End>(ended: Promise<End>): Promise<End | null> =>
  new Promise((settle) => {
    const ignore = onEndingSignal(
      () => {
        ignore();
        settle(null);
      },
      () => undefined,
    );
    void ended.then((end) => {
      ignore();
      settle(end);
    });
  });

const collect = (word: string, earlier: readonly string[]): readonly string[] => [...earlier, word];

export const addRigImageCommands = (program: Command, context: CommandContext): void => {
  const rig = program.command('rig').description('guests with a real kernel, for a machine without hardware');
  rig
    .command('build')
    .description('make the image of a guest from Debian’s packages; only the cache is written to')
    .argument('<architecture>', 'x86 or s390x')
    .option(
      '--kernel <kernel>',
      'a suite of the recipe, such as sid, or a folder with an unpacked kernel (default: bookworm; s390x: newest)',
    )
    .option('--update', 'take the newest packages, not those of the image that is there')
    .option('--json', 'one JSON object a line')
    .action((architecture: string, options: BuildOptions) =>
      finish(context, () => build(context, architecture, options)),
    );
  rig
    .command('start')
    .description('boot a guest and list its devices, until Ctrl+C')
    .argument('<architecture>', 'x86 or s390x')
    .option('--kernel <kernel>', 'the name of an image that was built (default: bookworm; s390x: newest)')
    .option('--topology <name>', `${guestTopologyNames.join(', ')} (default: single); s390x: zpci`)
    .option('--driver <driver>', 'vfio-pci-notify (default) or vfio-pci; s390x: vfio-pci')
    .option('--parameter <name=value>', 'of vfio-pci-notify; may be given several times', collect, [])
    .option('--once', 'end the guest when its devices are listed')
    .option('--json', 'one JSON object a line')
    .action((architecture: string, options: StartOptions) =>
      finish(context, () => start(context, architecture, options)),
    );
};
