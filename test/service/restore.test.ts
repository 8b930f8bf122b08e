import { describe, expect, it } from 'vitest';
import { comparedPolicies } from '../../src-main/core/restore/whatIf.ts';
import { recordedRecoveries } from '../../src-main/core/restore/recordings.ts';
import { addRig, decision, openService, rng, TestViewer } from './desk.ts';

const marked = (viewer: TestViewer, rig: string): readonly string[] =>
  viewer
    .lines(rig)
    .flatMap((line) => (line.type === 'operation' && /mark/.test(line.operation) ? [line.operation] : []));

describe('a marking run', () => {
  it('shows its plan, takes a confirmation with a name and a reason, and is told line by line', async () => {
    const viewer = new TestViewer(openService());
    const rig = await addRig(viewer);
    expect(await viewer.codeOf('planMarking', { rig, device: rng })).toBe('sessionClosed');
    const early = await viewer.ask('confirmation', { rig, device: rng, action: 'mark' });
    expect(early.refusal).toMatch(/not armed/);
    await viewer.arm(rig, rng, { decision: 'ackWhenQuiesced' });
    const plan = await viewer.ask('planMarking', { rig, device: rng });
    expect(plan.marks.map(({ label }) => label)).toEqual(['Cache Line Size', 'Correctable Error Mask']);
    expect(marked(viewer, rig)).toEqual([]);
    const { token, consequence, refusal } = await viewer.ask('confirmation', {
      rig,
      device: rng,
      action: 'mark',
    });
    expect(refusal).toBeNull();
    expect(consequence).toMatch(/old values/);
    await viewer.ask('mark', { rig, device: rng, token, ...decision });
    await viewer.until('marked', (delta) => delta.kind === 'line' && marked(viewer, rig).includes('mark'));
    expect(marked(viewer, rig)).toEqual(['marking', 'mark']);
    await viewer.inject(rig);
    await viewer.until(
      'put back',
      (delta) => delta.kind === 'line' && marked(viewer, rig).includes('unmark'),
    );
    expect(marked(viewer, rig)).toEqual(['marking', 'mark', 'mark', 'mark', 'unmark']);
  });

  it('is cancelled, and a rig that ends puts the old values back first', async () => {
    const viewer = new TestViewer(openService());
    const rig = await addRig(viewer);
    await viewer.arm(rig);
    const mark = async (): Promise<void> => {
      const token = await viewer.token(rig, 'mark');
      await viewer.ask('mark', { rig, device: rng, token, ...decision });
    };
    await mark();
    expect(await viewer.ask('unmark', { rig, device: rng })).toBe('putBack');
    expect(await viewer.codeOf('unmark', { rig, device: rng })).toBe('notSupported');
    await mark();
    await viewer.ask('removeRig', { rig });
    const endings = viewer
      .lines(rig)
      .flatMap((line) =>
        line.type === 'operation' && line.operation === 'unmark'
          ? [`${(line.detail as { because: string }).because} ${String(line.result)}`]
          : [],
      );
    expect(endings).toEqual(['cancelled done', 'closed done']);
  });
});

describe('what if', () => {
  it('plays the usual recovery, or what was recorded, under each policy', async () => {
    const viewer = new TestViewer(openService());
    const rig = await addRig(viewer);
    await viewer.arm(rig, rng, { decision: 'ackWhenQuiesced' });
    const usual = await viewer.ask('whatIf', { rig, device: rng, recovery: null });
    expect(usual).toMatchObject({ kernel: '7.2', playedOn: 'itself', history: 'usual' });
    await viewer.inject(rig);
    await viewer.phase(rig, 'recovered');
    const lines = viewer.lines(rig).filter((line) => 'device' in line && line.device === rng);
    const seq = recordedRecoveries(lines).at(-1)?.seq ?? expect.fail('no recovery');
    const played = await viewer.ask('whatIf', { rig, device: rng, recovery: seq });
    expect(played.history).toBe('recorded');
    const command = played.rows.find(({ name }) => name === 'command') ?? expect.fail('no COMMAND');
    // The bench wrote it itself at the end, whatever the kernel restored before.
    for (const policy of comparedPolicies) expect(command.by[policy].sources).toContain('userSpace');
    // A line that no recovery begins with is no history.
    expect(await viewer.ask('whatIf', { rig, device: rng, recovery: 1 })).toMatchObject({ history: 'usual' });
  });

  it('is refused in one sentence where the platform recovers', async () => {
    const viewer = new TestViewer(openService());
    const rig = await addRig(viewer, { profile: 'zpci-7.3', topology: 'zpci' });
    const { devices } = await viewer.rig(rig);
    const device = devices[0]?.address ?? expect.fail('no device');
    const refused = await viewer.execute('whatIf', { rig, device, recovery: null });
    expect(refused).toMatchObject({ ok: false, error: { code: 'notSupported' } });
  });
});
