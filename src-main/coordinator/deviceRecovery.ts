import type { RecoveryEffect } from '../core/recovery/effect.ts';
import type { RecoveryEvent } from '../core/recovery/event.ts';
import type { Arming } from '../core/recovery/policy.ts';
import { armedState, type RecoveryState } from '../core/recovery/state.ts';
import { nextDeadline, step } from '../core/recovery/step.ts';
import { recoveryNumberOf } from '../journal/replay.ts';
import type { DeviceSession, Disposer, RigClock } from '../rigs/rig.ts';
import { execute, isUrgent } from './effects.ts';
import type { Recorder } from './recorder.ts';

/**
 * One armed device: feeds events to `step`, records each change before its effects, runs the effects, and keeps the
 * absolute deadline. There is no state here but the last one of `step`.
 */
export class DeviceRecovery {
  readonly session: DeviceSession;
  readonly #clock: RigClock;
  readonly #recorder: Recorder;
  #state: RecoveryState;
  /** Effects run one after the other, so that a snapshot shows the device before the next effect changes it. */
  #chain: Promise<void> = Promise.resolve();
  #deadline: number | null = null;
  #timer: Disposer | null = null;
  #ended = false;

  constructor(session: DeviceSession, arming: Arming, clock: RigClock, recorder: Recorder) {
    this.session = session;
    this.#clock = clock;
    this.#recorder = recorder;
    this.#state = armedState(arming);
  }

  get state(): RecoveryState {
    return this.#state;
  }

  /** Feeds one event. The promise settles when its effects are done and their answers have changed the state. */
  dispatch(event: RecoveryEvent): Promise<void> {
    if (this.#ended) return Promise.resolve();
    const before = this.#state;
    const { state, effects, reason } = step(before, event);
    if (reason === null) return Promise.resolve();
    this.#state = state;
    const durable = state.phase !== before.phase || effects.some(isUrgent);
    const recorded = this.#recorder.record(
      {
        type: 'step',
        device: this.session.address,
        event,
        reason,
        phase: state.phase,
        recovery: recoveryNumberOf(state),
        effects,
      },
      durable ? 'durable' : 'buffered',
    );
    this.#keepDeadline();
    // A fact stays a fact when it cannot be recorded, but nothing is done on the strength of it.
    return recorded.ok ? this.#run(effects) : Promise.resolve();
  }

  /** No timer fires and no event counts any more. */
  end(): void {
    this.#ended = true;
    this.#timer?.();
    this.#timer = null;
  }

  #run(effects: readonly RecoveryEffect[]): Promise<void> {
    const [urgent] = effects.filter(isUrgent);
    if (urgent !== undefined) return this.#execute(urgent);
    const pending = effects.filter((effect) => effect.kind !== 'conclude');
    if (pending.length === 0) return Promise.resolve();
    this.#chain = this.#chain.then(async () => {
      for (const effect of pending) await this.#execute(effect);
    });
    return this.#chain;
  }

  async #execute(effect: RecoveryEffect): Promise<void> {
    const answer = await execute(effect, this.session, this.#recorder, () => this.#clock.now());
    // What the answer leads to queues behind this effect; waiting for it here would wait for itself.
    if (answer !== null) void this.dispatch(answer);
  }

  #keepDeadline(): void {
    const deadline = nextDeadline(this.#state);
    if (deadline === this.#deadline && this.#timer !== null) return;
    this.#timer?.();
    this.#timer = null;
    this.#deadline = deadline;
    if (deadline === null) return;
    this.#timer = this.#clock.at(deadline, () => {
      this.#timer = null;
      void this.dispatch({ kind: 'clockReached', at: this.#clock.now() });
      if (this.#timer === null && !this.#ended) this.#keepDeadline();
    });
  }
}
