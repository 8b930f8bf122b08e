import { describe, expect, it } from 'vitest';
import type { JournalLine, LineOf } from '../../src-main/core/journal/line.ts';
import { terminal } from '../commands/terminal.ts';

const device = '0000:01:00.0';

interface Told {
  readonly type: string;
  readonly error?: { readonly code: string; readonly message: string };
}

const run = await terminal().rbench('scenario run notify-fatal-acknowledged --rig virtual:x86 --json');
const lines = run.out
  .split('\n')
  .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Told | JournalLine]));
const refusal = lines.map((line) => (line as Told).error).find((error) => error?.code === 'imageNotBuilt');
const missing = refusal?.message ?? null;

/** The whole story on a real kernel, as its own functions tell it. */
describe.skipIf(missing !== null && process.env['CI'] !== 'true')(
  `the kernel trace of a guest${missing === null ? '' : ` (${missing})`}`,
  () => {
    const traced = lines.filter((line): line is LineOf<'kernelTrace'> => line.type === 'kernelTrace');
    const calls = traced.flatMap(({ device: whose, subject, happened, told }) =>
      told.kind === 'call' ? [{ device: whose, subject, happened, ...told.call }] : [],
    );

    it('watches the functions of this kernel and says which it cannot', () => {
      const state = traced.flatMap(({ told }) => (told.kind === 'state' ? [told.state] : []))[0];
      expect(state).toMatchObject({ kind: 'watching', means: 'kprobes', devices: 'known' });
      if (state?.kind !== 'watching') return;
      expect(state.seen).toContain('pci_restore_state');
      expect(state.unseen.every(({ because }) => because === 'notThere')).toBe(true);
    });

    it('shows error_detected, the reset of the bus, slot_reset and the restore in the order of the kernel', () => {
      const wanted = [
        'vfio_pci_notify:error_detected began',
        'vfio_pci_notify:error_detected ended',
        'pci_bridge_secondary_bus_reset ended',
        'vfio_pci_notify:slot_reset ended',
        'pcie_do_recovery ended',
        'pci_restore_state ended',
      ];
      const from = calls.findIndex(({ function: name }) => name === 'pcie_do_recovery');
      const seen = calls.slice(from).map((call) => `${call.function} ${call.edge}`);
      expect(seen.filter((one) => wanted.includes(one))).toEqual(wanted);
      const times = calls.slice(from).map(({ happened }) => happened);
      expect(times).toEqual([...times].sort((one, other) => one - other));
    });

    it('knows for whom: the port is reset, and that belongs to the device below', () => {
      const reset = calls.find(({ function: name }) => name === 'pci_bridge_secondary_bus_reset');
      expect(reset).toMatchObject({ device, subject: '0000:00:04.0', returned: 0 });
      const restore = calls.findLast(({ function: name }) => name === 'pci_restore_state');
      expect(restore).toMatchObject({ device, subject: device });
      expect(restore?.steps.map((step) => step.function)).toEqual(
        expect.arrayContaining([
          'pci_restore_aer_state',
          'pci_restore_config_space',
          'pci_restore_msi_state',
        ]),
      );
    });

    it('is on the clock of the signals: the first comes while error_detected waits for the ack', () => {
      const signal = lines.find(
        (line): line is LineOf<'step'> =>
          line.type === 'step' && 'event' in line && line.event.kind === 'signal',
      );
      const [began, ended] = ['began', 'ended'].map((edge) =>
        calls.find((call) => call.function === 'vfio_pci_notify:error_detected' && call.edge === edge),
      );
      expect(signal?.event.at).toBeGreaterThanOrEqual(began?.happened ?? Infinity);
      expect(signal?.event.at).toBeLessThan(ended?.happened ?? 0);
    });
  },
);
