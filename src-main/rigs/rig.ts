import type { PciAddress } from '../core/pci/address.ts';
import type { Result } from '../core/result.ts';
import type { RecoveryUevent } from '../core/recovery/event.ts';
import type { Microseconds, Protocol } from '../core/recovery/phase.ts';
import type { Automatic } from '../core/recovery/automatic.ts';
import type {
  AutomaticReport,
  EehOperation,
  EehReport,
  ErrorRecord,
  Inspection,
  ProofReport,
  QuiesceReport,
  ReinitialiseReport,
  ResetKind,
  ResetReport,
} from '../core/recovery/reports.ts';
import type { RestorePolicy } from '../core/restore/history.ts';
import type { TraceTold } from '../core/kernelTrace/told.ts';
import type { ZpciFunction } from '../core/zpci/zpciFunction.ts';
import type { FaultReceipt, FaultRequest, FaultTarget, InjectorOffer } from '../core/faults/fault.ts';

export type Disposer = () => void;

/** Time as the rig counts it: microseconds on a monotonic clock, and the wall clock beside it. */
export interface RigClock {
  now(): Microseconds;
  /** ISO 8601, milliseconds, UTC. */
  wall(): string;
  /** Calls back once at `moment` or as soon after as possible; the disposer takes the call back. */
  at(moment: Microseconds, callback: () => void): Disposer;
}

export interface RigInfo {
  readonly kind: 'simulated' | 'local' | 'remote' | 'virtual';
  /** As the command line takes it: `simulated:notify-6.1`. */
  readonly name: string;
  readonly title: string;
  readonly kernel: string;
  readonly architecture: 'x86_64' | 's390x' | 'ppc64le';
}

/** One PCI function as a list or tree shows it. */
export interface DeviceSummary {
  readonly address: PciAddress;
  readonly name: string;
  readonly kind: 'endpoint' | 'bridge';
  readonly className: string;
  readonly vendorId: number;
  readonly deviceId: number;
  /** The port above; null on a root bus and on s390x, where there is no tree. */
  readonly parent: PciAddress | null;
  readonly driver: string | null;
  readonly iommuGroup: number | null;
  /** What this device could be armed with, as far as can be told without opening it. */
  readonly protocols: readonly Protocol[];
  /** Sums of aer_dev_correctable, _nonfatal and _fatal; null where the kernel keeps none. */
  readonly aerCounters: {
    readonly correctable: number;
    readonly nonFatal: number;
    readonly fatal: number;
  } | null;
  /** s390x only. */
  readonly zpci?: ZpciFunction;
}

/** What a rig tells without being asked. `at` is on the rig's clock, taken as close to the kernel as possible. */
export type RigEvent = { readonly at: Microseconds } & (
  | {
      readonly kind: 'signal';
      readonly address: PciAddress;
      readonly protocol: Protocol;
      readonly count: number;
      /** Signals and late answers of one arming are numbered in the order in which they are told, from 1. */
      readonly number: number;
      /** What was done at once, as it was handed down; null when nothing was. */
      readonly answered: AutomaticReport | null;
    }
  /** What was handed down to be done some time after the signal was done. */
  | {
      readonly kind: 'answered';
      readonly address: PciAddress;
      readonly protocol: Protocol;
      readonly number: number;
      readonly answered: AutomaticReport;
    }
  | { readonly kind: 'releaseRequested'; readonly address: PciAddress }
  | { readonly kind: 'uevent'; readonly address: PciAddress; readonly uevent: RecoveryUevent }
  | { readonly kind: 'kernelLog'; readonly address: PciAddress | null; readonly text: string }
  /** `address`: whom the kernel's function was called for, the device itself or a port above it; null: not known. */
  | { readonly kind: 'kernelTrace'; readonly address: PciAddress | null; readonly told: TraceTold }
  | { readonly kind: 'deviceRemoved'; readonly address: PciAddress }
  | { readonly kind: 'deviceAdded'; readonly address: PciAddress }
  /** The machine cannot be heard; what happens there is unknown until it can be. */
  | { readonly kind: 'linkLost'; readonly reason: string }
  /** What was missed has been told just before, as far as the machine still had it. */
  | {
      readonly kind: 'linkRestored';
      /** Events that nobody has any more. */
      readonly dropped: number;
      /** Devices that were open and are not: whoever held them ended, or gave up waiting. */
      readonly closed: readonly PciAddress[];
    }
);

/** What an open device can do, found by asking the kernel (num_irqs, a trial SET_IRQS, feature probes). */
export interface DeviceCapabilities {
  readonly protocols: readonly Protocol[];
  /** The kernel's wait for an ack. */
  readonly ackTimeout: Microseconds;
  readonly uevents: 'observable' | 'unobservable';
  /** Other functions that share this one's reset, and are notified in the same recovery. */
  readonly sharers: readonly PciAddress[];
  readonly resetKinds: readonly ResetKind[];
  /** What the driver restores after the kernel has reset the device, as far as the rig can tell. */
  readonly restores: RestorePolicy;
}

