import { accountOf } from '../core/recovery/automatic.ts';
import type { RecoveryEffect } from '../core/recovery/effect.ts';
import type { RecoveryEvent } from '../core/recovery/event.ts';
import { milliseconds, type Microseconds } from '../core/recovery/phase.ts';
import type { Arming } from '../core/recovery/policy.ts';
import { armedState, isOpen, openWait, type RecoveryState } from '../core/recovery/state.ts';
import { nextDeadline, step } from '../core/recovery/step.ts';
import type { Reason } from '../core/recovery/reasons.ts';
import { failure, success, type BenchError, type Result } from '../core/result.ts';
import { recoveryNumberOf } from '../journal/replay.ts';
import type { DeviceSession, Disposer, RigClock } from '../rigs/rig.ts';
import { approvalTaken } from './approvals.ts';
import { AutomaticAnswers } from './automaticAnswers.ts';
import { diskPatience, isTooLateToAck, waitForDisk, type DiskWait } from './diskWait.ts';
import { execute, isStillAsked, isUrgent, outlivesItsRecovery } from './effects.ts';
import type { DeviceMarking } from './deviceMarking.ts';
import { failedAnswer } from './failedAnswer.ts';
import type { Recorder } from './recorder.ts';

/** Settles with the sync of a line; null when what the line announces need not wait. */
type Synced = Promise<Result<void>> | null;

/** The marking run of the device, if it has one, and what is to be done when a recovery has ended. */
export interface Marks {
  of(): DeviceMarking | null;
  recoveryEnded(): Promise<unknown>;
}

/** What the effects of one event answered. */
export type Answers = readonly RecoveryEvent[];

const nothingToAnswer: Promise<Result<Answers>> = Promise.resolve(success([]));

const isOver = (state: RecoveryState, recovery: number): boolean => {
  if (state.phase === 'armed') return recovery <= state.recoveries;
  return isOpen(state) ? recovery < state.recovery.number : recovery <= state.recovery.number;
};

/**
 * One armed device: feeds events to `step`, records each change before its effects, runs the effects, and keeps the
 * absolute deadline. There is no state here but the last one of `step`.
 */
export class DeviceRecovery {
  readonly session: DeviceSession;
  readonly automatic: AutomaticAnswers;
  readonly #clock: RigClock;
  readonly #recorder: Recorder;
  readonly #marks: Marks;
  #state: RecoveryState;
  /** Effects run one after the other, so that a snapshot shows the device before the next effect changes it. */
  #chain: Promise<unknown> = Promise.resolve();
  readonly #diskWaits = new Set<DiskWait>();
  #deadline: number | null = null;
  #timer: Disposer | null = null;
  #ended = false;
  #held = false;
  /** What was handed down is being taken back, because a deadline has been reached. */
  #settling = false;
  readonly #now = (): Microseconds => this.#clock.now();

  /** `heard`: the last number that was told of this eventfd before. */
  constructor(
    session: DeviceSession,
    arming: Arming,
    clock: RigClock,
    recorder: Recorder,
    marks: Marks,
    heard = 0,
  ) {
    this.session = session;
    this.#clock = clock;
    this.#recorder = recorder;
    this.#marks = marks;
    this.#state = armedState(arming);
    const isHeld = (): boolean => marks.of() !== null;
    this.automatic = new AutomaticAnswers(session, recorder, () => this.#state, isHeld, heard);
  }

  get state(): RecoveryState {
    return this.#state;
  }

  /**
   * Feeds one event. The promise settles when its effects are done and their answers have changed the state; it fails
   * when the step could not be recorded, and then nothing was done. Never rejects.
   */
  dispatch(event: RecoveryEvent): Promise<Result<Answers>> {
    if (this.#ended) return nothingToAnswer;
    const before = this.#state;
    const { state, effects, reason } = step(before, event);
    if (reason === null) return nothingToAnswer;
    this.#state = state;
    const recorded = this.#record(before, event, reason, effects);
    this.#keepDeadline();
    this.#hurryDiskWaits();
    // What was done without asking is accounted for at once, before anything else can happen.
    const account = accountOf(state);
    if (account !== null) void this.dispatch(account);
    void this.automatic.tend();
    if (recorded.ok) return effects.length === 0 ? nothingToAnswer : this.#run(effects, recorded.value);
    this.#decline(effects, recorded.error);
    return Promise.resolve(recorded);
  }

  /** Runs something of a person's between the effects, never beside one: both may write the same registers. */
  exclusively<Value>(run: () => Promise<Value>): Promise<Value> {
    const ran = this.#chain.then(run);
    this.#chain = ran.catch(() => undefined);
    return ran;
  }

  /**
   * While the machine cannot be heard no deadline is taken for missed: what happened there is told first, with the
   * moments at which it happened, and `release` looks at the clock after that.
   */
  hold(): void {
    this.#held = true;
    this.#keepDeadline();
  }

  release(): void {
    this.#held = false;
    this.#keepDeadline();
    void this.automatic.renew();
  }

  /** No timer fires and no event counts any more. */
  end(): void {
    this.#ended = true;
    this.automatic.end();
    this.#timer?.();
    this.#timer = null;
  }

  #record(
    before: RecoveryState,
    event: RecoveryEvent,
    reason: Reason,
    effects: readonly RecoveryEffect[],
  ): Result<Synced> {
    const state = this.#state;
    const approval = approvalTaken(before, state, this.session, event.at);
    if (approval !== null) {
      // The step line that follows at once takes this one to the disk with it.
      const audited = this.#recorder.record(approval);
      if (!audited.ok) return audited;
    }
    const durable = approval !== null || state.phase !== before.phase || effects.some(isUrgent);
    const { address: device } = this.session;
    const { phase } = state;
    const recovery = recoveryNumberOf(state);
    const line = this.#recorder.record(
      { type: 'step', device, event, reason, phase, recovery, effects },
      durable ? 'durable' : 'buffered',
    );
    return line.ok ? success(durable ? this.#recorder.synced() : null) : line;
  }

  /** A fact stays a fact when it cannot be recorded, but nothing is done on the strength of it. */
  #decline(effects: readonly RecoveryEffect[], error: BenchError): void {
    for (const effect of effects) {
      const answer = failedAnswer(effect, error, this.#clock.now());
      if (answer !== null) void this.dispatch(answer);
    }
  }

  #run(effects: readonly RecoveryEffect[], synced: Synced): Promise<Result<Answers>> {
    const urgent = effects.find(isUrgent);
    if (urgent !== undefined) return this.#begin([urgent], synced);
    const ran = this.#chain.then(() => this.#begin(effects, synced));
    this.#chain = ran;
    return ran;
  }

