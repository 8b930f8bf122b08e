import type { Microseconds, Protocol } from '../../../src-main/core/recovery/phase.ts';
import type { ErrorRecord, ResetKind, Severity } from '../../../src-main/core/recovery/reports.ts';
import { formatEventCode } from '../../../src-main/core/zpci/eventCodes.ts';

/** `43.2`: seconds with one decimal, rounded down, so that it never says more than there is. */
export const secondsLeft = (left: Microseconds): string => (Math.floor(left / 100_000) / 10).toFixed(1);

/** `640 µs`, `9.3 ms`, `1.310 s`: as exact as a recovery is looked at. */
export const duration = (took: Microseconds): string => {
  if (took < 1_000) return `${took} µs`;
  return took < 1_000_000 ? `${(took / 1_000).toFixed(1)} ms` : `${(took / 1_000_000).toFixed(3)} s`;
};

export const severityWords: Readonly<Record<Severity, string>> = {
  correctable: 'correctable',
  nonFatal: 'non-fatal',
  fatal: 'fatal',
  unknown: 'severity unknown',
};

export const errorWord = (error: ErrorRecord): string => {
  switch (error.source) {
    case 'aer':
      return error.first ? `${error.name}, first error` : error.name;
    case 'ccdf':
      return `PEC ${formatEventCode(error.pec)} ${error.pecName}`;
    case 'eeh':
      return 'frozen PE';
  }
};

export const resetWords: Readonly<Record<ResetKind, { readonly title: string; readonly text: string }>> = {
  device: {
    title: 'Device reset',
    text: 'VFIO_DEVICE_RESET: this function by itself; what it was doing is lost.',
  },
  hot: { title: 'Hot reset', text: 'VFIO_DEVICE_PCI_HOT_RESET: every function of the slot or bus.' },
  peHot: { title: 'PE hot reset', text: 'VFIO_EEH_PE_RESET_HOT: every function in the PE.' },
  peFundamental: {
    title: 'PE fundamental reset',
    text: 'VFIO_EEH_PE_RESET_FUNDAMENTAL (PERST): every function in the PE.',
  },
};

/** What arming with each protocol means. */
export const protocolWords: Readonly<Record<Protocol, { readonly title: string; readonly text: string }>> = {
  notify: {
    title: 'notify',
    text: 'Error index 5 of vfio-pci-notify. The kernel stops in error_detected, signals, and waits for your ack before it resets the slot.',
  },
  legacy: {
    title: 'legacy',
    text: 'Error index 3. The kernel signals and goes on: a fatal error is reset under the device. You decide on a reset of your own.',
  },
  mediated: {
    title: 'mediated',
    text: 's390x, index 3 and device feature 13. The kernel signals, keeps the error records, and leaves the recovery to you.',
  },
  eeh: {
    title: 'eeh',
    text: 'powerpc. The PE freezes and reads as ones until you reset, configure and thaw it.',
  },
};
