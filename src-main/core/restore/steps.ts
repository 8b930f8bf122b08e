import { capabilityId, extendedCapabilityId } from '../pci/capability-ids.ts';
import {
  acsRegister,
  aerRegister,
  atsRegister,
  dpcRegister,
  l1SubstatesRegister,
  ltrRegister,
  msiRegister,
  msixRegister,
  pasidRegister,
  pciExpressRegister,
  priRegister,
  ptmRegister,
  resizableBarRegister,
  sriovRegister,
  tphRegister,
  virtualChannelRegister,
} from '../pci/capability-registers.ts';
import { isAtLeast } from './kernelVersion.ts';
import type { ModelledKernel } from './kernelVersion.ts';

/** The steps of `pci_restore_state()` (drivers/pci/pci.c) by the names of their functions. */
export const restoreStepNames = [
  'pci_restore_ltr_state',
  'pci_restore_pcie_state',
  'pci_restore_pasid_state',
  'pci_restore_pri_state',
  'pci_restore_ats_state',
  'pci_restore_vc_state',
  'pci_restore_rebar_state',
  'pci_restore_dpc_state',
  'pci_restore_ptm_state',
  'pci_restore_tph_state',
  'pci_aer_clear_status',
  'pci_restore_aer_state',
  'pci_restore_config_space',
  'pci_restore_pcix_state',
  'pci_restore_msi_state',
  'pci_enable_acs',
  'pci_restore_iov_state',
] as const;

export type RestoreStepName = (typeof restoreStepNames)[number];

/** Where the value comes from that a step writes. `hardwareStatus`: what the status register reads, to clear it. */
export type StepProvenance = 'lastSave' | 'liveKernelState' | 'policy' | 'hardwareStatus';

/**
 * The third column of the table in the mail of 2026-06-08 ("[PATCH v18 3/4] vfio/pci: Add a reset_done callback"):
 * does loading another saved state change what the step writes? `gated`: only while live kernel state lets it write.
 */
export type SnapshotDependence = 'yes' | 'gated' | 'no' | 'notARestore';

export type RestoreCapability =
  | { readonly space: 'header' }
  | { readonly space: 'standard'; readonly id: number }
  | { readonly space: 'extended'; readonly id: number };

export interface RestoreRegister {
  readonly name: string;
  /** From the start of the capability, or of the configuration space for the header. Bytes. */
  readonly offset: number;
  readonly width: 1 | 2 | 4;
  /** The register repeats every so many bytes, as often as the capability says. */
  readonly stride?: number;
  /** In ports that implement a slot, or in root ports; absent: wherever the capability is. */
  readonly only?: 'slot' | 'rootPort';
}

export interface RestoreTarget {
  readonly capability: RestoreCapability;
  readonly registers: readonly RestoreRegister[];
  readonly since?: string;
}

export interface RestoreStep {
  readonly name: RestoreStepName;
  /** One sentence for the screen: what the step writes, and from where. */
  readonly source: string;
  readonly provenance: StepProvenance;
  readonly snapshotDependent: SnapshotDependence;
  readonly targets: readonly RestoreTarget[];
  /** First mainline release that has the step; absent: older than anything modelled. */
  readonly since?: string;
  /** First mainline release that no longer has it as a step of its own. */
  readonly until?: string;
}

const header: RestoreCapability = { space: 'header' };
const standard = (id: number): RestoreCapability => ({ space: 'standard', id });
const extended = (id: number): RestoreCapability => ({ space: 'extended', id });
const register = (
  name: string,
  offset: number,
  width: 1 | 2 | 4,
  more: Pick<RestoreRegister, 'stride' | 'only'> = {},
): RestoreRegister => ({ name, offset, width, ...more });

// One double word each: PCI_LTR_MAX_SNOOP_LAT and the no-snoop latency behind it are written together.
const ltrRegisters = [register('Max snoop and no-snoop latency', ltrRegister.maximumSnoop, 4)];

const virtualChannelRegisters = [
  register('Port VC control', virtualChannelRegister.portControl, 2),
  register('VC resource control', virtualChannelRegister.resourceControl, 4, {
    stride: virtualChannelRegister.resourceSize,
  }),
];

const headerRegisters = Array.from({ length: 16 }, (_, index) =>
  register(`Header dword ${index}`, 4 * index, 4),
);

/**
 * Every step of every modelled kernel, in kernel order. From the table in the mail named above, Linux 6.1.192 and
 * what was read in 7.2.13 and 7.3-rc7. The restore of the simulated kernel runs down this very table.
 */
