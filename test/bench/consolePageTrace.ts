import type { Page } from 'playwright-core';

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  /** Processor time of the thread, in microseconds. */
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/**
 * The longest task of a page's main thread while `work` is done, in milliseconds of processor time: what other processes
 * take on a busy machine is not counted, as it is by the browser's own long tasks.
 */
export const longestTaskDuring = async (page: Page, work: () => Promise<unknown>): Promise<number> => {
  const session = await page.context().newCDPSession(page);
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) => {
    for (const event of value as unknown as TraceEvent[]) {
      if (event.name.endsWith('RunTask') || event.ph === 'M') events.push(event);
    }
  });
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['toplevel', 'disabled-by-default-devtools.timeline'] },
  });
  await work();
  const complete = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve));
  await session.send('Tracing.end');
  await complete;
  await session.detach();
  return longestOf(events);
};

const threadOf = ({ pid, tid }: TraceEvent): string => `${pid} ${tid}`;

/** Of the renderer's main thread that did the most: an empty page may have one too. */
const longestOf = (events: readonly TraceEvent[]): number => {
  const mains = new Set(events.filter(({ args }) => args?.name === 'CrRendererMain').map(threadOf));
  const tasks = new Map<string, { sum: number; longest: number }>();
  for (const event of events) {
    const { tdur } = event;
    if (tdur === undefined || !mains.has(threadOf(event))) continue;
    const { sum, longest } = tasks.get(threadOf(event)) ?? { sum: 0, longest: 0 };
    tasks.set(threadOf(event), { sum: sum + tdur, longest: Math.max(longest, tdur) });
  }
  const [busiest] = [...tasks.values()].sort((one, other) => other.sum - one.sum);
  if (busiest === undefined) throw new Error('The trace has no task of the page.');
  return busiest.longest / 1_000;
};
