import {
  aerRegister,
  aerRootCommandBit,
  deviceControlBit,
  pciExpressRegister,
} from '../pci/capability-registers.ts';
import { capabilityId, extendedCapabilityId } from '../pci/capability-ids.ts';
import { findCapability, findExtendedCapability } from '../pci/capabilities.ts';
import type { PciAddress } from '../pci/address.ts';
import type { AerError, AerSeverity } from '../pci/aer.ts';
import { longAt, wordAt } from '../pci/bytes.ts';
import { bridgeControlBit, bridgeOffset, commandBit, configOffset } from '../pci/registers.ts';
import type { FaultReceipt, InjectorName } from './fault.ts';

export type Delivery = FaultReceipt['delivery'];

/** Sums of the kernel's AER counters by severity: aer_dev_* of a function, aer_rootport_total_err_* of a root port. */
export interface AerCounters {
  readonly correctable: number;
  readonly nonFatal: number;
  readonly fatal: number;
}

/** What takes part in reporting an error, as it was at one moment. */
export interface ReportingFunction {
  readonly address: PciAddress;
  /** As the hardware has it (sysfs `config`); null where it could not be read. */
  readonly config: Uint8Array | null;
  /** Null where the kernel keeps none. */
  readonly counters: AerCounters | null;
}

/** A device and the ports that its error messages pass, the nearest first and the root port last. */
export interface ReportingPath {
  readonly device: ReportingFunction;
  readonly ports: readonly ReportingFunction[];
}

export interface DeliveryEvidence {
  readonly error: AerError;
  readonly injector: InjectorName;
  /** What a fatal error leaves of the registers says nothing about the way it came, so the way is read beforehand. */
  readonly before: ReportingPath;
  readonly after: ReportingPath;
  /** What came in the meantime and speaks of it: the signal of the device, a line of the kernel log, a uevent. */
  readonly heard: readonly string[];
  /**
   * The module aer_inject is loaded. Once it was used, the kernel reads the module's copy of the AER status registers of
   * that device and of its root port, and real errors of everything below the port are not seen until it is unloaded
   * (aer_inj_read_config()); measured on 6.1.
   */
  readonly aerInjectLoaded: boolean;
}

const severities: readonly AerSeverity[] = ['correctable', 'nonFatal', 'fatal'];

const severityWords: Readonly<Record<AerSeverity, string>> = {
  correctable: 'correctable',
  nonFatal: 'non-fatal',
  fatal: 'fatal',
};

const counted = (before: ReportingFunction, after: ReportingFunction): string | null => {
  const [earlier, later] = [before.counters, after.counters];
  if (earlier === null || later === null) return null;
  const moved = severities.find((severity) => later[severity] > earlier[severity]);
  return moved === undefined
    ? null
    : `The kernel counted a ${severityWords[moved]} error of ${after.address} (${earlier[moved]} to ${later[moved]}).`;
};

const arrival = ({ before, after, heard }: DeliveryEvidence): string | null => {
  const ofDevice = counted(before.device, after.device);
  if (ofDevice !== null) return ofDevice;
  const [sign] = heard;
  if (sign !== undefined) return sign;
  const [earlier, later] = [before.ports.at(-1), after.ports.at(-1)];
  return earlier === undefined || later === undefined ? null : counted(earlier, later);
};

const lost = (where: Extract<Delivery, { kind: 'lost' }>['where'], detail: string): Delivery => ({
  kind: 'lost',
  where,
  detail,
});

const reportingBit: Readonly<Record<AerSeverity, number>> = {
  correctable: deviceControlBit.correctableReporting,
  nonFatal: deviceControlBit.nonFatalReporting,
  fatal: deviceControlBit.fatalReporting,
};

const rootCommandBit: Readonly<Record<AerSeverity, number>> = {
  correctable: aerRootCommandBit.correctableEnable,
  nonFatal: aerRootCommandBit.nonFatalEnable,
  fatal: aerRootCommandBit.fatalEnable,
};

/** A port passes an uncorrectable message on only with SERR in its COMMAND and its Bridge Control (PCIe 6.2.8.1). */
const stoppedBy = (ports: readonly ReportingFunction[]): Delivery | null => {
  for (const { address, config } of ports) {
    if (config === null) continue;
    const command = (wordAt(config, configOffset.command) & commandBit.serr) !== 0;
    const bridge = (wordAt(config, bridgeOffset.bridgeControl) & bridgeControlBit.serr) !== 0;
    if (command && bridge) continue;
    const register = command ? 'Bridge Control' : 'COMMAND';
    return lost(
      'platform',
      `The port ${address} does not pass the message on: SERR is off in its ${register}.`,
    );
  }
  return null;
};

