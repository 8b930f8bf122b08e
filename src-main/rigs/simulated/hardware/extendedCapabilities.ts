/**
 * Extended capabilities as declarative tables. Offsets: include/uapi/linux/pci_regs.h. Attributes and reset values:
 * PCIe base specification 7.7 to 7.9 and 10.5, named per table where they are not obvious.
 */
import { defaultSeverityMask } from '../../../core/pci/aer.ts';
import { extendedCapabilityId } from '../../../core/pci/capability-ids.ts';
import {
  acsRegister,
  aerRegister,
  ariRegister,
  atsControlBit,
  atsRegister,
  dpcRegister,
  l1SubstatesRegister,
  ltrRegister,
  pasidControlBit,
  pasidRegister,
  priControlBit,
  priRegister,
  ptmControlBit,
  ptmRegister,
  resizableBarControlBit,
  resizableBarRegister,
  sriovControlBit,
  sriovRegister,
  tphRegister,
  virtualChannelRegister,
} from '../../../core/pci/capability-registers.ts';
import type { CapabilitySpec, RegisterSpec } from './configSpaceLayout.ts';

const extended = (
  id: number,
  version: number,
  size: number,
  registers: readonly RegisterSpec[],
): CapabilitySpec => ({ space: 'extended', id, version, size, registers });

// DLP SDN, POISON_TLP … MCBTLP, ATOP_EBLOCKED, TLP_PRF_BLOCKED; the bits between are reserved.
const uncorrectableBits = 0x03ff_f030;
const correctableBits = 0x0000_f1c1;
// PCIe 7.8.4.6: advisory non-fatal, corrected internal and header log overflow start masked.
const maskedCorrectableBits = 0x0000_e000;

/**
 * Status, masks, severities and the header log are sticky (PCIe 7.8.4): they survive the reset that the error caused,
 * which is why an uncleared status names the next error wrongly. Root Error Command is not sticky.
 */
export const advancedErrorReporting = (options: { root: boolean }): CapabilitySpec => {
  const header = [0, 4, 8, 12].map((step): RegisterSpec => ({
    offset: aerRegister.headerLog + step,
    width: 4,
    sticky: 0xffff_ffff,
  }));
  const root: RegisterSpec[] = [
    { offset: aerRegister.rootCommand, width: 4, writable: 0x7 },
    { offset: aerRegister.rootStatus, width: 4, writeOneToClear: 0x7f, sticky: 0x7f },
    { offset: aerRegister.correctableSource, width: 4, sticky: 0xffff_ffff },
  ];
  return extended(extendedCapabilityId.advancedErrorReporting, 2, 0x48, [
    {
      offset: aerRegister.uncorrectableStatus,
      width: 4,
      writeOneToClear: uncorrectableBits,
      sticky: uncorrectableBits,
    },
    // The mask of INTN starts clear: QEMU delivers an injected INTN, and it is what this model is compared with.
    {
      offset: aerRegister.uncorrectableMask,
      width: 4,
      writable: uncorrectableBits,
      sticky: uncorrectableBits,
    },
    {
      offset: aerRegister.uncorrectableSeverity,
      width: 4,
      reset: defaultSeverityMask & uncorrectableBits,
      writable: uncorrectableBits,
      sticky: uncorrectableBits,
    },
    {
      offset: aerRegister.correctableStatus,
      width: 4,
      writeOneToClear: correctableBits,
      sticky: correctableBits,
    },
    {
      offset: aerRegister.correctableMask,
      width: 4,
      reset: maskedCorrectableBits,
      writable: correctableBits,
      sticky: correctableBits,
    },
    {
      offset: aerRegister.capabilitiesAndControl,
      width: 4,
      reset: 0x00a0,
      writable: 0x0140,
      sticky: 0x015f,
    },
    ...header,
    ...(options.root ? root : []),
  ]);
};

export const pasid = (): CapabilitySpec =>
  extended(extendedCapabilityId.processAddressSpaceId, 1, 8, [
    { offset: pasidRegister.capabilities, width: 2, reset: 0x1406 },
    {
      offset: pasidRegister.control,
      width: 2,
      writable: pasidControlBit.enable | pasidControlBit.executePermission | pasidControlBit.privilegedMode,
    },
  ]);

