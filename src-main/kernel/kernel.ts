import { endianness } from 'node:os';
import type { ByteOrder } from '../core/vfio/struct.ts';
import type { HostTree } from './sysfs/hostTree.ts';
import type { Syscalls } from './syscalls.ts';
import type { BlockingCalls } from './threads/blockingCalls.ts';
import type { Waiter } from './waiter/waiter.ts';

/** What everything that works with a real kernel is given. */
export interface Kernel {
  readonly calls: Syscalls;
  readonly blocking: BlockingCalls;
  readonly waiter: Waiter;
  readonly tree: HostTree;
}

/** The byte order of the structs of this host's kernel. */
export const hostOrder: ByteOrder = endianness() === 'LE' ? 'little' : 'big';
