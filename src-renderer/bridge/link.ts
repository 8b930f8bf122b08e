import type { Bridge } from '../../preload/contract/bridge.ts';

/** `waiting`: not there yet or lost, and tried again. Calls answer `linkLost` meanwhile. */
export type LinkState = 'waiting' | 'open';

/** The bridge and how it is. In Electron the link is open as long as the page lives. */
export interface Link {
  readonly bridge: Bridge;
  readonly state: () => LinkState;
  /** The disposer ends the subscription. */
  readonly onState: (listener: (state: LinkState) => void) => () => void;
  readonly close: () => void;
}
