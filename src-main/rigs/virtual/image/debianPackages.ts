import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { failure, success, type Result } from '../../../core/result.ts';
import type { PinnedPackage } from './imageManifest.ts';
import type { Recipe } from './recipe.ts';
import { runTool } from './runTool.ts';

type Source = Recipe['suites'][string][number];
type Architecture = Recipe['debianArchitecture'];

const mirrors = {
  debian: 'http://deb.debian.org/debian',
  'debian-security': 'http://deb.debian.org/debian-security',
} as const;

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

export const fileHash = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
};

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** The mirrors that this machine's apt uses, so that one behind a firewall is asked and not the world's. */
const localMirrors = async (): Promise<typeof mirrors | Record<Source['archive'], string>> => {
  const listed = await runTool('apt-get', ['indextargets', '--format', '$(REPO_URI)'], {
    purpose: 'ask apt for its mirrors',
    advice: 'its answer is in the details',
  });
  const uris = listed.ok ? listed.value.split('\n').map((uri) => uri.replace(/\/$/, '')) : [];
  return {
    debian: uris.find((uri) => uri.endsWith('/debian')) ?? mirrors.debian,
    'debian-security': uris.find((uri) => uri.endsWith('/debian-security')) ?? mirrors['debian-security'],
  };
};

/** The paragraph of one package as `apt-cache show` prints it; folded lines are left out. */
const fieldsOf = (paragraph: string): ReadonlyMap<string, string> =>
  new Map(
    paragraph.split('\n').flatMap((line) => {
      const match = /^([\w-]+): (.*)$/.exec(line);
      return match === null ? [] : [[match[1] ?? '', match[2] ?? ''] as const];
    }),
  );

/** The names in the answer of `apt-get install --simulate`: `Inst make (4.4.1-3 Debian:unstable [amd64])`. */
export const simulatedNames = (answer: string): readonly string[] =>
  [...answer.matchAll(/^Inst ([a-z0-9][a-z0-9.+-]+)/gm)].map((match) => match[1] ?? '');

/** What belongs to the kernel among the dependencies of a kernel package. */
const kernelPart = /^linux-(image|binary|modules|base|base-modules|headers|kbuild)-[\w.+-]+$/;

