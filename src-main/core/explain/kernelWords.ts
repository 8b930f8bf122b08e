import type { RecoveryUevent } from '../recovery/event.ts';
import { account, titled, type Account, type Explanation } from './explanation.ts';

/** What drivers answer in a recovery (include/linux/pci.h, pci_ers_result_t), without the prefix PCI_ERS_RESULT_. */
const ersResults = {
  NONE: account(
    'The driver gave no answer that counts.',
    'It has no part in this recovery, or the error state of the device could not be changed.',
    'Look at what the other functions of the port answered.',
    'drivers/pci/pcie/err.c, merge_result()',
  ),
  CAN_RECOVER: account(
    'The driver says that the device can go on without a slot reset.',
    'The driver vfio-pci answers so at once with legacy, and after a time-out or a withdrawal with notify. A fatal error resets the bus all the same.',
    'With notify, check BARs and DevCtl: nobody announces that reset.',
    'Keith Busch, 2026-06-09; observations 6 and 9',
  ),
  NEED_RESET: account(
    'The driver asks for a slot reset.',
    'The driver vfio-pci answers so after an ack, and after a close during the wait. Every function of the slot is then reset. On 6.1 a non-fatal error calls slot_reset without any reset.',
    'Wait for event 2, then bring the device back and prove it.',
    'observations 2, 10 and 12',
  ),
  DISCONNECT: account(
    'The device counts as lost.',
    'It is disconnected, or its driver gave it up; FAILED_RECOVERY is sent.',
    'Replug the device, or reset its slot.',
    'drivers/pci/pcie/err.c, report_perm_failure_detected()',
  ),
  RECOVERED: account(
    'The driver says that the device works again.',
    'The driver vfio-pci answers so from slot_reset without having looked at the device.',
    'Do not take it for a proof.',
    'Keith Busch, 2026-06-09; observation 3',
  ),
  NO_AER_DRIVER: account(
    'A function under the port has no driver that handles errors.',
    'Its answer beats all others: no function of the port is recovered, and all get a permanent failure.',
    'Bind the sibling to vfio-pci, or remove it.',
    'drivers/pci/pcie/err.c, merge_result(); observation 7',
  ),
} as const satisfies Readonly<Record<string, Account>>;

export type ErsResult = keyof typeof ersResults;

export const ersResultNames = Object.keys(ersResults) as readonly ErsResult[];

export const explainErsResult = (result: ErsResult): Explanation =>
  titled(`PCI_ERS_RESULT_${result}`, ersResults[result]);

export const ueventNames = {
  beginRecovery: 'BEGIN_RECOVERY',
  successfulRecovery: 'SUCCESSFUL_RECOVERY',
  failedRecovery: 'FAILED_RECOVERY',
} as const satisfies Readonly<Record<RecoveryUevent, string>>;

const uevents: Readonly<Record<RecoveryUevent, Account>> = {
  beginRecovery: account(
    'The kernel announced that the recovery of this device begins.',
    'It is sent when error_detected has returned, and so means that the wait for an ack is over. On s390x it is the only uevent that comes.',
    'If no ack was sent, do not send one any more.',
    'drivers/pci/pci-driver.c, pci_uevent_ers(); observation 15',
  ),
  successfulRecovery: account(
    'The kernel announced that its recovery ended well.',
    'It is sent after event 2. After a fatal time-out it is the only sign that anything happened.',
    'Bring the device back and prove it; the word says nothing about its registers.',
    'drivers/pci/pcie/err.c, report_resume(); observations 6 and 15',
  ),
  failedRecovery: account(
    'The kernel announced that its recovery failed.',
    'A function has no error handling, or a reset failed. A second signal before it was error_detected(perm_failure) and no reset.',
    'Call the device failed, whatever event 2 seemed to say.',
    'drivers/pci/pcie/err.c, report_perm_failure_detected(); observation 7',
  ),
};

export const explainUevent = (uevent: RecoveryUevent): Explanation =>
  titled(`ERROR_EVENT=${ueventNames[uevent]}`, uevents[uevent]);
