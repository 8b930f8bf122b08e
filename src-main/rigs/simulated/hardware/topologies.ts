import { formatPciAddress, parsePciAddress, partsOf } from '../../../core/pci/address.ts';
import type { PciAddress } from '../../../core/pci/address.ts';
import { addressOfUid, formatFid, parseFid, parseUid } from '../../../core/pci/zpci-identity.ts';
import type { Result } from '../../../core/result.ts';
import type { TemplateName } from './templates.ts';
import type { InitialDriver, Topology, TopologyFunction } from './topology.ts';

/** Only for the literals below: a literal that does not parse is a mistake in this file. */
const literal = <T>(result: Result<T>): T => {
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
};
const at = (text: string): PciAddress => literal(parsePciAddress(text));

const vfio: InitialDriver = { kind: 'vfio-pci' };
const notify: InitialDriver = { kind: 'vfio-pci-notify' };
const driverless: InitialDriver = { kind: 'none' };
const portDriver: InitialDriver = { kind: 'host', name: 'pcieport', use: 'free' };
const host = (name: string, use: 'free' | 'rootFilesystem' = 'free'): InitialDriver => ({
  kind: 'host',
  name,
  use,
});

interface Place {
  readonly address: string;
  readonly below: string | null;
  readonly group: number;
  readonly slot?: string;
  readonly partition?: number;
}

const fn = (place: Place, template: TemplateName, driver: InitialDriver): TopologyFunction => ({
  address: at(place.address),
  template,
  parent: place.below === null ? null : at(place.below),
  iommuGroup: place.group,
  slot: place.slot ?? null,
  driver,
  identity: place.partition === undefined ? { kind: 'pci' } : { kind: 'eeh', partition: place.partition },
});

const rootPort = (address: string, group: number, slot: string): TopologyFunction =>
  fn({ address, below: null, group, slot }, 'rootPort', portDriver);

const single: Topology = {
  name: 'single',
  title: 'One function below a root port',
  platform: 'aer',
  functions: [
    rootPort('0000:00:04.0', 4, '1'),
    fn({ address: '0000:01:00.0', below: '0000:00:04.0', group: 10, slot: '1' }, 'virtioRng', notify),
  ],
};

const multiFunction: Topology = {
  name: 'multiFunction',
  title: 'A device with two functions, and a device of its own',
  platform: 'aer',
  functions: [
    rootPort('0000:00:04.0', 4, '1'),
    // No ACS in the functions: what they say to each other never meets the IOMMU, so they share a group.
    fn(
      { address: '0000:01:00.0', below: '0000:00:04.0', group: 10, slot: '1' },
      'virtioRngMultiFunction',
      notify,
    ),
    fn(
      { address: '0000:01:00.1', below: '0000:00:04.0', group: 10, slot: '1' },
      'virtioRngMultiFunction',
      notify,
    ),
    rootPort('0000:00:05.0', 5, '2'),
    fn({ address: '0000:02:00.0', below: '0000:00:05.0', group: 11, slot: '2' }, 'virtioRng', notify),
  ],
};

const sharedSwitch: Topology = {
  name: 'sharedSwitch',
  title: 'Two devices below one switch, and one beside it',
  platform: 'aer',
  functions: [
    rootPort('0000:00:04.0', 4, '1'),
    fn({ address: '0000:01:00.0', below: '0000:00:04.0', group: 6 }, 'switchUpstreamPort', portDriver),
    fn(
      { address: '0000:02:00.0', below: '0000:01:00.0', group: 7, slot: '10' },
      'switchDownstreamPort',
      portDriver,
    ),
    fn(
      { address: '0000:02:01.0', below: '0000:01:00.0', group: 8, slot: '11' },
      'switchDownstreamPort',
      portDriver,
    ),
    fn({ address: '0000:03:00.0', below: '0000:02:00.0', group: 10, slot: '10' }, 'virtioRng', notify),
    fn({ address: '0000:04:00.0', below: '0000:02:01.0', group: 11, slot: '11' }, 'virtioRng', notify),
    rootPort('0000:00:05.0', 5, '2'),
    fn({ address: '0000:05:00.0', below: '0000:00:05.0', group: 12, slot: '2' }, 'virtioRng', notify),
  ],
};

