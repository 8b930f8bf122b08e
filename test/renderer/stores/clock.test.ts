// @vitest-environment happy-dom
import { createPinia, setActivePinia } from 'pinia';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { useClock } from '../../../src-renderer/stores/clock.ts';

beforeEach(() => {
  vi.useFakeTimers();
  setActivePinia(createPinia());
});
afterEach(() => {
  vi.useRealTimers();
});

describe('useClock', () => {
  it('goes on between messages, at the rig’s pace', () => {
    const clock = useClock();
    clock.setBeat(100);
    clock.anchor('one', 1_000_000, 1);
    clock.anchor('fast', 0, 10);
    clock.anchor('still', 5, 0);
    vi.advanceTimersByTime(2_000);
    expect(clock.now('one')).toBe(3_000_000);
    expect(clock.now('fast')).toBe(20_000_000);
    expect(clock.now('still')).toBe(5);
    expect(clock.left('one', 2_000_000)).toBe(0);
    expect(clock.left('one', 4_500_000)).toBe(1_500_000);
  });

  it('never gives more time than a newer moment of the rig leaves', () => {
    const clock = useClock();
    clock.setBeat(100);
    clock.anchor('one', 1_000_000, 1);
    clock.reached('one', 5_000_000);
    expect(clock.now('one')).toBe(5_000_000);
    clock.reached('one', 4_500_000);
    expect(clock.now('one')).toBe(5_000_000);
  });

  it('goes back when it was far ahead: the rig was slower than it said', () => {
    const clock = useClock();
    clock.setBeat(100);
    clock.anchor('one', 0, 1);
    vi.advanceTimersByTime(10_000);
    clock.reached('one', 3_000_000);
    expect(clock.now('one')).toBe(3_000_000);
  });

  it('puts the deadlines of several rigs on one clock', () => {
    const clock = useClock();
    clock.anchor('one', 0, 1);
    clock.anchor('fast', 0, 10);
    clock.anchor('still', 0, 0);
    expect(clock.pageMomentOf('one', 10_000_000)).toBeGreaterThan(clock.pageMomentOf('fast', 20_000_000));
    expect(clock.pageMomentOf('still', 1)).toBe(Infinity);
  });
});
