import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { failure, type BenchError, type Result } from '../../core/result.ts';
import { formatSshTarget } from '../../core/ssh/sshTarget.ts';
import { fileFailure } from '../../kernel/fileFailure.ts';
import type { LinkTiming, RemoteRig } from '../remote/remoteRig.ts';
import { startProgram, type ProgramEnd } from '../remote/startedProgram.ts';
import { openStartedRig } from '../remote/startedRig.ts';
import { agentFor, type AgentSources } from './agentParts.ts';
import { copyAgent, differences } from './copyAgent.ts';
import { sha256Of } from './farAgent.ts';
import { agentsFolder, farFolderPrefix, findNode, socketsFolder } from './farFolder.ts';
import { checkFit } from './farFitness.ts';
import { lookScript, parseLook, type FarLook } from './farLook.ts';
import { givenUpOn, runSsh } from './runSsh.ts';
import { sshWords, type SshAccess } from './sshProgram.ts';
import { sshFailed, sshTrouble } from './sshTrouble.ts';

export interface SshRigOptions {
  readonly access: SshAccess;
  readonly sources: AgentSources;
  /** One short line for each thing that takes time, and what the far end says on standard error. */
  readonly onProgress: (text: string) => void;
  /** Asked before anything is written on the far machine; null: nobody is there to be asked. */
  readonly agree: ((question: string) => Promise<boolean>) | null;
  readonly timing?: Partial<LinkTiming>;
  /** Gives the opening up; what was begun of it is ended. */
  readonly signal?: AbortSignal | undefined;
}

/** Longer than a login over a slow line; in milliseconds. */
const lookLimit = 60_000;
/** For an ssh whose link has fallen silent, in milliseconds; the devices are the far agent's to close. */
const endPatience = 2_000;
/** A login, over jump hosts perhaps, and the start of Node on a slow machine; in milliseconds. */
const greeting = 60_000;
/** Words of standard error that a refusal quotes. */
const linesQuoted = 3;

const look = async ({ access, sources, signal }: SshRigOptions, agent: string): Promise<Result<FarLook>> => {
  const script = lookScript(farFolderPrefix(sources.bench, agent));
  const answered = await runSsh(access, { script, limit: lookLimit, signal });
  return answered.ok ? parseLook(formatSshTarget(access.target), answered.value.out) : answered;
};

/** For whichever login shell: what is quoted is for sh, and nothing in it is from the far machine. */
const attachCommand = (folder: string, socket: string): string =>
  `sh -c 'exec "$(${findNode})" ${agentsFolder}/${folder}/agent.mjs --attach ${agentsFolder}/${socketsFolder}/${socket}.sock'`;

const explain =
  (access: SshAccess) =>
  (error: BenchError, { code, lastWords }: ProgramEnd): BenchError => {
    if (error.code === 'otherVersion') return error;
    if (code === sshFailed) return sshTrouble(access.target, lastWords).error;
    const said = lastWords.slice(-linesQuoted).map((line) => line.replace(/^rbench-agent: /, ''));
    const words = said.length === 0 ? '' : ` It says: ${said.join('; ').replace(/\.$/, '')}.`;
    return failure(error.code, `${error.message}${words}`, { details: { said: lastWords } }).error;
  };

/** Opens the rig of a machine that ssh reaches. The agent is copied there first, where it is not and that is agreed to. */
export const openSshRig = async (options: SshRigOptions): Promise<Result<RemoteRig>> => {
  const { access, sources, onProgress, signal } = options;
  const machineName = formatSshTarget(access.target);
  let agentHash: string;
  try {
    agentHash = sha256Of(await readFile(sources.agent));
  } catch (thrown) {
    return fileFailure(
      thrown,
      `There is no agent to run there (${sources.agent}): "npm run build:agent" makes it.`,
    );
  }
  onProgress(`looking at ${machineName}`);
  const looked = await look(options, agentHash);
  if (!looked.ok) return looked;
  const fit = checkFit(machineName, looked.value);
  if (!fit.ok) return fit;
  if (!looked.value.vfio) {
    onProgress(
      `${machineName} has no /dev/vfio: its devices are listed, but none can be opened until its IOMMU is on and vfio-pci is loaded there (modprobe vfio-pci).`,
    );
  }
  const agent = await agentFor(sources, fit.value);
  if (!agent.ok) return agent;
  if (differences(agent.value, looked.value.files).length > 0) {
    const copied = await copyAgent(options, agent.value, looked.value);
    if (!copied.ok) return copied;
  }
  if (signal?.aborted === true) return givenUpOn(access);
  onProgress(`starting the agent on ${machineName}`);
  // Of this rig alone: another bench, or another rig of this one, has its own agent there.
  const command = attachCommand(agent.value.folder, randomBytes(8).toString('hex'));
  return openStartedRig({
    start: () => startProgram('ssh', sshWords(access, command), onProgress, endPatience),
    name: `ssh:${machineName}`,
    title: machineName,
    bench: sources.bench,
    log: onProgress,
    explain: explain(access),
    timing: { greeting, ...options.timing },
    signal,
  });
};