export const pageRequest = (options: { capacity: number }): CapabilitySpec =>
  extended(extendedCapabilityId.pageRequestInterface, 1, 16, [
    { offset: priRegister.control, width: 2, writable: priControlBit.enable },
    // Stopped, and PASID required in responses.
    { offset: priRegister.status, width: 2, reset: 0x8100, writeOneToClear: 0x0003 },
    { offset: priRegister.capacity, width: 4, reset: options.capacity },
    { offset: priRegister.allocation, width: 4, writable: 0xffff_ffff },
  ]);

export const addressTranslation = (): CapabilitySpec =>
  extended(extendedCapabilityId.addressTranslationServices, 1, 8, [
    { offset: atsRegister.capabilities, width: 2, reset: 0x0020 },
    {
      offset: atsRegister.control,
      width: 2,
      writable: atsControlBit.enable | atsControlBit.smallestTranslationUnit,
    },
  ]);

/** All registers of a virtual channel capability survive a function level reset (PCIe 6.6.2; drivers/pci/vc.c says so). */
export const virtualChannel = (options: { extraChannels: number }): CapabilitySpec => {
  const registers: RegisterSpec[] = [
    { offset: virtualChannelRegister.portCapabilities1, width: 4, reset: options.extraChannels },
    { offset: virtualChannelRegister.portCapabilities2, width: 4, reset: 0x1 },
    {
      offset: virtualChannelRegister.portControl,
      width: 2,
      writable: 0x000e,
      keptByFunctionLevelReset: 0x000e,
    },
  ];
  for (let channel = 0; channel <= options.extraChannels; channel++) {
    const base = channel * virtualChannelRegister.resourceSize;
    // Channel 0 is always enabled and always carries traffic class 0 (PCIe 7.9.1.7).
    const writable = channel === 0 ? 0x000e_00fe : 0x870e_00fe;
    registers.push({
      offset: virtualChannelRegister.resourceControl + base,
      width: 4,
      reset: channel === 0 ? 0x8000_00ff : 0,
      writable,
      keptByFunctionLevelReset: writable,
    });
  }
  const size = 0x10 + (options.extraChannels + 1) * virtualChannelRegister.resourceSize;
  return extended(extendedCapabilityId.virtualChannel, 1, size, registers);
};

export interface ResizableBarEntry {
  readonly bar: number;
  /** Bit n: 2^n MiB is possible. */
  readonly sizes: number;
  /** The exponent after reset: 2^n MiB. */
  readonly initial: number;
}

const resizable = (id: number, entries: readonly ResizableBarEntry[]): CapabilitySpec =>
  extended(
    id,
    1,
    4 + 8 * entries.length,
    entries.flatMap((entry, index): RegisterSpec[] => [
      {
        offset: resizableBarRegister.capabilities + index * resizableBarRegister.entrySize,
        width: 4,
        reset: (entry.sizes << 4) >>> 0,
      },
      {
        offset: resizableBarRegister.control + index * resizableBarRegister.entrySize,
        width: 4,
        reset: entry.bar | (index === 0 ? entries.length << 5 : 0) | (entry.initial << 8),
        writable: resizableBarControlBit.barSize,
      },
    ]),
  );

export const resizableBar = (entries: readonly ResizableBarEntry[]): CapabilitySpec =>
  resizable(extendedCapabilityId.resizableBar, entries);

/** `bar` is a VF BAR. That a larger size clears address bits of the VF BAR is not modelled. */
export const virtualFunctionResizableBar = (entries: readonly ResizableBarEntry[]): CapabilitySpec =>
  resizable(extendedCapabilityId.virtualFunctionResizableBar, entries);

export const downstreamPortContainment = (): CapabilitySpec =>
  extended(extendedCapabilityId.downstreamPortContainment, 1, 0x0c, [
    { offset: dpcRegister.capabilities, width: 2, reset: 0x0080 },
    { offset: dpcRegister.control, width: 2, writable: 0x001f },
    { offset: dpcRegister.status, width: 2, writeOneToClear: 0x0009, sticky: 0x0007 },
    { offset: dpcRegister.source, width: 2, sticky: 0xffff },
  ]);

