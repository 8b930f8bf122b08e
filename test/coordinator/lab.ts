import type { PciAddress } from '../../src-main/core/pci/address.ts';
import type { Fault } from '../../src-main/core/faults/fault.ts';
import { seconds, type Microseconds } from '../../src-main/core/recovery/phase.ts';
import { defaultPolicy, type Policy } from '../../src-main/core/recovery/policy.ts';
import type { Recovery, RecoveryState } from '../../src-main/core/recovery/state.ts';
import type { Result } from '../../src-main/core/result.ts';
import { irqSetFlags } from '../../src-main/core/vfio/irqSet.ts';
import { Coordinator } from '../../src-main/coordinator/coordinator.ts';
import { Recorder } from '../../src-main/coordinator/recorder.ts';
import type { JournalLine, JournalLineType, LineOf } from '../../src-main/core/journal/line.ts';
import type { JournalWriter } from '../../src-main/journal/writer.ts';
import type { Rig } from '../../src-main/rigs/rig.ts';
import { topologies, type TopologyName } from '../../src-main/rigs/simulated/hardware/topologies.ts';
import type { Topology } from '../../src-main/rigs/simulated/hardware/topology.ts';
import { profiles, type ProfileName } from '../../src-main/rigs/simulated/kernel/profile.ts';
import type { VfioCore } from '../../src-main/rigs/simulated/kernel/vfioCore.ts';
import { SimulatedRig } from '../../src-main/rigs/simulated/simulatedRig.ts';

export const rng = '0000:01:00.0' as PciAddress;
export const fatal: Fault = { kind: 'aer', error: 'MALF_TLP', severity: null };
export const nonFatal: Fault = { kind: 'aer', error: 'COMP_TIME', severity: null };
export const decision = { operator: 'Ada', reason: 'lab demo' };

export const valueOf = <Value>(result: Result<Value>): Value => {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
};

export const codeOf = (result: Result<unknown>): string => (result.ok ? 'ok' : result.error.code);

export const policyOf = (change: Partial<Policy> = {}): Policy => ({ ...defaultPolicy, ...change });

export interface LabOptions {
  readonly profile?: ProfileName;
  readonly topology?: TopologyName | Topology;
  readonly seed?: number;
  readonly ackTimeout?: Microseconds;
  readonly journal?: JournalWriter;
  /** Puts something between the coordinator and the simulated rig. */
  readonly between?: (rig: SimulatedRig) => Rig;
}

/** A simulated rig with a coordinator on it, and every line that was recorded. */
export class Lab {
  readonly rig: SimulatedRig;
  readonly recorder: Recorder;
  readonly coordinator: Coordinator;
  readonly lines: JournalLine[] = [];

  constructor(options: LabOptions = {}) {
    const { profile = 'notify-7.2', topology = 'single', seed = 1, ackTimeout, journal = null } = options;
    this.rig = new SimulatedRig({
      profile: profiles[profile],
      topology: typeof topology === 'string' ? topologies[topology] : topology,
      pace: { kind: 'unbounded' },
      seed,
      wallStart: Date.UTC(2026, 10, 21),
      ...(ackTimeout === undefined ? {} : { ackTimeout }),
    });
    this.recorder = new Recorder(this.rig.clock, journal);
    this.recorder.watch((line) => this.lines.push(line));
    this.coordinator = new Coordinator(options.between?.(this.rig) ?? this.rig, this.recorder);
  }

  linesOf<Type extends JournalLineType>(type: Type, device?: PciAddress): LineOf<Type>[] {
    return this.lines.filter(
      (line): line is LineOf<Type> =>
        line.type === type && (device === undefined || ('device' in line && line.device === device)),
    );
  }

  state(address: PciAddress = rng): RecoveryState {
    const state = this.coordinator.state(address);
    if (state === null) throw new Error(`${address} was never armed.`);
    return state;
  }

  recovery(address: PciAddress = rng): Recovery {
    const state = this.state(address);
    if (state.phase === 'armed') throw new Error(`${address} had no error.`);
    return state.recovery;
  }

  /** The kernel's side of the device. */
  core(address: PciAddress = rng): VfioCore {
    const core = this.rig.machine.devices.get(address)?.vfio ?? null;
    if (core === null) throw new Error(`${address} is not on a VFIO driver.`);
    return core;
  }

  /** Counts the acks that reach the kernel, from now on. */
  acks(address: PciAddress = rng): { count: number } {
    const seen = { count: 0 };
    const { acknowledgement } = this.core(address);
    const complete = acknowledgement.complete.bind(acknowledgement);
    acknowledgement.complete = () => {
      seen.count += 1;
      complete();
    };
    return seen;
  }

  /** Counts the acks that the bench sends, from now on; a close in the wait counts for none. */
  acksSent(address: PciAddress): { count: number } {
    const seen = { count: 0 };
    const core = this.core(address);
    const setIrqs = core.setIrqs.bind(core);
    core.setIrqs = (request) => {
      if ((request.flags & irqSetFlags.VFIO_IRQ_SET_ACTION_UNMASK) !== 0) seen.count += 1;
      return setIrqs(request);
    };
    return seen;
  }

  async arm(policy: Partial<Policy> = {}, address: PciAddress = rng): Promise<void> {
    valueOf(await this.coordinator.arm(address, 'notify', policyOf(policy)));
  }

  async hit(fault: Fault = fatal, address: PciAddress = rng): Promise<void> {
    valueOf(await this.coordinator.inject(address, fault, 'simulated'));
  }

  wait(duration: Microseconds): Promise<void> {
    const { clock } = this.rig;
    return new Promise((resolve) => clock.at(clock.now() + duration, resolve));
  }

  /** Until the condition holds, looked at whenever a line is recorded. */
  async until(what: string, holds: () => boolean, within = seconds(200)): Promise<void> {
    if (holds()) return;
    const { clock } = this.rig;
    await new Promise<void>((resolve, reject) => {
      const finish = (settle: () => void): void => {
        giveUp();
        unwatch();
        settle();
      };
      const giveUp = clock.at(clock.now() + within, () =>
        finish(() => reject(new Error(`not seen within ${within / 1e6} s: ${what}`))),
      );
      const unwatch = this.recorder.watch(() => {
        if (holds()) finish(resolve);
      });
    });
  }

  phase(phase: RecoveryState['phase'], address: PciAddress = rng, within?: Microseconds): Promise<void> {
    return this.until(`${address} ${phase}`, () => this.coordinator.state(address)?.phase === phase, within);
  }

  async close(): Promise<void> {
    this.coordinator.dispose();
    await this.rig.close();
  }
}
