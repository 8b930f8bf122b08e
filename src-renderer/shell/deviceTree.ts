import type { DeviceView } from '../../preload/contract/views.ts';
import { zpciName, type ZpciFunction } from '../../src-main/core/zpci/zpciFunction.ts';

/** A row of the tree as it is drawn, `depth` from 0. */
export interface TreeRow {
  readonly device: DeviceView;
  readonly depth: number;
  readonly branch: 'leaf' | 'open' | 'closed';
  /** Place among its siblings, from 1, and how many they are: what a screen reader says. */
  readonly place: number;
  readonly siblings: number;
}

/** Addresses of one domain have one length, and longer domains are later ones. */
const inOrder = ({ address: left }: DeviceView, { address: right }: DeviceView): number =>
  left.length - right.length || (left < right ? -1 : left > right ? 1 : 0);

// A list that came from the bench is never changed, nor is a device in it: what was made of one once holds, and a filter
// that is typed key by key over ten thousand devices makes it once.
const sortedLists = new WeakMap<readonly DeviceView[], readonly DeviceView[]>();
const texts = new WeakMap<DeviceView, string>();

const sorted = (devices: readonly DeviceView[]): readonly DeviceView[] => {
  const known = sortedLists.get(devices) ?? [...devices].sort(inOrder);
  sortedLists.set(devices, known);
  return known;
};

/** The functions below each port, by address and in the order they have here; null for those on a root bus. */
const childrenOf = (devices: readonly DeviceView[]): ReadonlyMap<string | null, readonly DeviceView[]> => {
  const known = new Set(devices.map(({ address }) => address));
  return Map.groupBy(devices, ({ parent }) => (parent !== null && known.has(parent) ? parent : null));
};

const zpciText = (zpci: ZpciFunction): string =>
  `${zpciName(zpci)} UID ${zpci.uid?.toString(16) ?? ''} FID ${zpci.fid.toString(16)} ${zpci.utilityString}`;

const textOf = (device: DeviceView): string => {
  const known = texts.get(device);
  if (known !== undefined) return known;
  const text =
    `${device.address} ${device.name} ${device.className} ${device.driver ?? 'no driver'} group ${device.iommuGroup ?? '-'} ${device.protocols.join(' ')} ${device.zpci === undefined ? '' : zpciText(device.zpci)}`.toLowerCase();
  texts.set(device, text);
  return text;
};

const matches = (device: DeviceView, words: readonly string[]): boolean => {
  const text = textOf(device);
  return words.every((word) => text.includes(word));
};

/** With a filter, what matches and the ports above it, all open. */
const filtered = (devices: readonly DeviceView[], filter: string): readonly DeviceView[] => {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return devices;
  const byAddress = new Map(devices.map((device) => [device.address, device]));
  const shown = new Set<string>();
  for (const device of devices) {
    if (!matches(device, words)) continue;
    let up: DeviceView | undefined = device;
    while (up !== undefined && !shown.has(up.address)) {
      shown.add(up.address);
      up = up.parent === null ? undefined : byAddress.get(up.parent);
    }
  }
  return devices.filter(({ address }) => shown.has(address));
};

/** The rows of the tree from top to bottom, without what lies below a closed port. Ports that form a ring are left out. */
export const treeRows = (
  devices: readonly DeviceView[],
  closed: ReadonlySet<string>,
  filter = '',
): readonly TreeRow[] => {
  const children = childrenOf(filtered(sorted(devices), filter));
  const rows: TreeRow[] = [];
  const add = (parent: string | null, depth: number): void => {
    const siblings = children.get(parent) ?? [];
    siblings.forEach((device, index) => {
      const below = children.get(device.address)?.length ?? 0;
      const open = filter.trim() !== '' || !closed.has(device.address);
      const branch = below === 0 ? 'leaf' : open ? 'open' : 'closed';
      rows.push({ device, depth, branch, place: index + 1, siblings: siblings.length });
      if (branch === 'open') add(device.address, depth + 1);
    });
  };
  add(null, 0);
  return rows;
};

/** The device to begin with: the first endpoint that can be armed, else the first one at all. */
export const firstDevice = (devices: readonly DeviceView[]): string | null => {
  const endpoints = devices.filter(({ kind }) => kind === 'endpoint');
  const armable = endpoints.find(({ protocols }) => protocols.length > 0);
  return (armable ?? endpoints[0] ?? devices[0])?.address ?? null;
};

/** How long after a key the next one belongs to the same word, in milliseconds. */
const typingPause = 700;

/** Finds the next row whose address or name begins with, or else has, what was typed without a pause. */
export const typeAhead = (): ((
  key: string,
  at: number,
  rows: readonly TreeRow[],
  from: number,
) => number | null) => {
  let typed = '';
  let last = -Infinity;
  return (key, at, rows, from) => {
    typed = at - last > typingPause ? key.toLowerCase() : typed + key.toLowerCase();
    last = at;
    // One key goes on to the next match; more of them may still mean the row that is there.
    const first = typed.length === 1 ? from + 1 : from;
    const texts = rows.map(({ device }) => [device.address.replace(/^0000:/, ''), device.name.toLowerCase()]);
    const search = (fits: (text: string) => boolean): number | null => {
      for (let step = 0; step < rows.length; step += 1) {
        const index = (first + step) % rows.length;
        if (texts[index]?.some(fits) === true) return index;
      }
      return null;
    };
    return search((text) => text.startsWith(typed)) ?? search((text) => text.includes(typed));
  };
};
