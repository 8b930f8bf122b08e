import { describe, expect, it } from 'vitest';
import { armedState, type RecoveryState } from '../../../src-main/core/recovery/state.ts';
import { step } from '../../../src-main/core/recovery/step.ts';
import { deviceMark, shortAddress } from '../../../src-renderer/shell/deviceMark.ts';
import { deviceView, notifyArming } from '../fakeBridge.ts';

const device = deviceView('0000:01:00.0');
const marked = (state: RecoveryState, listening = true) =>
  deviceMark('one', device, { device: device.address, state, listening, found: null }, 'up');
const signalled = step(armedState(notifyArming), { kind: 'signal', at: 1, count: 1 }).state;

describe('deviceMark', () => {
  it.each([
    [deviceView('0000:01:00.0'), 'off', 'notify'],
    [deviceView('0000:01:00.0', { protocols: [], driver: null }), 'off', 'no driver'],
    [deviceView('0000:01:00.0', { protocols: [], driver: 'nvme', aerCounters: null }), 'off', 'no AER'],
    [deviceView('0000:01:00.0', { protocols: [], driver: 'nvme' }), 'off', 'nvme'],
    [
      deviceView('0000:00:04.0', {
        kind: 'bridge',
        aerCounters: { correctable: 1, nonFatal: 0, fatal: 2 },
      }),
      'none',
      'AER 3',
    ],
  ])('says what could be done with %o', (view, shape, tag) => {
    expect(deviceMark('one', view, null, 'up')).toMatchObject({ shape, tag: { text: tag }, wait: null });
  });

  it('has a shape and a word for each state, not only a colour', () => {
    expect(marked(armedState(notifyArming))).toMatchObject({ shape: 'good', word: 'armed, notify' });
    expect(marked(signalled)).toMatchObject({ shape: 'wait', word: 'errorDetected', wait: { openedAt: 1 } });
    const lost = step(signalled, { kind: 'deviceRemoved', at: 2 }).state;
    expect(marked(lost, false)).toMatchObject({
      shape: 'fatal',
      word: 'deviceLost, not armed any more',
      wait: null,
    });
  });
});

describe('deviceMark without a link to the rig', () => {
  it('knows no phase, and counts nothing down', () => {
    for (const state of [armedState(notifyArming), signalled]) {
      const armed = { device: device.address, state, listening: true, found: null };
      expect(deviceMark('one', device, armed, 'lost')).toMatchObject({
        word: 'phase unknown, the link to the rig is lost',
        tag: { text: 'unknown' },
        wait: null,
      });
    }
  });

  it('still says what could be done with a device that is not armed', () => {
    expect(deviceMark('one', device, null, 'lost')).toEqual(deviceMark('one', device, null, 'up'));
  });
});

describe('shortAddress', () => {
  it('leaves out the domain only where it is 0', () => {
    expect(shortAddress('0000:01:00.0')).toBe('01:00.0');
    expect(shortAddress('1234:00:00.0')).toBe('1234:00:00.0');
    expect(shortAddress('10000:01:00.0')).toBe('10000:01:00.0');
  });
});
