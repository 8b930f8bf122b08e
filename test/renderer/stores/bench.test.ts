// @vitest-environment happy-dom
import { flushPromises } from '@vue/test-utils';
import { createPinia, setActivePinia } from 'pinia';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ConsoleSnapshot } from '../../../preload/contract/views.ts';
import { failure, success } from '../../../src-main/core/result.ts';
import { armedState } from '../../../src-main/core/recovery/state.ts';
import { useBench } from '../../../src-renderer/stores/bench.ts';
import { useNotices } from '../../../src-renderer/stores/notices.ts';
import { fakeLink, lineOf, noteLine, notifyArming, rigView, snapshotOf } from '../fakeBridge.ts';

const device = '0000:01:00.0';
const frame = async (): Promise<void> => {
  vi.advanceTimersToNextFrame();
  await flushPromises();
};
const started = async (snapshot: () => ConsoleSnapshot = snapshotOf) => {
  const link = fakeLink(snapshot);
  const bench = useBench();
  bench.connect(link);
  await flushPromises();
  const snapshots = (): number => link.calls.filter(({ command }) => command === 'snapshot').length;
  return { link, bench, snapshots };
};

beforeEach(() => {
  vi.useFakeTimers();
  setActivePinia(createPinia());
});
afterEach(() => {
  vi.useRealTimers();
});

describe('useBench', () => {
  it('shows a snapshot and then what deltas make of it, once a frame', async () => {
    const { link, bench } = await started();
    expect(bench.ready).toBe(true);
    link.push({
      number: 1,
      kind: 'line',
      rig: 'one',
      line: lineOf(1, { type: 'armed', device, arming: notifyArming }),
    });
    link.push({
      number: 2,
      kind: 'armed',
      rig: 'one',
      armed: { device, state: armedState(notifyArming), sharers: [], resetKinds: ['device'] },
    });
    expect(bench.armed('one', device)).toBeNull();
    await frame();
    expect(bench.armed('one', device)?.found?.resetKinds).toEqual(['device']);
    expect(bench.log('one').rows.map(({ text }) => text)).toEqual(['arm notify']);
  });

  it('asks for another snapshot after a gap, and loses nothing that came meanwhile', async () => {
    let number = 0;
    const lines = [1, 2, 3, 4, 5].map((seq) => noteLine(seq));
    const { link, bench, snapshots } = await started(() =>
      snapshotOf({ number, rigs: [rigView('one', { recent: lines.slice(0, number) })] }),
    );
    number = 4;
    link.push({ number: 4, kind: 'line', rig: 'one', line: noteLine(4) });
    vi.advanceTimersToNextFrame();
    link.push({ number: 5, kind: 'line', rig: 'one', line: noteLine(5) });
    await frame();
    await frame();
    expect(snapshots()).toBe(2);
    expect(bench.log('one').lines.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
  });

  it('starts anew when the link comes back, whose numbers start anew as well', async () => {
    const { link, bench, snapshots } = await started(() => snapshotOf({ number: 7 }));
    link.become('waiting');
    expect(bench.notDriving).toMatch(/link/i);
    link.become('open');
    await flushPromises();
    expect(snapshots()).toBe(2);
    link.push({ number: 8, kind: 'rigRemoved', rig: 'one' });
    await frame();
    expect(bench.rigs).toEqual([]);
  });

  it('asks for what arming found when no delta tells it', async () => {
    let armed = false;
    const { link, bench, snapshots } = await started(() =>
      snapshotOf({
        number: armed ? 1 : 0,
        rigs: [
          rigView('one', {
            armed: armed
              ? [{ device, state: armedState(notifyArming), sharers: ['0000:01:00.1'], resetKinds: ['hot'] }]
              : [],
          }),
        ],
      }),
    );
    armed = true;
    link.push({
      number: 1,
      kind: 'line',
      rig: 'one',
      line: lineOf(1, { type: 'armed', device, arming: notifyArming }),
    });
    await frame();
    await frame();
    expect(snapshots()).toBe(2);
    expect(bench.armed('one', device)?.found?.sharers).toEqual(['0000:01:00.1']);
  });

  it('tries again for a snapshot that did not come in time', async () => {
    const link = fakeLink();
    link.answer('snapshot', () => failure('callTimedOut', 'No answer.'));
    const bench = useBench();
    bench.connect(link);
    await flushPromises();
    expect(bench.ready).toBe(false);
    link.answer('snapshot', () => success(snapshotOf()));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(bench.ready).toBe(true);
  });

  it('says why this viewer cannot act', async () => {
    const { link, bench } = await started();
    expect(bench.notDriving).toBeNull();
    const operator = { you: 'me', holder: 'Ada', asking: null, viewers: ['me', 'Ada'] };
    link.push({ number: 1, kind: 'operator', operator });
    await frame();
    expect(bench.notDriving).toMatch(/Ada drives/);
    link.push({ number: 2, kind: 'operator', operator: { ...operator, holder: null } });
    await frame();
    expect(bench.notDriving).toMatch(/Nobody drives/);
  });

  it('shows the refusal of a deed as a notice, and counts the same one', async () => {
    const { link, bench } = await started();
    link.answer('disarm', () => failure('recoveryOpen', 'A recovery is open.'));
    await bench.perform('disarm', { rig: 'one', device }, 'Disarm');
    await bench.perform('disarm', { rig: 'one', device }, 'Disarm');
    expect(useNotices().notices).toMatchObject([
      { about: 'Disarm', times: 2, error: { code: 'recoveryOpen' } },
    ]);
  });

  it('reads older lines until there are none', async () => {
    const { link, bench } = await started(() =>
      snapshotOf({ rigs: [rigView('one', { recent: [noteLine(4), noteLine(5)] })] }),
    );
    link.answer('lines', ({ before }: { before: number }) =>
      success([1, 2, 3].filter((seq) => seq < before && seq > 1).map((seq) => noteLine(seq))),
    );
    expect(await bench.readOlder('one')).toBe(true);
    expect(bench.log('one').lines.map(({ seq }) => seq)).toEqual([2, 3, 4, 5]);
    expect(await bench.readOlder('one')).toBe(false);
    expect(bench.log('one').exhausted).toBe(true);
  });
});
