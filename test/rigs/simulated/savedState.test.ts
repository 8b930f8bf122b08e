import { describe, expect, it } from 'vitest';
import { aerRegister } from '../../../src-main/core/pci/capability-registers.ts';
import { modelledKernels } from '../../../src-main/core/restore/kernelVersion.ts';
import type { ModelledKernel } from '../../../src-main/core/restore/kernelVersion.ts';
import { restoreStepsOf } from '../../../src-main/core/restore/steps.ts';
import type { RestoreStepName } from '../../../src-main/core/restore/steps.ts';
import { offsetOfCapability } from '../../../src-main/rigs/simulated/hardware/configSpaceLayout.ts';
import type { SimulatedFunction } from '../../../src-main/rigs/simulated/hardware/simulatedFunction.ts';
import { templates } from '../../../src-main/rigs/simulated/hardware/templates.ts';
import type { TemplateName } from '../../../src-main/rigs/simulated/hardware/templates.ts';
import {
  enableAts,
  enableMsi,
  enableMsix,
  enablePasid,
  enablePri,
  enableTph,
  resizeBar,
  setNumVfs,
} from '../../../src-main/rigs/simulated/liveState.ts';
import {
  enumerate,
  loadSavedState,
  restoreState,
  saveState,
  storeSavedState,
} from '../../../src-main/rigs/simulated/savedState.ts';
import type { KernelPciState, TracedStep } from '../../../src-main/rigs/simulated/savedState.ts';
import { functionAt, hierarchyWith, poweredFunction, workingCommand } from './hardware/functions.ts';

interface Subject {
  readonly fn: SimulatedFunction;
  readonly state: KernelPciState;
}

const message = { address: 0xfee0_1000, data: 0x41, masked: false };

const subject = (template: TemplateName, version: ModelledKernel): Subject => {
  const fn = poweredFunction(template);
  const state = enumerate(fn, version);
  fn.writeConfig(0x04, 2, workingCommand);
  return { fn, state };
};

const extendedAt = (fn: SimulatedFunction, id: number): number =>
  offsetOfCapability(fn.layout, 'extended', id);
const mapped = (): boolean => true;

/** The accelerator in use: every register that some step restores holds something that a reset takes away. */
const busyAccelerator = (version: ModelledKernel): Subject => {
  const { fn, state } = subject('acceleratorWithEverything', version);
  const { live } = state;
  enablePasid(live, fn, 0x6);
  enablePri(live, fn, 64);
  enableAts(live, fn, 16);
  enableTph(live, fn, 0x0101, [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88]);
  resizeBar(live, fn, 10);
  setNumVfs(live, fn, 4);
  enableMsix(live, fn, [message, { ...message, data: 0x42 }]);
  const express = fn.expressCapability;
  fn.writeConfig(express + 0x08, 2, 0x292f);
  fn.writeConfig(express + 0x10, 2, 0x0042);
  fn.writeConfig(express + 0x28, 2, 0x0409);
  fn.writeConfig(extendedAt(fn, 0x18) + 4, 4, 0x0805_0403);
  fn.writeConfig(extendedAt(fn, 0x1e) + 0x0c, 4, 0x50);
  fn.writeConfig(extendedAt(fn, 0x1e) + 0x08, 4, 0x4050_280f);
  fn.writeConfig(extendedAt(fn, 0x02) + 0x0c, 2, 0x0002);
  fn.writeConfig(extendedAt(fn, 0x02) + 0x20, 4, 0x8100_0002);
  fn.writeConfig(extendedAt(fn, 0x1f) + 8, 4, 0x0a01);
  fn.writeConfig(fn.aerCapability + aerRegister.uncorrectableSeverity, 4, 0);
  fn.writeConfig(0x0c, 1, 0x10);
  return { fn, state };
};

/** Bytes that a working device changes by itself or that a restore clears on purpose are left out of comparisons. */
const comparable = (fn: SimulatedFunction): Uint8Array => {
  const bytes = fn.snapshot();
  bytes.fill(0, fn.aerCapability + 4, fn.aerCapability + 8);
  return bytes;
};