/** Both views of the config space, read one right after the other. */
export interface ConfigReading {
  /** When that began, on the rig's clock. */
  readonly at: Microseconds;
  /** As VFIO shows it. */
  readonly vfio: Result<Uint8Array>;
  readonly hardware: Result<Uint8Array>;
}

/** Is given what the device holds after one step of reinitialising, with the step's name as in the report. */
export type StepReader = (step: string, reading: ConfigReading) => void;

/** What is handed down: when to act after the signal, and until when an ack may leave. */
export type AutomaticOrder = Pick<Automatic, 'at' | 'latest'>;

/**
 * One device, open through VFIO. Nothing throws; what the kernel refused comes back as an error with its errno. All
 * of it may block for as long as the kernel does, so nothing here may be awaited while a deadline is kept.
 */
export interface DeviceSession {
  readonly address: PciAddress;
  readonly capabilities: DeviceCapabilities;
  /** The config space right after the open, before anything was written; null: this view could not be read. */
  readonly opening: Readonly<Record<'vfio' | 'hardware', Uint8Array | null>>;
  /** How bringing the device into service went when it was opened; a device that was dead before says so here. */
  readonly setUp: ReinitialiseReport;
  arm(protocol: Protocol): Promise<Result<void>>;
  /**
   * Takes back what was handed down, then removes the eventfd. `heard` as with `handDown`: when an ack was given without
   * asking since, the eventfd stays, because event 2 is to come on it (`noOpenWait`).
   */
  disarm(heard?: number): Promise<Result<void>>;
  /**
   * SET_IRQS DATA_NONE | ACTION_UNMASK, index 5, count 0. The caller has made sure that a wait is open. What was handed
   * down is taken back first. When it has acked since `heard`, that was the ack, and no other is sent; when another
   * signal has come since, the wait may be over, and none is sent (`noOpenWait`).
   */
  acknowledge(heard?: number): Promise<Result<void>>;
  /**
   * Lets whoever waits for the signals quiesce and ack at the next one by itself, once (core/recovery/automatic.ts). To
   * be handed down anew after each recovery, with the device in service: the registers that it writes are prepared from
   * what they hold. `heard`: the number of the last signal or answer that was heard of, 0 for none in this arming; when
   * there was another since, it is refused with `stepUnderWay`.
   */
  handDown(order: AutomaticOrder, heard: number): Promise<Result<void>>;
  /** When it has resolved nothing is done without asking any more, and what was done has been told. */
  takeBack(): Promise<Result<void>>;
  inspect(): Promise<Result<Inspection>>;
  quiesce(): Promise<QuiesceReport>;
  reset(kind: ResetKind): Promise<Result<ResetReport>>;
  eeh(operation: EehOperation): Promise<Result<EehReport>>;
  /** Feature 13 until ENOMSG. */
  drainErrors(): Promise<Result<readonly ErrorRecord[]>>;
  readConfig(view: 'vfio' | 'hardware'): Promise<Result<Uint8Array>>;
  /** For less than two `readConfig`: what was empty at the opening is not read again. */
  readBothViews(): Promise<ConfigReading>;
  /** One register through VFIO's config region, as a user-space driver writes it; `offset` and `width` in bytes. */
  writeConfig(offset: number, width: 1 | 2 | 4, value: number): Promise<Result<void>>;
  /** With a `reader` the config space is read after each step that did, or tried, something. */
  reinitialise(reader?: StepReader): Promise<ReinitialiseReport>;
  prove(): Promise<ProofReport>;
  /** ACTION_TRIGGER on the armed index. */
  triggerLoopback(): Promise<Result<void>>;
  /** Sets up the device's own engine and nothing else, as a driver does that trusts the kernel's restore. */
  startEngine(): Promise<Result<void>>;
  /** mmap() of a BAR; it stays until the device is quiesced or closed. */
  mapBar(bar: number): Promise<Result<void>>;
  /** One load from a mapped BAR. What nobody decodes reads 0, and that is no error (observation 3). */
  loadMapped(bar: number, offset: number, width: 1 | 2 | 4): Promise<Result<number>>;
  close(): Promise<Result<void>>;
}

export interface Rig {
  readonly info: RigInfo;
  readonly clock: RigClock;
  devices(): Promise<Result<readonly DeviceSummary[]>>;
  open(address: PciAddress): Promise<Result<DeviceSession>>;
  injectors(address: PciAddress): Promise<Result<readonly InjectorOffer[]>>;
  /** What has to be known of a device before it is harmed. */
  faultTarget(address: PciAddress): Promise<Result<FaultTarget>>;
  inject(fault: FaultRequest): Promise<Result<FaultReceipt>>;
  /** driver_override and drivers_probe; null leaves the device without a driver. Blocks as the kernel does. */
  bind(address: PciAddress, driver: string | null): Promise<Result<void>>;
  /** /sys/bus/pci/rescan: the addresses that came back. Their drivers have to be bound again. */
  rescan(): Promise<Result<readonly PciAddress[]>>;
  onEvent(listener: (event: RigEvent) => void): Disposer;
  close(): Promise<void>;
}
