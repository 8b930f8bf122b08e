import type { SyscallResult, Syscalls } from '../syscalls.ts';
import type { ThreadSide } from './startThread.ts';

/** A call that may block. `argument` and `bytes` are copies: an answer of ioctl() comes back in `argument`. */
export type BlockingCall =
  | { readonly call: 'open'; readonly path: string; readonly flags: number }
  | { readonly call: 'close'; readonly fd: number }
  | { readonly call: 'write'; readonly fd: number; readonly bytes: Uint8Array }
  | {
      readonly call: 'ioctl';
      readonly fd: number;
      readonly request: number;
      readonly argument: Uint8Array | number | bigint;
    };

export interface BlockingAnswer {
  readonly result: SyscallResult<number>;
  /** The buffer as the kernel left it. */
  readonly argument: Uint8Array | null;
}

/** Runs in a thread (README.md): makes the calls it is sent, one after the other. */
export const blockingCallThread = (calls: Syscalls, side: ThreadSide): void => {
  const make = (request: BlockingCall): SyscallResult<number> => {
    switch (request.call) {
      case 'open':
        return calls.open(request.path, request.flags);
      case 'close': {
        const closed = calls.close(request.fd);
        return closed.ok ? { ok: true, value: 0 } : closed;
      }
      case 'write':
        return calls.write(request.fd, request.bytes);
      case 'ioctl':
        return calls.ioctl(request.fd, request.request, request.argument);
    }
  };
  side.port.on('message', (request: BlockingCall) => {
    const result = make(request);
    const argument =
      request.call === 'ioctl' && typeof request.argument === 'object' ? request.argument : null;
    side.port.postMessage({ result, argument } satisfies BlockingAnswer);
  });
};
