import { basename, join } from 'node:path';
import type { HostUse } from '../../core/faults/fault.ts';
import { parsePciAddress, type PciAddress } from '../../core/pci/address.ts';
import { namesIn, readText, resolved, type HostTree } from './hostTree.ts';

export interface UsedFunction {
  readonly use: HostUse;
  /** "/home on nvme0n1p2", "eth0". */
  readonly usedAs: string;
}

/** What the host lives on, by function; a function that is not in it is free. */
export type HostUses = ReadonlyMap<PciAddress, UsedFunction>;

interface Mount {
  /** major:minor; btrfs and others show an anonymous device here. */
  readonly device: string;
  readonly point: string;
  readonly source: string;
}

/** Octal escapes of /proc (fs/proc_namespace.c, mangle()). */
const unescaped = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

/** `36 35 98:0 / /mnt rw,noatime shared:1 - ext3 /dev/root rw` (Documentation/filesystems/proc.rst, 3.5). */
const readMounts = async (tree: HostTree): Promise<readonly Mount[]> => {
  const text = await readText(tree.proc, 'self/mountinfo');
  return (text ?? '').split('\n').flatMap((line) => {
    const [fields = '', kind = ''] = line.split(' - ');
    const [, , device, , point] = fields.split(' ');
    const [, source = ''] = kind.split(' ');
    return device === undefined || point === undefined
      ? []
      : [{ device, point: unescaped(point), source: unescaped(source) }];
  });
};

/** The first column of /proc/swaps, below its heading. */
const readSwaps = async (tree: HostTree): Promise<readonly string[]> => {
  const text = await readText(tree.proc, 'swaps');
  return (text ?? '')
    .split('\n')
    .slice(1)
    .flatMap((line) => line.split(/\s+/)[0] ?? []);
};

interface BlockDevice {
  readonly name: string;
  readonly number: string | null;
  readonly folder: string;
  /** Device-mapper and md devices that are made of it. */
  readonly holders: readonly string[];
  /** "vg-root" of dm-0. */
  readonly mapperName: string | null;
}

const readBlockDevices = async (tree: HostTree): Promise<ReadonlyMap<string, BlockDevice>> => {
  const names = await namesIn(tree.sys, 'class/block');
  const devices = await Promise.all(
    names.map(async (name): Promise<BlockDevice | null> => {
      const folder = await resolved(tree.sys, 'class/block', name);
      if (folder === null) return null;
      const [number, holders, mapperName] = await Promise.all([
        readText(folder, 'dev'),
        namesIn(folder, 'holders'),
        readText(folder, 'dm/name'),
      ]);
      return { name, number, folder, holders, mapperName };
    }),
  );
  return new Map(devices.flatMap((device) => (device === null ? [] : [[device.name, device]])));
};

/** The block device, what is made of it, and its partitions. */
const builtOn = (
  all: ReadonlyMap<string, BlockDevice>,
  name: string,
  seen: ReadonlySet<string> = new Set(),
): readonly BlockDevice[] => {
  const device = all.get(name);
  if (device === undefined || seen.has(name)) return [];
  const known = new Set([...seen, name]);
  return [device, ...device.holders.flatMap((holder) => builtOn(all, holder, known))];
};

const isSourceOf = (device: BlockDevice, path: string): boolean =>
  path.startsWith('/dev/') &&
  (basename(path) === device.name ||
    (device.mapperName !== null && path === `/dev/mapper/${device.mapperName}`));

/** The function nearest to a real path in /sys/devices, and the ports above it: all of them carry what is below. */
const functionsOnPath = (folder: string): readonly PciAddress[] =>
  folder.split('/').flatMap((part) => {
    const parsed = parsePciAddress(part);
    return parsed.ok && parsed.value === part ? [parsed.value] : [];
  });

const diskUse = (
  device: BlockDevice,
  mounts: readonly Mount[],
  swaps: readonly string[],
): UsedFunction | null => {
  const mounted = mounts.filter(
    (mount) => mount.device === device.number || isSourceOf(device, mount.source),
  );
  const root = mounted.find(({ point }) => point === '/');
  if (root !== undefined) return { use: 'rootFilesystem', usedAs: `/ on ${device.name}` };
  const [first] = mounted;
  if (first !== undefined) return { use: 'mountedDisk', usedAs: `${first.point} on ${device.name}` };
  return swaps.some((swap) => isSourceOf(device, swap))
    ? { use: 'mountedDisk', usedAs: `swap on ${device.name}` }
    : null;
};

