import type { KernelFeature } from './history.ts';
import type { KnownImage } from './knownImage.ts';
import type { Gates } from './liveGates.ts';

/** `possible`: it may not have happened at all. `certain`: the bench did it itself. */
export type Strength = 'possible' | 'inferred' | 'certain';

/** One reading, or one thing that may have written registers. `event` is an index into the events of the history. */
export type Entry = { readonly event: number } & (
  | { readonly kind: 'reading'; readonly config: Uint8Array; readonly readable: number }
  | {
      readonly kind: 'write';
      readonly offset: number;
      readonly width: number;
      readonly value: number;
      /** Whether the hardware's INTx Disable followed the one that was written; null: it did not. */
      readonly intxDisable: Strength | null;
    }
  | { readonly kind: 'reset'; readonly reach: 'function' | 'slot'; readonly strength: Strength }
  | {
      readonly kind: 'restore';
      readonly source: 'lastSave' | 'openSnapshot';
      readonly strength: Strength;
      readonly saved: KnownImage;
      readonly live: KnownImage;
      readonly gates: Gates;
    }
  | {
      readonly kind: 'feature';
      readonly feature: KernelFeature;
      readonly change: 'enabled' | 'disabled';
      readonly bases: readonly number[];
      /** Whether pci_intx() set INTx Disable in COMMAND as well; null: it may have. */
      readonly setIntxDisable: boolean | null;
    }
  /** vfio_bar_restore(), which a write of COMMAND sets off. */
  | { readonly kind: 'baseAddresses'; readonly strength: Strength; readonly live: KnownImage }
  /** Nothing from before can be the source of a value any more. */
  | { readonly kind: 'gap' }
);
