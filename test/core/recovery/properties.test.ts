import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecoveryEffect } from '../../../src-main/core/recovery/effect.ts';
import type { RecoveryEvent } from '../../../src-main/core/recovery/event.ts';
import { isOpen, armedState, type RecoveryState } from '../../../src-main/core/recovery/state.ts';
import { refusalOf } from '../../../src-main/core/recovery/refusal.ts';
import { nextDeadline, step } from '../../../src-main/core/recovery/step.ts';
import type { Transition } from '../../../src-main/core/recovery/transition.ts';
import { actionsUpTo, armings, resolve, type Action } from './actions.ts';
import { KernelOracle } from './kernelOracle.ts';
import { goodAnswer, person, type Happening } from './play.ts';
import { ackGuard, type Arming } from '../../../src-main/core/recovery/policy.ts';

/** FC_RUNS raises the number of runs for a soak by hand. */
const numRuns = Number(process.env['FC_RUNS'] ?? 1_500);

const deepFreeze = <Value>(value: Value): Value => {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
};

interface Seen {
  readonly before: RecoveryState;
  readonly event: RecoveryEvent;
  readonly transition: Transition;
}

const run = (arming: Arming, actions: readonly Action[], each: (seen: Seen) => void): RecoveryState => {
  let state: RecoveryState = deepFreeze(armedState(arming));
  let now = 1_000_000;
  let pending: RecoveryEffect[] = [];
  for (const action of actions) {
    const resolved = resolve(action, { state, now, pending });
    if (resolved === null) continue;
    now = resolved.event.at;
    pending = pending.filter((effect) => effect !== resolved.answered);
    const event = deepFreeze(resolved.event);
    const transition = step(state, event);
    each({ before: state, event, transition });
    pending.push(...transition.effects.filter((effect) => goodAnswer(effect) !== null));
    state = deepFreeze(transition.state);
  }
  return state;
};

const anyOrder = (check: (arming: Arming, actions: readonly Action[]) => void): void => {
  fc.assert(fc.property(armings, actionsUpTo(60), check), { numRuns });
};

const wishes: readonly Happening[] = [
  { kind: 'quiesceRequested' },
  { kind: 'acknowledgeRequested', approval: person },
  { kind: 'withdrawRequested', approval: person },
  { kind: 'reinitialiseRequested' },
  { kind: 'resetRequested', resetKind: 'device', approval: person },
  { kind: 'resetRequested', resetKind: 'hot', approval: person },
  { kind: 'resetRequested', resetKind: 'peHot', approval: person },
  { kind: 'resetRequested', resetKind: 'peFundamental', approval: person },
];

