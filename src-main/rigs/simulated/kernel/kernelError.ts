import { errnoOf, type ErrnoName } from '../../../core/errno.ts';
import { failure, type BenchError, type ErrorCode } from '../../../core/result.ts';

const codes: Partial<Record<ErrnoName, ErrorCode>> = {
  EAGAIN: 'busy',
  EBUSY: 'busy',
  EPERM: 'permissionDenied',
  EACCES: 'permissionDenied',
  ENOTTY: 'notSupported',
  ENODEV: 'deviceLost',
};

/** What a system call of the simulated kernel answers when it refuses; `code` where the errno alone would mislead. */
export const refused = (
  errno: ErrnoName,
  message: string,
  code: ErrorCode = codes[errno] ?? 'kernelRefused',
): { readonly ok: false; readonly error: BenchError } => failure(code, message, { errno: errnoOf(errno) });
