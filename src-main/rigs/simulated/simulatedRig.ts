import { aerRegister } from '../../core/pci/capability-registers.ts';
import type { PciAddress } from '../../core/pci/address.ts';
import {
  platformRefusal,
  type PlatformOffer,
  type PlatformTarget,
} from '../../core/faults/platformPreflight.ts';
import type { FaultReceipt, FaultRequest, FaultTarget, InjectorOffer } from '../../core/faults/fault.ts';
import type { Microseconds, Protocol } from '../../core/recovery/phase.ts';
import { done, failure, success, type Result } from '../../core/result.ts';
import {
  platformActions,
  type PlatformAction,
  type PlatformReport,
} from '../../core/zpci/platformActions.ts';
import type { PlatformRig } from '../platformRig.ts';
import { openBenchSession } from '../session/benchSession.ts';
import type {
  DeviceCapabilities,
  DeviceSession,
  DeviceSummary,
  Disposer,
  Rig,
  RigEvent,
  RigInfo,
} from '../rig.ts';
import type { Topology } from './hardware/topology.ts';
import { AerService } from './kernel/aerService.ts';
import { partitionableEndpointsOf, type PartitionableEndpoint } from './kernel/eeh.ts';
import { bindDriver, replug, unbindDriver } from './kernel/hotplug.ts';
import { refused } from './kernel/kernelError.ts';
import { actOnSimulatedPlatform } from './kernel/platformActions.ts';
import { Machine } from './kernel/machine.ts';
import type { PciDevice } from './kernel/pciDevice.ts';
import { restoresOf, type KernelProfile } from './kernel/profile.ts';
import { zpciFunctionOf } from './kernel/zpciEvents.ts';
import { SimulatedClock, type Pace } from './simulatedClock.ts';
import { causeFault, faultsOf } from './simulatedFaults.ts';
import { simulatedDriver, SimulatedVfioDevice } from './simulatedVfioDevice.ts';

export interface SimulatedRigOptions {
  readonly profile: KernelProfile;
  readonly topology: Topology;
  readonly pace: Pace;
  /** Same seed, same run, to the microsecond. */
  readonly seed: number;
  /** Milliseconds since 1970 at virtual time 0. */
  readonly wallStart: number;
  /** Overrides the profile's wait, as the module parameter of vfio-pci-notify does. */
  readonly ackTimeout?: Microseconds;
}

interface OpenDevice {
  readonly vfio: SimulatedVfioDevice;
  readonly session: DeviceSession;
}

const architectures = { aer: 'x86_64', zpci: 's390x', eeh: 'ppc64le' } as const;

/** A rig without hardware: a machine that behaves as the real kernels were measured to behave, in virtual time. */
export class SimulatedRig implements Rig, PlatformRig {
  readonly info: RigInfo;
  readonly clock: SimulatedClock;
  /** The model itself, for tests that look behind the port. */
  readonly machine: Machine;
  readonly #aer: AerService;
  readonly #endpoints: ReadonlyMap<PciDevice, PartitionableEndpoint>;
  readonly #open = new Map<PciAddress, OpenDevice>();
  /** Deconfigured: no rescan finds them. */
  readonly #poweredOff = new Set<PciAddress>();
  #closed = false;

  constructor(options: SimulatedRigOptions) {
    const profile: KernelProfile =
      options.ackTimeout === undefined
        ? options.profile
        : { ...options.profile, ackTimeout: options.ackTimeout };
    this.clock = new SimulatedClock(options.pace, options.wallStart);
    this.machine = new Machine(profile, options.topology, this.clock, options.seed);
    this.#aer = new AerService(this.machine);
    this.#endpoints = partitionableEndpointsOf(this.machine);
    for (const device of this.machine.devices.values()) {
      const { driver } = device.node.description;
      if (driver.kind !== 'none')
        bindDriver(this.machine, device, driver.kind === 'host' ? driver.name : driver.kind);
    }
    this.info = {
      kind: 'simulated',
      name: `simulated:${profile.name}`,
      title: `Simulated, ${profile.title}`,
      kernel: profile.version,
      architecture: architectures[profile.platform],
    };
  }

