/**
 * Why a step was taken: a closed set, one sentence each, shown on the timeline and kept in the journal. The sentences
 * cite the measured behaviour ("observation n" of the kernel facts) or the mail that they rest on.
 */
export const reasons = {
  // signals
  signalOpens: 'The kernel signalled the error eventfd: an error was detected, and a recovery is open.',
  signalToCheck:
    'The eventfd was signalled; what is behind it is being looked up, because a signal alone proves no error.',
  loopbackSeen: 'The signal is the loop-back that the bench triggered itself; the eventfd path works.',
  spuriousSignal: 'The signal had nothing behind it: no error is queued, so no recovery is open.',
  errorConfirmed: 'There is an error behind the signal; a recovery is open.',
  errorsWithoutSignal:
    'Error records were waiting that no signal speaks of, from before the device was armed; a recovery is open.',
  checkUnanswered: 'The cause of the signal could not be read in time; it is treated as an error.',
  loopbackTriggered: 'The bench triggers the eventfd itself (ACTION_TRIGGER); the next signal is its own.',
  furtherSignal: 'The eventfd was signalled again for a device whose error is already being handled.',
  coalescedSignals:
    'One read returned several signals: earlier errors ran out unseen, and only the last one can still be waiting.',
  slotResetSignalled:
    'The kernel signalled again after the ack: slot_reset ran. Event 2 is no proof of a reset.',
  slotResetBeforeAnswer:
    'The second signal arrived before the answer to the ack: slot_reset ran while the ack was returning.',
  resetAndNextError:
    'One read returned the reset and the next error together (observation 8): the first recovery ends unfinished.',
  nextErrorDuringWait:
    'Another error was signalled while this one waited: the kernel’s wait for the first one had already ended.',
  nextErrorBeforeReturn: 'Another error was signalled before the device was back.',
  // looking and quiescing
  errorsRead: 'The error registers were read; user space stops touching the device.',
  errorsUnreadable:
    'The error registers could not be read; user space stops touching the device all the same.',
  peLogRead: 'The frozen PE’s state and log were read; user space stops touching the device.',
  eehContinues: 'The EEH operation is done; the next one follows.',
  eehFailed: 'The EEH operation failed; the PE stays as it is.',
  quiesceAsked: 'A person asked to quiesce the device again.',
  quiesced: 'The device is quiet: nothing of it is touched until the kernel or a person goes on.',
  quiesceIncomplete: 'Quiescing did not fully succeed; a person has to decide with that in view.',
  // deciding
  acknowledgeApproved:
    'The ack is approved and goes to the kernel (SET_IRQS, DATA_NONE | ACTION_UNMASK, index 5).',
  acknowledgeByPolicy: 'The policy acks once quiescing has succeeded.',
  acknowledgeByTimeoutPolicy: 'Nobody decided in time, and the policy declared an ack for that case.',
  answeredByItself:
    'Nobody decided in time: whoever waits for the signals has quiesced the device and acked, as was handed down.',
  acknowledged: 'The kernel took the ack: error_detected returns NEED_RESET.',
  acknowledgeRefused: 'The kernel refused the ack; its wait goes on.',
  withdrawAsked: 'A person withdrew from the handshake: the eventfd is removed.',
  withdrawByTimeoutPolicy: 'Nobody decided in time, and the policy declared to withdraw in that case.',
  withdrawRefused: 'The eventfd could not be removed; the wait goes on.',
  withdrawn:
    'The eventfd is removed. The kernel still waits out its time and then continues without this device’s consent (observation 9).',
  waitExpired:
    'The kernel’s time ran out without an ack: error_detected returned CAN_RECOVER. A fatal error is reset anyway, and no second signal comes (observation 6).',
  waitEndedByKernel:
    'BEGIN_RECOVERY came without an ack: the kernel’s wait is over, and a late ack would be taken for the next error.',
  patienceExhausted: 'Nobody decided within the policy’s patience; the device stays as the error left it.',
  timeoutActionMissed:
    'The declared action would have come too late for the kernel’s clock; an ack now may be taken for the next error, so none is sent.',
  ackUnanswered:
    'The ack was sent in time but its answer is not back at the end of the wait; the kernel’s next word tells whether it arrived.',
  ackCameTooLate:
    'The kernel ended its recovery without a second signal: the ack had missed the wait, and error_detected had returned CAN_RECOVER.',
  withdrawnFromRecovery:
    'The eventfd is removed. The device stays as the error left it, and further errors are not heard.',
  // resetting
  resetApproved: 'The reset is approved and driven by user space.',
  resetByPolicy: 'The policy resets once quiescing has succeeded.',
  resetByTimeoutPolicy: 'Nobody decided in time, and the policy declared to go on: the reset is driven.',
  resetWaitsForKernel:
    'The kernel’s own recovery has not ended; a reset now would get EAGAIN or be undone by the kernel’s.',
  kernelFinished: 'The kernel’s own recovery has ended; the reset can follow.',
  kernelStaysSilent:
    'The kernel never said that its own recovery had ended; the reset is tried all the same.',
  resetBusy: 'The reset answered EAGAIN: the recovery still holds the device lock. It is tried again.',
  resetDone: 'The reset is done. "Reset" does not mean "ready": the registers have to be put back.',
  resetFailed: 'The reset failed; the device stays as the error left it.',
  resetStayedBusy:
    'The reset answered EAGAIN until its time was up; whatever holds the device lock did not let go.',
  resetNeverCame: 'Neither a second signal nor a word of the kernel came in time after the ack.',
  resetUnanswered: 'The reset did not come back in time.',
  // returning
  reinitialiseStarted:
    'The device is being brought back: COMMAND, DEVICE_RESET, COMMAND, DevCtl, its own set-up.',
  reinitialised: 'The device is set up again; whether it works is now proven by DMA and an interrupt.',
  reinitialiseFailed: 'The device could not be set up again.',
  reinitialiseNeverCame: 'Nobody brought the device back in time.',
  returnUnanswered: 'Bringing the device back did not end in time.',
  proofFailed: 'The device does not work: its proof failed.',
  proofAwaitsKernel: 'The device works; the kernel has yet to say that its recovery succeeded.',
  proven: 'The device works: DMA and an interrupt arrived.',
  notProven: 'The registers are back. The bench has no driver for this device, so it is not proven to work.',
  kernelNeverConfirmed:
    'The device seemed to work, but the kernel never said that its recovery had succeeded.',
  // the kernel's words
  kernelBegins: 'The kernel announced BEGIN_RECOVERY.',
  kernelSucceeded: 'The kernel announced SUCCESSFUL_RECOVERY.',
  kernelFailed:
    'The kernel announced FAILED_RECOVERY. A second signal before it was error_detected(perm_failure), not a reset (observation 7).',
  sharedReset:
    'This device’s wait had run out, but another function of the slot was acked: the kernel reset them all and signals it here too (observation 12).',
  // the device or the session goes away
  deviceGone: 'The device was closed or vanished while no recovery was open; its eventfd went with it.',
  deviceRemoved: 'The device vanished from the bus.',
  peUnavailable: 'The PE is permanently unavailable; it has to be replugged.',
  closedDuringWait:
    'The device was closed during the wait: the kernel takes that as an ack and resets a device that nobody brings back (observation 10).',
  closed: 'The device was closed before it was back.',
} as const;

export type Reason = keyof typeof reasons;

export const sentenceOf = (reason: Reason): string => reasons[reason];
