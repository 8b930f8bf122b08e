import { missingCase } from '../../../src-main/core/exhaustive.ts';
import type { WalkProblem } from '../../../src-main/core/pci/capabilities.ts';
import { offsetOf } from '../../snapshots/hex.ts';

/** What could not be followed in the capability lists, in one sentence each. */
export const problemSentence = (problem: WalkProblem): string => {
  switch (problem.kind) {
    case 'headerTruncated':
      return `Only ${problem.length} bytes were read; a header has 64.`;
    case 'unreadable':
      return problem.reading === 'allOnes'
        ? 'The vendor id reads ffff: nobody answers.'
        : 'The header reads zero: this is no config space.';
    case 'loop':
      return `The ${problem.list} list is a ring: ${offsetOf(problem.from)} points back to ${offsetOf(problem.pointer)}.`;
    case 'misaligned':
      return `The pointer ${offsetOf(problem.pointer)} at ${offsetOf(problem.from)} has reserved bits set; they are ignored.`;
    case 'intoHeader':
      return `The ${problem.list} list points from ${offsetOf(problem.from)} into the header (${offsetOf(problem.pointer)}).`;
    case 'truncated':
      return `The ${problem.list} list goes on at ${offsetOf(problem.pointer)}, but only ${problem.length} bytes were read.`;
    case 'allOnes':
      return `The capability at ${offsetOf(problem.pointer)} reads all ones: the device stopped answering, or the pointer is wrong.`;
    case 'capabilityTruncated':
      return `The capability at ${offsetOf(problem.offset)} needs ${problem.needed} bytes, but the reading ends before.`;
    case 'extendedSpaceMissing':
      return `A PCI Express function has 4096 bytes, but only ${problem.length} were read: extended capabilities are not shown.`;
    default:
      return missingCase(problem);
  }
};
