import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { chromiumPath } from '../e2e/launchBrowser.ts';
import { buildApp, makeStage } from '../e2e/stage.ts';
import { missingTools } from '../e2e/tools.ts';
import { hostInChromium, hostInElectron, type Host } from './consolePageDoors.ts';
import { firstList, watchFrames, type Smoothness } from './consolePageProbe.ts';
import { stormRows } from './consolePageStorm.ts';
import { recordLongRun } from './openRun.ts';
import type { BenchRow } from './row.ts';

/** Endpoints, each below a port of its own: the list has twice as many rows. */
const functions = 10_000;
/** Each measure is taken so often, and the median counts: other processes of the machine are in every one. */
const tries = 5;

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

const say = (text: string): void => void process.stderr.write(`${text}\n`);

const median = (values: readonly number[]): number =>
  [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;

const under = (name: string, value: number, unit: string, limit: number): BenchRow => ({
  name,
  value: Math.round(value * 10) / 10,
  unit,
  target: `under ${limit.toLocaleString('en')}`,
  ok: value < limit,
});

const repeat = async <Value>(work: () => Promise<Value>): Promise<readonly Value[]> => {
  const values: Value[] = [];
  for (let count = 0; count < tries; count += 1) values.push(await work());
  return values;
};

const smoothRows = (name: string, measured: readonly Smoothness[]): readonly BenchRow[] => {
  for (const { frames } of measured)
    if (frames < 10) throw new Error(`${name}: the page drew ${frames} frames.`);
  return [
    under(
      `${name}: longest task, processor time`,
      median(measured.map(({ longestTask }) => longestTask)),
      'ms',
      50,
    ),
    under(`${name}: frame late by at most`, median(measured.map(({ latestFrame }) => latestFrame)), 'ms', 50),
  ];
};

/** Up and down the tree with the wheel, and in leaps of the scroll bar. */
const scrollTree = async (page: Page): Promise<void> => {
  const tree = page.getByRole('tree', { name: 'Devices' });
  const box = await page.getByRole('navigation', { name: 'Devices' }).or(tree).first().boundingBox();
  if (box === null) throw new Error('There is no tree of devices.');
  await page.mouse.move(box.x + 60, Math.max(box.y, 0) + 200);
  for (let notch = 0; notch < 60; notch += 1) {
    await page.mouse.wheel(0, notch < 30 ? 900 : -500);
    await pause(16);
  }
  await tree.evaluate(`async (tree) => {
    const { parentElement: box } = tree;
    for (let leap = 0; leap < 60; leap += 1) {
      box.scrollTop = (box.scrollHeight * ((leap * 37) % 60)) / 60;
      await new Promise(requestAnimationFrame);
    }
    box.scrollTop = 0;
  }`);
};

const typeFilter = async (page: Page): Promise<void> => {
  const filter = page.getByRole('searchbox', { name: 'Filter devices' });
  await filter.pressSequentially('rng 0007:', { delay: 60 });
  await page.getByRole('tree', { name: 'Devices' }).getByText('0007:').first().waitFor();
  for (let count = 0; count < 9; count += 1) {
    await filter.press('Backspace');
    await pause(60);
  }
};

const listRows = async (door: string, host: Host): Promise<readonly BenchRow[]> => {
  const { page, close } = await host(functions);
  try {
    const lists = await repeat(() => firstList(page));
    const name = `${door}, ${functions.toLocaleString('en')} functions`;
    return [
      under(`${name}: first list after connect`, median(lists), 'ms', 500),
      ...smoothRows(`${name}: scrolling`, await repeat(() => watchFrames(page, () => scrollTree(page)))),
      ...smoothRows(`${name}: filtering`, await repeat(() => watchFrames(page, () => typeFilter(page)))),
    ];
  } finally {
    await close();
  }
};

/** Drags the scrubber from one end of the run to the other. */
const scrub = async (page: Page): Promise<void> => {
  const box = await page.getByRole('slider', { name: 'Moment' }).boundingBox();
  if (box === null) throw new Error('There is no scrubber.');
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + 8, y);
  await page.mouse.down();
  for (let step = 0; step < 150; step += 1) {
    await page.mouse.move(box.x + 8 + ((box.width - 16) * step) / 150, y);
    await pause(10);
  }
  await page.mouse.up();
};

const runRows = async (door: string, host: Host): Promise<readonly BenchRow[]> => {
  let run = '';
  const { page, close } = await host(1, (runs) => (run = recordLongRun(runs)));
  try {
    // The start page goes on to a device by itself.
    await page.getByRole('tabpanel').waitFor();
    const started = performance.now();
    await page.evaluate(`location.hash = '#/runs/${encodeURIComponent(run)}'`);
    const slider = page.getByRole('slider', { name: 'Moment' });
    await slider.waitFor();
    const shown = performance.now() - started;
    // Read to its end: the scrubber then spans all of it.
    await page
      .getByText(/1,000,\d{3} lines|1000\d{3} lines/)
      .first()
      .waitFor({ timeout: 60_000 });
    const name = `${door}, run of 1,000,000 lines`;
    return [
      under(`${name}: opened`, shown, 'ms', 3_000),
      ...smoothRows(`${name}: scrubbing`, await repeat(() => watchFrames(page, () => scrub(page)))),
    ];
  } finally {
    await close();
  }
};

const doorRows = async (door: string, host: Host): Promise<readonly BenchRow[]> => {
  const rows: BenchRow[] = [];
  for (const measure of [listRows, stormRows, runRows]) {
    say(`  ${door}: ${measure.name.replace('Rows', '')} …`);
    rows.push(...(await measure(door, host)));
  }
  return rows;
};

/** The built page before both doors. What a machine lacks is said, and its door left out. */
export const consolePageBench = async (): Promise<BenchRow[]> => {
  const rows: BenchRow[] = [];
  if (chromiumPath() === null) say('  Chromium is left out: it is not installed (package chromium).');
  else {
    const app = await buildApp();
    try {
      rows.push(...(await doorRows('Chromium', hostInChromium(join(app, 'out', 'renderer')))));
    } finally {
      rmSync(app, { recursive: true, force: true });
    }
  }
  const missing = missingTools().filter((tool) => !tool.startsWith('Chromium'));
  if (missing.length > 0) {
    say(`  Electron is left out: there is no ${missing.join(', no ')}.`);
    return rows;
  }
  const { stage, strike } = await makeStage();
  try {
    rows.push(...(await doorRows('Electron', await hostInElectron(stage))));
  } finally {
    strike();
  }
  return rows;
};
