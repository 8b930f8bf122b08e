import { describe, expect, it } from 'vitest';
import type { OperatorView } from '../../preload/contract/views.ts';
import { addRig, openService, rng, TestViewer } from '../service/desk.ts';
import { essence } from '../service/foldDeltas.ts';
import { openLink, openTestDoor, type WireLink } from './wire.ts';

/** Two pages before one door, each with what it was told over its own socket. */
const scene = async (pace = 1) => {
  const service = openService({ pace });
  const door = await openTestDoor({ service });
  const page = async (): Promise<{ viewer: TestViewer; link: WireLink }> => {
    const link = await openLink(door);
    return { link, viewer: new TestViewer({ connect: () => link.connection }) };
  };
  const one = await page();
  const two = await page();
  return { service, door, one, two, page };
};

const operatorTold = (viewer: TestViewer, holds: (operator: OperatorView) => boolean): Promise<void> =>
  viewer.until('operator', (delta) => delta.kind === 'operator' && holds(delta.operator));

describe('two viewers over the wire', () => {
  it('see the same, and one of them drives', async () => {
    const { one, two } = await scene();
    const rig = await addRig(one.viewer);
    expect(await two.viewer.codeOf('arm', { rig, device: rng, protocol: 'notify', policy: {} })).not.toBe(
      'ok',
    );
    expect(await two.viewer.codeOf('disarm', { rig, device: rng })).toBe('notOperator');
    await one.viewer.arm(rig);
    await one.viewer.inject(rig);
    await two.viewer.phase(rig, 'awaitingAck');
    await one.viewer.phase(rig, 'awaitingAck');
    const seen = [await one.viewer.snapshot(), await two.viewer.snapshot()].map(
      (snapshot) => essence(snapshot).rigs,
    );
    expect(seen[1]).toEqual(seen[0]);
  });

  it('hand the role over when one asks and the other grants it, not before', async () => {
    const { one, two } = await scene();
    const rig = await addRig(one.viewer);
    await one.viewer.arm(rig);
    await one.viewer.inject(rig);
    await one.viewer.phase(rig, 'awaitingAck');
    const { you } = (await two.viewer.snapshot()).operator;
    await two.viewer.ask('takeOperator', {});
    await operatorTold(one.viewer, ({ asking }) => asking === you);
    expect(await two.viewer.codeOf('confirmation', { rig, device: rng, action: 'acknowledge' })).toBe(
      'notOperator',
    );
    await one.viewer.ask('answerOffer', { grant: false });
    await operatorTold(two.viewer, ({ asking, holder }) => asking === null && holder !== you);
    expect(await two.viewer.codeOf('confirmation', { rig, device: rng, action: 'acknowledge' })).toBe(
      'notOperator',
    );

    const token = await one.viewer.token(rig, 'acknowledge');
    await two.viewer.ask('takeOperator', {});
    await one.viewer.ask('answerOffer', { grant: true });
    await operatorTold(two.viewer, ({ holder }) => holder === you);
    const words = { operator: 'Ada', reason: 'no longer mine to decide' };
    expect(await one.viewer.codeOf('acknowledge', { rig, device: rng, token, ...words })).toBe('notOperator');
    expect(await two.viewer.codeOf('acknowledge', { rig, device: rng, token, ...words })).toBe(
      'confirmationInvalid',
    );
    const own = await two.viewer.token(rig, 'acknowledge');
    await two.viewer.ask('acknowledge', {
      rig,
      device: rng,
      token: own,
      operator: 'Grace',
      reason: 'handed over',
    });
    await one.viewer.phase(rig, 'slotReset');
    const approvals = one.viewer.lines(rig).filter(({ type }) => type === 'approval');
    expect(JSON.stringify(approvals)).toContain('Grace');
  });

  it('leave the role to who asked when the holder’s window is gone', async () => {
    const { one, two } = await scene();
    await two.viewer.ask('takeOperator', {});
    const { you } = (await two.viewer.snapshot()).operator;
    one.link.connection.close();
    await operatorTold(two.viewer, ({ holder }) => holder === you);
  });
});

describe('a viewer whose link breaks in the middle of a wait', () => {
  it('is told at once that calls are lost, comes back, and sees what the others see', async () => {
    const { one, two } = await scene();
    const rig = await addRig(one.viewer);
    await one.viewer.arm(rig);
    await one.viewer.inject(rig);
    await one.viewer.phase(rig, 'awaitingAck');
    await two.viewer.phase(rig, 'awaitingAck');

    two.link.cut();
    expect(await two.viewer.codeOf('snapshot', {})).toBe('linkLost');
    // Meanwhile the recovery goes on.
    const token = await one.viewer.token(rig, 'acknowledge');
    await one.viewer.ask('acknowledge', { rig, device: rng, token, operator: 'Ada', reason: 'without you' });
    await one.viewer.phase(rig, 'slotReset');

    await two.link.open();
    const snapshot = await two.viewer.snapshot();
    // A new connection counts anew: what comes next goes on from the new snapshot and not from the old one.
    await one.viewer.ask('prove', { rig, device: rng }).catch(() => undefined);
    const { seq } = one.viewer.lines(rig).at(-1) ?? { seq: 0 };
    await two.viewer.until(
      'the last line',
      (delta) => delta.kind === 'line' && delta.rig === rig && delta.line.seq >= seq,
    );
    const from = two.viewer.deltas.findLastIndex((delta) => delta.number === snapshot.number + 1);
    expect(from).toBeGreaterThan(0);
    const later = two.viewer.deltas.slice(from);
    expect(later.map(({ number }) => number)).toEqual(later.map((_, index) => snapshot.number + 1 + index));
    const shown = essence(await two.viewer.snapshot()).rigs;
    expect(shown).toEqual(essence(await one.viewer.snapshot()).rigs);
    expect(two.link.states.slice(-2)).toEqual(['waiting', 'open']);
  });

  it('does not end the recovery by going, even when nobody is left to see it', async () => {
    const { service, one, two, page } = await scene();
    const rig = await addRig(one.viewer, { ackTimeout: 1_000_000 });
    await one.viewer.arm(rig);
    await one.viewer.inject(rig);
    await one.viewer.phase(rig, 'awaitingAck');
    one.link.connection.close();
    two.link.connection.close();
    await new Promise<void>((resolve) => {
      const dispose = service.onWaits(() => {
        if (service.waits().length > 0) return;
        dispose();
        resolve();
      });
    });
    const { viewer } = await page();
    expect(await viewer.phaseOf(rig)).toBe('timedOut');
  });
});
