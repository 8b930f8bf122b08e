/** The devices a simulated rig can be made of. Ids and layouts follow QEMU's models where there is one. */
import { msi, msix, pciExpress, pcix, powerManagement, vendorSpecific } from './capabilities.ts';
import type { ExpressPort } from './capabilities.ts';
import { buildConfigSpace } from './configSpaceBuilder.ts';
import type { ConfigSpaceDescription } from './configSpaceBuilder.ts';
import type { BarSpec, CapabilitySpec } from './configSpaceLayout.ts';
import { acceleratorEngine, networkEngine, nvmeEngine, virtioEngine } from './engines.ts';
import {
  accessControl,
  addressTranslation,
  advancedErrorReporting,
  alternativeRoutingId,
  deviceSerialNumber,
  downstreamPortContainment,
  l1Substates,
  latencyTolerance,
  pageRequest,
  pasid,
  precisionTime,
  resizableBar,
  singleRootVirtualization,
  tphRequester,
  virtualChannel,
} from './extendedCapabilities.ts';
import type { EngineModel, FunctionKind, FunctionTemplate } from './functionTemplate.ts';

interface TemplateDescription extends Omit<ConfigSpaceDescription, 'header'> {
  readonly key: string;
  readonly name: string;
  readonly className: string;
  readonly kind: FunctionKind;
  readonly engine?: EngineModel;
  readonly hostDriver: string;
}

const template = (description: TemplateDescription): FunctionTemplate => ({
  key: description.key,
  name: description.name,
  className: description.className,
  kind: description.kind,
  space: description.space,
  vendorId: description.vendorId,
  deviceId: description.deviceId,
  layout: buildConfigSpace({
    ...description,
    header: description.kind === 'endpoint' ? 'endpoint' : 'bridge',
  }),
  engine: description.engine,
  hostDriver: description.hostDriver,
});

const redHat = 0x1af4;
const intel = 0x8086;

const virtioBars: readonly BarSpec[] = [
  { index: 1, type: 'memory32', prefetchable: false, size: 0x1000 },
  { index: 4, type: 'memory64', prefetchable: true, size: 0x4000 },
];

/**
 * struct virtio_pci_cap after id and next (virtio 1.2, 4.1.4): length, type, BAR 4, offset, length of the region, and
 * what a type has besides.
 */
const virtioRegion = (type: number, offset: number, more: readonly number[] = []): CapabilitySpec =>
  vendorSpecific(
    [0x10 + more.length, type, 4, 0, 0, 0, 0, offset >>> 8, 0, 0, 0, 0x10, 0, 0, ...more].map(
      (byte) => byte & 0xff,
    ),
  );

/** A window through which configuration writes reach the other regions (virtio 1.2, 4.1.4.9); nobody has set it. */
const virtioConfigWindow: CapabilitySpec = vendorSpecific([0x14, 5, ...Array.from({ length: 16 }, () => 0)]);

const notifyMultiplier = [4, 0, 0, 0];

const virtioMsix = (vectors: number): CapabilitySpec =>
  msix({ vectors, bar: 1, tableOffset: 0, pendingOffset: 0x800 });

/** In a root port of QEMU, which has a link of 2.5 GT/s and one lane unless it is told otherwise. */
const virtioExpress: CapabilitySpec = pciExpress({
  port: 'endpoint',
  functionLevelReset: true,
  maximumPayload: 0,
  endToEndPrefix: true,
  link: { capabilities: 0x0411, status: 0x0011, capabilities2: 0, control2: 0 },
});

/** QEMU's virtio_pci_realize() adds each capability in front of those before it; the first of them is at `first`. */
const virtioCapabilities = (queues: number, first: number): readonly CapabilitySpec[] => [
  { ...virtioMsix(queues + 1), at: first + 0x58 },
  { ...virtioConfigWindow, at: first + 0x44 },
  { ...virtioRegion(2, 0x3000, notifyMultiplier), at: first + 0x30 },
  { ...virtioRegion(4, 0x2000), at: first + 0x20 },
  { ...virtioRegion(3, 0x1000), at: first + 0x10 },
  { ...virtioRegion(1, 0), at: first },
];

