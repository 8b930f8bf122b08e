import type { Page } from 'playwright-core';
import type { JournalLine } from '../../src-main/core/journal/line.ts';
import type { RecoveryState } from '../../src-main/core/recovery/state.ts';
import { longestTaskDuring } from './consolePageTrace.ts';

/** What the main thread of a page was kept from, in milliseconds. */
export interface Smoothness {
  readonly frames: number;
  /** The longest task, in processor time. */
  readonly longestTask: number;
  /** How much later than it was due the latest frame came, whatever else the machine did. */
  readonly latestFrame: number;
}

export interface PageFold {
  readonly run: string;
  readonly lastSeq: number;
  readonly states: Readonly<Record<string, RecoveryState>>;
  /** The newest lines that the page keeps. */
  readonly lines: readonly JournalLine[];
}

/** In the page before its own scripts. The times are those of `performance.now()`, and of the wall clock for phases. */
const script = `(() => {
  const frame = 1000 / 60;
  const probe = { connectedAt: null, listedAt: null, frames: 0, latestFrame: 0, phases: [] };
  globalThis.consolePageProbe = probe;
  const Original = WebSocket;
  globalThis.WebSocket = class extends Original {
    constructor(...all) {
      super(...all);
      this.addEventListener('open', () => (probe.connectedAt ??= performance.now()));
    }
  };
  let last = performance.now();
  let phase = '';
  const look = () => {
    const now = performance.now();
    probe.frames += 1;
    probe.latestFrame = Math.max(probe.latestFrame, now - last - frame);
    last = now;
    // What is in the document now was put there for the frame before this one, at the latest.
    if (probe.listedAt === null && document.querySelector('[role=tree] [role=treeitem]')) probe.listedAt = now;
    const text = document.querySelector('[role=status][aria-label=Phase]')?.textContent ?? '';
    if (text !== phase) probe.phases.push({ text: (phase = text), at: performance.timeOrigin + now });
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})()`;

export const installProbe = (page: Page): Promise<unknown> => page.addInitScript(script);

/** Reads an expression about `probe` in the page. */
const read = async <Value>(page: Page, expression: string): Promise<Value> =>
  (await page.evaluate(`((probe) => (${expression}))(consolePageProbe)`)) as Value;

/** Looked at once a frame, in the page: its policy forbids what Playwright's own waiting does. */
const until = async (page: Page, condition: string): Promise<void> => {
  await page.evaluate(`new Promise((resolve) => {
    const look = () => (${condition} ? resolve() : requestAnimationFrame(look));
    look();
  })`);
};

/** From the connection to the first list of devices in a frame. In Electron it is there once the page's script runs. */
export const firstList = async (page: Page): Promise<number> => {
  await page.reload();
  await until(page, 'consolePageProbe.listedAt !== null');
  return read(
    page,
    `probe.listedAt - (probe.connectedAt ?? performance.getEntriesByType('navigation')[0].domInteractive)`,
  );
};

/** How smooth the page is while `work` is done. */
export const watchFrames = async (page: Page, work: () => Promise<void>): Promise<Smoothness> => {
  await read(page, '(probe.frames = 0, probe.latestFrame = 0)');
  const longestTask = await longestTaskDuring(page, work);
  const { frames, latestFrame } = await read<Omit<Smoothness, 'longestTask'>>(
    page,
    '({ frames: probe.frames, latestFrame: probe.latestFrame })',
  );
  return { frames, longestTask, latestFrame };
};

/** Each phase that the header of the device showed, with when its frame was drawn, in milliseconds since 1970. */
export const phasesShown = (page: Page): Promise<readonly { readonly text: string; readonly at: number }[]> =>
  read(page, 'probe.phases');

/** Bytes of the renderer's heap that are still reachable. */
export const heapUsed = async (page: Page): Promise<number> => {
  const session = await page.context().newCDPSession(page);
  // What only the first collection lets go is collected by the second.
  await session.send('HeapProfiler.collectGarbage');
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  await session.detach();
  return usedSize;
};

/** Of the page itself: nothing of it is made for this. */
const storeOfPage = `document.querySelector('#app').__vue_app__.config.globalProperties.$pinia._s.get('bench')`;

/** When the page has taken this line. */
export const reached = async (page: Page, rig: string, seq: number): Promise<void> => {
  await until(page, `${storeOfPage}.log(${JSON.stringify(rig)}).lastSeq >= ${seq}`);
};

/** The page's own fold of a rig, out of its store. */
export const foldOfPage = async (page: Page, rig: string): Promise<PageFold> => {
  const text = await page.evaluate(`((bench, id) => {
    const { armed, run } = bench.rig(id);
    const { lastSeq, lines } = bench.log(id);
    const states = Object.fromEntries([...armed.values()].map(({ device, state }) => [device, state]));
    return JSON.stringify({ run, lastSeq, states, lines });
  })(${storeOfPage}, ${JSON.stringify(rig)})`);
  return JSON.parse(String(text)) as PageFold;
};
