import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';

/**
 * A process that keeps a disk busy until it is told to stop: writes a mebibyte to the file of its first argument and
 * syncs it, over and over. Its last message is the longest that a sync took, in milliseconds.
 */
const path = process.argv[2] ?? '';
const piece = Buffer.alloc(1 << 20, 0x5a);
/** Begun anew here, so that the file does not fill the disk. */
const most = 256;

let slowest = 0;
let piecesWritten = 0;
const descriptor = openSync(path, 'w');
const write = (): void => {
  writeSync(descriptor, piece, 0, piece.length, (piecesWritten++ % most) * piece.length);
  const started = performance.now();
  fsyncSync(descriptor);
  slowest = Math.max(slowest, performance.now() - started);
  next = setImmediate(write);
};
let next = setImmediate(write);

process.once('message', () => {
  clearImmediate(next);
  closeSync(descriptor);
  process.send?.(slowest, () => process.disconnect());
});
