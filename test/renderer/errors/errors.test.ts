// @vitest-environment happy-dom
import { flushPromises, mount } from '@vue/test-utils';
import { afterEach, describe, expect, it } from 'vitest';
import type { RigView } from '../../../preload/contract/views.ts';
import type { PciAddress } from '../../../src-main/core/pci/address.ts';
import { findExtendedCapability } from '../../../src-main/core/pci/capabilities.ts';
import { extendedCapabilityId } from '../../../src-main/core/pci/capability-ids.ts';
import { aerRegister } from '../../../src-main/core/pci/capability-registers.ts';
import { failure, success } from '../../../src-main/core/result.ts';
import type { ProfileName } from '../../../src-main/rigs/simulated/kernel/profile.ts';
import { aerTable } from '../../../src-renderer/views/errors/aerTable.ts';
import CcdfRecords from '../../../src-renderer/views/errors/CcdfRecords.vue';
import ErrorsView from '../../../src-renderer/views/errors/ErrorsView.vue';
import { drainedRecords, errorHistory, type CcdfRecord } from '../../../src-renderer/views/errors/history.ts';
import type { Fault } from '../../../src-main/core/faults/fault.ts';
import type { Protocol } from '../../../src-main/core/recovery/phase.ts';
import type { ErrorRecord } from '../../../src-main/core/recovery/reports.ts';
import { Lab, fatal, nonFatal, policyOf, rng, valueOf } from '../../coordinator/lab.ts';
import { deviceView, zpciView } from '../fakeBridge.ts';
import { address, mountView, type MountedView } from '../restore/mountView.ts';

let mounted: MountedView | null = null;
afterEach(() => {
  mounted?.wrapper.unmount();
  mounted = null;
});

/** What a run says of a device that met a fault, and its config space afterwards; as if its address were `address`. */
const met = async (profile: ProfileName, protocol: Protocol, fault: Fault, device: PciAddress) => {
  const lab = new Lab({
    profile,
    topology: profile === 'eeh' ? 'eehPe' : profile.startsWith('zpci') ? 'zpci' : 'single',
  });
  try {
    valueOf(await lab.coordinator.arm(device, protocol, policyOf()));
    await lab.hit(fault, device);
    await lab.until('quiet', () =>
      lab.linesOf('step', device).some(({ event }) => event.kind === 'quiesceFinished'),
    );
    const config = await lab.coordinator.session(device)?.readConfig('hardware');
    const own = lab.linesOf('step', device).map((line) => ({ ...line, device: address }));
    return { lines: own, config: config?.ok === true ? config.value : null };
  } finally {
    await lab.close();
  }
};
const zpci = '1234:00:00.0' as PciAddress;

describe('the history of a run', () => {
  it('has what the registers said at each error', async () => {
    const { lines } = await met('notify-7.2', 'notify', fatal, rng);
    expect(errorHistory(lines)).toMatchObject([
      {
        severity: 'fatal',
        recovery: 1,
        failed: null,
        errors: [{ source: 'aer', name: 'MALF_TLP', first: true }],
      },
    ]);
  });

  it('has the records that were drained on s390x, and not the look at AER registers that are not there', async () => {
    const { lines } = await met('zpci-7.3', 'mediated', { kind: 'zpciDma', where: 'unmapped' }, zpci);
    const history = errorHistory(lines);
    expect(history).toHaveLength(1);
    expect(drainedRecords(history)).toMatchObject([{ record: { pec: 4, pecName: 'TPROTE', fid: 0x56 } }]);
  });

  it('says that a look failed', () => {
    const [finding] = errorHistory([
      {
        seq: 1,
        at: 5,
        wall: '',
        type: 'step',
        device: address,
        event: { kind: 'inspected', at: 5, recovery: 1, result: failure('configUnreadable', 'No answer.') },
        reason: 'errorsUnreadable',
        phase: 'quiescing',
        recovery: 1,
        effects: [],
      },
    ]);
    expect(finding).toMatchObject({ errors: [], failed: 'configUnreadable: No answer.' });
  });
});

