import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Result } from '../../src-main/core/result.ts';
import { koffiProvider, koffiSyscalls } from '../../src-main/kernel/koffiSyscalls.ts';
import { openWaiter } from '../../src-main/kernel/waiter/waiter.ts';
import type { BenchRow } from './row.ts';

const rounds = 8000;
const blockedRounds = 6000;
/** Of each measurement the least disturbed run counts: others use the machine too. */
const runs = 3;
const manyEventfds = 256;
const blockedFor = 2000;

interface Latencies {
  /** Microseconds. */
  readonly p50: number;
  readonly p99: number;
}

const calls = koffiSyscalls();

const valueOf = <Value>(result: Result<Value>): Value => {
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
};

/** Not close-on-exec: the signalling program inherits them. */
const newEventfd = (): number => {
  const opened = calls.eventfd(0, 0o4000);
  if (!opened.ok) throw new Error(`eventfd: errno ${opened.errno}`);
  return opened.value;
};

const latenciesIn = (text: string): Latencies => {
  const sorted = Float64Array.from(text.trim().split('\n'), Number).sort();
  const at = (share: number): number => (sorted[Math.floor(sorted.length * share)] ?? Number.NaN) / 1000;
  return { p50: at(0.5), p99: at(0.99) };
};

const least = (measured: readonly Latencies[]): Latencies => ({
  p50: Math.min(...measured.map(({ p50 }) => p50)),
  p99: Math.min(...measured.map(({ p99 }) => p99)),
});

/** Measures whoever waits at the other end; `meanwhile` runs while the rounds do. */
const measure = async (
  twin: string,
  words: readonly string[],
  [signal, acknowledged]: readonly [number, number],
  meanwhile: () => void = () => undefined,
): Promise<Latencies> => {
  const child = spawn(twin, ['signal', ...words], {
    stdio: ['pipe', 'pipe', 'inherit', signal, acknowledged],
  });
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('no pipes');
  let text = '';
  stdout.setEncoding('utf8');
  await new Promise<void>((resolve) => {
    stdout.on('data', (chunk: string) => {
      text += chunk;
      if (text.startsWith('ready')) resolve();
    });
  });
  const ended = once(child, 'close');
  await new Promise((resolve) => stdin.write('go\n', resolve));
  meanwhile();
  const [code] = (await ended) as [number | null];
  if (code !== 0) throw new Error(`The signalling program ended with ${code}.`);
  return latenciesIn(text.slice('ready\n'.length));
};

const withTwin = async <Value>(
  twin: string,
  use: (pair: readonly [number, number]) => Promise<Value>,
): Promise<Value> => {
  const pair = [newEventfd(), newEventfd()] as const;
  const waiting: ChildProcess = spawn(twin, ['wait'], { stdio: ['ignore', 'ignore', 'inherit', ...pair] });
  try {
    return await use(pair);
  } finally {
    waiting.kill();
    await once(waiting, 'exit');
    pair.forEach((fd) => calls.close(fd));
  }
};

/** The waiter with an automatic answer, and `others` more eventfds that stay silent. */
const withWaiter = async <Value>(
  others: number,
  use: (pair: readonly [number, number]) => Promise<Value>,
): Promise<Value> => {
  const waiter = valueOf(openWaiter(calls, koffiProvider()));
  const pair = [newEventfd(), newEventfd()] as const;
  const silent = Array.from({ length: others }, newEventfd);
  const listener = { signal: () => undefined, broken: () => undefined };
  try {
    for (const fd of silent) valueOf(await waiter.watchEventfd(fd, listener));
    valueOf(
      await waiter.watchEventfd(pair[0], listener, {
        quiesce: [],
        acknowledge: { call: 'write', fd: pair[1], bytes: new Uint8Array(BigUint64Array.of(1n).buffer) },
        uses: Number.MAX_SAFE_INTEGER,
      }),
    );
    return await use(pair);
  } finally {
    await waiter.close();
    [...pair, ...silent].forEach((fd) => calls.close(fd));
  }
};

const blockMain = (): void => {
  for (const until = performance.now() + blockedFor; performance.now() < until;);
};

const row = (name: string, value: number, unit: string, target: string, limit: number): BenchRow => ({
  name,
  value: Math.round(value * 100) / 100,
  unit,
  target,
  ok: value <= limit,
});

/** From the signal of an eventfd to its ack, by the waiter thread and by a C program. */
export const waiterBench = async (): Promise<BenchRow[]> => {
  const directory = mkdtempSync(join(tmpdir(), 'waiter-bench-'));
  const twin = join(directory, 'waiterTwin');
  try {
    execFileSync('gcc', ['-O2', '-o', twin, fileURLToPath(new URL('waiterTwin.c', import.meta.url))]);
    const spin = (pair: readonly [number, number]): Promise<Latencies> =>
      measure(twin, ['spin', `${rounds}`], pair);
    const blocked = (pair: readonly [number, number]): Promise<Latencies> =>
      measure(twin, ['sleep', `${blockedRounds}`], pair, blockMain);
    const measured: Record<'c' | 'one' | 'all' | 'cBlocked' | 'blocked', Latencies[]> = {
      c: [],
      one: [],
      all: [],
      cBlocked: [],
      blocked: [],
    };
    // By turns, so that what else the machine does falls on all of them.
    for (let run = 0; run < runs; run += 1) {
      measured.c.push(await withTwin(twin, spin));
      measured.one.push(await withWaiter(0, spin));
      measured.all.push(await withWaiter(manyEventfds - 1, spin));
      measured.cBlocked.push(await withTwin(twin, blocked));
      measured.blocked.push(await withWaiter(0, blocked));
    }
    const [c, one, all] = [least(measured.c), least(measured.one), least(measured.all)];
    const [cBusy, busy] = [least(measured.cBlocked), least(measured.blocked)];
    const microseconds = ({ p50, p99 }: Latencies): string => `${p50.toFixed(1)} and ${p99.toFixed(1)} µs`;
    return [
      row(`signal to ack, p50 (C: ${microseconds(c)})`, one.p50 / c.p50, '× C', 'at most 1.5', 1.5),
      row(`signal to ack, p99 (waiter: ${microseconds(one)})`, one.p99 / c.p99, '× C', 'at most 2', 2),
      row(`signal to ack, p50, ${manyEventfds} eventfds`, all.p50 / one.p50, '× one', 'at most 1.2', 1.2),
      row(
        `signal to ack, p99, main thread blocked (C beside it: ${cBusy.p99.toFixed(0)} µs)`,
        busy.p99,
        'µs',
        'under 1,000',
        1000,
      ),
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};
