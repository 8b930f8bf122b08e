import { describe, expect, it, vi } from 'vitest';
import type { ConsoleDelta } from '../../preload/contract/deltas.ts';
import type { ConsoleSnapshot } from '../../preload/contract/views.ts';
import type { PciAddress } from '../../src-main/core/pci/address.ts';
import { defaultPolicy } from '../../src-main/core/recovery/policy.ts';
import type { Result } from '../../src-main/core/result.ts';
import { Bench } from '../../src-main/service/bench.ts';
import { execute } from '../../src-main/service/execute.ts';
import { Outbox } from '../../src-main/service/outbox.ts';
import {
  addRig,
  correctable,
  decision,
  fatal,
  noPlaces,
  openService,
  rng,
  scenarios,
  TestViewer,
} from './desk.ts';
import { simulatedWish } from '../../src-main/service/commands/wishes.ts';
import { essence, foldDeltas } from './foldDeltas.ts';

const contiguous = (viewer: TestViewer): void => {
  const first = viewer.deltas[0]?.number ?? 0;
  viewer.deltas.forEach(({ number }, index) => {
    if (number !== first + index) throw new Error(`${number} stands where ${first + index} belongs`);
  });
};

/** Injects as fast as the rig takes it. */
const storm = async (
  viewer: TestViewer,
  rig: string,
  devices: readonly string[],
  rounds: number,
): Promise<void> => {
  for (let round = 0; round < rounds; round += 1) {
    await Promise.all(devices.map((device) => viewer.inject(rig, correctable, device)));
  }
};

