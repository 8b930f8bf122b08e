import { done, failure, type Result } from '../../core/result.ts';
import { formatSshTarget } from '../../core/ssh/sshTarget.ts';
import { copySays, copyScript } from './copyScript.ts';
import type { FarAgent } from './farAgent.ts';
import { filesOf, markedLines, type FarLook } from './farLook.ts';
import { runSsh } from './runSsh.ts';
import type { SshRigOptions } from './openSshRig.ts';

/** Longer than two megabytes over a slow line; in milliseconds. */
const copyLimit = 600_000;

/** The files that are not there, or not as they are here. */
export const differences = ({ files }: FarAgent, there: ReadonlyMap<string, string>): readonly string[] =>
  files.filter(({ path, sha256 }) => there.get(path) !== sha256).map(({ path }) => path);

const megabytes = ({ files }: FarAgent): string =>
  (files.reduce((sum, { content }) => sum + content.length, 0) / 1_000_000).toFixed(1);

/** What is there instead, of which a person should know. */
const whatIsThere = (agent: FarAgent, { agents, files }: FarLook): string => {
  if (files.size > 0) {
    return `Its agent is damaged: ${differences(agent, files).join(', ')} is not as this bench has it.`;
  }
  return agents.length === 0
    ? 'It has no agent yet.'
    : `It has an agent of another version (${agents.join(', ')}), which this bench does not talk to.`;
};

const questionOf = (machineName: string, agent: FarAgent, look: FarLook): string =>
  [
    `${machineName} is Linux on ${look.machine} with Node ${look.node}.`,
    whatIsThere(agent, look),
    `Copy the agent of this bench there (${agent.files.length} files, ${megabytes(agent)} MB), into ${look.folder}/${agent.folder}? Nothing else is written.`,
  ].join(' ');

/** Copies the agent to the far machine, when that is agreed to, and compares what lies there then. */
export const copyAgent = async (
  { access, agree, onProgress, signal }: SshRigOptions,
  agent: FarAgent,
  look: FarLook,
): Promise<Result<void>> => {
  const machineName = formatSshTarget(access.target);
  const place = `${look.folder}/${agent.folder}`;
  const nothing = `Nothing was copied to ${machineName}`;
  if (agree === null) {
    return failure(
      'agentNotCopied',
      `${nothing}: the agent is not there as this bench has it, and there is nobody to ask; run it in a terminal, or with --copy-agent. ${whatIsThere(agent, look)}`,
    );
  }
  const agreed = await agree(questionOf(machineName, agent, look));
  if (!agreed) return failure('agentNotCopied', `${nothing}: it was not agreed to.`);
  onProgress(`copying ${megabytes(agent)} MB to ${machineName}, into ${place}`);
  const copied = await runSsh(access, { script: copyScript(agent), limit: copyLimit, signal });
  if (!copied.ok) return copied;
  const { code, out, said } = copied.value;
  const details = { details: { said } };
  if (code !== 0) {
    const why = said.find((line) => line.startsWith(copySays))?.slice(copySays.length) ?? said.at(-1);
    return failure(
      'agentNotCopied',
      `The agent was not copied to ${machineName} (${why ?? `exit code ${code}`}); make room in ${look.folder} there, or let this user write it.`,
      details,
    );
  }
  const wrong = differences(agent, filesOf(markedLines(out)));
  return wrong.length === 0
    ? done
    : failure(
        'agentNotCopied',
        `What lies on ${machineName} in ${place} is not what was sent (${wrong.join(', ')}), and is not run; try again.`,
        details,
      );
};
