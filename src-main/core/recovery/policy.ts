import { failure, success, type Result } from '../result.ts';
import { milliseconds, seconds, type Microseconds, type Protocol } from './phase.ts';

/**
 * Who decides that the recovery goes on. With `notify` the decision is the ack; with the protocols that user space
 * drives it is the reset.
 */
export const decisions = ['askPerson', 'ackWhenQuiesced', 'neverAck'] as const;
export type Decision = (typeof decisions)[number];

/** What happens when nobody decides in time. It is declared beforehand and shown with the countdown. */
export const timeoutActions = ['letExpire', 'withdraw', 'acknowledge'] as const;
export type TimeoutAction = (typeof timeoutActions)[number];

export interface Policy {
  readonly decision: Decision;
  readonly onTimeout: TimeoutAction;
  /** What follows a reset: the bench brings the device back, or waits for a person (or a scenario) to say so. */
  readonly afterReset: 'reinitialise' | 'wait';
  /** For protocols without a kernel clock: how long the bench waits for a person before it gives up. */
  readonly patience: Microseconds;
}

export const defaultPolicy: Policy = {
  decision: 'askPerson',
  onTimeout: 'letExpire',
  afterReset: 'reinitialise',
  patience: seconds(600),
};

/** A policy that contradicts itself is refused before it is used. */
export const checkPolicy = (policy: Policy): Result<Policy> => {
  if (policy.decision === 'neverAck' && policy.onTimeout === 'acknowledge') {
    return failure(
      'malformedInput',
      'The policy says never to ack and to ack when time runs out; choose "letExpire" or "withdraw" for the time-out.',
    );
  }
  if (!(Number.isSafeInteger(policy.patience) && policy.patience > 0)) {
    return failure('malformedInput', 'The patience of a policy is a positive number of microseconds.');
  }
  return success(policy);
};

/** What one arming knows about its kernel and device; it does not change while armed. */
export interface Arming {
  readonly protocol: Protocol;
  readonly policy: Policy;
  /** The kernel's own wait, 60 s in the RFC; a module parameter in vfio-pci-notify. */
  readonly ackTimeout: Microseconds;
  /** Whether uevents can be seen here: then "recovered" also needs the kernel's SUCCESSFUL_RECOVERY. */
  readonly uevents: 'observable' | 'unobservable';
  /** Other functions that the kernel notifies one after the other in the same recovery (observation 12). */
  readonly sharers: number;
}

/**
 * The bench's clock starts at the signal, the kernel's a little earlier in error_detected, and an ack takes time to
 * arrive. An ack that arrives late "succeeds" and may be taken for the next error (observation 8), so none is sent
 * in the last moments of a wait.
 */
export const ackGuard = (ackTimeout: Microseconds): Microseconds =>
  Math.min(milliseconds(500), Math.floor(ackTimeout / 20));

/** When the declared time-out action is taken: early enough to arrive before the kernel's clock runs out. */
export const timeoutActionLead = (ackTimeout: Microseconds): Microseconds =>
  Math.max(ackGuard(ackTimeout) * 2, Math.min(seconds(5), Math.floor(ackTimeout / 10)));

/** From here on the countdown warns. */
export const ackWarning = seconds(10);
