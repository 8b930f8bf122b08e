import type { DeltaBatch } from '../../preload/contract/deltas.ts';
import type { CommandName } from '../../preload/contract/names.ts';
import { done, failure, type Result } from '../core/result.ts';
import { topologies } from '../rigs/simulated/hardware/topologies.ts';
import { defaultProfile, profiles } from '../rigs/simulated/kernel/profile.ts';
import { Bench, type ServiceOptions } from './bench.ts';
import type { Caller } from './caller.ts';
import { simulatedWish } from './commands/wishes.ts';
import { execute } from './execute.ts';
import type { Viewer } from './operatorDesk.ts';
import { Outbox } from './outbox.ts';
import type { OpenWait } from './waits.ts';

export type { OpenWait, ServiceOptions, Viewer };

/** One viewer's line to the bench, over whichever transport. */
export interface ServiceConnection {
  /** Parses, checks the role, runs; always a Result, never throws. The sender was checked by the transport. */
  execute(name: CommandName, input: unknown): Promise<Result<unknown>>;
  /** Batches, numbers contiguous for this connection. Subscribe before the first `snapshot`, or nothing is kept. */
  onDeltas(listener: (batch: DeltaBatch) => void): () => void;
  close(): void;
}

/** The console behind its doors: the commands of the contract over the rigs in use, and what happens as deltas. */
export class BenchService {
  readonly #bench: Bench;
  #closing: Promise<void> | null = null;

  constructor(options: ServiceOptions) {
    this.#bench = new Bench(options);
  }

  /** Adds the simulated rig that a console begins with. It fails when its run cannot be recorded. */
  async start(): Promise<Result<void>> {
    const added = await this.#bench.add({
      wish: simulatedWish(this.#bench, {
        profile: profiles[defaultProfile],
        topology: topologies.lab,
        seed: 1,
        ackTimeout: null,
      }),
      scenario: null,
    });
    return added.ok ? done : added;
  }

  connect(viewer: Viewer): ServiceConnection {
    const bench = this.#bench;
    const outbox = new Outbox();
    const seat = bench.operator.join(viewer);
    const caller: Caller = { seat, outbox };
    bench.callers.add(caller);
    let open = true;
    return {
      execute: async (name, input) =>
        open
          ? execute(name, input, { bench, caller })
          : failure('linkLost', 'This connection is closed; connect again.'),
      onDeltas: (listener) => outbox.listen(listener),
      close: () => {
        if (!open) return;
        open = false;
        bench.callers.delete(caller);
        outbox.close();
        bench.confirmations.forget(seat);
        bench.operator.leave(seat);
      },
    };
  }

  /** Who is waited for now, the soonest first: for the quit guard, notifications and badges. */
  waits(): readonly OpenWait[] {
    return this.#bench.waits();
  }

  onWaits(listener: () => void): () => void {
    return this.#bench.waitWatch.listen(listener);
  }

  /**
   * Ends every run in good order. Open waits are not answered; README.md says what the kernel makes of each when the
   * process is gone.
   */
  close(): Promise<void> {
    this.#closing ??= this.#bench.close();
    return this.#closing;
  }
}
