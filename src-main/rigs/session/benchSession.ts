import { wordAt } from '../../core/pci/bytes.ts';
import { configOffset } from '../../core/pci/registers.ts';
import type { Protocol } from '../../core/recovery/phase.ts';
import type { EehOperation, ResetKind, ResetReport } from '../../core/recovery/reports.ts';
import { done, failure, success, type Result } from '../../core/result.ts';
import { kernelRecoversItself } from '../../core/zpci/mediation.ts';
import type { DeviceCapabilities, DeviceSession, RigClock } from '../rig.ts';
import { prepareAnswer } from './automatic.ts';
import { viewReader } from './bothViews.ts';
import { drainZpciErrors, inspectAer } from './inspect.ts';
import { prove } from './prove.ts';
import { quiesce } from './quiesce.ts';
import { registerMapOf } from './registers.ts';
import { reinitialise } from './reinitialise.ts';
import type { UserSpaceDriver, VfioDevice } from './vfioDevice.ts';

export interface SessionNeeds {
  readonly device: VfioDevice;
  readonly driver: UserSpaceDriver | null;
  readonly clock: RigClock;
  readonly capabilities: DeviceCapabilities;
  readonly platform: 'aer' | 'zpci' | 'eeh';
  readonly closed: () => void;
}

/**
 * The DeviceSession over any VfioDevice: what to do in which order is the same on the simulated kernel and on a real
 * one. An open session has MSI-X on, DMA mapped, the device's own engine running and errors reported, or says in
 * `setUp` what of that failed.
 */
