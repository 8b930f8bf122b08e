import { expect } from 'vitest';
import type { Fault, FaultReceipt } from '../../../src-main/core/faults/fault.ts';
import type { PciAddress } from '../../../src-main/core/pci/address.ts';
import { pciExpressRegister } from '../../../src-main/core/pci/capability-registers.ts';
import type { Microseconds, Protocol } from '../../../src-main/core/recovery/phase.ts';
import { seconds } from '../../../src-main/core/recovery/phase.ts';
import type { Result } from '../../../src-main/core/result.ts';
import type { DeviceSession, RigEvent } from '../../../src-main/rigs/rig.ts';
import { topologies } from '../../../src-main/rigs/simulated/hardware/topologies.ts';
import type { TopologyName } from '../../../src-main/rigs/simulated/hardware/topologies.ts';
import type { SimulatedFunction } from '../../../src-main/rigs/simulated/hardware/simulatedFunction.ts';
import type { PciDevice } from '../../../src-main/rigs/simulated/kernel/pciDevice.ts';
import { profiles } from '../../../src-main/rigs/simulated/kernel/profile.ts';
import type { ProfileName } from '../../../src-main/rigs/simulated/kernel/profile.ts';
import type { KernelThread } from '../../../src-main/rigs/simulated/kernel/scheduler.ts';
import type { VfioCore } from '../../../src-main/rigs/simulated/kernel/vfioCore.ts';
import { SimulatedRig } from '../../../src-main/rigs/simulated/simulatedRig.ts';
import type { SimulatedVfioDevice } from '../../../src-main/rigs/simulated/simulatedVfioDevice.ts';
import { addressOf } from './hardware/functions.ts';

export const valueOf = <Value>(result: Result<Value>): Value => {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
};

/** The errno of a refusal, or `none` for a success. */
export const errnoOf = (result: Result<unknown>): string =>
  result.ok ? 'none' : (result.error.errno?.name ?? `no errno, ${result.error.code}`);

/** Anything that has not come about by then never will: two whole waits of the RFC and some. */
const patience = seconds(400);

type EventOf<Kind extends RigEvent['kind']> = Extract<RigEvent, { kind: Kind }>;

/** A device that is open, with its session, the port below it and the kernel's and the hardware's side of it. */
export interface OpenDevice {
  readonly session: DeviceSession;
  readonly vfio: SimulatedVfioDevice;
  readonly core: VfioCore;
  readonly kernel: PciDevice;
  readonly fn: SimulatedFunction;
}

