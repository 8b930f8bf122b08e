import type { BenchError } from '../core/result.ts';
import { exitCodeOf, type ExitCode } from './exit.ts';

export type Ask = (question: string) => Promise<boolean>;

/** Where a command writes. Tests and the console give their own. */
export interface Streams {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Colour only on a terminal, and not with NO_COLOR (https://no-color.org). */
  readonly colour: boolean;
  /** Asks who sits at the terminal for yes or no; left out where nobody does. */
  readonly ask?: Ask;
}

const codes = { dim: 2, bold: 1, red: 31, green: 32, yellow: 33, magenta: 35 } as const;
export type Style = keyof typeof codes;

export const styled = (streams: Streams, style: Style, text: string): string =>
  streams.colour ? `\u001b[${codes[style]}m${text}\u001b[0m` : text;

/** One JSON object a line, stable keys. */
export const writeJson = (streams: Streams, value: unknown): void =>
  streams.out(`${JSON.stringify(value)}\n`);

/** One clear sentence on standard error, or one JSON object there with --json. */
export const reportError = (streams: Streams, error: BenchError, json: boolean): ExitCode => {
  const errno = error.errno === undefined ? '' : ` [${error.errno.name} ${error.errno.number}]`;
  if (json) writeJson({ ...streams, out: streams.err }, { type: 'error', error });
  else streams.err(`rbench: ${error.message}${errno}\n`);
  return exitCodeOf(error);
};

/** Columns padded to their widest cell. */
export const table = (header: readonly string[], rows: readonly (readonly string[])[]): string => {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
    .concat('\n');
};
