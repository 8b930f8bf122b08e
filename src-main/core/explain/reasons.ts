import { sentenceOf, type Reason } from '../recovery/reasons.ts';
import type { Explanation } from './explanation.ts';

/** What reasons of one kind have in common: why such a thing happens, and what is to be done about it. */
const kinds = {
  signal: [
    'One eventfd carries several meanings and counts what is not read in time, so the bench goes by the count and by the phase.',
    'Nothing has to be done; the journal keeps the count.',
  ],
  nextError: [
    'The kernel handles one error of a device after the other, so a further error means that it has gone on.',
    'Turn to the new recovery; the earlier one has its outcome.',
  ],
  progress: ['It is one step on the way, and the next one follows by itself.', 'Nothing has to be done.'],
  person: [
    'A person chose it; the journal keeps who and why.',
    'Watch on the timeline what the kernel makes of it.',
  ],
  policy: [
    'The policy that the device was armed with declares it beforehand.',
    'Arm with another policy if it is not wanted.',
  ],
  refused: [
    'The call came back with an errno, or a step of it failed.',
    'Ask for the explanation of the errno, and decide again while the time lasts.',
  ],
  clock: [
    'A deadline passed; it is absolute, and nothing that happens on the way moves it.',
    'Look at BARs and DevCtl before trusting the device; close and open it to bring it back.',
  ],
  failure: [
    'A step that the device cannot do without did not succeed.',
    'Read the report of the step and the kernel log, then reset the device or open it again.',
  ],
  kernelWord: [
    'The kernel tells by uevent when its own recovery of a device begins and ends.',
    'Nothing has to be done; the outcome takes it into account.',
  ],
  success: [
    'The reset, the set-up and what could be proven have passed.',
    'Compare the restored state with the state before.',
  ],
  gone: [
    'The device, or the file that stood for it, is not there any more.',
    'List the devices again, and open the device if it is still there.',
  ],
} as const satisfies Readonly<Record<string, readonly [why: string, whatToDo: string]>>;

const keithBusch = 'Keith Busch, 2026-06-09';
const mediated = 's390x facts, mediated recovery';

type Row = readonly [title: string, kind: keyof typeof kinds, source?: string];

