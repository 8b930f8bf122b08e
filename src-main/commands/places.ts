import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RigPlaces } from '../rigs/opening/rigPlaces.ts';
import type { GuestArchitecture } from '../rigs/virtual/guestArchitecture.ts';
import type { BenchParts } from '../rigs/virtual/image/imageStore.ts';

/** The folder that holds package.json, from the sources and from the built bundle alike. */
export const packageRoot = (): string => {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
};

export const scenarioDirectory = (): string => join(packageRoot(), 'resources', 'scenarios');

export const benchVersion = (): string => {
  const text = readFileSync(join(packageRoot(), 'package.json'), 'utf8');
  return String((JSON.parse(text) as { version?: unknown }).version);
};

/** The XDG Base Directory Specification: "not set or empty" is the same. */
const setIn = (environment: NodeJS.ProcessEnv, name: string): string | null => {
  const value = environment[name];
  return value === undefined || value === '' ? null : value;
};

/** Where runs are kept when nobody says otherwise. */
export const runDirectory = (environment: NodeJS.ProcessEnv): string =>
  setIn(environment, 'RECOVERY_BENCH_RUNS') ??
  join(setIn(environment, 'XDG_STATE_HOME') ?? join(homedir(), '.local', 'state'), 'recovery-bench', 'runs');

/** Where the images of guests are kept, and what they are made from. All of it can be made again. */
export const rigCache = (environment: NodeJS.ProcessEnv): string =>
  join(
    setIn(environment, 'RECOVERY_BENCH_CACHE') ??
      join(setIn(environment, 'XDG_CACHE_HOME') ?? join(homedir(), '.cache'), 'recovery-bench'),
    'rigs',
  );

/** What the bench itself puts into a guest. */
export const benchParts = (architecture: GuestArchitecture = 'x86'): BenchParts => {
  const common = {
    recipe: join(packageRoot(), 'resources/rig-images', architecture),
    agent: join(packageRoot(), 'out/agent/agent.mjs'),
  };
  switch (architecture) {
    case 'x86':
      return {
        ...common,
        architecture,
        module: join(packageRoot(), 'resources/kernel-module/vfio-pci-notify'),
      };
    case 's390x':
      return { ...common, architecture, addOn: join(packageRoot(), 'resources/native') };
  }
};

export const rigPlaces = (environment: NodeJS.ProcessEnv): RigPlaces => ({
  bench: benchVersion(),
  root: packageRoot(),
  cache: rigCache(environment),
  parts: { x86: benchParts('x86'), s390x: benchParts('s390x') },
  sshConfig: setIn(environment, 'RECOVERY_BENCH_SSH_CONFIG'),
});
