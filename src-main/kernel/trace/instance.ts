import { success, type Result } from '../../core/result.ts';
import { inTurn, whyRefused, type TraceFiles } from './traceFiles.ts';

/**
 * The bench traces into an instance of its own, so that it disturbs nobody who traces too. Instance and group of probes
 * have one name, `recovery_bench_PID_NUMBER`, by which those of a process that was killed are found.
 */
const prefix = 'recovery_bench_';

/** Kibibytes for each processor: a recovery leaves some twenty. */
const bufferSize = 256;

/** Ends the events first: an event that is enabled cannot be removed. */
export const removeInstance = async (files: TraceFiles, group: string): Promise<Result<void>> => {
  const removed = await files.removeFolder(`instances/${group}`);
  if (!removed.ok && removed.error.errno?.name !== 'ENOENT') return removed;
  const probes = await files.read('kprobe_events');
  if (!probes.ok) return success(undefined);
  const own = [...probes.value.matchAll(/^[pr]\d*:(\S+)/gm)].flatMap(([, name = '']) =>
    name.startsWith(`${group}/`) ? [name] : [],
  );
  return own.length === 0
    ? success(undefined)
    : files.append('kprobe_events', own.map((name) => `-:${name}\n`).join(''));
};

/** Removes what processes left behind that are no more. What somebody still reads, the kernel keeps (EBUSY). */
export const sweepInstances = async (
  files: TraceFiles,
  isAlive: (process: number) => boolean,
): Promise<void> => {
  const probes = await files.read('kprobe_events');
  const groups = probes.ok
    ? [...probes.value.matchAll(/^[pr]\d*:([^/\s]+)\//gm)].map(([, name = '']) => name)
    : [];
  const names = new Set([...(await files.names('instances')), ...groups]);
  for (const name of names) {
    const [, pid] = new RegExp(`^${prefix}(\\d+)_\\d+$`).exec(name) ?? [];
    if (pid !== undefined && !isAlive(Number(pid))) await removeInstance(files, name);
  }
};

let instances = 0;

/** An instance whose records have times of CLOCK_MONOTONIC and can be read as soon as they are there. */
export const makeInstance = async (files: TraceFiles, process: number): Promise<Result<string>> => {
  instances += 1;
  const group = `${prefix}${process}_${instances}`;
  const instance = `instances/${group}`;
  const made = await files.makeFolder(instance);
  if (!made.ok) return whyRefused(made);
  const prepared = await inTurn([
    () => files.write(`${instance}/trace_clock`, 'mono'),
    () => files.write(`${instance}/buffer_size_kb`, String(bufferSize)),
  ]);
  // Who polls is woken at the first record and not when the buffer is half full; older kernels do so anyway.
  await files.write(`${instance}/buffer_percent`, '0');
  if (prepared.ok) return success(group);
  await removeInstance(files, group);
  return whyRefused(prepared);
};
