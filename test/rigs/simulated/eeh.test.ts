import { describe, expect, it } from 'vitest';
import { milliseconds, seconds } from '../../../src-main/core/recovery/phase.ts';
import type { EehOperation } from '../../../src-main/core/recovery/reports.ts';
import { Coordinator } from '../../../src-main/coordinator/coordinator.ts';
import { Recorder } from '../../../src-main/coordinator/recorder.ts';
import { barsOf, Bench, errnoOf, expectAbout, valueOf } from './bench.ts';
import type { OpenDevice } from './bench.ts';

const [zero, one] = ['0001:01:00.0', '0001:01:00.1'];
const elsewhere = '0002:01:00.0';

const frozen = async () => {
  const bench = new Bench('eeh', 'eehPe');
  const first = await bench.openArmed(zero, 'eeh');
  const second = await bench.openArmed(one, 'eeh');
  await bench.inject(zero, { kind: 'eehFreeze' });
  return { bench, first, second };
};

const perform = async ({ session }: OpenDevice, ...operations: EehOperation[]) => {
  for (const operation of operations) valueOf(await session.eeh(operation));
};
const stateOf = async ({ session }: OpenDevice): Promise<string> =>
  valueOf(await session.eeh('getState')).state;

const recovery: readonly EehOperation[] = [
  'unfreezeIo',
  'readLog',
  'resetHot',
  'resetDeactivate',
  'configure',
  'unfreezeDma',
];

describe('a PE that freezes', () => {
  it('takes both functions with it, and no other PE', async () => {
    const { bench, first, second } = await frozen();
    const other = await bench.open(elsewhere);
    expect(await stateOf(first)).toBe('stopped');
    expect(await stateOf(second)).toBe('stopped');
    for (const { vfio } of [first, second]) {
      expect(valueOf(await vfio.readBar(0, 8, 4))).toBe(0xffff_ffff);
      // All ones, but for Interrupt Disable, which vfio keeps in memory.
      expect(valueOf(await vfio.readConfig(4, 4))).toBe(0xffff_fbff);
    }
    expect(await stateOf(other)).toBe('normal');
    expect((await other.session.prove()).verdict).toBe('proven');
  });

  it('is found by the poll: one signal for each open function, at its next turn of 100 ms', async () => {
    const { bench } = await frozen();
    const frozenAt = bench.now;
    for (const address of [zero, one]) {
      const signal = await bench.signal(address);
      expect(signal).toMatchObject({ protocol: 'eeh', count: 1 });
      expect(signal.at - frozenAt).toBeLessThanOrEqual(milliseconds(100) + 3);
    }
    expect(bench.logs(zero)).toEqual(['EEH: Frozen PE#1 detected']);
  });

  it('shows its log once the I/O is thawed; before, all ones', async () => {
    const { first } = await frozen();
    expect(valueOf(await first.session.eeh('readLog')).log).toContain('cmd/stat ffffffff');
    await perform(first, 'unfreezeIo');
    expect(await stateOf(first)).toBe('stoppedDma');
    const { log } = valueOf(await first.session.eeh('readLog'));
    expect(log).toContain(`${zero} cmd/stat`);
    expect(log).toContain(`${one} cmd/stat`);
    expect(log).not.toContain('ffffffff');
  });

  it.each(['resetHot', 'resetFundamental'] as const)('comes back by %s', async (reset) => {
    const { bench, first, second } = await frozen();
    const bars = [barsOf(first), barsOf(second)];
    const resets = [first.fn.resets, second.fn.resets];
    await perform(first, 'unfreezeIo');
    const at = bench.now;
    await perform(first, reset);
    expectAbout(bench.now - at, milliseconds(250));
    expect(await stateOf(second)).toBe('reset');
    const heldAt = bench.now;
    await perform(first, 'resetDeactivate');
    expectAbout(bench.now - heldAt, milliseconds(1_800));
    expect([first.fn.resets, second.fn.resets]).toEqual(resets.map((count) => count + 1));
    await perform(first, 'configure');
    expect([barsOf(first), barsOf(second)]).toEqual(bars);
    expect((await first.session.prove()).verdict).toBe('failed');
    await perform(first, 'unfreezeDma');
    expect(await stateOf(second)).toBe('normal');
    for (const { session } of [first, second]) {
      expect((await session.reinitialise()).succeeded).toBe(true);
      expect((await session.prove()).verdict).toBe('proven');
    }
  });

  it('does no DMA while it is stopped for DMA', async () => {
    const { first } = await frozen();
    await perform(first, 'unfreezeIo', 'resetHot', 'resetDeactivate', 'configure');
    expect((await first.session.reinitialise()).succeeded).toBe(true);
    expect((await first.session.prove()).checks).toContainEqual(
      expect.objectContaining({ check: 'dma', result: 'failed' }),
    );
    await perform(first, 'unfreezeDma');
    expect((await first.session.prove()).verdict).toBe('proven');
  });
});

