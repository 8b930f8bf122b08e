import type { AerError } from '../pci/aer.ts';
import { describeEventCode, formatEventCode } from '../zpci/eventCodes.ts';
import { account, titled, type Explanation } from './explanation.ts';

const aerConsequences = {
  correctable: account(
    '',
    'The hardware corrected it by itself; no driver is told, and no recovery begins.',
    'Watch the counters: a rising rate points at a bad link.',
    'PCIe base specification 7.8.4',
  ),
  nonFatal: account(
    '',
    'By default it is non-fatal: the link still works. With legacy the device is left untouched; with notify a NEED_RESET resets the bus on 7.2, and nothing on 6.1.',
    'Watch the recovery; check afterwards whether there really was a reset.',
    'PCIe base specification 7.8.4; observation 2',
  ),
  fatal: account(
    '',
    'By default it is fatal: the link cannot be trusted, and the kernel resets the bus whatever the drivers answer.',
    'Quiesce before the reset, and bring BARs, MSI-X and DevCtl back after it.',
    'PCIe base specification 7.8.4; observations 3 and 6',
  ),
};

export const explainAerError = (error: AerError): Explanation =>
  titled(`${error.name} (AER ${error.kind} error, bit ${error.bit})`, {
    ...aerConsequences[error.defaultSeverity],
    whatHappened: error.meaning,
  });

const pecConsequences = {
  recoveryAttempt: account(
    '',
    'The function is in the error state: its BARs read as all ones, and DMA is blocked. From 7.3 on the kernel leaves the recovery to user space.',
    'Drain feature 13, reset the device (again on EAGAIN), switch bus master on, map DMA again, and prove it.',
    's390x facts, mediated recovery; arch/s390/pci/pci_event.c',
  ),
  permanentFailure: account(
    '',
    'The kernel treats it as a permanent failure: the driver is told that the device is gone.',
    'Close the device; it has to be recovered or deconfigured on the machine.',
    'arch/s390/pci/pci_event.c',
  ),
  ignored: account(
    '',
    'Linux ignores it, and no recovery begins.',
    'Nothing has to be done for the device.',
    'arch/s390/pci/pci_event.c',
  ),
};

/** A PCI event code (PEC) of an s390x machine. */
export const explainPec = (number: number): Explanation => {
  const described = describeEventCode(number);
  const name = described.kind === 'error' ? ` (${described.name})` : '';
  const title = `PEC ${formatEventCode(number)}${name}`;
  if (described.kind === 'availability') {
    return titled(
      title,
      account(
        described.meaning,
        'It is an availability event: the function comes or goes, and there is no error record.',
        'List the devices again.',
        'arch/s390/pci/pci_event.c',
      ),
    );
  }
  return titled(title, { ...pecConsequences[described.disposition], whatHappened: described.meaning });
};
