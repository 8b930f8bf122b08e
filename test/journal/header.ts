import type { RunBody } from '../../src-main/core/journal/line.ts';

/** The header of every journal in these tests. */
export const header: Pick<RunBody, 'bench' | 'rig' | 'scenario' | 'seed'> = {
  bench: '0.1.0',
  rig: {
    kind: 'simulated',
    name: 'simulated',
    title: 'Simulated rig',
    kernel: '6.1.192',
    architecture: 'x86_64',
  },
  seed: 7,
};