const tracedSteps = (at: Subject): TracedStep[] => {
  const steps: TracedStep[] = [];
  restoreState(at.state, at.fn, (step) => steps.push(step));
  return steps;
};

describe('a save, a reset and a restore', () => {
  it.each(['7.2', '7.3'] as const)('on %s bring the whole configuration space back', (version) => {
    const { fn, state } = busyAccelerator(version);
    const before = comparable(fn);
    saveState(state, fn);
    fn.conventionalReset();
    expect(comparable(fn)).not.toEqual(before);
    restoreState(state, fn);
    expect(comparable(fn)).toEqual(before);
    expect(fn.raiseMsix(1)).toEqual({ kind: 'delivered', address: 0xfee0_1000, data: 0x42 });
    fn.initialiseEngine();
    expect(fn.performDma(0, mapped)).toEqual({ kind: 'done' });
  });

  it.each([
    ['6.1', [0x17, 0x1e]],
    ['6.12', [0x17]],
  ] as const)('on %s bring all back but the capabilities nobody saves there: %j', (version, lost) => {
    const { fn, state } = busyAccelerator(version);
    const before = comparable(fn);
    saveState(state, fn);
    fn.conventionalReset();
    restoreState(state, fn);
    const after = comparable(fn);
    const different = fn.layout.capabilities
      .filter(({ offset, size }) => {
        const range = (bytes: Uint8Array): string => bytes.subarray(offset, offset + size).join();
        return range(before) !== range(after);
      })
      .map(({ id }) => id);
    expect(different).toEqual(lost);
    expect(after.subarray(0, 64)).toEqual(before.subarray(0, 64));
  });

  it.each(Object.keys(templates) as TemplateName[])('leave a working %s as it was', (name) => {
    for (const version of modelledKernels) {
      const { fn, state } = subject(name, version);
      const before = fn.snapshot();
      saveState(state, fn);
      fn.conventionalReset();
      expect(restoreState(state, fn)).toBe('restored');
      expect(fn.snapshot()).toEqual(before);
    }
  });
});

describe('the order of a restore', () => {
  it.each(modelledKernels)('on %s is that of the table', (version) => {
    const at = busyAccelerator(version);
    saveState(at.state, at.fn);
    expect(tracedSteps(at).map(({ step }) => step)).toEqual(restoreStepsOf(version).map(({ name }) => name));
  });

  it.each(modelledKernels)('on %s writes only registers that the table names for the step', (version) => {
    for (const template of ['acceleratorWithEverything', 'rootPort', 'conventionalNic'] as const) {
      const at =
        template === 'acceleratorWithEverything' ? busyAccelerator(version) : subject(template, version);
      enableMsi(at.state.live, at.fn, { address: 0xfee0_0000, data: 1, vectors: 1 });
      saveState(at.state, at.fn);
      at.fn.conventionalReset();
      const byName = new Map(restoreStepsOf(version).map((step) => [step.name, step]));
      for (const { step, wrote } of tracedSteps(at)) {
        const targets = byName.get(step)?.targets ?? [];
        for (const write of wrote) {
          // MSI and MSI-X also touch COMMAND on the way: INTx disable, and memory space for the table.
          if (write.to === 'bar' || (step === 'pci_restore_msi_state' && write.offset === 0x04)) continue;
          const named = targets.some(({ capability, registers }) => {
            const base =
              capability.space === 'header'
                ? 0
                : offsetOfCapability(at.fn.layout, capability.space, capability.id);
            if (base === 0 && capability.space !== 'header') return false;
            return registers.some(({ offset, width, stride }) => {
              const distance = write.offset - base - offset;
              const fits = stride === undefined ? distance === 0 : distance >= 0 && distance % stride === 0;
              return fits && width === write.width;
            });
          });
          expect(`${step} ${write.offset.toString(16)} ${named}`).toBe(
            `${step} ${write.offset.toString(16)} true`,
          );
        }
      }
    }
  });

  it('puts BARs before COMMAND, and the header after AER', () => {
    const at = subject('virtioRng', '7.2');
    saveState(at.state, at.fn);
    at.fn.conventionalReset();
    const wrote = tracedSteps(at).find(({ step }) => step === 'pci_restore_config_space')?.wrote ?? [];
    expect(wrote.map((write) => write.offset)).toEqual([0x3c, 0x24, 0x20, 0x14, 0x04]);
  });

  it('of a bridge always rewrites the prefetch windows', () => {
    const fn = functionAt(hierarchyWith('virtioRng'), '0000:00:04.0');
    const state = enumerate(fn, '6.1');
    saveState(state, fn);
    const wrote = tracedSteps({ fn, state }).find(({ step }) => step === 'pci_restore_config_space')?.wrote;
    expect(wrote?.map((write) => write.offset)).toEqual([0x2c, 0x28, 0x24]);
  });
});

