import type { RigClock } from '../rigs/rig.ts';
import type { JournalLine } from '../core/journal/line.ts';
import type { JournalWriter, RecordBody } from '../journal/writer.ts';
import { done, success, type BenchError, type Result } from '../core/result.ts';
import type { Disposer } from '../rigs/rig.ts';

/** `durable`: what the line announces waits for `synced`; for phase changes and approvals. */
export type Durability = 'durable' | 'buffered';

/**
 * Where everything that happens goes first: into the journal, then to whoever watches. A watcher that folds the lines
 * knows what the journal knows.
 */
export class Recorder {
  readonly clock: RigClock;
  readonly #journal: JournalWriter | null;
  readonly #watchers = new Set<(line: JournalLine) => void>();
  #sequence = 1;
  #watched: Promise<unknown> | null = null;
  #told = false;
  readonly #whenBroken = new Set<() => void>();

  /** Without a journal the lines only go to the watchers. */
  constructor(clock: RigClock, journal: JournalWriter | null) {
    this.clock = clock;
    this.#journal = journal;
  }

  /** Whether anybody keeps config snapshots; reading and packing them is left out otherwise. */
  get keepsSnapshots(): boolean {
    return this.#journal !== null || this.#watchers.size > 0;
  }

  /** Why nothing can be recorded any more, and so nothing may be done; null while all is well. */
  get trouble(): BenchError | null {
    return this.#journal?.broken() ?? null;
  }

  record(body: RecordBody, durability: Durability = 'buffered'): Result<number> {
    const at = this.clock.now();
    const written = this.#write(at, body, durability);
    if (!written.ok) this.#tellOfTrouble();
    if (written.ok && durability === 'durable') this.#tellOfFailedSync();
    if (this.#watchers.size > 0) {
      // A line that could not be written happened all the same; watchers see it, with the next number.
      this.#sequence = written.ok ? written.value : this.#sequence + 1;
      const line = { seq: this.#sequence, at, wall: this.clock.wall(), ...body };
      for (const watcher of this.#watchers) this.#tell(watcher, line);
    }
    return written;
  }

  #write(at: number, body: RecordBody, durability: Durability): Result<number> {
    if (this.#journal === null) return success(this.#sequence + 1);
    return durability === 'durable' ? this.#journal.appendDurable(at, body) : this.#journal.append(at, body);
  }

  /**
   * Settles when every durable line so far is on the disk, or cannot get there, and then nothing that one of them
   * announces may be done. Null when there is nothing to wait for.
   */
  synced(): Promise<Result<void>> | null {
    return this.#journal?.synced() ?? null;
  }

  /** The same for those who can await it in any case. */
  onDisk(): Promise<Result<void>> {
    return this.synced() ?? Promise.resolve(done);
  }

  /** A sync that fails after its lines were told of has no line of its own; watchers get one, so that nobody is in doubt. */
  #tellOfFailedSync(): void {
    const outstanding = this.synced();
    if (outstanding === null || outstanding === this.#watched) return;
    this.#watched = outstanding;
    void outstanding.then((synced) => {
      if (synced.ok) return;
      this.#tellOfTrouble();
      if (this.#told) return;
      this.#told = true;
      this.record({ type: 'kernelLog', device: null, text: synced.error.message });
    });
  }

  /** Calls back once, when nothing can be recorded any more. */
  whenBroken(listener: () => void): Disposer {
    this.#whenBroken.add(listener);
    return () => this.#whenBroken.delete(listener);
  }

  #tellOfTrouble(): void {
    if (this.trouble === null) return;
    const listeners = [...this.#whenBroken];
    this.#whenBroken.clear();
    for (const listener of listeners) listener();
  }

  /** A watcher that throws is told no more: it must not stop a recovery, nor hide that it missed a line. */
  #tell(watcher: (line: JournalLine) => void, line: JournalLine): void {
    try {
      watcher(line);
    } catch (thrown) {
      this.#watchers.delete(watcher);
      const text = `A watcher of the run broke off at line ${line.seq}: ${String(thrown)}`;
      this.record({ type: 'kernelLog', device: null, text });
    }
  }

  watch(watcher: (line: JournalLine) => void): Disposer {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }
}
