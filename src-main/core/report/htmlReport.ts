import type { JournalLine, LineOf } from '../journal/line.ts';
import { armedState, isConcluded, type RecoveryState } from '../recovery/state.ts';
import type { Microseconds, Phase, Protocol } from '../recovery/phase.ts';
import { sentenceOf } from '../recovery/reasons.ts';
import { step } from '../recovery/step.ts';
import { layOutSequence, relativeSeconds } from '../timeline/sequence.ts';
import { placeByTime } from '../timeline/placing.ts';
import { rowsOf, type TimelineRow } from '../timeline/rows.ts';
import { tellsOfRestore } from '../restore/historyLines.ts';
import type { Unpack } from '../restore/runHistory.ts';
import { escaped } from './markup.ts';
import { reportStyle } from './reportStyle.ts';
import { restoreTable } from './restoreTable.ts';
import { sequenceSvg } from './sequenceSvg.ts';

/** A run with more rows than this gets its diagrams and a note instead of the whole list. */
const longestList = 20_000;
/** Rows of one recovery's diagram; a recovery has a few dozen. */
const longestDiagram = 400;
/** A page with more diagrams than this is read by nobody and opened by no browser. */
const mostStories = 200;
/** What audits are made of is kept until the report is asked for; a recovery has some fifty lines of it. */
const mostAuditLines = 50_000;

interface RecoveryStory {
  readonly device: string;
  readonly number: number;
  readonly protocol: Protocol;
  readonly openedAt: Microseconds;
  readonly rows: TimelineRow[];
  /** Number of the line that it begins with. */
  readonly seq: number;
  /** What the audits of this device are made of. */
  readonly lines: readonly JournalLine[];
  state: RecoveryState;
}

interface DeviceFold {
  state: RecoveryState;
  phase: Phase | null;
  story: RecoveryStory | null;
}

/** Reads the lines of a run one by one; `html()` gives the report of what came so far. */
export class HtmlReport {
  readonly #devices = new Map<string, DeviceFold>();
  /** Of each device what its audits are made of. */
  readonly #restoreLines = new Map<string, JournalLine[]>();
  #auditLines = 0;
  /** Whether the kernel is traced, and what of its trace was lost. */
  readonly #traceLines: JournalLine[] = [];
  readonly #stories: RecoveryStory[] = [];
  readonly #rows: TimelineRow[] = [];
  readonly #notes: string[] = [];
  #undrawn = 0;
  #header: LineOf<'run'> | null = null;
  #end: LineOf<'end'> | null = null;
  #lines = 0;
  #omitted = 0;
  #lastAt: Microseconds = 0;
  readonly #unpack: Unpack;

  /** `unpack` inflates the readings of config space. */
  constructor(unpack: Unpack) {
    this.#unpack = unpack;
  }

  add(line: JournalLine): void {
    this.#lines += 1;
    this.#lastAt = line.at;
    if (line.type === 'run') this.#header = line;
    if (line.type === 'end') this.#end = line;
    const device = 'device' in line ? line.device : null;
    const fold = device === null ? null : (this.#devices.get(device) ?? null);
    if (device !== null) this.#keepForAudit(device, line);
    else if (line.type === 'kernelTrace' && line.told.kind !== 'call') this.#traceLines.push(line);
    const rows = rowsOf(line, fold?.phase ?? null);
    if (this.#rows.length + rows.length <= longestList) this.#rows.push(...rows);
    else this.#omitted += rows.length;
    if (line.type === 'armed') {
      this.#devices.set(line.device, {
        state: armedState(line.arming),
        phase: 'armed',
        story: null,
      });
    } else if (line.type === 'step' && fold !== null) {
      this.#step(line, fold, rows);
    } else if (fold?.story !== undefined && fold?.story !== null && fold.story.rows.length < longestDiagram) {
      if (line.type === 'kernelTrace') for (const row of rows) placeByTime(fold.story.rows, row);
      else fold.story.rows.push(...rows);
    }
  }

