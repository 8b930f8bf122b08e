import { describe, expect, it } from 'vitest';
import type { TimelineRow } from '../../../src-main/core/timeline/rows.ts';
import { layOutSequence } from '../../../src-main/core/timeline/sequence.ts';
import { frameOfWidth, laneLabelWidth, reportFrame } from '../../../src-main/core/timeline/sequenceFrame.ts';

const row = (text: string, from: TimelineRow['from'], to: TimelineRow['to']): TimelineRow => ({
  at: 1_000_000,
  device: '0000:01:00.0',
  from,
  to,
  text,
  why: '',
  tone: 'plain',
  phase: null,
});

const long = 'acknowledge approved by ada: the lab demo needs the device back before the afternoon';
const rows = [
  row('signal, count 1', 'kernel', 'bench'),
  row(long, 'bench', 'kernel'),
  row(long, 'bench', 'bench'),
];

describe('a frame of the screen', () => {
  it.each([400, 452, 612, 900, 2_000])('keeps lanes and texts inside %i units', (width) => {
    const frame = frameOfWidth(width);
    const layout = layOutSequence(rows, 1_000_000, null, null, 'notify', frame);
    expect(layout.width).toBeLessThanOrEqual(Math.max(380, width));
    const { kernel, bench, device } = frame.laneX;
    expect(kernel).toBeLessThan(bench);
    expect(bench).toBeLessThan(device);
    expect(device + laneLabelWidth / 2).toBeLessThanOrEqual(layout.width);
    for (const mark of layout.marks) {
      for (const line of mark.lines) {
        const half = (line.length * frame.characterWidth) / 2;
        const right = mark.anchor === 'middle' ? mark.textX + half : mark.textX + 2 * half;
        expect(right).toBeLessThanOrEqual(layout.width);
      }
    }
  });

  it('breaks a text that is longer than its arrow, and gives its row the room', () => {
    const { marks } = layOutSequence(rows, 1_000_000, null, null, 'notify', frameOfWidth(452));
    const [short, broken] = marks;
    expect(short?.lines).toEqual(['signal, count 1']);
    expect(broken?.lines).toHaveLength(3);
    expect((broken?.bottom ?? 0) - (broken?.top ?? 0)).toBeGreaterThan(
      (short?.bottom ?? 0) - (short?.top ?? 0),
    );
    expect(broken?.text).toBe(long);
  });

  it('leaves the phases out where there is no room for them', () => {
    expect(frameOfWidth(452).phaseX).toBeNull();
    expect(frameOfWidth(900).phaseX).not.toBeNull();
  });

  it('keeps one line a row in the report', () => {
    const { marks } = layOutSequence(rows, 1_000_000, null, null, 'notify', reportFrame);
    expect(marks.every(({ lines }) => lines.length === 1)).toBe(true);
  });
});
