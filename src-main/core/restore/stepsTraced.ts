/** Which restore steps a trace saw in the recovery that is audited, and when. */
import type { Moment } from './auditMoments.ts';
import type { RestoreHistory } from './history.ts';
import type { AuditFact } from './provenance.ts';
import type { RestoreStepName } from './steps.ts';

/**
 * `ran`: a trace saw it. `didNotRun`: it would have. `unseen`: this kernel does not show it (it lacks the function, has
 * made it part of its caller, or lets nobody watch it), or records were lost. `notTraced`: there was no trace.
 */
export const stepSights = ['ran', 'didNotRun', 'unseen', 'notTraced'] as const;
export type StepSight = (typeof stepSights)[number];

export interface StepTrace {
  readonly sight: StepSight;
  /** Indexes of the events in which it ran. */
  readonly events: readonly number[];
  /** One for each moment: how often it ran since the moment before. */
  readonly runs: readonly number[];
}

const sightOf = (step: RestoreStepName, ran: boolean, { trace }: RestoreHistory): StepSight => {
  if (ran) return 'ran';
  if (trace === undefined || trace.functions.size === 0) return 'notTraced';
  return trace.whole && trace.steps.get(step) === 'seen' ? 'didNotRun' : 'unseen';
};

/** `moments`: those that are shown. */
export const stepTraceOf = (
  step: RestoreStepName,
  history: RestoreHistory,
  moments: readonly Moment[],
): StepTrace => {
  const focus = history.focus ?? 0;
  const events = history.events.flatMap((event, index) =>
    index >= focus && event.kind === 'traced' && event.function === step ? [index] : [],
  );
  const runs = moments.map(({ events: [first] }, place) => {
    const since = moments[place - 1]?.events.at(-1) ?? -1;
    return events.filter((event) => event > since && event < (first ?? 0)).length;
  });
  return { sight: sightOf(step, events.length > 0, history), events, runs };
};

/** What a trace adds to the evidence for a register that the step writes. */
export const traceFacts = (step: RestoreStepName, { sight, events }: StepTrace): readonly AuditFact[] => {
  switch (sight) {
    case 'ran':
      return events.map((event) => ({ kind: 'traced', event, function: step }));
    case 'didNotRun':
    case 'unseen':
      return [{ kind: 'untraced', step, because: sight }];
    case 'notTraced':
      return [];
  }
};
