import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tracedFunctions, tracedName } from '../../../src-main/core/kernelTrace/functions.ts';
import { keepsArguments, sourceName, symbolsOf } from '../../../src-main/core/kernelTrace/symbols.ts';
import { stepVisibility } from '../../../src-main/core/kernelTrace/stepsSeen.ts';
import { lineSplitter, parseTraceLine } from '../../../src-main/core/kernelTrace/traceLine.ts';
import { callWords } from '../../../src-main/core/kernelTrace/words.ts';
import { recordedTrace } from './recordedTrace.ts';

describe('a line of trace_pipe', () => {
  it('is the hit of a probe with what it fetched', () => {
    const line =
      '  irq/24-aerdrv-57      [000] .....    28.598831: e6: (error_detected+0x0/0x1a0 [vfio_pci_notify]) device="0000:01:00.0" second=0x2';
    expect(parseTraceLine(line)).toEqual({
      kind: 'probe',
      at: 28_598_831,
      task: 'irq/24-aerdrv-57',
      event: 'e6',
      values: new Map([
        ['device', '0000:01:00.0'],
        ['second', '0x2'],
      ]),
    });
  });

  it('may come from a command with any name, and without the flags', () => {
    const line = ' a [1] b: c-99    [003]  1.000002: r12: (pcie_flr+0x1/0x2 <- pci_reset) value=-25';
    expect(parseTraceLine(line)).toMatchObject({ task: 'a [1] b: c-99', event: 'r12', at: 1_000_002 });
  });

  it('may be of the function tracer, or tell that records are lost', () => {
    expect(
      parseTraceLine('  node-7  [001] d..1.  3.000000: slot_reset [vfio_pci_notify] <-report_slot_reset'),
    ).toMatchObject({ kind: 'function', symbol: 'slot_reset', at: 3_000_000 });
    expect(parseTraceLine('CPU:1 [LOST 1520 EVENTS]')).toEqual({ kind: 'lost', count: 1_520 });
  });

  it.each(['', '# tracer: nop', '##### CPU 1 buffer started ####', 'nothing of the kind'])(
    '%j is none',
    (line) => {
      expect(parseTraceLine(line)).toBeNull();
    },
  );

  it('is whole, however the text is cut', () => {
    const lines = recordedTrace.split('\n').slice(0, -1);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }), (lengths) => {
        const split = lineSplitter();
        const heard: string[] = [];
        for (let at = 0, turn = 0; at < recordedTrace.length; turn += 1) {
          const length = lengths[turn % lengths.length] ?? 1;
          heard.push(...split(recordedTrace.slice(at, at + length)));
          at += length;
        }
        expect(heard).toEqual(lines);
      }),
      { numRuns: 20 },
    );
  });
});

describe('the symbols of a function', () => {
  it.each([
    ['pci_restore_state', 'pci_restore_state', true],
    ['pci_restore_state.part.0', 'pci_restore_state', true],
    ['vfio_bar_restore.isra.0', 'vfio_bar_restore', false],
    ['pci_pm_reset.constprop.0.isra.0', 'pci_pm_reset', false],
  ])('%s is %s', (symbol, name, keeps) => {
    expect(sourceName(symbol)).toBe(name);
    expect(keepsArguments(symbol)).toBe(keeps);
  });

  it('are not the cold part of it, nor what only begins like it', () => {
    expect(sourceName('pcie_flr.cold')).toBeNull();
    const found = symbolsOf('pcie_flr.cold\npcie_flr_delay\npcie_flrx.part.0\n', tracedFunctions);
    expect(found.size).toBe(0);
  });

  it('are found with their modules, and those of other modules are left out', () => {
    const text = [
      'pci_restore_state.part.0',
      'pci_restore_state',
      'slot_reset [mlx5_core]',
      'slot_reset [vfio_pci_notify]',
      'vfio_pci_core_ioctl [vfio_pci_core]',
    ].join('\n');
    const found = symbolsOf(text, tracedFunctions);
    expect(found.get('pci_restore_state')?.map(({ symbol }) => symbol)).toEqual([
      'pci_restore_state.part.0',
      'pci_restore_state',
    ]);
    expect(found.get('vfio_pci_notify:slot_reset')).toEqual([
      { symbol: 'slot_reset', module: 'vfio_pci_notify' },
    ]);
    expect(found.get('vfio_pci_core_ioctl')).toEqual([
      { symbol: 'vfio_pci_core_ioctl', module: 'vfio_pci_core' },
    ]);
  });
});

describe('the functions that are watched', () => {
  it('have names of their own', () => {
    const names = tracedFunctions.map(tracedName);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('which steps of a restore can be seen', () => {
  const watching = (seen: readonly string[]) =>
    ({ kind: 'watching', means: 'kprobes', seen, unseen: [], devices: 'known' }) as const;

  it('is said of each: seen by itself or by its part, unseen, or absent from this kernel', () => {
    const steps = stepVisibility(watching(['pci_restore_vc_state', 'pci_restore_config_space_range']), '6.1');
    expect(steps.get('pci_restore_vc_state')).toBe('seen');
    expect(steps.get('pci_restore_config_space')).toBe('seen');
    expect(steps.get('pci_restore_pcie_state')).toBe('unseen');
    expect(steps.get('pci_restore_tph_state')).toBe('absent');
    expect(stepVisibility(watching([]), '7.2').get('pci_restore_tph_state')).toBe('unseen');
  });

  it('is none where the kernel is not traced', () => {
    const seen = [...stepVisibility({ kind: 'off', error: null }, '7.2').values()];
    expect(seen).not.toContain('seen');
  });
});

describe('the words of a call', () => {
  const call = { edge: 'ended', took: 520, returned: null, request: null, within: null, steps: [] } as const;

  it('name its steps, its vote or its errno', () => {
    const steps = ['pci_restore_vc_state', 'pci_aer_clear_status', 'pci_enable_acs'].map((name) => ({
      ...{ function: name, after: 1, took: 1 },
    }));
    expect(callWords({ ...call, function: 'pci_restore_state', steps })).toBe(
      'pci_restore_state, 0.52 ms: vc, aer clear status, enable acs',
    );
    expect(callWords({ ...call, function: 'pcie_do_recovery', took: 610_634, returned: 5 })).toBe(
      'pcie_do_recovery, 611 ms → RECOVERED',
    );
    expect(callWords({ ...call, function: 'pci_bus_error_reset', returned: -25 })).toContain('→ ENOTTY');
    expect(callWords({ ...call, function: 'pcie_do_recovery', edge: 'began' })).toBe(
      'pcie_do_recovery begins',
    );
  });
});
