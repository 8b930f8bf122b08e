import { writeSync } from 'node:fs';
import { backgroundFiles, systemFiles } from '../../src-main/journal/files.ts';
import { createJournal } from '../../src-main/journal/writer.ts';
import { header } from './header.ts';

/**
 * A process to be killed, or to be starved of disk: appends lines to a journal in the directory of its first argument
 * and announces each on stdout once `append` has returned. Every tenth line is durable; with "background" as the second
 * argument its sync goes on beside the next lines. When a line is refused it prints the error as JSON and ends.
 */
const directory = process.argv[2] ?? '.';
const started = process.hrtime.bigint();
const now = (): number => Number((process.hrtime.bigint() - started) / 1_000n);

const say = (text: string): void => {
  // A pipe may take a part of it; the announcement has to be whole before the next line.
  const bytes = Buffer.from(`${text}\n`);
  for (let offset = 0; offset < bytes.length;) offset += writeSync(1, bytes, offset);
};

const files = process.argv[3] === 'background' ? backgroundFiles : systemFiles;
const created = createJournal({ directory, header, at: now(), now: Date.now, files });
if (!created.ok) {
  say(JSON.stringify(created.error));
} else {
  const journal = created.value;
  say(journal.path);
  for (let index = 1; ; index += 1) {
    const text = `pcieport 0000:00:01.0: line ${index} ${'übertragen '.repeat(index % 40)}`;
    const body = { type: 'kernelLog', device: null, text } as const;
    const seq = index % 10 === 0 ? journal.appendDurable(now(), body) : journal.append(now(), body);
    if (!seq.ok) {
      say(JSON.stringify(seq.error));
      break;
    }
    say(String(seq.value));
    // The event loop has a turn, in which syncs end and begin.
    if (index % 50 === 0 && files === backgroundFiles) await new Promise((resolve) => setImmediate(resolve));
  }
}
