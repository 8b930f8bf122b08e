import { describe, expect, it } from 'vitest';
import { paletteMatches, type PaletteItem } from '../../../src-renderer/shell/palette.ts';

const item = (group: PaletteItem['group'], text: string, detail = ''): PaletteItem => ({
  id: `${group} ${text}`,
  group,
  text,
  detail,
  run: () => undefined,
});
const items = [
  item('Run', '2026-11-21T02-31-07Z-5f0a', 'simulated'),
  item('Scenario', 'Fatal error, acknowledged in time', 'notify-fatal-acknowledged'),
  item('Device', '01:00.0 Virtio RNG', 'Lab, armed, notify'),
  item('Device', '05:00.0 Virtio network', 'Lab, not armed'),
  item('Tab', 'Errors', '0000:01:00.0'),
  item('Action', 'Acknowledge…', '0000:01:00.0'),
];
const texts = (query: string, most = 10): string[] =>
  paletteMatches(items, query, most).map(({ text }) => text);

describe('paletteMatches', () => {
  it('puts what begins with a word before what has it elsewhere', () => {
    expect(texts('ack')).toEqual(['Acknowledge…', 'Fatal error, acknowledged in time']);
    expect(texts('err')).toEqual(['Errors', 'Fatal error, acknowledged in time']);
  });

  it('needs every word, in any order, in text, detail or kind', () => {
    expect(texts('network virtio')).toEqual(['05:00.0 Virtio network']);
    expect(texts('device notify')).toEqual(['01:00.0 Virtio RNG']);
    expect(texts('virtio nonsense')).toEqual([]);
  });

  it('offers deeds first when nothing is asked for, and no more than wanted', () => {
    expect(texts('', 2)).toEqual(['Acknowledge…', 'Errors']);
  });
});
