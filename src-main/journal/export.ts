import { failure, success, type Result } from '../core/result.ts';
import { errnoMember, explainThrown } from './fileErrors.ts';
import { backgroundFiles, writeWhole, type JournalFile, type JournalFiles } from './files.ts';
import type { Finding } from './findings.ts';
import { readJournal } from './reader.ts';
import type { ScanSummary } from './scanner.ts';

export interface ExportReport {
  readonly lines: number;
  readonly bytes: number;
  /** What was wrong with the journal and is therefore not in the export; the first 1,000. */
  readonly findings: readonly Finding[];
  readonly summary: ScanSummary;
}

const findingsKept = 1_000;
const batchBytes = 256 * 1024;

/** Also for what is written in another form. */
export const unwritableExport = (target: string, thrown: unknown): ReturnType<typeof failure> =>
  failure('journalUnwritable', `The export ${target} cannot be written: ${explainThrown(thrown)}.`, {
    ...errnoMember(thrown),
    details: { path: target },
  });

/** Gathers lines, because one write a line would cost more than reading them. */
const createBatch = (file: JournalFile) => {
  let pending: Uint8Array[] = [];
  let length = 0;
  let written = 0;
  const flush = (): void => {
    writeWhole(file, Buffer.concat(pending, length));
    written += length;
    pending = [];
    length = 0;
  };
  return {
    add: (line: Uint8Array): void => {
      pending.push(Buffer.concat([line, Buffer.from('\n')]));
      length += line.length + 1;
      if (length >= batchBytes) flush();
    },
    flush,
    written: (): number => written,
  };
};

/**
 * Copies the whole lines of a journal, byte for byte with their checksums, to a new file. Damage is left out and
 * reported. An existing target is refused; when the export fails, no part of it is left behind.
 */
export const exportJsonl = async (
  path: string,
  target: string,
  files: JournalFiles = backgroundFiles,
): Promise<Result<ExportReport>> => {
  let file: JournalFile;
  try {
    file = files.openNew(target);
  } catch (thrown) {
    return unwritableExport(target, thrown);
  }
  const findings: Finding[] = [];
  const batch = createBatch(file);
  const giveUp = <Failure>(failed: Failure): Failure => {
    for (const tidy of [() => file.close(), () => files.remove(target)]) {
      try {
        tidy();
      } catch {
        // The first error is the one to act on.
      }
    }
    return failed;
  };
  // Only the target's own errors end up in this catch: readJournal answers its errors as values.
  try {
    const read = await readJournal(path, {
      line: (_line, { bytes }) => batch.add(bytes),
      finding: (finding) => {
        if (findings.length < findingsKept) findings.push(finding);
      },
    });
    if (!read.ok) return giveUp(read);
    batch.flush();
    await file.sync();
    file.close();
    return success({ lines: read.value.lines, bytes: batch.written(), findings, summary: read.value });
  } catch (thrown) {
    return giveUp(unwritableExport(target, thrown));
  }
};
