import type { OpeningView } from '../../preload/contract/views.ts';
import type { RigModel } from '../stores/fold.ts';
import { waitOf } from '../stores/waits.ts';

export interface RigLook {
  readonly shape: 'good' | 'wait' | 'fatal' | 'off';
  readonly word: string;
  readonly title: string;
}

/** Runs are named by the moment they began, `2026-11-21T02-31-07Z-5f0a`: the time of it, `02:31:07`. */
export const runClock = (run: string): string => {
  const time = /T(\d\d)[-:]?(\d\d)[-:]?(\d\d)/.exec(run);
  return time === null ? run.slice(0, 12) : `${time[1]}:${time[2]}:${time[3]}`;
};

export const rigLook = (rig: RigModel): RigLook => {
  const { header, trouble, link } = rig;
  const waiting = [...rig.armed.values()].filter(
    ({ device, state }) => waitOf(rig.id, device, state) !== null,
  ).length;
  const shape = link !== 'up' ? 'off' : trouble !== null ? 'fatal' : waiting > 0 ? 'wait' : 'good';
  const word =
    link === 'gone'
      ? 'gone'
      : link === 'lost'
        ? 'link lost'
        : trouble !== null
          ? 'in trouble'
          : waiting > 0
            ? `${waiting} waiting for a decision`
            : 'connected';
  const title = [
    `${header.title} (${header.kind})`,
    `Linux ${header.kernel}, ${header.architecture}`,
    `${rig.devices.length} functions, ${rig.armed.size} armed`,
    trouble ?? word,
  ].join('\n');
  return { shape, word, title };
};

export interface OpeningLook {
  readonly shape: 'busy' | 'wait' | 'fatal';
  readonly word: string;
  readonly title: string;
}

export const openingLook = ({ title, state, steps, question, error }: OpeningView): OpeningLook => {
  if (state === 'failed')
    return { shape: 'fatal', word: 'not opened', title: `${title}\n${error?.message ?? ''}` };
  if (question !== null) return { shape: 'wait', word: 'asks something', title: `${title}\n${question}` };
  const word = state === 'cancelling' ? 'being given up' : 'being opened';
  return { shape: 'busy', word, title: `${title}\n${steps.at(-1) ?? word}` };
};
