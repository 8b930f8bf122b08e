import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { failure, success, type Result } from '../../core/result.ts';
import { findAddOn } from '../../kernel/addOn/addOnFile.ts';
import { compileAddOn, addOnName } from '../virtual/image/compileAddOn.ts';
import { koffiFiles } from '../virtual/image/guestFiles.ts';
import { readFarAgent, type FarAgent, type FarMachine } from './farAgent.ts';

/** Where this bench has what is copied. */
export interface AgentSources {
  readonly bench: string;
  /** The bundled agent. */
  readonly agent: string;
  /** node_modules. */
  readonly packages: string;
  /** The sources of the add-on for s390x. */
  readonly addOnSource: string;
  /** Where the add-on is when it was built. */
  readonly addOns: string;
}

type Beside = Result<readonly { readonly path: string; readonly file: string }[]>;

const newestIn = (folder: string): number =>
  Math.max(...readdirSync(folder).map((name) => statSync(join(folder, name)).mtimeMs));

/** The built add-on, made anew where its source is newer. What is for another processor is refused here. */
const addOnBeside = async ({ packages, addOnSource, addOns }: AgentSources): Promise<Beside> => {
  const file = join(addOns, addOnName);
  if (!existsSync(file) || statSync(file).mtimeMs < newestIn(addOnSource)) {
    const built = await compileAddOn(addOnSource, packages, addOns);
    if (!built.ok) return failure('machineUnfit', built.error.message, built.error);
  }
  const fits = findAddOn('s390x', [file]);
  return fits.ok
    ? success([{ path: addOnName, file }])
    : failure(
        'machineUnfit',
        `The add-on that calls the kernel of an s390x machine is not copied: ${file} is for another processor; run "make" in resources/native.`,
        { details: { why: fits.error.message } },
      );
};

const koffiBeside = async ({ packages }: AgentSources): Promise<Beside> =>
  success(
    (await koffiFiles(packages)).map((path) => ({
      path: `node_modules/${path}`,
      file: join(packages, path),
    })),
  );

/** The agent for such a machine, with what calls the kernel for it there. */
export const agentFor = async (sources: AgentSources, machine: FarMachine): Promise<Result<FarAgent>> => {
  const beside = await (machine === 's390x' ? addOnBeside(sources) : koffiBeside(sources));
  return beside.ok ? readFarAgent(sources.bench, machine, sources.agent, beside.value) : beside;
};