  async devices(): Promise<Result<readonly DeviceSummary[]>> {
    if (this.#closed) return failure('rigClosed', 'This rig is closed.');
    return success(
      [...this.machine.devices.values()]
        .filter(({ present }) => present)
        .map((device) => this.#summary(device)),
    );
  }

  async open(address: PciAddress): Promise<Result<DeviceSession>> {
    const found = this.#find(address);
    if (!found.ok) return found;
    const device = found.value;
    const core = device.vfio;
    if (core === null) {
      const driver = device.driver === null ? 'no driver' : `the driver ${device.driver.name}`;
      return failure('kernelRefused', `${address} has ${driver}; bind it to vfio-pci first.`);
    }
    const foreign = this.#groupSiblings(device).find((other) => other.driver?.vfio === 'host');
    if (foreign !== undefined) {
      return failure(
        'permissionDenied',
        `The IOMMU group of ${address} is not viable: ${foreign.address} is on ${foreign.driver?.name ?? 'a host driver'}.`,
        { errno: { number: 1, name: 'EPERM' } },
      );
    }
    if (this.#open.has(address)) return failure('busy', `${address} is open already.`);
    const opened = await this.machine.call(core.open());
    if (!opened.ok) return opened;
    const endpoint = this.#endpoints.get(device) ?? null;
    const needs = { machine: this.machine, device, core, endpoint };
    const vfio = new SimulatedVfioDevice(needs);
    vfio.registerRequestEventfd();
    const session = await openBenchSession({
      device: vfio,
      driver: simulatedDriver(needs),
      clock: this.clock,
      capabilities: this.#capabilities(device),
      platform: this.machine.profile.platform,
      closed: () => this.#open.delete(address),
    });
    if (session.ok) this.#open.set(address, { vfio, session: session.value });
    return session;
  }

  async injectors(address: PciAddress): Promise<Result<readonly InjectorOffer[]>> {
    const found = this.#find(address);
    if (!found.ok) return found;
    const open = this.#open.has(address);
    return success([
      { injector: 'simulated', faults: faultsOf(this.machine), refusal: null },
      {
        injector: 'loopback',
        faults: ['loopback'],
        refusal: open
          ? null
          : failure('injectorUnavailable', `${address} is not open, so there is no eventfd.`).error,
      },
    ]);
  }

  async faultTarget(address: PciAddress): Promise<Result<FaultTarget>> {
    const found = this.#find(address);
    if (!found.ok) return found;
    const device = found.value;
    const { fn } = device;
    const word = (register: number): number => fn.readConfig(fn.aerCapability + register, 4);
    return success({
      address,
      kind: device.isBridge ? 'bridge' : 'endpoint',
      link: fn.link,
      use: useOf(device),
      siblings: this.#sharers(device).map((other) => ({
        address: other.address,
        driver: other.driver?.name ?? null,
        use: useOf(other),
        owner: other.driver === null ? 'nobody' : other.driver.vfio,
      })),
      aer:
        fn.aerCapability === 0
          ? null
          : {
              uncorrectableMask: word(aerRegister.uncorrectableMask),
              correctableMask: word(aerRegister.correctableMask),
            },
    });
  }

