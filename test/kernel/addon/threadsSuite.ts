import { describe, expect, it } from 'vitest';
import type { Result } from '../../../src-main/core/result.ts';
import type { OpenedSyscalls } from '../../../src-main/kernel/openSyscalls.ts';
import { eventfdFlags } from '../../../src-main/kernel/syscalls.ts';
import { openBlockingCalls } from '../../../src-main/kernel/threads/blockingCalls.ts';
import { openWaiter } from '../../../src-main/kernel/waiter/waiter.ts';
import { taken } from '../../conformance/syscallsSuite.ts';

const valueOf = <Value>(result: Result<Value>): Value => {
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
};

/** The threads that load an add-on of their own: a signal reaches the waiter, and a call that blocks blocks nobody. */
export const threadsSuite = (name: string, open: () => OpenedSyscalls): void => {
  describe(`threads with ${name}`, () => {
    const one = new Uint8Array(BigUint64Array.of(1n).buffer);

    it('tell of a signal, with its counter and its time', async () => {
      const { calls, provider } = open();
      const waiter = valueOf(openWaiter(calls, provider));
      const fd = taken(calls.eventfd(0, eventfdFlags.EFD_NONBLOCK | eventfdFlags.EFD_CLOEXEC));
      const before = calls.monotonic();
      const heard = await new Promise<{ readonly at: number; readonly count: bigint }>((resolve, reject) => {
        void waiter
          .watchEventfd(fd, { signal: resolve, broken: ({ message }) => reject(new Error(message)) })
          .then(() => calls.write(fd, one));
      });
      expect(heard.count).toBe(1n);
      expect(heard.at).toBeGreaterThanOrEqual(Math.floor(before));
      expect(heard.at).toBeLessThanOrEqual(calls.monotonic());
      await waiter.close();
      taken(calls.close(fd));
    });

    it('make a call that blocks while this thread goes on, and bring its answer back', async () => {
      const { calls, provider } = open();
      const blocking = openBlockingCalls(provider);
      const full = taken(calls.eventfd(1, eventfdFlags.EFD_CLOEXEC));
      const most = new Uint8Array(BigUint64Array.of(0xffff_ffff_ffff_fffdn).buffer);
      taken(calls.write(full, most));
      // The counter holds its most, so that this write waits for the read below.
      const blocked = blocking.make({ call: 'write', fd: full, bytes: one });
      const refused = await blocking.make({ call: 'close', fd: -1 });
      expect(valueOf(refused).result).toEqual({ ok: false, errno: 9 });
      taken(calls.read(full, new Uint8Array(8)));
      expect(valueOf(await blocked).result).toEqual({ ok: true, value: 8 });
      blocking.close();
      taken(calls.close(full));
    });
  });
};
