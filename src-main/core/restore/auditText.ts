/** The audit in words: for the command line, for copying, and for the report. */
import { missingCase } from '../exhaustive.ts';
import type { AuditVerdict, RegisterAudit, RestoreAudit } from './audit.ts';
import type { AuditProblem } from './auditProblems.ts';
import type { RestoreHistory } from './history.ts';
import { momentOf } from './moments.ts';
import type { AuditFact, Finding, Provenance } from './provenance.ts';
import type { Silent } from './readability.ts';
import type { StepTrace } from './stepsTraced.ts';

export const provenanceText: Readonly<Record<Provenance, string>> = {
  openSnapshot: 'the open-time snapshot',
  lastSave: 'the last save',
  liveKernelState: 'live kernel state',
  policy: 'a policy of the kernel',
  hardwareReset: 'the hardware itself',
  userSpace: 'user space',
  unknown: 'before the recording',
};

export const verdictText: Readonly<Record<AuditVerdict, string>> = {
  restored: 'restored',
  changed: 'changed',
  lost: 'lost',
  hazard: 'hazard',
  expected: 'as expected',
};

const listed = (sources: readonly Provenance[], word: 'or' | 'and'): string => {
  const texts = sources.map((source) => provenanceText[source]);
  const last = texts.pop();
  return texts.length === 0 ? (last ?? 'nothing') : `${texts.join(', ')} ${word} ${last}`;
};

/** One phrase: `the last save (proved)`, `ambiguous: the last save or user space`. Null: fields of several sources. */
export const findingText = (finding: Finding | null): string => {
  if (finding === null) return 'several sources, field by field';
  switch (finding.certainty) {
    case 'proved':
    case 'inferred':
      return `${listed(finding.candidates, 'or')} (${finding.certainty})`;
    case 'ambiguous':
      return `ambiguous: ${listed(finding.candidates, 'or')}`;
    case 'open':
      return finding.evidence.some(({ kind }) => kind === 'unexplained')
        ? 'unknown: nothing that was recorded explains it'
        : `unknown: ${listed(finding.candidates, 'or')}`;
    default:
      return missingCase(finding.certainty);
  }
};

export const hexadecimal = (value: number | null, width: number): string =>
  value === null ? '-' : `0x${value.toString(16).padStart(2 * width, '0')}`;

const seconds = (microseconds: number): string => `${(microseconds / 1_000_000).toFixed(6)} s`;

/** One sentence. `history` gives events their times; `width` is that of the register, in bytes. */
export const factText = (fact: AuditFact, history: RestoreHistory, width: number): string => {
  const timeOf = (event: number | null): string =>
    event === null ? '' : ` at ${seconds(history.events[event]?.at ?? 0)}`;
  switch (fact.kind) {
    case 'fixed':
      return 'Nobody can write it.';
    case 'setByDevice':
      return 'The device itself writes it, so its value proves no restore.';
    case 'virtualised':
      return 'Only the view of VFIO was read, in which VFIO makes it up.';
    case 'neverRead':
      return 'It was never read.';
    case 'unexplained':
      return `No source had ${hexadecimal(fact.value, width)}.`;
    case 'traced':
      return `A trace saw ${fact.function} run${timeOf(fact.event)}.`;
    case 'untraced':
      return fact.because === 'didNotRun'
        ? `A trace would have seen ${fact.step}; it did not run.`
        : `The trace cannot show ${fact.step} on this kernel, so it may have run.`;
    case 'source': {
      const who = `${provenanceText[fact.source]}${timeOf(fact.event)}`;
      const step = fact.step === null ? '' : ` (${fact.step})`;
      const value = hexadecimal(fact.value, width);
      const said: Readonly<Record<typeof fact.fit, string>> = {
        had: `had ${value}.`,
        wrote: `was the last to write, so that it had ${value}.`,
        unseen: 'had a value that was never seen.',
        other: `had ${value}: ruled out.`,
      };
      return `${who.charAt(0).toUpperCase()}${who.slice(1)}${step} ${said[fact.fit]}`;
    }
    default:
      return missingCase(fact);
  }
};

/** `afterReset` is the reset, and a step of reinitialising goes by its own name. */
const momentWords = (name: string): string => {
  const moment = momentOf(name);
  if (moment === null) return name;
  const words = {
    open: 'the opening',
    armed: 'the arming',
    beforeFault: 'the time before the fault',
    duringWait: 'the error',
    afterReset: 'the reset',
    end: 'the end',
    look: 'a look',
  } as const;
  return moment.kind === 'afterStep' ? moment.step : words[moment.kind];
};

