import type { Protocol } from '../../../src-main/core/recovery/phase.ts';
import {
  timeoutActionLead,
  type Decision,
  type Policy,
  type TimeoutAction,
} from '../../../src-main/core/recovery/policy.ts';

export interface Choice<Value> {
  readonly value: Value;
  readonly label: string;
  /** What follows when it is taken, for this protocol. */
  readonly consequence: string;
}

/** The kernel's clock runs only with `notify`; with the others the only clock is the bench's patience. */
export const kernelWaits = (protocol: Protocol): boolean => protocol === 'notify';

/** What user space decides on: an ack, or the reset itself. */
const goOn = (protocol: Protocol): string => (kernelWaits(protocol) ? 'ack' : 'reset');

export const decisionChoices = (protocol: Protocol): readonly Choice<Decision>[] => {
  const waits = kernelWaits(protocol);
  return [
    {
      value: 'askPerson',
      label: 'Ask a person',
      consequence: waits
        ? 'The kernel holds the device until somebody acknowledges with a reason, or until its time is over. Under one switch, errors of other devices are reported late meanwhile.'
        : 'The device stays as the error left it until somebody decides on the reset, or until the patience is over.',
    },
    {
      value: 'ackWhenQuiesced',
      label: waits ? 'Acknowledge once it is quiet' : 'Reset once it is quiet',
      consequence: waits
        ? 'As soon as bus master, MSI-X and BARs are off, the bench acks, and the kernel resets every function of the slot. If quiescing fails, a person is asked.'
        : 'As soon as the device is quiet the bench drives the reset (VFIO_DEVICE_RESET, or the PE’s). If quiescing fails, a person is asked.',
    },
    {
      value: 'neverAck',
      label: waits ? 'Never acknowledge' : 'Never reset',
      consequence: waits
        ? 'The bench sends no ack by itself, and the wait runs out with what is declared below; a person can still send one. It shows what the kernel does alone.'
        : 'The bench drives no reset by itself, and the patience runs out with what is declared below; a person still can.',
    },
  ];
};

export const timeoutChoices = (protocol: Protocol): readonly Choice<TimeoutAction>[] => {
  const waits = kernelWaits(protocol);
  return [
    {
      value: 'letExpire',
      label: 'Let it run out',
      consequence: waits
        ? 'The kernel goes on with CAN_RECOVER. After a fatal error it resets the bus all the same and no second signal comes: BARs, COMMAND and DevCtl are zero and nobody says so.'
        : 'The recovery ends as timed out, and the device stays as the error left it.',
    },
    {
      value: 'withdraw',
      label: 'Withdraw',
      consequence: waits
        ? 'The eventfd is removed shortly before the end. The kernel still waits out its time and then goes on with CAN_RECOVER; further errors are not heard until the device is armed again.'
        : 'The eventfd is removed. The device stays as the error left it, and further errors are not heard until it is armed again.',
    },
    {
      value: 'acknowledge',
      label: waits ? 'Acknowledge' : 'Reset',
      consequence: waits
        ? 'The bench acks without a person, if the device is quiet by then. The kernel resets every function of the slot, and the journal names the policy as the one who approved.'
        : 'The bench drives the reset without a person, if the device is quiet by then.',
    },
  ];
};

export const afterResetChoices: readonly Choice<Policy['afterReset']>[] = [
  {
    value: 'reinitialise',
    label: 'Bring the device back',
    consequence:
      'COMMAND, DEVICE_RESET, COMMAND, DevCtl, then the device itself, and a proof by DMA and an interrupt. It is the order that works on every kernel measured.',
  },
  {
    value: 'wait',
    label: 'Wait for a person',
    consequence:
      'The device stays as the reset left it, with BARs and DevCtl of zero, so that it can be looked at. After the patience the recovery ends as failed.',
  },
];

const inSeconds = (microseconds: number): string => `${Number((microseconds / 1_000_000).toFixed(1))} s`;

/** When the declared action is taken, in words. */
export const timeoutMoment = (policy: Policy, protocol: Protocol, ackTimeout: number | null): string => {
  if (policy.onTimeout === 'letExpire') return '';
  if (!kernelWaits(protocol)) {
    return `Taken ${inSeconds(timeoutActionLead(policy.patience))} before the patience is over.`;
  }
  return ackTimeout === null
    ? 'Taken shortly before the kernel’s time is over, early enough to arrive.'
    : `Taken ${inSeconds(timeoutActionLead(ackTimeout))} before the kernel’s ${inSeconds(ackTimeout)} are over, early enough to arrive.`;
};

/** What patience is for with this protocol. */
export const patienceConsequence = (protocol: Protocol): string =>
  kernelWaits(protocol)
    ? 'The kernel’s own clock rules until the ack. Patience is how long the bench waits after the reset for the device to be brought back.'
    : `No kernel clock runs. Patience is how long the bench waits for the decision on the ${goOn(protocol)}, and after it for the device to be brought back.`;