export const precisionTime = (options: { root: boolean }): CapabilitySpec =>
  extended(extendedCapabilityId.precisionTimeMeasurement, 1, 12, [
    { offset: ptmRegister.capabilities, width: 4, reset: options.root ? 0x0416 : 0x0401 },
    {
      offset: ptmRegister.control,
      width: 4,
      writable: 0xff00 | ptmControlBit.enable | (options.root ? ptmControlBit.rootSelect : 0),
    },
  ]);

/** TPH requester with its steering tags inside the capability; `entries` up to 64 (PCIe 7.9.13). */
export const tphRequester = (options: { entries: number }): CapabilitySpec => {
  const registers: RegisterSpec[] = [
    {
      offset: tphRegister.capabilities,
      width: 4,
      // No steering tags, interrupt vector and device specific modes; the table is in the capability.
      reset: 0x0000_0207 | ((options.entries - 1) << 16),
    },
    { offset: tphRegister.control, width: 4, writable: 0x0000_0307 },
  ];
  for (let entry = 0; entry < options.entries; entry++) {
    registers.push({ offset: tphRegister.steeringTable + 2 * entry, width: 2, writable: 0xffff });
  }
  return extended(extendedCapabilityId.tphRequester, 1, 12 + 2 * options.entries, registers);
};

/** Source validation, translation blocking, request and completion redirect, upstream forwarding: 0x1f. */
export const accessControl = (options: { capabilities: number }): CapabilitySpec =>
  extended(extendedCapabilityId.accessControlServices, 1, 8, [
    { offset: acsRegister.capabilities, width: 2, reset: options.capabilities },
    { offset: acsRegister.control, width: 2, writable: options.capabilities },
  ]);

export const alternativeRoutingId = (): CapabilitySpec =>
  extended(extendedCapabilityId.alternativeRoutingId, 1, 8, [{ offset: ariRegister.control, width: 2 }]);

export const singleRootVirtualization = (options: {
  totalVfs: number;
  vfDeviceId: number;
  vfBarSize: number;
}): CapabilitySpec =>
  extended(extendedCapabilityId.singleRootVirtualization, 1, 0x40, [
    {
      offset: sriovRegister.control,
      width: 2,
      writable: sriovControlBit.vfEnable | sriovControlBit.vfMemorySpace | sriovControlBit.ariHierarchy,
    },
    { offset: sriovRegister.initialVfs, width: 2, reset: options.totalVfs },
    { offset: sriovRegister.totalVfs, width: 2, reset: options.totalVfs },
    { offset: sriovRegister.numVfs, width: 2, writable: 0xffff },
    { offset: sriovRegister.firstVfOffset, width: 2, reset: 0x0080 },
    { offset: sriovRegister.vfStride, width: 2, reset: 0x0002 },
    { offset: sriovRegister.vfDeviceId, width: 2, reset: options.vfDeviceId },
    { offset: sriovRegister.supportedPageSizes, width: 4, reset: 0x0000_0553 },
    { offset: sriovRegister.systemPageSize, width: 4, reset: 0x0000_0001, writable: 0x0000_0553 },
    {
      offset: sriovRegister.vfBaseAddress0,
      width: 4,
      reset: 0x4,
      writable: ~(options.vfBarSize - 1) & 0xffff_fff0,
    },
    { offset: sriovRegister.vfBaseAddress0 + 4, width: 4, writable: 0xffff_ffff },
  ]);

export const latencyTolerance = (): CapabilitySpec =>
  extended(extendedCapabilityId.latencyToleranceReporting, 1, 8, [
    { offset: ltrRegister.maximumSnoop, width: 2, writable: 0x1fff },
    { offset: ltrRegister.maximumNoSnoop, width: 2, writable: 0x1fff },
  ]);

export const l1Substates = (): CapabilitySpec =>
  extended(extendedCapabilityId.l1PowerManagementSubstates, 1, 0x10, [
    { offset: l1SubstatesRegister.capabilities, width: 4, reset: 0x0028_1e1f },
    { offset: l1SubstatesRegister.control1, width: 4, writable: 0xe3ff_ff0f },
    { offset: l1SubstatesRegister.control2, width: 4, reset: 0x28, writable: 0xfb },
  ]);

export const deviceSerialNumber = (serial: number): CapabilitySpec =>
  extended(extendedCapabilityId.deviceSerialNumber, 1, 12, [
    { offset: 4, width: 4, reset: serial },
    { offset: 8, width: 4, reset: 0x0002_c903 },
  ]);
