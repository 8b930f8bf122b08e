import { describe, expect, it } from 'vitest';
import { failure, success, type Result } from '../../src-main/core/result.ts';
import type { TraceState } from '../../src-main/core/kernelTrace/told.ts';
import { watchKernel } from '../../src-main/rigs/kernelTracer.ts';

const tracer = (answer: Result<TraceState> = success({ kind: 'off', error: null })) => {
  const wishes: string[] = [];
  return {
    wishes,
    traceKernel: async (wish: 'on' | 'off' | 'ask') => {
      wishes.push(wish);
      return answer;
    },
  };
};

describe('watching the kernel of a rig', () => {
  it('is wished for or taken back', async () => {
    const rig = tracer();
    expect(await watchKernel(rig, false)).toMatchObject({ ok: true });
    expect(await watchKernel(rig, true)).toMatchObject({ ok: true });
    expect(rig.wishes).toEqual(['off', 'on']);
  });

  it('is nothing to ask for where no kernel can be watched, here or at the far end', async () => {
    expect(await watchKernel({}, false)).toMatchObject({ ok: true });
    const far = tracer(failure('notSupported', 'It has no kernel that could be traced.'));
    expect(await watchKernel(far, false)).toMatchObject({ ok: true });
  });

  it('fails as the rig does', async () => {
    const lost = tracer(failure('linkLost', 'The link is lost.'));
    expect(await watchKernel(lost, true)).toMatchObject({ ok: false, error: { code: 'linkLost' } });
  });
});
