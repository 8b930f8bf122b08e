import { valueAt } from '../pci/bytes.ts';
import { configOffset } from '../pci/registers.ts';
import type { SnapshotView } from '../journal/line.ts';
import { firstOf, momentsOf, published, shownMoments } from './auditMoments.ts';
import type { AuditMoment, Firsts, Moment } from './auditMoments.ts';
import { auditedDevice, type AuditedDevice, type AuditedRegister } from './auditRegisters.ts';
import { problemsOf, unreadableMoments, type AuditProblem } from './auditProblems.ts';
import { auditHazards, type AuditHazard } from './auditHazards.ts';
import type { RestoreHistory } from './history.ts';
import { judge, together } from './judge.ts';
import { finding, type Finding } from './provenance.ts';
import { readableBytes } from './readability.ts';

import { sourcesOf } from './sources.ts';
import type { RestoreStep, RestoreStepName } from './steps.ts';
import { stepTraceOf, traceFacts, type StepTrace } from './stepsTraced.ts';
import { messageBasesOf, sequenceOf, type SequenceContext } from './writers.ts';

/**
 * - `restored`: it was something else in between, and is as it was when armed;
 * - `changed`, `lost`: it is not as it was; `lost` when bits are gone and none came, or it reads all ones;
 * - `hazard`: part of a hazard that is still there;
 * - `expected`: it never changed, or the bench or the device itself changed it, or it is a status that was cleared.
 */
export const auditVerdicts = ['restored', 'changed', 'lost', 'hazard', 'expected'] as const;
export type AuditVerdict = (typeof auditVerdicts)[number];

export interface FieldAudit {
  readonly name: string;
  readonly label: string;
  /** Unsigned, in the register. */
  readonly mask: number;
  readonly finding: Finding;
  readonly verdict: AuditVerdict;
}

export interface RegisterAudit {
  readonly offset: number;
  readonly width: 1 | 2 | 4;
  readonly owner: string;
  readonly name: string;
  readonly label: string;
  /** The step of `pci_restore_state()` that writes it; null for a register that nobody restores. */
  readonly step: RestoreStepName | null;
  /** One for each moment, of the view of the audit; null when it was not read then. */
  readonly values: readonly (number | null)[];
  /** The same in the other view. */
  readonly otherValues: readonly (number | null)[];
  /** Null: its fields have different sources. */
  readonly finding: Finding | null;
  readonly verdict: AuditVerdict;
  readonly fields: readonly FieldAudit[];
}

export interface StepAudit {
  readonly step: RestoreStep;
  /** Indexes into `registers`; none: the device has nothing that this step writes. */
  readonly registers: readonly number[];
  readonly trace: StepTrace;
}

export interface RestoreAudit {
  /** The view that the values and findings are of. */
  readonly view: SnapshotView;
  /** Bytes of the config space: 256 for a conventional function. */
  readonly size: number;
  readonly moments: readonly AuditMoment[];
  /** Which of `moments` the verdicts hold the last one against: `armed`, or the first where there is none. */
  readonly baseline: number;
  readonly registers: readonly RegisterAudit[];
  readonly steps: readonly StepAudit[];
  readonly hazards: readonly AuditHazard[];
  readonly problems: readonly AuditProblem[];
}

const fixedFinding = finding('proved', ['hardwareReset'], [{ kind: 'fixed' }]);
const deviceFinding = finding('proved', ['unknown'], [{ kind: 'setByDevice' }]);
const virtualFinding = finding('open', ['unknown'], [{ kind: 'virtualised' }]);
const unreadFinding = finding('open', ['unknown'], [{ kind: 'neverRead' }]);

/** What vfio_pci_config.c keeps in memory: ids, BARs, ROM, interrupt line and pin, and the MSI capability. */
const isVirtual = ({ owner, offset, name }: AuditedRegister): boolean => {
  if (owner === 'MSI') return true;
  if (owner !== 'Header') return name === 'capabilityHeader';
  if (offset < configOffset.command) return true;
  if (offset >= configOffset.baseAddress0 && offset < configOffset.cardBusCis) return true;
  return offset >= configOffset.expansionRom;
};

const allOnes = (width: 1 | 2 | 4): number => (width === 4 ? 0xffff_ffff : 2 ** (8 * width) - 1);

/** `read`: the values that were read, from the one that the last is held against. */
const verdictOf = (
  read: readonly number[],
  mask: number,
  width: 1 | 2 | 4,
  hazardous: boolean,
  fit: Finding | null,
): AuditVerdict => {
  if (hazardous) return 'hazard';
  const before = ((read[0] ?? 0) & mask) >>> 0;
  const after = ((read.at(-1) ?? 0) & mask) >>> 0;
  const last = read.at(-1) ?? 0;
  if (after === before)
    return read.some((value) => (value & mask) >>> 0 !== before) ? 'restored' : 'expected';
  if (last === allOnes(width) && read[0] !== last) return 'lost';
  const byDevice = fit?.evidence.some(({ kind }) => kind === 'setByDevice') === true;
  if (byDevice || (fit?.source === 'userSpace' && fit.certainty === 'proved')) return 'expected';
  return (after & ~before) === 0 ? 'lost' : 'changed';
};

interface Context {
  readonly view: SnapshotView;
  readonly device: AuditedDevice;
  readonly moments: readonly Moment[];
  readonly baseline: number;
  readonly sequences: SequenceContext;
  readonly hazards: readonly AuditHazard[];
  readonly traces: ReadonlyMap<RestoreStepName, StepTrace>;
}

