import type { ReinitialiseReport } from '../recovery/reports.ts';
import type { RestoreEvent } from './history.ts';
import { momentOf } from './moments.ts';

type Steps = ReinitialiseReport['steps'];

const isAfter = (event: RestoreEvent | undefined, step: string): boolean => {
  const moment = event?.kind === 'reading' ? momentOf(event.moment) : null;
  return moment?.kind === 'afterStep' && moment.step === step;
};

/**
 * The report of reinitialising comes after the readings that were taken between its steps. What each step did goes
 * before the reading after it, or, where none was kept, before the next one that was.
 *
 * `events` from `from` on are those since the reinitialising before; `doings` says what one step comes to as events,
 * after the moment of the event that it follows: when within its time a step did it is not told.
 */
export const withStepDoings = (
  events: readonly RestoreEvent[],
  from: number,
  steps: Steps,
  doings: (step: Steps[number], at: RestoreEvent['at']) => readonly RestoreEvent[],
): RestoreEvent[] => {
  const placed = events.slice(0, from);
  const place = (): void => {
    const at = placed.at(-1)?.at ?? 0;
    placed.push(...waiting.flatMap((one) => doings(one, at)));
    waiting = [];
  };
  let next = from;
  let waiting: Steps[number][] = [];
  for (const step of steps) {
    waiting.push(step);
    const found = events.findIndex((event, index) => index >= next && isAfter(event, step.step));
    const reading = events[found];
    if (reading === undefined) continue;
    placed.push(...events.slice(next, found));
    place();
    placed.push(reading);
    next = found + 1;
  }
  placed.push(...events.slice(next));
  place();
  return placed;
};
