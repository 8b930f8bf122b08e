import { errnoFromNumber } from '../core/errno.ts';
import { failure, type ErrorCode } from '../core/result.ts';

const errnoIn = (thrown: unknown): number | null =>
  thrown instanceof Error && 'errno' in thrown && typeof thrown.errno === 'number'
    ? Math.abs(thrown.errno)
    : null;

const codes: Readonly<Record<string, ErrorCode>> = {
  EACCES: 'permissionDenied',
  EPERM: 'permissionDenied',
  EBUSY: 'busy',
  ENODEV: 'deviceLost',
  ENXIO: 'deviceLost',
};

const advice: Readonly<Record<string, string>> = {
  EACCES: 'run the agent as root, or give its user the file (resources/udev)',
  EPERM: 'run the agent as root',
  ENOENT: 'there is no such file; list the devices and drivers again',
  EBUSY: 'somebody else holds it; try again when that has ended',
  ENODEV: 'the device is gone or not bound there; list the devices again',
};

/** What an operation on a file of the kernel threw, as an error; what is no errno is thrown on. */
export const fileFailure = (thrown: unknown, doing: string, code: ErrorCode): ReturnType<typeof failure> => {
  const number = errnoIn(thrown);
  if (number === null) throw thrown;
  const errno = errnoFromNumber(number);
  const what = advice[errno.name] ?? 'look at the kernel log';
  return failure(codes[errno.name] ?? code, `The kernel refused ${doing} with ${errno.name}: ${what}.`, {
    errno,
  });
};
