import type { ConsoleSnapshot } from '../../preload/contract/views.ts';
import type { PciAddress } from '../core/pci/address.ts';
import { done, failure, success, type Result } from '../core/result.ts';
import type { RigWish } from '../rigs/opening/openRig.ts';
import type { RigPlaces } from '../rigs/opening/rigPlaces.ts';
import { topologies } from '../rigs/simulated/hardware/topologies.ts';
import { defaultProfile, profileNames, profiles } from '../rigs/simulated/kernel/profile.ts';
import { attempt } from '../coordinator/attempt.ts';
import { watchKernel } from '../rigs/kernelTracer.ts';
import { Confirmations } from './confirmations.ts';
import type { Caller } from './caller.ts';
import { rigClosed, type HeldRig } from './heldRig.ts';
import { Openings, type OpeningWork } from './openings.ts';
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
  /** What rigs are opened with; the bench's version also for the first line of each journal. */
  readonly places: RigPlaces;
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
  readonly openings = new Openings(
    async (id, wish, work) => {
      const opened = await this.#open(id, { wish, scenario: null }, work);
      return opened.ok ? done : opened;
    },
    (body) => this.publish(body),
  );
  /** What each rig was opened as, so that the same can be opened again. */
  readonly #wishes = new Map<string, RigWish>();
  #kernelWatched = true;
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

  /** Opens a rig and begins its run; answers the rig's id. For what takes no time. */
  add(wanted: RigToOpen): Promise<Result<string>> {
    const id = this.#nextId(wanted.scenario === null ? wanted.wish.kind : 'scenario');
    const nobodyGivesUp = new AbortController().signal;
    return this.#open(id, wanted, {
      signal: nobodyGivesUp,
      onProgress: () => undefined,
      agree: () => Promise.resolve(false),
    });
  }

  /** Begins to open a rig that takes its time; answers the id that the rig will have. */
  begin(wish: RigWish, title: string): string {
    const id = this.#nextId(wish.kind);
    this.openings.begin(id, wish, title);
    return id;
  }

  /** What this rig was opened as. */
  wishOf(held: HeldRig): RigWish | undefined {
    return this.#wishes.get(held.id);
  }

  #nextId(word: string): string {
    this.#opened += 1;
    return `${word}-${this.#opened}`;
  }

  async #open(id: string, wanted: RigToOpen, work: OpeningWork): Promise<Result<string>> {
    const opened = await openRig(wanted, {
      id,
      needs: {
        ...work,
        places: this.options.places,
        image: 'build',
        kernelTrace: this.#kernelWatched ? 'watched' : 'unwatched',
      },
      runs: this.options.runs,
      // What happens before the viewers know of the rig is in the view that tells them.
      publish: (body) => {
        if (this.rigs.has(id)) this.publish(body);
      },
      waitsMayHaveChanged: () => this.waitWatch.hint(),
    });
    if (!opened.ok) return opened;
    if (this.#closed || work.signal.aborted) {
      await opened.value.end('closed');
      return rigClosed(id);
    }
    this.rigs.set(id, opened.value);
    this.#wishes.set(id, wanted.wish);
    this.publish({ kind: 'rigAdded', rig: opened.value.view() });
    return success(id);
  }

  /**
   * Whether the functions of real kernels are watched, on all rigs. One that cannot do as wished is the answer; the others
   * have done it, and those that are opened later will.
   */
  async watchKernel(watched: boolean): Promise<Result<void>> {
    this.#kernelWatched = watched;
    this.publish({ kind: 'kernelWatched', kernelWatched: watched });
    let answer = done;
    for (const { rig } of this.rigs.values()) {
      const done = await attempt('traceKernel', () => watchKernel(rig, watched));
      if (!done.ok) answer = done;
    }
    return answer;
  }

  async remove(held: HeldRig, outcome: string): Promise<void> {
    await held.end(outcome);
    this.#wishes.delete(held.id);
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
      openings: this.openings.views(),
      operator: this.operator.view(caller.seat),
      // The one that a rig has when nobody chooses stands first.
      profiles: [defaultProfile, ...profileNames.filter((name) => name !== defaultProfile)].map((name) => {
        const { title, topology } = profiles[name];
        return { name, title, topology };
      }),
      topologies: Object.keys(topologies),
      kernelWatched: this.#kernelWatched,
      bench: this.options.places.bench,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([
      this.openings.close(),
      ...[...this.rigs.values()].map((held) => this.remove(held, held.play?.outcome() ?? 'closed')),
    ]);
    for (const caller of [...this.callers]) caller.outbox.flush();
  }

  #tellOperator(): void {
    for (const caller of this.callers) {
      caller.outbox.push({ kind: 'operator', operator: this.operator.view(caller.seat) });
    }
  }
}
