/**
 * How kernel and user space agree on a recovery.
 * - `notify`: VFIO_PCI_ERR_NOTIFY_IRQ_INDEX (5); the kernel waits for an ack (Keith Busch, 2026-06-09).
 * - `legacy`: VFIO_PCI_ERR_IRQ_INDEX (3); the kernel does not wait, user space drives the reset.
 * - `mediated`: s390x, index 3 and device feature 13; the kernel stops and leaves the recovery to user space.
 * - `eeh`: powerpc, VFIO_EEH_PE_OP; the PE is frozen until user space resets and configures it.
 */
export const protocols = ['notify', 'legacy', 'mediated', 'eeh'] as const;
export type Protocol = (typeof protocols)[number];

/** Phases of an open recovery, in the order a full recovery passes them; a protocol skips what it lacks. */
export const openPhases = [
  'errorDetected',
  'quiescing',
  'awaitingAck',
  'resetting',
  'slotReset',
  'reinitialising',
] as const;
export type OpenPhase = (typeof openPhases)[number];

export const outcomes = ['recovered', 'failed', 'timedOut', 'withdrawn', 'deviceLost'] as const;
export type Outcome = (typeof outcomes)[number];

export const phases = ['armed', ...openPhases, ...outcomes] as const;
export type Phase = (typeof phases)[number];

export const isOutcome = (phase: Phase): phase is Outcome => (outcomes as readonly Phase[]).includes(phase);
export const isOpenPhase = (phase: Phase): phase is OpenPhase =>
  (openPhases as readonly Phase[]).includes(phase);

/** Microseconds on the rig's monotonic clock. Integers, exact up to 285 years. */
export type Microseconds = number;

export const milliseconds = (count: number): Microseconds => Math.round(count * 1_000);
export const seconds = (count: number): Microseconds => Math.round(count * 1_000_000);
