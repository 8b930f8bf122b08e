import type { Command } from 'commander';
import { Coordinator } from '../coordinator/coordinator.ts';
import type { JournalLine } from '../core/journal/line.ts';
import { parsePciAddress, type PciAddress } from '../core/pci/address.ts';
import { failure, success, type Result } from '../core/result.ts';
import type { Rig } from '../rigs/rig.ts';
import { noKernelTraceWords, type CommandContext } from './context.ts';
import type { FaultOptions } from './faultOptions.ts';
import { causeFault, followRecovery, planInjection, type Injection } from './injection.ts';
import { runWords } from './locateRun.ts';
import { openRig, withTopology, type OpenedRig } from './openRig.ts';
import { recordedDevice, type DeviceWish, type RecordedDevice } from './recordedDevice.ts';
import { rigNameForms } from './rigName.ts';
import { beginRun, type Run } from './run.ts';

/** A device of a recorded run, or with `--rig` one that is opened for the command. */
export interface LiveWish extends DeviceWish, FaultOptions {
  readonly rig?: string;
  readonly seed?: string;
  readonly speed?: string;
  readonly topology?: string;
  readonly protocol?: string;
  readonly for?: string;
  readonly journal: boolean;
  readonly kernelTrace: boolean;
  readonly mark?: boolean;
}

const liveOnly = [
  'seed',
  'speed',
  'topology',
  'error',
  'severity',
  'zpci',
  'protocol',
  'for',
  'mark',
] as const;

export const withDevice = (command: Command): Command =>
  withTopology(
    command
      .option('--device <address>', 'whose; may be left out when there is only one')
      .option('--runs <directory>', 'where the journals are kept')
      .option('--json', 'one JSON object')
      .option('--rig <rig>', `a device now, instead of a run: ${rigNameForms}`)
      .option('--seed <number>', 'with --rig: of a simulated rig (default: 1)')
      .option('--speed <factor>', 'with --rig: virtual seconds per real second, or "max" (default: "max")')
      .option('--no-journal', 'with --rig: record nothing')
      .option('--no-kernel-trace', `with --rig: ${noKernelTraceWords}`),
  );

/** The fault whose recovery is played, as `inject` takes it. */
export const withRecovery = (command: Command): Command =>
  withDevice(command)
    .option('--error <name>', 'with --rig: AER error by QEMU’s name (default: MALF_TLP)')
    .option(
      '--severity <severity>',
      'with --rig: correctable, nonFatal or fatal (default: as the device has it)',
    )
    .option(
      '--zpci <where>',
      'with --rig, s390x: unmapped, belowAperture or aboveAperture (default: unmapped)',
    )
    .option('--protocol <protocol>', 'with --rig: notify, legacy, mediated or eeh (default: the best)')
    .option('--for <duration>', 'with --rig: how long to follow the recovery (default: 120s)');

export const runOrRig = `${runWords} (default: "last"); not with --rig`;

const chosenDevice = async (rig: Rig, wish: string | undefined): Promise<Result<PciAddress>> => {
  if (wish !== undefined) return parsePciAddress(wish);
  const devices = await rig.devices();
  if (!devices.ok) return devices;
  const able = devices.value.filter(({ kind, protocols }) => kind === 'endpoint' && protocols.length > 0);
  const [only, ...more] = able;
  if (only === undefined) {
    return failure('protocolUnavailable', `${rig.info.title} has no device that the bench could open.`);
  }
  return more.length === 0
    ? success(only.address)
    : failure(
        'malformedInput',
        `${rig.info.title} has ${able.map(({ address }) => address).join(', ')}; choose with --device.`,
      );
};

/** Who sits at the terminal asks for it with the option; their name is the one they work under. */
const decisionOf = ({ environment }: CommandContext) => ({
  operator: environment['USER'] ?? environment['LOGNAME'] ?? 'the command line',
  reason: 'asked for with --mark',
});

const isRecovery = (lines: readonly JournalLine[]): boolean =>
  lines.some((line) => line.type === 'step' && line.recovery !== null);

