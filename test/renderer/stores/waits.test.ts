import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Protocol } from '../../../src-main/core/recovery/phase.ts';
import { armedState, type RecoveryState } from '../../../src-main/core/recovery/state.ts';
import { step } from '../../../src-main/core/recovery/step.ts';
import { rigModel } from '../../../src-renderer/stores/fold.ts';
import { waitOf, waitsOf } from '../../../src-renderer/stores/waits.ts';
import { notifyArming, rigView } from '../fakeBridge.ts';

const signalled = (at: number, protocol: Protocol = 'notify'): RecoveryState =>
  step(armedState({ ...notifyArming, protocol }), { kind: 'signal', at, count: 1 }).state;

const rigWith = (id: string, moments: readonly number[]) =>
  rigModel(
    rigView(id, {
      armed: moments.map((at, index) => ({
        device: `0000:${String(index).padStart(2, '0')}:00.0`,
        state: signalled(at),
        sharers: [],
        resetKinds: [],
      })),
    }),
  );

describe('waitsOf', () => {
  it('puts what runs out first in front, over rigs whose clocks differ', () => {
    const moments = fc.array(fc.integer({ min: 0, max: 1e9 }), { maxLength: 8 });
    fc.assert(
      fc.property(moments, moments, fc.integer({ min: -1e9, max: 1e9 }), (one, two, offset) => {
        const onPage = (rig: string, deadline: number): number => deadline + (rig === 'two' ? offset : 0);
        const waits = waitsOf([rigWith('one', one), rigWith('two', two)], onPage);
        expect(waits).toHaveLength(one.length + two.length);
        const order = waits.map(({ rig, deadline }) => onPage(rig, deadline));
        expect(order).toEqual([...order].sort((left, right) => left - right));
      }),
    );
  });

  it('sorts by the deadline where no clock runs', () => {
    const waits = waitsOf([rigWith('one', [30, 10, 20])], () => Infinity);
    expect(waits.map(({ openedAt }) => openedAt)).toEqual([10, 20, 30]);
  });
});

describe('waitOf', () => {
  it('is none while a device is only armed or has an outcome', () => {
    expect(waitOf('one', 'd', armedState(notifyArming))).toBeNull();
    const lost = step(signalled(5), { kind: 'deviceRemoved', at: 6 }).state;
    expect(waitOf('one', 'd', lost)).toBeNull();
  });

  it('is there from the signal on when the kernel waits, before anything can be decided', () => {
    expect(waitOf('one', 'd', signalled(5))).toMatchObject({
      decision: 'soon',
      openedAt: 5,
      deadline: 60_000_005,
    });
  });

  it('is there only for the decision where the kernel does not wait', () => {
    const state = signalled(5, 'legacy');
    expect(waitOf('one', 'd', state)).toBeNull();
    const inspected = step(state, {
      kind: 'inspected',
      at: 6,
      recovery: 1,
      result: { ok: true, value: { severity: 'nonFatal', errors: [] } },
    }).state;
    const quiet = step(inspected, {
      kind: 'quiesceFinished',
      at: 7,
      recovery: 1,
      report: { succeeded: true, actions: [] },
    }).state;
    expect(waitOf('one', 'd', quiet)?.decision).toBe('reset');
  });
});
