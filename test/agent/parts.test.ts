import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CallBook } from '../../src-main/agent/callBook.ts';
import { EventRing } from '../../src-main/agent/eventRing.ts';
import { parseAgentWords } from '../../src-main/agent/options.ts';
import { RemoteClock } from '../../src-main/rigs/remote/remoteClock.ts';
import type { FarEvent } from '../../src-main/rigs/remote/shapes.ts';
import { codeOf } from '../coordinator/lab.ts';

describe('the call book', () => {
  it('carries each call out once, in whatever order and however often they come', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ number: fc.integer({ min: 1, max: 8 }), settled: fc.nat(8) })),
        async (asked) => {
          const book = new CallBook();
          const runs = new Map<number, number>();
          for (const { number, settled } of asked) {
            const answer = book.answer(number, settled, async () => {
              runs.set(number, (runs.get(number) ?? 0) + 1);
              return number;
            });
            if (answer !== null) expect(await answer).toBe(number);
          }
          for (const count of runs.values()) expect(count).toBe(1);
        },
      ),
    );
  });

  it('gives the answer of the first time while nobody has said that it arrived, and none after that', async () => {
    const book = new CallBook();
    await book.answer(1, 0, async () => 'first');
    expect(await book.answer(1, 0, async () => 'second')).toBe('first');
    await book.answer(2, 1, async () => 'other');
    expect(book.answer(1, 0, async () => 'third')).toBeNull();
  });
});

describe('the event ring', () => {
  it('gives what came after a number, and counts what it does not have any more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(60), fc.nat(60), (size, total, after) => {
        const ring = new EventRing(size);
        for (let at = 1; at <= total; at += 1) {
          const event: FarEvent = { kind: 'kernelLog', at, address: null, text: '' };
          expect(ring.add(event).number).toBe(at);
        }
        const { events, dropped, last } = ring.after(after);
        expect(last).toBe(total);
        expect(dropped + events.length).toBe(Math.max(0, total - after));
        expect(events.length).toBeLessThanOrEqual(size);
        expect(events.map(({ number }) => number)).toEqual(
          events.map((_, index) => total - events.length + 1 + index),
        );
        for (const { number, event } of events) expect(event.at).toBe(number);
      }),
    );
  });
});

describe('the words of the agent', () => {
  it.each([
    [['--speed', '3'], 'malformedInput'],
    [['--simulated', 'a:b:c'], 'malformedInput'],
    [['--grace', 'long'], 'malformedInput'],
    [['--grace', '-1'], 'malformedInput'],
    [['--simulated', 'x', '--speed', '0'], 'malformedInput'],
    [['--attach', '/x', '--listen', '/x'], 'malformedInput'],
    [['--unheard-of'], 'malformedInput'],
    [['stray'], 'malformedInput'],
    [['--help'], 'ok'],
    [[], 'ok'],
  ])('%j is %s', (words, code) => {
    expect(codeOf(parseAgentWords(words))).toBe(code);
  });

  it('name a machine, a channel and a grace', () => {
    expect(
      parseAgentWords([
        '--simulated',
        'notify-6.1:single',
        '--speed',
        '50',
        '--grace',
        '5',
        '--channel',
        '/dev/x',
      ]),
    ).toEqual({
      ok: true,
      value: {
        place: { kind: 'channel', path: '/dev/x' },
        simulated: { profile: 'notify-6.1', topology: 'single', speed: 50, seed: 1 },
        grace: 5_000,
      },
    });
  });
});

describe('the clock of a far machine', () => {
  const trips = fc.array(
    fc.record({ there: fc.integer({ min: 1, max: 500 }), back: fc.integer({ min: 1, max: 500 }) }),
    { minLength: 1, maxLength: 16 },
  );
  /** Looks at a clock that is `offset` ahead, over these ways there and back, in milliseconds. */
  const looked = (
    ways: readonly { there: number; back: number }[],
    offset: number,
    after: (this: RemoteClock) => void,
  ) => {
    let local = 0;
    const clock = new RemoteClock(() => local);
    const far = (): number => local * 1_000 + offset;
    for (const { there, back } of ways) {
      const sent = local;
      local += there;
      const said = { now: far(), wall: 0, rate: 1 };
      local += back;
      clock.add({ sent, received: local, far: said });
      after.call(clock);
    }
    return { clock, off: () => clock.now() - far(), local };
  };

  it('is never further off than half of the shortest round trip, and what two clocks may drift apart', () => {
    fc.assert(
      fc.property(trips, fc.integer({ min: 0, max: 1e9 }), (ways, offset) => {
        const { off, local } = looked(ways, offset, () => undefined);
        const shortest = Math.min(...ways.map(({ there, back }) => there + back));
        expect(Math.abs(off())).toBeLessThanOrEqual((shortest / 2) * 1_000 + local * 0.1 + 1);
      }),
    );
  });

  it('never goes back, also when it finds that it was ahead', () => {
    fc.assert(
      fc.property(trips, (ways) => {
        let last = 0;
        looked(ways, 0, function (this: RemoteClock) {
          expect(this.now()).toBeGreaterThanOrEqual(last);
          last = this.now();
        });
      }),
    );
  });

  it('goes on when the far machine has started again', () => {
    let local = 0;
    const clock = new RemoteClock(() => local);
    clock.add({ sent: 0, received: 0, far: { now: 5_000_000, wall: 0, rate: 1 } });
    local = 1_000;
    expect(clock.now()).toBe(6_000_000);
    clock.restart({ now: 10, wall: 0, rate: 1 });
    clock.add({ sent: 1_000, received: 1_000, far: { now: 10, wall: 0, rate: 1 } });
    expect(clock.now()).toBe(6_000_000);
    expect(clock.heard(500_010)).toBe(6_500_000);
    local = 2_000;
    expect(clock.now()).toBe(7_000_000);
  });
});
