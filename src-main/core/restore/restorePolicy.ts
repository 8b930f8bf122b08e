import type { RestoreHistory, RestorePolicy } from './history.ts';

/** drivers/pci/pci.c; the second calls the first. */
const loads = ['pci_load_saved_state', 'pci_load_and_free_saved_state'] as const;

/**
 * What a trace saw the kernel's recovery restore after its reset, the event `index`: a load and a restore, a restore
 * alone, or neither. `unknown`: it did not show it.
 */
export const tracedPolicyAt = ({ events, trace }: RestoreHistory, index: number): RestorePolicy => {
  const rest = events.slice(index + 1);
  const end = rest.findIndex(({ kind }) => kind === 'reading' || kind === 'recoveryReset');
  const names = rest
    .slice(0, end === -1 ? rest.length : end)
    .flatMap((one) => (one.kind === 'traced' && one.by !== 'reset' ? [one.function] : []));
  if (!names.includes('pci_restore_state')) {
    const heard = trace !== undefined && trace.whole && trace.heard >= (events[index]?.at ?? Infinity);
    return heard && trace.functions.has('pci_restore_state') ? 'nothing' : 'unknown';
  }
  if (loads.some((name) => names.includes(name))) return 'openSnapshot';
  return trace === undefined || loads.every((name) => trace.functions.has(name)) ? 'lastSave' : 'unknown';
};

/** What the kernel restores after the reset that is the event `index`: as the run says, else as a trace saw it. */
export const restorePolicyAt = (history: RestoreHistory, index: number): RestorePolicy =>
  history.policy === 'unknown' ? tracedPolicyAt(history, index) : history.policy;
