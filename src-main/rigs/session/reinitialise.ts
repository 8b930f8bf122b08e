import { deviceControlBit, pciExpressRegister } from '../../core/pci/capability-registers.ts';
import { commandBit, configOffset } from '../../core/pci/registers.ts';
import { milliseconds, seconds, type Microseconds } from '../../core/recovery/phase.ts';
import type { DeviceAction, ReinitialiseReport } from '../../core/recovery/reports.ts';
import type { BenchError, Result } from '../../core/result.ts';
import type { RigClock, StepReader } from '../rig.ts';
import type { ViewReader } from './bothViews.ts';
import { noting, type WorkedDevice } from './doing.ts';
import type { RegisterMap } from './registers.ts';
import type { UserSpaceDriver } from './vfioDevice.ts';

type Step = ReinitialiseReport['steps'][number];

export interface ReinitialiseNeeds {
  readonly device: WorkedDevice;
  readonly driver: UserSpaceDriver | null;
  readonly map: RegisterMap;
  readonly clock: RigClock;
  /** `aer`: SERR and DevCtl must be on or the next error vanishes. `zpci`: no SERR, but the DMA mapping is gone. */
  readonly platform: 'aer' | 'zpci' | 'eeh';
  /** Opening a VFIO device resets it already (vfio_pci_core_enable); after a recovery it has to be asked for. */
  readonly after: 'open' | 'recovery';
  /** COMMAND as it was when the device was opened. */
  readonly opened: number;
  /** Who wants to know what the device holds after each step, and how that is read. */
  readonly told?: { readonly reader: StepReader; readonly read: ViewReader } | undefined;
}

const busyPatience = seconds(2);
const busyDelay = milliseconds(5);

const sleep = (clock: RigClock, duration: Microseconds): Promise<void> =>
  new Promise((resolve) => clock.at(clock.now() + duration, resolve));

/** Right after event 2 the kernel still holds the device lock for its resume callbacks, and a reset gets EAGAIN. */
const resetWhenFree = async (needs: ReinitialiseNeeds): Promise<Result<void>> => {
  const { device, clock } = needs;
  const until = clock.now() + busyPatience;
  for (;;) {
    const result = await device.reset();
    if (result.ok || result.error.code !== 'busy' || clock.now() >= until) return result;
    await sleep(clock, busyDelay);
  }
};

const stepOf = (step: string, result: Result<unknown>, detail?: string): Step =>
  result.ok
    ? { step, result: 'done', ...(detail === undefined ? {} : { detail }) }
    : { step, result: 'failed', error: result.error };

/** I/O Space as it was: firmware switches it on whether there is an I/O BAR or not, and nobody restores it. */
const commandFor = ({ platform, opened }: ReinitialiseNeeds): number =>
  commandBit.memorySpace |
  commandBit.busMaster |
  (opened & commandBit.ioSpace) |
  (platform === 'zpci' ? 0 : commandBit.serr);

const writeCommand = async (needs: ReinitialiseNeeds): Promise<Result<void>> => {
  const { device } = needs;
  const current = await device.readConfig(configOffset.command, 2);
  if (!current.ok) return current;
  return device.writeConfig(configOffset.command, 2, current.value | commandFor(needs));
};

const resetStep = async (needs: ReinitialiseNeeds): Promise<Step> => {
  const result = await resetWhenFree(needs);
  // A device without any reset method cannot be reset by VFIO_DEVICE_RESET; its MSI-X is set up anew below instead.
  if (!result.ok && result.error.code === 'notSupported') {
    return { step: 'DEVICE_RESET', result: 'notNeeded', detail: result.error.message };
  }
  return stepOf('DEVICE_RESET', result);
};

const controlStep = async (needs: ReinitialiseNeeds): Promise<Step> => {
  const { device, map, platform } = needs;
  if (map.express === 0 || platform === 'zpci') return { step: 'DevCtl', result: 'notNeeded' };
  const offset = map.express + pciExpressRegister.deviceControl;
  const current = await device.readConfig(offset, 2);
  if (!current.ok) return stepOf('DevCtl', current);
  const value = current.value | deviceControlBit.allErrorReporting;
  return stepOf('DevCtl', await device.writeConfig(offset, 2, value), `0x${value.toString(16)}`);
};

const msixStep = async (needs: ReinitialiseNeeds): Promise<Step> => {
  if (needs.map.msix === 0) return { step: 'MSI-X', result: 'notNeeded' };
  // The kernel may hold MSI-X for enabled while the hardware has it off (observation 3): off first, then on.
  const off = await needs.device.disableMsix();
  return off.ok ? stepOf('MSI-X', await needs.device.enableMsix()) : stepOf('MSI-X', off);
};

/**
 * Brings a device back after its reset, in the one order that works on every kernel measured: COMMAND first, so that
 * vfio restores the BARs; then DEVICE_RESET, so that the kernel saves a sane state and restores MSI-X from it; then
 * COMMAND again and DevCtl, which that reset cleared. DEVICE_RESET before COMMAND saves the zeroed state
 * (observation 4). After that the device itself. Ends at the first step that fails.
 */
export const reinitialise = async (wanted: ReinitialiseNeeds): Promise<ReinitialiseReport> => {
  let did: DeviceAction[] = [];
  const needs: ReinitialiseNeeds = { ...wanted, device: noting(wanted.device, (action) => did.push(action)) };
  const sequence: (() => Promise<Step>)[] = [
    async () => stepOf('COMMAND', await writeCommand(needs)),
    ...(needs.after === 'open'
      ? []
      : [() => resetStep(needs), async () => stepOf('COMMAND again', await writeCommand(needs))]),
    () => controlStep(needs),
    async () =>
      needs.platform === 'zpci'
        ? stepOf('DMA mapping', await needs.device.remapDma())
        : { step: 'DMA mapping', result: 'notNeeded' },
    () => msixStep(needs),
    async () =>
      needs.driver === null
        ? { step: 'engine', result: 'notNeeded', detail: 'The bench has no driver for this device.' }
        : stepOf('engine', await needs.driver.initialise(), needs.driver.name),
  ];
  const steps: Step[] = [];
  for (const run of sequence) {
    did = [];
    const step = await run();
    steps.push(did.length === 0 ? step : { ...step, did });
    // A step that failed may have done half of it.
    if (step.result !== 'notNeeded') wanted.told?.reader(step.step, await wanted.told.read());
    if (step.result === 'failed') return { succeeded: false, steps };
  }
  return { succeeded: true, steps };
};

/** The first failure of a report, for a message. */
export const failureOf = (report: ReinitialiseReport): BenchError | null =>
  report.steps.find((step) => step.result === 'failed')?.error ?? null;
