import { extendedCapabilityId } from '../../core/pci/capability-ids.ts';
import { deviceControlBit, pciExpressRegister } from '../../core/pci/capability-registers.ts';
import { restoreBehaviourOf } from '../../core/restore/kernelVersion.ts';
import type { ModelledKernel } from '../../core/restore/kernelVersion.ts';
import type { RestoreStepName } from '../../core/restore/steps.ts';
import { offsetOfCapability } from './hardware/configSpaceLayout.ts';
import type { MmioDecode, SimulatedFunction, Width } from './hardware/simulatedFunction.ts';
import { initialLiveState, writeVfBar } from './liveState.ts';
import type { FunctionAccess, LiveState } from './liveState.ts';
import { enableAcs, restoreRunners } from './restoreRunners.ts';
import { savePlanOf } from './savePlan.ts';
import type { SavePlan } from './savePlan.ts';

/** The parts of a `struct pci_dev` that saving and restoring work with. One for each function and kernel. */
export interface KernelPciState {
  readonly version: ModelledKernel;
  readonly plan: SavePlan;
  /** dev->state_saved */
  stateSaved: boolean;
  /** saved_config_space in words 0 to 15, then the capability save buffers as `plan.slots` tells. */
  readonly saved: Uint32Array;
  readonly live: LiveState;
}

/** What `pci_store_saved_state()` hands out: a copy that later saves do not touch. */
export interface StoredState {
  readonly plan: SavePlan;
  readonly saved: Uint32Array;
}

export type RestoreWrite =
  | { readonly to: 'config'; readonly offset: number; readonly width: Width; readonly value: number }
  | {
      readonly to: 'bar';
      readonly bar: number;
      readonly offset: number;
      readonly width: Width;
      readonly value: number;
      /** Anything but `decoded`: the write went nowhere (a real device answers Unsupported Request). */
      readonly decode: MmioDecode;
    };

/** One step that ran, and what it wrote; nothing where the capability is absent or the gate closed. */
export interface TracedStep {
  readonly step: RestoreStepName;
  readonly wrote: readonly RestoreWrite[];
}

/**
 * What enumeration does to a function: error reporting on (aer.c, pci_aer_init), ACS enabled, VF BARs placed,
 * and on kernels that promise recoverability at all times a first save.
 */
export const enumerate = (fn: SimulatedFunction, version: ModelledKernel): KernelPciState => {
  const plan = savePlanOf(fn.template, version);
  const state: KernelPciState = {
    version,
    plan,
    stateSaved: false,
    saved: new Uint32Array(plan.slots.length),
    live: initialLiveState(fn),
  };
  if (fn.aerCapability !== 0) {
    const deviceControl = fn.expressCapability + pciExpressRegister.deviceControl;
    fn.writeConfig(deviceControl, 2, fn.readConfig(deviceControl, 2) | deviceControlBit.allErrorReporting);
  }
  const acs = offsetOfCapability(fn.layout, 'extended', extendedCapabilityId.accessControlServices);
  if (acs !== 0) enableAcs(fn, acs);
  const sriov = offsetOfCapability(fn.layout, 'extended', extendedCapabilityId.singleRootVirtualization);
  if (state.live.sriov.kind === 'physicalFunction') writeVfBar(fn, sriov, state.live.sriov.vfBarAddress);
  if (restoreBehaviourOf[version].alwaysRestores) saveState(state, fn);
  return state;
};

export type SaveResult = 'saved' | 'configInaccessible';

/**
 * `pci_save_state()`: reads the hardware as it is. A save right after a reset really saves the zeroes, and a save of
 * an unreachable function all ones, except on kernels that look first and keep what they have.
 */
export const saveState = (state: KernelPciState, fn: SimulatedFunction): SaveResult => {
  const { plan, saved } = state;
  if (restoreBehaviourOf[state.version].refusesInaccessibleSave && fn.readConfig(4, 4) === 0xffff_ffff) {
    return 'configInaccessible';
  }
  const { slots, gated } = plan;
  const skipFrom = gated !== undefined && state.live.tph.kind === 'off' ? gated.from : slots.length;
  const skipTo = gated !== undefined && state.live.tph.kind === 'off' ? gated.to : slots.length;
  for (let index = 0; index < slots.length; index++) {
    if (index >= skipFrom && index < skipTo) continue;
    const slot = slots[index];
    if (slot !== undefined) saved[index] = fn.readConfig(slot.offset, slot.width);
  }
  state.stateSaved = true;
  return 'saved';
};

export type RestoreResult = 'restored' | 'nothingSaved';

const recorder = (fn: SimulatedFunction, wrote: RestoreWrite[]): FunctionAccess => ({
  readConfig: (offset, width) => fn.readConfig(offset, width),
  writeConfig: (offset, width, value) => {
    fn.writeConfig(offset, width, value);
    wrote.push({ to: 'config', offset, width, value });
  },
  writeBar: (bar, offset, width, value) => {
    const decode = fn.writeBar(bar, offset, width, value);
    wrote.push({ to: 'bar', bar, offset, width, value, decode });
    return decode;
  },
});

/**
 * `pci_restore_state()`: the steps of the table in its order. `trace`, when given, hears of every step that ran, in
 * order, with its writes.
 */
export const restoreState = (
  state: KernelPciState,
  fn: SimulatedFunction,
  trace?: (step: TracedStep) => void,
): RestoreResult => {
  const { live, plan, saved } = state;
  const behaviour = restoreBehaviourOf[state.version];
  if (!behaviour.alwaysRestores && !state.stateSaved) return 'nothingSaved';
  if (trace === undefined) {
    const run = { access: fn, fn, live, plan, saved, behaviour };
    for (const step of plan.steps) restoreRunners[step.name](run, step);
  } else {
    for (const step of plan.steps) {
      const wrote: RestoreWrite[] = [];
      restoreRunners[step.name]({ access: recorder(fn, wrote), fn, live, plan, saved, behaviour }, step);
      trace({ step: step.name, wrote });
    }
  }
  state.stateSaved = false;
  return 'restored';
};

/** `pci_store_saved_state()`: undefined when nothing was saved since the last restore. */
export const storeSavedState = (state: KernelPciState): StoredState | undefined =>
  state.stateSaved ? { plan: state.plan, saved: state.saved.slice() } : undefined;

export type LoadResult = 'loaded' | 'nothingToLoad' | 'foreignState';

/**
 * `pci_load_saved_state()`: the buffers become those of `stored`; the hardware is not touched. Live kernel state stays
 * as it is, which is the trap of loading an old snapshot. `foreignState` is the kernel's EINVAL for buffers of another
 * shape, and leaves nothing saved.
 */
export const loadSavedState = (state: KernelPciState, stored: StoredState | undefined): LoadResult => {
  state.stateSaved = false;
  if (stored === undefined) return 'nothingToLoad';
  if (stored.plan !== state.plan) return 'foreignState';
  state.saved.set(stored.saved);
  state.stateSaved = true;
  return 'loaded';
};
