import { whatWasKnown } from '../../coordinator/known.ts';
import type { PciAddress } from '../../core/pci/address.ts';
import { success } from '../../core/result.ts';
import type { HeldRig } from '../heldRig.ts';
import { consequenceOf } from './consequences.ts';
import { namedDriver } from './drivers.ts';
import type { HandlersOf } from './handler.ts';
import { verdictOfDeed, type Asked } from './refusals.ts';
import { purposeOf, spendToken } from './tokens.ts';

/** What the console knows of the device at this moment; with an ack the same goes into the audit line. */
const knownOf = (held: HeldRig, device: PciAddress): Readonly<Record<string, unknown>> => {
  const state = held.coordinator.state(device);
  const session = held.coordinator.session(device);
  const listed = held.devices.devices.find(({ address }) => address === device);
  return {
    ...(state === null || session === null ? {} : whatWasKnown(state, state, session, held.rig.clock.now())),
    ...(session === null ? {} : { resetKinds: session.capabilities.resetKinds }),
    present: listed !== undefined,
    driver: listed?.driver ?? null,
  };
};

export const decisionCommands: HandlersOf<'confirmation' | 'inject' | 'acknowledge' | 'withdraw' | 'reset'> =
  {
    confirmation: async (
      { rig, device, action, fault, kind, driver: wanted, platform },
      { bench, caller },
    ) => {
      const found = bench.device(rig, device);
      if (!found.ok) return found;
      const held = found.value;
      const driver = wanted === undefined ? success(wanted) : namedDriver(held, device, wanted);
      if (!driver.ok) return driver;
      const asked: Asked = {
        ...{ action, device, fault: fault ?? null, kind: kind ?? null },
        ...{ driver: driver.value, platform: platform ?? null },
      };
      const { refusal, warnings } = await verdictOfDeed(held, asked);
      const state = held.coordinator.state(device);
      return success({
        token: bench.confirmations.issue(purposeOf(caller, held, action, device)),
        action,
        device,
        recovery: state === null || state.phase === 'armed' ? null : state.recovery.number,
        consequence: consequenceOf(asked, {
          state,
          session: held.coordinator.session(device),
          kernel: held.rig.info.kernel,
          warnings,
        }),
        known: knownOf(held, device),
        refusal: refusal?.message ?? null,
      });
    },

    inject: async ({ rig, device, token, injector, fault }, { bench, caller }) => {
      const held = bench.device(rig, device);
      if (!held.ok) return held;
      const confirmed = spendToken(bench, caller, held.value, { token, action: 'inject', device });
      return confirmed.ok ? held.value.coordinator.inject(device, fault, injector) : confirmed;
    },

    acknowledge: async ({ rig, device, token, operator, reason }, { bench, caller }) => {
      const held = bench.device(rig, device);
      if (!held.ok) return held;
      const confirmed = spendToken(bench, caller, held.value, { token, action: 'acknowledge', device });
      return confirmed.ok ? held.value.coordinator.acknowledge(device, { operator, reason }) : confirmed;
    },

    withdraw: async ({ rig, device, token, operator, reason }, { bench, caller }) => {
      const held = bench.device(rig, device);
      if (!held.ok) return held;
      const confirmed = spendToken(bench, caller, held.value, { token, action: 'withdraw', device });
      return confirmed.ok ? held.value.coordinator.withdraw(device, { operator, reason }) : confirmed;
    },

    reset: async ({ rig, device, token, operator, reason, kind }, { bench, caller }) => {
      const held = bench.device(rig, device);
      if (!held.ok) return held;
      const confirmed = spendToken(bench, caller, held.value, { token, action: 'reset', device });
      return confirmed.ok ? held.value.coordinator.reset(device, kind, { operator, reason }) : confirmed;
    },
  };
