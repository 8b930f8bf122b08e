import { errnoFromNumber } from '../errno.ts';
import { missingCase } from '../exhaustive.ts';
import { tracedFunction } from './functions.ts';
import type { TracedCall, TraceState } from './told.ts';

/** pci_ers_result_t (include/linux/pci.h). */
const votes: Readonly<Record<number, string>> = {
  1: 'NONE',
  2: 'CAN_RECOVER',
  3: 'NEED_RESET',
  4: 'DISCONNECT',
  5: 'RECOVERED',
  6: 'NO_AER_DRIVER',
};

const returnedWords = ({ function: name, returned }: TracedCall): string => {
  if (returned === null) return '';
  if (tracedFunction(name)?.returns === 'vote') return ` → ${votes[returned] ?? returned}`;
  if (returned < 0) return ` → ${errnoFromNumber(-returned).name}`;
  return returned === 0 ? '' : ` → ${returned}`;
};

/** `pci_restore_config_space` is one word among its like. */
export const shortStep = (step: string): string =>
  step
    .replace(/^pci_(restore_)?/, '')
    .replace(/_state$/, '')
    .replaceAll('_', ' ');

const milliseconds = (took: number): string => `${(took / 1_000).toFixed(took < 10_000 ? 2 : 0)} ms`;

/** `pci_restore_state, 0.52 ms: pcie, aer clear status, …`. */
export const callWords = (call: TracedCall): string => {
  const name = call.request === null ? call.function : `${call.function} (${call.request})`;
  if (call.edge === 'began') return `${name} begins`;
  const steps = call.steps.map((step) => shortStep(step.function)).join(', ');
  return `${name}, ${milliseconds(call.took)}${returnedWords(call)}${steps === '' ? '' : `: ${steps}`}`;
};

/** Whether the kernel's functions are watched, in one sentence. */
export const traceStateWords = (state: TraceState): string => {
  switch (state.kind) {
    case 'off':
      return state.error === null
        ? 'The kernel is not traced.'
        : `The kernel is not traced: ${state.error.message}`;
    case 'watching': {
      const means = state.means === 'kprobes' ? '' : ' (calls only: this kernel has no kprobe events)';
      const devices = state.devices === 'known' ? '' : ' Which device they are called for is not known.';
      return `The kernel is traced: ${state.seen.length} functions are seen, ${state.unseen.length} are not${means}.${devices}`;
    }
    default:
      return missingCase(state);
  }
};
