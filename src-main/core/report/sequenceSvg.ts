import type { SequenceLayout, SequenceMark } from '../timeline/sequence.ts';
import { reportFrame } from '../timeline/sequenceFrame.ts';
import { escaped } from './markup.ts';

const markSvg = (mark: SequenceMark): string => {
  const kind = mark.kind === 'expected' ? ' expected' : '';
  const time =
    mark.time === ''
      ? ''
      : `<text class="time" x="66" y="${mark.y + 4}" text-anchor="end">${escaped(mark.time)}</text>`;
  const phase =
    mark.phase === null
      ? ''
      : `<text class="phase" x="${reportFrame.phaseX}" y="${mark.y + 4}">${escaped(mark.phase)}</text>`;
  const dot = mark.fromX === mark.toX;
  const line = dot
    ? `<circle class="dot" cx="${mark.fromX}" cy="${mark.y}" r="4"/>`
    : `<path class="arrow" d="M${mark.fromX} ${mark.y}H${mark.toX}" marker-end="url(#head)"/>`;
  const title = mark.why === '' ? '' : `<title>${escaped(mark.why)}</title>`;
  const textY = dot ? mark.y + 4 : mark.y - 7;
  return `<g class="mark ${mark.tone}${kind}">${title}${time}${line}<text x="${mark.textX}" y="${textY}" text-anchor="${mark.anchor}">${escaped(mark.lines.join(' '))}</text>${phase}</g>`;
};

/** The diagram as SVG text. Its look comes from the style sheet around it. */
export const sequenceSvg = (layout: SequenceLayout, label: string): string => {
  const { width, height } = layout;
  const lanes = layout.lanes
    .map(
      ({ title, x }) =>
        `<rect class="lane" x="${x - 56}" y="6" width="112" height="26" rx="3"/><text class="lane-title" x="${x}" y="24" text-anchor="middle">${escaped(title)}</text><path class="lane-line" d="M${x} 32V${height}"/>`,
    )
    .join('');
  const waits = layout.waits
    .map(
      ({ x, top, bottom }) =>
        `<rect class="wait" x="${x - 7}" y="${top}" width="14" height="${Math.max(0, bottom - top)}"/>`,
    )
    .join('');
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(label)}"><defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" fill="context-stroke"/></marker></defs>${lanes}${waits}${layout.marks.map(markSvg).join('')}</svg>`;
};