  #keepForAudit(device: string, line: JournalLine): void {
    // Once no more recoveries are drawn no more are audited.
    if (!tellsOfRestore(line) || this.#undrawn > 0) return;
    this.#auditLines += 1;
    if (this.#auditLines > mostAuditLines) return;
    const known = this.#restoreLines.get(device);
    if (known === undefined) this.#restoreLines.set(device, [line]);
    else known.push(line);
  }

  /** A sentence about the run as a whole, such as what is damaged in its journal. */
  note(sentence: string): void {
    this.#notes.push(sentence);
  }

  #step(line: LineOf<'step'>, fold: DeviceFold, rows: readonly TimelineRow[]): void {
    const { state } = step(fold.state, line.event);
    fold.state = state;
    fold.phase = line.phase;
    const opened =
      'recovery' in state && state.recovery.number !== fold.story?.number ? state.recovery : null;
    if (opened !== null) {
      fold.story = {
        device: line.device,
        number: opened.number,
        protocol: state.arming.protocol,
        openedAt: opened.openedAt,
        rows: [],
        seq: line.seq,
        lines: this.#restoreLines.get(line.device) ?? [],
        state,
      };
      if (this.#stories.length < mostStories) this.#stories.push(fold.story);
      else this.#undrawn += 1;
    }
    if (fold.story === null) return;
    fold.story.state = state;
    if (fold.story.rows.length < longestDiagram) fold.story.rows.push(...rows);
    // What happens to the device afterwards belongs to no recovery.
    if (isConcluded(state)) fold.story = { ...fold.story, rows: [] };
  }

  html(): string {
    const title = this.#header === null ? 'A run of Recovery Bench' : `Run ${this.#header.run}`;
    const body = [
      this.#facts(title),
      this.#remarks(),
      ...this.#stories.map((story) => this.#story(story)),
      this.#list(),
    ].join('\n');
    return `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><title>${escaped(title)}</title><style>${reportStyle}</style></head><body>\n${body}\n</body></html>\n`;
  }

  #facts(title: string): string {
    const run = this.#header;
    const facts: [string, string][] = [
      ['Rig', run === null ? 'unknown: the first line is missing' : `${run.rig.title} (${run.rig.name})`],
      ['Kernel', run === null ? '?' : `${run.rig.kernel}, ${run.rig.architecture}`],
      ['Begun', run?.wall ?? '?'],
      ['Scenario', run?.scenario ?? 'none'],
      ['Ended', this.#end === null ? 'not in good order: there is no end line' : this.#end.outcome],
      ['Length', `${this.#lines} lines, ${(this.#lastAt / 1_000_000).toFixed(3)} s`],
      ['Bench', run?.bench ?? '?'],
    ];
    const rows = facts.map(([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`).join('');
    return `<h1>${escaped(title)}</h1><dl>${rows}</dl>`;
  }

  #remarks(): string {
    const undrawn =
      this.#undrawn === 0
        ? []
        : [`${this.#undrawn} more recoveries are in the journal and are not drawn here.`];
    const unaudited =
      this.#auditLines <= mostAuditLines
        ? []
        : [
            'The run is too long for an audit of every state restore; "rbench restore audit" makes the others.',
          ];
    const sentences = [...this.#notes, ...undrawn, ...unaudited];
    return sentences.length === 0
      ? ''
      : `<section><h2>Remarks</h2><ul>${sentences.map((sentence) => `<li>${escaped(sentence)}</li>`).join('')}</ul></section>`;
  }

  #story(story: RecoveryStory): string {
    const { state } = story;
    const heading = `${story.device}, recovery ${story.number}`;
    const concluded = isConcluded(state);
    const outcome = concluded ? state.phase : `open (${state.phase})`;
    const why = concluded ? sentenceOf(state.reason) : 'The run ends before the recovery does.';
    const took = concluded
      ? `, ${((state.concludedAt - story.openedAt) / 1_000).toFixed(1)} ms after the signal`
      : '';
    const layout = layOutSequence(story.rows, story.openedAt, null, null, story.protocol);
    return `<section><h2>${escaped(heading)}</h2><p><b class="outcome ${concluded && state.phase === 'recovered' ? 'good' : 'error'}">${escaped(outcome)}</b>${took}. ${escaped(why)}</p>${sequenceSvg(layout, `Sequence of ${heading}`)}${this.#restore(story)}</section>`;
  }

  #restore({ lines, seq }: RecoveryStory): string {
    if (this.#header === null) return '';
    const { kernel, architecture } = this.#header.rig;
    return restoreTable({ lines: [...lines, ...this.#traceLines], kernel, architecture }, seq, this.#unpack);
  }

  #list(): string {
    const origin = this.#stories[0]?.openedAt ?? 0;
    const rows = this.#rows
      .map(
        (row) =>
          `<tr class="${row.tone}"><td>${relativeSeconds(row.at, origin)}</td><td>${escaped(row.device ?? '')}</td><td>${row.from === row.to ? row.from : `${row.from} → ${row.to}`}</td><td>${escaped(row.text)}</td><td>${escaped(row.phase ?? '')}</td></tr>`,
      )
      .join('');
    const note = this.#omitted === 0 ? '' : `<p>${this.#omitted} more rows are in the journal.</p>`;
    return `<section><h2>Timeline</h2><table><thead><tr><th>s</th><th>device</th><th>lanes</th><th>what happened</th><th>phase</th></tr></thead><tbody>${rows}</tbody></table>${note}</section>`;
  }
}
