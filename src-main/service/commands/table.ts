import type { CommandName } from '../../../preload/contract/names.ts';
import { decisionCommands } from './decisions.ts';
import { deviceCommands } from './devices.ts';
import type { HandlersOf } from './handler.ts';
import { operatorCommands } from './operator.ts';
import { platformCommands } from './platform.ts';
import { restoreCommands } from './restore.ts';
import { rigCommands } from './rigs.ts';
import { runCommands } from './runs.ts';
import { scenarioCommands } from './scenarios.ts';

/** Every command of the contract; one that is missing here is a type error. */
export const handlers: HandlersOf<CommandName> = {
  ...rigCommands,
  ...deviceCommands,
  ...decisionCommands,
  ...restoreCommands,
  ...platformCommands,
  ...scenarioCommands,
  ...runCommands,
  ...operatorCommands,
};
