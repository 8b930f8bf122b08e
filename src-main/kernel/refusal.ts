import { errnoFromNumber, type ErrnoName } from '../core/errno.ts';
import { failure, type BenchError, type ErrorCode } from '../core/result.ts';

const codes: Partial<Record<ErrnoName, ErrorCode>> = {
  EAGAIN: 'busy',
  EBUSY: 'busy',
  EPERM: 'permissionDenied',
  EACCES: 'permissionDenied',
  ENOTTY: 'notSupported',
  ENODEV: 'deviceLost',
};

/** What a system call answered when it refused; `code` where the errno alone would mislead. */
export const refused = (
  errno: number,
  message: string,
  code?: ErrorCode,
): { readonly ok: false; readonly error: BenchError } => {
  const named = errnoFromNumber(errno);
  return failure(code ?? codes[named.name as ErrnoName] ?? 'kernelRefused', message, { errno: named });
};
