import type { RecoveryEvent } from '../../src-main/core/recovery/event.ts';
import type { Microseconds } from '../../src-main/core/recovery/phase.ts';
import { defaultPolicy, type Arming } from '../../src-main/core/recovery/policy.ts';
import { armedState, type RecoveryState } from '../../src-main/core/recovery/state.ts';
import { step } from '../../src-main/core/recovery/step.ts';
import type { Transition } from '../../src-main/core/recovery/transition.ts';
import { recoveryNumberOf } from '../../src-main/journal/replay.ts';
import type { RecordBody } from '../../src-main/journal/writer.ts';

export type Record = (at: Microseconds, body: RecordBody) => void;

/** Arms a device and records what the core makes of its events, as the coordinator does. */
export const recordDevice = (device: string, arming: Arming, at: Microseconds, record: Record) => {
  let state: RecoveryState = armedState(arming);
  record(at, { type: 'armed', device, arming });
  return {
    state: (): RecoveryState => state,
    take: (event: RecoveryEvent): Transition => {
      const transition = step(state, event);
      const { reason, effects } = transition;
      state = transition.state;
      if (reason !== null) {
        const { phase } = state;
        record(event.at, {
          type: 'step',
          device,
          event,
          reason,
          phase,
          recovery: recoveryNumberOf(state),
          effects,
        });
      }
      return transition;
    },
  };
};

export const notifyArming: Arming = {
  protocol: 'notify',
  policy: defaultPolicy,
  ackTimeout: 60_000_000,
  uevents: 'observable',
  sharers: 0,
};

/** A fatal error, acknowledged in time: a full recovery in ten events and 21 ms. */
export const fullRecovery = (number: number, from: Microseconds): readonly RecoveryEvent[] => {
  const recovery = number;
  return [
    { at: from, kind: 'signal', count: 1 },
    {
      at: from + 1_000,
      kind: 'inspected',
      recovery,
      result: {
        ok: true,
        value: {
          severity: 'fatal',
          errors: [{ source: 'aer', name: 'MALF_TLP', severity: 'fatal', bit: 18, first: true }],
        },
      },
    },
    {
      at: from + 3_000,
      kind: 'quiesceFinished',
      recovery,
      report: {
        succeeded: true,
        actions: [
          { action: 'touchingStopped', result: 'done' },
          { action: 'busMasterOff', result: 'done' },
          { action: 'msixOff', result: 'done' },
          { action: 'barsUnmapped', result: 'notNeeded' },
        ],
      },
    },
    {
      at: from + 6_000,
      kind: 'acknowledgeRequested',
      approval: { operator: 'lab', reason: 'lab demo', by: 'person' },
    },
    { at: from + 6_100, kind: 'acknowledgeFinished', recovery, error: null },
    { at: from + 10_000, kind: 'signal', count: 1 },
    { at: from + 10_000, kind: 'clockReached' },
    {
      at: from + 15_000,
      kind: 'reinitialiseFinished',
      recovery,
      report: {
        succeeded: true,
        steps: ['COMMAND', 'DEVICE_RESET', 'COMMAND', 'DevCtl', 'engine'].map((name) => ({
          step: name,
          result: 'done',
        })),
      },
    },
    { at: from + 20_000, kind: 'uevent', uevent: 'successfulRecovery' },
    {
      at: from + 21_000,
      kind: 'proofFinished',
      recovery,
      report: {
        verdict: 'proven',
        checks: [
          { check: 'registers', result: 'passed', detail: 'COMMAND, BARs and DevCtl are as they were' },
          { check: 'dma', result: 'passed', detail: '64 bytes' },
          { check: 'msix', result: 'passed', detail: 'vector 0' },
        ],
      },
    },
  ];
};
