import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileFailure } from '../../kernel/fileFailure.ts';
import { success, type Result } from '../../core/result.ts';
import { farFolderPrefix } from './farFolder.ts';

/** As `uname -m` names them. */
export const farMachines = ['x86_64', 's390x'] as const;
export type FarMachine = (typeof farMachines)[number];

export interface AgentFile {
  /** From the agent's folder on. */
  readonly path: string;
  readonly content: Buffer;
  /** In hexadecimal. */
  readonly sha256: string;
}

/** The agent, and what it loads, as it lies on a far machine. */
export interface FarAgent {
  /** Its folder: another version of the bench or of the agent is another folder. */
  readonly folder: string;
  readonly files: readonly AgentFile[];
}

export const sha256Of = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** Reads what has to lie on the far machine. `beside`: paths from the agent on, and where they are here. */
export const readFarAgent = async (
  bench: string,
  machine: FarMachine,
  agent: string,
  beside: readonly { readonly path: string; readonly file: string }[],
): Promise<Result<FarAgent>> => {
  const files: AgentFile[] = [];
  for (const { path, file } of [{ path: 'agent.mjs', file: agent }, ...beside]) {
    try {
      const content = await readFile(file);
      files.push({ path, content, sha256: sha256Of(content) });
    } catch (thrown) {
      return fileFailure(
        thrown,
        `A part of the agent cannot be read here (${file}); "npm run build:agent" makes it.`,
      );
    }
  }
  return success({ folder: `${farFolderPrefix(bench, files[0]?.sha256 ?? '')}-${machine}`, files });
};