describe('whatever happens in whatever order', () => {
  it('no ack is sent without an open wait, and no reset during one', () => {
    anyOrder((arming, actions) => {
      const oracle = new KernelOracle(arming);
      run(arming, actions, ({ event, transition }) => {
        oracle.hears(event);
        for (const effect of transition.effects) {
          if (effect.kind === 'acknowledge') {
            expect(arming.protocol).toBe('notify');
            // Not even in the last moments: it has to arrive in time.
            expect(oracle.waitsAt(event.at + ackGuard(arming.ackTimeout))).toBe(true);
          }
          if (effect.kind === 'reset' || (effect.kind === 'eeh' && effect.operation.startsWith('reset'))) {
            expect(arming.protocol).not.toBe('notify');
            expect(oracle.waitsAt(event.at)).toBe(false);
          }
          oracle.sees(effect);
        }
      });
    });
  });

  it('each recovery gets exactly one outcome, before the next one opens', () => {
    anyOrder((arming, actions) => {
      let opened = 0;
      let concluded = 0;
      const watch = ({ transition }: Pick<Seen, 'transition'>): void => {
        for (const effect of transition.effects) {
          if (effect.kind === 'snapshot' && effect.moment === 'duringWait') {
            expect(concluded).toBe(opened);
            opened += 1;
            expect(effect.recovery).toBe(opened);
          }
          if (effect.kind === 'conclude') {
            expect(effect.recovery).toBe(opened);
            concluded += 1;
            expect(concluded).toBe(opened);
          }
        }
        expect(isOpen(transition.state)).toBe(opened > concluded);
      };
      let state = run(arming, actions, watch);
      // And if nobody does or answers anything any more, the clock alone brings the outcome.
      let now = 10 ** 12;
      for (let calls = 0; ; calls += 1) {
        const deadline = nextDeadline(state);
        if (deadline === null) break;
        expect(calls).toBeLessThan(20);
        now = Math.max(now, deadline);
        const transition = step(state, { kind: 'clockReached', at: now });
        expect(transition.reason).not.toBeNull();
        watch({ transition });
        state = transition.state;
      }
      expect(isOpen(state)).toBe(false);
      expect(concluded).toBe(opened);
    });
  });

  it('the clock changes something exactly when it was asked for', () => {
    anyOrder((arming, actions) => {
      run(arming, actions, ({ transition: { state }, event }) => {
        const deadline = nextDeadline(state);
        if (deadline !== null) {
          expect(step(state, { kind: 'clockReached', at: deadline }).state).not.toBe(state);
          expect(step(state, { kind: 'clockReached', at: deadline - 1 }).state).toBe(state);
        } else {
          expect(step(state, { kind: 'clockReached', at: event.at + 10 ** 12 }).state).toBe(state);
        }
      });
    });
  });

  it('the same events give the same states and effects, and nothing given is changed', () => {
    anyOrder((arming, actions) => {
      const events: RecoveryEvent[] = [];
      const transitions: Transition[] = [];
      run(arming, actions, ({ event, transition }) => {
        events.push(event);
        transitions.push(transition);
      });
      let state: RecoveryState = armedState(arming);
      const again = events.map((event) => {
        const transition = step(state, structuredClone(event));
        state = transition.state;
        return transition;
      });
      expect(again).toEqual(transitions);
    });
  });

  it('a step without a reason has changed and asked for nothing, and one with a reason has', () => {
    anyOrder((arming, actions) => {
      run(arming, actions, ({ before, transition }) => {
        if (transition.reason === null) {
          expect(transition.state).toBe(before);
          expect(transition.effects).toEqual([]);
        } else {
          expect(transition.state).not.toBe(before);
        }
      });
    });
  });

  it('what refusalOf refuses changes nothing, and what it grants in an open recovery does', () => {
    anyOrder((arming, actions) => {
      run(arming, actions, ({ transition: { state }, event }) => {
        for (const wish of wishes) {
          const wished = { ...wish, at: event.at } as RecoveryEvent;
          const changed = step(state, wished).state !== state;
          expect({ wish, changed }).toEqual({
            wish,
            changed: isOpen(state) && refusalOf(state, wished) === null,
          });
        }
      });
    });
  });

  it('recovered needs this recovery’s proof, and the kernel’s word where it is to be heard', () => {
    anyOrder((arming, actions) => {
      let proven = 0;
      let word = '';
      run(arming, actions, ({ event, transition }) => {
        if (event.kind === 'uevent' && event.uevent !== 'beginRecovery') {
          // Once failed, always failed.
          if (word !== 'failedRecovery') word = event.uevent;
        }
        if (event.kind === 'proofFinished' && event.report.verdict !== 'failed') proven = event.recovery;
        for (const effect of transition.effects) {
          if (effect.kind === 'snapshot' && effect.moment === 'duringWait') word = '';
          if (effect.kind !== 'conclude' || effect.outcome !== 'recovered') continue;
          expect(proven).toBe(effect.recovery);
          expect(word).not.toBe('failedRecovery');
          if (
            arming.uevents === 'observable' &&
            (arming.protocol === 'notify' || arming.protocol === 'legacy')
          ) {
            expect(word).toBe('successfulRecovery');
          }
        }
      });
    });
  });

  it('the countdown of a wait is the signal’s moment and the kernel’s time, and nothing else', () => {
    anyOrder((arming, actions) => {
      run(arming, actions, ({ transition: { state } }) => {
        if (state.phase !== 'errorDetected' && state.phase !== 'quiescing' && state.phase !== 'awaitingAck')
          return;
        const time = arming.protocol === 'notify' ? arming.ackTimeout : arming.policy.patience;
        expect(state.deadline).toBe(state.recovery.openedAt + time);
      });
    });
  });

  it('an answer to a recovery that is not this one changes nothing', () => {
    anyOrder((arming, actions) => {
      run(arming, actions, ({ before, event, transition }) => {
        if (!('recovery' in event) || !isOpen(before) || event.recovery === before.recovery.number) return;
        // The one exception: the removal of the eventfd outlives the recovery that asked for it.
        if (event.kind === 'withdrawFinished' && event.recovery < before.recovery.number) return;
        expect(transition.state).toBe(before);
      });
    });
  });
});

describe('the arbitrary orders themselves', () => {
  it('reach every phase and outcome of every protocol that has it', () => {
    const reached = new Set<string>();
    fc.assert(
      fc.property(armings, actionsUpTo(60), (arming, actions) => {
        run(arming, actions, ({ transition }) => {
          reached.add(`${arming.protocol} ${transition.state.phase}`);
          for (const effect of transition.effects) {
            if (effect.kind === 'conclude') reached.add(`${arming.protocol} ${effect.outcome}`);
          }
        });
      }),
      { numRuns: 1_500, seed: 1 },
    );
    const common = ['armed', 'errorDetected', 'quiescing', 'resetting', 'slotReset', 'reinitialising'];
    const outcomes = ['recovered', 'failed', 'timedOut', 'withdrawn', 'deviceLost'];
    const expected = (['notify', 'legacy', 'mediated', 'eeh'] as const).flatMap((protocol) =>
      [...common, ...outcomes, ...(protocol === 'notify' ? ['awaitingAck'] : [])].map(
        (phase) => `${protocol} ${phase}`,
      ),
    );
    expect([...reached].sort()).toEqual(expected.sort());
  });
});
