import type { RestoreStepName } from './steps.ts';

/**
 * Where a value comes from: the last of these to have written it.
 * - `openSnapshot`: a restore from the state that vfio saved when the device was opened;
 * - `lastSave`: a restore from the last `pci_save_state()`;
 * - `liveKernelState`: the kernel derived it from what it holds live (MSI-X, ATS, BAR sizes), or vfio put back a BAR;
 * - `policy`: derived again from a policy of the kernel (ACS);
 * - `hardwareReset`: what a reset left, or what is fixed in the hardware;
 * - `userSpace`: a write through VFIO;
 * - `unknown`: it is older than the recording, or the device itself writes it.
 */
export const provenances = [
  'openSnapshot',
  'lastSave',
  'liveKernelState',
  'policy',
  'hardwareReset',
  'userSpace',
  'unknown',
] as const;
export type Provenance = (typeof provenances)[number];

/**
 * - `proved`: of all sources in play only this one had the value;
 * - `inferred`: this one had the value and wrote last as the step table says, but what another had was never seen;
 * - `ambiguous`: several sources had this value; `candidates` names them;
 * - `open`: nothing that was recorded explains the value; no claim.
 */
export type Certainty = 'proved' | 'inferred' | 'ambiguous' | 'open';

/** One structured fact behind a finding; `event` is an index into the events of the history. */
export type AuditFact =
  | { readonly kind: 'fixed' }
  | { readonly kind: 'setByDevice' }
  /** Only VFIO's own view was read, in which VFIO makes these bytes up. */
  | { readonly kind: 'virtualised' }
  | { readonly kind: 'neverRead' }
  | {
      readonly kind: 'source';
      readonly source: Provenance;
      /** Null: from before the first event. */
      readonly event: number | null;
      /** The restore step that wrote it, or is said to by the table. */
      readonly step: RestoreStepName | null;
      /**
       * `had`: had the value that was read. `wrote`: what it had was never seen, but it was the last to write.
       * `unseen`: what it had was never seen, and another wrote after it. `other`: it had another value, so it is out.
       */
      readonly fit: 'had' | 'wrote' | 'unseen' | 'other';
      /** What this source had, in the bits in question, as far as known; null when never seen. */
      readonly value: number | null;
    }
  /** The value that no source in play had. */
  | { readonly kind: 'unexplained'; readonly value: number }
  /** A trace of the kernel saw the function of the step run. */
  | { readonly kind: 'traced'; readonly event: number; readonly function: string }
  /** `didNotRun`: a trace would have seen it. `unseen`: the trace cannot show it, so it may have run. */
  | { readonly kind: 'untraced'; readonly step: RestoreStepName; readonly because: 'didNotRun' | 'unseen' };

export interface Finding {
  readonly certainty: Certainty;
  /** Null unless `proved` or `inferred`. */
  readonly source: Provenance | null;
  /** The one source, or all that had the value; for `open` those that cannot be excluded. */
  readonly candidates: readonly Provenance[];
  readonly evidence: readonly AuditFact[];
}

export const finding = (
  certainty: Certainty,
  candidates: readonly Provenance[],
  evidence: readonly AuditFact[],
): Finding => ({
  certainty,
  source: certainty === 'proved' || certainty === 'inferred' ? (candidates[0] ?? null) : null,
  candidates,
  evidence,
});