describe('where each step takes its values from', () => {
  // The second column of the table in the mail: spoil the save buffers, and see which steps bring back the spoilt values.
  it.each(modelledKernels)('on %s follows the snapshot exactly where the table says so', (version) => {
    const at = busyAccelerator(version);
    saveState(at.state, at.fn);
    at.fn.conventionalReset();
    const honest = tracedSteps(at);
    saveState(at.state, at.fn);
    at.state.saved.forEach((value, slot) => (at.state.saved[slot] = (value ^ 0x0101_0101) >>> 0));
    at.fn.conventionalReset();
    const spoilt = new Map(tracedSteps(at).map(({ step, wrote }) => [step, wrote]));
    const valuesOf = (wrote: TracedStep['wrote'] | undefined): string =>
      (wrote ?? [])
        .filter((write) => write.to === 'bar' || write.offset !== 0x04)
        .map((write) => `${write.offset}=${write.value}`)
        .join();
    const withRegisters: RestoreStepName[] = [];
    for (const { name, snapshotDependent } of restoreStepsOf(version)) {
      const before = honest.find(({ step }) => step === name)?.wrote;
      if (before === undefined || before.length === 0) continue;
      withRegisters.push(name);
      const follows = valuesOf(before) !== valuesOf(spoilt.get(name));
      expect(`${name} ${follows}`).toBe(
        `${name} ${snapshotDependent === 'yes' || snapshotDependent === 'gated'}`,
      );
    }
    // DPC is in ports, PCI-X in conventional functions; all other steps had something to write.
    expect(withRegisters).toHaveLength(restoreStepsOf(version).length - 2);
  });

  it('clears the AER status that the reset left standing', () => {
    const { fn, state } = subject('virtioRng', '7.2');
    saveState(state, fn);
    fn.latch(fn.aerCapability + aerRegister.uncorrectableStatus, 4, 0x0004_0000);
    fn.conventionalReset();
    expect(fn.readConfig(fn.aerCapability + aerRegister.uncorrectableStatus, 4)).toBe(0x0004_0000);
    restoreState(state, fn);
    expect(fn.readConfig(fn.aerCapability + aerRegister.uncorrectableStatus, 4)).toBe(0);
  });

  it('restores DPC control of a port and PCI-X command and MSI of a conventional function', () => {
    const port = functionAt(hierarchyWith('virtioRng'), '0000:00:04.0');
    const portState = enumerate(port, '7.3');
    const dpc = extendedAt(port, 0x1d) + 6;
    port.writeConfig(dpc, 2, 0x0009);
    port.writeConfig(port.expressCapability + 0x1c, 2, 0x0008);
    saveState(portState, port);
    port.conventionalReset();
    restoreState(portState, port);
    expect([port.readConfig(dpc, 2), port.readConfig(port.expressCapability + 0x1c, 2)]).toEqual([9, 8]);

    const { fn, state } = subject('conventionalNic', '7.3');
    const pcix = offsetOfCapability(fn.layout, 'standard', 0x07) + 2;
    const msi = offsetOfCapability(fn.layout, 'standard', 0x05);
    fn.writeConfig(pcix, 2, 0x0035);
    enableMsi(state.live, fn, { address: 0xfee0_2000, data: 0x33, vectors: 1 });
    saveState(state, fn);
    fn.conventionalReset();
    restoreState(state, fn);
    expect(fn.readConfig(pcix, 2)).toBe(0x0035);
    expect(fn.readConfig(msi + 2, 2) & 1).toBe(1);
    expect([fn.readConfig(msi + 4, 4), fn.readConfig(msi + 12, 2)]).toEqual([0xfee0_2000, 0x33]);
  });
});

