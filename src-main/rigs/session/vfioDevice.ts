import type { DmaAperture } from '../../core/faults/badDma.ts';
import type { PciAddress } from '../../core/pci/address.ts';
import type { Protocol } from '../../core/recovery/phase.ts';
import type { Microseconds } from '../../core/recovery/phase.ts';
import type { AutomaticReport, EehOperation, EehReport } from '../../core/recovery/reports.ts';
import type { Result } from '../../core/result.ts';

export type AccessWidth = 1 | 2 | 4;

export interface ZpciBase {
  readonly aperture: DmaAperture;
  /** Volatile; null where the kernel's capability has none (before its version 2). */
  readonly functionHandle: number | null;
}

export interface ConfigPlace {
  readonly offset: number;
  readonly width: AccessWidth;
}

/** A call that works between signal and ack (observation 11), prepared to be made without the main thread. */
export type PreparedCall =
  | ({ readonly call: 'writeConfig'; readonly value: number } & ConfigPlace)
  | { readonly call: 'disableMsix' }
  /** Fails with `busy` when one of the bits is set; all ones are no answer, and so no bits. */
  | ({ readonly call: 'expectClear'; readonly bits: number } & ConfigPlace);

/** What a device does by itself at its next signal: looks, calls, and the ack if every call succeeded. */
export interface PreparedAnswer {
  /** Microseconds after the signal. */
  readonly delay: Microseconds;
  /** So long after the signal no ack is given any more. */
  readonly latest: Microseconds;
  readonly looks: readonly ConfigPlace[];
  readonly calls: readonly PreparedCall[];
  /** Puts what it came to into words. */
  readonly report: (given: GivenAnswer) => AutomaticReport;
}

export interface GivenAnswer {
  readonly at: Microseconds;
  readonly looks: readonly Result<number>[];
  readonly calls: readonly Result<void>[];
  /** Null: withheld. */
  readonly acknowledged: Result<void> | null;
}

/** Numbers of what was told of one arming (`RigEvent`): the last signal, and the last in which an ack was given. */
export interface Told {
  readonly signal: number;
  readonly acknowledged: number;
}

/**
 * One open VFIO device, call by call: the port that the simulated kernel and a real one implement. Each method is one
 * kernel call and answers as the kernel does, errno included; what a call is good for is the session's business.
 */
export interface VfioDevice {
  readonly address: PciAddress;
  /** Registers the eventfd of the protocol's error index; from now on its reads arrive as rig events. */
  registerErrorEventfd(protocol: Protocol): Promise<Result<void>>;
  /** SET_IRQS 0x21, count 0. */
  unregisterErrorEventfd(protocol: Protocol): Promise<Result<void>>;
  /** SET_IRQS 0x21, count 1: the kernel signals the eventfd as if an error had happened. */
  triggerErrorEventfd(protocol: Protocol): Promise<Result<void>>;
  /** SET_IRQS 0x11, count 0, index 5. Succeeds also when nothing waits (observation 1). */
  acknowledge(): Promise<Result<void>>;
  /** Resolves when the answer stands for the next signal; `stepUnderWay` when something was told since `heard`. */
  handDown(answer: PreparedAnswer, heard: number): Promise<Result<void>>;
  /** When it has resolved no answer is given any more, and one that was given has been told. */
  takeBack(): Promise<Result<void>>;
  readonly told: Told;
  /** Registers an eventfd for every MSI-X vector; ENOTTY-like refusal when the device has none. */
  enableMsix(): Promise<Result<void>>;
  disableMsix(): Promise<Result<void>>;
  /** VFIO_DEVICE_RESET. */
  reset(): Promise<Result<void>>;
  /** VFIO_DEVICE_PCI_HOT_RESET with all groups owned; the addresses that were reset. */
  hotReset(): Promise<Result<readonly PciAddress[]>>;
  /** VFIO_DEVICE_FEATURE_ZPCI_ERROR (13), GET: one record, or null for ENOMSG. */
  takeZpciError(): Promise<Result<Uint8Array | null>>;
  /** VFIO_DEVICE_INFO_CAP_ZPCI_BASE as it is now; null off s390x. */
  readZpciBase(): Promise<Result<ZpciBase | null>>;
  /** VFIO_EEH_PE_OP. */
  eeh(operation: EehOperation): Promise<Result<EehReport>>;
  /** Through the config region: what VFIO shows, some of it virtualised. */
  readConfig(offset: number, width: AccessWidth): Promise<Result<number>>;
  writeConfig(offset: number, width: AccessWidth, value: number): Promise<Result<void>>;
  /** The whole space as VFIO shows it; with a length only that much of it may be read. */
  readConfigSpace(length?: number): Promise<Result<Uint8Array>>;
  /** The whole space as the hardware has it: sysfs `config`. */
  readHardwareConfigSpace(length?: number): Promise<Result<Uint8Array>>;
  /** mmap() of a whole BAR. */
  mapBar(bar: number): Promise<Result<unknown>>;
  /** One load from the last mapping of the BAR. Refused where the processor's answer would be SIGBUS. */
  loadMapped(bar: number, offset: number, width: AccessWidth): Promise<Result<number>>;
  /** Unmaps the bench's BAR mappings, so that nothing touches the device behind its back. */
  unmapBars(): Promise<Result<void>>;
  /** UNMAP_DMA + MAP_DMA of the bench's own buffer; after a zPCI error the old mapping is gone. */
  remapDma(): Promise<Result<void>>;
  close(): Promise<Result<void>>;
}

export interface DriverCheck {
  readonly result: 'passed' | 'failed';
  readonly detail: string;
}

/** A small user-space driver of the device behind the session: what makes "it works again" more than a register read. */
export interface UserSpaceDriver {
  readonly name: string;
  /** Sets the device itself up; MSI-X is on already. */
  initialise(): Promise<Result<void>>;
  /** One DMA through the IOMMU, with its data checked. */
  proveDma(): Promise<DriverCheck>;
  /** One interrupt that arrives at its eventfd. */
  proveMsix(): Promise<DriverCheck>;
}