const virtio = (
  options: Pick<TemplateDescription, 'key' | 'name' | 'className' | 'deviceId' | 'classCode'> & {
    queues: number;
    aer: boolean;
    space: 'express' | 'conventional';
    multiFunction?: boolean;
  },
): FunctionTemplate =>
  template({
    key: options.key,
    name: options.name,
    className: options.className,
    kind: 'endpoint',
    space: options.space,
    vendorId: redHat,
    deviceId: options.deviceId,
    classCode: options.classCode,
    multiFunction: options.multiFunction ?? false,
    bars: virtioBars,
    engine: virtioEngine({ queues: options.queues }),
    hostDriver: 'virtio-pci',
    capabilities: [
      ...virtioCapabilities(options.queues, options.space === 'express' ? 0x84 : 0x40),
      ...(options.space === 'express'
        ? [
            { ...powerManagement({ noSoftReset: false }), at: 0x7c },
            { ...virtioExpress, at: 0x40 },
          ]
        : []),
      ...(options.aer ? [advancedErrorReporting({ root: false })] : []),
    ],
  });

const rng = {
  name: 'Virtio RNG',
  className: 'Unclassified device',
  deviceId: 0x1044,
  classCode: 0x00ff00,
  queues: 1,
};
const net = {
  name: 'Virtio network',
  className: 'Ethernet controller',
  deviceId: 0x1041,
  classCode: 0x020000,
  queues: 3,
};

const virtioRng = virtio({ ...rng, key: 'virtioRng', aer: true, space: 'express' });
const virtioRngMultiFunction = virtio({
  ...rng,
  key: 'virtioRngMultiFunction',
  aer: true,
  space: 'express',
  multiFunction: true,
});
const virtioNet = virtio({ ...net, key: 'virtioNet', aer: true, space: 'express' });
const zpciVirtio = virtio({ ...rng, key: 'zpciVirtio', aer: false, space: 'express' });
/** As QEMU has it: on the root bus of a zPCI function virtio is conventional PCI. */
const zpciVirtioConventional = virtio({
  ...rng,
  key: 'zpciVirtioConventional',
  aer: false,
  space: 'conventional',
});

const nvme = template({
  key: 'nvme',
  name: 'NVMe disk',
  className: 'Non-Volatile memory controller',
  kind: 'endpoint',
  space: 'express',
  vendorId: 0x1b36,
  deviceId: 0x0010,
  classCode: 0x010802,
  bars: [{ index: 0, type: 'memory64', prefetchable: false, size: 0x4000 }],
  engine: nvmeEngine,
  hostDriver: 'nvme',
  // No AER: QEMU's nvme has none, so faults cannot be injected into it by the monitor.
  capabilities: [
    msix({ vectors: 8, bar: 0, tableOffset: 0x2000, pendingOffset: 0x3000 }),
    powerManagement({ noSoftReset: true }),
    pciExpress({ port: 'endpoint', functionLevelReset: true }),
  ],
});

const gigabitNic = (key: string, multiFunction: boolean): FunctionTemplate =>
  template({
    key,
    multiFunction,
    name: 'Gigabit NIC',
    className: 'Ethernet controller',
    kind: 'endpoint',
    space: 'express',
    vendorId: intel,
    deviceId: 0x10d3,
    classCode: 0x020000,
    bars: [
      { index: 0, type: 'memory32', prefetchable: false, size: 0x2_0000 },
      { index: 2, type: 'io', prefetchable: false, size: 0x20 },
      { index: 3, type: 'memory32', prefetchable: false, size: 0x4000 },
    ],
    engine: networkEngine,
    hostDriver: 'e1000e',
    capabilities: [
      powerManagement({ noSoftReset: false }),
      msi({ vectors: 1 }),
      pciExpress({ port: 'endpoint', functionLevelReset: false }),
      msix({ vectors: 5, bar: 3, tableOffset: 0, pendingOffset: 0x2000 }),
      advancedErrorReporting({ root: false }),
      deviceSerialNumber(0x1234_5678),
    ],
  });

const e1000eLike = gigabitNic('e1000eLike', false);
const e1000eLikeMultiFunction = gigabitNic('e1000eLikeMultiFunction', true);

