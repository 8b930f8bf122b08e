import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';

/** How long the event loop had no turn, in milliseconds, and what the main thread did meanwhile. */
export interface Block {
  /** Later than it should have been; `waiting` is not in it. */
  readonly own: number;
  /** On a processor. */
  readonly running: number;
  /** For a processor, which other processes had. */
  readonly waiting: number;
}

export interface LoopReport {
  readonly worst: Block;
  /** The same with the time that other processes took. */
  readonly worstOnTheClock: number;
  /** Of the turns in order of `own`. */
  readonly p99: number;
}

const period = 2;

/** What /proc/<pid>/task/<tid>/schedstat says (sched-stats.rst), in milliseconds. */
interface Schedule {
  readonly running: number;
  readonly waiting: number;
}

const scheduleOf = (task: string) => {
  const descriptor = openSync(`/proc/self/task/${task}/schedstat`, 'r');
  const text = Buffer.alloc(128);
  return {
    read: (): Schedule => {
      const length = readSync(descriptor, text, 0, text.length, 0);
      const [running = '0', waiting = '0'] = text.toString('latin1', 0, length).split(' ');
      return { running: Number(running) / 1e6, waiting: Number(waiting) / 1e6 };
    },
    close: () => closeSync(descriptor),
  };
};

/** The threads that collect garbage together with the main thread, which sleeps until the last of them is done. */
const helpers = (): readonly string[] =>
  readdirSync('/proc/self/task').filter(
    (task) => readFileSync(`/proc/self/task/${task}/comm`, 'utf8').trim() === 'V8Worker',
  );

/**
 * A timer of 2 ms that looks how late it is. `monitorEventLoopDelay` cannot tell a thread that blocks, in a computation or
 * in a system call, from one that gets no processor; the kernel's account of the thread can.
 */
export const watchLoop = (): { stop(): LoopReport } => {
  const main = scheduleOf(String(process.pid));
  const others = helpers().map(scheduleOf);
  const waitOfHelpers = (): readonly number[] => others.map((other) => other.read().waiting);
  const late: number[] = [];
  let worst: Block = { own: 0, running: 0, waiting: 0 };
  let worstOnTheClock = 0;
  let last = performance.now();
  let before = main.read();
  let helpersBefore = waitOfHelpers();
  const timer = setInterval(() => {
    const now = performance.now();
    const after = main.read();
    const helpersAfter = waitOfHelpers();
    const lateness = Math.max(0, now - last - period);
    const running = after.running - before.running;
    // While the main thread sleeps until a helper gets a processor, it is the machine that is busy, too.
    const slept = Math.max(0, lateness - running - (after.waiting - before.waiting));
    const helped = Math.max(0, ...helpersAfter.map((wait, index) => wait - (helpersBefore[index] ?? 0)));
    const waiting = after.waiting - before.waiting + Math.min(slept, helped);
    const block = { own: Math.max(0, lateness - waiting), running, waiting };
    late.push(block.own);
    if (block.own > worst.own) worst = block;
    worstOnTheClock = Math.max(worstOnTheClock, lateness);
    [before, helpersBefore] = [after, helpersAfter];
    last = performance.now();
  }, period);
  return {
    stop: () => {
      clearInterval(timer);
      for (const each of [main, ...others]) each.close();
      late.sort((one, other) => one - other);
      return { worst, worstOnTheClock, p99: late[Math.floor(late.length * 0.99)] ?? 0 };
    },
  };
};