export const openBenchSession = async (needs: SessionNeeds): Promise<Result<DeviceSession>> => {
  const { device, driver, clock, capabilities, platform } = needs;
  const view = await device.readConfigSpace();
  if (!view.ok) return view;
  const map = registerMapOf(view.value);
  const hardwareView = await device.readHardwareConfigSpace();
  const opening = { vfio: view.value, hardware: hardwareView.ok ? hardwareView.value : null };
  const readBothViews = viewReader(device, clock, opening);
  const opened = wordAt(view.value, configOffset.command);
  const setUp = await reinitialise({ device, driver, map, clock, platform, after: 'open', opened });
  const reference = await device.readHardwareConfigSpace();
  if (!reference.ok) return reference;
  let armed: Protocol | null = null;
  let open = true;
  /** Goes up when what was handed down is taken back: what is still being prepared is not handed down any more. */
  let turn = 0;
  const takeBack = (): Promise<Result<void>> => {
    turn += 1;
    return device.takeBack();
  };
  const closed = failure(
    'sessionClosed',
    `The session of ${device.address} is closed; open the device again.`,
  );
  const whileOpen = async <Value>(call: () => Promise<Result<Value>>): Promise<Result<Value>> =>
    open ? call() : closed;

  return success({
    address: device.address,
    capabilities,
    opening,
    setUp,
    arm: (protocol) =>
      whileOpen(async () => {
        if (armed !== null) return failure('alreadyArmed', `${device.address} is armed already (${armed}).`);
        if (!capabilities.protocols.includes(protocol)) {
          const offered = capabilities.protocols.join(', ') || 'none';
          return failure(
            'protocolUnavailable',
            `${device.address} does not offer the protocol "${protocol}"; it offers ${offered}.${
              platform === 'zpci' && protocol === 'mediated' ? ` ${kernelRecoversItself}` : ''
            }`,
          );
        }
        const registered = await device.registerErrorEventfd(protocol);
        if (registered.ok) armed = protocol;
        return registered;
      }),
    disarm: (heard) =>
      whileOpen(async () => {
        if (armed === null) return failure('notArmed', `${device.address} is not armed.`);
        const protocol = armed;
        const takenBack = await takeBack();
        if (!takenBack.ok) return takenBack;
        if (heard !== undefined && device.told.acknowledged > heard) {
          return failure(
            'noOpenWait',
            `${device.address} has just been acked as the policy had it; event 2 is to come.`,
          );
        }
        const removed = await device.unregisterErrorEventfd(protocol);
        if (removed.ok) armed = null;
        return removed;
      }),
    acknowledge: (heard) =>
      whileOpen(async () => {
        const takenBack = await takeBack();
        if (!takenBack.ok) return takenBack;
        if (heard === undefined) return device.acknowledge();
        const { signal, acknowledged: given } = device.told;
        if (given > heard) return done;
        return signal > heard
          ? failure(
              'noOpenWait',
              `${device.address} was signalled again meanwhile: the wait of this ack is over.`,
            )
          : device.acknowledge();
      }),
    handDown: (order, heard) =>
      whileOpen(async () => {
        if (armed !== 'notify') {
          return armed === null
            ? failure('notArmed', `${device.address} is not armed.`)
            : failure('notSupported', `The ${armed} protocol has no ack that could be given.`);
        }
        turn += 1;
        const mine = turn;
        const prepared = await prepareAnswer(device, map, order);
        if (!prepared.ok) return prepared;
        return mine === turn
          ? device.handDown(prepared.value, heard)
          : failure('stepUnderWay', `What was handed down for ${device.address} was taken back meanwhile.`);
      }),
    takeBack: () => whileOpen(takeBack),
    inspect: () =>
      whileOpen(async () => {
        if (platform !== 'zpci') return inspectAer(device, map);
        if (armed !== 'mediated') return success({ severity: 'unknown', errors: [] });
        const errors = await drainZpciErrors(device);
        return errors.ok ? success({ severity: 'unknown', errors: errors.value }) : errors;
      }),
    quiesce: async () =>
      open
        ? quiesce(device, map, platform === 'aer' ? 'reachable' : 'cutOffByPlatform')
        : {
            succeeded: false,
            actions: [{ action: 'touchingStopped', result: 'failed', error: closed.error }],
          },
    reset: (kind) => whileOpen(() => resetDevice(device, clock, capabilities, kind)),
    eeh: (operation: EehOperation) => whileOpen(() => device.eeh(operation)),
    drainErrors: () => whileOpen(() => drainZpciErrors(device)),
    readConfig: (which) =>
      whileOpen(() => (which === 'vfio' ? device.readConfigSpace() : device.readHardwareConfigSpace())),
    readBothViews: async () => (open ? readBothViews() : { at: clock.now(), vfio: closed, hardware: closed }),
    writeConfig: (offset, width, value) => whileOpen(() => device.writeConfig(offset, width, value)),
    reinitialise: async (reader) =>
      open
        ? reinitialise({
            ...{ device, driver, map, clock, platform, after: 'recovery', opened },
            told: reader === undefined ? undefined : { reader, read: readBothViews },
          })
        : { succeeded: false, steps: [{ step: 'open device', result: 'failed', error: closed.error }] },
    prove: async () =>
      open
        ? prove(device, driver, map, reference.value, platform)
        : {
            verdict: 'failed',
            checks: [{ check: 'registers', result: 'failed', detail: closed.error.message }],
          },
    triggerLoopback: () =>
      whileOpen(async () => {
        if (armed === null) {
          return failure('notArmed', `${device.address} is not armed: there is no eventfd to trigger.`);
        }
        // No error is behind it: an ack would be taken for the next one (observation 1).
        const takenBack = await takeBack();
        return takenBack.ok ? device.triggerErrorEventfd(armed) : takenBack;
      }),
    startEngine: () =>
      whileOpen(
        async () =>
          driver?.initialise() ??
          failure('notSupported', `The bench has no driver for ${device.address}, so no engine to start.`),
      ),
    mapBar: (bar) =>
      whileOpen(async () => {
        const mapped = await device.mapBar(bar);
        return mapped.ok ? done : mapped;
      }),
    loadMapped: (bar, offset, width) => whileOpen(() => device.loadMapped(bar, offset, width)),
    close: () =>
      whileOpen(async () => {
        open = false;
        armed = null;
        turn += 1;
        needs.closed();
        return device.close();
      }),
  });
};

/** VFIO_DEVICE_RESET or a hot reset, and how long the caller was blocked. */
const resetDevice = async (
  device: VfioDevice,
  clock: RigClock,
  capabilities: DeviceCapabilities,
  kind: ResetKind,
): Promise<Result<ResetReport>> => {
  const started = clock.now();
  switch (kind) {
    case 'peHot':
    case 'peFundamental':
      return failure('notSupported', 'A PE reset is part of the eeh protocol; use "device" here.');
    case 'hot': {
      if (!capabilities.resetKinds.includes('hot')) {
        return failure('notSupported', `${device.address} has no hot reset on this platform; use "device".`);
      }
      const affected = await device.hotReset();
      return affected.ok
        ? success({ kind, took: clock.now() - started, affected: affected.value })
        : affected;
    }
    case 'device': {
      const result = await device.reset();
      return result.ok ? success({ kind, took: clock.now() - started, affected: [device.address] }) : result;
    }
  }
};
