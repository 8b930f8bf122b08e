import type { JournalLine, LineOf } from '../journal/line.ts';
import type { RestoreEvent, RestoreHistory } from './history.ts';
import type { ModelledKernel } from './kernelVersion.ts';
import { momentOf } from './moments.ts';
import type { RecordedRecovery } from './recordings.ts';

/** The bytes of a packed reading; null for one that is damaged or not unpacked yet. */
export type Unpack = (packed: string) => Uint8Array | null;

/** The `snapshot` lines of one recovery: the last ones from before it that belong to its arming, and its own. */
export const snapshotLinesOf = (
  lines: readonly JournalLine[],
  recovery: RecordedRecovery,
): readonly LineOf<'snapshot'>[] => {
  const { armed } = recovery.moments;
  const from = armed?.at ?? recovery.openedAt;
  const found: LineOf<'snapshot'>[] = [];
  for (const line of lines) {
    if (line.type === 'armed' && line.at > recovery.openedAt) break;
    if (line.type !== 'snapshot' || line.at < from) continue;
    const before = line.recovery === null && (recovery.number === null || line.seq < recovery.seq);
    const own = line.recovery !== null && line.recovery === recovery.number;
    if (own || before) found.push(line);
  }
  return found;
};

/** What a line tells of the kernel's interrupts: that quiescing had them switched off through SET_IRQS. */
const switchedOff = (line: JournalLine): boolean => {
  if (line.type !== 'step') return false;
  const { event } = line;
  const quiesce =
    event.kind === 'quiesceFinished'
      ? event.report
      : event.kind === 'answered'
        ? event.answered.quiesce
        : null;
  return quiesce?.actions.some(({ action, result }) => action === 'msixOff' && result === 'done') === true;
};

/**
 * What the journal of one recovery tells without a record of single writes: what was read, that the kernel may have reset
 * the device before event 2, and that quiescing switched MSI-X off. What came back by the bench's own writes is then
 * explained by nothing, and never by a source that had no part in it.
 */
export const recordedHistory = (
  lines: readonly JournalLine[],
  recovery: RecordedRecovery,
  kernel: ModelledKernel,
  unpack: Unpack,
): RestoreHistory => {
  const events: RestoreEvent[] = [];
  const readings = new Set<JournalLine>(snapshotLinesOf(lines, recovery));
  let reset = false;
  for (const line of lines) {
    const own = line.type === 'step' && line.seq >= recovery.seq && line.recovery === recovery.number;
    if (own && switchedOff(line)) {
      events.push({ at: line.at, kind: 'kernelFeature', feature: 'msix', change: 'disabled' });
    }
    if (line.type !== 'snapshot' || !readings.has(line)) continue;
    const { at, moment, view, bytes } = line;
    const kind = momentOf(moment)?.kind;
    const isAfter = kind === 'afterReset' || kind === 'afterStep' || kind === 'end';
    if (isAfter && !reset) {
      reset = true;
      events.push({ at, kind: 'recoveryReset', proof: 'possible' });
    }
    const config = unpack(bytes);
    if (config !== null) events.push({ at, kind: 'reading', moment, view, config });
  }
  return { kernel, platform: 'aer', protocol: recovery.protocol, policy: 'unknown', events };
};