describe('a poisoned save', () => {
  it.each(modelledKernels)('on %s leaves the device dead although every reset says ok', (version) => {
    const { fn, state } = subject('virtioRng', version);
    fn.conventionalReset();
    // DEVICE_RESET before COMMAND is written: the kernel saves, resets and restores.
    for (let attempt = 0; attempt < 2; attempt++) {
      expect(saveState(state, fn)).toBe('saved');
      fn.functionLevelReset();
      expect(restoreState(state, fn)).toBe('restored');
    }
    expect(fn.command).toBe(0);
    expect([fn.barAddress(1), fn.barAddress(4)]).toEqual([0, 0]);
    fn.writeConfig(0x04, 2, workingCommand);
    expect(fn.initialiseEngine()).toEqual({ kind: 'blocked', because: 'barUnassigned' });
  });

  it('is healed by the snapshot taken at open, as far as the save buffers reach', () => {
    const { fn, state } = subject('virtioRng', '7.2');
    enableMsix(state.live, fn, [message]);
    saveState(state, fn);
    const open = storeSavedState(state);
    fn.conventionalReset();
    saveState(state, fn);
    expect(loadSavedState(state, open)).toBe('loaded');
    restoreState(state, fn);
    expect(fn.command & 0x0506).toBe(workingCommand | 0x0400);
    expect(fn.readConfig(fn.expressCapability + 8, 2)).toBe(0x000f);
    expect(fn.raiseMsix(0)).toMatchObject({ kind: 'delivered' });
    expect(fn.initialiseEngine()).toEqual({ kind: 'done' });
  });

  it.each([
    ['6.1', 'saved'],
    ['7.2', 'saved'],
    ['7.3', 'configInaccessible'],
  ] as const)('of all ones: %s says %s', (version, result) => {
    const { fn, state } = subject('zpciVirtio', version);
    saveState(state, fn);
    fn.setLink('frozen');
    expect(saveState(state, fn)).toBe(result);
    fn.setLink('up');
    fn.conventionalReset();
    restoreState(state, fn);
    const alive = fn.initialiseEngine().kind === 'done';
    expect(alive).toBe(result === 'configInaccessible');
  });
});

describe('the TPH trap', () => {
  const control = (fn: SimulatedFunction): number => fn.readConfig(extendedAt(fn, 0x17) + 8, 4);
  const tag = (fn: SimulatedFunction): number => fn.readConfig(extendedAt(fn, 0x17) + 0x0c, 2);

  it.each(['7.2', '7.3'] as const)(
    'on %s: the snapshot of open, taken while TPH was off, switches it off in hardware only',
    (version) => {
      const { fn, state } = subject('acceleratorWithEverything', version);
      saveState(state, fn);
      const open = storeSavedState(state);
      enableTph(state.live, fn, 0x0101, [0x11]);
      // A reset saves right before: by that save alone TPH would come back.
      saveState(state, fn);
      fn.conventionalReset();
      restoreState(state, fn);
      expect([control(fn), tag(fn)]).toEqual([0x0101, 0x11]);
      // reset_done loading the open-time state instead pushes its zeroes through the open gate.
      loadSavedState(state, open);
      restoreState(state, fn);
      expect([control(fn), tag(fn)]).toEqual([0, 0]);
      expect(state.live.tph).toEqual({ kind: 'on' });
    },
  );

  it('is not there while TPH is off: the gate is closed and nothing is written', () => {
    const at = subject('acceleratorWithEverything', '7.3');
    saveState(at.state, at.fn);
    expect(tracedSteps(at).find(({ step }) => step === 'pci_restore_tph_state')?.wrote).toEqual([]);
  });
});

