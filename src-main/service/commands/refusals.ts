import { attempt } from '../../coordinator/attempt.ts';
import { missingCase } from '../../core/exhaustive.ts';
import { preflight } from '../../core/faults/preflight.ts';
import type { Fault, FaultTarget } from '../../core/faults/fault.ts';
import type { PciAddress } from '../../core/pci/address.ts';
import { refusalOf } from '../../core/recovery/refusal.ts';
import type { ResetKind } from '../../core/recovery/reports.ts';
import { failure, type BenchError } from '../../core/result.ts';
import type { PlatformAction } from '../../core/zpci/platformActions.ts';
import type { ConfirmedAction } from '../../../preload/contract/views.ts';
import type { HeldRig } from '../heldRig.ts';
import { driverVerdict } from './drivers.ts';
import { platformVerdict } from './platform.ts';

/** What is going to be asked for, as far as the card knows it already. */
export interface Asked {
  readonly action: ConfirmedAction;
  readonly device: PciAddress;
  readonly fault: Fault | null;
  readonly kind: ResetKind | null;
  /** By its name; undefined: not chosen yet. */
  readonly driver: string | null | undefined;
  readonly platform: PlatformAction | null;
}

const refuse = (...args: Parameters<typeof failure>): BenchError => failure(...args).error;

/** While no fault has been chosen, only what would be refused for any of them. */
const faultRefusal = (held: HeldRig, target: FaultTarget, fault: Fault | null): BenchError | null => {
  const wait = held.waitsFor(target.address) ? 'waitOpen' : 'noWait';
  const of = (one: Fault): BenchError | null =>
    preflight({ address: target.address, injector: 'simulated', fault: one }, target, wait);
  if (fault !== null) return of(fault);
  const unplug = of({ kind: 'unplug' });
  return unplug === null ? null : of({ kind: 'loopback' });
};

/** What would become of the deed now. Nothing is recorded and nothing is done. */
export interface DeedVerdict {
  /** Null when it would be tried. */
  readonly refusal: BenchError | null;
  /** What is allowed and should be known. */
  readonly warnings: readonly string[];
}

export const verdictOfDeed = async (held: HeldRig, asked: Asked): Promise<DeedVerdict> => {
  const trouble = held.recorder.trouble ?? held.coordinator.linkLost;
  if (trouble !== null) return { refusal: trouble, warnings: [] };
  if (asked.action === 'unbind') return driverVerdict(held, asked.device, asked.driver);
  return { refusal: await refusalOfDeed(held, asked.action, asked), warnings: [] };
};

const refusalOfDeed = async (
  held: HeldRig,
  action: Exclude<ConfirmedAction, 'unbind'>,
  asked: Asked,
): Promise<BenchError | null> => {
  const { device } = asked;
  const { coordinator, rig } = held;
  const state = coordinator.state(device);
  const at = rig.clock.now();
  const approval = { operator: '', reason: '', by: 'person' } as const;
  switch (action) {
    case 'inject': {
      const target = await attempt('faultTarget', () => rig.faultTarget(device));
      return target.ok ? faultRefusal(held, target.value, asked.fault) : target.error;
    }
    case 'acknowledge':
      if (state === null) return refuse('notArmed', `${device} is not armed.`);
      return refusalOf(state, { kind: 'acknowledgeRequested', at, approval });
    case 'withdraw':
      if (state === null) return refuse('notArmed', `${device} is not armed.`);
      return refusalOf(state, { kind: 'withdrawRequested', at, approval });
    case 'platform':
      return platformVerdict(held, device, asked.platform);
    case 'mark':
      return coordinator.markingRefusal(device);
    case 'reset': {
      const session = coordinator.session(device);
      if (session === null) return refuse('sessionClosed', `${device} is not open; arm it first.`);
      const resetKind = asked.kind ?? session.capabilities.resetKinds[0] ?? 'device';
      return state === null ? null : refusalOf(state, { kind: 'resetRequested', at, resetKind, approval });
    }
    default:
      return missingCase(action);
  }
};
