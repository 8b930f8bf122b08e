import { readFileSync } from 'node:fs';

export interface DumpedFunction {
  readonly address: string;
  readonly config: Uint8Array;
}

const fixture = (name: string): URL => new URL(`../../fixtures/lspci/${name}`, import.meta.url);

export const fixturePath = (name: string): string => fixture(name).pathname;
export const fixtureText = (name: string): string => readFileSync(fixture(name), 'utf8');

/** Reads the text of `lspci -xxxx`: a title line for each function, then rows of `offset: byte byte …`. */
export const parseDump = (text: string): readonly DumpedFunction[] => {
  const functions: { address: string; bytes: number[] }[] = [];
  for (const line of text.split('\n')) {
    const title = /^((?:[0-9a-f]+:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]) /.exec(line);
    const row = /^([0-9a-f]{2,3}):((?: [0-9a-f]{2})+)$/.exec(line.trimEnd());
    if (row !== null) {
      const bytes = functions.at(-1)?.bytes ?? [];
      const offset = Number.parseInt(row[1] ?? '', 16);
      if (offset !== bytes.length) throw new Error(`Row ${row[1]} is out of place: ${line}`);
      for (const byte of (row[2] ?? '').trim().split(' ')) bytes.push(Number.parseInt(byte, 16));
    } else if (title !== null) {
      functions.push({ address: title[1] ?? '', bytes: [] });
    }
  }
  return functions.map(({ address, bytes }) => ({ address, config: Uint8Array.from(bytes) }));
};

export const readDump = (name: string): readonly DumpedFunction[] => parseDump(fixtureText(name));
