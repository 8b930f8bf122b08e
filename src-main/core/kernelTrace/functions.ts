import { restoreStepNames, type RestoreStepName } from '../restore/steps.ts';

/** What it means that the kernel runs a function. */
export type FunctionMeaning =
  /** The whole of an error recovery (drivers/pci/pcie/err.c). */
  | { readonly kind: 'recovery' }
  /** A driver is told of the error; with the notify driver this lasts as long as the kernel waits for the ack. */
  | { readonly kind: 'errorDetected' }
  | { readonly kind: 'mmioEnabled' }
  | { readonly kind: 'slotReset' }
  | { readonly kind: 'resume' }
  /** The ack arrives in the kernel. */
  | { readonly kind: 'acknowledged' }
  | { readonly kind: 'reset' }
  /** What comes before and after a reset, or the wait for a device that is coming back. */
  | { readonly kind: 'aroundReset' }
  | { readonly kind: 'save' }
  | { readonly kind: 'loadSnapshot' }
  | { readonly kind: 'restore' }
  | { readonly kind: 'restoreStep'; readonly step: RestoreStepName }
  | { readonly kind: 'vfio' };

export interface TracedFunction {
  /** As the kernel's source has it; the compiler may have added `.isra.0`, `.constprop.0` or `.part.0`. */
  readonly name: string;
  /** The module whose function is meant, where other modules have one of the same name. */
  readonly module?: string;
  readonly meaning: FunctionMeaning;
  /**
   * What the first argument points to. `vfioDevice` is `struct vfio_device`, and whatever begins with one: the device
   * of vfio-pci-core, and that of a variant driver. Null: nothing that leads to a device.
   */
  readonly first: 'pciDevice' | 'vfioDevice' | null;
  /** The second argument is true when the function is only asked whether it could. */
  readonly probes?: true;
  /** The second argument is the number of an ioctl; only calls with these are told. */
  readonly requests?: Readonly<Record<number, string>>;
  /** What it returns; absent for void, and where it says nothing. */
  readonly returns?: 'vote' | 'errno';
  /** Whether it may last, so that its beginning is told when it comes and not with its end. */
  readonly lasts?: true;
}

const pci = (
  name: string,
  kind: Exclude<FunctionMeaning['kind'], 'restoreStep'>,
  more: Partial<TracedFunction> = {},
): TracedFunction => ({ name, meaning: { kind }, first: 'pciDevice', ...more });

const notify = (
  name: string,
  kind: Exclude<FunctionMeaning['kind'], 'restoreStep'>,
  more: Partial<TracedFunction> = {},
): TracedFunction => pci(name, kind, { module: 'vfio_pci_notify', ...more });

const step = (name: string, of: RestoreStepName): TracedFunction => ({
  name,
  meaning: { kind: 'restoreStep', step: of },
  first: 'pciDevice',
});

/** linux/vfio.h: _IO(VFIO_TYPE, VFIO_BASE + 11) and + 13. */
const resetRequests = { 0x3b6f: 'VFIO_DEVICE_RESET', 0x3b71: 'VFIO_DEVICE_PCI_HOT_RESET' } as const;

/** What is watched in the kernel: rare functions all of them, which nothing calls while a device merely works. */
export const tracedFunctions: readonly TracedFunction[] = [
  // drivers/pci/pcie/err.c
  pci('pcie_do_recovery', 'recovery', { lasts: true, returns: 'vote' }),
  pci('report_error_detected', 'errorDetected', { lasts: true }),
  pci('report_perm_failure_detected', 'errorDetected', { lasts: true }),
  pci('report_mmio_enabled', 'mmioEnabled'),
  pci('report_slot_reset', 'slotReset'),
  pci('report_resume', 'resume'),

  // resources/kernel-module/vfio-pci-notify, and vfio-pci-core
  notify('error_detected', 'errorDetected', { lasts: true, returns: 'vote' }),
  notify('slot_reset', 'slotReset', { returns: 'vote' }),
  notify('resume', 'resume'),
  notify('notify_acknowledge', 'acknowledged', { first: 'vfioDevice' }),
  pci('vfio_pci_core_aer_err_detected', 'errorDetected', { returns: 'vote' }),
  pci('vfio_pci_core_enable', 'vfio', { first: 'vfioDevice', returns: 'errno' }),
  pci('vfio_pci_core_disable', 'vfio', { first: 'vfioDevice' }),
  pci('vfio_pci_core_ioctl', 'vfio', { first: 'vfioDevice', requests: resetRequests, returns: 'errno' }),
  // "reset recovery - restoring BARs" (drivers/vfio/pci/vfio_pci_config.c).
  pci('vfio_bar_restore', 'vfio', { first: 'vfioDevice' }),

  // Resets: drivers/pci/pci.c, pcie/aer.c, pcie/dpc.c, hotplug/pciehp_hpc.c
  pci('aer_root_reset', 'reset', { lasts: true, returns: 'vote' }),
  pci('dpc_reset_link', 'reset', { lasts: true, returns: 'vote' }),
  pci('pci_bus_error_reset', 'reset', { returns: 'errno' }),
  pci('pci_reset_bus', 'reset', { returns: 'errno' }),
  pci('pciehp_reset_slot', 'reset', { first: null, probes: true, returns: 'errno' }),
  pci('pci_bridge_secondary_bus_reset', 'reset', { returns: 'errno' }),
  pci('pci_reset_secondary_bus', 'reset'),
  pci('pci_reset_function', 'reset', { returns: 'errno' }),
  pci('pci_reset_function_locked', 'reset', { returns: 'errno' }),
  pci('pci_try_reset_function', 'reset', { returns: 'errno' }),
  pci('pcie_flr', 'reset', { returns: 'errno' }),
  pci('pci_af_flr', 'reset', { probes: true, returns: 'errno' }),
  pci('pci_pm_reset', 'reset', { probes: true, returns: 'errno' }),
  pci('pci_reset_bus_function', 'reset', { probes: true, returns: 'errno' }),
  pci('pci_dev_specific_reset', 'reset', { probes: true, returns: 'errno' }),
  pci('pci_dev_acpi_reset', 'reset', { probes: true, returns: 'errno' }),
  pci('pci_dev_save_and_disable', 'aroundReset'),
  pci('pci_dev_restore', 'aroundReset'),
  pci('pci_dev_wait', 'aroundReset', { returns: 'errno' }),
  pci('pci_bridge_wait_for_secondary_bus', 'aroundReset'),

  // What is kept and what is put back
  pci('pci_save_state', 'save', { returns: 'errno' }),
  pci('pci_store_saved_state', 'save'),
  pci('pci_load_saved_state', 'loadSnapshot', { returns: 'errno' }),
  pci('pci_load_and_free_saved_state', 'loadSnapshot', { returns: 'errno' }),
  pci('pci_restore_state', 'restore'),
  ...restoreStepNames.map((name) => step(name, name)),
  // Where the compiler has taken pci_restore_config_space() into its caller, its own part is still called, in three ranges.
  step('pci_restore_config_space_range', 'pci_restore_config_space'),
];

/** `slot_reset` is the name of many; with its module it is that of one. */
export const tracedName = ({ name, module }: TracedFunction): string =>
  module === undefined ? name : `${module}:${name}`;

const byName = new Map(tracedFunctions.map((one) => [tracedName(one), one]));

/** Undefined for a name that this version does not know; a journal may have been written by another. */
export const tracedFunction = (name: string): TracedFunction | undefined => byName.get(name);
