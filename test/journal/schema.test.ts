import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import type { JournalBody, JournalLine } from '../../src-main/core/journal/line.ts';
import type { RecordBody } from '../../src-main/journal/writer.ts';
import { checkLine, journalLine } from '../../src-main/journal/schema.ts';
import { bodiesByType, effectsByKind, eventsAt } from './arbitraries.ts';

/** Compiles only when what the schema lets through is a journal line; the other direction is tested with values. */
const schemaGivesLines: (line: z.output<typeof journalLine>) => JournalLine = (line) => line;

/** Compiles only when every kind of line but the first has examples below. */
const exampled: readonly Exclude<JournalBody['type'], RecordBody['type']>[] = ['run'];

const envelope = { seq: 1, at: 1, wall: '2026-11-21T02:31:07.250Z' };

describe('the schema of a journal line', () => {
  it.each(Object.entries(bodiesByType))('accepts every %s line', (_type, bodies) => {
    fc.assert(
      fc.property(bodies, (body) => {
        const line = { ...envelope, ...body };
        expect(checkLine(line)).toBeNull();
        // Nothing of the line is unknown to the schema: a strict copy has all its members.
        expect(schemaGivesLines(journalLine.parse(line))).toEqual(line);
      }),
    );
    expect(exampled).toEqual(['run']);
  });

  const step = { ...envelope, type: 'step', device: 'a', reason: 'closed', phase: 'failed', recovery: 1 };

  it.each(Object.entries(eventsAt(fc.nat(), fc.constant(1))))('knows the event %s whole', (_kind, events) => {
    fc.assert(
      fc.property(events, (event) => {
        const line = { ...step, event, effects: [] };
        expect(journalLine.parse(line)).toEqual(line);
      }),
      { numRuns: 50 },
    );
  });

  it.each(Object.entries(effectsByKind))('knows the effect %s whole', (_kind, effects) => {
    fc.assert(
      fc.property(effects, (effect) => {
        const line = { ...step, event: { at: 1, kind: 'closed' }, effects: [effect] };
        expect(journalLine.parse(line)).toEqual(line);
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    [{ ...envelope, seq: 0, type: 'end', outcome: 'x' }, 'seq'],
    [{ ...envelope, at: 0.5, type: 'end', outcome: 'x' }, 'at'],
    [{ ...envelope, wall: 'yesterday', type: 'end', outcome: 'x' }, 'wall'],
    [{ ...envelope, type: 'novel' }, 'type'],
    [{ ...envelope, type: 'armed', device: '', arming: {} }, 'device'],
    [[], 'the line'],
    [null, 'the line'],
  ])('names the place of what it refuses: %j', (line, place) => {
    expect(checkLine(line)).toMatch(new RegExp(`^${place}: `));
  });
});
