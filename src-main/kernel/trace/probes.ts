import { tracedFunctions, tracedName, type TracedFunction } from '../../core/kernelTrace/functions.ts';
import { keepsArguments, symbolsOf, type FunctionSymbol } from '../../core/kernelTrace/symbols.ts';
import type { TraceMeans, UnseenFunction } from '../../core/kernelTrace/told.ts';
import { success, type Result } from '../../core/result.ts';
import { whyRefused, type TraceFiles } from './traceFiles.ts';

/** A place in the kernel that is watched. Its number names its events. */
export interface Place extends FunctionSymbol {
  readonly number: number;
  readonly function: TracedFunction;
}

export interface Watched {
  readonly means: TraceMeans;
  readonly seen: readonly string[];
  readonly unseen: readonly UnseenFunction[];
  /** The function of a probe's event, or of a symbol that the function tracer names. */
  readonly functionOf: (
    event: string,
  ) => { readonly function: TracedFunction; readonly edge: 'enter' | 'leave' } | null;
}

/** Calls that may be under way at once with their ends still to be told; the kernel's own default is its processors. */
const mostReturns = 64;

const targetOf = ({ symbol, module }: FunctionSymbol): string =>
  module === null ? symbol : `${module}:${symbol}`;

/** What to fetch when a function is entered (Documentation/trace/kprobetrace.rst). */
const fetches = ({ function: traced, symbol }: Place, nameOffset: number | null): string => {
  if (!keepsArguments(symbol)) return '';
  const words: string[] = [];
  if (traced.first === 'pciDevice' && nameOffset !== null) {
    words.push(`device=+0(+${nameOffset}($arg1)):string`);
  }
  // vfio_device.dev, device.kobj and kobject.name are first members (include/linux/vfio.h, device.h, kobject.h).
  if (traced.first === 'vfioDevice') words.push('device=+0(+0(+0($arg1))):string');
  // A bool is passed in the low byte of its register; the rest of it says nothing.
  if (traced.probes === true) words.push('second=$arg2:u8');
  if (traced.requests !== undefined) words.push('second=$arg2:u32');
  return words.map((word) => ` ${word}`).join('');
};

const probesAt = (group: string, place: Place, nameOffset: number | null): string => {
  const target = targetOf(place);
  const value = place.function.returns === undefined ? '' : ' value=$retval:s32';
  return (
    `p:${group}/e${place.number} ${target}${fetches(place, nameOffset)}\n` +
    `r${mostReturns}:${group}/r${place.number} ${target}${value}\n`
  );
};

/** Every place of every function, and the functions of which the kernel has none. */
export const findPlaces = async (files: TraceFiles): Promise<readonly Place[]> => {
  const list = await files.read('available_filter_functions');
  // Without the list the plain names are tried; copies that the compiler made are not found then.
  const found = list.ok ? symbolsOf(list.value, tracedFunctions) : null;
  return tracedFunctions
    .flatMap((traced) => {
      const symbols =
        found === null
          ? [{ symbol: traced.name, module: traced.module ?? null }]
          : (found.get(tracedName(traced)) ?? []);
      return symbols.map((symbol) => ({ ...symbol, function: traced }));
    })
    .map((place, number) => ({ ...place, number }));
};

const watchedOf = (
  means: TraceMeans,
  taken: readonly Place[],
  refused: readonly Place[],
  functionOf: Watched['functionOf'],
): Watched => {
  const seen = new Set(taken.map((place) => tracedName(place.function)));
  const refusedNames = new Set(refused.map((place) => tracedName(place.function)));
  const unseen = tracedFunctions.map(tracedName).filter((name) => !seen.has(name));
  return {
    means,
    seen: [...seen],
    unseen: unseen.map((name) => ({
      function: name,
      because: refusedNames.has(name) ? 'refused' : 'notThere',
    })),
    functionOf,
  };
};

/** The events of a group that there are. */
const eventsOf = async (files: TraceFiles, group: string): Promise<ReadonlySet<string>> => {
  const probes = await files.read('kprobe_events');
  const found = probes.ok ? probes.value.matchAll(/^[pr]\d*:([^/\s]+)\/(\S+)/gm) : [];
  return new Set([...found].flatMap(([, of, event = '']) => (of === group ? [event] : [])));
};

const watchWithKprobes = async (
  files: TraceFiles,
  group: string,
  places: readonly Place[],
  nameOffset: number | null,
): Promise<Result<Watched>> => {
  const probes = new Map(places.map((place) => [place, probesAt(group, place, nameOffset)]));
  // One write for all: on a slow machine each costs milliseconds. The kernel stops at the first that it refuses.
  const all = await files.append('kprobe_events', [...probes.values()].join(''));
  const defined = all.ok ? null : await eventsOf(files, group);
  const taken: Place[] = [];
  const refused: Place[] = [];
  for (const [place, text] of probes) {
    if (defined === null || defined.has(`r${place.number}`)) {
      taken.push(place);
      continue;
    }
    if (defined.has(`e${place.number}`)) await files.append('kprobe_events', `-:${group}/e${place.number}\n`);
    const alone = await files.append('kprobe_events', text);
    if (alone.ok) {
      taken.push(place);
      continue;
    }
    if (alone.error.errno?.name === 'EPERM') return whyRefused(alone);
    // A name that was only tried is not there.
    if (alone.error.errno?.name !== 'ENOENT') refused.push(place);
    // The first of the two may have been taken.
    await files.append('kprobe_events', `-:${group}/e${place.number}\n`);
  }
  if (taken.length > 0) {
    const enabled = await files.write(`instances/${group}/events/${group}/enable`, '1');
    if (!enabled.ok) return whyRefused(enabled);
  }
  return success(
    watchedOf('kprobes', taken, refused, (event) => {
      const place = places[Number(/^[er](\d+)$/.exec(event)?.[1] ?? Number.NaN)];
      return place === undefined
        ? null
        : { function: place.function, edge: event.startsWith('e') ? 'enter' : 'leave' };
    }),
  );
};

const watchWithFunctionTracer = async (
  files: TraceFiles,
  group: string,
  places: readonly Place[],
): Promise<Result<Watched>> => {
  const taken: Place[] = [];
  const instance = `instances/${group}`;
  for (const place of places) {
    const words = place.module === null ? place.symbol : `${place.symbol}:mod:${place.module}`;
    if ((await files.append(`${instance}/set_ftrace_filter`, `${words}\n`)).ok) taken.push(place);
  }
  // An empty filter would trace every function of the kernel.
  if (taken.length > 0) {
    const enabled = await files.write(`${instance}/current_tracer`, 'function');
    if (!enabled.ok) return whyRefused(enabled);
  }
  const refused = places.filter((place) => !taken.includes(place));
  return success(
    watchedOf('functions', taken, refused, (symbol) => {
      const place = taken.find((one) => one.symbol === symbol);
      return place === undefined ? null : { function: place.function, edge: 'enter' };
    }),
  );
};

/** Watches these places in the instance of the group's name. */
export const watchFunctions = async (
  files: TraceFiles,
  group: string,
  places: readonly Place[],
  nameOffset: number | null,
): Promise<Result<Watched>> =>
  (await files.names('.')).includes('kprobe_events')
    ? watchWithKprobes(files, group, places, nameOffset)
    : watchWithFunctionTracer(files, group, places);
