import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { driverName, moduleFolder, moduleParameters, moduleVersion } from './moduleSources.ts';

const installedHeaders = (): string | undefined => {
  const release = (folder: string) => folder.replace('/build', '');
  const folders = existsSync('/lib/modules')
    ? readdirSync('/lib/modules').map((name) => `/lib/modules/${name}/build`)
    : [];
  return folders
    .filter((folder) => existsSync(join(folder, 'Makefile')))
    .sort((one, other) => release(one).localeCompare(release(other), 'en', { numeric: true }))
    .at(-1);
};

const headers = process.env['KERNEL_HEADERS'] ?? installedHeaders();
/** Where everything has to be there, what is missing fails. */
const skipped = headers === undefined && process.env['CI'] !== 'true';
const sparse = spawnSync('sparse', ['--version']).status === 0;

const scratch: string[] = [];
afterEach(() => {
  for (const folder of scratch.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A copy of the module, and what make says of it. */
const build = (change: (folder: string) => void = () => {}) => {
  const folder = mkdtempSync(join(tmpdir(), 'vfio-pci-notify-'));
  scratch.push(folder);
  cpSync(moduleFolder, folder, { recursive: true });
  spawnSync('make', ['-C', folder, `KDIR=${headers}`, 'clean']);
  change(folder);
  // Debian's kernels want type information in their modules, which takes a tool that few have installed.
  const words = ['-C', folder, `KDIR=${headers}`, 'W=1', 'CONFIG_DEBUG_INFO_BTF_MODULES='];
  const { status, stdout, stderr } = spawnSync('make', [...words, ...(sparse ? ['C=2'] : [])], {
    encoding: 'utf8',
  });
  return {
    status,
    warnings: `${stdout}\n${stderr}`.split('\n').filter((line) => /\b(warning|error)\b/i.test(line)),
    module: join(folder, `${driverName()}.ko`),
  };
};

describe.skipIf(skipped)(
  'building the kernel module (needs linux-headers-amd64, or KERNEL_HEADERS=<their folder>)',
  { timeout: 120_000 },
  () => {
    it('builds without a warning, and the module says what the sources say', () => {
      const { status, warnings, module } = build();
      expect(warnings).toEqual([]);
      expect(status).toBe(0);
      const said = readFileSync(module).toString('latin1').split('\0');
      expect(said).toContain('license=GPL');
      expect(said).toContain(`version=${moduleVersion()}`);
      expect(said.filter((text) => text.startsWith('alias='))).toEqual([]);
      expect(said.filter((text) => text.startsWith('parm=')).sort()).toEqual(
        moduleParameters()
          .map(({ name, description }) => `parm=${name}:${description}`)
          .sort(),
      );
    });

    it('would show a warning of the compiler, and of sparse where it is installed', () => {
      const { warnings } = build((folder) => {
        appendFileSync(join(folder, 'trigger.c'), '\nint undeclared(void)\n{\n\treturn 0;\n}\n');
      });
      const about = warnings.filter((line) => line.includes('undeclared'));
      expect(about.some((line) => line.includes('no previous prototype'))).toBe(true);
      expect(about.some((line) => line.includes('was not declared'))).toBe(sparse);
    });
  },
);
