/** What each step of `pci_restore_state()` does to the hardware. The order is that of core/restore/steps.ts. */
import { capabilityId, extendedCapabilityId } from '../../core/pci/capability-ids.ts';
import {
  acsRegister,
  aerRegister,
  atsRegister,
  msiControlBit,
  msiRegister,
  msixControlBit,
  msixRegister,
  pasidControlBit,
  pasidRegister,
  priControlBit,
  priRegister,
  resizableBarControlBit,
  resizableBarRegister,
  sriovControlBit,
  sriovRegister,
} from '../../core/pci/capability-registers.ts';
import { commandBit, configOffset } from '../../core/pci/registers.ts';
import type { RestoreBehaviour } from '../../core/restore/kernelVersion.ts';
import type { RestoreStepName } from '../../core/restore/steps.ts';
import { offsetOfCapability } from './hardware/configSpaceLayout.ts';
import type { ConfigSpaceLayout } from './hardware/configSpaceLayout.ts';
import type { SimulatedFunction } from './hardware/simulatedFunction.ts';
import {
  atsControl,
  msiControl,
  setIntxDisable,
  writeMsiMessage,
  writeMsixEntry,
  writeVfBar,
  writeVfBarSize,
} from './liveState.ts';
import type { FunctionAccess, LiveState } from './liveState.ts';
import type { PlannedStep, SavePlan } from './savePlan.ts';

/** What a runner works on. `access` is the function itself, or a recorder in front of it. */
export interface RestoreRun {
  readonly access: FunctionAccess;
  readonly fn: SimulatedFunction;
  readonly live: LiveState;
  readonly plan: SavePlan;
  readonly saved: Uint32Array;
  readonly behaviour: RestoreBehaviour;
}

type StepRunner = (run: RestoreRun, step: PlannedStep) => void;

const allOnes = 0xffff_ffff;

// Offsets are asked for at every restore; a layout never changes.
const offsetCache = new WeakMap<ConfigSpaceLayout, Map<number, number>>();
const extendedOffset = (run: RestoreRun, id: number): number => {
  const { layout } = run.fn;
  let offsets = offsetCache.get(layout);
  if (offsets === undefined) {
    offsets = new Map();
    offsetCache.set(layout, offsets);
  }
  let offset = offsets.get(id);
  if (offset === undefined) {
    offset = offsetOfCapability(layout, 'extended', id);
    offsets.set(id, offset);
  }
  return offset;
};

const writeSlots: StepRunner = ({ access, plan, saved }, { from, to }) => {
  for (let slot = from; slot < to; slot++) {
    const register = plan.slots[slot];
    if (register !== undefined) access.writeConfig(register.offset, register.width, saved[slot] ?? 0);
  }
};

const restorePasid: StepRunner = (run) => {
  const { pasid } = run.live;
  if (pasid.kind === 'off') return;
  const at = extendedOffset(run, extendedCapabilityId.processAddressSpaceId);
  run.access.writeConfig(at + pasidRegister.control, 2, pasidControlBit.enable | pasid.features);
};

const restorePri: StepRunner = (run) => {
  const { pri } = run.live;
  if (pri.kind === 'off') return;
  const at = extendedOffset(run, extendedCapabilityId.pageRequestInterface);
  run.access.writeConfig(at + priRegister.allocation, 4, pri.requests);
  run.access.writeConfig(at + priRegister.control, 2, priControlBit.enable);
};

const restoreAts: StepRunner = (run) => {
  const { ats } = run.live;
  if (ats.kind === 'off') return;
  const at = extendedOffset(run, extendedCapabilityId.addressTranslationServices);
  run.access.writeConfig(at + atsRegister.control, 2, atsControl(ats.unitShift));
};

const resourceEnable = 0x8000_0000;

/**
 * A resource control register is first written with the enable bit that hardware has, and then enabled if it was when
 * saved (vc.c, pci_vc_do_save_buffer). The kernel also enables the channel at the other end of the link; not here.
 */