/** Opens the device and looks at it, or plays one recovery to its end; closed again whatever comes of it. */
const play = async (
  context: CommandContext,
  { rig }: OpenedRig,
  { recorder }: Run,
  address: PciAddress,
  injection: Injection | null,
  mark: boolean,
): Promise<Result<readonly JournalLine[]>> => {
  const lines: JournalLine[] = [];
  recorder.watch((line) => {
    if ('device' in line && line.device === address) lines.push(line);
  });
  const coordinator = new Coordinator(rig, recorder);
  const body = async (): Promise<Result<unknown>> => {
    if (injection === null) {
      const opened = await coordinator.open(address);
      return opened.ok ? coordinator.look(address) : opened;
    }
    const { protocol, policy } = injection;
    const armed = await coordinator.arm(address, protocol, policy);
    if (!armed.ok) return armed;
    const marked = mark ? await coordinator.mark(address, decisionOf(context)) : armed;
    if (!marked.ok) return marked;
    const injected = await causeFault(rig, coordinator, injection);
    if (!injected.ok) return injected;
    await followRecovery(rig, coordinator, recorder, injection);
    await coordinator.settled(address);
    return isRecovery(lines)
      ? injected
      : failure('injectionRefused', `No recovery of ${address} began: ${injected.value.delivery.detail}`);
  };
  const played = await body();
  // Marks are put back before it. Where patience ended in a wait, the kernel takes the close for an ack (observation 10).
  if (coordinator.session(address) !== null) await coordinator.close(address);
  coordinator.dispose();
  const { trouble } = recorder;
  if (!played.ok) return played;
  return trouble === null ? success(lines) : { ok: false, error: trouble };
};

const recordLive = async (
  context: CommandContext,
  wish: LiveWish & { readonly rig: string },
  until: 'looked' | 'recovered',
): Promise<Result<RecordedDevice>> => {
  const options = { ...wish, policy: 'ackWhenQuiesced', for: wish.for ?? '120s' };
  const opened = await openRig(context, options);
  if (!opened.ok) return opened;
  const { rig, seed } = opened.value;
  // A look leaves no run behind.
  const runs = until === 'looked' ? null : opened.value.runs;
  const body = async (): Promise<Result<RecordedDevice>> => {
    const address = await chosenDevice(rig, wish.device);
    if (!address.ok) return address;
    const injection =
      until === 'recovered' ? await planInjection(rig, address.value, options) : success(null);
    if (!injection.ok) return injection;
    const begun = beginRun(rig, { runs, json: false, seed, scenario: null, quiet: true }, context.streams);
    if (!begun.ok) return begun;
    const { journal, end } = begun.value;
    const mark = wish.mark === true;
    const lines = await play(context, opened.value, begun.value, address.value, injection.value, mark);
    const ended = await end(lines.ok ? 'played' : 'failed');
    if (!lines.ok) return lines;
    if (!ended.ok) return ended;
    const { kind, name, title, kernel, architecture } = rig.info;
    return success({
      run: journal?.run ?? null,
      rig: { kind, name, title, kernel, architecture },
      device: address.value,
      lines: lines.value,
      damaged: false,
    });
  };
  try {
    return await body();
  } finally {
    await rig.close();
  }
};

/** What the words name: a device of a run, or one of a rig. Bad words are told before anything is opened. */
export const deviceOf = async (
  context: CommandContext,
  run: string | undefined,
  wish: LiveWish,
  until: 'looked' | 'recovered',
): Promise<Result<RecordedDevice>> => {
  const { rig } = wish;
  if (rig === undefined) {
    const useless = liveOnly.find((name) => wish[name] !== undefined);
    if (useless === undefined && wish.journal && wish.kernelTrace)
      return recordedDevice(context, run ?? 'last', wish);
    const option = useless ?? (wish.journal ? 'no-kernel-trace' : 'no-journal');
    return failure('malformedInput', `--${option} goes with --rig: a recorded run is what it is.`);
  }
  if (run !== undefined) {
    return failure('malformedInput', `Give a run ("${run}") or --rig, not both.`);
  }
  return recordLive(context, { ...wish, rig }, until);
};
