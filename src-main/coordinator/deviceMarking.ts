import { longAt } from '../core/pci/bytes.ts';
import { configOffset } from '../core/pci/registers.ts';
import type { SnapshotMoment } from '../core/recovery/effect.ts';
import type { Approval } from '../core/recovery/event.ts';
import type { DeviceAction } from '../core/recovery/reports.ts';
import {
  marksAt,
  marksThatTook,
  stillMarked,
  unmark,
  type MarkWrite,
  type MarkingMoment,
  type MarkingPlan,
} from '../core/restore/marking.ts';
import {
  isLastTry,
  type MarkDetail,
  type UnmarkCause,
  type UnmarkDetail,
} from '../core/restore/markingRun.ts';
import { done, failure, type BenchError, type Result } from '../core/result.ts';
import type { DeviceSession } from '../rigs/rig.ts';
import { attempt } from './attempt.ts';
import type { Recorder } from './recorder.ts';
import { recordSnapshot } from './snapshots.ts';

interface Written {
  readonly did: readonly DeviceAction[];
  readonly error: BenchError | null;
}

const allOnes = 0xffff_ffff;

const labels = (marks: MarkingPlan['marks']): string => marks.map(({ label }) => label).join(', ');

/**
 * The marking run of one device: what is written at each moment, read back and recorded, and the old values at the end.
 * A device that does not answer is left alone, and the line says so; marking never changes what a recovery does.
 */
export class DeviceMarking {
  readonly session: DeviceSession;
  readonly approval: Approval;
  readonly #recorder: Recorder;
  #plan: MarkingPlan;
  /** No more marks are written; the old values are, as soon as that can be. */
  #ending = false;

  constructor(session: DeviceSession, recorder: Recorder, plan: MarkingPlan, approval: Approval) {
    this.session = session;
    this.approval = approval;
    this.#recorder = recorder;
    this.#plan = plan;
  }

  get plan(): MarkingPlan {
    return this.#plan;
  }

  /** Someone does not want it any more, or the recovery that it was for has begun to end. */
  finish(): void {
    this.#ending = true;
  }

  /** After the snapshot of a moment within a recovery. */
  async at(moment: Exclude<SnapshotMoment, 'end'>, recovery: number): Promise<void> {
    if (this.#ending) return;
    const marked = await this.mark(moment, recovery);
    // Read again: what the kernel saves from here on has the marks, and is told from other sources by them.
    if (marked.ok) await recordSnapshot(this.session, this.#recorder, moment, recovery);
  }

  async mark(moment: MarkingMoment, recovery: number | null): Promise<Result<void>> {
    const wanted = this.#plan.marks.filter(({ values }) => values[moment] !== undefined);
    if (wanted.length === 0) return done;
    const report = { did: [], notTaken: wanted.map(({ label }) => label) };
    const current = await this.#read();
    if (!current.ok) return this.#told({ moment, recovery, report }, current.error);
    const { did, error } = await this.#write(marksAt(this.#plan, moment, current.value));
    const after = await this.#read();
    const took = after.ok ? marksThatTook(this.#plan, moment, after.value) : { ...this.#plan, marks: [] };
    const lost = this.#plan.marks.filter((mark) => !took.marks.includes(mark));
    const notTaken = lost.map(({ label }) => label);
    // A register that is hardwired takes none at any moment; one of a device in error may take the next.
    if (moment === 'armed') this.#plan = { ...this.#plan, marks: took.marks };
    return this.#told({ moment, recovery, report: { did, notTaken } }, did.length > 0 ? null : error);
  }

  /** Writes the old values and reads them back. */
  async putBack(because: UnmarkCause): Promise<Result<void>> {
    this.#ending = true;
    const { address } = this.session;
    const current = await this.#read();
    if (!current.ok) return this.#ended({ because, report: { did: [], notBack: [] } }, current.error);
    const { did, error } = await this.#write(unmark(this.#plan, current.value));
    const after = did.length === 0 ? current : await this.#read();
    const left = after.ok ? stillMarked(this.#plan, after.value) : this.#plan.marks;
    const report = { did, notBack: left.map(({ label }) => label) };
    if (left.length === 0) return this.#ended({ because, report }, null);
    const words = isLastTry(because)
      ? 'vfio-pci resets the device when it is closed, where the device can be reset.'
      : 'It is tried again when the device is disarmed or closed; bring the device back, then put them back.';
    const refused = failure(
      'configUnreadable',
      `${address} does not hold its old values again (${labels(left)}): it does not answer, or does not take them. ${words}`,
    );
    return this.#ended({ because, report }, error ?? refused.error);
  }

  /** Nobody can put anything back. */
  vanished(because: 'deviceVanished' | 'closed', error: BenchError): void {
    this.#ending = true;
    const notBack = this.#plan.marks.map(({ label }) => label);
    this.#ended({ because, report: { did: [], notBack } }, error);
  }

  /**
   * VFIO's view: the writes go through it, so the bits beside the marks stay as it wants them. But it makes up part of
   * what it shows; whether the device answers is seen in the hardware's.
   */
  async #read(): Promise<Result<Uint8Array>> {
    const hardware = await attempt('readConfig', () => this.session.readConfig('hardware'));
    if (hardware.ok && longAt(hardware.value, configOffset.vendorId) === allOnes) {
      const message = `${this.session.address} does not answer: its config space reads all ones.`;
      return failure('configUnreadable', message);
    }
    return attempt('readConfig', () => this.session.readConfig('vfio'));
  }

  async #write(writes: readonly MarkWrite[]): Promise<Written> {
    const did: DeviceAction[] = [];
    let error: BenchError | null = null;
    for (const { offset, width, value } of writes) {
      const written = await attempt('writeConfig', () => this.session.writeConfig(offset, width, value));
      if (written.ok) did.push({ kind: 'write', offset, width, value });
      else error = written.error;
    }
    return { did, error };
  }

  #told(detail: MarkDetail, error: BenchError | null): Result<void> {
    return this.#record('mark', detail, error);
  }

  #ended(detail: UnmarkDetail, error: BenchError | null): Result<void> {
    return this.#record('unmark', detail, error);
  }

  #record(operation: 'mark' | 'unmark', detail: unknown, error: BenchError | null): Result<void> {
    const { address: device } = this.session;
    this.#recorder.record({ type: 'operation', device, operation, result: error ?? 'done', detail });
    return error === null ? done : { ok: false, error };
  }
}
