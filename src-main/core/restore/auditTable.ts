/** An audit as a picture: the restore steps down, the moments across. */
import { auditVerdicts, type AuditVerdict, type RegisterAudit, type RestoreAudit } from './audit.ts';
import type { RestoreStep } from './steps.ts';
import type { StepTrace } from './stepsTraced.ts';

/**
 * A register, or all registers of a step, at one moment, held against the baseline.
 * `back`: as at the baseline, after it had been something else. `before`: earlier than the baseline.
 */
export const cellStates = ['same', 'changed', 'back', 'before', 'notRead'] as const;
export type CellState = (typeof cellStates)[number];

export const auditFilters = ['all', 'lost', 'hazards'] as const;
export type AuditFilter = (typeof auditFilters)[number];

export interface AuditRow {
  readonly register: RegisterAudit;
  /** One for each moment. */
  readonly cells: readonly CellState[];
}

export interface AuditSection {
  /** Null: the registers that no step writes. */
  readonly step: RestoreStep | null;
  /** How many registers of the device it has, whatever the filter; none: the device has nothing that it writes. */
  readonly count: number;
  /** Null where no step is. */
  readonly trace: StepTrace | null;
  /** One for each moment: of its registers the one that stands out most. */
  readonly cells: readonly CellState[];
  /** The worst of its registers; null without any. */
  readonly verdict: AuditVerdict | null;
  /** What is worth a line: the worst first, then by offset. */
  readonly telling: readonly AuditRow[];
  /** As expected, and nothing that anybody asked about. */
  readonly rest: readonly AuditRow[];
}

const cellsOf = ({ values }: RegisterAudit, baseline: number): readonly CellState[] => {
  const first = values.slice(baseline).find((value) => value !== null);
  let differed = false;
  return values.map((value, index): CellState => {
    if (value === null) return 'notRead';
    if (index < baseline) return value === first ? 'same' : 'before';
    if (value === first) return differed ? 'back' : 'same';
    differed = true;
    return 'changed';
  });
};

const severity: readonly AuditVerdict[] = ['hazard', 'lost', 'changed', 'restored', 'expected'];
const standsOut: readonly CellState[] = ['changed', 'back', 'before', 'same', 'notRead'];

const worst = (rows: readonly AuditRow[]): AuditVerdict | null =>
  severity.find((verdict) => rows.some(({ register }) => register.verdict === verdict)) ?? null;

const isTelling = ({ register, cells }: AuditRow): boolean =>
  register.verdict !== 'expected' || cells.includes('changed');

const isWanted = ({ register: { verdict } }: AuditRow, filter: AuditFilter): boolean =>
  filter === 'all' || verdict === 'hazard' || (filter === 'lost' && verdict === 'lost');

const sectionOf = (
  step: RestoreStep | null,
  registers: readonly RegisterAudit[],
  trace: StepTrace | null,
  audit: RestoreAudit,
  filter: AuditFilter,
): AuditSection => {
  const rows = registers.map((register): AuditRow => ({
    register,
    cells: cellsOf(register, audit.baseline),
  }));
  const rank = ({ register }: AuditRow): number => severity.indexOf(register.verdict);
  const wanted = rows.filter((row) => isWanted(row, filter));
  return {
    step,
    count: rows.length,
    trace,
    cells: audit.moments.map(
      (_, moment) =>
        standsOut.find((state) => rows.some(({ cells }) => cells[moment] === state)) ?? 'notRead',
    ),
    verdict: worst(rows),
    telling: wanted
      .filter(isTelling)
      .sort((one, other) => rank(one) - rank(other) || one.register.offset - other.register.offset),
    rest: wanted.filter((row) => !isTelling(row)),
  };
};

/** Every step in kernel order, and last what no step writes; with a filter only those that have something to show. */
export const auditTable = (audit: RestoreAudit, filter: AuditFilter): readonly AuditSection[] => {
  const sections = [
    ...audit.steps.map(({ step, registers, trace }) =>
      sectionOf(
        step,
        registers.flatMap((index) => audit.registers[index] ?? []),
        trace,
        audit,
        filter,
      ),
    ),
    sectionOf(
      null,
      audit.registers.filter(({ step }) => step === null),
      null,
      audit,
      filter,
    ),
  ];
  return filter === 'all' ? sections : sections.filter(({ telling }) => telling.length > 0);
};

/** How many registers have each verdict. */
export const verdictCounts = (audit: RestoreAudit): Readonly<Record<AuditVerdict, number>> => {
  const counts: Record<AuditVerdict, number> = { restored: 0, changed: 0, lost: 0, hazard: 0, expected: 0 };
  for (const verdict of auditVerdicts) {
    counts[verdict] = audit.registers.filter((register) => register.verdict === verdict).length;
  }
  return counts;
};
