import type { JournalLine } from '../core/journal/line.ts';
import type { Microseconds, Phase } from '../core/recovery/phase.ts';
import { lanes, rowsOf, type TimelineRow } from '../core/timeline/rows.ts';
import { styled, type Streams, type Style } from './output.ts';

const laneWidth = 9;
const diagramWidth = laneWidth * (lanes.length - 1) + 1;

/** ` │────────▶│        │ `, or a dot for what happens in one lane. */
const diagram = (row: TimelineRow): string => {
  const cells: string[] = Array.from({ length: diagramWidth }, (_, column) =>
    column % laneWidth === 0 ? '│' : ' ',
  );
  const from = lanes.indexOf(row.from) * laneWidth;
  const to = lanes.indexOf(row.to) * laneWidth;
  if (from === to) cells[from] = '●';
  else {
    const [left, right] = from < to ? [from, to] : [to, from];
    for (let column = left + 1; column < right; column++) cells[column] = '─';
    cells[from < to ? right - 1 : left + 1] = from < to ? '▶' : '◀';
  }
  return cells.join('');
};

const styleOf: Readonly<Record<TimelineRow['tone'], Style | null>> = {
  plain: null,
  quiet: 'dim',
  error: 'red',
  good: 'green',
  waiting: 'magenta',
};

const seconds = (at: Microseconds): string => (at / 1_000_000).toFixed(6).padStart(12);

/**
 * The readable timeline: time, device, three lanes, what happened, the phase that it began, and why. Written as the
 * lines come.
 */
export class TimelineWriter {
  readonly #streams: Streams;
  readonly #phases = new Map<string, Phase>();
  #begun = false;

  constructor(streams: Streams) {
    this.#streams = streams;
  }

  add(line: JournalLine): void {
    const previous =
      'device' in line && line.device !== null ? (this.#phases.get(line.device) ?? null) : null;
    if (line.type === 'step') this.#phases.set(line.device, line.phase);
    if (line.type === 'armed') this.#phases.set(line.device, 'armed');
    const rows = rowsOf(line, previous);
    if (rows.length > 0 && !this.#begun) this.#head();
    for (const row of rows) this.#row(row);
  }

  #head(): void {
    this.#begun = true;
    const names = lanes
      .map((lane) => lane.padEnd(laneWidth))
      .join('')
      .trimEnd();
    this.#streams.out(`${' '.repeat(11)}s  ${'device'.padEnd(12)}  ${names}\n`);
  }

  #row(row: TimelineRow): void {
    const device = (row.device ?? '').padEnd(12);
    const style = styleOf[row.tone];
    const text = style === null ? row.text : styled(this.#streams, style, row.text);
    const phase = row.phase === null ? '' : `  ${styled(this.#streams, 'bold', `[${row.phase}]`)}`;
    this.#streams.out(`${seconds(row.at)}  ${device}  ${diagram(row)}  ${text}${phase}\n`);
    if (row.why === '') return;
    const blank = Array.from({ length: diagramWidth }, (_, at) => (at % laneWidth === 0 ? '│' : ' ')).join(
      '',
    );
    this.#streams.out(`${' '.repeat(28)}${blank}    ${styled(this.#streams, 'dim', row.why)}\n`);
  }
}
