import type { OpenedRun } from '../../../preload/contract/views.ts';

/** An opened run in which nothing happened, but for what a test says. */
export const openedRun = (rest: Partial<OpenedRun> = {}): OpenedRun => ({
  run: '2026-11-21T02-31-07Z-5f0a',
  rig: null,
  scenario: null,
  lines: 10,
  from: 0,
  to: 1_000_000,
  reading: null,
  ended: true,
  findings: [],
  findingCount: 0,
  divergences: 0,
  diverged: [],
  devices: [],
  ...rest,
});
