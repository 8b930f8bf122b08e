import { auditBench } from './audit.ts';
import { configSpaceBench } from './configSpace.ts';
import { consolePageBench } from './consolePage.ts';
import { firstWindowBench } from './firstWindow.ts';
import { journalBench } from './journal.ts';
import { mainLoopBench } from './mainLoop.ts';
import { openRunBench } from './openRun.ts';
import { recoveriesBench } from './recoveries.ts';
import { rigReadyBench } from './rigReady.ts';
import type { BenchRow } from './row.ts';
import { snapshotCostBench } from './snapshotCost.ts';
import { waiterBench } from './waiter.ts';

/**
 * `npm run bench`, or `npm run bench -- --only configSpace`: measures, prints a table with the targets, and exits 1 when
 * one is missed. Speed is never a timed test: those would fail on a busy machine and say nothing on an idle one.
 */
const benches: Readonly<Record<string, () => Promise<BenchRow[]>>> = {
  audit: auditBench,
  configSpace: configSpaceBench,
  consolePage: consolePageBench,
  firstWindow: firstWindowBench,
  journal: journalBench,
  mainLoop: mainLoopBench,
  openRun: openRunBench,
  recoveries: recoveriesBench,
  rigReady: rigReadyBench,
  snapshotCost: snapshotCostBench,
  waiter: waiterBench,
};

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const chosen = (words: readonly string[]): readonly string[] | null => {
  if (words.length === 0) return Object.keys(benches);
  const [option, name, ...rest] = words;
  return option === '--only' && name !== undefined && rest.length === 0 && Object.hasOwn(benches, name)
    ? [name]
    : null;
};

const print = (rows: readonly BenchRow[]): void => {
  const cells = rows.map(({ name, value, unit, target, ok }) => [
    name,
    `${value.toLocaleString('en')} ${unit}`,
    target,
    ok ? 'ok' : 'MISSED',
  ]);
  const all = [['what', 'measured', 'target', 'verdict'], ...cells];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  for (const row of all) say(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
};

const names = chosen(process.argv.slice(2));
if (names === null) {
  process.stderr.write(`Usage: npm run bench [-- --only ${Object.keys(benches).join('|')}]\n`);
  process.exitCode = 2;
} else {
  const rows: BenchRow[] = [];
  for (const name of names) {
    process.stderr.write(`${name} …\n`);
    rows.push(...((await benches[name]?.()) ?? []));
  }
  print(rows);
  process.exitCode = rows.every(({ ok }) => ok) ? 0 : 1;
}