const restoreVirtualChannels: StepRunner = ({ access, plan, saved }, { from, to }) => {
  for (let slot = from; slot < to; slot++) {
    const register = plan.slots[slot];
    if (register === undefined) continue;
    const value = saved[slot] ?? 0;
    if (register.width === 2) {
      access.writeConfig(register.offset, 2, value);
      continue;
    }
    const enabled = access.readConfig(register.offset, 4) & resourceEnable;
    const first = (enabled | (value & ~resourceEnable)) >>> 0;
    access.writeConfig(register.offset, 4, first);
    if (((value ^ first) & resourceEnable) !== 0) {
      access.writeConfig(register.offset, 4, (first | resourceEnable) >>> 0);
    }
  }
};

const restoreResizableBars: StepRunner = (run) => {
  const at = extendedOffset(run, extendedCapabilityId.resizableBar);
  if (at === 0) return;
  const first = run.access.readConfig(at + resizableBarRegister.control, 4);
  if (first === allOnes) return;
  const count = (first & resizableBarControlBit.entryCount) >>> 5;
  for (let entry = 0; entry < count; entry++) {
    const register = at + resizableBarRegister.control + entry * resizableBarRegister.entrySize;
    const control = run.access.readConfig(register, 4);
    if (control === allOnes) return;
    const size = run.live.barSizes[control & resizableBarControlBit.barIndex] ?? 0;
    const exponent = Math.max(0, Math.ceil(Math.log2(size)) - 20);
    run.access.writeConfig(register, 4, (control & ~resizableBarControlBit.barSize) | (exponent << 8));
  }
};

const restoreTph: StepRunner = (run, step) => {
  if (run.live.tph.kind === 'on') writeSlots(run, step);
};

const clearStatus = (access: FunctionAccess, register: number): void =>
  access.writeConfig(register, 4, access.readConfig(register, 4));

const clearAerStatus: StepRunner = ({ access, fn }) => {
  const aer = fn.aerCapability;
  if (aer === 0) return;
  if (fn.template.kind === 'rootPort') clearStatus(access, aer + aerRegister.rootStatus);
  clearStatus(access, aer + aerRegister.correctableStatus);
  clearStatus(access, aer + aerRegister.uncorrectableStatus);
};

type Range = readonly [last: number, first: number, force: boolean];
const endpointRanges: readonly Range[] = [
  [15, 10, false],
  // BARs before the command register.
  [9, 4, false],
  [3, 0, false],
];
const bridgeRanges: readonly Range[] = [
  [15, 12, false],
  [11, 9, true],
  [8, 0, false],
];

/** Only what differs is written, prefetch windows of a bridge always. The kernel's retries change nothing here. */
const restoreConfigSpace: StepRunner = ({ access, fn, saved }) => {
  for (const [last, first, force] of fn.layout.header === 'bridge' ? bridgeRanges : endpointRanges) {
    for (let index = last; index >= first; index--) {
      const value = saved[index] ?? 0;
      if (force || access.readConfig(4 * index, 4) !== value) access.writeConfig(4 * index, 4, value);
    }
  }
};

const restoreMsi = (run: RestoreRun): void => {
  const { msi } = run.live;
  if (msi.kind === 'off') return;
  const { access } = run;
  const at = offsetOfCapability(run.fn.layout, 'standard', capabilityId.msi);
  setIntxDisable(access);
  const control = access.readConfig(at + msiRegister.control, 2);
  access.writeConfig(at + msiRegister.control, 2, control & ~msiControlBit.enable);
  writeMsiMessage(access, at, msi.message);
  access.writeConfig(at + 0x10, 4, 0);
  const kept = control & ~(msiControlBit.multipleMessageEnable | msiControlBit.enable);
  access.writeConfig(at + msiRegister.control, 2, kept | msiControl(msi.message));
};