  #begin(effects: readonly RecoveryEffect[], synced: Synced): Promise<Result<Answers>> {
    return synced === null ? this.#execute(effects) : this.#afterSync(effects, synced);
  }

  /** Does nothing before the line that announces it is on the disk, unless the kernel's clock runs and the disk is late. */
  async #afterSync(
    effects: readonly RecoveryEffect[],
    synced: Promise<Result<void>>,
  ): Promise<Result<Answers>> {
    const wait = waitForDisk(synced, this.#clock);
    this.#diskWaits.add(wait);
    if (effects.some(isUrgent)) wait.hurry(this.#patience);
    this.#hurryDiskWaits();
    const disk = await wait.ended;
    this.#diskWaits.delete(wait);
    if (!disk.ok) {
      this.#decline(effects, disk.error);
      return disk;
    }
    const wanted = effects.filter((effect) => this.#isWanted(effect));
    if (wanted.some(({ kind }) => kind === 'acknowledge') && isTooLateToAck(this.#state, this.#now())) {
      const late = failure(
        'ackTooLate',
        'The disk took too long to keep the approval, and the kernel’s time is all but over: the ack was not sent.',
      );
      this.#decline(wanted, late.error);
      return late;
    }
    if (disk.value === 'late' && wanted.length > 0) this.#noteLateDisk(wanted);
    return this.#execute(effects);
  }

  get #patience(): Microseconds {
    return diskPatience(this.#state.arming.ackTimeout);
  }

  /** Once the kernel waits, what waits for the disk is in its way, also an effect of the recovery before. */
  #hurryDiskWaits(): void {
    if (openWait(this.#state) === null) return;
    for (const wait of this.#diskWaits) wait.hurry(this.#patience);
  }

  #noteLateDisk(effects: readonly RecoveryEffect[]): void {
    const kinds = effects.map(({ kind }) => kind).join(', ');
    const text = `The disk has not taken the line before within ${this.#patience / milliseconds(1)} ms; it is with the kernel, and the device is served all the same (${kinds}).`;
    this.#recorder.record({ type: 'kernelLog', device: this.session.address, text });
  }

  async #execute(effects: readonly RecoveryEffect[]): Promise<Result<Answers>> {
    const answers: RecoveryEvent[] = [];
    for (const effect of effects) {
      if (!this.#isWanted(effect)) continue;
      const answer = await execute(effect, this.session, this.#recorder, this.#now, this.automatic.lastHeard);
      if (effect.kind === 'snapshot') await this.#mark(effect);
      if (answer === null) continue;
      answers.push(answer);
      // What the answer leads to queues behind this effect; waiting for it here would wait for itself.
      void this.dispatch(answer);
    }
    return success(answers);
  }

  async #mark({ moment, recovery }: Extract<RecoveryEffect, { kind: 'snapshot' }>): Promise<void> {
    if (moment === 'end') await this.#marks.recoveryEnded();
    else await this.#marks.of()?.at(moment, recovery);
  }

  #isWanted(effect: RecoveryEffect): boolean {
    if (this.#ended || effect.kind === 'conclude') return false;
    if (isUrgent(effect)) return isStillAsked(effect, this.#state);
    if (effect.kind === 'snapshot' && !this.#recorder.keepsSnapshots) return false;
    return outlivesItsRecovery(effect) || !isOver(this.#state, effect.recovery);
  }

  /**
   * What was handed down may have acked while nobody here had time to hear of it; a wait that was acked is not taken for
   * one that ran out.
   */
  async #deadlineReached(): Promise<void> {
    if (this.automatic.isTicking) {
      this.#settling = true;
      await this.automatic.takeBack();
      this.#settling = false;
    }
    void this.dispatch({ kind: 'clockReached', at: this.#clock.now() });
    if (this.#timer === null && !this.#ended) this.#keepDeadline();
  }

  #keepDeadline(): void {
    const deadline = this.#held || this.#settling ? null : nextDeadline(this.#state);
    if (deadline === this.#deadline && this.#timer !== null) return;
    this.#timer?.();
    this.#timer = null;
    this.#deadline = deadline;
    if (deadline === null) return;
    this.#timer = this.#clock.at(deadline, () => {
      this.#timer = null;
      void this.#deadlineReached();
    });
  }
}
