import type { SnapshotView } from '../journal/line.ts';
import type { Microseconds } from '../recovery/phase.ts';
import type { RestoreEvent } from './history.ts';
import { momentOf } from './moments.ts';
import { extentOf, readabilityOf, type Readability } from './readability.ts';

/** A time at which the config space was kept, in one view or both. */
export interface AuditMoment {
  /** Of the first of its readings. */
  readonly at: Microseconds;
  readonly name: string;
  /** Absent: this view was not kept then. */
  readonly views: Readonly<Partial<Record<SnapshotView, Readability>>>;
  readonly events: readonly number[];
}

export interface Moment extends AuditMoment {
  readonly configs: Readonly<Partial<Record<SnapshotView, Uint8Array | null>>>;
}

/** Both views of a moment are two readings, one right after the other. */
export const momentsOf = (events: readonly RestoreEvent[], firsts: Firsts): readonly Moment[] => {
  const moments: Moment[] = [];
  events.forEach((event, index) => {
    if (event.kind !== 'reading') return;
    const { view, config, moment: name, at } = event;
    const readability = readabilityOf(event, firsts[view] ?? new Uint8Array(0));
    const last = moments.at(-1);
    if (last?.name === name && last.configs[view] === undefined && last.events.at(-1) === index - 1) {
      moments[moments.length - 1] = {
        ...last,
        views: { ...last.views, [view]: readability },
        configs: { ...last.configs, [view]: config },
        events: [...last.events, index],
      };
      return;
    }
    moments.push({
      at,
      name,
      views: { [view]: readability },
      configs: { [view]: config },
      events: [index],
    });
  });
  return moments;
};

const beforeRecovery: readonly string[] = ['open', 'armed', 'beforeFault'];

/**
 * Those of the recovery that begins at the event `focus`; of what was read before it the opening, the last arming, and
 * what was read before the fault, unless another recovery came after that.
 */
export const shownMoments = (moments: readonly Moment[], focus: number): readonly Moment[] => {
  const isBefore = ({ events: [first] }: Moment): boolean => (first ?? 0) < focus;
  const count = moments.filter(isBefore).length;
  const before = moments.slice(0, count);
  const other = before.findLastIndex(({ name }) => momentOf(name) !== null && !beforeRecovery.includes(name));
  return [
    ...before.filter(
      ({ name }, index) =>
        beforeRecovery.includes(name) &&
        index === before.findLastIndex((one) => one.name === name) &&
        (name !== 'beforeFault' || index > other),
    ),
    ...moments.slice(count),
  ];
};

/** The first whole reading of each view. */
export type Firsts = Readonly<Partial<Record<SnapshotView, Uint8Array>>>;

/** The first reading of a view that answers, to its end if there is one. */
export const firstOf = (events: readonly RestoreEvent[], view: SnapshotView): Uint8Array | undefined => {
  let first: { readonly config: Uint8Array; readonly extent: number } | undefined;
  for (const event of events) {
    if (event.kind !== 'reading' || event.view !== view || event.config === null) continue;
    const { config } = event;
    const extent = extentOf(config);
    if (extent > (first?.extent ?? 0)) first = { config, extent };
  }
  return first?.config;
};

/** Without the bytes. */
export const published = ({ at, name, views, events }: Moment): AuditMoment => ({ at, name, views, events });
