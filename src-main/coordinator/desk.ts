import type { PciAddress } from '../core/pci/address.ts';
import type { Arming } from '../core/recovery/policy.ts';
import { isOpen, type RecoveryState } from '../core/recovery/state.ts';
import { done, failure, type BenchError, type ErrorCode, type Result } from '../core/result.ts';
import type { DeviceSession, DeviceSummary, Rig } from '../rigs/rig.ts';
import { attempt } from './attempt.ts';
import type { DeviceMarking } from './deviceMarking.ts';
import { DeviceRecovery } from './deviceRecovery.ts';
import type { Recorder } from './recorder.ts';
import { Turns } from './turns.ts';

export type Refused = { readonly ok: false; readonly error: BenchError };

/** What all commands of one rig work on: who is open, who is armed, who is below whom, and the record of it all. */
export class Desk {
  readonly rig: Rig;
  readonly recorder: Recorder;
  readonly turns = new Turns();
  readonly sessions = new Map<PciAddress, DeviceSession>();
  /** The devices that are armed, or were and have an outcome to show. */
  readonly recoveries = new Map<PciAddress, DeviceRecovery>();
  /** The devices whose registers hold marks, until the old values are back. */
  readonly markings = new Map<PciAddress, DeviceMarking>();
  /** Ends the marking run of a device when its recovery has. */
  readonly #recoveryEnded: (address: PciAddress) => Promise<unknown>;
  /** Why the machine cannot be heard, or null while it can. */
  #linkLost: BenchError | null = null;
  readonly #parents = new Map<PciAddress, PciAddress | null>();

  constructor(
    rig: Rig,
    recorder: Recorder,
    recoveryEnded: (desk: Desk, address: PciAddress) => Promise<unknown>,
  ) {
    this.rig = rig;
    this.recorder = recorder;
    this.#recoveryEnded = (address) => recoveryEnded(this, address);
  }

  get linkLost(): BenchError | null {
    return this.#linkLost;
  }

  /** From here on no deadline counts and no wish is granted: nobody knows how things stand on the machine. */
  loseLink(reason: string): void {
    this.#linkLost = failure(
      'linkLost',
      `The link to ${this.rig.info.title} is lost (${reason}); how things stand there is unknown until it is back.`,
    ).error;
    for (const recovery of this.recoveries.values()) recovery.hold();
  }

  restoreLink(): void {
    this.#linkLost = null;
    for (const recovery of this.recoveries.values()) recovery.release();
  }

  state(address: PciAddress): RecoveryState | null {
    return this.recoveries.get(address)?.state ?? null;
  }

  /** The recovery whose eventfd is registered, if the device is armed. */
  armed(address: PciAddress): DeviceRecovery | null {
    const recovery = this.recoveries.get(address);
    if (recovery === undefined) return null;
    const { state } = recovery;
    return 'eventfd' in state && state.eventfd === 'removed' ? null : recovery;
  }

  /** The recovery of this device that is under way. */
  open(address: PciAddress): DeviceRecovery | null {
    const recovery = this.recoveries.get(address);
    return recovery !== undefined && isOpen(recovery.state) ? recovery : null;
  }

  /**
   * Starts the fold of this device anew, in the journal and here. What is done to the device waits for the disk. `heard`:
   * the last number that was told of an eventfd that stays registered.
   */
  startFold(session: DeviceSession, arming: Arming, heard = 0): Result<void> {
    const { address } = session;
    const recorded = this.recorder.record({ type: 'armed', device: address, arming }, 'durable');
    if (!recorded.ok) return recorded;
    this.recoveries.get(address)?.end();
    const marks = {
      of: () => this.markings.get(address) ?? null,
      recoveryEnded: () => this.#recoveryEnded(address),
    };
    const { clock } = this.rig;
    this.recoveries.set(address, new DeviceRecovery(session, arming, clock, this.recorder, marks, heard));
    return done;
  }

  forget(address: PciAddress, because: string): void {
    this.recoveries.get(address)?.end();
    this.recoveries.delete(address);
    this.recorder.record({ type: 'disarmed', device: address, because }, 'durable');
  }

  async devices(): Promise<Result<readonly DeviceSummary[]>> {
    const devices = await attempt('devices', () => this.rig.devices());
    if (devices.ok) for (const { address, parent } of devices.value) this.#parents.set(address, parent);
    return devices;
  }

  isBelow(address: PciAddress, port: PciAddress): boolean {
    for (let up = this.#parents.get(address) ?? null; up !== null; up = this.#parents.get(up) ?? null) {
      if (up === port) return true;
    }
    return false;
  }

  /** What cannot be recorded is not done. */
  recordable(): Result<void> {
    const { trouble } = this.recorder;
    return trouble === null ? done : { ok: false, error: trouble };
  }

  /** The answer to a wish that is not granted, with its line. Where the journal is broken only watchers see the line. */
  refuse(address: PciAddress, wish: string, error: BenchError): Refused {
    this.recorder.record({ type: 'refusal', device: address, wish, error });
    return { ok: false, error };
  }

  refuseWith(address: PciAddress, wish: string, code: ErrorCode, message: string): Refused {
    return this.refuse(address, wish, failure(code, message).error);
  }

  recordOperation(address: PciAddress, operation: string, result: Result<unknown>, detail?: unknown): void {
    this.recorder.record({
      type: 'operation',
      device: address,
      operation,
      result: result.ok ? 'done' : result.error,
      ...(detail === undefined ? {} : { detail }),
    });
  }

  /** Notes something about a device that no other kind of line is for. */
  note(address: PciAddress | null, text: string): void {
    this.recorder.record({ type: 'kernelLog', device: address, text });
  }
}