const dependenciesOf = (fields: ReadonlyMap<string, string>): readonly string[] =>
  (fields.get('Depends') ?? '')
    .split(',')
    .map((clause) => clause.trim().split(/[\s(|]/)[0] ?? '')
    .filter((name) => kernelPart.test(name));

/**
 * Debian's packages of one release, through an apt whose lists and settings are the bench's own: the machine's are
 * neither needed nor touched, and no root is.
 */
export class DebianPackages {
  readonly #apt: string;
  readonly #store: string;
  readonly #sources: readonly Source[];
  readonly #settings: readonly string[];

  /** `cache`: of the bench. `name`: of the release. */
  constructor(cache: string, architecture: Architecture, name: string, sources: readonly Source[]) {
    this.#apt = join(cache, 'apt', architecture, name);
    this.#store = join(cache, 'packages');
    this.#sources = sources;
    const setting = (key: string, value: string): string[] => ['-o', `${key}=${value}`];
    this.#settings = [
      ...setting('Dir::State', join(this.#apt, 'state')),
      ...setting('Dir::State::status', join(this.#apt, 'status')),
      ...setting('Dir::Cache', join(this.#apt, 'cache')),
      ...setting('Dir::Etc::SourceList', join(this.#apt, 'sources.list')),
      ...setting('Dir::Etc::SourceParts', '-'),
      ...setting('APT::Architecture', architecture),
      ...setting('APT::Architectures', architecture),
      ...setting('APT::Sandbox::User', ''),
      ...setting('Acquire::Languages', 'none'),
    ];
  }

  /** Fetches the release's lists of packages. */
  async update(): Promise<Result<void>> {
    for (const folder of ['state/lists/partial', 'cache/archives/partial']) {
      await mkdir(join(this.#apt, folder), { recursive: true });
    }
    const at = await localMirrors();
    const signed = (await exists(keyring)) ? `[signed-by=${keyring}] ` : '';
    const lines = this.#sources.map(({ archive, suite }) => `deb ${signed}${at[archive]} ${suite} main\n`);
    await writeFile(join(this.#apt, 'sources.list'), lines.join(''));
    await writeFile(join(this.#apt, 'status'), '');
    const updated = await this.#run('apt-get', ['update', '-qq', '--error-on=any'], {
      purpose: `fetch the lists of Debian's packages`,
      advice: 'check the network and the mirrors in /etc/apt',
    });
    return updated.ok ? success(undefined) : updated;
  }

  /** The package of the newest kernel among those whose name is the pattern; its `*` stands for the release. */
  async newestKernel(pattern: string): Promise<Result<string>> {
    const [before = '', after = ''] = pattern.split('*');
    const listed = await this.#run('apt-cache', ['pkgnames', before], {
      purpose: 'list the kernels',
      advice: 'its answer is in the details',
    });
    if (!listed.ok) return listed;
    const releases = listed.value
      .split('\n')
      .filter((name) => name.startsWith(before) && name.endsWith(after))
      .map((name) => name.slice(before.length, name.length - after.length))
      .filter((release) => /^\d+\.\d+[^-]*(-\d+)?$/.test(release));
    const newest = releases.sort((one, other) => one.localeCompare(other, 'en', { numeric: true })).at(-1);
    return newest === undefined
      ? failure('imageNotBuilt', `The archive has no package ${pattern} today.`)
      : success(`${before}${newest}${after}`);
  }

  /** The newest version of each package; `follow`: and of the parts of the kernel that they depend on. */
  async pin(names: readonly string[], follow: 'dependencies' | 'nothing'): Promise<Result<PinnedPackage[]>> {
    const pinned = new Map<string, PinnedPackage>();
    const wanted = [...names];
    for (let name = wanted.shift(); name !== undefined; name = wanted.shift()) {
      if (pinned.has(name)) continue;
      const shown = await this.#run('apt-cache', ['show', '--no-all-versions', name], {
        purpose: `find the package ${name}`,
        advice: 'the release does not have it',
      });
      if (!shown.ok) return shown;
      const fields = fieldsOf(shown.value);
      const version = fields.get('Version');
      const sha256 = fields.get('SHA256');
      if (version === undefined || sha256 === undefined) {
        return failure(
          'imageNotBuilt',
          `The bench cannot find the package ${name}: the release does not have it.`,
        );
      }
      pinned.set(name, { name, version, sha256 });
      if (follow === 'dependencies') wanted.push(...dependenciesOf(fields));
    }
    return success([...pinned.values()]);
  }

  /** The newest version of each package, and of everything that an empty machine would need to run them. */
  async pinWhole(names: readonly string[]): Promise<Result<PinnedPackage[]>> {
    const words = ['install', '--simulate', '-qq', '--no-install-recommends', ...names];
    const solved = await this.#run('apt-get', words, {
      purpose: 'find what the packages depend on',
      advice: 'the release cannot be installed today; its answer is in the details',
    });
    if (!solved.ok) return solved;
    const shown = await this.#run(
      'apt-cache',
      ['show', '--no-all-versions', ...simulatedNames(solved.value)],
      { purpose: 'find packages', advice: 'its answer is in the details' },
    );
    if (!shown.ok) return shown;
    const pinned: PinnedPackage[] = [];
    for (const paragraph of shown.value.trim().split(/\n\n+/)) {
      const fields = fieldsOf(paragraph);
      const [name, version, sha256] = ['Package', 'Version', 'SHA256'].map((field) => fields.get(field));
      if (name === undefined || version === undefined || sha256 === undefined) {
        const message = `The release describes the package ${name ?? 'without a name'} without version or SHA-256.`;
        return failure('imageNotBuilt', message);
      }
      pinned.push({ name, version, sha256 });
    }
    return success(pinned);
  }

  /** The path of a package's file, downloaded unless it is there, and what it should be by its hash. */
  async fetch({ name, version, sha256 }: PinnedPackage): Promise<Result<string>> {
    const path = join(this.#store, `${sha256}.deb`);
    if (await exists(path)) return success(path);
    await mkdir(this.#store, { recursive: true });
    const folder = await mkdtemp(join(this.#store, 'fetching-'));
    try {
      const downloaded = await this.#run('apt-get', ['download', '-qq', `${name}=${version}`], {
        folder,
        purpose: `download the package ${name} ${version}`,
        advice: 'check the network, or take the newest packages with --update',
      });
      if (!downloaded.ok) return downloaded;
      const [file = ''] = await readdir(folder);
      const found = await fileHash(join(folder, file));
      if (found !== sha256) {
        const message = `The package ${name} ${version} is not the one of the manifest: its SHA-256 is ${found}.`;
        return failure('imageNotBuilt', message);
      }
      await rename(join(folder, file), path);
      return success(path);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  #run(tool: string, words: readonly string[], wish: { folder?: string; purpose: string; advice: string }) {
    return runTool(tool, [...this.#settings, ...words], wish);
  }
}

/** Unpacks packages over one another into a folder, as their installation would, without their scripts. */
export const unpackPackages = async (paths: readonly string[], folder: string): Promise<Result<void>> => {
  await mkdir(folder, { recursive: true });
  for (const path of paths) {
    const unpacked = await runTool('dpkg-deb', ['--extract', path, folder], {
      purpose: 'unpack a Debian package',
      advice: 'remove the cache of rigs and build again',
    });
    if (!unpacked.ok) return unpacked;
  }
  return success(undefined);
};
