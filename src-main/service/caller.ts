import type { Seat } from './operatorDesk.ts';
import type { Outbox } from './outbox.ts';

/** Who sends a command, and where what happens is told to them. */
export interface Caller {
  readonly seat: Seat;
  readonly outbox: Outbox;
}
