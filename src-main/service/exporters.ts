import type { ExportedRun } from '../../preload/contract/views.ts';
import { failure, success, type Result } from '../core/result.ts';
import { readJournal } from '../journal/reader.ts';
import { reportOfJournal } from '../journal/report.ts';
import { journalSuffix } from '../journal/runId.ts';

export type ExportFormat = 'jsonl' | 'html';

/** A run and where its journal is. */
export interface RunFile {
  readonly run: string;
  readonly path: string;
}

export type Exporter = (file: RunFile) => Promise<Result<ExportedRun>>;

/** A text of this size still crosses a process boundary in one message. */
const largestExport = 128 * 1024 * 1024;

const tooLong = (run: string): ReturnType<typeof failure> =>
  failure(
    'notSupported',
    `The run ${run} is too long to be handed over in one piece; "rbench journal export" copies it.`,
  );

const unread = (run: string, failed: Result<never> & { ok: false }): ReturnType<typeof failure> =>
  failed.error.errno?.name === 'ENOENT' ? failure('unknownRun', `There is no run ${run}.`) : failed;

/** The whole lines of the journal, byte for byte with their checksums. */
const exportJsonl: Exporter = async ({ run, path }) => {
  const parts: string[] = [];
  let length = 0;
  const read = await readJournal(path, {
    line: (_line, { bytes }) => {
      length += bytes.length + 1;
      if (length <= largestExport)
        parts.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString());
    },
    finding: () => undefined,
  });
  if (!read.ok) return unread(run, read);
  if (length > largestExport) return tooLong(run);
  const text = parts.length === 0 ? '' : `${parts.join('\n')}\n`;
  return success({ name: `${run}${journalSuffix}`, mediaType: 'application/x-ndjson', text });
};

/** One page that needs nothing else: facts, remarks, the sequence of each recovery, the timeline. */
const exportHtml: Exporter = async ({ run, path }) => {
  const report = await reportOfJournal(path);
  if (!report.ok) return unread(run, report);
  const { html } = report.value;
  if (html.length > largestExport) return tooLong(run);
  return success({ name: `${run}.html`, mediaType: 'text/html', text: html });
};

export const exporters: Readonly<Record<ExportFormat, Exporter>> = { jsonl: exportJsonl, html: exportHtml };
