import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeLine, encodeLine } from '../../src-main/journal/codec.ts';
import type { JournalBody } from '../../src-main/core/journal/line.ts';
import { bodies } from './arbitraries.ts';
import { header } from './header.ts';

const wall = '2026-11-21T02:31:07.250Z';

/** The checksums were computed with Python's zlib.crc32. */
const golden: readonly { title: string; seq: number; body: JournalBody; line: string }[] = [
  {
    title: 'the first line of a run',
    seq: 1,
    body: {
      type: 'run',
      schema: 1,
      run: '2026-11-21T02-31-07Z-5f0a',
      ...header,
      writer: { pid: 4711, started: null },
    },
    line: '{"seq":1,"at":1500,"wall":"2026-11-21T02:31:07.250Z","type":"run","schema":1,"run":"2026-11-21T02-31-07Z-5f0a","bench":"0.1.0","rig":{"kind":"simulated","name":"simulated","title":"Simulated rig","kernel":"6.1.192","architecture":"x86_64"},"seed":7,"writer":{"pid":4711,"started":null},"crc":"0fb99a91"}',
  },
  {
    title: 'a step that announces an effect',
    seq: 2,
    body: {
      type: 'step',
      device: '0000:01:00.0',
      event: { at: 1_400, kind: 'signal', count: 1 },
      reason: 'signalOpens',
      phase: 'errorDetected',
      recovery: 1,
      effects: [{ kind: 'inspect', recovery: 1 }],
    },
    line: '{"seq":2,"at":1500,"wall":"2026-11-21T02:31:07.250Z","type":"step","device":"0000:01:00.0","event":{"at":1400,"kind":"signal","count":1},"reason":"signalOpens","phase":"errorDetected","recovery":1,"effects":[{"kind":"inspect","recovery":1}],"crc":"ad57b058"}',
  },
];

describe('a journal line', () => {
  it.each(golden)('is written in these bytes: $title', ({ seq, body, line }) => {
    expect(encodeLine({ seq, at: 1_500, wall }, body)).toBe(line);
    expect(decodeLine(Buffer.from(line))).toEqual({ ok: true, line: { seq, at: 1_500, wall, ...body } });
  });

  it('comes back as it was written, whatever it says', () => {
    fc.assert(
      fc.property(bodies, fc.integer({ min: 1 }), fc.nat(), (body, seq, at) => {
        const text = encodeLine({ seq, at, wall }, body);
        expect(text).not.toContain('\n');
        expect(decodeLine(Buffer.from(text))).toEqual({ ok: true, line: { seq, at, wall, ...body } });
      }),
      { numRuns: 500 },
    );
  });

  it('is found damaged when any one byte of it is another', () => {
    const bytes = Buffer.from(golden[1]?.line ?? '');
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const other = Buffer.from(bytes);
        other[at] = (other[at] ?? 0) ^ flip;
        const kept = Buffer.from(other);
        expect(decodeLine(other).ok).toBe(false);
        expect(other).toEqual(kept);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['an event that is none', { event: { at: 1, kind: 'exploded' } }, 'event.kind'],
    [
      'an answer without its report',
      { event: { at: 1, kind: 'quiesceFinished', recovery: 1 } },
      'event.report',
    ],
    ['a moment that is no integer', { event: { at: 1.5, kind: 'closed' } }, 'event.at'],
    ['a reason that is none', { reason: 'because' }, 'reason'],
    ['an effect that is none', { effects: [{ kind: 'explode', recovery: 1 }] }, 'effects.0.kind'],
  ])(
    'with a right checksum but %s is damaged by its schema, and the place is named',
    (_title, change, place) => {
      const body = { ...golden[1]?.body, ...change } as unknown as JournalBody;
      const decoded = decodeLine(Buffer.from(encodeLine({ seq: 2, at: 1, wall }, body)));
      expect(decoded).toMatchObject({ ok: false, damage: { because: 'schema' } });
      expect(!decoded.ok && decoded.damage.detail).toContain(`${place}:`);
    },
  );

  it('never makes the decoder throw, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(decodeLine(Buffer.from(bytes)).ok).toBe(false);
      }),
    );
  });
});
