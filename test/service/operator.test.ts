import { describe, expect, it } from 'vitest';
import { addRig, openService, TestViewer } from './desk.ts';

const browser = (name: string) => ({ name, transport: 'browser' }) as const;

describe('who drives', () => {
  it('is who came first, under a name that nobody else has', async () => {
    const service = openService();
    const first = new TestViewer(service, browser('Browser'));
    const second = new TestViewer(service, browser('Browser'));
    expect((await first.snapshot()).operator).toEqual({
      you: 'Browser',
      holder: 'Browser',
      asking: null,
      viewers: ['Browser', 'Browser 2'],
    });
    expect((await second.snapshot()).operator).toMatchObject({ you: 'Browser 2', holder: 'Browser' });
    expect(
      await second.codeOf('addRig', {
        kind: 'simulated',
        profile: 'notify-7.2',
        topology: 'single',
        seed: 1,
        ackTimeout: null,
      }),
    ).toBe('notOperator');
  });

  it('hands over when asked and willing, keeps it when not, and everybody is told', async () => {
    const service = openService();
    const ada = new TestViewer(service, browser('Ada'));
    const grace = new TestViewer(service, browser('Grace'));
    const joan = new TestViewer(service, browser('Joan'));
    expect(await ada.codeOf('answerOffer', { grant: true })).toBe('malformedInput');
    await grace.ask('takeOperator', {});
    expect((await ada.snapshot()).operator).toMatchObject({ holder: 'Ada', asking: 'Grace' });
    expect(await joan.codeOf('takeOperator', {})).toBe('busy');
    expect(await grace.codeOf('answerOffer', { grant: true })).toBe('notOperator');
    await ada.ask('answerOffer', { grant: false });
    expect((await grace.snapshot()).operator).toMatchObject({ holder: 'Ada', asking: null });
    await joan.ask('takeOperator', {});
    await ada.ask('answerOffer', { grant: true });
    expect((await grace.snapshot()).operator).toMatchObject({ you: 'Grace', holder: 'Joan', asking: null });
    const told = grace.deltas.flatMap((delta) =>
      delta.kind === 'operator' ? [`${delta.operator.holder} ${delta.operator.asking}`] : [],
    );
    expect(told).toEqual(['Ada null', 'Ada Grace', 'Ada null', 'Ada Joan', 'Joan null']);
    expect(await ada.codeOf('offerOperator', { viewer: 'Ada' })).toBe('notOperator');
    await joan.ask('offerOperator', { viewer: 'Ada' });
    expect((await ada.snapshot()).operator.holder).toBe('Ada');
    await addRig(ada);
  });

  it('is nobody when the holder has gone, until somebody takes it; who has asked gets it at once', async () => {
    const service = openService();
    const ada = new TestViewer(service, browser('Ada'));
    const grace = new TestViewer(service, browser('Grace'));
    const joan = new TestViewer(service, browser('Joan'));
    ada.connection.close();
    ada.connection.close();
    expect((await grace.snapshot()).operator).toMatchObject({ holder: null, viewers: ['Grace', 'Joan'] });
    expect(await grace.codeOf('rescan', { rig: 'x' })).toBe('notOperator');
    // Coming is not taking, where others look on already.
    const late = new TestViewer(service, browser('Mary'));
    expect((await late.snapshot()).operator.holder).toBeNull();
    await joan.ask('takeOperator', {});
    await grace.ask('takeOperator', {});
    joan.connection.close();
    expect((await grace.snapshot()).operator).toMatchObject({ holder: 'Grace', asking: null });
    grace.connection.close();
    // The window of the app drives whenever nobody else does, as after a reload.
    const app = new TestViewer(service, { name: 'This window', transport: 'electron' });
    expect((await app.snapshot()).operator.holder).toBe('This window');
  });

  it('a window that comes later takes nothing from who drives', async () => {
    const service = openService();
    const ada = new TestViewer(service, browser('Ada'));
    const app = new TestViewer(service, { name: 'This window', transport: 'electron' });
    expect((await app.snapshot()).operator.holder).toBe('Ada');
    await app.ask('takeOperator', {});
    app.connection.close();
    expect((await ada.snapshot()).operator).toMatchObject({ holder: 'Ada', asking: null });
  });
});
