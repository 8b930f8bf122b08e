import { join } from 'node:path';
import { failure, success, type Result } from '../../core/result.ts';
import type { GuestArchitecture } from '../virtual/guestArchitecture.ts';
import { guestTopology, topologyNames } from '../virtual/guestTopology.ts';
import { buildImage, type BuildWishes, type BuiltImage } from '../virtual/image/buildImage.ts';
import { findImage, type RigImage } from '../virtual/image/imageStore.ts';
import { cancellable } from '../virtual/image/runTool.ts';
import type { BootWishes } from '../virtual/kernelCommandLine.ts';
import { openVirtualRig, type VirtualRig } from '../virtual/virtualRig.ts';
import { formatVirtualRigName, type VirtualRigName } from '../virtual/virtualRigName.ts';
import { agentIsStale, bundleAgent } from './bundleAgent.ts';
import type { RigPlaces } from './rigPlaces.ts';

export interface VirtualWish extends Pick<BootWishes, 'driver' | 'moduleParameters'> {
  readonly name: VirtualRigName;
}

export interface OpeningNeeds {
  readonly places: RigPlaces;
  /** `build`: an image that is not there, or is older than the bench, is made first. */
  readonly image: 'build' | 'asItIs';
  /** One short line for each thing that takes time, and what a far end says on standard error. */
  readonly onProgress: (text: string) => void;
  /** Asks a person before something is written on another machine; without it, nobody is there to be asked. */
  readonly agree?: ((question: string) => Promise<boolean>) | undefined;
  /** `unwatched`: the kernel's functions are not traced, until somebody wishes it; left out they are. */
  readonly kernelTrace?: 'watched' | 'unwatched';
  /** Gives the opening up; what was begun of it is ended. */
  readonly signal?: AbortSignal | undefined;
}

export interface ImageWishes extends Pick<BuildWishes, 'kernel' | 'versions'> {
  readonly architecture: GuestArchitecture;
}

/** Makes the image of a guest, or finds that it is made of the same already. */
export const makeImage = (
  { architecture, kernel, versions }: ImageWishes,
  { places, onProgress, signal }: Omit<OpeningNeeds, 'image'>,
): Promise<Result<BuiltImage>> =>
  cancellable(signal, async () => {
    onProgress('bundling the agent');
    const bundled = await bundleAgent(places.root);
    if (!bundled.ok) return bundled;
    return buildImage({
      cache: places.cache,
      parts: places.parts[architecture],
      packages: join(places.root, 'node_modules'),
      kernel,
      versions,
      onProgress,
    });
  });

const imageFor = async (
  { architecture, kernel }: VirtualRigName,
  needs: OpeningNeeds,
): Promise<Result<RigImage>> => {
  const { places, image, onProgress, signal } = needs;
  if (image === 'build' && agentIsStale(places.root, places.parts[architecture].agent)) {
    onProgress('bundling the agent');
    const bundled = await cancellable(signal, () => bundleAgent(places.root));
    if (!bundled.ok) return bundled;
  }
  const found = await findImage(places.cache, kernel, places.parts[architecture]);
  if (found.ok || image === 'asItIs') return found;
  onProgress(`building the image "${kernel}", which takes a minute or two and is done once`);
  const built = await makeImage(
    { architecture, kernel: { kind: 'release', name: kernel }, versions: 'pinned' },
    needs,
  );
  return built.ok ? success(built.value.image) : built;
};

/** Boots the guest of this name. */
export const openVirtual = async (
  { name, driver, moduleParameters }: VirtualWish,
  needs: OpeningNeeds,
): Promise<Result<VirtualRig>> => {
  const { places, onProgress, signal } = needs;
  const image = await imageFor(name, needs);
  if (!image.ok) return image;
  if (signal?.aborted === true)
    return failure('rigNotStarted', 'The guest was not started: it was given up.');
  return openVirtualRig({
    image: image.value,
    name: formatVirtualRigName(name),
    bench: places.bench,
    topology: guestTopology(name.topology ?? topologyNames[name.architecture][0]),
    driver,
    moduleParameters,
    onProgress,
    ...(signal === undefined ? {} : { signal }),
  });
};