/** Every capability that the kernel's restore has a step for (and a few it has none for): the audit's subject. */
const acceleratorWithEverything = template({
  key: 'acceleratorWithEverything',
  name: 'Accelerator',
  className: 'Processing accelerators',
  kind: 'endpoint',
  space: 'express',
  vendorId: 0x1d0f,
  deviceId: 0xacc1,
  classCode: 0x120000,
  bars: [
    { index: 0, type: 'memory32', prefetchable: false, size: 0x1_0000 },
    { index: 2, type: 'memory64', prefetchable: true, size: 0x1000_0000 },
  ],
  engine: acceleratorEngine,
  hostDriver: 'accel',
  capabilities: [
    powerManagement({ noSoftReset: true }),
    msi({ vectors: 4 }),
    pciExpress({ port: 'endpoint', functionLevelReset: true, latencyTolerance: true, endToEndPrefix: true }),
    msix({ vectors: 8, bar: 0, tableOffset: 0x8000, pendingOffset: 0xc000 }),
    advancedErrorReporting({ root: false }),
    virtualChannel({ extraChannels: 1 }),
    deviceSerialNumber(0xacce_1e7a),
    alternativeRoutingId(),
    pasid(),
    pageRequest({ capacity: 256 }),
    addressTranslation(),
    // 256 MiB to 1 GiB, 256 MiB after a reset.
    resizableBar([{ bar: 2, sizes: 0x700, initial: 8 }]),
    precisionTime({ root: false }),
    tphRequester({ entries: 8 }),
    accessControl({ capabilities: 0x005c }),
    singleRootVirtualization({ totalVfs: 8, vfDeviceId: 0xacc2, vfBarSize: 0x1_0000 }),
    latencyTolerance(),
    l1Substates(),
  ],
});

const conventionalNic = template({
  key: 'conventionalNic',
  name: 'PCI-X NIC',
  className: 'Ethernet controller',
  kind: 'endpoint',
  space: 'conventional',
  vendorId: intel,
  deviceId: 0x100e,
  classCode: 0x020000,
  bars: [
    { index: 0, type: 'memory32', prefetchable: false, size: 0x2_0000 },
    { index: 2, type: 'io', prefetchable: false, size: 0x40 },
  ],
  engine: networkEngine,
  hostDriver: 'e1000',
  capabilities: [powerManagement({ noSoftReset: false }), pcix(), msi({ vectors: 1 })],
});

const port = (
  kind: ExpressPort & FunctionKind,
  ids: Pick<TemplateDescription, 'key' | 'name' | 'vendorId' | 'deviceId'>,
  extra: readonly CapabilitySpec[],
): FunctionTemplate =>
  template({
    ...ids,
    className: 'PCI bridge',
    kind,
    space: 'express',
    classCode: 0x060400,
    bars: [],
    hostDriver: 'pcieport',
    capabilities: [
      powerManagement({ noSoftReset: true }),
      pciExpress({ port: kind, functionLevelReset: false, latencyTolerance: true }),
      advancedErrorReporting({ root: kind === 'rootPort' }),
      ...extra,
    ],
  });

const portAcs = accessControl({ capabilities: 0x001d });

const rootPort = port(
  'rootPort',
  { key: 'rootPort', name: 'Root port', vendorId: 0x1b36, deviceId: 0x000c },
  [portAcs, downstreamPortContainment(), precisionTime({ root: true })],
);
const switchUpstreamPort = port(
  'upstreamPort',
  { key: 'switchUpstreamPort', name: 'Switch upstream port', vendorId: 0x104c, deviceId: 0x8232 },
  [],
);
const switchDownstreamPort = port(
  'downstreamPort',
  { key: 'switchDownstreamPort', name: 'Switch downstream port', vendorId: 0x104c, deviceId: 0x8233 },
  [portAcs, downstreamPortContainment()],
);

export const templates = {
  virtioRng,
  virtioRngMultiFunction,
  virtioNet,
  nvme,
  e1000eLike,
  e1000eLikeMultiFunction,
  acceleratorWithEverything,
  conventionalNic,
  rootPort,
  switchUpstreamPort,
  switchDownstreamPort,
  zpciVirtio,
  zpciVirtioConventional,
} as const;

export type TemplateName = keyof typeof templates;
