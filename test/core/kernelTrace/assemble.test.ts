import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { callAssembler, type TraceHit } from '../../../src-main/core/kernelTrace/assemble.ts';
import { tracedFunction, tracedFunctions } from '../../../src-main/core/kernelTrace/functions.ts';
import { callsIn, recordedTrace } from './recordedTrace.ts';

const device = '0000:01:00.0';
const port = '0000:00:04.0';

const named = (name: string) => {
  const found = tracedFunction(name);
  if (found === undefined) throw new Error(`${name} is not watched.`);
  return found;
};

const hit = (
  edge: TraceHit['edge'],
  name: string,
  at: number,
  values: Readonly<Record<string, string>> = {},
  task = 'kworker-1',
): TraceHit => ({ at, task, function: named(name), edge, values: new Map(Object.entries(values)) });

describe('a recorded fatal recovery on Linux 6.1', () => {
  const calls = callsIn(recordedTrace);
  const from = calls.findIndex(({ call }) => call.function === 'pcie_do_recovery');
  const recovery = calls.slice(
    from,
    calls.findLastIndex(({ call }) => call.function === 'pcie_do_recovery') + 1,
  );

  it('shows callbacks, ack, reset and slot_reset in the order of the kernel, and for whom', () => {
    expect(recovery.map(({ address, call }) => `${address} ${call.edge} ${call.function}`)).toEqual([
      `${device} began pcie_do_recovery`,
      `${device} began report_error_detected`,
      `${device} began vfio_pci_notify:error_detected`,
      `${device} ended vfio_pci_notify:notify_acknowledge`,
      `${device} ended vfio_pci_notify:error_detected`,
      `${device} ended report_error_detected`,
      `${port} began aer_root_reset`,
      `${port} ended pci_reset_secondary_bus`,
      `${device} ended pci_dev_wait`,
      `${port} ended pci_bridge_wait_for_secondary_bus`,
      `${port} ended pci_bridge_secondary_bus_reset`,
      'null ended pciehp_reset_slot',
      `${port} ended pci_bus_error_reset`,
      `${port} ended aer_root_reset`,
      `${device} ended vfio_pci_notify:slot_reset`,
      `${device} ended report_slot_reset`,
      `${device} ended vfio_pci_notify:resume`,
      `${device} ended report_resume`,
      `${device} ended pcie_do_recovery`,
    ]);
  });

  it('says what was voted, and that error_detected lasted until the ack', () => {
    const ended = (name: string) =>
      recovery.find(({ call }) => call.function === name && call.edge === 'ended');
    expect(ended('vfio_pci_notify:error_detected')?.call.returned).toBe(3);
    expect(ended('vfio_pci_notify:slot_reset')?.call.returned).toBe(5);
    const [ack, detected] = [
      ended('vfio_pci_notify:notify_acknowledge'),
      ended('vfio_pci_notify:error_detected'),
    ];
    const began = recovery.find(({ call }) => call.function === 'vfio_pci_notify:error_detected');
    expect(detected?.at).toBe((began?.at ?? 0) + (detected?.call.took ?? 0));
    expect(detected?.at).toBeGreaterThan(ack?.at ?? Infinity);
  });

  it('tells the steps of a restore with it, once each, and not the half that the compiler split off', () => {
    const restores = calls.filter(({ call }) => call.function === 'pci_restore_state');
    expect(restores.length).toBeGreaterThan(0);
    for (const { address, call } of restores) {
      expect(address).toBe(device);
      expect(call.steps.map((step) => step.function)).toEqual([
        'pci_restore_pasid_state',
        'pci_restore_pri_state',
        'pci_restore_ats_state',
        'pci_restore_vc_state',
        'pci_restore_rebar_state',
        'pci_restore_dpc_state',
        'pci_restore_ptm_state',
        'pci_aer_clear_status',
        'pci_restore_aer_state',
        'pci_restore_config_space',
        'pci_restore_msi_state',
        'pci_enable_acs',
        'pci_restore_iov_state',
      ]);
      for (const { after, took } of call.steps) expect(after + took).toBeLessThanOrEqual(call.took);
    }
  });

  it('tells the reset of vfio with its ioctl, and no other ioctl', () => {
    const ioctls = calls.filter(({ call }) => call.function === 'vfio_pci_core_ioctl');
    expect(recordedTrace.match(/\(vfio_pci_core_ioctl\+0x0/g)?.length).toBeGreaterThan(ioctls.length);
    expect(ioctls.map(({ call }) => call.request)).toEqual(['VFIO_DEVICE_RESET']);
  });
});

describe('a trace with gaps', () => {
  it('does not tell what ended without having begun', () => {
    const assemble = callAssembler();
    expect(assemble(hit('leave', 'pci_save_state', 10, { value: '0' }))).toBeNull();
  });

  it('forgets what never ended when the function around it ends', () => {
    const assemble = callAssembler();
    assemble(hit('enter', 'pci_reset_function', 1, { device }));
    assemble(hit('enter', 'pcie_flr', 2, { device }));
    expect(assemble(hit('leave', 'pci_reset_function', 9, { value: '-25' }))).toMatchObject({
      address: device,
      call: { took: 8, returned: -25, within: null },
    });
    assemble(hit('enter', 'pci_save_state', 10, { device }));
    expect(assemble(hit('leave', 'pci_save_state', 11, { value: '0' }))?.call.within).toBeNull();
  });

  it('does not say for whom when the kernel could not read the name', () => {
    const assemble = callAssembler();
    for (const text of ['(fault)', '', 'device', '0000:01:00']) {
      assemble(hit('enter', 'pci_save_state', 1, { device: text }));
      expect(assemble(hit('leave', 'pci_save_state', 2))?.address).toBeNull();
    }
  });

  it('does not tell a function that was only asked whether it could reset', () => {
    const assemble = callAssembler();
    assemble(hit('enter', 'pci_af_flr', 1, { device, second: '1' }));
    expect(assemble(hit('leave', 'pci_af_flr', 2, { value: '0' }))).toBeNull();
    assemble(hit('enter', 'pci_af_flr', 3, { device, second: '0' }));
    expect(assemble(hit('leave', 'pci_af_flr', 4, { value: '0' }))?.call.function).toBe('pci_af_flr');
  });

  it('keeps tasks apart, and tells no time before 0 whatever comes in whatever order', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            edge: fc.constantFrom('enter' as const, 'leave' as const),
            function: fc.constantFrom(...tracedFunctions),
            task: fc.constantFrom('a-1', 'b-2'),
            at: fc.nat(1_000),
          }),
          { maxLength: 200 },
        ),
        (hits) => {
          const [both, alone] = [callAssembler(), callAssembler()];
          for (const one of hits) {
            const told = both({ ...one, values: new Map() });
            if (one.task === 'a-1') expect(told).toEqual(alone({ ...one, values: new Map() }));
            if (told === null) continue;
            expect(told.call.took).toBeGreaterThanOrEqual(0);
            for (const step of told.call.steps) expect(step.after).toBeGreaterThanOrEqual(0);
          }
        },
      ),
    );
  });
});
