import type { CommandName } from './names.ts';

const usual = 5_000;
const slow = 30_000;

/**
 * How long the page waits for the answer to each command, in milliseconds; the deed itself may take longer and is then
 * told by deltas. Apart from `commands.ts`, so that the page needs no zod to know it.
 */
export const timeouts: Readonly<Record<CommandName, number>> = {
  snapshot: slow,
  lines: usual,
  rigOffers: usual,
  confirmRig: usual,
  // What takes longer goes on as an opening, and is told by deltas.
  addRig: slow,
  answerOpening: usual,
  cancelOpening: usual,
  restartRig: slow,
  removeRig: slow,
  arm: slow,
  disarm: usual,
  closeDevice: slow,
  bind: slow,
  rescan: slow,
  setPolicy: usual,
  // Asked of the rig's machine, as what a confirmation says is.
  injectors: slow,
  quiesce: slow,
  reinitialise: slow,
  prove: slow,
  readConfig: usual,
  confirmation: slow,
  inject: slow,
  acknowledge: usual,
  withdraw: usual,
  reset: slow,
  planMarking: usual,
  mark: slow,
  unmark: slow,
  whatIf: slow,
  platformOffers: slow,
  platformAct: slow,
  scenarios: usual,
  scenario: usual,
  startScenario: slow,
  // A step of a scenario waits for what it expects, in the rig's time.
  stepScenario: 130_000,
  stopScenario: slow,
  runs: slow,
  openRun: slow,
  runLines: slow,
  // A moment that has not been read yet is waited for.
  runMoment: slow,
  exportRun: slow,
  watchKernel: slow,
  explain: usual,
  takeOperator: usual,
  offerOperator: usual,
  answerOffer: usual,
};
