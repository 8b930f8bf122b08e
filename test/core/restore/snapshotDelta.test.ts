import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromBase64, toBase64 } from '../../../src-main/core/restore/base64.ts';
import { momentOf, momentText, snapshotMoments } from '../../../src-main/core/restore/moments.ts';
import {
  decodeSnapshotDelta,
  encodeSnapshotDelta,
  isSnapshotDelta,
} from '../../../src-main/core/restore/snapshotDelta.ts';
import { encodeSnapshot } from '../../../src-main/journal/snapshot.ts';
import { templates } from '../../../src-main/rigs/simulated/hardware/templates.ts';

const space = fc.oneof(
  fc.uint8Array({ minLength: 0, maxLength: 256 }),
  fc.uint8Array({ minLength: 4096, maxLength: 4096 }),
  fc.array(fc.tuple(fc.nat(4095), fc.nat(255)), { maxLength: 60 }).map((bytes) => {
    const config = new Uint8Array(4096);
    for (const [at, value] of bytes) config[at] = value;
    return config;
  }),
);

const decoded = (previous: Uint8Array | null, text: string): Uint8Array => {
  const result = decodeSnapshotDelta(previous, text);
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
};

describe('a snapshot kept as a delta', () => {
  it('comes back as it was, whatever it builds upon', () => {
    fc.assert(
      fc.property(fc.option(space), space, (previous, next) => {
        expect(decoded(previous, encodeSnapshotDelta(previous, next))).toEqual(next);
      }),
      { numRuns: 500 },
    );
  });

  it('never throws on other text, and never makes up bytes from a damaged one', () => {
    fc.assert(
      fc.property(space, fc.string(), fc.nat(), (next, text, at) => {
        expect(decodeSnapshotDelta(null, text).ok).toBe(false);
        const delta = encodeSnapshotDelta(null, next);
        const cut = delta.slice(0, 1 + (at % delta.length));
        const result = decodeSnapshotDelta(null, cut);
        if (result.ok) expect(result.value.length).toBe(next.length);
      }),
    );
  });

  it('is refused upon another snapshot than the one before it', () => {
    const first = templates.virtioRng.layout.resetValue;
    const next = first.slice();
    next[4] = 6;
    const delta = encodeSnapshotDelta(first, next);
    expect(decodeSnapshotDelta(next, delta)).toMatchObject({ ok: false, error: { code: 'journalDamaged' } });
    expect(decodeSnapshotDelta(null, delta)).toMatchObject({ ok: false, error: { code: 'journalDamaged' } });
  });

  it('has these bytes', () => {
    const next = Uint8Array.from([1, 2, 0, 0, 0, 0, 0, 9]);
    expect(encodeSnapshotDelta(null, next)).toBe('~AAgAAAAAAAAAAgECAAUAAQk=');
    const changed = Uint8Array.from([1, 2, 0, 7, 0, 0, 0, 9]);
    expect(encodeSnapshotDelta(next, changed)).toBe('~AAigKsE1AAMAAQc=');
  });

  it('is shorter than a packed config space, and an unchanged one is a dozen characters', () => {
    const config = templates.acceleratorWithEverything.layout.resetValue;
    const later = config.slice();
    later[4] = 6;
    expect(encodeSnapshotDelta(config, later).length).toBeLessThan(encodeSnapshot(later).length / 10);
    expect(encodeSnapshotDelta(config, config)).toHaveLength(9);
  });

  it('is told from the packed bytes of older journals', () => {
    const config = templates.virtioRng.layout.resetValue;
    expect(isSnapshotDelta(encodeSnapshotDelta(null, config))).toBe(true);
    expect(isSnapshotDelta(encodeSnapshot(config))).toBe(false);
  });
});

describe('base64', () => {
  it('is that of the platform', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const text = Buffer.from(bytes).toString('base64');
        expect(toBase64(bytes)).toBe(text);
        expect(fromBase64(text)).toEqual(bytes);
      }),
    );
  });

  it.each(['A', 'AAA', 'AA=A', 'AA*=', 'A==='])('refuses %s', (text) => {
    expect(fromBase64(text)).toBeNull();
  });
});

describe('the name of a moment', () => {
  it('comes back, with the step of reinitialising in it', () => {
    for (const kind of snapshotMoments) {
      const moment = kind === 'afterStep' ? { kind, step: 'COMMAND: again' } : { kind };
      expect(momentOf(momentText(moment))).toEqual(moment);
    }
  });

  it.each(['', 'afterStep', 'afterStep: ', 'armed: COMMAND', 'later'])('"%s" is none', (text) => {
    expect(momentOf(text)).toBeNull();
  });
});