describe('deltas', () => {
  it('are numbered without a hole, for each viewer on its own, and travel in few batches under a storm', async () => {
    const service = openService();
    const viewer = new TestViewer(service);
    const rig = await addRig(viewer, { topology: 'many-40' });
    const { devices } = await viewer.rig(rig);
    const endpoints = devices.filter(({ kind }) => kind === 'endpoint').map(({ address }) => address);
    const late = new TestViewer(service, { name: 'Grace', transport: 'browser' });
    const [mine, hers] = [await viewer.snapshot(), await late.snapshot()];
    expect(hers.number).toBeLessThan(mine.number);
    await storm(viewer, rig, endpoints, 40);
    // What the storm left behind in the kernel's log and in the counters is told as well.
    await viewer.quiet();
    const last = await viewer.snapshot();
    const seen = await late.snapshot();
    contiguous(viewer);
    contiguous(late);
    expect(viewer.deltas.at(-1)?.number).toBe(last.number);
    expect(late.deltas.at(-1)?.number).toBe(seen.number);
    expect(viewer.lines(rig).length).toBeGreaterThan(3_000);
    expect(Math.max(...viewer.batches)).toBeLessThanOrEqual(256);
    expect(viewer.batches.length).toBeLessThan(viewer.deltas.length / 10);
    // The lines are those of the run, each once and in order.
    const numbers = viewer.lines(rig).map(({ seq }) => seq);
    expect(numbers).toEqual(numbers.map((_, index) => index + (numbers[0] ?? 0)));
    expect(late.lines(rig)).toEqual(viewer.lines(rig).slice(-late.lines(rig).length));
    expect(essence(viewer.shownSince(mine))).toEqual(essence(last));
    expect(essence(late.shownSince(hers))).toEqual(essence(seen));
    const corrected = last.rigs[0]?.devices.map(({ aerCounters }) => aerCounters?.correctable ?? 0) ?? [];
    expect(corrected.filter((count) => count > 0)).toHaveLength(endpoints.length);
    // A look that is asked for finds nothing that has not been told.
    await viewer.ask('rescan', { rig });
    expect((await viewer.rig(rig)).devices).toEqual(last.rigs[0]?.devices);
    // The list of devices is not sent with every error.
    expect(viewer.deltas.filter(({ kind }) => kind === 'devices').length).toBeLessThan(20);
  });

  it('a snapshot of any moment and the deltas after it come to what everybody sees', async () => {
    const service = openService({ pace: 20 });
    const viewer = new TestViewer(service);
    const rig = await addRig(viewer, { topology: 'lab' });
    const snapshots: ConsoleSnapshot[] = [];
    let busy = true;
    const photographer = (async () => {
      while (busy) {
        snapshots.push(await viewer.snapshot());
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    // From inside a listener, where a step of a recovery may be under way.
    const stop = viewer.connection.onDeltas(
      () => void viewer.snapshot().then((taken) => snapshots.push(taken)),
    );
    for (const round of [1, 2, 3]) {
      const after = viewer.lines(rig).at(-1)?.seq ?? 0;
      if (round === 1) await viewer.arm(rig);
      await viewer.inject(rig, fatal);
      await viewer.phase(rig, 'awaitingAck', rng, after);
      const token = await viewer.token(rig, 'acknowledge');
      await viewer.ask('acknowledge', { rig, device: rng, token, ...decision });
      await viewer.phase(rig, 'recovered', rng, after);
    }
    const other = await addRig(viewer);
    await viewer.ask('removeRig', { rig: other });
    await viewer.ask('disarm', { rig, device: rng });
    busy = false;
    await photographer;
    stop();
    const last = await viewer.snapshot();
    expect(snapshots.length).toBeGreaterThan(50);
    expect(new Set(snapshots.map(({ number }) => number)).size).toBeGreaterThan(20);
    for (const taken of snapshots) {
      const shown = viewer.deltas.filter(({ number }) => number > taken.number && number <= last.number);
      expect(shown.length).toBe(last.number - taken.number);
      expect(essence(viewer.shownSince(taken), 1_000_000)).toEqual(essence(last, 1_000_000));
    }
  });

  it('a snapshot asked for in the middle of a step is made after it', async () => {
    const bench = new Bench({ runs: null, scenarios, places: noPlaces(), now: Date.now, pace: 20 });
    const outbox = new Outbox();
    const caller = { seat: bench.operator.join({ name: 'Ada', transport: 'browser' }), outbox };
    bench.callers.add(caller);
    const deltas: ConsoleDelta[] = [];
    outbox.listen((batch) => deltas.push(...batch));
    const wishes = { profile: null, topology: null, seed: 1, ackTimeout: null };
    const added = await bench.add({ wish: simulatedWish(bench, wishes), scenario: null });
    const held = bench.rigs.get(added.ok ? added.value : '');
    if (held === undefined) throw new Error('no rig');
    const asked: Promise<Result<unknown>>[] = [];
    // The approval is told when the state has moved on already, and before the line that says so.
    const recovered = new Promise<void>((resolve) => {
      held.recorder.watch((line) => {
        asked.push(execute('snapshot', {}, { bench, caller }));
        if (line.type === 'step' && line.phase === 'recovered') resolve();
      });
    });
    const device = rng as PciAddress;
    await held.coordinator.arm(device, 'notify', { ...defaultPolicy, decision: 'ackWhenQuiesced' });
    await held.coordinator.inject(device, fatal, 'simulated');
    await recovered;
    const last = bench.snapshot(caller);
    expect(held.lines.newest(1_000).map(({ type }) => type)).toContain('approval');
    expect(asked.length).toBeGreaterThan(20);
    for (const answer of await Promise.all(asked)) {
      const taken = (answer as { value: ConsoleSnapshot }).value;
      const after = deltas.filter(({ number }) => number > taken.number && number <= last.number);
      expect(essence(foldDeltas(taken, after))).toEqual(essence(last));
    }
    await bench.close();
  });

  it('a viewer that comes back after a gap has everything from a new snapshot', async () => {
    const service = openService({ pace: 20 });
    const first = new TestViewer(service);
    const rig = await addRig(first);
    await first.arm(rig);
    await first.inject(rig);
    await first.phase(rig, 'awaitingAck');
    first.connection.close();
    // The page has crashed; the recovery does not care, and the new page can act.
    const second = new TestViewer(service);
    const seen = await second.snapshot();
    expect(seen.rigs[0]?.armed[0]?.state.phase).toBe('awaitingAck');
    expect(seen.operator).toMatchObject({ you: 'Ada', holder: 'Ada' });
    const token = await second.token(rig, 'acknowledge');
    await second.ask('acknowledge', { rig, device: rng, token, ...decision });
    await second.phase(rig, 'recovered');
    expect(essence(second.shownSince(seen))).toEqual(essence(await second.snapshot()));
  });

  it('a listener that breaks off costs nobody else a delta', async () => {
    const told = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const service = openService();
    const viewer = new TestViewer(service);
    const stop = viewer.connection.onDeltas(() => {
      throw new Error('a page that broke');
    });
    const after = new TestViewer(service, { name: 'Grace', transport: 'browser' });
    const rig = await addRig(viewer);
    await viewer.arm(rig);
    await viewer.snapshot();
    await after.snapshot();
    stop();
    expect(told.mock.calls.join()).toContain('a page that broke');
    told.mockRestore();
    contiguous(viewer);
    expect(after.lines(rig)).toEqual(viewer.lines(rig));
    expect(after.lines(rig).map(({ type }) => type)).toContain('armed');
  });
});
