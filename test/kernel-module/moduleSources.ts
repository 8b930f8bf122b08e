import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const moduleFolder = join(import.meta.dirname, '../../resources/kernel-module/vfio-pci-notify');

export const moduleText = (name: string): string => readFileSync(join(moduleFolder, name), 'utf8');

export const sourceNames = (): string[] =>
  readdirSync(moduleFolder)
    .filter((name) => name.endsWith('.c') && !name.endsWith('.mod.c'))
    .sort();

const sources = (): string => sourceNames().map(moduleText).join('\n');

const only = (matches: readonly string[], what: string): string => {
  const [one, ...more] = matches;
  if (one === undefined || more.length > 0)
    throw new Error(`${matches.length} times ${what} instead of once`);
  return one;
};

const capture = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map((match) => match[1] ?? '');

export const moduleVersion = (): string =>
  only(capture(sources(), /^MODULE_VERSION\("([^"]*)"\);$/gm), 'MODULE_VERSION');

/** The name of the `pci_driver`, by which a device is bound. */
export const driverName = (): string =>
  only(
    capture(sources(), /^static struct pci_driver [^}]*?^\t\.name\s*= "([^"]*)",$/gm),
    'the name of the pci_driver',
  );

export interface ModuleParameter {
  readonly name: string;
  /** As /sys/module/.../parameters shows it: a number, Y or N. */
  readonly byDefault: string;
  readonly mode: string;
  readonly description: string;
}

export const moduleParameters = (): ModuleParameter[] => {
  const text = sources();
  return [...text.matchAll(/^module_param\((\w+), (\w+), (\d+)\);$/gm)].map(
    ([, name = '', type, mode = '']) => {
      const initial = only(
        [...text.matchAll(new RegExp(`^static [\\w ]+ ${name}(?: = (\\w+))?;$`, 'gm'))].map(
          ([, value = '0']) => value,
        ),
        `a definition of ${name}`,
      );
      return {
        name,
        byDefault: type === 'bool' ? (initial === 'true' ? 'Y' : 'N') : initial,
        mode,
        description: only(
          capture(text, new RegExp(`^MODULE_PARM_DESC\\(${name},\\s*"([^"]*)"\\);$`, 'gm')),
          `MODULE_PARM_DESC of ${name}`,
        ),
      };
    },
  );
};
