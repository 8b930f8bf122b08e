import type { JournalLine } from '../../src-main/core/journal/line.ts';
import type { ArmedView, DeviceView, OpeningView, OperatorView, RigView, ScenarioProgress } from './views.ts';

/** What changed. Numbers are contiguous for one viewer; a gap means that a new snapshot is needed. */
export type ConsoleDelta = { readonly number: number } & (
  | { readonly kind: 'line'; readonly rig: string; readonly line: JournalLine }
  /** Why the rig cannot be used any more, such as a journal that cannot be written. */
  | { readonly kind: 'trouble'; readonly rig: string; readonly trouble: string | null }
  | { readonly kind: 'link'; readonly rig: string; readonly link: RigView['link'] }
  /** A rig is being opened, has come further, or could not be opened. */
  | { readonly kind: 'opening'; readonly opening: OpeningView }
  /** It is open (and was added just before), was given up, or its failure has been read. */
  | { readonly kind: 'openingEnded'; readonly id: string }
  | { readonly kind: 'rigAdded'; readonly rig: RigView }
  | { readonly kind: 'rigRemoved'; readonly rig: string }
  | { readonly kind: 'devices'; readonly rig: string; readonly devices: readonly DeviceView[] }
  /** Follows the `armed` line: what the line does not say, such as who shares the reset. */
  | { readonly kind: 'armed'; readonly rig: string; readonly armed: ArmedView }
  | { readonly kind: 'scenario'; readonly rig: string; readonly progress: ScenarioProgress | null }
  | { readonly kind: 'kernelWatched'; readonly kernelWatched: boolean }
  | { readonly kind: 'operator'; readonly operator: OperatorView }
);

/** Deltas travel in batches, so that a storm of events is a few messages. */
export type DeltaBatch = readonly ConsoleDelta[];
