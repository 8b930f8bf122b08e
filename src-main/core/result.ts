import type { Errno } from './errno.ts';

/**
 * The closed set of error codes. A code tells a program what kind of refusal or failure this is; the message tells
 * a lab engineer what to do about it. A new code is added here and in `core/explain`, which explains each of them.
 */
export const errorCodes = [
  // what the caller asked for
  'malformedInput',
  'unknownRig',
  'unknownAddress',
  'unknownScenario',
  'scenarioMalformed',
  'unknownCode',
  // what the state of the device or the recovery does not allow
  'protocolUnavailable',
  'alreadyArmed',
  'notArmed',
  'noOpenWait',
  'ackTooLate',
  'waitOpen',
  'recoveryOpen',
  'noOpenRecovery',
  'stepUnderWay',
  'preflightRefused',
  'confirmationInvalid',
  'notOperator',
  // what the kernel or the rig answered
  'kernelRefused',
  'busy',
  'permissionDenied',
  'notSupported',
  'deviceLost',
  'configUnreadable',
  'injectorUnavailable',
  'injectionRefused',
  'sessionClosed',
  'rigClosed',
  'malformedStruct',
  // between the console's processes
  'senderRefused',
  'callTimedOut',
  'linkLost',
  'otherVersion',
  'malformedMessage',
  'benchDefect',
  // guests that the bench starts
  'imageNotBuilt',
  'rigNotStarted',
  // machines that ssh reaches
  'sshRefused',
  'machineUnfit',
  'agentNotCopied',
  // the run log
  'journalUnwritable',
  'journalUnreadable',
  'journalDamaged',
  'unknownRun',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** An error as a value: it crosses process boundaries as it stands. */
export interface BenchError {
  readonly code: ErrorCode;
  /** One sentence that a lab engineer can act on. */
  readonly message: string;
  readonly errno?: Errno;
  readonly details?: Readonly<Record<string, unknown>>;
}

export type Result<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: BenchError };

export const success = <T>(value: T): Result<T> => ({ ok: true, value });

/** The result of an action that has nothing to say but that it was done. */
export const done: Result<void> = { ok: true, value: undefined };

export const failure = (
  code: ErrorCode,
  message: string,
  extra: { errno?: Errno; details?: Readonly<Record<string, unknown>> } = {},
): { readonly ok: false; readonly error: BenchError } => ({ ok: false, error: { code, message, ...extra } });