describe('the AER table', () => {
  it('has one row for each error, with status, mask, severity and the first one', async () => {
    const { config } = await met('notify-7.2', 'notify', nonFatal, rng);
    const table = aerTable(config ?? new Uint8Array());
    if (table === 'none' || table === 'allOnes') throw new Error(table);
    const set = table.rows.filter(({ set: isSet }) => isSet);
    expect(set).toMatchObject([
      { error: { name: 'COMP_TIME', bit: 14 }, severity: 'nonFatal', masked: false, first: true },
    ]);
    expect(table.rows.filter(({ first }) => first)).toHaveLength(1);
    expect(table.rows.find(({ error }) => error.name === 'MALF_TLP')).toMatchObject({ severity: 'fatal' });
    expect(table.rows.find(({ error }) => error.name === 'ADV_NONFATAL')).toMatchObject({ masked: true });
    // The monitor of QEMU names no header.
    expect(table.headerLogIs).toBe('empty');
  });

  it('says whose header the log has: of the error that is set, or of one that is gone', async () => {
    const { config } = await met('notify-7.2', 'notify', nonFatal, rng);
    const logged = new Uint8Array(config ?? new Uint8Array());
    const read = aerTable(logged);
    if (read === 'none' || read === 'allOnes') throw new Error(read);
    const capability = findExtendedCapability(logged, extendedCapabilityId.advancedErrorReporting) ?? 0;
    logged[capability + aerRegister.headerLog] = 0x4a;
    expect(aerTable(logged)).toMatchObject({ headerLogIs: 'current' });
    logged.fill(
      0,
      capability + aerRegister.uncorrectableStatus,
      capability + aerRegister.uncorrectableStatus + 4,
    );
    expect(aerTable(logged)).toMatchObject({ headerLogIs: 'leftOver' });
  });

  it.each([
    ['none', new Uint8Array(256)],
    ['none', new Uint8Array(0)],
    ['allOnes', new Uint8Array(4096).fill(0xff)],
  ] as const)('says %s where there is nothing to read', (answer, bytes) => {
    expect(aerTable(bytes)).toBe(answer);
  });
});

