import type { OpenWait } from '../service/waits.ts';

/** One wait of one device: a later wait of the same device has another deadline. */
export const waitKey = (wait: OpenWait): string => `${wait.rig} ${wait.device} ${wait.deadline}`;

export const secondsLeft = (wait: OpenWait): string =>
  `${Math.max(0, wait.left / 1_000_000).toFixed(wait.left < 10_000_000 ? 1 : 0)} s`;
