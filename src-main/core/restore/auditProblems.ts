/** What an audit cannot say, and why: what was not read, and what of the device nobody has described. */
import type { WalkProblem } from '../pci/capabilities.ts';
import type { SnapshotView } from '../journal/line.ts';
import type { Firsts, Moment } from './auditMoments.ts';
import type { AuditedDevice } from './auditRegisters.ts';
import type { Readability } from './readability.ts';

type Unreadable = Exclude<Readability, { kind: 'whole' }>;

export type AuditProblem =
  /** No reading at all, or none that answers: there is nothing to audit. */
  | { readonly kind: 'nothingRead' }
  /** The hardware's view was never kept; VFIO makes up ids, BARs and MSI in its own. */
  | { readonly kind: 'onlyVirtualView' }
  /** A view could not be read, or not to its end, at these of `moments`; `names` are theirs. */
  | {
      readonly kind: 'unreadable';
      readonly view: SnapshotView;
      readonly moments: readonly number[];
      readonly names: readonly string[];
      readonly readability: Unreadable;
    }
  /** The capability lists could not be followed to their ends. */
  | { readonly kind: 'capabilityWalk'; readonly problem: WalkProblem }
  /** No layout for this capability: its registers are dwords without fields. */
  | { readonly kind: 'unknownCapability'; readonly name: string; readonly offset: number }
  /** Part of it means something to the vendor of the device only: dwords without fields, which no step restores. */
  | { readonly kind: 'vendorCapability'; readonly name: string; readonly offset: number }
  /** A header of another type than 0 and 1: only what all types have is audited. */
  | { readonly kind: 'unknownHeader'; readonly headerKind: 'cardBus' | 'unknown' };

const otherView = { vfio: 'hardware', hardware: 'vfio' } as const;

/** Each kind of trouble once, with all moments at which it was there. */
export const unreadableMoments = (
  moments: readonly Moment[],
  view: SnapshotView,
): readonly AuditProblem[] => {
  const found = new Map<string, { moments: number[]; names: string[]; readability: Unreadable }>();
  moments.forEach(({ views, name }, index) => {
    const readability = views[view];
    if (readability === undefined || readability.kind === 'whole') return;
    const key = JSON.stringify(readability);
    const known = found.get(key) ?? { moments: [], names: [], readability };
    known.moments.push(index);
    known.names.push(name);
    found.set(key, known);
  });
  return [...found.values()].map((one) => ({ kind: 'unreadable', view, ...one }));
};

const headerProblems = ({ placement: { headerKind } }: AuditedDevice): readonly AuditProblem[] =>
  headerKind === 'cardBus' || headerKind === 'unknown' ? [{ kind: 'unknownHeader', headerKind }] : [];

/** `firsts`: the first whole reading of each view. */
export const problemsOf = (
  device: AuditedDevice,
  moments: readonly Moment[],
  view: SnapshotView,
  firsts: Firsts,
): readonly AuditProblem[] => [
  ...(firsts.hardware === undefined ? [{ kind: 'onlyVirtualView' } as const] : []),
  ...unreadableMoments(moments, view),
  ...unreadableMoments(moments, otherView[view]),
  ...device.placement.problems.map((problem): AuditProblem => ({ kind: 'capabilityWalk', problem })),
  ...headerProblems(device),
  ...device.placement.capabilities.flatMap(({ known, entry, registers }): AuditProblem[] => {
    const { name, offset } = entry;
    if (!known) return [{ kind: 'unknownCapability', name, offset }];
    return registers.some((register) => register.name.startsWith('raw'))
      ? [{ kind: 'vendorCapability', name, offset }]
      : [];
  }),
];
