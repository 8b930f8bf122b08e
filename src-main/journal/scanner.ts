import { decodeLine, type LineDamage } from './codec.ts';
import type { Finding } from './findings.ts';
import { journalSchema, longestLine, type JournalLine, type LineOf } from '../core/journal/line.ts';
import { createSequence } from './sequence.ts';

/** Where a line stands in its file. `bytes` (without the newline) may only be used during the call. */
export interface LinePlace {
  readonly lineNumber: number;
  readonly byteOffset: number;
  readonly bytes: Uint8Array;
}

export interface JournalSink {
  line(line: JournalLine, place: LinePlace): void;
  finding(finding: Finding): void;
}

export interface ScanSummary {
  /** The first line, when it is whole. */
  readonly header: LineOf<'run'> | null;
  /** Lines that were delivered. */
  readonly lines: number;
  readonly findings: number;
  /** Whether the last line delivered is an `end` line. */
  readonly ended: boolean;
  /** Where an unfinished last line begins; the length of the file when there is none. */
  readonly tailOffset: number;
  readonly fileBytes: number;
}

const newline = 0x0a;
const lineStart = Buffer.from('{"seq":');

/**
 * Whole lines inside a damaged one: when a newline itself is damaged, two lines stand on one. Their checksums say
 * where they are whole. Gives the offsets inside `bytes`.
 */
const wholeLinesInside = (bytes: Buffer): { from: number; to: number; line: JournalLine }[] => {
  const starts: number[] = [];
  for (let at = bytes.indexOf(lineStart); at !== -1; at = bytes.indexOf(lineStart, at + 1)) starts.push(at);
  return starts.flatMap((from, index) => {
    const next = starts[index + 1];
    for (const to of next === undefined ? [bytes.length, bytes.length - 1] : [next - 1]) {
      const decoded = decodeLine(bytes.subarray(from, to));
      if (decoded.ok) return [{ from, to, line: decoded.line }];
    }
    return [];
  });
};

/** The schema version of a whole first line that this reader does not know. */
const foreignSchema = (bytes: Buffer): number | null => {
  const value: unknown = JSON.parse(bytes.toString('utf8'));
  if (typeof value !== 'object' || value === null) return null;
  if (!('type' in value && value.type === 'run' && 'schema' in value)) return null;
  return typeof value.schema === 'number' && value.schema !== journalSchema ? value.schema : null;
};

/**
 * Turns the bytes of a journal, chunk by chunk, into lines and findings. It keeps one line at most. Everything that
 * is whole is delivered once, in the order of the file; a line that came before is not delivered again.
 */
export const createScanner = (sink: JournalSink) => {
  const sequence = createSequence();
  let carried: Buffer[] = [];
  let carriedBytes = 0;
  let tooLong = false;
  let offset = 0;
  let lineNumber = 1;
  let header: LineOf<'run'> | null = null;
  let lines = 0;
  let findings = 0;
  let ended = false;
  let torn = 0;
  let foreign = false;

  const report = (finding: Finding): void => {
    findings += 1;
    sink.finding(finding);
  };

  const reportDamage = ({ because, detail }: LineDamage, byteOffset: number): void =>
    report({ kind: 'damagedLine', lineNumber, byteOffset, because, detail });

  const deliver = (line: JournalLine, bytes: Buffer, byteOffset: number): void => {
    const expected = sequence.expected();
    const place = sequence.place(line.seq);
    if (place === 'late' || place === 'again') {
      const detail =
        place === 'late'
          ? `Line ${line.seq} comes late: ${expected} is expected here.`
          : `Line ${line.seq} comes again: ${expected} is expected here.`;
      reportDamage({ because: 'sequence', detail }, byteOffset);
      if (place === 'again') return;
    }
    if (line.type === 'run') header = line;
    lines += 1;
    ended = line.type === 'end';
    sink.line(line, { lineNumber, byteOffset, bytes });
  };

  const takeDamaged = (bytes: Buffer, damage: LineDamage): void => {
    if (damage.because === 'schema' && lineNumber === 1) {
      const found = foreignSchema(bytes);
      if (found !== null) {
        foreign = true;
        report({ kind: 'unknownSchema', found });
        return;
      }
    }
    const inside = damage.because === 'schema' ? [] : wholeLinesInside(bytes);
    reportDamage(damage, offset);
    if (inside.length === 0) sequence.damagedLine();
    for (const { from, to, line } of inside) deliver(line, bytes.subarray(from, to), offset + from);
  };

  const takeTerminated = (bytes: Buffer): void => {
    if (foreign) return;
    const decoded = decodeLine(bytes);
    if (decoded.ok) deliver(decoded.line, bytes, offset);
    else takeDamaged(bytes, decoded.damage);
  };

  const takeTail = (bytes: Buffer): void => {
    let whole = 0;
    for (const { from, to, line } of wholeLinesInside(bytes)) {
      if (whole === 0 && from > 0) {
        sequence.damagedLine();
        reportDamage({ because: 'notJson', detail: 'The line is not a whole JSON object.' }, offset);
      }
      deliver(line, bytes.subarray(from, to), offset + from);
      whole = to;
    }
    torn = bytes.length - whole;
    const byteOffset = offset + whole;
    report(
      torn === 0
        ? { kind: 'unterminatedLastLine', lineNumber, byteOffset }
        : { kind: 'tornLastLine', lineNumber, byteOffset, bytes: torn },
    );
  };

  const reportTooLong = (): void => {
    sequence.damagedLine();
    reportDamage(
      { because: 'tooLong', detail: `The line has ${carriedBytes} bytes; ${longestLine} are allowed.` },
      offset,
    );
  };

  const keep = (bytes: Buffer): void => {
    carriedBytes += bytes.length;
    if (carriedBytes > longestLine) {
      tooLong = true;
      carried = [];
    }
    if (!tooLong && bytes.length > 0) carried.push(Buffer.from(bytes));
  };

  const nextLine = (): void => {
    offset += carriedBytes + 1;
    lineNumber += 1;
    carried = [];
    carriedBytes = 0;
    tooLong = false;
  };

  return {
    push: (chunk: Buffer): void => {
      let from = 0;
      for (let to = chunk.indexOf(newline); to !== -1; to = chunk.indexOf(newline, from)) {
        const rest = chunk.subarray(from, to);
        from = to + 1;
        if (carriedBytes === 0) {
          carriedBytes = rest.length;
          takeTerminated(rest);
        } else {
          keep(rest);
          if (tooLong) reportTooLong();
          else takeTerminated(Buffer.concat(carried, carriedBytes));
        }
        nextLine();
      }
      keep(chunk.subarray(from));
    },

    end: (): ScanSummary => {
      if (!foreign) {
        if (tooLong) {
          torn = carriedBytes;
          report({ kind: 'tornLastLine', lineNumber, byteOffset: offset, bytes: torn });
        } else if (carriedBytes > 0) takeTail(Buffer.concat(carried, carriedBytes));
        if (header === null) report({ kind: 'missingHeader' });
        for (const { from, to } of sequence.missing()) report({ kind: 'missingLines', from, to });
      }
      const fileBytes = offset + carriedBytes;
      return { header, lines, findings, ended, tailOffset: fileBytes - torn, fileBytes };
    },
  };
};
