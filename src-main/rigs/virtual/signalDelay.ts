import type { PciAddress } from '../../core/pci/address.ts';
import type { Microseconds } from '../../core/recovery/phase.ts';
import type { Disposer, RigClock, RigEvent } from '../rig.ts';

type Signal = Extract<RigEvent, { kind: 'signal' }>;

interface Held {
  readonly signal: Signal;
  readonly giveUp: Disposer;
}

/**
 * What a slow reader of an eventfd finds (observation 8): signals that come while it takes its time add up in the
 * counter, and are told as one, at the moment of the read.
 */
export class SignalDelay {
  readonly #clock: RigClock;
  readonly #tell: (event: RigEvent) => void;
  readonly #takes = new Map<PciAddress, Microseconds>();
  readonly #held = new Map<PciAddress, Held>();

  constructor(clock: RigClock, tell: (event: RigEvent) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** From now on the signals of this device are read so long after the first of them. */
  slow(address: PciAddress, takes: Microseconds): void {
    this.#takes.set(address, takes);
  }

  /** Tells an event, or keeps it until it is read. */
  hear(event: RigEvent): void {
    if (event.kind !== 'signal') return this.#tell(event);
    const { address } = event;
    const held = this.#held.get(address);
    const takes = this.#takes.get(address);
    if (held !== undefined) {
      const count = held.signal.count + event.count;
      this.#held.set(address, { ...held, signal: { ...event, count } });
    } else if (takes === undefined) {
      this.#tell(event);
    } else {
      const giveUp = this.#clock.at(event.at + takes, () => this.#read(address));
      this.#held.set(address, { signal: event, giveUp });
    }
  }

  end(): void {
    for (const { giveUp } of this.#held.values()) giveUp();
    this.#held.clear();
  }

  #read(address: PciAddress): void {
    const held = this.#held.get(address);
    this.#held.delete(address);
    if (held !== undefined) this.#tell({ ...held.signal, at: this.#clock.now() });
  }
}
