import type { Fault, FaultReceipt, InjectorName } from '../core/faults/fault.ts';
import type { PciAddress } from '../core/pci/address.ts';
import type { Protocol } from '../core/recovery/phase.ts';
import type { Policy } from '../core/recovery/policy.ts';
import type {
  ProofReport,
  QuiesceReport,
  ReinitialiseReport,
  ResetKind,
  ResetReport,
} from '../core/recovery/reports.ts';
import type { RecoveryState } from '../core/recovery/state.ts';
import type { MarkingPlan } from '../core/restore/marking.ts';
import type { BenchError, Result } from '../core/result.ts';
import type { DeviceSession, DeviceSummary, Disposer, Rig } from '../rigs/rig.ts';
import { approvalOf, type Decision } from './approvals.ts';
import { acknowledge, decideReset, quiesceAgain, startReturn, withdraw } from './decisions.ts';
import { Desk } from './desk.ts';
import { injectFault } from './faults.ts';
import { armDevice, changePolicy, closeDevice, disarmDevice, openDevice } from './lifecycle.ts';
import { listen } from './listening.ts';
import { maintain, reported } from './maintenance.ts';
import { beginMarking, cancelMarking, endMarking, markingRefusal, planMarking } from './marking.ts';
import type { Recorder } from './recorder.ts';
import { lookAtDevice, touchDevice, type Touch } from './touching.ts';

/**
 * Recoveries in flight over all devices of one rig. Every command answers with a Result, never throws and, when it is
 * refused, leaves a line that says so; once the record cannot be written, nothing more is done.
 */
export class Coordinator {
  readonly rig: Rig;
  readonly #desk: Desk;
  readonly #unsubscribe: Disposer;

