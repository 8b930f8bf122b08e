import { describe, expect, it } from 'vitest';
import { momentOf, momentText, snapshotMoments } from '../../../src-main/core/restore/moments.ts';

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
