import { whatQuittingDoes } from '../service/quitting.ts';
import type { OpenWait } from '../service/waits.ts';

/** What a terminal says of a wait that is open when the bench ends. */
export const describeWait = ({ rig, device, left, protocol }: OpenWait): string =>
  `${device} on ${rig} waits (${protocol}, ${(left / 1e6).toFixed(1)} s left). ${whatQuittingDoes(protocol)}`;
