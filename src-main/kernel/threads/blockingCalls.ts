import type { Worker } from 'node:worker_threads';
import { failure, success, type Result } from '../../core/result.ts';
import type { SyscallsProvider } from '../syscalls.ts';
import { blockingCallThread, type BlockingAnswer, type BlockingCall } from './blockingCallThread.ts';
import { startThread } from './startThread.ts';

/** The calls that may block for a whole wait of the kernel (observations 10 and 11), off the main thread. */
export interface BlockingCalls {
  /**
   * The kernel's answer, errno included; a failure only when no thread could make the call. Calls do not wait for each
   * other. A call that blocks keeps the process from ending: the kernel does not give it up either.
   */
  make(request: BlockingCall): Promise<Result<BlockingAnswer>>;
  /** Ends the idle threads, and the busy ones as they finish. A call after it is refused. */
  close(): void;
}

/** Threads kept for the next call: starting one costs tens of milliseconds. */
const idleKept = 2;

const threadFailed = (why: string): Result<BlockingAnswer> =>
  failure('benchDefect', `The thread that was to make the system call ended: ${why}.`);

export const openBlockingCalls = (provider: SyscallsProvider): BlockingCalls => {
  const idle: Worker[] = [];
  let closed = false;

  const retire = (thread: Worker): void => {
    thread.removeAllListeners();
    if (closed || idle.length >= idleKept) {
      thread.on('error', () => undefined);
      void thread.terminate();
      return;
    }
    thread.once('error', () => idle.splice(idle.indexOf(thread), 1));
    thread.unref();
    idle.push(thread);
  };

  const take = (): Worker => {
    const thread = idle.pop() ?? startThread(provider, blockingCallThread, null);
    thread.removeAllListeners();
    thread.ref();
    return thread;
  };

  return {
    make: (request) => {
      if (closed) return Promise.resolve(threadFailed('the rig was closed'));
      return new Promise((resolve) => {
        const thread = take();
        thread.once('message', (answer: BlockingAnswer) => {
          retire(thread);
          resolve(success(answer));
        });
        thread.once('error', (error) => {
          thread.removeAllListeners();
          resolve(threadFailed(error instanceof Error ? error.message : String(error)));
        });
        thread.once('exit', (code) => resolve(threadFailed(`exit code ${code}`)));
        thread.postMessage(request);
      });
    },
    close: () => {
      closed = true;
      for (const thread of idle.splice(0)) {
        thread.removeAllListeners();
        void thread.terminate();
      }
    },
  };
};
