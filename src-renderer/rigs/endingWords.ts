import { missingCase } from '../../src-main/core/exhaustive.ts';
import type { RigHeader } from '../../src-main/core/journal/line.ts';
import type { RigModel } from '../stores/fold.ts';

const fateOf = ({ kind, name }: RigHeader): string => {
  switch (kind) {
    case 'simulated':
      return 'A simulated machine is gone after that.';
    case 'virtual':
      return 'The guest is ended, and with it everything in it.';
    case 'local':
      return 'The devices stay bound to the drivers that they are on.';
    case 'remote':
      return name.startsWith('ssh:')
        ? 'The agent over there ends; its file stays for the next time.'
        : 'The command is ended; the far machine stays as it is.';
    default:
      return missingCase(kind);
  }
};

/** What comes of ending a rig, before it is done. */
export const whatEndingDoes = (rig: RigModel, deed: 'remove' | 'restart'): string => {
  const open = rig.open.size;
  const devices =
    open === 0
      ? 'The run ends'
      : `${open === 1 ? 'The open device is' : `Its ${open} open devices are`} closed and the run ends`;
  const journal = rig.run === null ? '' : `; the journal of ${rig.run} stays on the disk`;
  const then = deed === 'restart' ? ' Then the same rig is opened anew, and a new run begins.' : '';
  return `${devices}${journal}. ${fateOf(rig.header)}${then}`;
};
