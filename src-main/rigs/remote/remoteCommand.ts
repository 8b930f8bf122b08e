import { failure, type Result } from '../../core/result.ts';
import type { LinkTiming, RemoteRig } from './remoteRig.ts';
import { startProgram } from './startedProgram.ts';
import { openStartedRig } from './startedRig.ts';

export interface RemoteCommandOptions {
  /** As a shell takes it; its standard input and output are the wire. */
  readonly commandLine: string;
  readonly bench: string;
  /** What the command says on standard error, line by line. */
  readonly log: (line: string) => void;
  readonly timing?: Partial<LinkTiming>;
  /** Gives the opening up: the command is ended. */
  readonly signal?: AbortSignal;
}

/** Lines of standard error that a refusal quotes. */
const linesQuoted = 3;

/**
 * A rig whose agent is started by a command: `node out/agent/agent.mjs --simulated notify-6.1`, or ssh and the same on
 * another machine. When the link is lost the command is started again; an agent that was started anew holds nothing of
 * what the one before held open, and says so.
 */
export const openRemoteCommand = async (options: RemoteCommandOptions): Promise<Result<RemoteRig>> => {
  const { commandLine, log } = options;
  if (commandLine.trim() === '') {
    return failure('malformedInput', 'A remote rig needs a command: remote:ssh lab-machine rbench-agent.');
  }
  return openStartedRig({
    ...options,
    start: () => startProgram('/bin/sh', ['-c', commandLine], log),
    name: `remote:${commandLine}`,
    explain: ({ code, message }, { how, lastWords }) => {
      const words = [how, ...lastWords.slice(-linesQuoted)].join('; ').replace(/\.$/, '');
      return failure(code, `${message} The command: ${words}.`, { details: { commandLine } }).error;
    },
  });
};
