import type { DeviceView, RigView } from '../../preload/contract/views.ts';
import { isConcluded } from '../../src-main/core/recovery/state.ts';
import { phaseTone, type Tone } from '../components/tones.ts';
import type { ArmedDevice } from '../stores/fold.ts';
import { waitOf, type Wait } from '../stores/waits.ts';

/** How a device looks in lists: a shape, a word, and a tag that is a text or the countdown of a wait. */
export interface DeviceMark {
  readonly shape: 'none' | 'off' | 'good' | 'busy' | 'wait' | 'fatal';
  readonly word: string;
  readonly tag: { readonly text: string; readonly tone: Tone } | null;
  readonly wait: Wait | null;
}

export const aerSum = ({ aerCounters }: DeviceView): number =>
  aerCounters === null ? 0 : aerCounters.correctable + aerCounters.nonFatal + aerCounters.fatal;

const unarmed = (device: DeviceView): DeviceMark => {
  if (device.kind === 'bridge') {
    const sum = aerSum(device);
    const tag = sum === 0 ? null : { text: `AER ${sum}`, tone: 'warn' as const };
    return { shape: 'none', word: sum === 0 ? '' : `${sum} AER errors counted`, tag, wait: null };
  }
  const [protocol] = device.protocols;
  const text =
    protocol ??
    (device.driver === null
      ? 'no driver'
      : device.aerCounters === null && device.zpci === undefined
        ? 'no AER'
        : device.driver);
  return { shape: 'off', word: `not armed, ${text}`, tag: { text, tone: 'plain' }, wait: null };
};

export const deviceMark = (
  rig: string,
  device: DeviceView,
  armed: ArmedDevice | null,
  link: RigView['link'],
): DeviceMark => {
  if (armed === null) return unarmed(device);
  if (link !== 'up') {
    const why = link === 'lost' ? 'the link to the rig is lost' : 'the rig is gone';
    const word = `phase unknown, ${why}`;
    return { shape: 'off', word, tag: { text: 'unknown', tone: 'warn' }, wait: null };
  }
  const { state, listening } = armed;
  if (state.phase === 'armed') {
    const { protocol } = state.arming;
    return { shape: 'good', word: `armed, ${protocol}`, tag: { text: protocol, tone: 'plain' }, wait: null };
  }
  const tone = phaseTone(state.phase);
  const tag = { text: state.phase, tone };
  const wait = waitOf(rig, device.address, state);
  if (wait !== null) return { shape: 'wait', word: state.phase, tag, wait };
  if (!isConcluded(state)) return { shape: 'busy', word: state.phase, tag, wait: null };
  const shape = tone === 'fatal' ? 'fatal' : listening ? 'good' : 'off';
  return { shape, word: listening ? state.phase : `${state.phase}, not armed any more`, tag, wait: null };
};

/** Without the domain where it is 0: `01:00.0`. */
export const shortAddress = (address: string): string => address.replace(/^0000:/, '');