describe('Errors', () => {
  const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

  it('shows counters of the device and the ports above it side by side', async () => {
    const { lines, config } = await met('notify-7.2', 'notify', fatal, rng);
    const devices: RigView['devices'] = [
      deviceView('0000:00:04.0', { kind: 'bridge', aerCounters: { correctable: 0, nonFatal: 3, fatal: 0 } }),
      deviceView(address, { parent: '0000:00:04.0', aerCounters: { correctable: 0, nonFatal: 0, fatal: 7 } }),
    ];
    mounted = await mountView(ErrorsView, 'errors', {
      lines,
      rig: { devices },
      prepare: (link) =>
        link.answer('readConfig', () =>
          success({ device: address, view: 'hardware', bytes: base64(config ?? new Uint8Array()) }),
        ),
    });
    const counters = mounted.wrapper.find('[aria-label="Counters"]');
    expect(
      counters.findAll('tbody tr').map((row) => row.findAll('th, td').map((cell) => cell.text())),
    ).toEqual([
      [`${address} this device`, '0', '0', '7'],
      ['0000:00:04.0 root port', '0', '3', '0'],
    ]);
    const first = mounted.wrapper.find('[aria-label="AER errors"] tbody tr');
    expect(first.text()).toContain('MALF_TLP');
    expect(first.text()).toContain('fatal');
    const moment = mounted.wrapper.find('[aria-label="History of errors"] tbody button');
    await moment.trigger('click');
    await flushPromises();
    expect(mounted.router.currentRoute.value.query['at']).toBe(String(errorHistory(lines)[0]?.at));
  });

  const s390x = { kind: 'simulated', name: 'z', title: 'z', kernel: '7.3', architecture: 's390x' } as const;
  /** The view of a device that met a bad DMA, with its records as `change` makes them. */
  const afterBadDma = async (
    where: Extract<Fault, { kind: 'zpciDma' }>['where'],
    change: (record: CcdfRecord) => CcdfRecord = (record) => record,
  ): Promise<MountedView> => {
    const { lines } = await met('zpci-7.3', 'mediated', { kind: 'zpciDma', where }, zpci);
    const changed = lines.map((line) => {
      const { event } = line;
      return event.kind === 'drained' && event.result.ok
        ? { ...line, event: { ...event, result: success(event.result.value.map(ccdf).map(change)) } }
        : line;
    });
    mounted = await mountView(ErrorsView, 'errors', {
      lines: changed,
      rig: { rig: s390x, devices: [{ ...zpciView(0x1234, 0x56), address }] },
      prepare: (link) => link.answer('readConfig', () => failure('configUnreadable', 'No answer.')),
    });
    return mounted;
  };
  const ccdf = (record: ErrorRecord): CcdfRecord => {
    if (record.source !== 'ccdf') throw new Error(record.source);
    return record;
  };
  const recordsIn = ({ wrapper }: MountedView): string =>
    wrapper.get('[aria-label="Drained records"]').text().replaceAll(/\s+/g, ' ');

  it('explains a drained record, with its raw bytes and no AER', async () => {
    const view = await afterBadDma('belowAperture');
    const records = recordsIn(view);
    expect(records).toContain('PEC 0x2 OORANGE');
    expect(records).toContain('0x1000 below the DMA aperture: it can never be mapped');
    expect(records).toMatch(/DMA aperture ?0x100000000 to 0x1ffffffffff/);
    expect(records).toMatch(
      /FID 0x56, handle 0x80020000 the handle that the function had when this was read/,
    );
    expect(records).toContain('ett 0 mvn 0 dmaas 0 q 0 rw 0');
    expect(records).toMatch(/([0-9a-f]{8} ){7}[0-9a-f]{8}/);
    expect(view.wrapper.find('[aria-label="AER registers"]').exists()).toBe(false);
    expect(view.wrapper.text()).not.toContain('AER');
  });

  it('says what names the function that its records are of', async () => {
    const { wrapper } = await afterBadDma('unmapped');
    const facts = wrapper.get('[aria-label="Error records"] dl').text();
    expect(facts).toMatch(/UID.*0x1234.*UID checking is on.*FID.*0x00000056.*PCHID.*0x0100.*RB 1/s);
  });

  it('says where an address lies that is inside, or above, and what is known without an aperture', async () => {
    expect(recordsIn(await afterBadDma('unmapped'))).toMatch(
      /PEC 0x4 TPROTE.*0x130100000 inside the DMA aperture, and not mapped/,
    );
    mounted?.wrapper.unmount();
    const above = await afterBadDma('unmapped', (record) => ({ ...record, failingAddress: '0x20000000000' }));
    expect(recordsIn(above)).toContain('0x20000000000 above the DMA aperture: it can never be mapped');
    mounted?.wrapper.unmount();
    const old = await afterBadDma(
      'belowAperture',
      ({ aperture: _none, handleNow: _neither, ...record }) => record,
    );
    expect(recordsIn(old)).toContain('outside the DMA aperture: it can never be mapped');
    expect(recordsIn(old)).toContain('handle 0x80020000 enabled');
    expect(old.wrapper.findAll('dt').map((term) => term.text())).not.toContain('DMA aperture');
  });

  it('tells the records of one queue in their order, and that a full one has lost what came after', async () => {
    const { lines } = await met('zpci-7.3', 'mediated', { kind: 'zpciDma', where: 'unmapped' }, zpci);
    const queue = (count: number) =>
      errorHistory(lines).map((finding) => ({
        ...finding,
        errors: Array.from({ length: count }, (_, index) => ({
          ...ccdf(finding.errors[0] as ErrorRecord),
          pec: index + 1,
        })),
      }));
    const text = (count: number): string =>
      mount(CcdfRecords, { props: { records: drainedRecords(queue(count)) } }).text();
    expect(text(4)).toMatch(/The queue was full.*1 of 4.*PEC 0x1.*2 of 4.*PEC 0x2.*4 of 4.*PEC 0x4/s);
    expect(text(3)).not.toContain('full');
    expect(text(1)).not.toContain('1 of 1');
  });

  it('shows what another agent wrote that is no address, and draws nothing from it', async () => {
    const strange = await afterBadDma('unmapped', (record) => ({ ...record, failingAddress: 'nowhere' }));
    expect(recordsIn(strange)).toContain('nowhere inside the DMA aperture, and not mapped when the device');
    expect(strange.wrapper.findAll('.bar.inside')).toHaveLength(0);
  });

  it('does not trust a record with another handle than the function has', async () => {
    const stale = await afterBadDma('unmapped', (record) => ({ ...record, handleNow: 0x8003_0000 }));
    expect(recordsIn(stale)).toContain('stale: the function had 0x80030000 when this was read');
  });
});
