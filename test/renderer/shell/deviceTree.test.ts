import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeviceView } from '../../../preload/contract/views.ts';
import { firstDevice, treeRows, typeAhead } from '../../../src-renderer/shell/deviceTree.ts';
import { deviceView, zpciView } from '../fakeBridge.ts';

const port = (address: string, parent: string | null = null): DeviceView =>
  deviceView(address, { kind: 'bridge', name: 'Root port', parent, protocols: [], driver: 'pcieport' });
const lab = [
  deviceView('0000:01:00.1', { name: 'Virtio network', parent: '0000:00:04.0' }),
  deviceView('0000:01:00.0', { name: 'Virtio RNG', parent: '0000:00:04.0' }),
  port('0000:00:04.0'),
  port('0000:00:05.0'),
  port('0000:02:00.0', '0000:00:05.0'),
  deviceView('0000:04:00.0', { name: 'NVMe disk', parent: '0000:02:00.0', driver: 'nvme', protocols: [] }),
];
const outline = (rows: ReturnType<typeof treeRows>): string[] =>
  rows.map(({ depth, branch, device }) => `${depth} ${branch} ${device.address}`);

describe('treeRows', () => {
  it('lists functions below their ports, by address', () => {
    expect(outline(treeRows(lab, new Set()))).toEqual([
      '0 open 0000:00:04.0',
      '1 leaf 0000:01:00.0',
      '1 leaf 0000:01:00.1',
      '0 open 0000:00:05.0',
      '1 open 0000:02:00.0',
      '2 leaf 0000:04:00.0',
    ]);
  });

  it('leaves out what is below a closed port, and counts places', () => {
    const rows = treeRows(lab, new Set(['0000:00:05.0']));
    expect(outline(rows)).toHaveLength(4);
    expect(rows.map(({ place, siblings }) => `${place}/${siblings}`)).toEqual(['1/2', '1/2', '2/2', '2/2']);
  });

  it('keeps the ports above what matches, and opens them', () => {
    const closed = new Set(['0000:00:05.0']);
    expect(outline(treeRows(lab, closed, 'nvme'))).toEqual([
      '0 open 0000:00:05.0',
      '1 open 0000:02:00.0',
      '2 leaf 0000:04:00.0',
    ]);
    expect(treeRows(lab, new Set(), 'virtio 00.1')).toHaveLength(2);
    expect(treeRows(lab, new Set(), 'nothing like it')).toEqual([]);
  });

  it('is a list on s390x, found by UID, FID and utility string', () => {
    const functions = [zpciView(0x2000, 0x100), zpciView(0x1234, 0x56)];
    expect(outline(treeRows(functions, new Set()))).toEqual(['0 leaf 1234:00:00.0', '0 leaf 2000:00:00.0']);
    for (const filter of ['uid 1234', 'uid 0x1234', 'fid 56', 'fid 0x56']) {
      expect(outline(treeRows(functions, new Set(), filter))).toEqual(['0 leaf 1234:00:00.0']);
    }
    expect(treeRows(functions, new Set(), 'rb 1')).toHaveLength(2);
  });

  it('shows each device once, whatever its parent is said to be, except in rings', () => {
    const tree = fc.array(fc.option(fc.nat(30), { nil: null }), { maxLength: 30 }).map((parents) =>
      parents.map((parent, index) =>
        deviceView(`0000:${index.toString(16).padStart(2, '0')}:00.0`, {
          parent: parent === null ? null : `0000:${parent.toString(16).padStart(2, '0')}:00.0`,
        }),
      ),
    );
    fc.assert(
      fc.property(tree, (devices) => {
        const byAddress = new Map(devices.map((device) => [device.address, device]));
        const reachesRoot = (device: DeviceView): boolean => {
          const seen = new Set<string>();
          let up: DeviceView | undefined = device;
          while (up !== undefined) {
            if (seen.has(up.address)) return false;
            seen.add(up.address);
            up = up.parent === null ? undefined : byAddress.get(up.parent);
          }
          return true;
        };
        const shown = treeRows(devices, new Set()).map(({ device }) => device.address);
        expect([...shown].sort()).toEqual(
          devices
            .filter(reachesRoot)
            .map(({ address }) => address)
            .sort(),
        );
      }),
    );
  });
});

describe('firstDevice', () => {
  it('is an endpoint that can be armed, else any, else none', () => {
    expect(firstDevice(lab)).toBe('0000:01:00.1');
    expect(firstDevice(lab.slice(2))).toBe('0000:04:00.0');
    expect(firstDevice(lab.slice(2, 5))).toBe('0000:00:04.0');
    expect(firstDevice([])).toBeNull();
  });
});

describe('typeAhead', () => {
  const rows = treeRows(lab, new Set());

  it('goes on from match to match with one key, and narrows with more', () => {
    const ahead = typeAhead();
    expect(ahead('v', 0, rows, 0)).toBe(1);
    expect(ahead('v', 5_000, rows, 1)).toBe(2);
    const words = typeAhead();
    expect(words('v', 0, rows, 0)).toBe(1);
    const found = [...'irtio n'].map((key, index) => words(key, index * 100, rows, 1)).at(-1);
    expect(found).toBe(2);
  });

  it('finds an address without its domain', () => {
    const ahead = typeAhead();
    const found = [...'04:'].map((key, index) => ahead(key, index * 100, rows, 0)).at(-1);
    expect(rows[found ?? -1]?.device.address).toBe('0000:04:00.0');
    expect(ahead('x', 9_000, rows, 0)).toBeNull();
  });
});
