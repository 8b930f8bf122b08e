import type { SnapshotView } from '../journal/line.ts';
import type { Microseconds, Protocol } from '../recovery/phase.ts';
import type { BenchError } from '../result.ts';
import type { StepVisibility } from '../kernelTrace/stepsSeen.ts';
import type { ModelledKernel } from './kernelVersion.ts';
import type { RestoreStepName } from './steps.ts';

/**
 * What the kernel restores by itself after a recovery has reset the device, before user space does anything.
 * - `nothing`: a stock vfio-pci, and the RFC of 2026-06-09 as posted (observation 3);
 * - `lastSave`: slot_reset calls `pci_restore_state()` alone;
 * - `openSnapshot`: slot_reset loads vfio's open-time snapshot first (observation 16);
 * - `resetDone`: the callback of "[PATCH v18 3/4] vfio/pci: Add a reset_done callback": nothing in slot_reset, but after
 *   every function reset the open-time snapshot is loaded and restored on top of what the reset itself restored;
 * - `unknown`: the driver does not say.
 */
export const restorePolicies = ['nothing', 'lastSave', 'openSnapshot', 'resetDone', 'unknown'] as const;
export type RestorePolicy = (typeof restorePolicies)[number];

/** Why the bench wrote a register. */
export type WritePurpose = 'quiesce' | 'reinitialise' | 'marking' | 'program';

/** What the live `struct pci_dev` holds enabled or disabled, and no save buffer. */
export const kernelFeatures = [
  'msi',
  'msix',
  'tph',
  'ats',
  'pri',
  'pasid',
  'sriov',
  'resizableBar',
  'vfResizableBar',
] as const;
export type KernelFeature = (typeof kernelFeatures)[number];

/**
 * `refused`: it could not be read, and this is the rig's error. `damaged`: it was read, and what the journal kept of it is
 * not whole, which says nothing of the device.
 */
export type Unread = { readonly kind: 'refused'; readonly error: BenchError } | { readonly kind: 'damaged' };

/** One thing that happened to a device, in the order of `at`. Only what succeeded: a write that failed wrote nothing. */
export type RestoreEvent = { readonly at: Microseconds } & (
  | {
      readonly kind: 'reading';
      /** As a `snapshot` line names it; `momentOf()` takes it apart. */
      readonly moment: string;
      readonly view: SnapshotView;
      /** Null: there are no bytes. */
      readonly config: Uint8Array | null;
      /** Why there are none, where that was kept. */
      readonly unread?: Unread;
    }
  /** vfio_pci_core_enable(): resets, saves, and keeps that save as the open-time snapshot. */
  | { readonly kind: 'opened' }
  /** A write of the bench to config space, through VFIO. */
  | {
      readonly kind: 'ownWrite';
      readonly offset: number;
      readonly width: 1 | 2 | 4;
      readonly value: number;
      readonly purpose: WritePurpose;
    }
  /** VFIO_DEVICE_RESET (`function`) or VFIO_DEVICE_PCI_HOT_RESET (`slot`): the kernel saves, resets and restores. */
  | { readonly kind: 'deviceReset'; readonly reach: 'function' | 'slot' }
  /** Event 2, or the end of a recovery that resets. `certain`: known to have reset; event 2 alone is no proof of it. */
  | { readonly kind: 'recoveryReset'; readonly proof: 'certain' | 'possible' }
  /** SET_IRQS and the like: the kernel wrote the registers of this feature itself. */
  | {
      readonly kind: 'kernelFeature';
      readonly feature: KernelFeature;
      readonly change: 'enabled' | 'disabled';
    }
  /** A BAR was mapped or unmapped in user space. */
  | { readonly kind: 'mapping'; readonly change: 'mapped' | 'unmapped' }
  /**
   * A function of the kernel that a trace saw run for this device; `at` is when it began. A restore step goes by the name
   * of the step. `by`: the kernel's error recovery called it, or a reset (VFIO_DEVICE_RESET, an opening).
   */
  | {
      readonly kind: 'traced';
      readonly function: string;
      readonly took?: Microseconds;
      readonly by?: 'recovery' | 'reset' | 'unknown';
    }
  /** What happened between is left out: of what was known before only the open-time snapshot still is. */
  | { readonly kind: 'gap' }
);

export type EventOf<Kind extends RestoreEvent['kind']> = Extract<RestoreEvent, { kind: Kind }>;

/** What a trace of the kernel can show of this device; of what it cannot show nothing follows from silence. */
export interface TraceSight {
  readonly steps: ReadonlyMap<RestoreStepName, StepVisibility>;
  /** `tracedName`s of the functions that are told when they run. */
  readonly functions: ReadonlySet<string>;
  /** No record was lost, and each says for which device. */
  readonly whole: boolean;
  /** When the last callback or recovery of which the trace told was over: all that came before has been told. */
  readonly heard: Microseconds;
}

/** All that is known of one device from its opening, or from the first reading, to the end of one recovery. */
export interface RestoreHistory {
  readonly kernel: ModelledKernel;
  readonly platform: 'aer' | 'zpci' | 'eeh';
  readonly protocol: Protocol | null;
  readonly policy: RestorePolicy;
  readonly events: readonly RestoreEvent[];
  /**
   * Index of the first event of the recovery that is audited. What comes before counts as evidence; of its readings only
   * those of the opening and of the last arming are shown. Absent: all of it is.
   */
  readonly focus?: number;
  /** Absent: the kernel was not traced, or nobody said so. */
  readonly trace?: TraceSight;
}
