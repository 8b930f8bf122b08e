import { describe, expect, it } from 'vitest';
import { auditRestore, type RegisterAudit } from '../../../src-main/core/restore/audit.ts';
import type { Certainty, Finding } from '../../../src-main/core/restore/provenance.ts';
import { valueAt } from '../../../src-main/core/pci/bytes.ts';
import type { RestoreHistory, TraceSight } from '../../../src-main/core/restore/history.ts';
import type { ModelledKernel } from '../../../src-main/core/restore/kernelVersion.ts';
import { restoreStepsOf } from '../../../src-main/core/restore/steps.ts';
import type { ModelDevice } from '../../../src-main/rigs/simulated/modelDevice.ts';
import type { TrueSource } from '../../../src-main/rigs/simulated/sourceLedger.ts';
import { Draw, randomHistory, type RandomHistory } from './randomHistories.ts';

const histories = 10_000;
const traced = 2_000;

const complaint = (value: number, found: Finding, truth: TrueSource): string | null => {
  const { certainty, candidates, source } = found;
  if (certainty === 'open') return null;
  if (certainty !== 'ambiguous') return source === truth.source ? null : `says ${source}, is ${truth.source}`;
  if (candidates.length < 2) return 'is ambiguous between fewer than two';
  if (!candidates.includes(truth.source)) return `says one of ${candidates.join(', ')}, is ${truth.source}`;
  const others = candidates.filter((one) => truth.offered.get(one) !== value);
  return others.length === 0 ? null : `says ambiguous, but ${others.join(', ')} had another value`;
};

interface Tally {
  readonly complaints: string[];
  readonly counts: Record<Certainty, number>;
  /** Values that differ from the first reading, and those of them whose one source was named. */
  changed: number;
  named: number;
}

const cellKey = (offset: number, mask: number | null): string => `${offset}/${mask ?? '-'}`;

/** A register has one source only where that source had every part of it. */
const registerComplaint = (
  { offset, name, finding }: RegisterAudit,
  { ledger, fn }: ModelDevice,
  cellsAt: ReadonlyMap<number, readonly number[]>,
): string | null => {
  const source = finding?.source ?? null;
  if (source === null) return null;
  const wrong = (cellsAt.get(offset) ?? []).some((index) => {
    const cell = ledger.cells[index];
    if (cell === undefined) return false;
    const truth = ledger.of(index);
    const value = (valueAt(fn.config, offset, cell.width) & cell.mask) >>> 0;
    return truth.source !== source && truth.offered.get(source) !== value;
  });
  return wrong ? `register ${name} says ${source}, but part of it is not` : null;
};

const hold = (
  seed: number,
  { device, kernel, policy }: RandomHistory,
  tally: Tally,
  history: RestoreHistory = device.history(),
): void => {
  const audit = auditRestore(history);
  const findings = new Map<string, Finding>();
  const first = new Map<number, number>();
  const cellsAt = new Map<number, number[]>();
  device.ledger.cells.forEach(({ offset }, index) => {
    const cells = cellsAt.get(offset);
    if (cells === undefined) cellsAt.set(offset, [index]);
    else cells.push(index);
  });
  const complain = (what: string): void => {
    tally.complaints.push(`${seed} (${kernel}, ${policy}): ${what}`);
  };
  for (const register of audit.registers) {
    const { offset, fields, values } = register;
    if (fields.length === 0 && register.finding !== null)
      findings.set(cellKey(offset, null), register.finding);
    for (const field of fields) findings.set(cellKey(offset, field.mask), field.finding);
    first.set(offset, values.find((value) => value !== null) ?? 0);
    const wrong = registerComplaint(register, device, cellsAt);
    if (wrong !== null) complain(wrong);
  }
  device.ledger.cells.forEach((cell, index) => {
    const { offset, width, mask, field } = cell;
    const found = findings.get(cellKey(offset, field === null ? null : mask));
    if (found === undefined) return complain(`no finding for ${cell.register} at ${offset}`);
    const value = (valueAt(device.fn.config, offset, width) & mask) >>> 0;
    const wrong = complaint(value, found, device.ledger.of(index));
    if (wrong !== null) complain(`${cell.register}.${field ?? ''} at 0x${offset.toString(16)} ${wrong}`);
    tally.counts[found.certainty] += 1;
    if (value === ((first.get(offset) ?? 0) & mask) >>> 0) return;
    tally.changed += 1;
    if (found.source !== null) tally.named += 1;
  });
};

const loads = ['pci_load_saved_state', 'pci_load_and_free_saved_state'] as const;

/** A trace that shows some functions of the kernel and not others; one in five has lost records. */
const randomSight = (seed: number, kernel: ModelledKernel): TraceSight => {
  const draw = new Draw(seed);
  const functions = new Set(draw.some(['pci_restore_state', 'pci_save_state', ...loads], 8));
  const steps = restoreStepsOf(kernel).map(({ name }) => [name, draw.chance(7) ? 'seen' : 'unseen'] as const);
  return { functions, steps: new Map(steps), whole: draw.chance(8), heard: Number.MAX_SAFE_INTEGER };
};

describe('the audit of random devices and histories', () => {
  it('is right as well where only a trace tells what the kernel restored, whatever part of it the trace shows', () => {
    const counts = { proved: 0, inferred: 0, ambiguous: 0, open: 0 };
    const tally: Tally = { complaints: [], counts, changed: 0, named: 0 };
    const sights = { ran: 0, didNotRun: 0, unseen: 0, notTraced: 0 };
    for (let seed = 1; seed <= traced; seed += 1) {
      // Where function resets restore by a policy as well, only the run can say so.
      const random = randomHistory(seed);
      if (random.policy === 'resetDone') continue;
      const history = random.device.history('unknown', randomSight(seed, random.kernel));
      hold(seed, random, tally, history);
      for (const { trace } of auditRestore(history).steps) sights[trace.sight] += 1;
    }
    expect(tally.complaints.slice(0, 40)).toEqual([]);
    expect(tally.named / tally.changed).toBeGreaterThan(0.5);
    for (const count of [sights.ran, sights.didNotRun, sights.unseen]) expect(count).toBeGreaterThan(traced);
  }, 120_000);

  it('names the true source of every value, and is ambiguous only where two sources had it', () => {
    const counts = { proved: 0, inferred: 0, ambiguous: 0, open: 0 };
    const tally: Tally = { complaints: [], counts, changed: 0, named: 0 };
    for (let seed = 1; seed <= histories; seed += 1) hold(seed, randomHistory(seed), tally);
    expect(tally.complaints.slice(0, 40)).toEqual([]);
    // It could be right by never saying anything; it says something, and of what changed it mostly says one source.
    const all = counts.proved + counts.inferred + counts.ambiguous + counts.open;
    expect(counts.open / all).toBeLessThan(0.03);
    expect(counts.proved / all).toBeGreaterThan(0.1);
    expect(tally.named / tally.changed).toBeGreaterThan(0.6);
  }, 120_000);
});
