import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildImage } from '../../../src-main/rigs/virtual/image/buildImage.ts';
import { formatManifest } from '../../../src-main/rigs/virtual/image/imageManifest.ts';
import { benchInputs, findImage, imageFolder } from '../../../src-main/rigs/virtual/image/imageStore.ts';
import { benchParts } from '../../../src-main/commands/places.ts';

const root = mkdtempSync(join(tmpdir(), 'recovery-bench-images-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const hash = 'a'.repeat(64);
let count = 0;

/** A cache with an image in it that was made of parts that are made up. */
const store = async () => {
  count += 1;
  const folder = join(root, String(count));
  const parts = {
    architecture: 'x86' as const,
    recipe: join(folder, 'recipe'),
    module: join(folder, 'module'),
    agent: join(folder, 'agent.mjs'),
  };
  for (const path of [parts.recipe, parts.module]) mkdirSync(path, { recursive: true });
  writeFileSync(join(parts.recipe, 'recipe.json'), '{}');
  writeFileSync(join(folder, 'init'), '#!/bin/sh\n');
  writeFileSync(join(parts.module, 'driver.c'), 'int main;\n');
  writeFileSync(parts.agent, 'agent\n');
  const cache = join(folder, 'cache');
  const image = imageFolder(cache, 'x86', 'bookworm');
  mkdirSync(image, { recursive: true });
  const inputs = { ...(await benchInputs(parts)), node: hash, koffi: hash };
  const manifest = formatManifest({
    format: 2,
    architecture: 'x86',
    name: 'bookworm',
    release: '6.1.0-56-amd64',
    ...{ kernelPackages: [], userPackages: [], toolPackages: [], compiler: 'gcc' },
    inputs,
    outputs: { vmlinuz: hash, initramfs: hash },
  });
  writeFileSync(join(image, 'manifest.json'), manifest);
  return { cache, image, parts };
};

const notBuilt = (words: RegExp) => ({
  ok: false,
  error: { code: 'imageNotBuilt', message: expect.stringMatching(words) as string },
});

describe('an image', () => {
  it('is found when it was made of what the bench has', async () => {
    const { cache, parts, image } = await store();
    expect(await findImage(cache, 'bookworm', parts)).toMatchObject({
      ok: true,
      value: { vmlinuz: join(image, 'vmlinuz'), manifest: { release: '6.1.0-56-amd64' } },
    });
  });

  it('that is not there says how it is built', async () => {
    const { cache, parts } = await store();
    expect(await findImage(cache, 'sid', parts)).toMatchObject(
      notBuilt(/"sid".* is not built; run "rbench rig build x86 --kernel sid"\.$/),
    );
  });

  it.each([
    ['recipe/recipe.json', /another recipe/],
    ['init', /another init script/],
    ['module/driver.c', /another kernel module/],
    ['agent.mjs', /another agent/],
  ])('is refused when %s has changed since', async (file, words) => {
    const { cache, parts } = await store();
    appendFileSync(join(parts.recipe, '..', file), ' ');
    expect(await findImage(cache, 'bookworm', parts)).toMatchObject(notBuilt(words));
  });

  it('is the same though the module was built beside its sources', async () => {
    const { cache, parts } = await store();
    writeFileSync(join(parts.module, 'driver.ko'), 'object');
    expect(await findImage(cache, 'bookworm', parts)).toMatchObject({ ok: true });
  });

  it('whose manifest is torn is not there', async () => {
    const { cache, parts, image } = await store();
    writeFileSync(join(image, 'manifest.json'), '{"format": 1');
    expect(await findImage(cache, 'bookworm', parts)).toMatchObject(notBuilt(/is not built/));
  });
});

describe('a build that cannot be', () => {
  const wishes = { parts: { ...benchParts(), agent: join(root, 'none.mjs') }, packages: join(root, 'none') };
  const build = (kernel: Parameters<typeof buildImage>[0]['kernel'], cache: string) =>
    buildImage({ ...wishes, cache, kernel, versions: 'pinned', onProgress: () => undefined });

  it('says what the folder of an unpacked kernel lacks', async () => {
    const empty = join(root, 'empty');
    mkdirSync(empty);
    expect(await build({ kind: 'folder', path: empty }, join(root, 'c1'))).toMatchObject(
      notBuilt(/holds no kernel modules; unpack the image, modules, headers and kbuild packages/),
    );
  });

  it('leaves the image that was there, and no scratch folder', async () => {
    const { cache, parts, image } = await store();
    expect(await build({ kind: 'release', name: 'bookworm' }, cache)).toMatchObject({ ok: false });
    expect(await findImage(cache, 'bookworm', parts)).toMatchObject({ ok: true, value: { folder: image } });
    expect(readdirSync(cache)).toEqual(['x86']);
  });
});
