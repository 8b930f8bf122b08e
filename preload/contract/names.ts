/** Every command of the console, in alphabetical order within its group. The bridge has one function for each. */
export const commandNames = [
  'snapshot',
  'lines',
  'rigOffers',
  'confirmRig',
  'addRig',
  'answerOpening',
  'cancelOpening',
  'restartRig',
  'removeRig',
  'arm',
  'disarm',
  'closeDevice',
  'bind',
  'rescan',
  'setPolicy',
  'injectors',
  'quiesce',
  'reinitialise',
  'prove',
  'readConfig',
  'confirmation',
  'inject',
  'acknowledge',
  'withdraw',
  'reset',
  'scenarios',
  'scenario',
  'startScenario',
  'stepScenario',
  'stopScenario',
  'runs',
  'openRun',
  'runLines',
  'runMoment',
  'exportRun',
  'explain',
  'takeOperator',
  'offerOperator',
  'answerOffer',
] as const;

export type CommandName = (typeof commandNames)[number];

/** IPC channel of a command; deltas come on a channel of their own. */
export const channelOf = (name: CommandName): string => `bench:${name}`;
export const deltaChannel = 'bench:deltas';
