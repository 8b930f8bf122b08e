import { execFileSync } from 'node:child_process';
import { ReadStream } from 'node:tty';
import type { Duplex } from 'node:stream';
import { koffiSyscalls } from '../../src-main/kernel/koffiSyscalls.ts';
import { openFlags } from '../../src-main/kernel/syscalls.ts';

/** asm-generic/fcntl.h and ioctls.h. */
const O_NOCTTY = 0o400;
const TIOCGPTN = 0x8004_5430;
const TIOCSPTLCK = 0x4004_5431;

/** A character device, and the end of it that the host of a virtio port would have. */
export interface PseudoTerminal {
  readonly path: string;
  readonly host: Duplex;
}

/** Without echo and line editing a pseudo terminal carries bytes as they are, as a virtio port does. */
export const openPseudoTerminal = (): PseudoTerminal => {
  const calls = koffiSyscalls();
  const { O_RDWR, O_CLOEXEC } = openFlags;
  const opened = calls.open('/dev/ptmx', O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (!opened.ok) throw new Error(`/dev/ptmx: errno ${opened.errno}`);
  const number = new Int32Array(1);
  calls.ioctl(opened.value, TIOCSPTLCK, new Uint8Array(number.buffer));
  calls.ioctl(opened.value, TIOCGPTN, new Uint8Array(number.buffer));
  const path = `/dev/pts/${number[0]}`;
  // While nobody has the other half open, reading this one is an error.
  const kept = calls.open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (!kept.ok) throw new Error(`${path}: errno ${kept.errno}`);
  execFileSync('stty', ['-F', path, 'raw', '-echo']);
  const host = new ReadStream(opened.value);
  host.once('close', () => calls.close(kept.value));
  return { path, host };
};
