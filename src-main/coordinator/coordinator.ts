import { preflight } from '../core/faults/preflight.ts';
import type { Fault, FaultReceipt, InjectorName } from '../core/faults/fault.ts';
import type { PciAddress } from '../core/pci/address.ts';
import type { Approval, RecoveryEvent } from '../core/recovery/event.ts';
import type { Protocol } from '../core/recovery/phase.ts';
import { checkPolicy, type Arming, type Policy } from '../core/recovery/policy.ts';
import { refusalOf } from '../core/recovery/refusal.ts';
import type {
  ProofReport,
  QuiesceReport,
  ReinitialiseReport,
  ResetKind,
  ResetReport,
} from '../core/recovery/reports.ts';
import { isOpen, openWait, type RecoveryState } from '../core/recovery/state.ts';
import { done, failure, success, type BenchError, type Result } from '../core/result.ts';
import type { ApprovalAction } from '../journal/line.ts';
import type { DeviceSession, DeviceSummary, Disposer, Rig, RigEvent } from '../rigs/rig.ts';
import { DeviceRecovery } from './deviceRecovery.ts';
import { recordSnapshot } from './effects.ts';
import { whatWasKnown } from './known.ts';
import type { Recorder } from './recorder.ts';

/** Who decides, and why; both go to the audit line and may not be empty. */
export interface Decision {
  readonly operator: string;
  readonly reason: string;
}

const failed = (error: BenchError): { readonly ok: false; readonly error: BenchError } => ({
  ok: false,
  error,
});

/**
 * Recoveries in flight over all devices of one rig. Every command answers with a Result and, when it is refused,
 * leaves a line that says so; nothing is done that could not be recorded before.
 */
export class Coordinator {
  readonly rig: Rig;
  readonly #recorder: Recorder;
  readonly #sessions = new Map<PciAddress, DeviceSession>();
  readonly #recoveries = new Map<PciAddress, DeviceRecovery>();
  readonly #parents = new Map<PciAddress, PciAddress | null>();
  readonly #unsubscribe: Disposer;

  constructor(rig: Rig, recorder: Recorder) {
    this.rig = rig;
    this.#recorder = recorder;
    this.#unsubscribe = rig.onEvent((event) => this.#hear(event));
  }

  state(address: PciAddress): RecoveryState | null {
    return this.#recoveries.get(address)?.state ?? null;
  }