const silenceText = (silent: Silent): string => {
  switch (silent.because) {
    case 'allOnes':
      return 'all ones, the device did not answer.';
    case 'damaged':
      return 'what the journal kept of it is damaged; the device may well have answered.';
    case 'refused': {
      const { error } = silent;
      if (error === null) return 'it was not read, and why was not kept.';
      const errno = error.errno === undefined ? '' : ` (${error.errno.name}, ${error.errno.number})`;
      return `${error.code}${errno}. ${error.message}`;
    }
    default:
      return missingCase(silent);
  }
};

/** Whether the step happened, in a few words; empty where nobody traced. */
export const stepTraceText = ({ sight, events }: StepTrace): string => {
  switch (sight) {
    case 'ran':
      return events.length === 1 ? 'seen to run' : `seen to run ${events.length} times`;
    case 'didNotRun':
      return 'did not run';
    case 'unseen':
      return 'unseen, may have run';
    case 'notTraced':
      return '';
    default:
      return missingCase(sight);
  }
};

/** One sentence. */
export const problemText = (problem: AuditProblem): string => {
  switch (problem.kind) {
    case 'nothingRead':
      return 'No config space was read that answers: there is nothing to audit.';
    case 'onlyVirtualView':
      return 'The hardware’s config space was never read (sysfs config, root): ids, BARs and MSI are as VFIO makes them up.';
    case 'unreadable': {
      const { view, names, readability } = problem;
      const what = `Config space (${view} view)`;
      const where = `at ${names.map(momentWords).join(', ')}`;
      if (readability.kind === 'upTo') {
        const from = `0x${readability.offset.toString(16)}`;
        return readability.because === 'short'
          ? `${what} unreadable from ${from} on ${where}: the reading ends there.`
          : `${what} unreadable from ${from} on ${where}: all ones, where the device had others before.`;
      }
      return `${what} unreadable ${where}: ${silenceText(readability)}`;
    }
    case 'capabilityWalk':
      return `The capability lists could not be followed to their ends (${problem.problem.kind}).`;
    case 'unknownCapability':
      return `${problem.name} at 0x${problem.offset.toString(16)} has no layout here; it is audited as raw dwords.`;
    case 'vendorCapability':
      return `${problem.name} at 0x${problem.offset.toString(16)} holds what only its vendor knows; it is audited as raw dwords, and no step of the kernel restores it.`;
    case 'unknownHeader':
      return `The header is ${problem.headerKind === 'cardBus' ? 'one of a CardBus bridge' : 'of an unknown type'}; only its first 16 bytes are audited.`;
    default:
      return missingCase(problem);
  }
};

/** One line: where, what, its values over time, verdict and source. */
export const registerLine = (register: RegisterAudit): string => {
  const { offset, width, owner, label, values, verdict, finding } = register;
  const over = values.map((value) => hexadecimal(value, width)).join(' ');
  const at = offset.toString(16).padStart(3, '0');
  return `${at}  ${owner}: ${label}  ${over}  ${verdictText[verdict]}; ${findingText(finding)}`;
};

/** All of an audit as text, by steps; registers that never changed are counted, not listed. */
export const auditText = (audit: RestoreAudit): string => {
  const telling = ({ verdict, finding }: RegisterAudit): boolean =>
    verdict !== 'expected' || finding?.source === 'userSpace';
  const section = (title: string, registers: readonly RegisterAudit[]): readonly string[] => {
    const shown = registers.filter(telling);
    const rest = registers.length - shown.length;
    return [
      title,
      ...shown.map((register) => `  ${registerLine(register)}`),
      ...(rest === 0 ? [] : [`  ${rest} as expected`]),
    ];
  };
  const stepLines = audit.steps.flatMap(({ step, registers, trace }) => {
    const seen = stepTraceText(trace);
    const title = seen === '' ? step.name : `${step.name} (${seen})`;
    if (registers.length === 0) return [`${title}: the device has nothing that it writes`];
    return section(
      title,
      registers.flatMap((index) => audit.registers[index] ?? []),
    );
  });
  return [
    `View: ${audit.view}; ${audit.size} bytes; moments: ${audit.moments.map(({ name }) => name).join(', ')}`,
    ...audit.problems.map(problemText),
    ...audit.hazards.map(({ state, title, evidence, remedy }) =>
      state === 'present' ? `HAZARD ${title} ${evidence}. ${remedy}` : `Put right: ${title} ${evidence}.`,
    ),
    ...stepLines,
    ...section(
      'No step',
      audit.registers.filter(({ step }) => step === null),
    ),
  ].join('\n');
};
