import type { FaultReceipt, FaultRequest } from '../core/faults/fault.ts';
import type { Result } from '../core/result.ts';

/**
 * Tells whether a fault arrived that somebody else causes: the monitor of a QEMU guest is on the host, and what its
 * kernel made of the fault is seen in the guest. Two calls, because the fault comes between them; all of it may cross a
 * wire.
 */
export interface FaultWitness {
  /**
   * Makes the error as severe as asked for, and notes how registers and counters stand. The answer is the number to
   * settle it by; an expectation that is never settled is forgotten with the next one of that device.
   */
  expectFault(request: FaultRequest): Promise<Result<number>>;
  /** Waits a bounded time for the fault to arrive, and says where it got lost when it does not. */
  settleFault(expectation: number): Promise<Result<FaultReceipt['delivery']>>;
}
