import { imageOf } from '../../src-main/commands/virtualRigs.ts';
import { checkPrograms } from '../../src-main/rigs/virtual/guest.ts';
import { defaultKernels } from '../../src-main/rigs/virtual/guestArchitecture.ts';
import { defaultKernel } from '../../src-main/rigs/virtual/virtualRigName.ts';

/** What a guest needs and this machine lacks, as a sentence; null when guests can be started. */
export const missingForGuests = async (): Promise<string | null> => {
  const programs = checkPrograms();
  if (!programs.ok) return programs.error.message;
  const image = await imageOf({ kernel: defaultKernel, architecture: 'x86' }, process.env);
  return image.ok ? null : image.error.message;
};

/** What a guest of s390x needs besides; null when one can be started. */
export const missingForS390x = async (kernel: string = defaultKernels.s390x): Promise<string | null> => {
  const programs = checkPrograms('s390x');
  if (!programs.ok) return programs.error.message;
  const image = await imageOf({ kernel, architecture: 's390x' }, process.env);
  return image.ok ? null : image.error.message;
};
