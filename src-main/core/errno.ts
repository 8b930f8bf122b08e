/**
 * Linux errno numbers of asm-generic/errno-base.h and errno.h. The numbers are the same on x86 and s390x, the
 * only architectures a rig runs on, so one table serves every rig.
 */
export const errnoNumbers = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  E2BIG: 7,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENOTTY: 25,
  EFBIG: 27,
  ENOSPC: 28,
  EROFS: 30,
  EPIPE: 32,
  ERANGE: 34,
  ENAMETOOLONG: 36,
  ENOSYS: 38,
  ELOOP: 40,
  ENOMSG: 42,
  ENODATA: 61,
  EPROTO: 71,
  EOVERFLOW: 75,
  EPROTONOSUPPORT: 93,
  EOPNOTSUPP: 95,
  ECONNRESET: 104,
  ENOTCONN: 107,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTUNREACH: 113,
  EDQUOT: 122,
} as const;

export type ErrnoName = keyof typeof errnoNumbers;

/** An errno as it reaches the screen: always both its number and its name. */
export interface Errno {
  readonly number: number;
  /** A name of `errnoNumbers`, or `errno 71` for a number the table does not hold. */
  readonly name: string;
}

const names = new Map<number, string>(Object.entries(errnoNumbers).map(([name, number]) => [number, name]));

export const errnoOf = (name: ErrnoName): Errno => ({ number: errnoNumbers[name], name });

export const errnoFromNumber = (number: number): Errno => ({
  number,
  name: names.get(number) ?? `errno ${number}`,
});

/** Accepts `EAGAIN`, `eagain` and `11`. */
export const parseErrno = (text: string): Errno | undefined => {
  const name = text.toUpperCase();
  if (Object.hasOwn(errnoNumbers, name)) return errnoOf(name as ErrnoName);
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return names.has(number) ? errnoFromNumber(number) : undefined;
};
