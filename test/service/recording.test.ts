import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JournalLine } from '../../src-main/core/journal/line.ts';
import { createJournal } from '../../src-main/journal/writer.ts';
import { JournalArchive } from '../../src-main/service/journalArchive.ts';
import { LineStore } from '../../src-main/service/lineStore.ts';
import { header } from '../journal/header.ts';
import { addRig, emptyDirectory, openService, rng, TestViewer } from './desk.ts';

describe('recording', () => {
  it('a rig whose run cannot be recorded is not opened, and the service says why', async () => {
    const directory = join(emptyDirectory(), 'runs');
    writeFileSync(directory, 'a file where a directory is needed');
    const service = openService({ runs: directory });
    expect(await service.start()).toMatchObject({ ok: false, error: { code: 'journalUnwritable' } });
    const viewer = new TestViewer(service);
    expect((await viewer.snapshot()).rigs).toEqual([]);
  });

  it('a scenario that a rig cannot play leaves no run behind', async () => {
    const runs = emptyDirectory();
    mkdirSync(runs, { recursive: true });
    const viewer = new TestViewer(openService({ runs }));
    expect(await viewer.codeOf('startScenario', { name: 'notify-withdrawn', profile: 'stock-7.2' })).toBe(
      'protocolUnavailable',
    );
    expect(readdirSync(runs)).toEqual([]);
  });

  it('a run can be looked at while it is recorded, and exported line by line', async () => {
    const runs = emptyDirectory();
    const viewer = new TestViewer(openService({ runs }));
    const rig = await addRig(viewer);
    await viewer.arm(rig);
    const { run, recent, firstSeq } = await viewer.rig(rig);
    expect(firstSeq).toBe(1);
    expect(recent[0]?.type).toBe('run');
    expect(await viewer.ask('runs', {})).toMatchObject([
      { run, status: 'recording', rig: 'simulated:notify-7.2' },
    ]);
    const name = run ?? '';
    expect(await viewer.ask('openRun', { run: name })).toMatchObject({ run, divergences: 0, findings: [] });
    expect(await viewer.ask('runLines', { run: name, from: 0, count: 100 })).toEqual(recent);
    expect(await viewer.ask('lines', { rig, before: 4, count: 2 })).toEqual(recent.slice(1, 3));
    const exported = await viewer.ask('exportRun', { run: name, format: 'jsonl' });
    expect(exported).toMatchObject({ name: `${run}.jsonl`, mediaType: 'application/x-ndjson' });
    expect(exported.text).toBe(readFileSync(join(runs, `${run}.jsonl`), 'utf8'));
  });

  it('without a directory nothing is recorded, and there are no runs', async () => {
    const viewer = new TestViewer(openService());
    const rig = await addRig(viewer);
    await viewer.arm(rig);
    expect(await viewer.rig(rig)).toMatchObject({ run: null });
    expect(await viewer.ask('runs', {})).toEqual([]);
    expect(await viewer.codeOf('openRun', { run: '2026-11-21T02-31-07Z-5f0a' })).toBe('unknownRun');
    expect(await viewer.phaseOf(rig, rng)).toBe('armed');
  });
});

const noted = (seq: number): JournalLine => ({
  seq,
  at: seq,
  wall: '2026-11-21T00:00:00.000Z',
  type: 'kernelLog',
  device: null,
  text: `line ${seq}`,
});

describe('lines that are no longer in memory', () => {
  it('the newest are kept, and are found by their numbers', () => {
    const store = new LineStore(100, 10);
    expect(store.first).toBe(1);
    expect(store.newest(5)).toEqual([]);
    for (let seq = 2; seq <= 1_000; seq += 1) store.add(noted(seq));
    expect(store.first).toBeGreaterThan(889);
    expect(store.first).toBeLessThanOrEqual(901);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_100 }), fc.integer({ min: 1, max: 300 }), (before, count) => {
        const all = Array.from({ length: 1_000 - store.first + 1 }, (_, index) => store.first + index);
        const expected = all.filter((seq) => seq < before).slice(-count);
        expect(store.before(before, count).map(({ seq }) => seq)).toEqual(expected);
      }),
    );
  });

  it('are read back from the journal while it grows, however they are asked for', async () => {
    const created = createJournal({ directory: emptyDirectory(), header, at: 0, now: () => 0 });
    if (!created.ok) throw new Error(created.error.message);
    const journal = created.value;
    const archive = new JournalArchive(journal.path);
    let written = 1;
    const write = (count: number): void => {
      for (let index = 0; index < count; index += 1) {
        written += 1;
        // Of every length, so that lines lie across the reader's chunks.
        const text = `line ${written} ${'x'.repeat((written * 7_919) % 900)}`;
        journal.append(written, { type: 'kernelLog', device: null, text });
      }
    };
    const asked = fc.tuple(
      fc.integer({ min: 0, max: 600 }),
      fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 700 })), {
        maxLength: 4,
      }),
    );
    await fc.assert(
      fc.asyncProperty(asked, async ([more, questions]) => {
        write(more);
        await Promise.all(
          questions.map(async ([share, count]) => {
            const from = 1 + Math.floor(share * (written - 1));
            const lines = await archive.read(from, count);
            const expected = Array.from(
              { length: Math.min(count, written - from + 1) },
              (_, index) => from + index,
            );
            expect(lines.ok ? lines.value.map(({ seq }) => seq) : lines.error).toEqual(expected);
          }),
        );
      }),
      { numRuns: 40 },
    );
    journal.close();
    expect(await new JournalArchive(`${journal.path}.gone`).read(1, 1)).toMatchObject({
      ok: false,
      error: { code: 'journalUnreadable', errno: { name: 'ENOENT' } },
    });
  });
});