export const restoreSteps: readonly RestoreStep[] = [
  {
    name: 'pci_restore_ltr_state',
    source: 'Latency limits from the LTR save buffer, before LTR itself is enabled.',
    provenance: 'lastSave',
    snapshotDependent: 'yes',
    targets: [
      { capability: extended(extendedCapabilityId.latencyToleranceReporting), registers: ltrRegisters },
    ],
    // Became a part of the PCIe step together with L1 substates (drivers/pci/pcie/aspm.c).
    until: '6.9',
  },
  {
    name: 'pci_restore_pcie_state',
    source: 'Device, link, slot and root control from the PCI Express save buffer.',
    provenance: 'lastSave',
    snapshotDependent: 'yes',
    targets: [
      {
        capability: extended(extendedCapabilityId.latencyToleranceReporting),
        registers: ltrRegisters,
        since: '6.9',
      },
      {
        capability: extended(extendedCapabilityId.l1PowerManagementSubstates),
        registers: [
          register('L1 substates control 2', l1SubstatesRegister.control2, 4),
          register('L1 substates control 1', l1SubstatesRegister.control1, 4),
        ],
        since: '6.9',
      },
      {
        capability: standard(capabilityId.pciExpress),
        // The order of PCI_EXP_SAVE_REGS; what a function does not have is neither saved nor written.
        registers: [
          register('Device control', pciExpressRegister.deviceControl, 2),
          register('Link control', pciExpressRegister.linkControl, 2),
          register('Slot control', pciExpressRegister.slotControl, 2, { only: 'slot' }),
          register('Root control', pciExpressRegister.rootControl, 2, { only: 'rootPort' }),
          register('Device control 2', pciExpressRegister.deviceControl2, 2),
          register('Link control 2', pciExpressRegister.linkControl2, 2),
          register('Slot control 2', pciExpressRegister.slotControl2, 2, { only: 'slot' }),
        ],
      },
    ],
  },
  {
    name: 'pci_restore_pasid_state',
    source: 'Enable and features from pasid_enabled and pasid_features of the live pci_dev.',
    provenance: 'liveKernelState',
    snapshotDependent: 'no',
    targets: [
      {
        capability: extended(extendedCapabilityId.processAddressSpaceId),
        registers: [register('PASID control', pasidRegister.control, 2)],
      },
    ],
  },
  {
    name: 'pci_restore_pri_state',
    source: 'Enable and allocation from pri_enabled and pri_reqs_alloc of the live pci_dev.',
    provenance: 'liveKernelState',
    snapshotDependent: 'no',
    targets: [
      {
        capability: extended(extendedCapabilityId.pageRequestInterface),
        registers: [
          register('Outstanding page request allocation', priRegister.allocation, 4),
          register('Page request control', priRegister.control, 2),
        ],
      },
    ],
  },
  {
    name: 'pci_restore_ats_state',
    source: 'Enable and translation unit from ats_enabled and ats_stu of the live pci_dev.',
    provenance: 'liveKernelState',
    snapshotDependent: 'no',
    targets: [
      {
        capability: extended(extendedCapabilityId.addressTranslationServices),
        registers: [register('ATS control', atsRegister.control, 2)],
      },
    ],
  },
  {
    name: 'pci_restore_vc_state',
    source: 'Virtual channel control from the VC save buffers.',
    provenance: 'lastSave',
    snapshotDependent: 'yes',
    // The order of vc_caps[] in drivers/pci/vc.c.
    targets: [
      {
        capability: extended(extendedCapabilityId.multiFunctionVirtualChannel),
        registers: virtualChannelRegisters,
      },
      { capability: extended(extendedCapabilityId.virtualChannel), registers: virtualChannelRegisters },
      {
        capability: extended(extendedCapabilityId.virtualChannelWithMfvc),
        registers: virtualChannelRegisters,
      },
    ],
  },
  {
    name: 'pci_restore_rebar_state',
    source: 'BAR sizes derived again from the resources of the live pci_dev.',
    provenance: 'liveKernelState',
    snapshotDependent: 'no',
    targets: [
      {
        capability: extended(extendedCapabilityId.resizableBar),
        registers: [
          register('Resizable BAR control', resizableBarRegister.control, 4, {
            stride: resizableBarRegister.entrySize,
          }),
        ],
      },
    ],
  },
  {
    name: 'pci_restore_dpc_state',
    source: 'DPC control from the DPC save buffer.',
    provenance: 'lastSave',
    snapshotDependent: 'yes',
    targets: [
      {
        capability: extended(extendedCapabilityId.downstreamPortContainment),
        registers: [register('DPC control', dpcRegister.control, 2)],
      },
    ],
  },
  {
    name: 'pci_restore_ptm_state',
    source: 'PTM control from the PTM save buffer.',
    provenance: 'lastSave',
    snapshotDependent: 'yes',
    targets: [
      {
        capability: extended(extendedCapabilityId.precisionTimeMeasurement),
        registers: [register('PTM control', ptmRegister.control, 4)],
      },
    ],
  },
  {
    name: 'pci_restore_tph_state',
    source: 'TPH control and steering tags from the TPH save buffer, only while tph_enabled is set.',
    provenance: 'lastSave',
    snapshotDependent: 'gated',
    targets: [
      {
        capability: extended(extendedCapabilityId.tphRequester),
        registers: [
          register('TPH requester control', tphRegister.control, 4),
          register('Steering tag', tphRegister.steeringTable, 2, { stride: 2 }),
        ],
      },
    ],
    since: '6.13',
  },
  {
    name: 'pci_aer_clear_status',
    source: 'Clears the AER status registers by writing back what they read; restores nothing.',
    provenance: 'hardwareStatus',
    snapshotDependent: 'notARestore',
    targets: [
      {
        capability: extended(extendedCapabilityId.advancedErrorReporting),
        registers: [
          register('Root error status', aerRegister.rootStatus, 4, { only: 'rootPort' }),
          register('Correctable error status', aerRegister.correctableStatus, 4),
          register('Uncorrectable error status', aerRegister.uncorrectableStatus, 4),
        ],
      },
    ],
  },
  {
    name: 'pci_restore_aer_state',
    source: 'AER masks, severities and control from the AER save buffer.',
    provenance: 'lastSave',
    snapshotDependent: 'yes',
    targets: [
      {
        capability: extended(extendedCapabilityId.advancedErrorReporting),
        registers: [
          register('Uncorrectable error mask', aerRegister.uncorrectableMask, 4),
          register('Uncorrectable error severity', aerRegister.uncorrectableSeverity, 4),
          register('Correctable error mask', aerRegister.correctableMask, 4),
          register('Advanced error capabilities and control', aerRegister.capabilitiesAndControl, 4),
          register('Root error command', aerRegister.rootCommand, 4, { only: 'rootPort' }),
        ],
      },
    ],
  },
  {
    name: 'pci_restore_config_space',
    source:
      'The 64 bytes of the header from saved_config_space: COMMAND, BARs, cache line size and the rest.',
    provenance: 'lastSave',
    snapshotDependent: 'yes',
    // Written in the order 10-15, 4-9, 0-3, each range from its end: BARs before COMMAND.
    targets: [{ capability: header, registers: headerRegisters }],
  },
  {
    name: 'pci_restore_pcix_state',
    source: 'PCI-X command from the PCI-X save buffer.',
    provenance: 'lastSave',
    snapshotDependent: 'yes',
    targets: [{ capability: standard(capabilityId.pciX), registers: [register('PCI-X command', 0x02, 2)] }],
  },
  {
    name: 'pci_restore_msi_state',
    source: 'MSI and MSI-X from msi_enabled, msix_enabled and the interrupt descriptors of the live pci_dev.',
    provenance: 'liveKernelState',
    snapshotDependent: 'no',
    targets: [
      {
        capability: standard(capabilityId.msi),
        registers: [
          register('MSI control', msiRegister.control, 2),
          register('MSI address', msiRegister.addressLower, 4),
          register('MSI address, upper half', 0x08, 4),
          register('MSI data', 0x0c, 2),
          register('MSI mask', 0x10, 4),
        ],
      },
      {
        capability: standard(capabilityId.msix),
        registers: [register('MSI-X control', msixRegister.control, 2)],
      },
    ],
  },
  {
    name: 'pci_enable_acs',
    source: 'ACS control derived again from what the function offers and the ACS policy of the kernel.',
    provenance: 'policy',
    snapshotDependent: 'no',
    targets: [
      {
        capability: extended(extendedCapabilityId.accessControlServices),
        registers: [register('ACS control', acsRegister.control, 2)],
      },
    ],
  },
  {
    name: 'pci_restore_iov_state',
    source: 'SR-IOV BARs, page size, number of VFs and control from sriov of the live pci_dev.',
    provenance: 'liveKernelState',
    snapshotDependent: 'no',
    targets: [
      {
        // sriov_restore_vf_rebar_state() (drivers/pci/iov.c) comes before the BARs themselves.
        capability: extended(extendedCapabilityId.virtualFunctionResizableBar),
        registers: [
          register('VF resizable BAR control', resizableBarRegister.control, 4, {
            stride: resizableBarRegister.entrySize,
          }),
        ],
        since: '6.17',
      },
      {
        capability: extended(extendedCapabilityId.singleRootVirtualization),
        registers: [
          register('VF BAR', sriovRegister.vfBaseAddress0, 4, { stride: 4 }),
          register('System page size', sriovRegister.systemPageSize, 4),
          register('Number of VFs', sriovRegister.numVfs, 2),
          register('SR-IOV control', sriovRegister.control, 2),
        ],
      },
    ],
  },
];

const inVersion = (
  entry: { readonly since?: string; readonly until?: string },
  version: ModelledKernel,
): boolean =>
  (entry.since === undefined || isAtLeast(version, entry.since)) &&
  (entry.until === undefined || !isAtLeast(version, entry.until));

/** The steps of one kernel, each with only the targets that this kernel's step has. */
export const restoreStepsOf = (version: ModelledKernel): readonly RestoreStep[] =>
  restoreSteps
    .filter((step) => inVersion(step, version))
    .map((step) => ({ ...step, targets: step.targets.filter((target) => inVersion(target, version)) }));
