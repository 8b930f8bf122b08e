import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Result } from '../../src-main/core/result.ts';
import { beginJournal, type JournalWriter, type RecordBody } from '../../src-main/journal/writer.ts';
import { errorOf, optionsIn, scan, temporaryDirectory, valueOf } from './fixtures.ts';
import { SlowDisk } from './slowDisk.ts';

const note = (text: string): RecordBody => ({ type: 'kernelLog', device: null, text });

/** A journal whose first line is on the disk; its next syncs are held. */
const onSlowDisk = async (): Promise<{ disk: SlowDisk; journal: JournalWriter }> => {
  const disk = new SlowDisk();
  const journal = valueOf(await beginJournal(optionsIn('/runs', { files: disk.files })));
  disk.hold();
  disk.order.length = 0;
  return { disk, journal };
};

/** What has settled when everything that could has. */
const settled = async (promise: Promise<Result<void>> | null): Promise<Result<void> | 'pending' | null> => {
  await new Promise((resolve) => setImmediate(resolve));
  return promise === null ? null : Promise.race([promise, Promise.resolve('pending' as const)]);
};

const linesOf = (disk: SlowDisk, { path }: JournalWriter) => scan(disk.contents.get(path) ?? Buffer.of());

describe('a journal that syncs beside the main thread', () => {
  it('begins when its first line is on the disk', async () => {
    const disk = new SlowDisk();
    disk.hold();
    let begun: Result<JournalWriter> | null = null;
    const beginning = beginJournal(optionsIn('/runs', { files: disk.files })).then((result) => {
      begun = result;
    });
    await settled(null);
    expect([begun, disk.underWay]).toEqual([null, 1]);
    disk.land();
    await beginning;
    const journal = valueOf(begun as unknown as Result<JournalWriter>);
    expect(journal.head).toEqual(linesOf(disk, journal).lines[0]);
  });

  it('leaves no file behind when the first line does not reach the disk', async () => {
    const disk = new SlowDisk();
    disk.hold();
    const beginning = beginJournal(optionsIn('/runs', { files: disk.files }));
    disk.land('EIO');
    expect(errorOf(await beginning)).toMatchObject({ code: 'journalUnwritable', errno: { name: 'EIO' } });
    expect(disk.contents.size).toBe(0);
    expect(disk.order.at(-1)).toBe('close');
  });

  it('has a line in the file before the disk has it, and says when the disk does', async () => {
    const { disk, journal } = await onSlowDisk();
    valueOf(journal.append(1, note('buffered')));
    expect([journal.synced(), disk.order]).toEqual([null, []]);
    const seq = valueOf(journal.appendDurable(1, note('durable')));
    expect(linesOf(disk, journal).lines.at(-1)).toMatchObject({ seq, text: 'durable' });
    const synced = journal.synced();
    expect(await settled(synced)).toBe('pending');
    disk.land();
    expect(await settled(synced)).toEqual({ ok: true, value: undefined });
    expect(journal.synced()).toBeNull();
    expect(disk.kept).toBe(disk.contents.get(journal.path)?.length);
  });

  it('has one sync under way at most; the next one covers all lines written meanwhile, and no line less', async () => {
    const { disk, journal } = await onSlowDisk();
    valueOf(journal.appendDurable(1, note('first')));
    const first = journal.synced();
    for (let count = 0; count < 500; count += 1) valueOf(journal.appendDurable(1, note(`line ${count}`)));
    const rest = journal.synced();
    expect(disk.order).toEqual(['begin']);
    disk.land();
    expect(await settled(first)).toMatchObject({ ok: true });
    // That sync began before these lines were written.
    expect(await settled(rest)).toBe('pending');
    expect(disk.order).toEqual(['begin', 'end', 'begin']);
    disk.land();
    expect(await settled(rest)).toMatchObject({ ok: true });
    expect(disk.kept).toBe(disk.contents.get(journal.path)?.length);
    expect(journal.synced()).toBeNull();
  });

  it('is broken by a sync that fails: all that wait are told, nothing is appended, no sync is tried again', async () => {
    const { disk, journal } = await onSlowDisk();
    valueOf(journal.appendDurable(1, note('one')));
    const one = journal.synced();
    valueOf(journal.appendDurable(1, note('two')));
    const two = journal.synced();
    disk.land('EIO');
    const answers = [await settled(one), await settled(two)];
    expect(answers).toMatchObject([
      { ok: false, error: { code: 'journalUnwritable', errno: { name: 'EIO' } } },
      { ok: false, error: { errno: { name: 'EIO' } } },
    ]);
    expect(journal.broken()).toMatchObject({ errno: { name: 'EIO' } });
    expect(errorOf(journal.append(1, note('three')))).toBe(journal.broken());
    expect(disk.order).toEqual(['begin', 'end']);
    // Others were told of these lines.
    expect(linesOf(disk, journal)).toMatchObject({ findings: [], summary: { lines: 3 } });
    expect((await journal.close()).ok).toBe(true);
    expect(disk.order.at(-1)).toBe('close');
  });

  it('closed during a sync waits for it, syncs the rest, and closes the file last', async () => {
    const { disk, journal } = await onSlowDisk();
    valueOf(journal.appendDurable(1, note('durable')));
    valueOf(journal.append(1, note('buffered')));
    const closing = journal.close();
    expect(errorOf(journal.append(1, note('late')))).toMatchObject({ code: 'journalUnwritable' });
    expect(await settled(closing)).toBe('pending');
    disk.land();
    expect(await settled(closing)).toBe('pending');
    disk.land();
    valueOf(await closing);
    expect(disk.order).toEqual(['begin', 'end', 'begin', 'end', 'close']);
    expect(disk.kept).toBe(disk.contents.get(journal.path)?.length);
    valueOf(await journal.close());
    expect(disk.order.filter((what) => what === 'close')).toHaveLength(1);
  });

  it('says so when the last sync fails, and closes the file all the same', async () => {
    const { disk, journal } = await onSlowDisk();
    valueOf(journal.append(1, note('buffered')));
    const closing = journal.close();
    disk.land('ENOSPC');
    expect(errorOf(await closing)).toMatchObject({ errno: { name: 'ENOSPC' } });
    expect(disk.order).toEqual(['begin', 'end', 'close']);
  });

  it('keeps its promise on a real disk', async () => {
    const journal = valueOf(await beginJournal(optionsIn(temporaryDirectory())));
    for (let count = 0; count < 100; count += 1) valueOf(journal.appendDurable(1, note(`line ${count}`)));
    const synced = journal.synced();
    expect(synced).not.toBeNull();
    expect(await synced).toMatchObject({ ok: true });
    valueOf(await journal.close());
    expect(scan(readFileSync(journal.path))).toMatchObject({ findings: [], summary: { lines: 101 } });
  });
});
