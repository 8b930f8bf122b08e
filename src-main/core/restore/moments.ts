/**
 * When a bench keeps the config space of a device, in the order in which the moments come. Journals of before know only
 * `armed`, `duringWait`, `afterReset` and `end`, whose names are the same here.
 */
export const snapshotMoments = [
  /** Right after the device was opened: what vfio's own open-time snapshot holds. */
  'open',
  'armed',
  /** Right before the bench injects a fault. */
  'beforeFault',
  'duringWait',
  /** Right after event 2, before anything was done about it. */
  'afterReset',
  /** After one step of reinitialising; the name of the step follows. */
  'afterStep',
  'end',
  /** Whenever somebody asked for it. */
  'look',
] as const;

export type SnapshotMomentKind = (typeof snapshotMoments)[number];

export type SnapshotMoment =
  | { readonly kind: Exclude<SnapshotMomentKind, 'afterStep'> }
  /** `step` is the name that the reinitialise report gives it: `DEVICE_RESET`. */
  | { readonly kind: 'afterStep'; readonly step: string };

const separator = ': ';

/** How a `snapshot` line of the journal names a moment: `armed`, or `afterStep: DEVICE_RESET`. */
export const momentText = (moment: SnapshotMoment): string =>
  moment.kind === 'afterStep' ? `${moment.kind}${separator}${moment.step}` : moment.kind;

const isKind = (text: string): text is SnapshotMomentKind =>
  (snapshotMoments as readonly string[]).includes(text);

/** The moment that a line names; null for a name that no bench gives. */
export const momentOf = (text: string): SnapshotMoment | null => {
  const cut = text.indexOf(separator);
  if (cut === -1) return isKind(text) && text !== 'afterStep' ? { kind: text } : null;
  const step = text.slice(cut + separator.length);
  return text.slice(0, cut) === 'afterStep' && step !== '' ? { kind: 'afterStep', step } : null;
};
