import { describe, expect, it } from 'vitest';
import { addRig, openService, TestViewer } from './desk.ts';

describe('watching the kernels of all rigs', () => {
  it('is on until somebody who drives switches it off, which every viewer is told', async () => {
    const service = openService();
    const viewer = new TestViewer(service);
    const guest = new TestViewer(service, { name: 'Grace', transport: 'browser' });
    await addRig(viewer);
    expect((await guest.snapshot()).kernelWatched).toBe(true);
    expect(await guest.codeOf('watchKernel', { watched: false })).toBe('notOperator');
    await viewer.ask('watchKernel', { watched: false });
    await guest.until('switched off', (delta) => delta.kind === 'kernelWatched' && !delta.kernelWatched);
    expect((await viewer.snapshot()).kernelWatched).toBe(false);
    await viewer.ask('watchKernel', { watched: true });
    expect((await guest.snapshot()).kernelWatched).toBe(true);
  });
});
