import { automaticFor, type Automatic } from '../core/recovery/automatic.ts';
import { openWait, type RecoveryState } from '../core/recovery/state.ts';
import type { DeviceSession } from '../rigs/rig.ts';
import { attempt } from './attempt.ts';
import type { Recorder } from './recorder.ts';

/**
 * What one armed device may do at its next signal without asking: handed down when the state allows it, announced in a
 * line that is on the disk before, and taken back as soon as the state does not allow it any more. Where nothing stands,
 * because handing it down was refused or is not done yet, the policy is carried out here as ever.
 */
export class AutomaticAnswers {
  readonly #session: DeviceSession;
  readonly #recorder: Recorder;
  readonly #state: () => RecoveryState;
  readonly #isHeld: () => boolean;
  #heard: number;
  /** What stands for the next signal. */
  #stands: Automatic | null = null;
  /** Used up by a signal, and to be given some time after it. */
  #ticking = false;
  /** Refused in this state; asked again when the device has been signalled or worked on. */
  #refused = false;
  #underWay: Promise<void> | null = null;
  /** Goes up when what is being handed down is not wanted any more. */
  #turn = 0;
  #ended = false;

  /**
   * `isHeld`: nothing may be handed down for now, because something has to be done in the wait before any ack. `heard`:
   * the number of the last signal of this eventfd that the coordinator knows of.
   */
  constructor(
    session: DeviceSession,
    recorder: Recorder,
    state: () => RecoveryState,
    isHeld: () => boolean,
    heard: number,
  ) {
    this.#session = session;
    this.#recorder = recorder;
    this.#state = state;
    this.#isHeld = isHeld;
    this.#heard = heard;
  }

  /** The number of the last signal or answer that was told. */
  get lastHeard(): number {
    return this.#heard;
  }

  /** An answer may still be given although the kernel waits already. */
  get isTicking(): boolean {
    return this.#ticking;
  }

  /** Something was told: what stood is used up, or has been given. */
  heard(number: number): void {
    this.#heard = number;
    this.#refused = false;
    this.#ticking = this.#stands !== null && this.#stands.at !== 'signal';
    this.#stands = null;
  }

  /** Nothing is handed down any more; what stands is the caller's to take back. */
  end(): void {
    this.#ended = true;
    this.#turn += 1;
  }

  /** Looks at the state after each change. Resolves when what may stand does, or was refused. */
  tend(): Promise<void> {
    if (this.#ended) return nothing;
    const state = this.#state();
    const wanted = this.#isHeld() ? null : automaticFor(state);
    if (wanted !== null) {
      if (this.#stands === null && !this.#refused) this.#underWay ??= this.#handDown(wanted);
      return this.#underWay ?? nothing;
    }
    // The wait has ended, by whatever: an ack that is still to be given would be taken for the next error.
    return this.#ticking && openWait(state) === null ? this.takeBack() : nothing;
  }

  /** The registers that it writes may have changed, or what refused it may have gone: prepares it anew. */
  renew(): Promise<void> {
    this.#stands = null;
    this.#refused = false;
    return this.tend();
  }

  /** Takes back what stands, without a line, and hands nothing down any more. */
  stop(): Promise<void> {
    this.#ended = true;
    return this.#takeBack();
  }

  /** When it has resolved nothing is given any more, and what was given has been told. */
  takeBack(): Promise<void> {
    if (this.#mayAct)
      this.#recorder.record({ type: 'handDown', device: this.#session.address, automatic: null });
    return this.#takeBack();
  }

  get #mayAct(): boolean {
    return this.#stands !== null || this.#ticking || this.#underWay !== null;
  }

  async #takeBack(): Promise<void> {
    if (!this.#mayAct) return;
    this.#turn += 1;
    this.#stands = null;
    await attempt('takeBack', () => this.#session.takeBack());
    this.#ticking = false;
  }

  async #handDown(automatic: Automatic): Promise<void> {
    const { address: device } = this.#session;
    this.#turn += 1;
    const turn = this.#turn;
    const onTopOf = this.#heard;
    const recorded = this.#recorder.record({ type: 'handDown', device, automatic }, 'durable');
    const onDisk = recorded.ok ? await this.#recorder.onDisk() : recorded;
    const { at, latest } = automatic;
    const isStillWanted =
      turn === this.#turn &&
      this.#heard === onTopOf &&
      !this.#isHeld() &&
      automaticFor(this.#state()) !== null;
    const handed =
      onDisk.ok && isStillWanted
        ? await attempt('handDown', () => this.#session.handDown({ at, latest }, onTopOf))
        : null;
    this.#underWay = null;
    if (turn !== this.#turn) return this.tend();
    if (handed?.ok === true) {
      // A signal that was told before the answer to this has used it up.
      if (this.#heard === onTopOf) this.#stands = automatic;
      else this.#ticking = this.#heard === onTopOf + 1 && at !== 'signal';
      return this.tend();
    }
    if (handed === null && onDisk.ok) return this.tend();
    this.#refused = this.#heard === onTopOf;
    if (handed !== null) {
      this.#recorder.record({ type: 'operation', device, operation: 'handDown', result: handed.error });
    }
    return this.tend();
  }
}

const nothing = Promise.resolve();