const restoreMsix = (run: RestoreRun): void => {
  const { access, fn, live } = run;
  const table = fn.msixTable;
  if (live.msix.kind === 'off' || table === undefined) return;
  setIntxDisable(access);
  const register = fn.msixCapability + msixRegister.control;
  const masked = msixControlBit.enable | msixControlBit.functionMask;
  access.writeConfig(register, 2, access.readConfig(register, 2) | masked);
  const command = access.readConfig(configOffset.command, 2);
  const { enablesMemoryForMsixTable } = run.behaviour;
  if (enablesMemoryForMsixTable) {
    access.writeConfig(configOffset.command, 2, command | commandBit.memorySpace);
  }
  live.msix.entries.forEach((entry, vector) => writeMsixEntry(access, table, vector, entry));
  if (enablesMemoryForMsixTable) access.writeConfig(configOffset.command, 2, command);
  access.writeConfig(register, 2, access.readConfig(register, 2) & ~msixControlBit.functionMask);
};

// Source validation, request and completion redirect, upstream forwarding (pci.c, pci_std_enable_acs).
const standardAcs = 0x01 | 0x04 | 0x08 | 0x10;

export const enableAcs = (access: FunctionAccess, at: number): void => {
  const offered = access.readConfig(at + acsRegister.capabilities, 2);
  const control = access.readConfig(at + acsRegister.control, 2);
  access.writeConfig(at + acsRegister.control, 2, control | (offered & standardAcs));
};

const restoreAcs: StepRunner = (run) => {
  const at = extendedOffset(run, extendedCapabilityId.accessControlServices);
  if (at !== 0 && run.live.acs === 'standard') enableAcs(run.access, at);
};

/** sriov_restore_vf_rebar_state(): one VF BAR is modelled. 7.2 and later give up when the control reads all ones. */
const restoreVfBarSize = ({ access, fn, live, behaviour }: RestoreRun): void => {
  const at = offsetOfCapability(fn.layout, 'extended', extendedCapabilityId.virtualFunctionResizableBar);
  if (!behaviour.restoresVfBarSize || at === 0 || live.sriov.kind === 'none') return;
  if (access.readConfig(at + resizableBarRegister.control, 4) === allOnes) return;
  writeVfBarSize(access, at, live.sriov.vfBarExponent);
};

/** The rest is left alone while VFs are still enabled in hardware (iov.c, sriov_restore_state). */
const restoreIov: StepRunner = (run) => {
  const { access, fn, live } = run;
  const { sriov } = live;
  if (sriov.kind === 'none') return;
  restoreVfBarSize(run);
  const at = offsetOfCapability(fn.layout, 'extended', extendedCapabilityId.singleRootVirtualization);
  const control = access.readConfig(at + sriovRegister.control, 2);
  if ((control & sriovControlBit.vfEnable) !== 0) return;
  const ari = sriov.control & sriovControlBit.ariHierarchy;
  access.writeConfig(at + sriovRegister.control, 2, (control & ~sriovControlBit.ariHierarchy) | ari);
  writeVfBar(access, at, sriov.vfBarAddress);
  access.writeConfig(at + sriovRegister.systemPageSize, 4, 1);
  access.writeConfig(at + sriovRegister.numVfs, 2, sriov.numVfs);
  access.writeConfig(at + sriovRegister.control, 2, sriov.control);
};

/** One for every step of the table; the type fails when one is missing. */
export const restoreRunners: Readonly<Record<RestoreStepName, StepRunner>> = {
  pci_restore_ltr_state: writeSlots,
  pci_restore_pcie_state: writeSlots,
  pci_restore_pasid_state: restorePasid,
  pci_restore_pri_state: restorePri,
  pci_restore_ats_state: restoreAts,
  pci_restore_vc_state: restoreVirtualChannels,
  pci_restore_rebar_state: restoreResizableBars,
  pci_restore_dpc_state: writeSlots,
  pci_restore_ptm_state: writeSlots,
  pci_restore_tph_state: restoreTph,
  pci_aer_clear_status: clearAerStatus,
  pci_restore_aer_state: writeSlots,
  pci_restore_config_space: restoreConfigSpace,
  pci_restore_pcix_state: writeSlots,
  pci_restore_msi_state: (run) => {
    restoreMsi(run);
    restoreMsix(run);
  },
  pci_enable_acs: restoreAcs,
  pci_restore_iov_state: restoreIov,
};
