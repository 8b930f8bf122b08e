import { Worker } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { createSyscalls } from '../createSyscalls.ts';
import type { Syscalls, SyscallsProvider } from '../syscalls.ts';

/** What a thread's function gets of its surroundings. */
export interface ThreadSide {
  readonly port: MessagePort;
  /** receiveMessageOnPort(): the next message without going back to the event loop; undefined if there is none. */
  readonly receive: () => { readonly message: unknown } | undefined;
}

/**
 * Starts a thread with system calls of its own. The functions cross as source text, which works alike from TypeScript,
 * from a bundle and from one single file, where there is no second file to start: so `body` and `provider.library` use
 * their arguments and the language alone. `data` is cloned.
 */
export const startThread = <Data>(
  provider: SyscallsProvider,
  body: (calls: Syscalls, side: ThreadSide, data: Data) => void,
  data: Data,
): Worker => {
  const source = `'use strict';
const { parentPort, receiveMessageOnPort, workerData } = require('node:worker_threads');
const create = ${createSyscalls.toString()};
const library = ${provider.library.toString()};
const body = ${body.toString()};
const side = { port: parentPort, receive: () => receiveMessageOnPort(parentPort) };
body(create(library(require(workerData.addOn))), side, workerData.data);`;
  // The flags of this process are for its own files: --input-type=module would read the source as something else.
  return new Worker(source, { eval: true, execArgv: [], workerData: { addOn: provider.addOn, data } });
};
