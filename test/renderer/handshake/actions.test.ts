import { describe, expect, it } from 'vitest';
import { refusalOf } from '../../../src-main/core/recovery/refusal.ts';
import type { RecoveryState } from '../../../src-main/core/recovery/state.ts';
import {
  actions,
  mainAction,
  reasonAgainst,
  type Action,
} from '../../../src-renderer/views/handshake/actions.ts';
import { choicesOf } from '../../../src-renderer/views/handshake/choices.ts';
import { knownFacts } from '../../../src-renderer/views/handshake/known.ts';
import { duration, secondsLeft } from '../../../src-renderer/views/handshake/words.ts';
import { deviceView, notifyArming } from '../fakeBridge.ts';
import { approval, device, expiry, Told, untilQuiet } from './told.ts';

const reasons = (
  state: RecoveryState | null,
  change: Partial<Parameters<typeof reasonAgainst>[1]> = {},
): Record<Action, string | null> => {
  const ground = {
    device: deviceView(device),
    address: device,
    state,
    open: state !== null,
    resetKinds: ['device', 'hot'],
    standing: null,
    now: 2_000_000,
    ...change,
  } as const;
  return Object.fromEntries(actions.map((action) => [action, reasonAgainst(action, ground)])) as Record<
    Action,
    string | null
  >;
};
const allowed = (state: RecoveryState | null): Action[] => {
  const all = reasons(state);
  return actions.filter((action) => all[action] === null);
};
const legacy = { ...notifyArming, protocol: 'legacy', uevents: 'unobservable' } as const;

describe('which actions are for now', () => {
  it.each([
    ['not armed', null, ['inject'], null],
    ['armed', new Told().state, ['inject', 'quiesce', 'reset', 'reinitialise', 'prove'], 'inject'],
    [
      'the kernel waits',
      new Told().happens(...untilQuiet()).state,
      ['inject', 'quiesce', 'acknowledge', 'withdraw'],
      'acknowledge',
    ],
    ['looking', new Told().happens(...untilQuiet().slice(0, 1)).state, ['inject', 'withdraw'], 'acknowledge'],
    [
      'user space decides',
      new Told(legacy).happens(...untilQuiet()).state,
      ['inject', 'quiesce', 'withdraw', 'reset', 'reinitialise'],
      'reset',
    ],
    [
      'timed out',
      new Told().happens(...untilQuiet(), expiry()).state,
      ['inject', 'quiesce', 'reset', 'reinitialise', 'prove'],
      null,
    ],
  ] as const)('%s', (_name, state, expected, main) => {
    expect(allowed(state)).toEqual(expected);
    expect(mainAction(state)).toBe(main);
  });

  it('says the core’s own words', () => {
    const { state } = new Told().happens(...untilQuiet());
    const refusal = refusalOf(state, {
      kind: 'resetRequested',
      at: 2_000_000,
      resetKind: 'device',
      approval,
    });
    expect(reasons(state).reset).toBe(refusal?.message);
    expect(reasons(state).reset).toContain('EAGAIN');
  });

  it('refuses an ack in the last moments of the wait', () => {
    const { state } = new Told().happens(...untilQuiet());
    expect(reasons(state, { now: 60_400_000 }).acknowledge).toBeNull();
    expect(reasons(state, { now: 60_900_000 }).acknowledge).toContain('Let it expire');
  });

  it('lets nobody act who does not drive, and on nothing that is gone', () => {
    const { state } = new Told().happens(...untilQuiet());
    for (const reason of Object.values(reasons(state, { standing: 'bob drives; ask to take over first.' }))) {
      expect(reason).toBe('bob drives; ask to take over first.');
    }
    for (const reason of Object.values(reasons(state, { device: null })))
      expect(reason).toContain('not on the bus');
  });

  it('goes on with a device that was disarmed and is still open', () => {
    const all = reasons(null, { open: true });
    expect(actions.filter((action) => all[action] === null)).toEqual([
      'inject',
      'quiesce',
      'reset',
      'reinitialise',
      'prove',
    ]);
    expect(all.acknowledge).toContain('nobody waits for an ack');
  });

  it('harms no bridge', () => {
    expect(reasons(null, { device: deviceView(device, { kind: 'bridge' }) }).inject).toContain('bridge');
  });
});

