import type { GuestArchitecture } from '../virtual/guestArchitecture.ts';
import type { BenchParts } from '../virtual/image/imageStore.ts';

/** Where the bench has what rigs are opened with. */
export interface RigPlaces {
  /** The version of this bench. */
  readonly bench: string;
  /** The folder of the bench's package.json. */
  readonly root: string;
  /** The images of guests, and what they are made from. */
  readonly cache: string;
  /** What the bench itself puts into a guest. */
  readonly parts: Readonly<Record<GuestArchitecture, BenchParts>>;
  /** A configuration of ssh instead of the user's own; null: the user's. */
  readonly sshConfig: string | null;
}