/** Complete: a reason without a row does not compile. */
const rows: Readonly<Record<Reason, Row>> = {
  signalOpens: ['An error was signalled', 'signal', keithBusch],
  signalToCheck: ['A signal is looked up', 'signal', mediated],
  loopbackSeen: ['The bench’s own loop-back', 'signal', 'include/uapi/linux/vfio.h, VFIO_DEVICE_SET_IRQS'],
  spuriousSignal: ['A signal with nothing behind it', 'signal', mediated],
  errorConfirmed: ['The error is confirmed', 'progress', mediated],
  errorsWithoutSignal: ['Errors were waiting', 'signal', 's390x facts, "no eventfd registered"'],
  checkUnanswered: ['The look-up was not answered', 'signal', mediated],
  loopbackTriggered: [
    'A loop-back is triggered',
    'person',
    'include/uapi/linux/vfio.h, VFIO_DEVICE_SET_IRQS',
  ],
  furtherSignal: ['A further signal of the same error', 'signal', mediated],
  coalescedSignals: ['Several signals in one read', 'signal', 'observation 8'],
  slotResetSignalled: ['Event 2', 'signal', 'observations 2 and 3'],
  slotResetBeforeAnswer: ['Event 2 before the answer to the ack', 'signal', 'observation 2'],
  resetAndNextError: ['The reset and the next error in one read', 'nextError', 'observation 8'],
  nextErrorDuringWait: ['The next error during the wait', 'nextError', 'observation 8'],
  nextErrorBeforeReturn: ['The next error before the device was back', 'nextError'],
  errorsRead: ['The error registers were read', 'progress', 'observation 11'],
  errorsUnreadable: ['The error registers cannot be read', 'progress', 's390x facts, in error'],
  peLogRead: ['The log of the PE was read', 'progress', 'Documentation/driver-api/vfio.rst'],
  eehContinues: ['The next EEH operation', 'progress', 'Documentation/driver-api/vfio.rst'],
  eehFailed: ['An EEH operation failed', 'failure', 'Documentation/driver-api/vfio.rst'],
  quiesceAsked: ['Quiescing once more', 'person'],
  quiesced: ['The device is quiet', 'progress', 'observation 11'],
  quiesceIncomplete: ['Quiescing did not fully succeed', 'refused'],
  acknowledgeApproved: ['The ack is approved', 'person', keithBusch],
  acknowledgeByPolicy: ['The policy acks', 'policy', keithBusch],
  acknowledgeByTimeoutPolicy: ['The time-out policy acks', 'policy', keithBusch],
  answeredByItself: ['Acked without asking', 'policy', keithBusch],
  acknowledged: ['The kernel took the ack', 'progress', keithBusch],
  acknowledgeRefused: ['The kernel refused the ack', 'refused', 'observation 1'],
  withdrawAsked: ['A withdrawal is asked for', 'person', 'observation 9'],
  withdrawByTimeoutPolicy: ['The time-out policy withdraws', 'policy', 'observation 9'],
  withdrawRefused: ['The eventfd could not be removed', 'refused'],
  withdrawn: ['Withdrawn from the handshake', 'person', 'observation 9'],
  waitExpired: ['The wait ran out', 'clock', 'observation 6'],
  waitEndedByKernel: ['The kernel ended the wait', 'clock', 'observations 8 and 15'],
  patienceExhausted: ['Nobody decided', 'clock'],
  timeoutActionMissed: ['The time-out action came too late', 'clock', 'observation 8'],
  ackUnanswered: ['The answer to the ack is missing', 'clock', 'observation 8'],
  ackCameTooLate: ['The ack missed the wait', 'clock', 'observations 1 and 15'],
  withdrawnFromRecovery: ['Withdrawn from the recovery', 'person'],
  resetApproved: ['The reset is approved', 'person'],
  resetByPolicy: ['The policy resets', 'policy'],
  resetByTimeoutPolicy: ['The time-out policy resets', 'policy'],
  resetWaitsForKernel: ['The reset waits for the kernel', 'progress', 'x86 facts, stock vfio-pci'],
  kernelFinished: ['The kernel’s own recovery has ended', 'kernelWord', 'x86 facts, stock vfio-pci'],
  kernelStaysSilent: ['The kernel stays silent', 'clock'],
  resetBusy: ['The reset is tried again', 'progress', mediated],
  resetDone: ['The reset is done', 'progress', 'observation 3'],
  resetFailed: ['The reset failed', 'failure'],
  resetStayedBusy: ['The reset stayed busy', 'failure', mediated],
  resetNeverCame: ['No reset and no word came', 'clock', 'observation 6'],
  resetUnanswered: ['The reset did not come back', 'clock'],
  reinitialiseStarted: ['The device is brought back', 'progress', 'observations 4 and 5'],
  reinitialised: ['The device is set up again', 'progress', 'observations 4 and 5'],
  reinitialiseFailed: ['The set-up failed', 'failure', 'observation 4'],
  reinitialiseNeverCame: ['Nobody brought the device back', 'clock'],
  returnUnanswered: ['The set-up did not come back', 'clock'],
  proofFailed: ['The proof failed', 'failure', 'observations 3 and 4'],
  proofAwaitsKernel: ['The kernel’s word is awaited', 'progress', 'observation 15'],
  proven: ['The device is proven to work', 'success'],
  notProven: ['The device is back, and not proven', 'success', 's390x facts, in error'],
  kernelNeverConfirmed: ['The kernel never confirmed', 'clock', 'observations 7 and 15'],
  kernelBegins: ['BEGIN_RECOVERY', 'kernelWord', 'drivers/pci/pci-driver.c, pci_uevent_ers()'],
  kernelSucceeded: ['SUCCESSFUL_RECOVERY', 'kernelWord', 'observation 15'],
  kernelFailed: ['FAILED_RECOVERY', 'kernelWord', 'observation 7'],
  sharedReset: ['The shared reset of the slot', 'signal', 'observation 12'],
  deviceGone: ['The device went away', 'gone'],
  deviceRemoved: ['The device vanished', 'gone'],
  peUnavailable: ['The PE is unavailable', 'gone', 'include/uapi/linux/vfio.h, VFIO_EEH_PE_STATE_UNAVAIL'],
  closedDuringWait: ['Closed during the wait', 'gone', 'observation 10'],
  closed: ['Closed before the device was back', 'gone'],
};

/** The reason’s own sentence under a title, with what it rests on. */
export const explainReason = (reason: Reason): Explanation => {
  const [title, kind, source] = rows[reason];
  const [why, whatToDo] = kinds[kind];
  return {
    title: `${reason}: ${title}`,
    whatHappened: sentenceOf(reason),
    why,
    whatToDo,
    ...(source === undefined ? {} : { source }),
  };
};