describe('what comes of each choice', () => {
  it('says the consequences of a notify wait', () => {
    const { state } = new Told().happens(...untilQuiet());
    expect(choicesOf(state, ['0000:01:00.1']).map(({ title }) => title)).toEqual([
      'Acknowledge',
      'Let it expire',
      'Withdraw',
    ]);
    const [ack, expire, withdraw] = choicesOf(state, ['0000:01:00.1']);
    expect(ack?.consequence).toContain('the kernel resets the slot, and with it 0000:01:00.1');
    expect(expire?.consequence).toBe(
      'CAN_RECOVER after 60 s; a fatal error is reset anyway and no second signal comes.',
    );
    expect(withdraw?.consequence).toBe('The eventfd is removed; the kernel still waits out its time.');
  });

  it('names the policy that decides where nobody does', () => {
    const policy = { ...notifyArming.policy, onTimeout: 'acknowledge' } as const;
    const { state } = new Told({ ...notifyArming, policy }).happens(...untilQuiet());
    const titles = choicesOf(state, []).map(({ title }) => title);
    expect(titles).toEqual(['Acknowledge', 'Decide nothing', 'Withdraw']);
    expect(choicesOf(state, [])[1]?.consequence).toContain('The policy acknowledges at +55.000 s');
  });

  it('offers the reset where user space drives it', () => {
    const { state } = new Told(legacy).happens(...untilQuiet());
    expect(choicesOf(state, [])[0]).toMatchObject({ title: 'Reset', kind: 'main' });
    expect(choicesOf(state, []).some(({ title }) => title === 'Acknowledge')).toBe(false);
  });

  it('offers nothing after an outcome, and nothing to choose while the ack is on its way', () => {
    const told = new Told().happens(...untilQuiet(), {
      kind: 'acknowledgeRequested',
      at: 2_000_000,
      approval,
    });
    expect(choicesOf(told.state, []).map(({ kind }) => kind)).toEqual(['happening']);
    expect(choicesOf(new Told().happens(...untilQuiet(), expiry()).state, [])).toEqual([]);
  });
});

describe('what is known', () => {
  const value = (
    state: RecoveryState,
    name: string,
    sharers: readonly string[] | null = [],
  ): string | undefined => knownFacts(state, sharers, 3).find((fact) => fact.name === name)?.value;

  it('tells the error, the sharers, the quiescing and the registers', () => {
    const { state } = new Told().happens(...untilQuiet());
    expect(value(state, 'Error')).toBe('fatal, MALF_TLP, first error');
    expect(value(state, 'Shares the reset')).toBe('nobody');
    expect(value(state, 'Shares the reset', ['0000:01:00.1'])).toBe('0000:01:00.1');
    expect(value(state, 'Quiesced')).toBe('BARs, bus master, MSI-X off; idle');
    expect(value(state, 'Registers')).toBe('3 changed since armed');
  });

  it('says what of quiescing failed', () => {
    const { state } = new Told().happens(...untilQuiet().slice(0, 2), {
      kind: 'quiesceFinished',
      at: 1_009_000,
      recovery: 1,
      report: {
        succeeded: false,
        actions: [
          {
            action: 'busMasterOff',
            result: 'failed',
            error: { code: 'kernelRefused', message: 'no', errno: { number: 5, name: 'EIO' } },
          },
        ],
      },
    });
    expect(value(state, 'Quiesced')).toBe('not quiet: bus master (EIO)');
  });
});

describe('numbers', () => {
  it.each([
    [43_200_000, '43.2'],
    [9_999_999, '9.9'],
    [0, '0.0'],
  ])('%i µs left are %s', (left, text) => {
    expect(secondsLeft(left)).toBe(text);
  });

  it.each([
    [640, '640 µs'],
    [9_300, '9.3 ms'],
    [1_310_000, '1.310 s'],
  ])('%i µs take %s', (took, text) => {
    expect(duration(took)).toBe(text);
  });
});
