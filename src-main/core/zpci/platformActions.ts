/**
 * What an s390x platform does with a function besides VFIO's reset: `recover` of sysfs (arch/s390/pci/pci_sysfs.c), the
 * power of its slot (drivers/pci/hotplug/s390_pci_hpc.c), and what zpcictl of s390-tools asks of the service element by
 * `report_error` (drivers/s390/char/sclp_pci.c).
 */
export const platformActions = [
  'recover',
  'powerOff',
  'powerOn',
  'zpcictlReset',
  'zpcictlResetFirmware',
  'zpcictlDeconfigure',
  'zpcictlReportError',
] as const;
export type PlatformAction = (typeof platformActions)[number];

/** How an action went. */
export interface PlatformReport {
  readonly action: PlatformAction;
  /** How long the kernel took, in microseconds. */
  readonly took: number;
  /** Whether the function is on the bus afterwards. */
  readonly present: boolean;
}

export interface PlatformActionWords {
  readonly title: string;
  /** What a person would type for it on the machine. */
  readonly typed: string;
  /** What comes of it, before it is chosen. */
  readonly consequence: string;
  /** The function leaves the kernel's hands, and those of whoever holds it, at least for a while. */
  readonly takesAway: boolean;
  /** It goes to the service element, which a guest of QEMU and a simulated machine do not have. */
  readonly toServiceElement: boolean;
}

const comesBack =
  'it comes back as a new device: without its driver_override, on whatever driver takes it, perhaps with another handle. Bind it again before it is armed.';

export const platformWords: Readonly<Record<PlatformAction, PlatformActionWords>> = {
  recover: {
    title: 'Recover',
    typed: 'echo 1 > recover',
    consequence: `The kernel removes the function, disables and enables it, and scans its bus; ${comesBack}`,
    takesAway: true,
    toServiceElement: false,
  },
  powerOff: {
    title: 'Slot power off',
    typed: 'echo 0 > power',
    consequence:
      'The function is deconfigured: it leaves the bus for standby, and a rescan does not bring it back. Its slot has to be powered on.',
    takesAway: true,
    toServiceElement: false,
  },
  powerOn: {
    title: 'Slot power on',
    typed: 'echo 1 > power',
    consequence: `The function is configured again and its bus is scanned; ${comesBack}`,
    takesAway: false,
    toServiceElement: false,
  },
  zpcictlReset: {
    title: 'zpcictl reset',
    typed: 'zpcictl --reset',
    consequence: `An error is reported to the service element, then the kernel recovers the function as with Recover; ${comesBack}`,
    takesAway: true,
    toServiceElement: true,
  },
  zpcictlResetFirmware: {
    title: 'zpcictl reset by firmware',
    typed: 'zpcictl --reset-fw',
    consequence:
      'The service element is asked to reset the adapter; every function on it is hit, of other partitions too, and the kernel is told by events afterwards.',
    takesAway: true,
    toServiceElement: true,
  },
  zpcictlDeconfigure: {
    title: 'zpcictl deconfigure',
    typed: 'zpcictl --deconfigure',
    consequence:
      'The service element is asked to take the function out for a repair: it leaves the bus, and comes back only when somebody configures it there.',
    takesAway: true,
    toServiceElement: true,
  },
  zpcictlReportError: {
    title: 'zpcictl report error',
    typed: 'zpcictl --report-error',
    consequence:
      'A report of an error goes to the service element, where it may call for service; the function goes on as it is.',
    takesAway: false,
    toServiceElement: true,
  },
};

/** The action qualifiers of an adapter error notification (arch/s390/include/asm/sclp.h, SCLP_ERRNOTIFY_AQ_*). */
export const errorNotification = { reset: 0, deconfigure: 1, reportError: 2 } as const;
export type ErrorNotification = keyof typeof errorNotification;

/** What of a log the kernel takes with a notification: a page less the headers of the SCLP block. */
const logBytes = 4054;
const headerBytes = 4;
const dataBytes = 16 + logBytes;

/** Names the program that reports; that of zpcictl, so that a service element files it as it does zpcictl's. */
const zpcictlLogId = 0x4713n;

/**
 * What is written to `report_error`: struct zpci_report_error_header (version 1) and the data that zpcictl puts behind it,
 * with an empty log. Big-endian, as s390x is. `seconds` since 1970.
 */
export const encodeErrorReport = (notification: ErrorNotification, seconds: number): Uint8Array => {
  const bytes = new Uint8Array(headerBytes + dataBytes);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, 1);
  view.setUint8(1, errorNotification[notification]);
  view.setUint16(2, dataBytes);
  view.setBigUint64(4, BigInt(Math.floor(seconds)));
  view.setBigUint64(12, zpcictlLogId);
  return bytes;
};
