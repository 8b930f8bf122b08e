import { describe, expect, it } from 'vitest';
import { isAtLeast } from '../../../src-main/core/restore/kernelVersion.ts';
import type { ModelledKernel } from '../../../src-main/core/restore/kernelVersion.ts';
import { restoreStepNames, restoreSteps, restoreStepsOf } from '../../../src-main/core/restore/steps.ts';

const rowsOf = (version: ModelledKernel): string[] =>
  restoreStepsOf(version).map((step) => `${step.name} ${step.snapshotDependent}`);

// The table of the mail of 2026-06-08, row by row.
const mailTable = [
  'pci_restore_pcie_state yes',
  'pci_restore_pasid_state no',
  'pci_restore_pri_state no',
  'pci_restore_ats_state no',
  'pci_restore_vc_state yes',
  'pci_restore_rebar_state no',
  'pci_restore_dpc_state yes',
  'pci_restore_ptm_state yes',
  'pci_restore_tph_state gated',
  'pci_aer_clear_status notARestore',
  'pci_restore_aer_state yes',
  'pci_restore_config_space yes',
  'pci_restore_pcix_state yes',
  'pci_restore_msi_state no',
  'pci_enable_acs no',
  'pci_restore_iov_state no',
];

describe('the restore steps', () => {
  it.each(['7.2', '7.3'] as const)('of %s are those of the mail, in its order', (version) => {
    expect(rowsOf(version)).toEqual(mailTable);
  });

  it('of 6.1 start with LTR and know no TPH (drivers/pci/pci.c of 6.1.192)', () => {
    expect(rowsOf('6.1')).toEqual([
      'pci_restore_ltr_state yes',
      ...mailTable.filter((row) => !row.startsWith('pci_restore_tph_state')),
    ]);
  });

  it('of 6.12 have LTR inside the PCI Express step and no TPH yet', () => {
    expect(rowsOf('6.12')).toEqual(mailTable.filter((row) => !row.startsWith('pci_restore_tph_state')));
  });

  it.each([
    ['6.1', 1],
    ['6.12', 3],
    ['7.2', 3],
    ['7.3', 3],
  ] as const)('on %s the PCI Express step writes %i capabilities', (version, count) => {
    const step = restoreStepsOf(version).find(({ name }) => name === 'pci_restore_pcie_state');
    expect(step?.targets).toHaveLength(count);
  });

  it.each([
    ['6.1', 1],
    ['6.12', 1],
    ['7.2', 2],
    ['7.3', 2],
  ] as const)(
    'on %s the SR-IOV step writes %i capabilities: VF Resizable BAR came with 6.17',
    (version, count) => {
      const step = restoreStepsOf(version).find(({ name }) => name === 'pci_restore_iov_state');
      expect(step?.targets).toHaveLength(count);
    },
  );

  it('take their values from a save exactly where the snapshot matters', () => {
    for (const step of restoreSteps) {
      const fromSave = step.snapshotDependent === 'yes' || step.snapshotDependent === 'gated';
      expect(`${step.name} ${step.provenance === 'lastSave'}`).toBe(`${step.name} ${fromSave}`);
    }
  });

  it('are one for each name, in the order of the names', () => {
    expect(restoreSteps.map(({ name }) => name)).toEqual([...restoreStepNames]);
  });

  it('cover the whole header, each byte once', () => {
    const step = restoreSteps.find(({ name }) => name === 'pci_restore_config_space');
    const bytes = step?.targets.flatMap(({ registers }) =>
      registers.flatMap(({ offset, width }) => Array.from({ length: width }, (_, index) => offset + index)),
    );
    expect(bytes).toEqual(Array.from({ length: 64 }, (_, index) => index));
  });
});

describe('isAtLeast', () => {
  it.each([
    ['6.1', '6.1', true],
    ['6.1', '6.9', false],
    ['6.12', '6.9', true],
    ['6.12', '6.13', false],
    ['7.2', '6.13', true],
    ['7.2', '7.3', false],
  ] as const)('%s since %s: %s', (version, since, expected) => {
    expect(isAtLeast(version, since)).toBe(expected);
  });
});
