import { join } from 'node:path';
import { callAssembler } from '../../core/kernelTrace/assemble.ts';
import { tracedName } from '../../core/kernelTrace/functions.ts';
import type { TraceState, TraceTold } from '../../core/kernelTrace/told.ts';
import { lineSplitter, parseTraceLine, type TraceLine } from '../../core/kernelTrace/traceLine.ts';
import type { PciAddress } from '../../core/pci/address.ts';
import { failure, success, type Result } from '../../core/result.ts';
import { refused } from '../refusal.ts';
import { openFlags, type Syscalls } from '../syscalls.ts';
import type { HostTree } from '../sysfs/hostTree.ts';
import type { Waiter } from '../waiter/waiter.ts';
import { learnNameOffset } from './deviceName.ts';
import { makeInstance, removeInstance, sweepInstances } from './instance.ts';
import { findPlaces, watchFunctions, type Watched } from './probes.ts';
import { findTraceFiles, type TraceFiles } from './traceFiles.ts';

/** `at`: CLOCK_MONOTONIC in whole microseconds, as the kernel stamped it. */
export interface KernelTraceEvent {
  readonly at: number;
  /** Whom a function was called for, where that is known. */
  readonly address: PciAddress | null;
  readonly told: TraceTold;
}

export interface KernelTraceNeeds {
  readonly tree: HostTree;
  readonly calls: Syscalls;
  readonly waiter: Waiter;
  readonly listener: (event: KernelTraceEvent) => void;
}

export interface KernelTrace {
  readonly state: Extract<TraceState, { readonly kind: 'watching' }>;
  /** Takes everything out of the kernel again. */
  close(): Promise<void>;
}

/** One read of trace_pipe gives whole lines, at most a page of them; with 64 KiB pages a read gives less than there is. */
const longestRead = 16_384;

const isAlive = (process_: number): boolean => {
  try {
    process.kill(process_, 0);
    return true;
  } catch (thrown) {
    return !(thrown instanceof Error && 'code' in thrown && thrown.code === 'ESRCH');
  }
};

/** What lines of the trace tell, in their order. */
export const traceReader = (
  watched: Pick<Watched, 'functionOf'>,
  clock: () => number,
  tell: (event: KernelTraceEvent) => void,
): ((piece: string) => void) => {
  const split = lineSplitter();
  const assemble = callAssembler();

  const hear = (line: TraceLine): void => {
    if (line.kind === 'lost') {
      return tell({ at: Math.floor(clock()), address: null, told: { kind: 'lost', count: line.count } });
    }
    const found = watched.functionOf(line.kind === 'probe' ? line.event : line.symbol);
    if (found === null) return;
    if (line.kind === 'function') {
      const call = {
        ...({ function: tracedName(found.function), edge: 'began', took: 0, returned: null } as const),
        ...{ request: null, within: null, steps: [] },
      };
      return tell({ at: line.at, address: null, told: { kind: 'call', call } });
    }
    const assembled = assemble({ ...line, ...found });
    if (assembled === null) return;
    const { at, address, call } = assembled;
    tell({ at, address, told: { kind: 'call', call } });
  };

  return (piece) => {
    for (const text of split(piece)) {
      const line = parseTraceLine(text);
      if (line !== null) hear(line);
    }
  };
};

const readPipe = async (
  { calls, waiter, listener }: KernelTraceNeeds,
  path: string,
  watched: Watched,
): Promise<Result<() => Promise<void>>> => {
  const { O_RDONLY, O_NONBLOCK, O_CLOEXEC } = openFlags;
  const pipe = calls.open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (!pipe.ok) return refused(pipe.errno, `The kernel does not let ${path} be read.`);
  const read = traceReader(watched, () => calls.monotonic(), listener);
  const watch = await waiter.watchRecords(pipe.value, longestRead, {
    record: ({ bytes }) => read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')),
    lost: (at) => listener({ at: Math.floor(at), address: null, told: { kind: 'lost', count: 1 } }),
    broken: (error) => {
      const at = Math.floor(calls.monotonic());
      listener({ at, address: null, told: { kind: 'state', state: { kind: 'off', error } } });
    },
  });
  if (!watch.ok) {
    calls.close(pipe.value);
    return watch;
  }
  return success(async () => {
    await watch.value.stop();
    calls.close(pipe.value);
  });
};

const traceInto = async (
  needs: KernelTraceNeeds,
  files: TraceFiles,
  group: string,
): Promise<Result<KernelTrace>> => {
  const [places, nameOffset] = await Promise.all([
    findPlaces(files),
    learnNameOffset(files, needs.tree, group),
  ]);
  const watched = await watchFunctions(files, group, places, nameOffset);
  if (!watched.ok) return watched;
  const { means, seen, unseen } = watched.value;
  if (seen.length === 0) {
    return failure('notSupported', 'This kernel lets none of the functions of a recovery be watched.');
  }
  const pipe = await readPipe(needs, join(files.root, 'instances', group, 'trace_pipe'), watched.value);
  if (!pipe.ok) return pipe;
  const devices = means === 'kprobes' && nameOffset !== null ? 'known' : 'unknown';
  return success({
    state: { kind: 'watching', means, seen, unseen, devices },
    close: async () => {
      await pipe.value();
      await removeInstance(files, group);
    },
  });
};

/**
 * Watches the functions of the kernel that recoveries are made of. Where it cannot, the error says why, and nothing is
 * left behind; no recovery depends on it.
 */
export const openKernelTrace = async (needs: KernelTraceNeeds): Promise<Result<KernelTrace>> => {
  const files = await findTraceFiles(needs.tree);
  if (!files.ok) return files;
  await sweepInstances(files.value, isAlive);
  const group = await makeInstance(files.value, process.pid);
  if (!group.ok) return group;
  const trace = await traceInto(needs, files.value, group.value);
  if (!trace.ok) await removeInstance(files.value, group.value);
  return trace;
};
