import { modelledKernels, type ModelledKernel } from './kernelVersion.ts';

export interface DescribedKernel {
  /** The modelled kernel whose steps are shown. */
  readonly version: ModelledKernel;
  /** `nearest`: the release itself is not modelled; the newest modelled one before it is, or the oldest there is. */
  readonly match: 'same' | 'nearest';
}

const numbers = (text: string): readonly [number, number] | null => {
  const found = /^(\d{1,4})\.(\d{1,4})/.exec(text);
  return found === null ? null : [Number(found[1]), Number(found[2])];
};

/** The modelled kernel for what `uname -r` says; null when that is no version of Linux. */
export const describedKernelOf = (release: string): DescribedKernel | null => {
  const wanted = numbers(release);
  if (wanted === null) return null;
  const notNewer = modelledKernels.filter((version) => {
    const [major, minor] = numbers(version) ?? [0, 0];
    return major < wanted[0] || (major === wanted[0] && minor <= wanted[1]);
  });
  const version = notNewer.at(-1) ?? modelledKernels[0];
  return { version, match: version === `${wanted[0]}.${wanted[1]}` ? 'same' : 'nearest' };
};
