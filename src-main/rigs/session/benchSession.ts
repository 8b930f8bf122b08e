import type { Protocol } from '../../core/recovery/phase.ts';
import type { EehOperation, ResetKind, ResetReport } from '../../core/recovery/reports.ts';
import { done, failure, success, type Result } from '../../core/result.ts';
import type { DeviceCapabilities, DeviceSession, RigClock } from '../rig.ts';
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
  const setUp = await reinitialise({ device, driver, map, clock, platform, after: 'open' });
  const reference = await device.readHardwareConfigSpace();
  if (!reference.ok) return reference;
  let armed: Protocol | null = null;
  let open = true;
  const needsOpen = (): Result<void> =>
    open
      ? done
      : failure('sessionClosed', `The session of ${device.address} is closed; open the device again.`);

  return success({
    address: device.address,
    capabilities,
    setUp,
    arm: async (protocol) => {
      const usable = needsOpen();
      if (!usable.ok) return usable;
      if (armed !== null) return failure('alreadyArmed', `${device.address} is armed already (${armed}).`);
      const registered = await device.registerErrorEventfd(protocol);
      if (registered.ok) armed = protocol;
      return registered;
    },
    disarm: async () => {
      if (armed === null) return failure('notArmed', `${device.address} is not armed.`);
      const removed = await device.unregisterErrorEventfd(armed);
      if (removed.ok) armed = null;
      return removed;
    },
    acknowledge: () => device.acknowledge(),
    inspect: async () => {
      if (platform !== 'zpci') return inspectAer(device, map);
      if (armed !== 'mediated') return success({ severity: 'unknown', errors: [] });
      const errors = await drainZpciErrors(device);
      return errors.ok ? success({ severity: 'unknown', errors: errors.value }) : errors;
    },
    quiesce: () => quiesce(device, map, platform === 'aer' ? 'reachable' : 'cutOffByPlatform'),
    reset: async (kind: ResetKind): Promise<Result<ResetReport>> => {
      const started = clock.now();
      if (kind === 'peHot' || kind === 'peFundamental') {
        return failure('notSupported', 'A PE reset is part of the eeh protocol; use "device" or "hot" here.');
      }
      if (kind === 'hot') {
        const affected = await device.hotReset();
        return affected.ok
          ? success({ kind, took: clock.now() - started, affected: affected.value })
          : affected;
      }
      const result = await device.reset();
      return result.ok ? success({ kind, took: clock.now() - started, affected: [device.address] }) : result;
    },
    eeh: (operation: EehOperation) => device.eeh(operation),
    drainErrors: () => drainZpciErrors(device),
    readConfig: (which) => (which === 'vfio' ? device.readConfigSpace() : device.readHardwareConfigSpace()),
    reinitialise: () => reinitialise({ device, driver, map, clock, platform, after: 'recovery' }),
    prove: () => prove(device, driver, map, reference.value, platform),
    triggerLoopback: async () =>
      armed === null
        ? failure('notArmed', `${device.address} is not armed: there is no eventfd to trigger.`)
        : device.triggerErrorEventfd(armed),
    close: async () => {
      const usable = needsOpen();
      if (!usable.ok) return usable;
      open = false;
      armed = null;
      needs.closed();
      return device.close();
    },
  });
};
