import type { TraceState } from '../core/kernelTrace/told.ts';
import { done, type Result } from '../core/result.ts';

/**
 * A rig with a real kernel, whose functions can be watched. It begins by itself with the first device that is opened,
 * where the kernel permits it; what it sees comes as events of the kind `kernelTrace`, its state among them.
 */
export interface KernelTracer {
  /** Answers with how things stand afterwards; that the kernel does not permit it is no failure. */
  traceKernel(wish: 'on' | 'off' | 'ask'): Promise<Result<TraceState>>;
}

export const isKernelTracer = <Rig extends object>(rig: Rig): rig is Rig & KernelTracer =>
  'traceKernel' in rig;

/** On a rig without a kernel that could be watched there is nothing to do. */
export const watchKernel = async (rig: object, watched: boolean): Promise<Result<void>> => {
  if (!isKernelTracer(rig)) return done;
  const state = await rig.traceKernel(watched ? 'on' : 'off');
  // A far end may serve a rig that has none (src-main/agent/answers.ts).
  return state.ok || state.error.code === 'notSupported' ? done : state;
};
