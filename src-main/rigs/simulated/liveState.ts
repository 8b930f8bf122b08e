import { extendedCapabilityId, capabilityId } from '../../core/pci/capability-ids.ts';
import {
  atsControlBit,
  atsRegister,
  msiControlBit,
  msiRegister,
  msixControlBit,
  msixEntrySize,
  msixRegister,
  pasidControlBit,
  pasidRegister,
  priControlBit,
  priRegister,
  resizableBarControlBit,
  resizableBarRegister,
  sriovControlBit,
  sriovRegister,
  tphRegister,
} from '../../core/pci/capability-registers.ts';
import { commandBit, configOffset } from '../../core/pci/registers.ts';
import { offsetOfCapability } from './hardware/configSpaceLayout.ts';
import type { MsixEntry } from './hardware/msixTable.ts';
import type { MmioDecode, SimulatedFunction, Width } from './hardware/simulatedFunction.ts';

/** What the kernel's accessors reach of a function; a recorder can stand in between. */
export interface FunctionAccess {
  readConfig(offset: number, width: Width): number;
  writeConfig(offset: number, width: Width, value: number): void;
  writeBar(bar: number, offset: number, width: Width, value: number): MmioDecode;
}

const off = { kind: 'off' } as const;
type Off = typeof off;

/** `irq_desc` of MSI: one message for all vectors. `vectors` is a power of two. */
export interface MsiMessage {
  readonly address: number;
  readonly data: number;
  readonly vectors: number;
}

/**
 * What the live `struct pci_dev` knows, and no save buffer: the restore derives these registers from here, whichever
 * snapshot was loaded.
 */
export interface LiveState {
  pasid: Off | { readonly kind: 'on'; readonly features: number };
  pri: Off | { readonly kind: 'on'; readonly requests: number };
  /** Smallest translation unit as a shift, 12 for 4 KiB. */
  ats: Off | { readonly kind: 'on'; readonly unitShift: number };
  msi: Off | { readonly kind: 'on'; readonly message: MsiMessage };
  msix: Off | { readonly kind: 'on'; readonly entries: readonly MsixEntry[] };
  /** pdev->tph_enabled; the control and the tags themselves are only in hardware and in the save buffer. */
  tph: Off | { readonly kind: 'on' };
  sriov:
    | { readonly kind: 'none' }
    | {
        readonly kind: 'physicalFunction';
        numVfs: number;
        control: number;
        readonly vfBarAddress: number;
        /** resource_size() of one VF's first BAR as VF Resizable BAR codes it: 2^n MiB. */
        vfBarExponent: number;
      };
  acs: 'standard' | 'off';
  /** resource_size() of each BAR. */
  readonly barSizes: Float64Array;
}

const vfResizable = (fn: SimulatedFunction): number =>
  offsetOfCapability(fn.layout, 'extended', extendedCapabilityId.virtualFunctionResizableBar);

const vfBarExponentOf = (fn: SimulatedFunction): number => {
  const at = vfResizable(fn);
  if (at === 0) return 0;
  const control = fn.readConfig(at + resizableBarRegister.control, 4);
  return (control & resizableBarControlBit.barSize) >>> 8;
};

/** As after enumeration: everything off, BAR sizes as the hardware shows them. */
export const initialLiveState = (fn: SimulatedFunction): LiveState => {
  const barSizes = new Float64Array(6);
  for (const bar of fn.layout.bars) barSizes[bar.index] = bar.size;
  const sriov = offsetOfCapability(fn.layout, 'extended', extendedCapabilityId.singleRootVirtualization);
  return {
    pasid: off,
    pri: off,
    ats: off,
    msi: off,
    msix: off,
    tph: off,
    sriov:
      sriov === 0
        ? { kind: 'none' }
        : {
            kind: 'physicalFunction',
            numVfs: 0,
            control: 0,
            vfBarAddress: 0x3f_0000_0000,
            vfBarExponent: vfBarExponentOf(fn),
          },
    acs: 'standard',
    barSizes,
  };
};

const extended = (fn: SimulatedFunction, id: number): number => offsetOfCapability(fn.layout, 'extended', id);

/** What enabling answers: `absent` where the kernel says EINVAL because the capability is not there. */
export type EnableResult = 'enabled' | 'absent';