/** RTF_UP of a route to 0.0.0.0/0 or ::/0, as /proc/net/route and /proc/net/ipv6_route write them. */
const defaultInterfaces = async (tree: HostTree): Promise<ReadonlySet<string>> => {
  const [v4, v6] = await Promise.all([
    readText(tree.proc, 'net/route'),
    readText(tree.proc, 'net/ipv6_route'),
  ]);
  const found = new Set<string>();
  for (const line of (v4 ?? '').split('\n')) {
    const [name, destination, , flags = '0', , , , mask] = line.split(/\s+/);
    if (name === undefined || destination !== '00000000' || mask !== '00000000') continue;
    if ((Number.parseInt(flags, 16) & 1) !== 0) found.add(name);
  }
  for (const line of (v6 ?? '').split('\n')) {
    const [destination, length, , , , , , , flags = '0', name] = line.trim().split(/\s+/);
    if (name === undefined || length !== '00' || !/^0{32}$/.test(destination ?? '')) continue;
    // The kernel's own unreachable entry is on lo.
    if (name !== 'lo' && (Number.parseInt(flags, 16) & 1) !== 0) found.add(name);
  }
  return found;
};

interface NetworkLink {
  readonly name: string;
  readonly folder: string;
  readonly up: boolean;
  /** Bridges, bonds and VLANs on it. */
  readonly uppers: readonly string[];
}

const readNetworkLinks = async (tree: HostTree): Promise<readonly NetworkLink[]> => {
  const names = await namesIn(tree.sys, 'class/net');
  const links = await Promise.all(
    names.map(async (name): Promise<NetworkLink | null> => {
      const folder = await resolved(tree.sys, 'class/net', name);
      if (folder === null) return null;
      const [state, entries] = await Promise.all([readText(folder, 'operstate'), namesIn(folder)]);
      const uppers = entries.flatMap((entry) => (entry.startsWith('upper_') ? [entry.slice(6)] : []));
      return { name, folder, up: state === 'up' || state === 'unknown', uppers };
    }),
  );
  return links.flatMap((link) => link ?? []);
};

const carries = (
  links: readonly NetworkLink[],
  link: NetworkLink,
  wanted: ReadonlySet<string>,
  depth = 0,
): boolean =>
  wanted.has(link.name) ||
  (depth < 8 &&
    link.uppers.some((upper) => {
      const above = links.find(({ name }) => name === upper);
      return above === undefined ? wanted.has(upper) : carries(links, above, wanted, depth + 1);
    }));

const order: readonly HostUse[] = ['rootFilesystem', 'networkLink', 'mountedDisk', 'free'];

/** What of the host would be lost with which function. Ports count as used by everything that is below them. */
export const readHostUses = async (tree: HostTree): Promise<HostUses> => {
  const [mounts, swaps, blocks, routes, links] = await Promise.all([
    readMounts(tree),
    readSwaps(tree),
    readBlockDevices(tree),
    defaultInterfaces(tree),
    readNetworkLinks(tree),
  ]);
  const uses = new Map<PciAddress, UsedFunction>();
  const note = (folder: string, used: UsedFunction): void => {
    for (const address of functionsOnPath(folder)) {
      const known = uses.get(address);
      if (known === undefined || order.indexOf(used.use) < order.indexOf(known.use)) uses.set(address, used);
    }
  };
  for (const block of blocks.values()) {
    for (const device of builtOn(blocks, block.name)) {
      const used = diskUse(device, mounts, swaps);
      if (used !== null) note(block.folder, used);
    }
  }
  const real = links.filter((link) => functionsOnPath(link.folder).length > 0);
  const ways = real.filter((link) => link.up && carries(links, link, routes));
  const up = real.filter((link) => link.up);
  // Two ways out: either may be lost. One way, or one link that is up at all: it may not.
  const only = ways.length === 1 ? ways[0] : ways.length === 0 && up.length === 1 ? up[0] : undefined;
  if (only !== undefined) note(only.folder, { use: 'networkLink', usedAs: only.name });
  return uses;
};

/** Programs that have one of these files open, "qemu-system-x86 (1234)"; only what this user may see. */
export const holdersOf = async (
  tree: HostTree,
  files: readonly string[],
  ownProcess: number,
): Promise<readonly string[]> => {
  const processes = (await namesIn(tree.proc)).filter((name) => /^\d+$/.test(name));
  const found: string[] = [];
  for (const id of processes) {
    if (Number(id) === ownProcess) continue;
    const folder = join(tree.proc, id, 'fd');
    for (const descriptor of await namesIn(folder)) {
      const target = await resolved(folder, descriptor);
      if (target === null || !files.includes(target)) continue;
      found.push(`${(await readText(tree.proc, id, 'comm')) ?? 'a program'} (${id})`);
      break;
    }
  }
  return found;
};

/** The VFIO files of a function: its group, and its own device where the kernel has them. */
export const vfioFilesOf = async (
  tree: HostTree,
  folder: string,
  group: number | null,
): Promise<readonly string[]> => {
  const devices = await namesIn(folder, 'vfio-dev');
  return [
    ...(group === null ? [] : [join(tree.dev, 'vfio', String(group))]),
    ...devices.map((name) => join(tree.dev, 'vfio/devices', name)),
  ];
};
