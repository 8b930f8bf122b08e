import { failure, success, type Result } from '../../core/result.ts';
import { farMachines, type FarMachine } from './farAgent.ts';
import type { FarLook } from './farLook.ts';

/** The oldest that the agent runs on; `agent.config.ts` bundles for it. */
const oldestNode = 18;

/** Whether the agent can run there, or the one thing that is missing and what to do about it. */
export const checkFit = (machineName: string, { system, machine, node }: FarLook): Result<FarMachine> => {
  const unfit = (why: string): Result<never> => failure('machineUnfit', `${machineName} ${why}`);
  if (system !== 'Linux') return unfit(`runs ${system || 'an unknown system'}; the agent needs Linux.`);
  const known = farMachines.find((one) => one === machine);
  if (known === undefined) {
    return unfit(
      `is of the architecture ${machine || 'unknown'}; the agent runs on ${farMachines.join(' and ')}.`,
    );
  }
  const remedy = `install Node ${oldestNode} or newer there (Debian: nodejs), where a command over ssh finds it on its PATH.`;
  if (node === null) return unfit(`has no node: ${remedy}`);
  const major = Number(/^v(\d+)\./.exec(node)?.[1] ?? 0);
  return major >= oldestNode
    ? success(known)
    : unfit(`has Node ${node || 'of an unknown version'}: ${remedy}`);
};
