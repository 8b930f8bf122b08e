import type { Microseconds } from '../recovery/phase.ts';

/** One line of trace_pipe (Documentation/trace/ftrace.rst). */
export type TraceLine =
  /** A probe of kprobe_events was hit. */
  | {
      readonly kind: 'probe';
      readonly at: Microseconds;
      /** Command and pid: `irq/24-aerdrv-57`. */
      readonly task: string;
      readonly event: string;
      readonly values: ReadonlyMap<string, string>;
    }
  /** The function tracer saw a call. */
  | {
      readonly kind: 'function';
      readonly at: Microseconds;
      readonly task: string;
      readonly symbol: string;
    }
  | { readonly kind: 'lost'; readonly count: number };

/** A command may have spaces, hyphens and brackets in it; after the pid everything has its form. */
const common = /^\s*(.+-\d+)\s+\[\d+\]\s+(?:\S+\s+)?(\d+)\.(\d{6}): (.*)$/;
const probe = /^(\w+): \([^)]*\)(.*)$/;
const called = /^(\S+)(?: \[\w+\])? +<-/;
const lost = /^CPU:\d+ \[LOST (\d+) EVENTS\]/;
const value = /(\w+)=(?:"([^"]*)"|(\S+))/g;

/** Null for a line of another form: a heading, an annotation. Times are whole microseconds of the trace's clock. */
export const parseTraceLine = (line: string): TraceLine | null => {
  const missing = lost.exec(line);
  if (missing !== null) return { kind: 'lost', count: Number(missing[1]) };
  const [, task = '', seconds = '', fraction = '', rest = ''] = common.exec(line) ?? [];
  if (task === '') return null;
  const at = Number(seconds) * 1_000_000 + Number(fraction);
  const hit = probe.exec(rest);
  if (hit !== null) {
    const [, event = '', fields = ''] = hit;
    const values = new Map(
      [...fields.matchAll(value)].map(([, name = '', quoted, bare]) => [name, quoted ?? bare ?? '']),
    );
    return { kind: 'probe', at, task, event, values };
  }
  const symbol = called.exec(rest)?.[1];
  return symbol === undefined ? null : { kind: 'function', at, task, symbol };
};

/** Whole lines out of pieces of any length. */
export const lineSplitter = (): ((piece: string) => readonly string[]) => {
  let rest = '';
  return (piece) => {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    return lines;
  };
};
