import type { PciAddress } from '../core/pci/address.ts';
import { protocols, type Protocol } from '../core/recovery/phase.ts';
import { failure, type Result } from '../core/result.ts';
import type { HeldSession } from '../rigs/remote/protocol.ts';
import type { DeviceSession } from '../rigs/rig.ts';

interface Held {
  readonly session: DeviceSession;
  armed: Protocol | null;
}

/** The sessions that near ends have opened, by number. They belong to the agent: a lost link closes none. */
export class HeldSessions {
  readonly #held = new Map<number, Held>();
  #last = 0;

  add(session: DeviceSession): number {
    this.#last += 1;
    this.#held.set(this.#last, { session, armed: null });
    return this.#last;
  }

  get(number: number): Result<DeviceSession> {
    const held = this.#held.get(number);
    return held === undefined
      ? failure('sessionClosed', 'This session is closed; open the device again.')
      : { ok: true, value: held.session };
  }

  armed(number: number, protocol: string | null): void {
    const held = this.#held.get(number);
    if (held !== undefined) held.armed = protocols.find((known) => known === protocol) ?? null;
  }

  remove(number: number): void {
    this.#held.delete(number);
  }

  list(): readonly HeldSession[] {
    return [...this.#held].map(
      ([
        session,
        {
          session: { address },
          armed,
        },
      ]) => ({ session, address, armed }),
    );
  }

  /** In microseconds; 0 when nothing is open. */
  longestWait(): number {
    return Math.max(0, ...[...this.#held.values()].map(({ session }) => session.capabilities.ackTimeout));
  }

  /** The devices that did not let themselves be closed, each with the reason. */
  async closeAll(): Promise<ReadonlyMap<PciAddress, string>> {
    const failed = new Map<PciAddress, string>();
    const closing = [...this.#held].map(async ([number, { session }]) => {
      this.#held.delete(number);
      try {
        const closed = await session.close();
        if (!closed.ok) failed.set(session.address, closed.error.message);
      } catch (thrown) {
        failed.set(session.address, String(thrown));
      }
    });
    await Promise.all(closing);
    return failed;
  }
}