/** One simulated rig under observation: everything it told, and calls with their moments. */
export class Bench {
  readonly rig: SimulatedRig;
  readonly events: RigEvent[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(profile: ProfileName, topology: TopologyName = 'single', seed = 1) {
    this.rig = new SimulatedRig({
      profile: profiles[profile],
      topology: topologies[topology],
      pace: { kind: 'unbounded' },
      seed,
      wallStart: 0,
    });
    this.rig.onEvent((event) => {
      this.events.push(event);
      for (const look of [...this.#waiting]) look();
    });
  }

  get now(): Microseconds {
    return this.rig.clock.now();
  }

  sleep(duration: Microseconds): Promise<void> {
    return new Promise((resolve) => this.rig.clock.at(this.now + duration, resolve));
  }

  kernel(address: string): PciDevice {
    const device = this.rig.machine.devices.get(addressOf(address));
    if (device === undefined) throw new Error(`There is no ${address}.`);
    return device;
  }

  /** Opens a device through VFIO; the session brings it into service. */
  async open(address: string): Promise<OpenDevice> {
    const session = valueOf(await this.rig.open(addressOf(address)));
    const vfio = this.rig.openDevice(session.address);
    const kernel = this.kernel(address);
    if (vfio === null || kernel.vfio === null) throw new Error(`${address} is not open.`);
    return { session, vfio, core: kernel.vfio, kernel, fn: kernel.fn };
  }

  async openArmed(address: string, protocol: Protocol = 'notify'): Promise<OpenDevice> {
    const device = await this.open(address);
    valueOf(await device.session.arm(protocol));
    return device;
  }

  async inject(address: string, fault: Fault): Promise<FaultReceipt> {
    return valueOf(await this.rig.inject({ address: addressOf(address), injector: 'simulated', fault }));
  }

  /** A fatal error is MALF_TLP, a non-fatal one COMP_TIME, as firmware leaves their severities. */
  raise(address: string, severity: 'fatal' | 'nonFatal'): Promise<FaultReceipt> {
    const error = severity === 'fatal' ? 'MALF_TLP' : 'COMP_TIME';
    return this.inject(address, { kind: 'aer', error, severity });
  }

  /** A blocking kernel call, with the moment at which it came back; null while it blocks. */
  start(thread: KernelThread<unknown>): { readonly returnedAt: () => Microseconds | null } {
    let at: Microseconds | null = null;
    this.rig.machine.run(thread, () => {
      at = this.now;
    });
    return { returnedAt: () => at };
  }

  signals(address: string): readonly EventOf<'signal'>[] {
    return this.#of('signal', address);
  }

  uevents(address: string): readonly string[] {
    return this.#of('uevent', address).map(({ uevent }) => uevent);
  }

  logs(address?: string): readonly string[] {
    return this.#of('kernelLog', address).map(({ text }) => text);
  }

  #of<Kind extends RigEvent['kind']>(kind: Kind, address?: string): readonly EventOf<Kind>[] {
    const wanted: PciAddress | null = address === undefined ? null : addressOf(address);
    return this.events.filter(
      (event): event is EventOf<Kind> =>
        event.kind === kind && (wanted === null || ('address' in event && event.address === wanted)),
    );
  }

  /** The `ordinal`th signal of a device, from 1, already seen or still to come. */
  signal(address: string, ordinal = 1): Promise<EventOf<'signal'>> {
    return this.#awaited(`signal ${ordinal} of ${address}`, () => this.signals(address)[ordinal - 1]);
  }

  uevent(address: string, uevent: EventOf<'uevent'>['uevent']): Promise<EventOf<'uevent'>> {
    return this.#awaited(`${uevent} of ${address}`, () =>
      this.#of('uevent', address).find((event) => event.uevent === uevent),
    );
  }

  log(text: string): Promise<EventOf<'kernelLog'>> {
    return this.#awaited(`"${text}"`, () => this.#of('kernelLog').find((event) => event.text.includes(text)));
  }

  event<Kind extends RigEvent['kind']>(kind: Kind, address: string): Promise<EventOf<Kind>> {
    return this.#awaited(`${kind} of ${address}`, () => this.#of(kind, address)[0]);
  }

  #awaited<Found>(what: string, look: () => Found | undefined): Promise<Found> {
    return new Promise((resolve, reject) => {
      const attempt = (): boolean => {
        const found = look();
        if (found === undefined) return false;
        this.#waiting.delete(attempt);
        giveUp();
        resolve(found);
        return true;
      };
      const giveUp = this.rig.clock.at(this.now + patience, () => {
        this.#waiting.delete(attempt);
        reject(new Error(`${what} never came.`));
      });
      if (!attempt()) this.#waiting.add(attempt);
    });
  }
}

export const deviceControl = ({ fn }: { fn: SimulatedFunction }): number =>
  fn.readConfig(fn.expressCapability + pciExpressRegister.deviceControl, 2);

/** The BARs as the hardware has them, in the order of their indexes. */
export const barsOf = ({ fn }: { fn: SimulatedFunction }): readonly number[] =>
  fn.layout.bars.map(({ index }) => fn.barAddress(index));

export const msixIsOn = ({ fn }: { fn: SimulatedFunction }): boolean =>
  (fn.readConfig(fn.msixCapability + 2, 2) & 0x8000) !== 0;

/** What the bus reset of an error recovery leaves of a function. */
export const expectWiped = (device: { fn: SimulatedFunction }): void => {
  expect(device.fn.command).toBe(0);
  expect(barsOf(device).every((bar) => bar === 0)).toBe(true);
  expect(deviceControl(device)).toBe(0);
};

/** `measured` give or take the tenth that measurements varied by. */
export const expectAbout = (duration: Microseconds, measured: Microseconds): void => {
  expect(duration).toBeGreaterThan(measured * 0.9);
  expect(duration).toBeLessThan(measured * 1.1);
};
