import { randomBytes } from 'node:crypto';
import type { ConfirmedAction } from '../../preload/contract/views.ts';
import { done, failure, type Result } from '../core/result.ts';
import type { Seat } from './operatorDesk.ts';

/** What a token is good for. `recovery` tells one recovery from another, of another arming too. */
export interface Purpose {
  readonly seat: Seat;
  readonly action: ConfirmedAction | 'runCommand';
  readonly rig: string;
  /** The device's address, or the command line that is going to be run. */
  readonly device: string;
  readonly recovery: string;
}

interface Issued {
  readonly purpose: Purpose;
  readonly expires: number;
}

/** In milliseconds. */
const lifetime = 600_000;
/** More cards than one viewer can have open; the oldest make room. */
const kept = 1_000;

const matches = (one: Purpose, other: Purpose): boolean =>
  one.seat === other.seat &&
  one.action === other.action &&
  one.rig === other.rig &&
  one.device === other.device &&
  one.recovery === other.recovery;

export const randomToken = (): string => randomBytes(18).toString('base64url');

/**
 * Tokens of the cards that are open. A token is spent when it is used for what it was made for; tried for anything else
 * or by anybody else it does nothing, and stays good for its own purpose.
 */
export class Confirmations {
  readonly #issued = new Map<string, Issued>();
  readonly #now: () => number;
  readonly #random: () => string;

  constructor(now: () => number, random: () => string = randomToken) {
    this.#now = now;
    this.#random = random;
  }

  issue(purpose: Purpose): string {
    for (const token of this.#issued.keys()) {
      if (this.#issued.size < kept) break;
      this.#issued.delete(token);
    }
    const token = this.#random();
    this.#issued.set(token, { purpose, expires: this.#now() + lifetime });
    return token;
  }

  spend(token: string, purpose: Purpose): Result<void> {
    const issued = this.#issued.get(token);
    if (issued !== undefined && matches(issued.purpose, purpose) && this.#now() < issued.expires) {
      this.#issued.delete(token);
      return done;
    }
    return failure(
      'confirmationInvalid',
      issued !== undefined && issued.purpose.recovery !== purpose.recovery
        ? `The confirmation was for another recovery of ${purpose.device}; look at what there is now and confirm that.`
        : 'This confirmation is used up, too old, or was made for something else; open the card again and confirm.',
    );
  }

  /** Who has gone confirms nothing any more. */
  forget(seat: Seat): void {
    for (const [token, { purpose }] of this.#issued) {
      if (purpose.seat === seat) this.#issued.delete(token);
    }
  }
}
