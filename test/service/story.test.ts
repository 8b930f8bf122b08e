import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createReplay } from '../../src-main/journal/replay.ts';
import { readJournal } from '../../src-main/journal/reader.ts';
import type { JournalLine } from '../../src-main/core/journal/line.ts';
import { addRig, decision, emptyDirectory, nonFatal, openService, rng, TestViewer } from './desk.ts';
import { essence } from './foldDeltas.ts';

describe('the story of a recovery, told through the commands alone', () => {
  it('starts with a rig, arms, injects, waits, quiesces, acks with a reason, and the device is back', async () => {
    const runs = emptyDirectory();
    const service = openService({ runs });
    expect(await service.start()).toEqual({ ok: true, value: undefined });
    const viewer = new TestViewer(service);
    const first = await viewer.snapshot();
    const [{ id: rig, devices, run } = { id: '', devices: [], run: '' }] = first.rigs;
    expect(first.rigs).toHaveLength(1);
    expect(devices.find(({ address }) => address === rng)?.protocols).toContain('notify');

    await viewer.arm(rig);
    await viewer.inject(rig);
    await viewer.phase(rig, 'awaitingAck');
    expect(service.waits()).toMatchObject([{ rig, device: rng, protocol: 'notify' }]);

    const report = await viewer.ask('quiesce', { rig, device: rng });
    expect(report.succeeded).toBe(true);
    const card = await viewer.ask('confirmation', { rig, device: rng, action: 'acknowledge' });
    expect(card).toMatchObject({
      action: 'acknowledge',
      recovery: 1,
      refusal: null,
      known: { phase: 'awaitingAck', severity: 'fatal' },
    });
    expect(card.consequence).toContain('The kernel resets the slot');
    await viewer.ask('acknowledge', { rig, device: rng, token: card.token, ...decision });
    await viewer.phase(rig, 'recovered');
    expect(await viewer.phaseOf(rig)).toBe('recovered');
    expect(service.waits()).toEqual([]);

    const proof = await viewer.ask('prove', { rig, device: rng });
    expect(proof.verdict).toBe('proven');
    const token = await viewer.token(rig, 'reset');
    const reset = await viewer.ask('reset', { rig, device: rng, token, kind: 'device', ...decision });
    expect(reset?.affected).toContain(rng);
    await viewer.ask('disarm', { rig, device: rng });
    expect((await viewer.rig(rig)).armed).toEqual([]);
    await viewer.ask('closeDevice', { rig, device: rng });
    await viewer.ask('removeRig', { rig });
    expect((await viewer.snapshot()).rigs).toEqual([]);

    // The journal holds what the viewer was told, the core comes to the same states, and the audit line is there.
    const written: JournalLine[] = [];
    const replay = createReplay();
    const read = await readJournal(join(runs, `${run}.jsonl`), {
      line: (line) => {
        written.push(line);
        replay.take(line);
      },
      finding: (finding) => expect(finding).toBeNull(),
    });
    expect(read).toMatchObject({ ok: true, value: { ended: true, findings: 0 } });
    expect(written.slice(1)).toEqual(viewer.lines(rig));
    expect(replay.divergenceCount()).toBe(0);
    expect(replay.traceOf(rng)).toEqual([
      'armed',
      'errorDetected',
      'quiescing',
      'awaitingAck',
      'resetting',
      'slotReset',
      'reinitialising',
      'recovered',
    ]);
    expect(written.find(({ type }) => type === 'approval')).toMatchObject({
      action: 'acknowledge',
      approval: { ...decision, by: 'person' },
    });
    expect(essence(viewer.shownSince(first))).toEqual(essence(await viewer.snapshot()));
    expect(readFileSync(join(runs, `${run}.jsonl`), 'utf8')).toContain('"type":"end","outcome":"closed"');
  });

  it('lets a wait run out, withdraws from another, and tells the soonest first', async () => {
    const service = openService({ pace: 10 });
    const viewer = new TestViewer(service);
    const brief = await addRig(viewer, { ackTimeout: 20_000_000 });
    const long = await addRig(viewer);
    let told = 0;
    const stop = service.onWaits(() => (told += 1));
    for (const rig of [long, brief]) {
      await viewer.arm(rig);
      await viewer.inject(rig, nonFatal);
      await viewer.phase(rig, 'awaitingAck');
    }
    expect(service.waits().map(({ rig }) => rig)).toEqual([brief, long]);
    const token = await viewer.token(long, 'withdraw');
    await viewer.ask('withdraw', { rig: long, device: rng, token, ...decision });
    await viewer.phase(long, 'withdrawn');
    await viewer.phase(brief, 'timedOut');
    expect(service.waits()).toEqual([]);
    // Two began, two ended.
    expect(told).toBe(4);
    stop();
  });

  it('takes the declared action when nobody decides, and never without a line that says who did', async () => {
    const service = openService({ pace: 10 });
    const viewer = new TestViewer(service);
    const rig = await addRig(viewer, { ackTimeout: 10_000_000 });
    await viewer.arm(rig, rng, { onTimeout: 'acknowledge' });
    await viewer.inject(rig);
    await viewer.phase(rig, 'recovered');
    expect(viewer.lines(rig).find(({ type }) => type === 'approval')).toMatchObject({
      approval: { by: 'timeoutPolicy' },
    });
  });

  it('changes nothing in the middle of a wait that would answer it without a word', async () => {
    const service = openService({ pace: 2 });
    const viewer = new TestViewer(service);
    const rig = await addRig(viewer);
    await viewer.arm(rig);
    await viewer.inject(rig);
    await viewer.phase(rig, 'awaitingAck');
    const device = rng;
    expect(await viewer.codeOf('closeDevice', { rig, device })).toBe('waitOpen');
    expect(await viewer.codeOf('removeRig', { rig })).toBe('waitOpen');
    const unbind = await viewer.ask('confirmation', { rig, device, action: 'unbind', driver: null });
    expect(unbind.refusal).toContain('waits for an ack');
    expect(await viewer.codeOf('bind', { rig, device, token: unbind.token, driver: null })).toBe('waitOpen');
    const reset = await viewer.ask('confirmation', { rig, device, action: 'reset', kind: 'hot' });
    expect(reset.refusal).toContain('holds the device lock');
    const asked = { rig, device, token: reset.token, kind: 'hot', ...decision };
    expect(await viewer.codeOf('reset', asked)).toBe('waitOpen');
    const inject = await viewer.ask('confirmation', { rig, device, action: 'inject', fault: nonFatal });
    expect(inject.refusal).toContain('end that recovery first');
    expect(await viewer.phaseOf(rig)).toBe('awaitingAck');
    expect(service.waits()).toHaveLength(1);
  });

  it('ends a run in the middle of a wait in good order when the program ends', async () => {
    const runs = emptyDirectory();
    const service = openService({ runs });
    const viewer = new TestViewer(service);
    const rig = await addRig(viewer);
    const { run } = await viewer.rig(rig);
    await viewer.arm(rig);
    await viewer.inject(rig);
    await viewer.phase(rig, 'awaitingAck');
    await Promise.all([service.close(), service.close()]);
    expect(service.waits()).toEqual([]);
    expect(await viewer.codeOf('snapshot', {})).toBe('rigClosed');
    const text = readFileSync(join(runs, `${run}.jsonl`), 'utf8')
      .trimEnd()
      .split('\n');
    expect(text.at(-1)).toContain('"type":"end"');
    expect(text.filter((line) => line.includes('"type":"approval"'))).toEqual([]);
    expect(text.join('\n')).toContain('closedDuringWait');
  });
});