  /** The devices that are armed or were, with the last state of each. */
  states(): ReadonlyMap<PciAddress, RecoveryState> {
    return new Map([...this.#recoveries].map(([address, recovery]) => [address, recovery.state]));
  }

  session(address: PciAddress): DeviceSession | null {
    return this.#sessions.get(address) ?? null;
  }

  async devices(): Promise<Result<readonly DeviceSummary[]>> {
    const devices = await this.rig.devices();
    if (devices.ok) for (const device of devices.value) this.#parents.set(device.address, device.parent);
    return devices;
  }

  async open(address: PciAddress): Promise<Result<DeviceSession>> {
    const known = this.#sessions.get(address);
    if (known !== undefined) return success(known);
    const allowed = this.#recordable();
    if (!allowed.ok) return allowed;
    const opened = await this.rig.open(address);
    this.#operation(address, 'open', opened, opened.ok ? opened.value.setUp : undefined);
    if (opened.ok) this.#sessions.set(address, opened.value);
    return opened;
  }

  /** Opens the device if need be and registers its eventfd. */
  async arm(address: PciAddress, protocol: Protocol, policy: Policy): Promise<Result<void>> {
    const checked = checkPolicy(policy);
    if (!checked.ok) return this.#refuse(address, 'arm', checked.error);
    if (this.#isArmed(address)) {
      return this.#refuse(
        address,
        'arm',
        failure('alreadyArmed', `${address} is armed; disarm it first.`).error,
      );
    }
    const session = await this.open(address);
    if (!session.ok) return session;
    const { capabilities } = session.value;
    if (!capabilities.protocols.includes(protocol)) {
      const offered = capabilities.protocols.join(', ') || 'none';
      return this.#refuse(
        address,
        'arm',
        failure(
          'protocolUnavailable',
          `${address} on ${this.rig.info.title} does not offer the ${protocol} protocol; it offers ${offered}.`,
        ).error,
      );
    }
    await this.devices();
    const arming: Arming = {
      protocol,
      policy,
      ackTimeout: capabilities.ackTimeout,
      uevents: capabilities.uevents,
      sharers: capabilities.sharers.length,
    };
    const recorded = this.#recorder.record({ type: 'armed', device: address, arming }, 'durable');
    if (!recorded.ok) return recorded;
    this.#recoveries.get(address)?.end();
    this.#recoveries.set(address, new DeviceRecovery(session.value, arming, this.rig.clock, this.#recorder));
    const armed = await session.value.arm(protocol);
    if (!armed.ok) {
      this.#forget(address, armed.error.message);
      return armed;
    }
    await recordSnapshot(session.value, this.#recorder, 'armed', null);
    return done;
  }

  async disarm(address: PciAddress): Promise<Result<void>> {
    const recovery = this.#recoveries.get(address);
    if (recovery === undefined || !this.#isArmed(address)) {
      return this.#refuse(address, 'disarm', failure('notArmed', `${address} is not armed.`).error);
    }
    if (isOpen(recovery.state)) {
      const message = `A recovery of ${address} is open (${recovery.state.phase}); end it, or withdraw from it, first.`;
      return this.#refuse(address, 'disarm', failure('recoveryOpen', message).error);
    }
    const allowed = this.#recordable();
    if (!allowed.ok) return allowed;
    const disarmed = await recovery.session.disarm();
    if (!disarmed.ok) return this.#refuse(address, 'disarm', disarmed.error);
    this.#forget(address, 'asked for');
    return done;
  }

  /** Closes the device. In the middle of a recovery that is what a crash would be; the model says what it means. */
  async close(address: PciAddress): Promise<Result<void>> {
    const session = this.#sessions.get(address);
    if (session === undefined) return failure('sessionClosed', `${address} is not open.`);
    const recovery = this.#recoveries.get(address);
    if (recovery !== undefined) {
      await recovery.dispatch({ kind: 'closed', at: this.rig.clock.now() });
      if (!isOpen(recovery.state) && this.#isArmed(address)) this.#forget(address, 'the device was closed');
    }
    this.#sessions.delete(address);
    const closed = await session.close();
    this.#operation(address, 'close', closed);
    return closed;
  }

  async inject(address: PciAddress, fault: Fault, injector: InjectorName): Promise<Result<FaultReceipt>> {
    const target = await this.rig.faultTarget(address);
    if (!target.ok) return this.#refuse(address, 'inject', target.error);
    const request = { address, injector, fault };
    const recovery = this.#recoveries.get(address);
    const wait = recovery !== undefined && openWait(recovery.state) !== null ? 'waitOpen' : 'noWait';
    const refusal = preflight(request, target.value, wait);
    if (refusal !== null) return this.#refuse(address, 'inject', refusal);
    const announced = this.#recorder.record(
      { type: 'fault', device: address, request, receipt: null },
      'durable',
    );
    if (!announced.ok) return announced;
    if (fault.kind === 'loopback') {
      await recovery?.dispatch({ kind: 'loopbackTriggered', at: this.rig.clock.now(), count: 1 });
    }
    const receipt = await this.rig.inject(request);
    if (!receipt.ok) return this.#refuse(address, 'inject', receipt.error);
    this.#recorder.record({ type: 'fault', device: address, request, receipt: receipt.value });
    return receipt;
  }

  async quiesce(address: PciAddress): Promise<Result<QuiesceReport>> {
    const wish = await this.#wish(address, 'quiesce', (at) => ({ kind: 'quiesceRequested', at }));
    if (!wish.ok) return wish;
    const { state } = wish.value;
    if (wish.value.handled) {
      const report = isOpen(state()) ? openRecoveryOf(state())?.quiesce : null;
      return report === null || report === undefined
        ? failure('noOpenRecovery', `The recovery of ${address} ended while it was quiesced.`)
        : success(report);
    }
    return this.#maintain(address, 'quiesce', (session) => session.quiesce());
  }

  /** Sends the ack, once it is in the journal. Answers when the kernel has taken or refused it. */
  async acknowledge(address: PciAddress, decision: Decision): Promise<Result<void>> {
    const approval = approvalOf(decision);
    if (!approval.ok) return this.#refuse(address, 'acknowledge', approval.error);
    const event = (at: number): RecoveryEvent => ({
      kind: 'acknowledgeRequested',
      at,
      approval: approval.value,
    });
    return this.#decide(address, 'acknowledge', approval.value, event);
  }

  async withdraw(address: PciAddress, decision: Decision): Promise<Result<void>> {
    const approval = approvalOf(decision);
    if (!approval.ok) return this.#refuse(address, 'withdraw', approval.error);
    const event = (at: number): RecoveryEvent => ({
      kind: 'withdrawRequested',
      at,
      approval: approval.value,
    });
    return this.#decide(address, 'withdraw', approval.value, event);
  }

  /** Within a recovery that user space drives, its reset; otherwise one outside any recovery. */
  async reset(address: PciAddress, kind: ResetKind, decision: Decision): Promise<Result<ResetReport | null>> {
    const approval = approvalOf(decision);
    if (!approval.ok) return this.#refuse(address, 'reset', approval.error);
    const state = this.state(address);
    const event = (at: number): RecoveryEvent => ({
      kind: 'resetRequested',
      at,
      resetKind: kind,
      approval: approval.value,
    });
    if (state !== null && isOpen(state)) {
      const decided = await this.#decide(address, 'reset', approval.value, event);
      return decided.ok ? success(null) : decided;
    }
    const report = await this.#maintain(address, 'reset', (session) => session.reset(kind));
    return report.ok ? report.value : report;
  }

  async reinitialise(address: PciAddress): Promise<Result<ReinitialiseReport | null>> {
    const wish = await this.#wish(address, 'reinitialise', (at) => ({ kind: 'reinitialiseRequested', at }));
    if (!wish.ok) return wish;
    if (wish.value.handled) return success(null);
    return this.#maintain(address, 'reinitialise', (session) => session.reinitialise());
  }

  /** Tries the device outside a recovery; within one the proof follows by itself. */
  prove(address: PciAddress): Promise<Result<ProofReport>> {
    return this.#maintain(address, 'prove', (session) => session.prove());
  }

  /** Stops listening; what the kernel does with open waits is the caller's decision, made before. */
  dispose(): void {
    this.#unsubscribe();
    for (const recovery of this.#recoveries.values()) recovery.end();
  }

  #hear(event: RigEvent): void {
    switch (event.kind) {
      case 'signal': {
        const recovery = this.#recoveries.get(event.address);
        if (recovery?.state.arming.protocol !== event.protocol) return;
        void recovery.dispatch({ kind: 'signal', at: event.at, count: event.count });
        return;
      }
      case 'uevent':
        this.#recorder.record({ type: 'uevent', device: event.address, uevent: event.uevent });
        for (const recovery of this.#concernedBy(event)) {
          void recovery.dispatch({ kind: 'uevent', at: event.at, uevent: event.uevent });
        }
        return;
      case 'kernelLog':
        this.#recorder.record({ type: 'kernelLog', device: event.address, text: event.text });
        return;
      case 'deviceRemoved':
        void this.#removed(event);
        return;
      case 'deviceAdded':
        this.#recorder.record({
          type: 'kernelLog',
          device: event.address,
          text: 'The device appeared on the bus.',
        });
        return;
      case 'releaseRequested':
        this.#recorder.record({
          type: 'kernelLog',
          device: event.address,
          text: 'The kernel asks user space to release the device (REQ, index 4).',
        });
        return;
    }
  }

  /** Kernels before 6.17 announce a failed recovery at the port only; it concerns every device below. */
  #concernedBy(event: Extract<RigEvent, { kind: 'uevent' }>): readonly DeviceRecovery[] {
    const own = this.#recoveries.get(event.address);
    if (own !== undefined) return [own];
    if (event.uevent !== 'failedRecovery') return [];
    return [...this.#recoveries]
      .filter(([address]) => this.#isBelow(address, event.address))
      .map(([, one]) => one);
  }

  #isBelow(address: PciAddress, port: PciAddress): boolean {
    for (let up = this.#parents.get(address) ?? null; up !== null; up = this.#parents.get(up) ?? null) {
      if (up === port) return true;
    }
    return false;
  }

  async #removed(event: Extract<RigEvent, { kind: 'deviceRemoved' }>): Promise<void> {
    const { address } = event;
    const recovery = this.#recoveries.get(address);
    const idle = recovery !== undefined && !isOpen(recovery.state);
    await recovery?.dispatch({ kind: 'deviceRemoved', at: event.at });
    if (idle && this.#isArmed(address)) this.#forget(address, 'the device vanished from the bus');
    // Letting go is what the kernel waits for before it can take the device away.
    const session = this.#sessions.get(address);
    this.#sessions.delete(address);
    if (session !== undefined) this.#operation(address, 'close', await session.close());
  }

  #isArmed(address: PciAddress): boolean {
    const state = this.#recoveries.get(address)?.state;
    return state !== undefined && !('eventfd' in state && state.eventfd === 'removed');
  }

  #forget(address: PciAddress, because: string): void {
    this.#recoveries.get(address)?.end();
    this.#recoveries.delete(address);
    this.#recorder.record({ type: 'disarmed', device: address, because }, 'durable');
  }

  /** What cannot be recorded is not done. */
  #recordable(): Result<void> {
    const { trouble } = this.#recorder;
    return trouble === null ? done : failed(trouble);
  }

  #refuse(
    address: PciAddress,
    wish: string,
    error: BenchError,
  ): { readonly ok: false; readonly error: BenchError } {
    this.#recorder.record({ type: 'refusal', device: address, wish, error });
    return failed(error);
  }

  #operation(address: PciAddress, operation: string, result: Result<unknown>, detail?: unknown): void {
    this.#recorder.record({
      type: 'operation',
      device: address,
      operation,
      result: result.ok ? 'done' : result.error,
      ...(detail === undefined ? {} : { detail }),
    });
  }

  /** Hands a wish to an open recovery; `handled` is false when none is open and the caller does it outside one. */
  async #wish(
    address: PciAddress,
    name: string,
    event: (at: number) => RecoveryEvent,
  ): Promise<Result<{ handled: boolean; state: () => RecoveryState }>> {
    const recovery = this.#recoveries.get(address);
    if (recovery === undefined) {
      const session = this.#sessions.get(address);
      if (session !== undefined) return success({ handled: false, state: () => neverArmed(address) });
      return this.#refuse(
        address,
        name,
        failure('sessionClosed', `${address} is not open; arm it first.`).error,
      );
    }
    const wish = event(this.rig.clock.now());
    const refusal = refusalOf(recovery.state, wish);
    if (refusal !== null) return this.#refuse(address, name, refusal);
    const allowed = this.#recordable();
    if (!allowed.ok) return allowed;
    const handled = isOpen(recovery.state);
    if (handled) await recovery.dispatch(wish);
    return success({ handled, state: () => recovery.state });
  }

  async #decide(
    address: PciAddress,
    action: ApprovalAction,
    approval: Approval,
    event: (at: number) => RecoveryEvent,
  ): Promise<Result<void>> {
    const recovery = this.#recoveries.get(address);
    if (recovery === undefined) {
      return this.#refuse(address, action, failure('notArmed', `${address} is not armed.`).error);
    }
    const wish = event(this.rig.clock.now());
    const refusal = refusalOf(recovery.state, wish);
    if (refusal !== null) return this.#refuse(address, action, refusal);
    const open = openRecoveryOf(recovery.state);
    if (open === null) {
      return this.#refuse(
        address,
        action,
        failure('noOpenRecovery', `No recovery of ${address} is open.`).error,
      );
    }
    const known = whatWasKnown(recovery.state, recovery.session, wish.at);
    const audited = this.#recorder.record(
      { type: 'approval', device: address, recovery: open.number, action, approval, known },
      'durable',
    );
    if (!audited.ok) return audited;
    await recovery.dispatch(wish);
    const { state } = recovery;
    return 'exchange' in state && state.exchange.kind === 'refused' ? failed(state.exchange.error) : done;
  }

  /** Something done to an open device while no recovery of it is open. */
  async #maintain<Report>(
    address: PciAddress,
    operation: string,
    run: (session: DeviceSession) => Promise<Report>,
  ): Promise<Result<Report>> {
    const session = this.#sessions.get(address);
    if (session === undefined) {
      return this.#refuse(
        address,
        operation,
        failure('sessionClosed', `${address} is not open; arm it first.`).error,
      );
    }
    const state = this.state(address);
    if (state !== null && isOpen(state)) {
      const message = `A recovery of ${address} is open (${state.phase}); "${operation}" has its own place in it.`;
      return this.#refuse(address, operation, failure('recoveryOpen', message).error);
    }
    const allowed = this.#recordable();
    if (!allowed.ok) return allowed;
    const report = await run(session);
    this.#recorder.record({ type: 'operation', device: address, operation, result: 'done', detail: report });
    return success(report);
  }
}

const approvalOf = (decision: Decision): Result<Approval> => {
  const operator = decision.operator.trim();
  const reason = decision.reason.trim();
  if (operator === '') return failure('malformedInput', 'The audit line needs the name of the operator.');
  if (reason === '') return failure('malformedInput', 'The audit line needs a reason.');
  return success({ operator, reason, by: 'person' });
};

const openRecoveryOf = (state: RecoveryState) => (isOpen(state) ? state.recovery : null);

const neverArmed = (address: PciAddress): never => {
  throw new Error(`${address} was never armed.`);
};
