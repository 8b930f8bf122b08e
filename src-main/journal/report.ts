import { HtmlReport } from '../core/report/htmlReport.ts';
import { success, type Result } from '../core/result.ts';
import { unwritableExport, type ExportReport } from './export.ts';
import { backgroundFiles, writeWhole, type JournalFile, type JournalFiles } from './files.ts';
import { sentenceOfFinding, type Finding } from './findings.ts';
import { decodeSnapshot } from './snapshot.ts';
import { readJournal } from './reader.ts';
import type { ScanSummary } from './scanner.ts';

export interface JournalReport {
  readonly html: string;
  /** The first 1,000; `summary.findings` counts all. */
  readonly findings: readonly Finding[];
  readonly summary: ScanSummary;
}

const findingsKept = 1_000;
/** Sentences that stand in the report itself. */
const remarks = 100;

/** A run as one self-contained page; what is wrong with its journal stands in it. */
export const reportOfJournal = async (path: string): Promise<Result<JournalReport>> => {
  const report = new HtmlReport((line) => {
    const bytes = decodeSnapshot(line.bytes);
    return bytes.ok ? bytes.value : null;
  });
  const findings: Finding[] = [];
  const read = await readJournal(path, {
    line: (line) => report.add(line),
    finding: (finding) => {
      if (findings.length < findingsKept) findings.push(finding);
    },
  });
  if (!read.ok) return read;
  for (const finding of findings.slice(0, remarks)) report.note(sentenceOfFinding(finding));
  const unsaid = read.value.findings - Math.min(findings.length, remarks);
  if (unsaid > 0) report.note(`${unsaid} more findings are told by "rbench journal verify".`);
  return success({ html: report.html(), findings, summary: read.value });
};

const tidied = (file: JournalFile, target: string, files: JournalFiles): void => {
  for (const tidy of [() => file.close(), () => files.remove(target)]) {
    try {
      tidy();
    } catch {
      // The first error is the one to act on.
    }
  }
};

/** Writes the report to a new file. An existing target is refused; when it fails, no part of it is left behind. */
export const exportHtml = async (
  path: string,
  target: string,
  files: JournalFiles = backgroundFiles,
): Promise<Result<ExportReport>> => {
  // The journal first: what cannot be read leaves no empty file.
  const report = await reportOfJournal(path);
  if (!report.ok) return report;
  const { html, findings, summary } = report.value;
  const bytes = Buffer.from(html);
  let file: JournalFile;
  try {
    file = files.openNew(target);
  } catch (thrown) {
    return unwritableExport(target, thrown);
  }
  try {
    writeWhole(file, bytes);
    await file.sync();
    file.close();
    return success({ lines: summary.lines, bytes: bytes.length, findings, summary });
  } catch (thrown) {
    tidied(file, target, files);
    return unwritableExport(target, thrown);
  }
};
