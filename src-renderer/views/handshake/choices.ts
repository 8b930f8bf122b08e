import type { Protocol } from '../../../src-main/core/recovery/phase.ts';
import {
  isAcknowledging,
  isOpen,
  openDecision,
  openWait,
  type OpenState,
  type RecoveryState,
} from '../../../src-main/core/recovery/state.ts';
import { timeoutActionDue } from '../../../src-main/core/recovery/waiting.ts';
import { relativeSeconds } from '../../../src-main/core/timeline/sequence.ts';

/** A way the recovery can go on from here, and what comes of it. */
export interface Choice {
  readonly title: string;
  readonly consequence: string;
  /** `main`: what a recovery is for. `happening`: nobody has to choose any more. */
  readonly kind: 'main' | 'other' | 'happening';
}

const slot = (sharers: readonly string[]): string =>
  sharers.length === 0 ? 'the slot' : `the slot, and with it ${sharers.join(', ')}`;

const waited = (state: OpenState): string => {
  const took = (state.deadline - state.recovery.openedAt) / 1_000_000;
  return `${Number.isInteger(took) ? took : took.toFixed(1)} s`;
};

const byPolicy = (state: OpenState): Choice | null => {
  if (!('exchange' in state)) return null;
  const due = timeoutActionDue(state);
  if (due === null) return null;
  const { protocol, policy } = state.arming;
  const deed =
    policy.onTimeout === 'withdraw'
      ? 'withdraws'
      : protocol === 'notify'
        ? 'acknowledges'
        : 'resets the device';
  return {
    title: 'Decide nothing',
    consequence: `The policy ${deed} at ${relativeSeconds(due, state.recovery.openedAt)} s, before the time runs out.`,
    kind: 'other',
  };
};

const whileWaiting = (state: OpenState, sharers: readonly string[]): readonly Choice[] => {
  const fatal = state.recovery.severity === 'fatal';
  const expire = fatal
    ? `CAN_RECOVER after ${waited(state)}; a fatal error is reset anyway and no second signal comes.`
    : `CAN_RECOVER after ${waited(state)}; the device is not reset and no second signal comes.`;
  return [
    {
      title: 'Acknowledge',
      consequence: `NEED_RESET: the kernel resets ${slot(sharers)}. A second signal says that slot_reset ran.`,
      kind: 'main',
    },
    byPolicy(state) ?? { title: 'Let it expire', consequence: expire, kind: 'other' },
    {
      title: 'Withdraw',
      consequence: 'The eventfd is removed; the kernel still waits out its time.',
      kind: 'other',
    },
  ];
};

const resetConsequence: Readonly<Record<Exclude<Protocol, 'notify'>, string>> = {
  legacy:
    'VFIO_DEVICE_RESET once the kernel’s own recovery has ended; then the device is brought back and proven.',
  mediated:
    'VFIO_DEVICE_RESET, again while it answers EAGAIN; then bus master, DMA and MSI-X are brought back and proven.',
  eeh: 'The PE is reset, configured and thawed, with every function in it; then the device is brought back and proven.',
};

const leaveConsequence: Readonly<Record<Exclude<Protocol, 'notify'>, string>> = {
  legacy:
    'The kernel has gone on already; after a fatal error it resets the bus under the device. The bench gives up at its deadline.',
  mediated: 'The kernel does nothing more: the function stays in the error state until somebody resets it.',
  eeh: 'The PE stays frozen and reads as ones until somebody resets it.',
};

const whileDeciding = (state: OpenState): readonly Choice[] => {
  const { protocol } = state.arming;
  if (protocol === 'notify') return [];
  const skip: Choice = {
    title: 'Reinitialise',
    consequence:
      'Without a reset of your own: the registers are put back as they are, and the device has to prove itself.',
    kind: 'other',
  };
  return [
    { title: 'Reset', consequence: resetConsequence[protocol], kind: 'main' },
    ...(protocol === 'legacy' ? [skip] : []),
    byPolicy(state) ?? { title: 'Let it be', consequence: leaveConsequence[protocol], kind: 'other' },
    {
      title: 'Withdraw',
      consequence:
        'The eventfd is removed; the device stays as the error left it, and further errors are not heard.',
      kind: 'other',
    },
  ];
};

const happening = (title: string, consequence: string): readonly Choice[] => [
  { title, consequence, kind: 'happening' },
];

/** What can happen next in this state, best first; after an outcome nothing is open. */
export const choicesOf = (state: RecoveryState, sharers: readonly string[]): readonly Choice[] => {
  if (!isOpen(state)) return [];
  if ('exchange' in state && isAcknowledging(state)) {
    return happening('The ack is on its way', 'Once the kernel has taken it, the slot is reset.');
  }
  if ('exchange' in state && state.exchange.kind === 'withdrawing') {
    return happening('The eventfd is being removed', 'The kernel is told nothing; it waits out its time.');
  }
  if (openWait(state) !== null) return whileWaiting(state, sharers);
  if (openDecision(state) === 'reset') return whileDeciding(state);
  switch (state.phase) {
    case 'errorDetected':
      return happening('The errors are read', 'Quiescing follows by itself; then you decide on the reset.');
    case 'quiescing':
      return happening('The device is being quiesced', 'Once it is quiet, you decide on the reset.');
    case 'resetting':
      return state.activity.by === 'kernel'
        ? happening(
            'The kernel resets the slot',
            'It signals once more when slot_reset ran; no other reset may come between.',
          )
        : happening('The reset is under way', 'EAGAIN is tried again; then the device is brought back.');
    case 'slotReset':
      return state.reinitialiseAt === null
        ? [
            {
              title: 'Reinitialise',
              consequence: 'COMMAND, DEVICE_RESET, COMMAND, DevCtl, set-up; then DMA and MSI-X have to work.',
              kind: 'main',
            },
            {
              title: 'Let it be',
              consequence:
                'The registers stay at zero; at its deadline the bench calls the recovery timed out.',
              kind: 'other',
            },
          ]
        : happening(
            'The device is brought back',
            'COMMAND, DEVICE_RESET, COMMAND, DevCtl, set-up, then the proof.',
          );
    case 'reinitialising':
      return state.activity === 'kernelWord'
        ? happening(
            'The kernel’s word is awaited',
            'The device works; SUCCESSFUL_RECOVERY makes it recovered.',
          )
        : happening(
            'The device is brought back',
            'The registers are put back; then DMA and MSI-X have to work.',
          );
    case 'awaitingAck':
      return [];
  }
};