describe('MSI-X with memory space off', () => {
  const restoredWithMemoryOff = (version: ModelledKernel): Subject & { steps: TracedStep[] } => {
    const at = subject('virtioRng', version);
    enableMsix(at.state.live, at.fn, [message]);
    // What QEMU's vfio_pci_pre_reset() does before a reset.
    at.fn.writeConfig(0x04, 2, at.fn.command & ~0x0006);
    saveState(at.state, at.fn);
    at.fn.conventionalReset();
    const steps = tracedSteps(at);
    at.fn.writeConfig(0x04, 2, workingCommand);
    return { ...at, steps };
  };

  it('6.12 writes the table into nowhere: enabled in control, dead in fact', () => {
    const { fn, steps } = restoredWithMemoryOff('6.12');
    const msi = steps.find(({ step }) => step === 'pci_restore_msi_state');
    const toTable = msi?.wrote.filter((write) => write.to === 'bar') ?? [];
    expect(toTable.map((write) => (write.to === 'bar' ? write.decode : ''))).toEqual(
      Array.from({ length: 4 }, () => 'memoryOff'),
    );
    expect(fn.readConfig(fn.msixCapability + 2, 2) & 0xc000).toBe(0x8000);
    expect(fn.raiseMsix(0)).toEqual({ kind: 'blocked', because: 'vectorMasked' });
  });

  it.each(['6.1', '7.2', '7.3'] as const)('%s turns it on meanwhile, and off again', (version) => {
    const { fn, steps } = restoredWithMemoryOff(version);
    expect(fn.raiseMsix(0)).toMatchObject({ kind: 'delivered' });
    const commands = steps
      .find(({ step }) => step === 'pci_restore_msi_state')
      ?.wrote.filter((write) => write.to === 'config' && write.offset === 0x04)
      .map((write) => write.value & 0x2);
    expect(commands).toEqual([2, 0]);
  });
});

describe('state_saved', () => {
  it.each(['6.1', '6.12'] as const)('on %s is needed for a restore, and used up by it', (version) => {
    const { fn, state } = subject('virtioRng', version);
    fn.conventionalReset();
    expect(restoreState(state, fn)).toBe('nothingSaved');
    expect(fn.barAddress(4)).toBe(0);
    saveState(state, fn);
    expect(restoreState(state, fn)).toBe('restored');
    expect(state.stateSaved).toBe(false);
    expect(restoreState(state, fn)).toBe('nothingSaved');
  });

  it.each(['7.2', '7.3'] as const)(
    'on %s is not: what enumeration saved comes back again and again',
    (version) => {
      const { fn, state } = subject('virtioRng', version);
      for (let error = 0; error < 2; error++) {
        fn.conventionalReset();
        expect(restoreState(state, fn)).toBe('restored');
        expect(fn.barAddress(4)).toBe(fn.assignedBars[4]);
        expect(state.stateSaved).toBe(false);
      }
    },
  );

  it('decides what can be stored and loaded', () => {
    const { fn, state } = subject('virtioRng', '6.1');
    expect(storeSavedState(state)).toBeUndefined();
    saveState(state, fn);
    const stored = storeSavedState(state);
    fn.conventionalReset();
    saveState(state, fn);
    expect(loadSavedState(state, undefined)).toBe('nothingToLoad');
    expect(state.stateSaved).toBe(false);
    expect(loadSavedState(state, stored)).toBe('loaded');
    expect(state.stateSaved).toBe(true);
    const other = subject('nvme', '6.1');
    expect(loadSavedState(other.state, stored)).toBe('foreignState');
    expect(other.state.stateSaved).toBe(false);
  });
});

describe('SR-IOV', () => {
  it('is restored only while VFs are off in hardware', () => {
    const at = busyAccelerator('7.3');
    saveState(at.state, at.fn);
    expect(tracedSteps(at).find(({ step }) => step === 'pci_restore_iov_state')?.wrote).toEqual([]);
    at.fn.conventionalReset();
    saveState(at.state, at.fn);
    restoreState(at.state, at.fn);
    expect(at.fn.readConfig(extendedAt(at.fn, 0x10) + 0x10, 2)).toBe(4);
  });
});
