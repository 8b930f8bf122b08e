import { milliseconds, seconds, type Microseconds } from '../../../core/recovery/phase.ts';
import type { RestorePolicy } from '../../../core/restore/history.ts';
import type { ModelledKernel } from '../../../core/restore/kernelVersion.ts';
import { failure, success, type Result } from '../../../core/result.ts';
import type { TopologyName } from '../hardware/topologies.ts';

/**
 * How index 5 is offered.
 * - `absent`: a stock vfio-pci.
 * - `asPosted`: the RFC of 2026-06-09, which restores nothing in slot_reset.
 * - `restoreOpenSnapshot`: the same, but slot_reset loads vfio's open-time snapshot and restores it (observation 16).
 */
export type NotifyDriver = 'absent' | 'asPosted' | 'restoreOpenSnapshot';

export interface KernelProfile {
  readonly name: ProfileName;
  readonly title: string;
  readonly platform: 'aer' | 'zpci' | 'eeh';
  readonly version: ModelledKernel;
  readonly notify: NotifyDriver;
  readonly ackTimeout: Microseconds;
  /** The topology a rig of this profile starts with when none is named. */
  readonly topology: TopologyName;
  /** pcie_do_recovery() of 6.17 and later really resets the bus for NEED_RESET (observation 2). */
  readonly needResetResetsBus: boolean;
  /** Later kernels tell the drivers of a failed recovery with error_detected(perm_failure) (observation 7). */
  readonly reportsPermanentFailure: boolean;
  /** fs/sysfs `aer_dev_fatal` moves (observed on 7.2 only). */
  readonly countsFatalErrors: boolean;
  /** s390x: whether an open function's recovery is left to user space (7.3), or the kernel resumes by itself. */
  readonly mediation: 'mediated' | 'kernelResumes' | 'none';
}

/** What this kernel and driver restore after a recovery has reset the device. */
export const restoresOf = ({ platform, notify }: KernelProfile): RestorePolicy => {
  if (platform !== 'aer') return 'unknown';
  return notify === 'restoreOpenSnapshot' ? 'openSnapshot' : 'nothing';
};

/** Measured under QEMU TCG; the spread is drawn from the rig's seed. */
export const timing = {
  /** From the error message to error_detected: root port interrupt, AER thread. */
  aerService: milliseconds(1),
  /** Native pciehp, "about 135 ms". */
  busReset: milliseconds(135),
  /** A healthy FLR, "about 101 ms". */
  functionLevelReset: milliseconds(101),
  /** 6.1, NEED_RESET on a non-fatal error: "event 2 about 1 ms later". */
  slotResetWithoutReset: milliseconds(1),
  /** Between the callbacks of one recovery. */
  callback: 200,
  /** From the last vote to error_detected(perm_failure): "event 2 arrives 9 ms after the ack". */
  permanentFailure: milliseconds(9),
  /** From eventfd_signal() to the read in user space. */
  eventfdRead: 3,
  /** From kobject_uevent_env() to the netlink read. */
  ueventRead: 60,
  /** s390x: the eventfd 1-4 ms after the DMA. */
  zpciEvent: { least: milliseconds(1), most: milliseconds(4) },
  /** s390x: how long the handler still holds the device lock after the eventfd: a retry 2-20 ms later succeeds. */
  zpciLockHeld: { least: milliseconds(2), most: milliseconds(20) },
  /** s390x: reset of a function in error. */
  zpciReset: { least: 500, most: milliseconds(2) },
  /** s390x 7.2: the kernel's own recovery. */
  zpciResume: milliseconds(5),
  /** The bench asks a passed-through PE for its state this often; the kernel sends no signal for it. */
  eehPoll: milliseconds(100),
  /** EEH PE reset: held for 250 ms, settled for 1.8 s (arch/powerpc/kernel/eeh_pe.c, eeh_pe_reset_full). */
  eehResetHold: milliseconds(250),
  eehResetSettle: milliseconds(1_800),
} as const;

const rfcTimeout = seconds(60);

const aerProfile = (
  name: ProfileName,
  version: ModelledKernel,
  notify: NotifyDriver,
  title: string,
): KernelProfile => {
  const late = version === '7.2';
  return {
    name,
    title,
    platform: 'aer',
    version,
    notify,
    ackTimeout: rfcTimeout,
    topology: 'lab',
    needResetResetsBus: late,
    reportsPermanentFailure: late,
    countsFatalErrors: late,
    mediation: 'none',
  };
};

const zpciProfile = (name: ProfileName, version: ModelledKernel, title: string): KernelProfile => ({
  name,
  title,
  platform: 'zpci',
  version,
  notify: 'absent',
  ackTimeout: rfcTimeout,
  topology: 'zpci',
  needResetResetsBus: false,
  reportsPermanentFailure: false,
  countsFatalErrors: false,
  mediation: version === '7.3' ? 'mediated' : 'kernelResumes',
});

export const profileNames = [
  'stock-6.1',
  'stock-6.12',
  'stock-7.2',
  'notify-6.1',
  'notify-7.2',
  'notify-7.2-restore',
  'notify-6.1-restore',
  'zpci-7.2',
  'zpci-7.3',
  'eeh',
] as const;
export type ProfileName = (typeof profileNames)[number];

export const profiles: Readonly<Record<ProfileName, KernelProfile>> = {
  'stock-6.1': aerProfile('stock-6.1', '6.1', 'absent', 'x86, stock vfio-pci of Linux 6.1.192'),
  'stock-6.12': aerProfile('stock-6.12', '6.12', 'absent', 'x86, stock vfio-pci of Linux 6.12'),
  'stock-7.2': aerProfile('stock-7.2', '7.2', 'absent', 'x86, stock vfio-pci of Linux 7.2.13'),
  'notify-6.1': aerProfile('notify-6.1', '6.1', 'asPosted', 'x86, Linux 6.1.192 with the notify driver'),
  'notify-7.2': aerProfile('notify-7.2', '7.2', 'asPosted', 'x86, Linux 7.2.13 with the RFC as posted'),
  'notify-7.2-restore': aerProfile(
    'notify-7.2-restore',
    '7.2',
    'restoreOpenSnapshot',
    'x86, Linux 7.2.13, the open-time snapshot restored in slot_reset',
  ),
  'notify-6.1-restore': aerProfile(
    'notify-6.1-restore',
    '6.1',
    'restoreOpenSnapshot',
    'x86, Linux 6.1.192, the open-time snapshot restored in slot_reset',
  ),
  'zpci-7.2': zpciProfile('zpci-7.2', '7.2', 's390x, Linux 7.2: the kernel resumes by itself'),
  'zpci-7.3': zpciProfile('zpci-7.3', '7.3', 's390x, Linux 7.3: mediated recovery'),
  eeh: {
    ...aerProfile('eeh', '6.1', 'absent', 'POWER, EEH: the PE freezes until user space resets it'),
    platform: 'eeh',
    topology: 'eehPe',
  },
};

export const defaultProfile: ProfileName = 'notify-7.2';

export const profileNamed = (name: string): Result<KernelProfile> =>
  Object.hasOwn(profiles, name)
    ? success(profiles[name as ProfileName])
    : failure('unknownRig', `There is no kernel profile "${name}"; there are ${profileNames.join(', ')}.`);
