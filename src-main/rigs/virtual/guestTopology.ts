import { formatPciAddress, type PciAddress } from '../../core/pci/address.ts';
import { failure, success, type Result } from '../../core/result.ts';
import type { GuestArchitecture } from './guestArchitecture.ts';

/** A device under test in a guest: where the guest finds it, and what QEMU's monitor calls it. */
export interface GuestDevice {
  readonly address: PciAddress;
  readonly id: string;
}

export interface GuestTopology {
  readonly architecture: GuestArchitecture;
  readonly name: GuestTopologyName | ZpciTopologyName;
  readonly title: string;
  readonly devices: readonly GuestDevice[];
  /** QEMU's words, without those of the machine. */
  readonly words: readonly string[];
}

export const guestTopologyNames = ['single', 'twoPorts', 'switch', 'multiFunction'] as const;
export type GuestTopologyName = (typeof guestTopologyNames)[number];
export const zpciTopologyNames = ['zpci'] as const;
export type ZpciTopologyName = (typeof zpciTopologyNames)[number];

/** The first is what is meant when none is named. */
export const topologyNames: Readonly<
  Record<GuestArchitecture, readonly [GuestTopology['name'], ...GuestTopology['name'][]]>
> = { x86: guestTopologyNames, s390x: zpciTopologyNames };

/**
 * The guest's firmware numbers buses depth first, in the order of the ports' addresses; the addresses are those of the
 * simulated topologies of the same shape.
 */
const device = (id: string, bus: number, fn = 0, domain = 0): GuestDevice => {
  const address = formatPciAddress({ domain, bus, device: 0, function: fn });
  if (!address.ok) throw new Error(address.error.message);
  return { address: address.value, id };
};

/** Slot n is at 00:0(3+n).0. `chassis` and `slot` have to be unique for QEMU to give the port a hot-plug slot. */
const rootPort = (slot: number): string[] => [
  '-device',
  `pcie-root-port,id=rootPort${slot},bus=pcie.0,chassis=${slot},slot=${slot},addr=0x${(3 + slot).toString(16)}`,
];

/**
 * Virtio's entropy device: it does real DMA and has MSI-X, and takes the errors of QEMU's monitor (e1000e and igb do
 * not, nvme has no AER capability). `iommu_platform` makes its DMA go through the IOMMU.
 */
const entropyDevice = (id: string, bus: string, address = '0x0', more = ''): string[] => [
  '-object',
  `rng-builtin,id=${id}Source`,
  '-device',
  `virtio-rng-pci,id=${id},bus=${bus},addr=${address},rng=${id}Source,aer=on,disable-legacy=on,iommu_platform=on${more}`,
];

/** With UID checking, which QEMU has on, the domain is the UID. */
const zpciDevice = (id: string, uid: number): GuestDevice => device(id, 0, 0, uid);

/** An entropy device as a zPCI function; see `entropyDevice`. There is no AER, and QEMU injects nothing. */
const zpciFunction = (id: string, uid: number, fid: number): string[] => [
  '-device',
  `zpci,uid=${uid},fid=${fid},target=${id},id=${id}Function`,
  '-object',
  `rng-builtin,id=${id}Source`,
  '-device',
  `virtio-rng-pci,id=${id},rng=${id}Source,disable-legacy=on,iommu_platform=on`,
];

const topologies: Readonly<Record<GuestTopology['name'], GuestTopology>> = {
  single: {
    architecture: 'x86',
    name: 'single',
    title: 'one function below a root port',
    devices: [device('dut0', 1)],
    words: [...rootPort(1), ...entropyDevice('dut0', 'rootPort1')],
  },
  twoPorts: {
    architecture: 'x86',
    name: 'twoPorts',
    title: 'two root ports with a device each',
    devices: [device('dut0', 1), device('dut1', 2)],
    words: [
      ...rootPort(1),
      ...entropyDevice('dut0', 'rootPort1'),
      ...rootPort(2),
      ...entropyDevice('dut1', 'rootPort2'),
    ],
  },
  switch: {
    architecture: 'x86',
    name: 'switch',
    title: 'two devices below one switch, and one beside it',
    devices: [device('dut0', 3), device('dut1', 4), device('dut2', 5)],
    words: [
      ...rootPort(1),
      ...['-device', 'x3130-upstream,id=upstream,bus=rootPort1,addr=0x0'],
      ...['-device', 'xio3130-downstream,id=downstream0,bus=upstream,chassis=10,slot=10,addr=0x0'],
      ...['-device', 'xio3130-downstream,id=downstream1,bus=upstream,chassis=11,slot=11,addr=0x1'],
      ...entropyDevice('dut0', 'downstream0'),
      ...entropyDevice('dut1', 'downstream1'),
      ...rootPort(2),
      ...entropyDevice('dut2', 'rootPort2'),
    ],
  },
  multiFunction: {
    architecture: 'x86',
    name: 'multiFunction',
    title: 'a device with two functions, and a device of its own',
    devices: [device('dut0', 1), device('dut1', 1, 1), device('dut2', 2)],
    words: [
      ...rootPort(1),
      ...entropyDevice('dut0', 'rootPort1', '0x0.0', ',multifunction=on'),
      ...entropyDevice('dut1', 'rootPort1', '0x0.1', ',multifunction=on'),
      ...rootPort(2),
      ...entropyDevice('dut2', 'rootPort2'),
    ],
  },
  zpci: {
    architecture: 's390x',
    name: 'zpci',
    title: 'two functions with an identity of their own',
    devices: [zpciDevice('dut0', 0x1234), zpciDevice('dut1', 0x1235)],
    words: [...zpciFunction('dut0', 0x1234, 0x56), ...zpciFunction('dut1', 0x1235, 0x57)],
  },
};

export const guestTopology = (name: GuestTopology['name']): GuestTopology => topologies[name];

export const guestTopologyNamed = (
  name: string,
  architecture: GuestArchitecture = 'x86',
): Result<GuestTopology> => {
  const names = topologyNames[architecture];
  const known = names.find((candidate) => candidate === name);
  return known === undefined
    ? failure('malformedInput', `There is no guest topology "${name}"; there are ${names.join(', ')}.`)
    : success(topologies[known]);
};
