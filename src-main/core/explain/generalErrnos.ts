import type { ErrnoName } from '../errno.ts';
import { account, type Account } from './explanation.ts';

/** What an errno means where no operation gives it a narrower meaning. Complete: a name without an account does not compile. */
export const generalErrnos: Readonly<Record<ErrnoName, Account>> = {
  EPERM: account(
    'The kernel refused because this user may not do that.',
    'A capability is missing, or the kernel protects other users of the same IOMMU group.',
    'Run the agent with the capability that is asked for, usually CAP_SYS_ADMIN, and check who shares the group.',
  ),
  ENOENT: account(
    'A file or a directory on the way does not exist.',
    'A module that makes the file is not loaded, or the device is not where it was.',
    'Load the module, list the devices again, and check the spelling of the path.',
  ),
  ESRCH: account(
    'The process that was meant does not exist any more.',
    'It ended between being named and being asked.',
    'Look the process up again before the next attempt.',
  ),
  EINTR: account(
    'A signal interrupted the call before it did anything.',
    'The process was sent a signal, for example by Ctrl+C or a timer.',
    'Repeat the call; nothing was changed by it.',
  ),
  EIO: account(
    'The device or the disk did not carry out the access.',
    'The hardware did not answer, or its memory decoding is switched off.',
    'Look at the kernel log, and at COMMAND.Memory if a BAR was accessed.',
  ),
  ENXIO: account(
    'The address or the unit does not exist on this device.',
    'The device behind the file is gone, or the request lies outside what it has.',
    'List the devices again and open the right one.',
  ),
  E2BIG: account(
    'The structure or the list of arguments is longer than the kernel takes.',
    'The caller was built against a newer interface than this kernel has.',
    'Use the structure size that this kernel knows.',
  ),
  EBADF: account(
    'The number does not stand for an open file.',
    'The file was closed already, or was opened for the other direction.',
    'Open the device again; a session that was closed cannot be used any more.',
  ),
  EAGAIN: account(
    'The kernel could not do it just now and did nothing.',
    'Somebody holds a lock that the call would have had to wait for.',
    'Wait some milliseconds and repeat the call.',
  ),
  ENOMEM: account(
    'The kernel ran out of memory, or of locked memory for this user.',
    'DMA mappings pin memory and count against the memory lock limit.',
    'Raise "ulimit -l", or unmap what is not needed.',
  ),
  EACCES: account(
    'The permissions of the file do not allow the access.',
    'The file belongs to another user or group.',
    'Give the user access to the file, or run the agent as a user that has it.',
  ),
  EFAULT: account(
    'The kernel could not read or write the memory that was handed to it.',
    'The address is not mapped in this process.',
    'This is a defect of the caller; report it with the journal of the run.',
  ),
  EBUSY: account(
    'The object is in use by somebody else.',
    'Another process or another driver holds it.',
    'Find the other user, let it finish, and try again.',
  ),
  EEXIST: account(
    'What was to be made is there already.',
    'It was made before, or two requests overlap.',
    'Use what is there, or remove it first.',
  ),
  ENODEV: account(
    'The device does not exist for the kernel, or does not answer.',
    'It was removed, is in the error state, or has no such function.',
    'Look at the kernel log, and list the devices again.',
  ),
  ENOTDIR: account(
    'A part of the path is a file and not a directory.',
    'The path is wrong.',
    'Correct the path.',
  ),
  EISDIR: account(
    'The path names a directory where a file is needed.',
    'The path is wrong, or a directory has the name that the file should get.',
    'Correct the path.',
  ),
  EINVAL: account(
    'The kernel does not accept the request in this form.',
    'A number, a size or a flag is not valid for this device or this kernel.',
    'Check that the kernel and the device have what was asked for.',
  ),
  ENFILE: account(
    'The whole machine has too many files open.',
    'The limit of the system is reached.',
    'Close programs, or raise fs.file-max.',
  ),
  EMFILE: account(
    'This process has too many files open.',
    'Each device takes several file descriptors, and the limit is reached.',
    'Raise "ulimit -n", or close devices that are not needed.',
  ),
  ENOTTY: account(
    'The kernel does not know this request for this file.',
    'The kernel is too old or too new for it, or the device cannot do it.',
    'Use another way that this kernel has; nothing was changed.',
  ),
  EFBIG: account(
    'The file may not grow as far as was asked.',
    'The limit of the user or of the file system is reached.',
    'Raise "ulimit -f", or use another file system.',
  ),
  ENOSPC: account(
    'There is no room left.',
    'The disk is full, or the buffer that was handed over is too small.',
    'Make room and repeat the request.',
  ),
  EROFS: account(
    'The file system is mounted read-only.',
    'It was mounted so, or the kernel made it so after a disk error.',
    'Choose another directory, or mount it for writing.',
  ),
  EPIPE: account(
    'The other end of the connection is closed.',
    'The program at the other end has ended.',
    'Start the other end again and connect once more.',
  ),
  ERANGE: account(
    'A value lies outside the range that is allowed.',
    'The number is too large or too small for its field.',
    'Choose a value within the range.',
  ),
  ENAMETOOLONG: account(
    'The name of the file is too long.',
    'File systems allow 255 bytes for a name and 4096 for a path.',
    'Choose a shorter name.',
  ),
  ENOSYS: account(
    'This kernel does not have the system call.',
    'It was built without it, or a sandbox hides it.',
    'Run on a kernel that has it, outside the sandbox.',
  ),
  ELOOP: account(
    'The path goes through too many symbolic links.',
    'Two links point at each other.',
    'Correct the links, or name the file directly.',
  ),
  ENOMSG: account(
    'There is nothing to read.',
    'The queue is empty, which is the normal end of draining it.',
    'Nothing has to be done.',
  ),
  ENODATA: account(
    'There are no data where some were expected.',
    'The object is there, but nothing is stored in it.',
    'Check that what writes the data has run.',
  ),
  EPROTO: account(
    'The two ends do not agree on how to talk to each other.',
    'They are of different versions, or the connection is damaged.',
    'Run the same version on both ends.',
  ),
  EOVERFLOW: account(
    'A number does not fit the field that it belongs into.',
    'The addresses or sizes add up to more than the field holds.',
    'Choose smaller values.',
  ),
  EPROTONOSUPPORT: account(
    'What the request needs is not supported here.',
    'A capability is missing in the device or in the port above it.',
    'Choose a device, or a port, that has the capability.',
  ),
  EOPNOTSUPP: account(
    'The kernel or the device does not support the operation.',
    'It was built without it, or the hardware has no such function.',
    'Use another way that this device has.',
  ),
  ECONNRESET: account(
    'The other end broke the connection.',
    'The program or the machine at the other end ended without saying goodbye.',
    'Check that it still runs, and connect again.',
  ),
  ENOTCONN: account(
    'There is no connection to write to.',
    'It was never made, or it has been closed.',
    'Connect first.',
  ),
  ETIMEDOUT: account(
    'No answer came in time.',
    'The other end is busy, gone, or cannot be reached.',
    'Check the other end, and try again.',
  ),
  ECONNREFUSED: account(
    'Nobody listens at that address.',
    'The program there is not running, or listens somewhere else.',
    'Start it, and check the address.',
  ),
  EHOSTUNREACH: account(
    'No way leads to the machine.',
    'It is switched off, or the network between is down.',
    'Check the network and the name of the machine.',
  ),
  EDQUOT: account(
    'The disk quota of the user is used up.',
    'The files of this user take all the room that they may.',
    'Remove files, or ask for a larger quota.',
  ),
};