/** pci_enable_pasid() */
export const enablePasid = (live: LiveState, fn: SimulatedFunction, features: number): EnableResult => {
  const at = extended(fn, extendedCapabilityId.processAddressSpaceId);
  if (at === 0) return 'absent';
  fn.writeConfig(at + pasidRegister.control, 2, pasidControlBit.enable | features);
  live.pasid = { kind: 'on', features };
  return 'enabled';
};

/** pci_enable_pri() */
export const enablePri = (live: LiveState, fn: SimulatedFunction, requests: number): EnableResult => {
  const at = extended(fn, extendedCapabilityId.pageRequestInterface);
  if (at === 0) return 'absent';
  const granted = Math.min(requests, fn.readConfig(at + priRegister.capacity, 4));
  fn.writeConfig(at + priRegister.allocation, 4, granted);
  fn.writeConfig(at + priRegister.control, 2, priControlBit.enable);
  live.pri = { kind: 'on', requests: granted };
  return 'enabled';
};

export const atsControl = (unitShift: number): number => atsControlBit.enable | (unitShift - 12);

/** pci_enable_ats() */
export const enableAts = (live: LiveState, fn: SimulatedFunction, unitShift: number): EnableResult => {
  const at = extended(fn, extendedCapabilityId.addressTranslationServices);
  if (at === 0) return 'absent';
  fn.writeConfig(at + atsRegister.control, 2, atsControl(unitShift));
  live.ats = { kind: 'on', unitShift };
  return 'enabled';
};

/** pcie_enable_tph(): control goes to hardware only. `tags` fill the steering table from entry 0. */
export const enableTph = (
  live: LiveState,
  fn: SimulatedFunction,
  control: number,
  tags: readonly number[],
): EnableResult => {
  const at = extended(fn, extendedCapabilityId.tphRequester);
  if (at === 0) return 'absent';
  live.tph = { kind: 'on' };
  tags.forEach((tag, index) => fn.writeConfig(at + tphRegister.steeringTable + 2 * index, 2, tag));
  fn.writeConfig(at + tphRegister.control, 4, control);
  return 'enabled';
};

/** pcie_disable_tph() */
export const disableTph = (live: LiveState, fn: SimulatedFunction): void => {
  const at = extended(fn, extendedCapabilityId.tphRequester);
  if (at === 0) return;
  fn.writeConfig(at + tphRegister.control, 4, 0);
  live.tph = off;
};

/** pci_intx(): MSI and MSI-X are used instead of INTx. */
export const setIntxDisable = (access: FunctionAccess): void => {
  const command = access.readConfig(configOffset.command, 2);
  if ((command & commandBit.intxDisable) === 0) {
    access.writeConfig(configOffset.command, 2, command | commandBit.intxDisable);
  }
};

/** One vector as the kernel writes it: masked while address and data change, then as `entry` wants it. */
export const writeMsixEntry = (
  access: FunctionAccess,
  location: { readonly bar: number; readonly tableOffset: number },
  vector: number,
  entry: MsixEntry,
): void => {
  const at = location.tableOffset + vector * msixEntrySize;
  access.writeBar(location.bar, at, 4, entry.address % 2 ** 32);
  access.writeBar(location.bar, at + 4, 4, Math.floor(entry.address / 2 ** 32));
  access.writeBar(location.bar, at + 8, 4, entry.data);
  access.writeBar(location.bar, at + 12, 4, entry.masked ? 1 : 0);
};

/**
 * pci_alloc_irq_vectors() for MSI-X. The kernel does not ask whether COMMAND.Memory is on: without it the table keeps
 * what it had, and the caller learns nothing.
 */
export const enableMsix = (
  live: LiveState,
  fn: SimulatedFunction,
  entries: readonly MsixEntry[],
): EnableResult => {
  const table = fn.msixTable;
  if (table === undefined) return 'absent';
  const control = fn.msixCapability + msixRegister.control;
  fn.writeConfig(control, 2, msixControlBit.enable | msixControlBit.functionMask);
  setIntxDisable(fn);
  entries.forEach((entry, vector) => writeMsixEntry(fn, table, vector, entry));
  fn.writeConfig(control, 2, msixControlBit.enable);
  live.msix = { kind: 'on', entries };
  return 'enabled';
};