  constructor(rig: Rig, recorder: Recorder) {
    this.rig = rig;
    this.#desk = new Desk(rig, recorder, (desk, address) => endMarking(desk, address, 'recoveryEnded'));
    const stopListening = listen(this.#desk);
    // What was handed down acts without a line of its own: with the journal broken, not even that.
    const unwatch = recorder.whenBroken(() => this.#takeBackAll());
    this.#unsubscribe = () => {
      stopListening();
      unwatch();
    };
  }

  state(address: PciAddress): RecoveryState | null {
    return this.#desk.state(address);
  }

  /** Why the machine cannot be heard, so that every phase is unknown; null while it can. */
  get linkLost(): BenchError | null {
    return this.#desk.linkLost;
  }

  /** The devices that are armed or were, with the last state of each. */
  states(): ReadonlyMap<PciAddress, RecoveryState> {
    return new Map([...this.#desk.recoveries].map(([address, recovery]) => [address, recovery.state]));
  }

  session(address: PciAddress): DeviceSession | null {
    return this.#desk.sessions.get(address) ?? null;
  }

  devices(): Promise<Result<readonly DeviceSummary[]>> {
    return this.#desk.devices();
  }

  open(address: PciAddress): Promise<Result<DeviceSession>> {
    return this.#desk.turns.take(address, () => openDevice(this.#desk, address));
  }

  /** Opens the device if need be and registers its eventfd. */
  arm(address: PciAddress, protocol: Protocol, policy: Policy): Promise<Result<void>> {
    return this.#desk.turns.take(address, () => armDevice(this.#desk, address, protocol, policy));
  }

  /** Changes the policy of an armed device, from its next recovery on; refused while one is open. */
  setPolicy(address: PciAddress, policy: Policy): Promise<Result<void>> {
    return this.#desk.turns.take(address, () => changePolicy(this.#desk, address, policy));
  }

  disarm(address: PciAddress): Promise<Result<void>> {
    return this.#desk.turns.take(address, () => disarmDevice(this.#desk, address));
  }

  /** Closes the device. In the middle of a recovery that is what a crash would be; the model says what it means. */
  close(address: PciAddress): Promise<Result<void>> {
    return this.#desk.turns.take(address, () => closeDevice(this.#desk, address));
  }

  inject(address: PciAddress, fault: Fault, injector: InjectorName): Promise<Result<FaultReceipt>> {
    return injectFault(this.#desk, address, fault, injector);
  }

  quiesce(address: PciAddress): Promise<Result<QuiesceReport>> {
    const recovery = this.#desk.open(address);
    if (recovery !== null) return quiesceAgain(this.#desk, recovery);
    return maintain(this.#desk, address, {
      operation: 'quiesce',
      run: (session) => reported(session.quiesce()),
    });
  }

  /** Sends the ack, once it is in the journal. Answers when the kernel has taken or refused it. */
  acknowledge(address: PciAddress, decision: Decision): Promise<Result<void>> {
    return acknowledge(this.#desk, address, decision);
  }

  withdraw(address: PciAddress, decision: Decision): Promise<Result<void>> {
    return withdraw(this.#desk, address, decision);
  }

  /** Within a recovery that user space drives, its reset (the answer is null); otherwise one outside any recovery. */
  async reset(address: PciAddress, kind: ResetKind, decision: Decision): Promise<Result<ResetReport | null>> {
    const recovery = this.#desk.open(address);
    if (recovery !== null) return decideReset(this.#desk, recovery, kind, decision);
    const approval = approvalOf(decision);
    if (!approval.ok) return this.#desk.refuse(address, 'reset', approval.error);
    return maintain(this.#desk, address, {
      operation: 'reset',
      detail: { kind, approval: approval.value },
      run: (session) => session.reset(kind),
    });
  }

  /** Within a recovery, the return of the device (the answer is null); otherwise outside any recovery. */
  reinitialise(address: PciAddress): Promise<Result<ReinitialiseReport | null>> {
    const recovery = this.#desk.open(address);
    if (recovery !== null) return startReturn(this.#desk, recovery);
    return maintain(this.#desk, address, {
      operation: 'reinitialise',
      run: (session) => reported(session.reinitialise()),
    });
  }

  /** Tries the device outside a recovery; within one the proof follows by itself. */
  prove(address: PciAddress): Promise<Result<ProofReport>> {
    return maintain(this.#desk, address, {
      operation: 'prove',
      run: (session) => reported(session.prove()),
    });
  }

  /** What a marking run would write on a device that is open; nothing is written. */
  planMarking(address: PciAddress): Promise<Result<MarkingPlan>> {
    return planMarking(this.#desk, address);
  }

  /** Why a marking run cannot begin now; null when it can. */
  markingRefusal(address: PciAddress): BenchError | null {
    return markingRefusal(this.#desk, address);
  }

  /**
   * Writes distinct values into harmless registers now, in the next wait and after its reset, so that the audit can tell
   * the sources apart; the old values are put back when that recovery has ended, or the device is let go before.
   */
  mark(address: PciAddress, decision: Decision): Promise<Result<void>> {
    return beginMarking(this.#desk, address, decision);
  }

  /** Puts the old values back: now, or at the end of the recovery that is open. */
  unmark(address: PciAddress): Promise<Result<'putBack' | 'atTheEnd'>> {
    return cancelMarking(this.#desk, address);
  }

  /** Something of a program's own, in a recovery or outside of any. */
  touch(address: PciAddress, touch: Touch): Promise<Result<void>> {
    return touchDevice(this.#desk, address, touch);
  }

  /** Keeps the config space as it is. */
  look(address: PciAddress): Promise<Result<void>> {
    return lookAtDevice(this.#desk, address);
  }

  /** When it has resolved, the effects of all that has happened to the device so far are done, its last reading among them. */
  async settled(address: PciAddress): Promise<void> {
    await this.#desk.recoveries.get(address)?.exclusively(() => Promise.resolve());
  }

  #takeBackAll(): void {
    for (const { automatic } of this.#desk.recoveries.values()) void automatic.stop();
  }

  /** Stops listening; what the kernel does with open waits is the caller's decision, made before. */
  dispose(): void {
    this.#unsubscribe();
    this.#takeBackAll();
    for (const recovery of this.#desk.recoveries.values()) recovery.end();
  }
}
