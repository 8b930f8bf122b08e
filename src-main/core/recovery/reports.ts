import type { BenchError, Result } from '../result.ts';
import type { Microseconds } from './phase.ts';

/** How bad the error is. `unknown` when neither AER nor the platform said so. */
export type Severity = 'correctable' | 'nonFatal' | 'fatal' | 'unknown';

/** One error as the platform reported it. */
export type ErrorRecord =
  | {
      /** From the device's AER capability (PCIe base spec 7.8.4), read while the kernel waits. */
      readonly source: 'aer';
      readonly name: string;
      readonly severity: Severity;
      /** The bit in Uncorrectable or Correctable Error Status. */
      readonly bit: number;
      readonly first: boolean;
    }
  | {
      /** One zpci_ccdf_err (32 bytes, big-endian) drained from device feature 13. Numbers as hexadecimal text. */
      readonly source: 'ccdf';
      readonly pec: number;
      readonly pecName: string;
      readonly fid: number;
      readonly functionHandle: number;
      readonly failingAddress: string;
      readonly raw: string;
      /** The first and the last address that the function may use for DMA. Journals of before do not say. */
      readonly aperture?: { readonly start: string; readonly end: string };
      /** The function's handle when the record was taken: with another one the record is of a former life of it. */
      readonly handleNow?: number;
    }
  | {
      /** The log of a frozen PE: the registers that the EEH core would dump (arch/powerpc/kernel/eeh.c). */
      readonly source: 'eeh';
      readonly text: string;
    };

export type QuiesceAction =
  'touchingStopped' | 'busMasterOff' | 'msixOff' | 'barsUnmapped' | 'transactionsDrained';

/**
 * What the bench did to an open device that changes its registers, in the order in which it was done; only what
 * succeeded. `write`: to config space, through VFIO. `msix`: SET_IRQS, with which the kernel writes MSI-X Control.
 */
export type DeviceAction =
  | { readonly kind: 'write'; readonly offset: number; readonly width: 1 | 2 | 4; readonly value: number }
  | { readonly kind: 'deviceReset' }
  | { readonly kind: 'msix'; readonly change: 'enabled' | 'disabled' };

export interface QuiesceReport {
  readonly succeeded: boolean;
  readonly actions: readonly {
    readonly action: QuiesceAction;
    readonly result: 'done' | 'notNeeded' | 'failed';
    readonly error?: BenchError;
  }[];
  /** Journals of before do not say. */
  readonly did?: readonly DeviceAction[];
}

/**
 * `device`: VFIO_DEVICE_RESET. `hot`: VFIO_DEVICE_PCI_HOT_RESET, every function of the slot or bus. `peHot` and
 * `peFundamental`: EEH PE resets.
 */
export const resetKinds = ['device', 'hot', 'peHot', 'peFundamental'] as const;
export type ResetKind = (typeof resetKinds)[number];

export interface ResetReport {
  readonly kind: ResetKind;
  readonly took: Microseconds;
  /** Addresses of all functions that the reset hit, this one included. */
  readonly affected: readonly string[];
}

export type EehOperation =
  | 'getState'
  | 'unfreezeIo'
  | 'readLog'
  | 'resetHot'
  | 'resetFundamental'
  | 'resetDeactivate'
  | 'configure'
  | 'unfreezeDma';

/** VFIO_EEH_PE_GET_STATE's answer (include/uapi/linux/vfio.h: VFIO_EEH_PE_STATE_*). */
export type EehPeState = 'normal' | 'reset' | 'stopped' | 'stoppedDma' | 'unavailable';

export interface EehReport {
  readonly state: EehPeState;
  readonly log?: string;
}

export interface ReinitialiseReport {
  readonly succeeded: boolean;
  /** In the order they were done: COMMAND, DEVICE_RESET, COMMAND, DevCtl, engine. */
  readonly steps: readonly {
    readonly step: string;
    readonly result: 'done' | 'notNeeded' | 'failed';
    readonly detail?: string;
    readonly error?: BenchError;
    /** Absent: nothing. */
    readonly did?: readonly DeviceAction[];
  }[];
  /** Of all steps together, in journals that do not say it of each; the oldest do not say it at all. */
  readonly did?: readonly DeviceAction[];
}

/**
 * What was tried to show that the device works again. All-ones reads and virtualised ids prove nothing; `notProven`
 * says honestly that the bench has no driver for this device and only its registers look right.
 */
export interface ProofReport {
  readonly verdict: 'proven' | 'notProven' | 'failed';
  readonly checks: readonly {
    readonly check: 'registers' | 'dma' | 'msix';
    readonly result: 'passed' | 'failed' | 'notTried';
    readonly detail: string;
  }[];
}

/** What the error reporting registers said when the bench looked. */
export interface Inspection {
  readonly severity: Severity;
  readonly errors: readonly ErrorRecord[];
}

/**
 * What whoever waits for the signals did by itself, as it was handed down (`automatic.ts`): looked at the error
 * registers, quiesced, and acked once that had succeeded.
 */
export interface AutomaticReport {
  /** When all of it was done, on the rig's clock. */
  readonly at: Microseconds;
  readonly inspection: Result<Inspection>;
  readonly quiesce: QuiesceReport;
  /** `withheld`: the device was not quiet, or it was too late for an ack; the kernel still waits. */
  readonly acknowledge:
    | { readonly kind: 'taken' }
    | { readonly kind: 'refused'; readonly error: BenchError }
    | { readonly kind: 'withheld' };
}
