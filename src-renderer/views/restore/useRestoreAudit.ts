import { computed, type ComputedRef } from 'vue';
import type { JournalLine, LineOf, SnapshotView } from '../../../src-main/core/journal/line.ts';
import { auditRestore, type RestoreAudit } from '../../../src-main/core/restore/audit.ts';
import type { RestoreHistory } from '../../../src-main/core/restore/history.ts';
import { historyLines } from '../../../src-main/core/restore/historyLines.ts';
import type { RecordedRecovery } from '../../../src-main/core/restore/recordings.ts';
import { historyOf } from '../../../src-main/core/restore/runHistory.ts';
import { useInflated } from '../../snapshots/useInflated.ts';

export interface Audited {
  /** Number of the line that the recovery begins with. */
  readonly seq: number;
  readonly history: RestoreHistory;
  readonly audit: RestoreAudit;
}

export interface AuditWish {
  /** All lines of one device, and those of the rig's run, which say whether the kernel is traced. */
  readonly lines: readonly JournalLine[];
  readonly run: readonly JournalLine[];
  readonly recovery: RecordedRecovery | null;
  readonly kernel: string;
  readonly architecture: string;
  readonly view: SnapshotView;
}

/** The audit of one recovery; null while its readings are unpacked, and where the kernel is not known. */
export const useRestoreAudit = (wish: () => AuditWish): ComputedRef<Audited | null> => {
  const readings = computed((): readonly LineOf<'snapshot'>[] => {
    const { lines, recovery } = wish();
    if (recovery === null) return [];
    return historyLines(lines, recovery).lines.filter((line) => line.type === 'snapshot');
  });
  const inflated = useInflated(() => readings.value.map(({ bytes }) => bytes));
  return computed<Audited | null>((previous) => {
    const { lines: own, run, recovery, kernel, architecture, view } = wish();
    if (recovery === null) return null;
    const lines = [...own, ...run.filter((line) => line.type === 'kernelTrace' && line.device === null)];
    // What came last is still being unpacked: what was there before it is shown until then.
    if (readings.value.some(({ bytes }) => !inflated.value.has(bytes))) {
      return previous?.seq === recovery.seq ? previous : null;
    }
    const history = historyOf({ lines, kernel, architecture }, recovery, ({ bytes }) => {
      const unpacked = inflated.value.get(bytes);
      return unpacked?.ok === true ? unpacked.value : null;
    });
    return history === null ? null : { seq: recovery.seq, history, audit: auditRestore(history, view) };
  });
};
