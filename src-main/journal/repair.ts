import { open, type FileHandle } from 'node:fs/promises';
import { failure, success, type Result } from '../core/result.ts';
import { errnoMember, explainThrown } from './fileErrors.ts';
import type { Finding } from './findings.ts';
import type { WriterIdentity } from '../core/journal/line.ts';
import { readJournal } from './reader.ts';
import type { ScanSummary } from './scanner.ts';
import { isAlive } from './writerIdentity.ts';

export interface RepairReport {
  /**
   * `cut`: an unfinished last line was cut off. `terminated`: the last line got its newline back. Nothing else of a
   * journal is ever changed; a damaged middle stays as evidence.
   */
  readonly action: 'nothing' | 'cut' | 'terminated' | 'cutAndTerminated';
  readonly bytesCut: number;
  /** What the reader found before the repair. */
  readonly findings: readonly Finding[];
  readonly summary: ScanSummary;
}

/** Findings that are reported one by one; a file of noise is not worth a list of its lines. */
const findingsKept = 1_000;

const endsWithNewline = async (handle: FileHandle, length: number): Promise<boolean> => {
  if (length === 0) return true;
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, length - 1);
  return buffer[0] === 0x0a;
};

const mend = async (
  path: string,
  { tailOffset, fileBytes }: ScanSummary,
): Promise<Pick<RepairReport, 'action' | 'bytesCut'>> => {
  const handle = await open(path, 'r+');
  try {
    const bytesCut = fileBytes - tailOffset;
    const terminated = await endsWithNewline(handle, tailOffset);
    if (bytesCut > 0) await handle.truncate(tailOffset);
    if (!terminated) await handle.write('\n', tailOffset);
    if (bytesCut === 0 && terminated) return { action: 'nothing', bytesCut };
    await handle.sync();
    if (bytesCut === 0) return { action: 'terminated', bytesCut };
    return { action: terminated ? 'cut' : 'cutAndTerminated', bytesCut };
  } finally {
    await handle.close();
  }
};

/**
 * Cuts the unfinished last line of a journal whose writer has died. Only done when asked for. A journal whose writer
 * is alive is left alone: its first line says which process that is.
 */
export const repairJournal = async (
  path: string,
  alive: (writer: WriterIdentity) => boolean = isAlive,
): Promise<Result<RepairReport>> => {
  const findings: Finding[] = [];
  const read = await readJournal(path, {
    line: () => undefined,
    finding: (finding) => {
      if (findings.length < findingsKept) findings.push(finding);
    },
  });
  if (!read.ok) return read;
  const summary = read.value;
  const nothing: RepairReport = { action: 'nothing', bytesCut: 0, findings, summary };
  if (!findings.some(({ kind }) => kind === 'tornLastLine' || kind === 'unterminatedLastLine')) {
    return success(nothing);
  }
  if (summary.header !== null && !summary.ended && alive(summary.header.writer)) {
    return failure(
      'busy',
      `The journal ${path} is still being written by process ${summary.header.writer.pid}; its last line is not torn but unfinished.`,
      { details: { path } },
    );
  }
  if (summary.lines === 0) {
    return failure(
      'journalDamaged',
      `The file ${path} holds no whole journal line; it is left as it is, because it may be something else.`,
      { details: { path } },
    );
  }
  try {
    return success({ ...nothing, ...(await mend(path, summary)) });
  } catch (thrown) {
    return failure('journalUnwritable', `The journal ${path} cannot be repaired: ${explainThrown(thrown)}.`, {
      ...errnoMember(thrown),
      details: { path },
    });
  }
};