describe('operations in the wrong order', () => {
  it.each([
    ['resetDeactivate', 'when normal', []],
    ['resetDeactivate', 'when stopped', ['freeze']],
    ['unfreezeDma', 'when stopped', ['freeze']],
    ['configure', 'when stopped', ['freeze']],
    ['unfreezeDma', 'in reset', ['freeze', 'resetHot']],
    ['configure', 'in reset', ['freeze', 'resetHot']],
    ['unfreezeIo', 'in reset', ['freeze', 'resetFundamental']],
  ] as const)('%s %s is EINVAL and changes nothing', async (operation, _, before) => {
    const bench = new Bench('eeh', 'eehPe');
    const device = await bench.open(zero);
    for (const step of before) {
      if (step === 'freeze') await bench.inject(zero, { kind: 'eehFreeze' });
      else await perform(device, step);
    }
    const state = await stateOf(device);
    expect(errnoOf(await device.session.eeh(operation))).toBe('EINVAL');
    expect(await stateOf(device)).toBe(state);
  });

  it('a platform without EEH answers ENOTTY', async () => {
    const { session } = await new Bench('stock-7.2').open('0000:01:00.0');
    expect(errnoOf(await session.eeh('getState'))).toBe('ENOTTY');
  });
});

describe('a PE that froze too often', () => {
  it('is unavailable for good at the sixth freeze', async () => {
    const bench = new Bench('eeh', 'eehPe');
    const device = await bench.open(zero);
    for (let freeze = 1; freeze <= 5; freeze++) {
      await bench.inject(zero, { kind: 'eehFreeze' });
      expect(await stateOf(device)).toBe('stopped');
      await perform(device, ...recovery);
      expect(await stateOf(device)).toBe('normal');
    }
    await bench.inject(zero, { kind: 'eehFreeze' });
    expect(await stateOf(device)).toBe('unavailable');
    for (const operation of recovery) {
      const refused = await device.session.eeh(operation);
      expect(refused).toMatchObject({ ok: false, error: { code: 'deviceLost', errno: { name: 'EIO' } } });
    }
    expect(bench.logs(zero).at(-1)).toContain('permanently disabled');
  });
});

describe('a fault on a frozen PE', () => {
  it('is refused before anything is done', async () => {
    const bench = new Bench('eeh', 'eehPe');
    const coordinator = new Coordinator(bench.rig, new Recorder(bench.rig.clock, null));
    const { address } = bench.kernel(zero);
    valueOf(await coordinator.inject(address, { kind: 'eehFreeze' }, 'simulated'));
    const told = bench.events.length;
    for (const again of [address, bench.kernel(one).address]) {
      expect(await coordinator.inject(again, { kind: 'eehFreeze' }, 'simulated')).toMatchObject({
        ok: false,
        error: { code: 'preflightRefused', details: { rule: 'frozen' } },
      });
    }
    await bench.sleep(seconds(1));
    expect(bench.events).toHaveLength(told);
    coordinator.dispose();
  });
});
