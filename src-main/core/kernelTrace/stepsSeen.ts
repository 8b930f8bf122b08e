import { restoreStepsOf, type RestoreStepName } from '../restore/steps.ts';
import type { ModelledKernel } from '../restore/kernelVersion.ts';
import { tracedFunctions, tracedName } from './functions.ts';
import type { TraceState } from './told.ts';

/**
 * `seen`: when the step runs, the trace tells it. `unseen`: it runs without being told, because the compiler has made
 * it part of its caller or the kernel lets nobody watch it. `absent`: this kernel has no such step.
 */
export type StepVisibility = 'seen' | 'unseen' | 'absent';

/** How each restore step can be seen on a traced kernel. A step that is `unseen` and was not told may well have run. */
export const stepVisibility = (
  state: TraceState,
  version: ModelledKernel,
): ReadonlyMap<RestoreStepName, StepVisibility> => {
  const seen = new Set(state.kind === 'watching' ? state.seen : []);
  const present = new Set(restoreStepsOf(version).map(({ name }) => name));
  const visibility = new Map<RestoreStepName, StepVisibility>();
  for (const traced of tracedFunctions) {
    if (traced.meaning.kind !== 'restoreStep') continue;
    const { step } = traced.meaning;
    // What the trace sees is there, whatever the model says.
    if (seen.has(tracedName(traced))) visibility.set(step, 'seen');
    else if (visibility.get(step) !== 'seen') visibility.set(step, present.has(step) ? 'unseen' : 'absent');
  }
  return visibility;
};
