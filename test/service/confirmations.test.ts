import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { confirmedActions, type ConfirmedAction } from '../../preload/contract/views.ts';
import type { CommandName } from '../../preload/contract/names.ts';
import { addRig, decision, fatal, nonFatal, openService, rng, TestViewer } from './desk.ts';
import { essence } from './foldDeltas.ts';

const commandOf: Readonly<Record<ConfirmedAction, CommandName>> = {
  inject: 'inject',
  acknowledge: 'acknowledge',
  withdraw: 'withdraw',
  reset: 'reset',
  mark: 'mark',
  unbind: 'bind',
  platform: 'platformAct',
};

const inputOf = (action: ConfirmedAction, rig: string, device: string, token: string): unknown => {
  const confirmed = { rig, device, token };
  switch (action) {
    case 'inject':
      return { ...confirmed, injector: 'simulated', fault: fatal };
    case 'unbind':
      return { ...confirmed, driver: null };
    case 'platform':
      return { ...confirmed, ...decision, action: 'recover' };
    case 'reset':
      return { ...confirmed, ...decision, kind: 'device' };
    default:
      return { ...confirmed, ...decision };
  }
};

/** A rig on which the kernel waits for an ack. */
const waiting = async (now: () => number = Date.now, topology = 'lab') => {
  const service = openService({ now });
  const viewer = new TestViewer(service);
  const rig = await addRig(viewer, { topology });
  await viewer.arm(rig);
  await viewer.inject(rig);
  await viewer.phase(rig, 'awaitingAck');
  await viewer.until('devices', (delta) => delta.kind === 'devices');
  return { service, viewer, rig };
};

const untouched = async (viewer: TestViewer, run: () => Promise<void>): Promise<void> => {
  const before = essence(await viewer.snapshot());
  await run();
  expect(essence(await viewer.snapshot())).toEqual(before);
};

describe('confirmation tokens', () => {
  it('nothing happens on a token that nobody gave out', async () => {
    const { viewer, rig } = await waiting();
    await untouched(viewer, () =>
      fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...confirmedActions),
          fc.string({ minLength: 1, maxLength: 64 }),
          async (action, token) => {
            expect(await viewer.codeOf(commandOf[action], inputOf(action, rig, rng, token))).toBe(
              'confirmationInvalid',
            );
          },
        ),
        { numRuns: 500 },
      ),
    );
  });

  it('a token is good for its own action, device, rig and viewer only, and stays good for that', async () => {
    const { service, viewer, rig } = await waiting();
    const other = await addRig(viewer, { topology: 'lab' });
    const guest = new TestViewer(service, { name: 'Grace', transport: 'browser' });
    const sibling = (await viewer.rig(rig)).devices.find(
      ({ address, kind }) => kind === 'endpoint' && address !== rng,
    )?.address;
    const token = await viewer.token(rig, 'acknowledge');
    await untouched(viewer, async () => {
      for (const action of confirmedActions.filter((name) => name !== 'acknowledge')) {
        expect(await viewer.codeOf(commandOf[action], inputOf(action, rig, rng, token))).toBe(
          'confirmationInvalid',
        );
      }
      const attempt = (where: string, device: string) =>
        viewer.codeOf('acknowledge', inputOf('acknowledge', where, device, token));
      expect(await attempt(other, rng)).toBe('confirmationInvalid');
      expect(await attempt(rig, sibling ?? '')).toBe('confirmationInvalid');
    });
    // The guest drives now, and the token in her hands is worth nothing; back with its owner it is.
    await viewer.ask('offerOperator', { viewer: 'Grace' });
    expect(await guest.codeOf('acknowledge', inputOf('acknowledge', rig, rng, token))).toBe(
      'confirmationInvalid',
    );
    await guest.ask('offerOperator', { viewer: 'Ada' });
    expect(await viewer.codeOf('acknowledge', inputOf('acknowledge', rig, rng, token))).toBe('ok');
  });

  it('is used up by the deed, and by one that is refused', async () => {
    const { viewer, rig } = await waiting();
    const early = await viewer.token(rig, 'reset');
    expect(await viewer.codeOf('reset', inputOf('reset', rig, rng, early))).toBe('waitOpen');
    expect(await viewer.codeOf('reset', inputOf('reset', rig, rng, early))).toBe('confirmationInvalid');
    const token = await viewer.token(rig, 'acknowledge');
    expect(await viewer.codeOf('acknowledge', inputOf('acknowledge', rig, rng, token))).toBe('ok');
    expect(await viewer.codeOf('acknowledge', inputOf('acknowledge', rig, rng, token))).toBe(
      'confirmationInvalid',
    );
    await viewer.phase(rig, 'recovered');
    expect(viewer.lines(rig).filter(({ type }) => type === 'approval')).toHaveLength(1);
  });

  it('two answers at once with one token are one answer', async () => {
    const { viewer, rig } = await waiting();
    const token = await viewer.token(rig, 'acknowledge');
    const input = inputOf('acknowledge', rig, rng, token);
    const codes = await Promise.all([
      viewer.codeOf('acknowledge', input),
      viewer.codeOf('acknowledge', input),
    ]);
    expect(codes.sort()).toEqual(['confirmationInvalid', 'ok']);
  });

  it('expires after ten minutes', async () => {
    let now = Date.UTC(2026, 10, 21);
    const { viewer, rig } = await waiting(() => now);
    const old = await viewer.token(rig, 'acknowledge');
    now += 599_999;
    const young = await viewer.token(rig, 'withdraw');
    now += 1;
    await untouched(viewer, async () => {
      expect(await viewer.codeOf('acknowledge', inputOf('acknowledge', rig, rng, old))).toBe(
        'confirmationInvalid',
      );
    });
    expect(await viewer.codeOf('withdraw', inputOf('withdraw', rig, rng, young))).toBe('ok');
  });

  it('is not good for the next recovery: an ack owed to error 1 never answers error 2', async () => {
    const { viewer, rig } = await waiting(Date.now, 'single');
    const stale = await viewer.token(rig, 'acknowledge');
    const token = await viewer.token(rig, 'acknowledge');
    await viewer.ask('acknowledge', { rig, device: rng, token, ...decision });
    await viewer.phase(rig, 'recovered');
    const ended = viewer.lines(rig).at(-1)?.seq ?? 0;
    const inject = await viewer.token(rig, 'inject');
    await viewer.inject(rig, nonFatal);
    await viewer.phase(rig, 'awaitingAck', rng, ended);
    expect(await viewer.codeOf('acknowledge', inputOf('acknowledge', rig, rng, stale))).toBe(
      'confirmationInvalid',
    );
    expect(await viewer.codeOf('inject', inputOf('inject', rig, rng, inject))).toBe('confirmationInvalid');
    expect(await viewer.phaseOf(rig)).toBe('awaitingAck');
  });

  it('dies with the viewer', async () => {
    const { service, viewer, rig } = await waiting();
    const token = await viewer.token(rig, 'acknowledge');
    viewer.connection.close();
    expect(await viewer.codeOf('acknowledge', inputOf('acknowledge', rig, rng, token))).toBe('linkLost');
    const reloaded = new TestViewer(service);
    expect(await reloaded.codeOf('acknowledge', inputOf('acknowledge', rig, rng, token))).toBe(
      'confirmationInvalid',
    );
    const fresh = await reloaded.token(rig, 'acknowledge');
    expect(await reloaded.codeOf('acknowledge', inputOf('acknowledge', rig, rng, fresh))).toBe('ok');
  });
});
