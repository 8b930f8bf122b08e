import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { ESLint } from 'eslint';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const eslint = new ESLint({ cwd: root });

/** Where each room is, written down a second time: the table of the lint configuration is what is tested. */
const folders = {
  core: 'src-main/core',
  kernel: 'src-main/kernel',
  rigs: 'src-main/rigs',
  agent: 'src-main/agent',
  journal: 'src-main/journal',
  coordinator: 'src-main/coordinator',
  scenarios: 'src-main/scenarios',
  service: 'src-main/service',
  commands: 'src-main/commands',
  door: 'src-main/door',
  console: 'src-main/console',
  contract: 'preload/contract',
  bridge: 'preload',
  renderer: 'src-renderer',
} as const;
type Room = keyof typeof folders;
const rooms = Object.keys(folders) as Room[];

/** Besides itself. */
const mayImport: Readonly<Record<Room, readonly Room[]>> = {
  core: [],
  kernel: ['core'],
  rigs: ['kernel', 'core', 'contract'],
  agent: ['rigs', 'kernel', 'core', 'contract'],
  journal: ['core', 'contract'],
  coordinator: ['rigs', 'journal', 'core', 'contract'],
  scenarios: ['coordinator', 'rigs', 'journal', 'core', 'contract'],
  service: ['scenarios', 'coordinator', 'rigs', 'journal', 'core', 'contract'],
  commands: ['door', 'service', 'scenarios', 'coordinator', 'rigs', 'journal', 'core', 'contract'],
  door: ['service', 'core', 'contract'],
  console: ['service', 'core', 'contract'],
  contract: ['core'],
  bridge: ['contract'],
  renderer: ['contract', 'core'],
};

const packages = [
  'node:fs',
  'koffi',
  'zod',
  'yaml',
  'commander',
  'electron',
  'vue',
  'pinia',
  'ws',
  'vscode-jsonrpc/node',
  'fast-check',
] as const;
type Package = (typeof packages)[number];

const mayUse: Readonly<Record<Room, readonly Package[]>> = {
  core: [],
  kernel: ['node:fs', 'koffi'],
  rigs: ['node:fs', 'zod', 'vscode-jsonrpc/node'],
  agent: ['node:fs', 'zod', 'vscode-jsonrpc/node'],
  journal: ['node:fs', 'zod'],
  coordinator: ['node:fs', 'zod'],
  scenarios: ['node:fs', 'zod', 'yaml'],
  service: ['node:fs', 'zod'],
  commands: ['node:fs', 'zod', 'commander'],
  door: ['node:fs', 'zod', 'ws'],
  console: ['node:fs', 'zod', 'electron'],
  contract: ['zod'],
  bridge: ['electron'],
  renderer: ['vue', 'pinia'],
};

/** The rules that complain about a file with this text at this place. */
const complaints = async (path: string, text: string): Promise<readonly string[]> => {
  const results = await eslint.lintText(text, { filePath: join(root, path) });
  const messages = results.flatMap((result) => result.messages);
  const fatal = messages.find((message) => message.fatal === true);
  if (fatal !== undefined) throw new Error(fatal.message);
  return messages.flatMap(({ ruleId }) => ruleId ?? []);
};

const boundary = 'boundaries/dependencies';

/** A source file that is really there: what cannot be resolved belongs to no room. */
const fileIn = (room: Room): string | null => {
  const folder = join(root, folders[room]);
  if (!existsSync(folder)) return null;
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /^(?!contract).*\.ts$/.test(file),
  );
  const [first] = files.sort();
  return first === undefined ? null : join(folders[room], first);
};

const importOf = (from: string, to: string): string => {
  const path = relative(dirname(from), to);
  return `import * as other from '${path.startsWith('.') ? path : `./${path}`}';\nexport const all = other;\n`;
};

describe.each(rooms)('the room %s', (room) => {
  const here = join(folders[room], 'somewhere', 'virtual.ts');

  it.each(rooms.filter((other) => fileIn(other) !== null))('and the room %s', async (other) => {
    const target = fileIn(other) ?? '';
    const found = await complaints(here, importOf(here, target));
    const allowed = other === room || mayImport[room].includes(other);
    expect({ target, allowed: !found.includes(boundary) }).toEqual({ target, allowed });
  });

  it.each(packages)('and the package %s', async (name) => {
    const found = await complaints(here, `import * as other from '${name}';\nexport const all = other;\n`);
    expect(!found.includes(boundary)).toBe(mayUse[room].includes(name));
  });

  it('types count as well: an arrow is an arrow', async () => {
    const target = fileIn('commands') ?? '';
    if (room === 'commands') return;
    const text = importOf(here, target)
      .replace('import *', 'import type *')
      .replace('export const all = other', 'export type All = typeof other');
    expect(await complaints(here, text)).toContain(boundary);
  });
});

describe('the core', () => {
  const here = 'src-main/core/virtual.ts';

  it.each([
    'Date.now()',
    'new Date()',
    'setTimeout(() => 1, 1)',
    'setInterval(() => 1, 1)',
    'setImmediate(() => 1)',
    'performance.now()',
    'process.env',
    'console.log(1)',
    "fetch('x')",
  ])('may not say %s', async (expression) => {
    expect(await complaints(here, `export const value = ${expression};\n`)).toContain(
      'no-restricted-globals',
    );
    expect(
      await complaints('src-main/rigs/virtual.ts', `export const value = ${expression};\n`),
    ).not.toContain('no-restricted-globals');
  });

  it('may not throw dice, but may count', async () => {
    expect(await complaints(here, 'export const value = Math.random();\n')).toContain(
      'no-restricted-properties',
    );
    expect(await complaints(here, 'export const value = Math.max(1, 2);\n')).toEqual([]);
  });

  it('may not leave through a dynamic import', async () => {
    expect(await complaints(here, "export const value = import('node:fs');\n")).toContain(boundary);
  });
});

describe('a folder that is no room', () => {
  it.each(['src-main/attic/virtual.ts', 'src-main/attic/deep/virtual.ts'])(
    '%s is an error by itself',
    async (path) => {
      expect(await complaints(path, 'export const value = 1;\n')).toContain('boundaries/no-unknown-files');
    },
  );
});

describe('doors and tests', () => {
  it.each(['src-main/virtual.ts', 'test/commands/virtual.test.ts'])('%s opens every room', async (path) => {
    for (const room of rooms) {
      const target = fileIn(room);
      if (target === null) continue;
      expect(await complaints(path, importOf(path, target))).toEqual([]);
    }
  });
});

it('every folder of src-main is a room of this table', () => {
  const found = readdirSync(join(root, 'src-main'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `src-main/${entry.name}`);
  expect(Object.values(folders)).toEqual(expect.arrayContaining(found));
});
