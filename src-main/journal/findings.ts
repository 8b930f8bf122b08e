import { missingCase } from '../core/exhaustive.ts';
import type { DamageCause } from './codec.ts';

/** What a reader found wrong. Line numbers count from 1 and byte offsets from 0, as an editor and `dd` do. */
export type Finding =
  /** The file ends inside a line: the process or the machine died while it was being written. */
  | {
      readonly kind: 'tornLastLine';
      readonly lineNumber: number;
      readonly byteOffset: number;
      readonly bytes: number;
    }
  /** The last line is whole but for its newline. */
  | { readonly kind: 'unterminatedLastLine'; readonly lineNumber: number; readonly byteOffset: number }
  | {
      readonly kind: 'damagedLine';
      readonly lineNumber: number;
      readonly byteOffset: number;
      readonly because: DamageCause;
      readonly detail: string;
    }
  /** Sequence numbers, both included, of which the file holds nothing, not even damaged lines. */
  | { readonly kind: 'missingLines'; readonly from: number; readonly to: number }
  /** No line says which run this is: it is damaged, cut off, or was never written. */
  | { readonly kind: 'missingHeader' }
  /** The journal is of another version; nothing after its first line was interpreted. */
  | { readonly kind: 'unknownSchema'; readonly found: number };

/** One sentence for the screen. */
export const sentenceOfFinding = (finding: Finding): string => {
  switch (finding.kind) {
    case 'tornLastLine':
      return `Line ${finding.lineNumber} was never finished: ${finding.bytes} bytes from byte ${finding.byteOffset} to the end of the file.`;
    case 'unterminatedLastLine':
      return `Line ${finding.lineNumber} is whole, but its newline at byte ${finding.byteOffset} is missing.`;
    case 'damagedLine':
      return `Line ${finding.lineNumber} at byte ${finding.byteOffset} is damaged (${finding.because}): ${finding.detail}`;
    case 'missingLines':
      return finding.from === finding.to
        ? `The line with sequence number ${finding.from} is missing.`
        : `The lines with sequence numbers ${finding.from} to ${finding.to} are missing.`;
    case 'missingHeader':
      return 'The first line, which names the run, the rig and the version, is missing or damaged.';
    case 'unknownSchema':
      return `The journal has schema version ${finding.found}, which this version of the bench does not know.`;
    default:
      return missingCase(finding);
  }
};