/** pci_free_irq_vectors() */
export const disableMsix = (live: LiveState, fn: SimulatedFunction): void => {
  if (fn.msixTable === undefined) return;
  fn.writeConfig(fn.msixCapability + msixRegister.control, 2, 0);
  live.msix = off;
};

/** The control register that goes with a message: `multiple` is log2 of the vectors. */
export const msiControl = (message: MsiMessage): number =>
  msiControlBit.enable | (Math.log2(message.vectors) << 4);

export const writeMsiMessage = (access: FunctionAccess, at: number, message: MsiMessage): void => {
  access.writeConfig(at + msiRegister.addressLower, 4, message.address % 2 ** 32);
  access.writeConfig(at + 0x08, 4, Math.floor(message.address / 2 ** 32));
  access.writeConfig(at + 0x0c, 2, message.data);
};

/** pci_alloc_irq_vectors() for MSI. */
export const enableMsi = (live: LiveState, fn: SimulatedFunction, message: MsiMessage): EnableResult => {
  const at = offsetOfCapability(fn.layout, 'standard', capabilityId.msi);
  if (at === 0) return 'absent';
  writeMsiMessage(fn, at, message);
  setIntxDisable(fn);
  fn.writeConfig(at + msiRegister.control, 2, msiControl(message));
  // Every vector is unmasked when its interrupt is requested.
  fn.writeConfig(at + 0x10, 4, 0);
  live.msi = { kind: 'on', message };
  return 'enabled';
};

/** pci_iov_update_resource(); `at` is the SR-IOV capability. */
export const writeVfBar = (access: FunctionAccess, at: number, address: number): void => {
  access.writeConfig(at + sriovRegister.vfBaseAddress0, 4, address % 2 ** 32);
  access.writeConfig(at + sriovRegister.vfBaseAddress0 + 4, 4, Math.floor(address / 2 ** 32));
};

/** pci_enable_sriov() and, with 0, pci_disable_sriov(). */
export const setNumVfs = (live: LiveState, fn: SimulatedFunction, numVfs: number): EnableResult => {
  const at = extended(fn, extendedCapabilityId.singleRootVirtualization);
  const { sriov } = live;
  if (at === 0 || sriov.kind === 'none') return 'absent';
  const { vfEnable, vfMemorySpace } = sriovControlBit;
  sriov.control = numVfs === 0 ? 0 : vfEnable | vfMemorySpace;
  sriov.numVfs = numVfs;
  fn.writeConfig(at + sriovRegister.numVfs, 2, numVfs);
  fn.writeConfig(at + sriovRegister.control, 2, sriov.control);
  return 'enabled';
};

/** pci_resize_resource() of the first resizable BAR: `exponent` n means 2^n MiB. */
export const resizeBar = (live: LiveState, fn: SimulatedFunction, exponent: number): EnableResult => {
  const at = extended(fn, extendedCapabilityId.resizableBar);
  if (at === 0) return 'absent';
  const control = fn.readConfig(at + resizableBarRegister.control, 4);
  const kept = control & ~resizableBarControlBit.barSize;
  fn.writeConfig(at + resizableBarRegister.control, 4, kept | (exponent << 8));
  live.barSizes[control & resizableBarControlBit.barIndex] = 2 ** (20 + exponent);
  return 'enabled';
};

/** pci_iov_vf_bar_set_size() of the first VF BAR. */
export const resizeVfBar = (live: LiveState, fn: SimulatedFunction, exponent: number): EnableResult => {
  const at = vfResizable(fn);
  if (at === 0 || live.sriov.kind === 'none') return 'absent';
  live.sriov.vfBarExponent = exponent;
  writeVfBarSize(fn, at, exponent);
  return 'enabled';
};

/** The size field alone; `at` is the VF Resizable BAR capability. */
export const writeVfBarSize = (access: FunctionAccess, at: number, exponent: number): void => {
  const register = at + resizableBarRegister.control;
  const control = access.readConfig(register, 4);
  access.writeConfig(register, 4, (control & ~resizableBarControlBit.barSize) | (exponent << 8));
};