const unheardByKernel = (rootPort: ReportingFunction | undefined, severity: AerSeverity): Delivery | null => {
  if (rootPort === undefined) {
    return lost('platform', 'There is no root port above the device, so nobody takes its error messages.');
  }
  const { address, config } = rootPort;
  if (config === null) return null;
  const aer = findExtendedCapability(config, extendedCapabilityId.advancedErrorReporting);
  if (aer === undefined) {
    return lost(
      'platform',
      `The root port ${address} has no AER capability, so the kernel hears of no error.`,
    );
  }
  if ((longAt(config, aer + aerRegister.rootCommand) & rootCommandBit[severity]) !== 0) return null;
  return lost(
    'platform',
    `The root port ${address} takes the message and does not interrupt: Root Error Command is off. The kernel does not own AER there; boot without pci=noaer, or with pcie_ports=native.`,
  );
};

/** The gates of the device itself: PCIe 6.2.5, and SERR as it was measured (COMMAND without it loses the error). */
const heldBack = (
  device: ReportingFunction,
  aer: number,
  error: AerError,
  severity: AerSeverity,
): Delivery | null => {
  const { address, config } = device;
  if (config === null) return null;
  const express = findCapability(config, capabilityId.pciExpress);
  const control = express === undefined ? null : wordAt(config, express + pciExpressRegister.deviceControl);
  if (control !== null && (control & reportingBit[severity]) === 0) {
    return lost(
      'deviceControl',
      `DevCtl of ${address} is 0x${control.toString(16)} and does not report ${severityWords[severity]} errors; write 0xf to its low bits (arm the device anew).`,
    );
  }
  if (severity !== 'correctable' && (wordAt(config, configOffset.command) & commandBit.serr) === 0) {
    return lost(
      'serr',
      `COMMAND.SERR of ${address} is off, and uncorrectable errors vanish; arm the device anew.`,
    );
  }
  return aer === 0
    ? lost('platform', `${address} has no AER capability to report ${error.name} with.`)
    : null;
};

const aerOf = ({ config }: ReportingFunction): number =>
  config === null ? 0 : (findExtendedCapability(config, extendedCapabilityId.advancedErrorReporting) ?? 0);

const severityIn = (config: Uint8Array, aer: number, error: AerError): AerSeverity => {
  if (error.kind === 'correctable' || aer === 0) return error.defaultSeverity;
  return (longAt(config, aer + aerRegister.uncorrectableSeverity) & error.mask) === 0 ? 'nonFatal' : 'fatal';
};

const latched = ({ config }: ReportingFunction, aer: number, error: AerError): boolean => {
  if (config === null || aer === 0) return false;
  const register =
    error.kind === 'correctable' ? aerRegister.correctableStatus : aerRegister.uncorrectableStatus;
  return (longAt(config, aer + register) & error.mask) !== 0;
};

/** All gates stood open, and nobody was told: what is left to suspect. */
const unexplained = (
  { error, injector, before, aerInjectLoaded }: DeliveryEvidence,
  standsInStatus: boolean,
): string => {
  const { address } = before.device;
  if (injector === 'qemuMonitor' && error.kind === 'correctable' && standsInStatus) {
    return `${error.name} stands in the AER status of ${address}, but QEMU before 8.0 sends no message for correctable errors; take another injector.`;
  }
  if (injector !== 'aerInject' && aerInjectLoaded) {
    return `The module aer_inject is loaded: once it was used, the kernel reads the module's copy of the AER registers and sees no real error of ${address}; unload it (rmmod aer_inject).`;
  }
  return standsInStatus
    ? `${error.name} stands in the AER status of ${address}, and the kernel told and counted nothing; look at the kernel log for AER of the root port.`
    : `${error.name} never reached the AER status of ${address}, although the injector took it.`;
};

/**
 * Whether an error that an injector has taken arrived at the kernel, and where it got lost when it did not. The gates
 * are asked in the order in which an error meets them: mask, Device Control, SERR, the ports, the root port, the
 * kernel. aer_inject writes below the kernel's reads and above the hardware, so for it only the mask and the root port
 * count (drivers/pci/pcie/aer_inject.c).
 */
export const judgeDelivery = (evidence: DeliveryEvidence): Delivery => {
  const arrived = arrival(evidence);
  if (arrived !== null) return { kind: 'reported', detail: arrived };
  const { error, injector, before, after } = evidence;
  const { device, ports } = before;
  if (device.config === null) {
    return lost(
      'platform',
      `Nothing was heard of the error, and the config space of ${device.address} cannot be read.`,
    );
  }
  const aer = aerOf(device);
  const severity = severityIn(device.config, aer, error);
  const maskRegister =
    error.kind === 'correctable' ? aerRegister.correctableMask : aerRegister.uncorrectableMask;
  if (aer !== 0 && (longAt(device.config, aer + maskRegister) & error.mask) !== 0) {
    return lost('masked', `${error.name} is masked in the AER capability of ${device.address}.`);
  }
  const faked = injector === 'aerInject';
  const gate =
    (faked ? null : heldBack(device, aer, error, severity)) ??
    (faked || severity === 'correctable' ? null : stoppedBy(ports)) ??
    unheardByKernel(ports.at(-1), severity);
  if (gate !== null) return gate;
  return lost('platform', unexplained(evidence, latched(after.device, aer, error)));
};
