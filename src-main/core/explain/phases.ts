import { isOutcome, type Phase } from '../recovery/phase.ts';
import { account, titled, type Account, type Explanation } from './explanation.ts';

const phaseAccounts: Readonly<Record<Phase, Account>> = {
  armed: account(
    'An eventfd is registered, and no error has been signalled.',
    'The device is under watch; the next signal opens a recovery.',
    'Inject a fault, or wait.',
  ),
  errorDetected: account(
    'The kernel signalled an error, and the bench reads what the registers say.',
    'With notify the kernel waits inside error_detected from now on; with the other protocols it does not wait.',
    'Nothing yet; quiescing follows by itself.',
    'drivers/pci/pcie/err.c, report_error_detected()',
  ),
  quiescing: account(
    'User space stops touching the device: bus master and MSI-X are switched off, BARs are unmapped.',
    'A device that is still in use when it is reset loses data. Where there is no ack, the decision on the reset follows here.',
    'Wait until the device is quiet; then decide on the reset, unless a policy does.',
    'observation 11',
  ),
  awaitingAck: account(
    'The device is quiet, and the kernel waits for an ack.',
    'The countdown is the kernel’s own. Without an ack error_detected returns CAN_RECOVER, and a fatal error is reset anyway.',
    'Acknowledge, withdraw, or let the time run out.',
    'Keith Busch, 2026-06-09; observation 6',
  ),
  resetting: account(
    'The device is being reset.',
    'With notify the kernel has the ack and resets the slot; otherwise user space drives the reset, and repeats it on EAGAIN.',
    'Wait; no other reset may come between.',
    'observation 12; s390x facts, mediated recovery',
  ),
  slotReset: account(
    'The reset is said to be done.',
    'Event 2 means "slot_reset ran" and not "ready": on 6.1 a non-fatal error resets nothing, and a perm_failure looks the same.',
    'Bring the device back, unless the policy does.',
    'observations 2, 3 and 7',
  ),
  reinitialising: account(
    'The registers are put back in order, and the device has to prove that it works.',
    'The order is COMMAND, DEVICE_RESET, COMMAND, DevCtl, the device’s own set-up; another order leaves BARs at 0 or MSI-X dead.',
    'Wait for the proof, and for the kernel’s word where it can be heard.',
    'observations 4 and 5',
  ),
  recovered: account(
    'The device is back.',
    'Its reset and its proof passed, and the kernel reported success where it can be heard. The reason says whether DMA and an interrupt were proven.',
    'Compare the restored state with the state before, then go on.',
  ),
  failed: account(
    'The recovery ended without the device being back.',
    'The reason says which step failed.',
    'Read the reason and the kernel log. Closing, resetting and opening the device again is the next thing to try.',
  ),
  timedOut: account(
    'The time ran out before anybody decided, or before the decision arrived.',
    'With notify the kernel went on by itself with CAN_RECOVER: a fatal error was reset while the device was in use, and no second signal came.',
    'Look at BARs and DevCtl before trusting the device; close and open it to bring it back.',
    'observation 6',
  ),
  withdrawn: account(
    'The eventfd was removed during the recovery.',
    'The bench left the decision to others. The kernel still waits out its time and then returns CAN_RECOVER.',
    'Arm the device again once the kernel has ended its recovery.',
    'observation 9',
  ),
  deviceLost: account(
    'The device is gone.',
    'It vanished from the bus, or its PE is permanently unavailable.',
    'Close it, look at the slot, and replug it if need be.',
  ),
};

export const explainPhase = (phase: Phase): Explanation =>
  titled(`${phase} (${isOutcome(phase) ? 'outcome' : 'phase'})`, phaseAccounts[phase]);
