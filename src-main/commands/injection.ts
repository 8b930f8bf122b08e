import type { Fault, FaultReceipt, InjectorName } from '../core/faults/fault.ts';
import { preflight } from '../core/faults/preflight.ts';
import type { PciAddress } from '../core/pci/address.ts';
import { protocols, type Microseconds, type Protocol } from '../core/recovery/phase.ts';
import { decisions, defaultPolicy, type Decision, type Policy } from '../core/recovery/policy.ts';
import { isConcluded } from '../core/recovery/state.ts';
import { failure, success, type Result } from '../core/result.ts';
import type { Coordinator } from '../coordinator/coordinator.ts';
import type { Recorder } from '../coordinator/recorder.ts';
import type { Rig } from '../rigs/rig.ts';
import { chooseInjector, needsOpenDevice } from '../scenarios/chooseInjector.ts';
import { parseDuration } from '../scenarios/duration.ts';
import { faultOf, oneOf, type FaultOptions } from './faultOptions.ts';

export interface InjectionOptions extends FaultOptions {
  readonly protocol?: string;
  readonly policy: string;
  readonly for: string;
}

/** One fault, and the recovery that is to follow it. */
export interface Injection {
  readonly address: PciAddress;
  readonly fault: Fault;
  /** Null: it needs the device open, and is chosen when it is. */
  readonly injector: InjectorName | null;
  readonly protocol: Protocol;
  readonly policy: Policy;
  readonly patience: Microseconds;
}

/** Everything that can be wrong with the words is found here, before anything is opened or recorded. */
export const planInjection = async (
  rig: Rig,
  address: PciAddress,
  options: InjectionOptions,
): Promise<Result<Injection>> => {
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

/** Causes the fault of a device that is armed. */
export const causeFault = async (
  rig: Rig,
  coordinator: Coordinator,
  { address, fault, injector }: Injection,
): Promise<Result<FaultReceipt>> => {
  const chosen = injector === null ? await chooseInjector(rig, address, fault) : success(injector);
  return chosen.ok ? coordinator.inject(address, fault, chosen.value) : chosen;
};

/** Follows the recovery to its outcome, or until patience is at its end. */
export const followRecovery = async (
  rig: Rig,
  coordinator: Coordinator,
  recorder: Recorder,
  { address, patience }: Injection,
): Promise<void> => {
  const isOver = (): boolean => {
    const state = coordinator.state(address);
    return state !== null && isConcluded(state);
  };
  if (isOver()) return;
  await new Promise<void>((resolve) => {
    const finish = (): void => {
      giveUp();
      unwatch();
      resolve();
    };
    const giveUp = rig.clock.at(rig.clock.now() + patience, finish);
    const unwatch = recorder.watch(() => {
      if (isOver()) finish();
    });
  });
};
