import type { ConsoleSnapshot } from '../../preload/contract/views.ts';
import type { PciAddress } from '../core/pci/address.ts';
import { failure, success, type Result } from '../core/result.ts';
import { topologies } from '../rigs/simulated/hardware/topologies.ts';
import { defaultProfile, profileNames, profiles } from '../rigs/simulated/kernel/profile.ts';
import { Confirmations } from './confirmations.ts';
import type { Caller } from './caller.ts';
import { rigClosed, type HeldRig } from './heldRig.ts';
import { openRig, type RigToOpen } from './openRig.ts';
import { OpenRuns } from './openRuns.ts';
import { OperatorDesk } from './operatorDesk.ts';
import type { DeltaBody } from './outbox.ts';
import { WaitWatch, type OpenWait } from './waits.ts';

export interface ServiceOptions {
  /** The directory of the journals; null: nothing is recorded. */
  readonly runs: string | null;
  /** The directory of the scenarios. */
  readonly scenarios: string;
  /** Of the bench, for the first line of each journal. */
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** A confirmation token that nobody can guess; of the system's own source when left out. */
  readonly random?: () => string;
  /** Seconds of a simulated rig in a real one; 1 when left out. */
  readonly pace?: number;
}

/** What all commands work on: the rigs in use, who looks, who drives, and which cards are open. */
export class Bench {
  readonly options: ServiceOptions;
  readonly rigs = new Map<string, HeldRig>();
  readonly callers = new Set<Caller>();
  readonly confirmations: Confirmations;
  readonly operator: OperatorDesk;
  readonly openRuns: OpenRuns;
  readonly waitWatch = new WaitWatch(() => {
    for (const held of this.rigs.values()) held.settleWaits();
    return this.waits();
  });
  #opened = 0;
  #closed = false;

  constructor(options: ServiceOptions) {
    this.options = options;
    this.confirmations = new Confirmations(options.now, options.random);
    this.operator = new OperatorDesk(() => this.#tellOperator());
    this.openRuns = new OpenRuns(options.runs);
  }

  get closed(): boolean {
    return this.#closed;
  }

  rig(id: string): Result<HeldRig> {
    const held = this.rigs.get(id);
    if (held === undefined)
      return failure('unknownRig', `There is no rig ${JSON.stringify(id)} in this console.`);
    return held.ending ? rigClosed(id) : success(held);
  }

  device(id: string, address: PciAddress): Result<HeldRig> {
    const held = this.rig(id);
    if (!held.ok) return held;
    const known = held.value.checkDevice(address);
    return known.ok ? held : known;
  }

  /** Opens a rig and begins its run; answers the rig's id. */
  async add(wanted: RigToOpen): Promise<Result<string>> {
    this.#opened += 1;
    const id = `${wanted.scenario === null ? 'simulated' : 'scenario'}-${this.#opened}`;
    const opened = await openRig(wanted, {
      id,
      pace: this.options.pace ?? 1,
      runs: this.options.runs,
      version: this.options.version,
      // What happens before the viewers know of the rig is in the view that tells them.
      publish: (body) => {
        if (this.rigs.has(id)) this.publish(body);
      },
      waitsMayHaveChanged: () => this.waitWatch.hint(),
    });
    if (!opened.ok) return opened;
    if (this.#closed) {
      await opened.value.end('closed');
      return rigClosed(id);
    }
    this.rigs.set(id, opened.value);
    this.publish({ kind: 'rigAdded', rig: opened.value.view() });
    return success(id);
  }

  async remove(held: HeldRig, outcome: string): Promise<void> {
    await held.end(outcome);
    if (this.rigs.delete(held.id)) this.publish({ kind: 'rigRemoved', rig: held.id });
    this.waitWatch.hint();
  }

  waits(): readonly OpenWait[] {
    return [...this.rigs.values()]
      .flatMap((held) => held.waits())
      .sort((one, other) => one.left - other.left);
  }

  publish(body: DeltaBody): void {
    for (const caller of this.callers) caller.outbox.push(body);
  }

  /** Everything as of the caller's last delta. Made in one go, between two steps. */
  snapshot(caller: Caller): ConsoleSnapshot {
    // What is in the snapshot should not come after it; a page that gets it all the same drops it by its number.
    caller.outbox.flush();
    return {
      number: caller.outbox.number,
      rigs: [...this.rigs.values()].map((held) => held.view()),
      operator: this.operator.view(caller.seat),
      // The one that a rig has when nobody chooses stands first.
      profiles: [defaultProfile, ...profileNames.filter((name) => name !== defaultProfile)].map((name) => {
        const { title, topology } = profiles[name];
        return { name, title, topology };
      }),
      topologies: Object.keys(topologies),
      bench: this.options.version,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(
      [...this.rigs.values()].map((held) => this.remove(held, held.play?.outcome() ?? 'closed')),
    );
    for (const caller of [...this.callers]) caller.outbox.flush();
  }

  #tellOperator(): void {
    for (const caller of this.callers) {
      caller.outbox.push({ kind: 'operator', operator: this.operator.view(caller.seat) });
    }
  }
}
