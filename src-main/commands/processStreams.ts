import type { Streams } from './output.ts';

/** The streams of this process. */
export const processStreams = (): Streams => {
  // `rbench … | head -1` closes the pipe early: nobody reads on, but the run goes on to its end and is recorded whole.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (thrown: NodeJS.ErrnoException) => {
      if (thrown.code !== 'EPIPE') throw thrown;
    });
  }
  return {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    colour: process.stdout.isTTY && process.env['NO_COLOR'] === undefined,
  };
};
