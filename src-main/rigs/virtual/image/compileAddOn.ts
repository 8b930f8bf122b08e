import { join } from 'node:path';
import { success, type Result } from '../../../core/result.ts';
import { runTool } from './runTool.ts';

/** What runs in the guest and was compiled on this machine for another one; `resources/native/Makefile` knows how. */
const architecture = 's390x';
export const addOnName = `syscalls-${architecture}.node`;

/** The first line of what the cross-compiler says of itself: another compiler gives another add-on. */
export const crossCompilerVersion = async (source: string): Promise<Result<string>> => {
  const said = await runTool('make', ['-C', source, `ARCHITECTURE=${architecture}`, '--silent', 'compiler'], {
    purpose: 'compile the add-on for s390x',
    advice: 'install the Debian packages "gcc-s390x-linux-gnu" and "libc6-dev-s390x-cross"',
  });
  return said.ok ? success(said.value.split('\n')[0] ?? '') : said;
};

/** Builds the add-on from its source and answers its path. `packages`: node_modules, with the headers of Node-API. */
export const compileAddOn = async (
  source: string,
  packages: string,
  scratch: string,
): Promise<Result<string>> => {
  const headers = join(packages, 'node-api-headers', 'include');
  const words = [`ARCHITECTURE=${architecture}`, `OUTPUT=${scratch}`, `HEADERS=${headers}`];
  const built = await runTool('make', ['-C', source, ...words], {
    purpose: 'compile the add-on for s390x',
    advice: 'its output is in the details (--json shows it)',
  });
  return built.ok ? success(join(scratch, addOnName)) : built;
};
