import type { Syscalls } from '../kernel/syscalls.ts';
import type { ThreadSide } from '../kernel/threads/startThread.ts';

export interface ChannelThreadData {
  readonly fd: number;
  /** An eventfd; a count in it ends the thread. */
  readonly wake: number;
  /** Milliseconds between two looks whether somebody is at the far end again. */
  readonly pause: number;
}

/** What the thread tells. `ended` is told before it ends by itself. */
export type ChannelNews =
  | { readonly kind: 'connected' }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'hungUp' }
  | { readonly kind: 'ended'; readonly errno: number };

/**
 * Runs in a thread (kernel/threads/README.md): reads a character device. A virtio port without anybody at the host's
 * end says POLLHUP for as long as that lasts, together with POLLIN, and reads as ended (port_fops_poll() and
 * wait_port_readable() of drivers/char/virtio_console.c), so it is looked at now and then.
 */
export const channelThread = (calls: Syscalls, side: ThreadSide, data: ChannelThreadData): void => {
  const { fd, wake, pause } = data;
  const readable = 1;
  const gone = 8 | 16 | 32;
  const interrupted = 4;
  const inputOutput = 5;
  const again = 11;
  const into = new Uint8Array(64 * 1024);
  const tell = (news: ChannelNews): void => side.port.postMessage(news);
  let connected = false;
  for (;;) {
    const entries = [
      { fd: wake, events: readable },
      { fd, events: readable },
    ];
    const polled = connected ? calls.poll(entries, -1) : calls.poll([{ fd: wake, events: readable }], pause);
    if (!polled.ok) {
      if (polled.errno === interrupted) continue;
      return tell({ kind: 'ended', errno: polled.errno });
    }
    if (polled.value[0] !== 0) return;
    if (!connected) {
      const looked = calls.poll([{ fd, events: readable }], 0);
      if (!looked.ok || ((looked.value[0] ?? 0) & gone) !== 0) continue;
      connected = true;
      tell({ kind: 'connected' });
      continue;
    }
    const events = polled.value[1] ?? 0;
    if ((events & readable) !== 0) {
      const read = calls.read(fd, into);
      if (read.ok && read.value > 0) {
        tell({ kind: 'bytes', bytes: into.slice(0, read.value) });
        continue;
      }
      if (!read.ok && (read.errno === again || read.errno === interrupted)) continue;
      // A terminal whose other half is closed says EIO, again and again.
      if (!read.ok && read.errno !== inputOutput) return tell({ kind: 'ended', errno: read.errno });
    } else if ((events & gone) === 0) continue;
    connected = false;
    tell({ kind: 'hungUp' });
  }
};
