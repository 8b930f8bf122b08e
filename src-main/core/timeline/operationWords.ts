import { missingCase } from '../exhaustive.ts';
import type { LineOf } from '../journal/line.ts';
import { markingLineOf, type UnmarkCause } from '../restore/markingRun.ts';
import { platformActions, platformWords } from '../zpci/platformActions.ts';

const causeWords: Readonly<Record<UnmarkCause, string>> = {
  recoveryEnded: 'the recovery has ended',
  cancelled: 'the marking run was cancelled',
  disarmed: 'the device was disarmed',
  closed: 'the device is closed',
  deviceVanished: 'the device has vanished',
  notStarted: 'no register took a mark',
};

const counted = (count: number): string => `${count} register${count === 1 ? '' : 's'}`;

const platformWordsOf = (operation: string): string | null => {
  const action = platformActions.find((known) => known === operation);
  return action === undefined ? null : `platform: ${platformWords[action].title}`;
};

/** What was done, in a few words; an operation that needs none is told by its name. */
export const operationWords = (line: LineOf<'operation'>): string => {
  const marking = markingLineOf(line);
  switch (marking?.operation) {
    case undefined:
      return platformWordsOf(line.operation) ?? line.operation;
    case 'marking': {
      const { approval, plan } = marking;
      return `marking run of ${counted(plan.marks.length)} approved by ${approval.operator}: ${approval.reason}`;
    }
    case 'mark': {
      const { did, notTaken } = marking.report;
      const missed = notTaken.length === 0 ? '' : `; not taken: ${notTaken.join(', ')}`;
      return `write marks into ${counted(did.length)}${missed}`;
    }
    case 'unmark':
      return `put old values back into ${counted(marking.report.did.length)}: ${causeWords[marking.because]}`;
    default:
      return missingCase(marking);
  }
};