const lab: Topology = {
  name: 'lab',
  title: 'A lab machine with a bit of everything',
  platform: 'aer',
  functions: [
    fn({ address: '0000:00:1e.0', below: null, group: 3 }, 'conventionalNic', driverless),
    rootPort('0000:00:04.0', 4, '1'),
    fn({ address: '0000:01:00.0', below: '0000:00:04.0', group: 20, slot: '1' }, 'virtioRng', notify),
    rootPort('0000:00:05.0', 5, '2'),
    fn({ address: '0000:02:00.0', below: '0000:00:05.0', group: 10 }, 'switchUpstreamPort', portDriver),
    fn(
      { address: '0000:03:00.0', below: '0000:02:00.0', group: 11, slot: '10' },
      'switchDownstreamPort',
      portDriver,
    ),
    fn(
      { address: '0000:03:01.0', below: '0000:02:00.0', group: 12, slot: '11' },
      'switchDownstreamPort',
      portDriver,
    ),
    fn({ address: '0000:04:00.0', below: '0000:03:00.0', group: 21, slot: '10' }, 'nvme', vfio),
    fn({ address: '0000:05:00.0', below: '0000:03:01.0', group: 22, slot: '11' }, 'virtioNet', notify),
    rootPort('0000:00:06.0', 6, '3'),
    fn(
      { address: '0000:06:00.0', below: '0000:00:06.0', group: 23, slot: '3' },
      'acceleratorWithEverything',
      notify,
    ),
    rootPort('0000:00:07.0', 7, '4'),
    fn(
      { address: '0000:07:00.0', below: '0000:00:07.0', group: 24, slot: '4' },
      'e1000eLikeMultiFunction',
      vfio,
    ),
    fn(
      { address: '0000:07:00.1', below: '0000:00:07.0', group: 24, slot: '4' },
      'e1000eLikeMultiFunction',
      driverless,
    ),
    rootPort('0000:00:08.0', 8, '5'),
    fn(
      { address: '0000:08:00.0', below: '0000:00:08.0', group: 25, slot: '5' },
      'nvme',
      host('nvme', 'rootFilesystem'),
    ),
    rootPort('0000:00:09.0', 9, '6'),
    fn(
      { address: '0000:09:00.0', below: '0000:00:09.0', group: 26, slot: '6' },
      'virtioNet',
      host('virtio-pci'),
    ),
  ],
};

/** On s390x with UID checking the UID is the domain, and each function has its own domain, slot and IOMMU group. */
const zpciFunction = (
  uidText: string,
  fidText: string,
  group: number,
  template: TemplateName,
  driver: InitialDriver,
): TopologyFunction => {
  const uid = literal(parseUid(uidText));
  const fid = literal(parseFid(fidText));
  return {
    address: addressOfUid(uid),
    template,
    parent: null,
    iommuGroup: group,
    slot: formatFid(fid).slice(2),
    driver,
    identity: { kind: 'zpci', uid, fid },
  };
};

const zpci: Topology = {
  name: 'zpci',
  title: 's390x functions, each in its own domain',
  platform: 'zpci',
  functions: [
    zpciFunction('0x1234', '0x56', 0, 'zpciVirtio', vfio),
    zpciFunction('0x1235', '0x57', 1, 'zpciVirtioConventional', vfio),
    zpciFunction('0x2000', '0x100', 2, 'zpciVirtio', host('virtio-pci')),
  ],
};

const eehPe: Topology = {
  name: 'eehPe',
  title: 'POWER: a partitionable endpoint with two functions',
  platform: 'eeh',
  functions: [
    fn(
      { address: '0001:00:00.0', below: null, group: 0, slot: 'C1', partition: 0xfe },
      'rootPort',
      portDriver,
    ),
    fn(
      { address: '0001:01:00.0', below: '0001:00:00.0', group: 1, slot: 'C1', partition: 1 },
      'e1000eLikeMultiFunction',
      vfio,
    ),
    fn(
      { address: '0001:01:00.1', below: '0001:00:00.0', group: 1, slot: 'C1', partition: 1 },
      'e1000eLikeMultiFunction',
      vfio,
    ),
    fn(
      { address: '0002:00:00.0', below: null, group: 2, slot: 'C2', partition: 0xfe },
      'rootPort',
      portDriver,
    ),
    fn({ address: '0002:01:00.0', below: '0002:00:00.0', group: 3, slot: 'C2', partition: 1 }, 'nvme', vfio),
  ],
};

export const topologies = { single, multiFunction, sharedSwitch, lab, zpci, eehPe } as const;

export type TopologyName = keyof typeof topologies;

// A bus below every function of devices 01 to 1f: as many root ports as a domain can hold, and fewer than 255 buses.
const portsPerDomain = 31 * 8;

const portAddress = (port: number): PciAddress =>
  literal(
    formatPciAddress({
      domain: Math.floor(port / portsPerDomain),
      bus: 0,
      device: 1 + ((port % portsPerDomain) >>> 3),
      function: port % 8,
    }),
  );

/** `count` virtio RNGs, each below a root port of its own and in a group of its own, over as many domains as needed. */
export const manyFunctions = (count: number): Topology => {
  const functions: TopologyFunction[] = [];
  for (let index = 0; index < count; index++) {
    const parent = portAddress(index);
    const { domain } = partsOf(parent);
    const slot = String(index + 1);
    functions.push({
      address: parent,
      template: 'rootPort',
      parent: null,
      iommuGroup: 2 * index,
      slot,
      driver: portDriver,
      identity: { kind: 'pci' },
    });
    functions.push({
      address: literal(
        formatPciAddress({ domain, bus: 1 + (index % portsPerDomain), device: 0, function: 0 }),
      ),
      template: 'virtioRng',
      parent,
      iommuGroup: 2 * index + 1,
      slot,
      driver: notify,
      identity: { kind: 'pci' },
    });
  }
  return { name: `many-${count}`, title: `${count} functions`, platform: 'aer', functions };
};
