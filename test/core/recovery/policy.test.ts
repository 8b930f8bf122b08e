import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isOpenPhase,
  isOutcome,
  milliseconds,
  phases,
  seconds,
} from '../../../src-main/core/recovery/phase.ts';
import {
  ackGuard,
  checkPolicy,
  decisions,
  defaultPolicy,
  timeoutActionLead,
  timeoutActions,
} from '../../../src-main/core/recovery/policy.ts';
import { reasons, sentenceOf, type Reason } from '../../../src-main/core/recovery/reasons.ts';

describe('a policy', () => {
  it.each(decisions.flatMap((decision) => timeoutActions.map((onTimeout) => ({ decision, onTimeout }))))(
    'that says $decision and $onTimeout is accepted unless it contradicts itself',
    (choice) => {
      const contradiction = choice.decision === 'neverAck' && choice.onTimeout === 'acknowledge';
      expect(checkPolicy({ ...defaultPolicy, ...choice }).ok).toBe(!contradiction);
    },
  );

  it.each([0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])(
    'with a patience of %d is refused',
    (patience) => {
      expect(checkPolicy({ ...defaultPolicy, patience })).toMatchObject({
        error: { code: 'malformedInput' },
      });
    },
  );

  it('acts early enough for its ack not to be refused as late, and within the wait', () => {
    fc.assert(
      fc.property(fc.integer({ min: 20, max: seconds(3_600) }), (ackTimeout) => {
        expect(timeoutActionLead(ackTimeout)).toBeGreaterThan(ackGuard(ackTimeout));
        expect(timeoutActionLead(ackTimeout)).toBeLessThan(ackTimeout);
      }),
    );
  });

  it('keeps half a second of guard in the RFC’s 60 s', () => {
    expect([ackGuard(seconds(60)), timeoutActionLead(seconds(60))]).toEqual([milliseconds(500), seconds(5)]);
  });
});

describe('phases and reasons', () => {
  it('are each either armed, open or an outcome', () => {
    for (const phase of phases) {
      expect([phase === 'armed', isOpenPhase(phase), isOutcome(phase)].filter(Boolean)).toHaveLength(1);
    }
  });

  it('are explained by one sentence each, and no two alike', () => {
    const sentences = (Object.keys(reasons) as Reason[]).map(sentenceOf);
    for (const sentence of sentences) expect(sentence).toMatch(/^[A-Z].{20,}\.$/s);
    expect(new Set(sentences).size).toBe(sentences.length);
  });
});
