import { crc32 } from 'node:zlib';
import type { Envelope, JournalBody, JournalLine } from '../core/journal/line.ts';
import { checkLine } from './schema.ts';

/** Why a line cannot be used. */
export type DamageCause = 'notJson' | 'checksum' | 'schema' | 'sequence' | 'tooLong';

export interface LineDamage {
  readonly because: DamageCause;
  readonly detail: string;
}

export type DecodedLine =
  { readonly ok: true; readonly line: JournalLine } | { readonly ok: false; readonly damage: LineDamage };

/** `,"crc":"xxxxxxxx"}`: what follows the bytes that the checksum covers. */
const trailerLength = 18;
const trailerStart = Buffer.from(',"crc":"');
const comma = 0x2c;
const quote = 0x22;
const closingBrace = 0x7d;

const hexadecimal = (checksum: number): string => checksum.toString(16).padStart(8, '0');

/**
 * One line of text, without its newline: a JSON object whose last member is the CRC-32 (the one of zlib and Ethernet)
 * of all bytes before `,"crc"`. So a flipped byte is found even where it leaves valid JSON behind, and the file stays
 * readable to grep and jq. Envelope first, then `type`, then the body's members in the order they were given.
 * Throws when the body holds something that JSON cannot (a BigInt, a circle).
 */
export const encodeLine = (envelope: Envelope, body: JournalBody): string => {
  const { seq, at, wall } = envelope;
  const text = JSON.stringify(Object.assign({ seq, at, wall, type: body.type }, body)).slice(0, -1);
  return `${text},"crc":"${hexadecimal(crc32(text))}"}`;
};

const isSealed = (bytes: Buffer): boolean => {
  const start = bytes.length - trailerLength;
  if (start < 2 || bytes[start] !== comma || bytes[bytes.length - 1] !== closingBrace) return false;
  if (bytes[bytes.length - 2] !== quote) return false;
  if (bytes.compare(trailerStart, 0, trailerStart.length, start, start + trailerStart.length) !== 0)
    return false;
  const stated = bytes.toString('latin1', start + trailerStart.length, bytes.length - 2);
  return stated === hexadecimal(crc32(bytes.subarray(0, start)));
};

const damaged = (because: DamageCause, detail: string): DecodedLine => ({
  ok: false,
  damage: { because, detail },
});

const damageOfUnsealed = (bytes: Buffer): DecodedLine => {
  try {
    JSON.parse(bytes.toString('utf8'));
  } catch {
    return damaged('notJson', 'The line is not a whole JSON object.');
  }
  return damaged('checksum', 'The line is JSON, but not what was written: its checksum does not fit.');
};

/** Reads the bytes of one line, without its newline. Never throws; the bytes come back as they were. */
export const decodeLine = (bytes: Buffer): DecodedLine => {
  if (!isSealed(bytes)) return damageOfUnsealed(bytes);
  const start = bytes.length - trailerLength;
  let value: unknown;
  try {
    // Closing the object where the checksum begins spares a copy of every line; see `encodeLine`.
    bytes[start] = closingBrace;
    value = JSON.parse(bytes.toString('utf8', 0, start + 1));
  } catch {
    return damaged('notJson', 'The line is not a whole JSON object, although its checksum fits.');
  } finally {
    bytes[start] = comma;
  }
  const problem = checkLine(value);
  return problem === null ? { ok: true, line: value as JournalLine } : damaged('schema', problem);
};
