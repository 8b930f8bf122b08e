import { success, type Result } from '../../core/result.ts';
import { refused } from '../refusal.ts';
import type { Syscalls } from '../syscalls.ts';

/** An ioctl that answers in its argument, or a refusal with this sentence. */
export const askKernel = (
  calls: Syscalls,
  fd: number,
  request: number,
  argument: Uint8Array,
  sentence: string | ((errno: number) => string),
): Result<Uint8Array> => {
  const answer = calls.ioctl(fd, request, argument);
  if (answer.ok) return success(argument);
  return refused(answer.errno, typeof sentence === 'string' ? sentence : sentence(answer.errno));
};

/** Opens a file of /dev/vfio. */
export const openVfioFile = (
  calls: Syscalls,
  path: string,
  flags: number,
  missing: string,
): Result<number> => {
  const opened = calls.open(path, flags);
  return opened.ok ? success(opened.value) : refused(opened.errno, openSentence(path, opened.errno, missing));
};

const openSentence = (path: string, errno: number, missing: string): string => {
  switch (errno) {
    case 2: // ENOENT
    case 6: // ENXIO
    case 19: // ENODEV: the node is there before the module is (devname: alias)
      return missing;
    case 1: // EPERM
    case 13: // EACCES
      return `This user may not open ${path}; give it the group that the udev rule names, or run the agent as root.`;
    case 16: // EBUSY
      return `Another program holds ${path} open; end it, or choose another device.`;
    default:
      return `${path} could not be opened.`;
  }
};
