import type { JournalLine } from '../core/journal/line.ts';
import { auditRestore, type RestoreAudit } from '../core/restore/audit.ts';
import { recordedRecoveries, type RecordedRecovery } from '../core/restore/recordings.ts';
import { historyOf } from '../core/restore/runHistory.ts';
import { decodeSnapshot } from '../journal/snapshot.ts';
import type { RigInfo } from '../rigs/rig.ts';

/**
 * What the audit of one recovery finds in the lines of its device, as it would in the journal. Null where the rig's
 * kernel is none that the audit knows.
 */
export const auditOf = (
  lines: readonly JournalLine[],
  recovery: RecordedRecovery,
  { kernel, architecture }: RigInfo,
): RestoreAudit | null => {
  const history = historyOf({ lines, kernel, architecture }, recovery, (line) => {
    const bytes = decodeSnapshot(line.bytes);
    return bytes.ok ? bytes.value : null;
  });
  return history === null ? null : auditRestore(history);
};

/** The audit of the device's last recovery, or of what was done to it since it was armed. Null: nothing to audit yet. */
export const lastAuditOf = (lines: readonly JournalLine[], info: RigInfo): RestoreAudit | null => {
  const last = recordedRecoveries(lines).at(-1);
  return last === undefined ? null : auditOf(lines, last, info);
};