  async inject(request: FaultRequest): Promise<Result<FaultReceipt>> {
    const found = this.#find(request.address);
    if (!found.ok) return found;
    const device = found.value;
    const endpoint = this.#endpoints.get(device) ?? null;
    const open = this.#open.get(request.address);
    const inPartition =
      endpoint === null ? [] : endpoint.devices.flatMap((other) => this.#open.get(other.address) ?? []);
    return causeFault(
      {
        machine: this.machine,
        aer: this.#aer,
        device,
        endpoint,
        open: open?.vfio ?? null,
        openInPartition: inPartition.map(({ vfio }) => vfio),
      },
      request,
      async () =>
        open?.session.triggerLoopback() ?? failure('sessionClosed', `${request.address} is not open.`),
    );
  }

  async bind(address: PciAddress, driver: string | null): Promise<Result<void>> {
    const found = this.#find(address);
    if (!found.ok) return found;
    const device = found.value;
    if (device.driver !== null) await this.machine.call(unbindDriver(device));
    if (driver === null) return done;
    // vfio_pci_core_register_device(): only normal headers.
    if (device.isBridge && driver.startsWith('vfio-pci')) {
      return refused('EINVAL', `${address} is a bridge; vfio-pci takes endpoints only.`);
    }
    bindDriver(this.machine, device, driver);
    return done;
  }

  async platformOffers(address: PciAddress): Promise<Result<readonly PlatformOffer[]>> {
    const target = this.#platformTarget(address);
    return target.ok
      ? success(platformActions.map((action) => ({ action, refusal: platformRefusal(target.value, action) })))
      : target;
  }

  async platformAct(address: PciAddress, action: PlatformAction): Promise<Result<PlatformReport>> {
    const target = this.#platformTarget(address);
    if (!target.ok) return target;
    const refusal = platformRefusal(target.value, action);
    if (refusal !== null) return { ok: false, error: refusal };
    const begun = this.clock.now();
    const site = { machine: this.machine, address, poweredOff: this.#poweredOff };
    const acted = await this.machine.call(actOnSimulatedPlatform(site, action));
    if (!acted.ok) return acted;
    const present = this.machine.devices.get(address)?.present === true;
    return success({ action, took: this.clock.now() - begun, present });
  }

  async rescan(): Promise<Result<readonly PciAddress[]>> {
    if (this.#closed) return failure('rigClosed', 'This rig is closed.');
    const back: PciAddress[] = [];
    for (const device of [...this.machine.devices.values()]) {
      if (device.present || this.#poweredOff.has(device.address)) continue;
      if (replug(this.machine, device).ok) back.push(device.address);
    }
    return success(back);
  }

  onEvent(listener: (event: RigEvent) => void): Disposer {
    return this.machine.onEvent(listener);
  }

  /** The open device behind the port, for scenarios that make its reader slow. */
  openDevice(address: PciAddress): SimulatedVfioDevice | null {
    return this.#open.get(address)?.vfio ?? null;
  }

  /** As when a program ends: the kernel closes what was open, and the machine stops. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#open.values()].map(({ session }) => session.close()));
    this.clock.close();
  }

  #find(address: PciAddress): Result<PciDevice> {
    if (this.#closed) return failure('rigClosed', 'This rig is closed.');
    const device = this.machine.devices.get(address);
    if (device === undefined) {
      return failure(
        'unknownAddress',
        `${this.info.title} has no device ${address}; "devices" lists what it has.`,
      );
    }
    return device.present ? success(device) : failure('deviceLost', `${address} is not on the bus any more.`);
  }

  #platformTarget(address: PciAddress): Result<PlatformTarget> {
    const device = this.machine.devices.get(address);
    if (this.#closed || device === undefined) {
      const found = this.#find(address);
      if (!found.ok) return found;
    }
    const zpci = this.machine.profile.platform === 'zpci';
    return success({
      address,
      zpci,
      present: device?.present === true,
      use: device === undefined ? 'free' : useOf(device),
      openInBench: this.#open.has(address),
      holders: [],
      canRecover: zpci,
      // A simulated machine has no service element.
      canReport: false,
      powered: zpci ? !this.#poweredOff.has(address) : null,
    });
  }

  #groupSiblings(device: PciDevice): readonly PciDevice[] {
    const { iommuGroup } = device.node.description;
    return [...this.machine.devices.values()].filter(
      (other) => other !== device && other.present && other.node.description.iommuGroup === iommuGroup,
    );
  }

  /** Everything below the same port goes through the same recovery and the same reset. */
  #sharers(device: PciDevice): readonly PciDevice[] {
    const { parent } = device.node;
    if (parent === undefined || device.isBridge) return [];
    return this.machine.below(this.machine.device(parent)).filter((other) => other !== device);
  }

  #protocols(device: PciDevice): readonly Protocol[] {
    const { profile } = this.machine;
    if (device.isBridge || device.driver?.vfio !== 'vfio') return [];
    if (profile.platform === 'eeh') return ['eeh'];
    if (profile.mediation === 'mediated') return ['mediated'];
    const notify = device.vfio?.offersNotify === true;
    return device.vfio?.offersErrorIndex === true ? [...(notify ? (['notify'] as const) : []), 'legacy'] : [];
  }

  #capabilities(device: PciDevice): DeviceCapabilities {
    const { profile } = this.machine;
    return {
      protocols: this.#protocols(device),
      ackTimeout: profile.ackTimeout,
      uevents: 'observable',
      sharers: this.#sharers(device).map((other) => other.address),
      resetKinds:
        profile.platform === 'eeh'
          ? ['peHot', 'peFundamental']
          : profile.platform === 'zpci'
            ? ['device']
            : ['device', 'hot'],
      restores: restoresOf(profile),
    };
  }

  #summary(device: PciDevice): DeviceSummary {
    const { description } = device.node;
    const { template } = device.fn;
    const { identity } = description;
    return {
      address: device.address,
      name: template.name,
      kind: device.isBridge ? 'bridge' : 'endpoint',
      className: template.className,
      vendorId: template.vendorId,
      deviceId: template.deviceId,
      parent: description.parent,
      driver: device.driver?.name ?? null,
      iommuGroup: description.iommuGroup,
      protocols: this.#protocols(device),
      aerCounters: device.fn.aerCapability === 0 ? null : { ...device.aerCounters },
      ...(identity.kind === 'zpci' ? { zpci: zpciFunctionOf(device) } : {}),
    };
  }
}

const useOf = (device: PciDevice): 'free' | 'rootFilesystem' => {
  const { driver } = device.node.description;
  return driver.kind === 'host' && driver.name === device.driver?.name ? driver.use : 'free';
};
