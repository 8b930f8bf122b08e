import { closeSync, constants, openSync, write } from 'node:fs';
import { Duplex } from 'node:stream';
import { errnoFromNumber } from '../core/errno.ts';
import { failure, success, type Result } from '../core/result.ts';
import { eventfdFlags, type Syscalls, type SyscallsProvider } from '../kernel/syscalls.ts';
import { startThread } from '../kernel/threads/startThread.ts';
import { channelThread, type ChannelNews } from './channelThread.ts';

/** Milliseconds between two tries to write to a device that is full. */
const writePause = 2;
/** Milliseconds between two looks whether somebody is at the far end again. */
const connectPause = 50;

export interface CharacterChannel {
  /** Settles with a sentence when the device is of no use any more, and with null when it was stopped. */
  readonly ended: Promise<string | null>;
  stop(): Promise<void>;
}

export interface CharacterChannelNeeds {
  readonly path: string;
  readonly calls: Syscalls;
  readonly provider: SyscallsProvider;
  /** Somebody is at the far end; the stream ends when nobody is any more. */
  readonly connected: (channel: Duplex) => void;
}

/** One conversation over a device that stays open longer than it. */
class Conversation extends Duplex {
  readonly #fd: number;

  constructor(fd: number) {
    super({ allowHalfOpen: false });
    this.#fd = fd;
  }

  override _read(): void {
    // What comes is pushed; the far end sends little and waits for answers.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    if (this.destroyed) return callback(new Error('The conversation is over.'));
    write(this.#fd, chunk, (error: NodeJS.ErrnoException | null, written) => {
      if (error !== null && error.code !== 'EAGAIN') return callback(error);
      const rest = error === null ? chunk.subarray(written) : chunk;
      if (rest.length === 0) return callback();
      // A virtio port takes 32 KiB at a time, and nothing while its ring is full.
      setTimeout(() => this._write(rest, 'utf8', callback), error === null && written > 0 ? 0 : writePause);
    });
  }
}

/**
 * A character device as a channel: libuv knows no such handle, and a read that blocks would hold one of its four
 * threads for good, so a thread of its own polls it. The device stays open while nobody is at the far end.
 */
export const openCharacterChannel = (needs: CharacterChannelNeeds): Result<CharacterChannel> => {
  const { path, calls, provider, connected } = needs;
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (thrown) {
    const number = Math.abs((thrown as NodeJS.ErrnoException).errno ?? 0);
    return failure(
      number === 13 ? 'permissionDenied' : 'kernelRefused',
      `The channel ${path} cannot be opened: ${errnoFromNumber(number).name}.`,
      { errno: errnoFromNumber(number) },
    );
  }
  const wake = calls.eventfd(0, eventfdFlags.EFD_NONBLOCK | eventfdFlags.EFD_CLOEXEC);
  if (!wake.ok) {
    closeSync(fd);
    return failure('kernelRefused', 'There is no eventfd for the channel.', {
      errno: errnoFromNumber(wake.errno),
    });
  }
  let conversation: Conversation | null = null;
  let why: string | null = null;
  const hangUp = (): void => {
    conversation?.push(null);
    conversation = null;
  };
  const thread = startThread(provider, channelThread, { fd, wake: wake.value, pause: connectPause });
  thread.on('message', (news: ChannelNews) => {
    switch (news.kind) {
      case 'connected':
        conversation = new Conversation(fd);
        return connected(conversation);
      case 'bytes':
        conversation?.push(Buffer.from(news.bytes.buffer, news.bytes.byteOffset, news.bytes.length));
        return;
      case 'hungUp':
        return hangUp();
      case 'ended':
        why = `The channel ${path} cannot be read any more: ${errnoFromNumber(news.errno).name}.`;
    }
  });
  thread.on('error', (error) => {
    why = `The thread that reads ${path} ended: ${String(error)}.`;
  });
  const ended = new Promise<string | null>((resolve) => {
    thread.on('exit', () => {
      hangUp();
      closeSync(fd);
      calls.close(wake.value);
      resolve(why);
    });
  });
  return success({
    ended,
    stop: async () => {
      calls.write(wake.value, new Uint8Array(new BigUint64Array([1n]).buffer));
      await ended;
    },
  });
};