const valuesIn = (
  { offset, width }: AuditedRegister,
  moments: readonly Moment[],
  view: SnapshotView,
): readonly (number | null)[] =>
  moments.map(({ configs, views }) => {
    const config = configs[view];
    const readability = views[view];
    if (config === undefined || config === null || readability === undefined) return null;
    return offset + width <= readableBytes(readability, config.length)
      ? valueAt(config, offset, width)
      : null;
  });

const natureFinding = (
  register: AuditedRegister,
  nature: AuditedRegister['nature'],
  view: SnapshotView,
): Finding | null => {
  if (nature === 'fixed') return fixedFinding;
  if (nature === 'device') return deviceFinding;
  return view === 'vfio' && isVirtual(register) ? virtualFinding : null;
};

const withTrace = (found: Finding, { step }: AuditedRegister, traces: Context['traces']): Finding => {
  const trace = step === null ? undefined : traces.get(step.name);
  if (step === null || trace === undefined || trace.sight === 'notTraced') return found;
  return { ...found, evidence: [...found.evidence, ...traceFacts(step.name, trace)] };
};

const otherView = { vfio: 'hardware', hardware: 'vfio' } as const;

const auditRegister = (register: AuditedRegister, context: Context): RegisterAudit => {
  const { view, moments, baseline, sequences, hazards, traces } = context;
  const { offset, width, owner, name, label, nature, step } = register;
  const values = valuesIn(register, moments, view);
  const read = values.slice(baseline).filter((value) => value !== null);
  const hazardous = hazards.some(({ state, offsets }) => state === 'present' && offsets.includes(offset));
  const whole = allOnes(width);
  const sequence = nature === 'ordinary' ? sequenceOf(register, sequences) : [];
  const findings = new Map<number, Finding>();
  const findingOf = (mask: number, own: AuditedRegister['nature']): Finding => {
    const known = natureFinding(register, own, view) ?? findings.get(mask);
    if (known !== undefined) return known;
    const judged = judge(sequence, mask);
    const found = judged === null ? unreadFinding : withTrace(judged, register, traces);
    findings.set(mask, found);
    return found;
  };
  const fields = register.fields.map(
    ({ name: fieldName, label: fieldLabel, specification, nature: own }): FieldAudit => {
      const { mask } = specification;
      const found = findingOf(mask, own);
      return {
        name: fieldName,
        label: fieldLabel,
        mask,
        finding: found,
        verdict: verdictOf(read, mask, width, hazardous, found),
      };
    },
  );
  // Fixed bits beside the others say nothing of where a register has its value from.
  const telling = register.fields.flatMap(({ nature: own }, index) =>
    own === nature ? [fields[index]?.finding ?? unreadFinding] : [],
  );
  const found = telling.length === 0 ? findingOf(whole, nature) : together(telling);
  return {
    offset,
    width,
    owner,
    name,
    label,
    step: step?.name ?? null,
    values,
    otherValues: valuesIn(register, moments, otherView[view]),
    finding: found,
    verdict: verdictOf(read, whole, width, hazardous, found),
    fields,
  };
};

/**
 * What became of every register of a device, and where its value comes from, from the readings and from what is known
 * to have happened between them. Sources are told apart by values; the step table of the kernel only says what may have
 * written a register and in which order. The hardware's view is audited where it was kept at all and nobody wants the
 * other, else VFIO's.
 */
export const auditRestore = (history: RestoreHistory, wanted: SnapshotView = 'hardware'): RestoreAudit => {
  const { events, kernel } = history;
  const hardware = firstOf(events, 'hardware');
  const virtual = firstOf(events, 'vfio');
  const firsts: Firsts = {
    ...(hardware === undefined ? {} : { hardware }),
    ...(virtual === undefined ? {} : { vfio: virtual }),
  };
  const view: SnapshotView = firsts[wanted] === undefined && virtual !== undefined ? 'vfio' : wanted;
  const first = firsts[view];
  const moments = shownMoments(momentsOf(events, firsts), history.focus ?? 0);
  if (first === undefined) {
    return {
      view,
      size: 0,
      moments: moments.map(published),
      baseline: 0,
      registers: [],
      steps: [],
      hazards: [],
      problems: [
        { kind: 'nothingRead' },
        ...unreadableMoments(moments, 'hardware'),
        ...unreadableMoments(moments, 'vfio'),
      ],
    };
  }
  const device = auditedDevice(first, kernel);
  const hazards = auditHazards(history, device, first, view);
  const sequences: SequenceContext = {
    first,
    sources: sourcesOf(history, device, first, view),
    messageBases: messageBasesOf(device.placement.capabilities),
  };
  const armed = moments.findLastIndex(({ name, views }) => name === 'armed' && views[view]?.kind === 'whole');
  const baseline = Math.max(0, armed);
  const traces = new Map(device.steps.map(({ name }) => [name, stepTraceOf(name, history, moments)]));
  const context: Context = { view, device, moments, baseline, sequences, hazards, traces };
  const registers = device.registers.map((register) => auditRegister(register, context));
  return {
    view,
    size: device.size,
    moments: moments.map(published),
    baseline,
    registers,
    steps: device.steps.map((step) => ({
      step,
      registers: registers.flatMap((register, index) => (register.step === step.name ? [index] : [])),
      trace: traces.get(step.name) ?? stepTraceOf(step.name, history, moments),
    })),
    hazards,
    problems: problemsOf(device, moments, view, firsts),
  };
};
