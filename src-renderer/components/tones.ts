import { missingCase } from '../../src-main/core/exhaustive.ts';
import type { Phase } from '../../src-main/core/recovery/phase.ts';
import type { Severity } from '../../src-main/core/recovery/reports.ts';

/** The classes of `.tag` and `.dot`; `plain` has none. */
export type Tone = 'plain' | 'wait' | 'fatal' | 'good' | 'warn' | 'accent';

export const phaseTone = (phase: Phase): Tone => {
  switch (phase) {
    case 'errorDetected':
    case 'failed':
    case 'deviceLost':
      return 'fatal';
    case 'quiescing':
    case 'awaitingAck':
      return 'wait';
    case 'resetting':
    case 'slotReset':
    case 'reinitialising':
      return 'accent';
    case 'armed':
    case 'recovered':
      return 'good';
    case 'timedOut':
    case 'withdrawn':
      return 'warn';
    default:
      return missingCase(phase);
  }
};

/** Colour is never alone: a shape and a word stand beside it. */
export const severityLook: Readonly<
  Record<Severity, { readonly tone: Tone; readonly shape: string; readonly word: string }>
> = {
  fatal: { tone: 'fatal', shape: '◆', word: 'fatal' },
  nonFatal: { tone: 'warn', shape: '▲', word: 'non-fatal' },
  correctable: { tone: 'plain', shape: '●', word: 'correctable' },
  unknown: { tone: 'plain', shape: '?', word: 'severity unknown' },
};
