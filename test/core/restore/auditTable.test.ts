import { describe, expect, it } from 'vitest';
import { auditRestore, type RestoreAudit } from '../../../src-main/core/restore/audit.ts';
import { auditTable, verdictCounts, type AuditSection } from '../../../src-main/core/restore/auditTable.ts';
import { recordedRecoveries } from '../../../src-main/core/restore/recordings.ts';
import { historyOf } from '../../../src-main/core/restore/runHistory.ts';
import { restoreStepsOf } from '../../../src-main/core/restore/steps.ts';
import { decodeSnapshot } from '../../../src-main/journal/snapshot.ts';
import { notHandedDown, withSession } from '../../coordinator/between.ts';
import { Lab, fatal, valueOf } from '../../coordinator/lab.ts';
import { linesOfDevice } from './recorded.ts';

const auditOf = async (until: 'afterReset' | 'end'): Promise<RestoreAudit> => {
  const lab = new Lab({ between: (rig) => withSession(rig, notHandedDown) });
  try {
    await lab.arm({
      decision: 'ackWhenQuiesced',
      afterReset: until === 'end' ? 'reinitialise' : 'wait',
    });
    await lab.hit(fatal);
    await lab.until(until, () =>
      lab.linesOf('snapshot').some(({ moment, view }) => moment === until && view === 'hardware'),
    );
    const lines = linesOfDevice(lab);
    const recovery = recordedRecoveries(lines).at(-1);
    if (recovery === undefined) throw new Error('Nothing was recorded.');
    const run = { lines, kernel: '7.2.13', architecture: 'x86_64' };
    const history = historyOf(run, recovery, ({ bytes }) => valueOf(decodeSnapshot(bytes)));
    if (history === null) throw new Error('No steps are known of 7.2.13.');
    return auditRestore(history);
  } finally {
    await lab.close();
  }
};

const sectionOf = (sections: readonly AuditSection[], name: string): AuditSection => {
  const found = sections.find(({ step }) => step?.name === name);
  if (found === undefined) throw new Error(`There is no step ${name}.`);
  return found;
};
const offsetsOf = ({ telling, rest }: AuditSection): readonly number[] =>
  [...telling, ...rest].map(({ register }) => register.offset);

describe('the picture of a fatal recovery', () => {
  it('wipes what observation 3 says at the reset, and has it back at the end', async () => {
    const audit = await auditOf('end');
    const names = ['armed', 'duringWait', 'afterReset', 'end'];
    const places = names.map((name) => audit.moments.findIndex((moment) => moment.name === name));
    expect(places).not.toContain(-1);
    const rows = auditTable(audit, 'all').flatMap(({ telling }) => telling);
    for (const label of ['DevCtl', 'Control', 'Region 1', 'Region 4', 'MSI-X']) {
      const row = rows.find(({ register }) => register.label === label);
      const cells = places.map((place) => row?.cells[place]);
      expect(`${label}: ${cells.join(' ')} ${row?.register.verdict}`).toBe(
        `${label}: same same changed back restored`,
      );
    }
    expect(audit.hazards.every(({ state }) => state === 'passed')).toBe(true);
  });

  it('names the bench as the source of what it wrote itself', async () => {
    const { registers } = await auditOf('end');
    const finding = registers.find(({ label }) => label === 'DevCtl')?.finding;
    expect([finding?.certainty, finding?.source]).toEqual(['proved', 'userSpace']);
  });

  it('lists every step in kernel order, and every register once', async () => {
    const audit = await auditOf('end');
    const sections = auditTable(audit, 'all');
    expect(sections.map(({ step }) => step?.name)).toEqual([
      ...restoreStepsOf('7.2').map(({ name }) => name),
      undefined,
    ]);
    expect(sections.flatMap(offsetsOf).sort((one, other) => one - other)).toEqual(
      audit.registers.map(({ offset }) => offset).sort((one, other) => one - other),
    );
    expect(sectionOf(sections, 'pci_restore_tph_state')).toMatchObject({ count: 0, verdict: null });
    const counts = verdictCounts(audit);
    expect(Object.values(counts).reduce((sum, count) => sum + count)).toBe(audit.registers.length);
  });

  it('has the worst first, and only that with a filter', async () => {
    const audit = await auditOf('afterReset');
    const header = sectionOf(auditTable(audit, 'all'), 'pci_restore_config_space');
    const verdicts = header.telling.map(({ register }) => register.verdict);
    expect(header.verdict).toBe('hazard');
    expect(verdicts[0]).toBe('hazard');
    expect(verdicts.lastIndexOf('hazard')).toBeLessThan(verdicts.indexOf('lost'));
    const hazards = auditTable(audit, 'hazards');
    expect(hazards.every(({ telling }) => telling.length > 0)).toBe(true);
    const kinds = (sections: readonly AuditSection[]) => [
      ...new Set(sections.flatMap(({ telling }) => telling.map(({ register }) => register.verdict))),
    ];
    expect(kinds(hazards)).toEqual(['hazard']);
    expect(kinds(auditTable(audit, 'lost')).sort()).toEqual(['hazard', 'lost']);
  });
});
