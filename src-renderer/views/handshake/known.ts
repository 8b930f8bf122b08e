import type { QuiesceReport } from '../../../src-main/core/recovery/reports.ts';
import type { Recovery, RecoveryState } from '../../../src-main/core/recovery/state.ts';
import { errorWord, severityWords } from './words.ts';

/** How many registers differ since the device was armed; null while that is not known. */
export type RegistersSince = number | 'allOnes' | null;

export interface Fact {
  readonly name: string;
  readonly value: string;
  readonly tone: 'plain' | 'fatal' | 'warn' | 'good' | 'quiet';
  readonly mono?: true;
}

const actionWords = {
  touchingStopped: 'untouched',
  busMasterOff: 'bus master',
  msixOff: 'MSI-X',
  barsUnmapped: 'BARs',
  transactionsDrained: 'transactions',
} as const;

const quiesceFact = (report: QuiesceReport | null): Fact => {
  if (report === null) return { name: 'Quiesced', value: 'not yet', tone: 'quiet' };
  const failed = report.actions.filter(({ result }) => result === 'failed');
  if (failed.length > 0) {
    const what = failed.map(
      ({ action, error }) => `${actionWords[action]} (${error?.errno?.name ?? error?.code ?? 'failed'})`,
    );
    return report.succeeded
      ? { name: 'Quiesced', value: `cut off by the platform; no answer: ${what.join(', ')}`, tone: 'plain' }
      : { name: 'Quiesced', value: `not quiet: ${what.join(', ')}`, tone: 'warn' };
  }
  // What did not need it was off already.
  const off = report.actions.filter(
    ({ action }) => action !== 'touchingStopped' && action !== 'transactionsDrained',
  );
  const words = off.map(({ action }) => actionWords[action]).join(', ');
  const drained = report.actions.some(({ action }) => action === 'transactionsDrained');
  return {
    name: 'Quiesced',
    value: `${words === '' ? 'nothing to switch off' : `${words} off`}${drained ? '; idle' : ''}`,
    tone: 'plain',
  };
};

const errorFact = ({ severity, errors, quiesce }: Recovery): Fact => {
  const names = errors.map(errorWord);
  const word = severityWords[severity];
  const rest =
    names.length === 0 ? (quiesce === null ? '' : ', nothing in the registers') : `, ${names.join('; ')}`;
  return { name: 'Error', value: `${word}${rest}`, tone: severity === 'fatal' ? 'fatal' : 'plain' };
};

const sharersFact = (sharers: readonly string[] | null): Fact =>
  sharers === null
    ? { name: 'Shares the reset', value: 'not told yet', tone: 'quiet' }
    : sharers.length === 0
      ? { name: 'Shares the reset', value: 'nobody', tone: 'plain' }
      : { name: 'Shares the reset', value: sharers.join(' '), tone: 'warn', mono: true };

const kernelFact = (state: RecoveryState, { kernelWord }: Recovery): readonly Fact[] => {
  if (state.arming.uevents === 'unobservable') {
    return [{ name: 'Kernel', value: 'its uevents cannot be heard here', tone: 'quiet' }];
  }
  if (kernelWord === 'silent') return [];
  const words = { begun: 'BEGIN_RECOVERY', successful: 'SUCCESSFUL_RECOVERY', failed: 'FAILED_RECOVERY' };
  const tone = kernelWord === 'failed' ? 'fatal' : kernelWord === 'successful' ? 'good' : 'plain';
  return [{ name: 'Kernel', value: words[kernelWord], tone, mono: true }];
};

/** What is known of a recovery, in the order in which it matters for the decision. */
export const knownFacts = (
  state: RecoveryState,
  sharers: readonly string[] | null,
  registers: RegistersSince,
): readonly Fact[] => {
  if (state.phase === 'armed') return [sharersFact(sharers)];
  const { recovery } = state;
  const facts: Fact[] = [errorFact(recovery), sharersFact(sharers), quiesceFact(recovery.quiesce)];
  if (registers !== null) {
    const words = { 0: 'none changed since armed', allOnes: 'all read as ones' } as const;
    const value =
      registers === 0 || registers === 'allOnes' ? words[registers] : `${registers} changed since armed`;
    facts.push({ name: 'Registers', value, tone: registers === 'allOnes' ? 'warn' : 'plain' });
  }
  facts.push(...kernelFact(state, recovery));
  if (recovery.coalesced > 0) {
    const value = `${recovery.coalesced} more read at once`;
    facts.push({ name: 'Signals', value, tone: 'warn' });
  }
  if (recovery.approval !== null) {
    const { operator, reason, by } = recovery.approval;
    const value =
      by === 'person'
        ? `${operator}: ${reason}`
        : `the policy, ${by === 'policy' ? 'at once' : 'when time ran short'}`;
    facts.push({ name: 'Approved', value, tone: 'plain' });
  }
  if ('exchange' in state && state.exchange.kind === 'refused') {
    const { error } = state.exchange;
    facts.push({
      name: 'Refused',
      value: `${error.errno?.name ?? error.code}: ${error.message}`,
      tone: 'fatal',
    });
  }
  return facts;
};
