/**
 * The kernels whose restore is described here, oldest first. `6.1` is 6.1.192 (Debian 12), `6.12` is 6.12 as released,
 * `7.2` is 7.2.13 and `7.3` is 7.3-rc7.
 */
export const modelledKernels = ['6.1', '6.12', '7.2', '7.3'] as const;

export type ModelledKernel = (typeof modelledKernels)[number];

const release = (version: string): readonly [number, number] => {
  const [major, minor] = version.split('.');
  return [Number(major), Number(minor)];
};

/** `since` is any mainline release, `6.9` for example, modelled or not. */
export const isAtLeast = (version: ModelledKernel, since: string): boolean => {
  const [major, minor] = release(version);
  const [sinceMajor, sinceMinor] = release(since);
  return major > sinceMajor || (major === sinceMajor && minor >= sinceMinor);
};

/** Where kernels save and restore differently although the steps are the same. */
export interface RestoreBehaviour {
  /**
   * `pci_restore_state()` works without a save before it, and the core saves once at enumeration, so that there always
   * is something to restore (commit a2f1e22390ac). Before, it returned at once unless `state_saved` was set.
   */
  readonly alwaysRestores: boolean;
  /** COMMAND.Memory is on while the MSI-X table is written (msi.c, `__pci_restore_msix_state`), also without it before. */
  readonly enablesMemoryForMsixTable: boolean;
  /** `pci_save_state()` gives up, and keeps what was saved before, when COMMAND reads all ones. */
  readonly refusesInaccessibleSave: boolean;
  /** `pci_restore_iov_state()` sets the sizes of VF BARs before the BARs (iov.c, `sriov_restore_vf_rebar_state`, 6.17). */
  readonly restoresVfBarSize: boolean;
}

/**
 * 6.1: the source of 6.1.192, whose stable tree took the MSI-X fix over (and the early way out of a ReBAR restore that
 * reads all ones). 6.12 without it is the kernel in which a restore with COMMAND.Memory off leaves MSI-X dead.
 */
export const restoreBehaviourOf: Readonly<Record<ModelledKernel, RestoreBehaviour>> = {
  '6.1': {
    alwaysRestores: false,
    enablesMemoryForMsixTable: true,
    refusesInaccessibleSave: false,
    restoresVfBarSize: false,
  },
  '6.12': {
    alwaysRestores: false,
    enablesMemoryForMsixTable: false,
    refusesInaccessibleSave: false,
    restoresVfBarSize: false,
  },
  '7.2': {
    alwaysRestores: true,
    enablesMemoryForMsixTable: true,
    refusesInaccessibleSave: false,
    restoresVfBarSize: true,
  },
  '7.3': {
    alwaysRestores: true,
    enablesMemoryForMsixTable: true,
    refusesInaccessibleSave: true,
    restoresVfBarSize: true,
  },
};
