import { imageOf } from '../../src-main/commands/virtualRigs.ts';
import { checkPrograms } from '../../src-main/rigs/virtual/guest.ts';
import { defaultKernel } from '../../src-main/rigs/virtual/virtualRigName.ts';

/** What a guest needs and this machine lacks, as a sentence; null when guests can be started. */
export const missingForGuests = async (): Promise<string | null> => {
  const programs = checkPrograms();
  if (!programs.ok) return programs.error.message;
  const image = await imageOf({ kernel: defaultKernel, architecture: 'x86' }, process.env);
  return image.ok ? null : image.error.message;
};
