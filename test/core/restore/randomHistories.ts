import { modelledKernels } from '../../../src-main/core/restore/kernelVersion.ts';
import type { ModelledKernel } from '../../../src-main/core/restore/kernelVersion.ts';
import type { RestorePolicy } from '../../../src-main/core/restore/history.ts';
import { configOffset } from '../../../src-main/core/pci/registers.ts';
import { valueAt } from '../../../src-main/core/pci/bytes.ts';
import { extendedCapabilityId } from '../../../src-main/core/pci/capability-ids.ts';
import {
  msi,
  msix,
  pciExpress,
  pcix,
  powerManagement,
  vendorSpecific,
} from '../../../src-main/rigs/simulated/hardware/capabilities.ts';
import { buildConfigSpace } from '../../../src-main/rigs/simulated/hardware/configSpaceBuilder.ts';
import type { BarSpec, CapabilitySpec } from '../../../src-main/rigs/simulated/hardware/configSpaceLayout.ts';
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
  virtualFunctionResizableBar,
} from '../../../src-main/rigs/simulated/hardware/extendedCapabilities.ts';
import type { FunctionTemplate } from '../../../src-main/rigs/simulated/hardware/functionTemplate.ts';
import { SeededRandom } from '../../../src-main/rigs/simulated/kernel/random.ts';
import { resizeBar, resizeVfBar } from '../../../src-main/rigs/simulated/liveState.ts';
import { ModelDevice } from '../../../src-main/rigs/simulated/modelDevice.ts';
import type { HistoryAction, SwitchedFeature } from '../../../src-main/rigs/simulated/modelDevice.ts';

/** Draws for one device and history; the same seed gives the same. */
export class Draw {
  readonly #random: SeededRandom;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  below(count: number): number {
    return this.#random.between(0, count - 1);
  }

  chance(ofTen: number): boolean {
    return this.below(10) < ofTen;
  }

  one<Item>(items: readonly [Item, ...Item[]]): Item {
    return items[this.below(items.length)] ?? items[0];
  }

  some<Item>(items: readonly Item[], ofTen: number): Item[] {
    return items.filter(() => this.chance(ofTen));
  }
}

const conventional = (draw: Draw): FunctionTemplate =>
  randomTemplate(draw, 'conventional', [
    powerManagement({ noSoftReset: draw.chance(5) }),
    ...draw.some([pcix(), msi({ vectors: 1 }), vendorSpecific([6, 1, 2, 3])], 7),
  ]);

const express = (draw: Draw): FunctionTemplate => {
  const bars = [msix({ vectors: 4, bar: 0, tableOffset: 0x8000, pendingOffset: 0xc000 })];
  const latency = draw.chance(5);
  const capabilities: CapabilitySpec[] = [
    powerManagement({ noSoftReset: draw.chance(5) }),
    ...draw.some([msi({ vectors: draw.one([1, 2, 4]) }), ...bars, vendorSpecific([8, 1, 2, 3, 4, 5])], 7),
    pciExpress({ port: 'endpoint', functionLevelReset: draw.chance(7), latencyTolerance: latency }),
  ];
  const extended = draw.some(
    [
      advancedErrorReporting({ root: false }),
      virtualChannel({ extraChannels: draw.below(3) }),
      deviceSerialNumber(draw.below(1000)),
      alternativeRoutingId(),
      pasid(),
      pageRequest({ capacity: 64 }),
      addressTranslation(),
      resizableBar([{ bar: 2, sizes: 0x700, initial: 8 }]),
      downstreamPortContainment(),
      precisionTime({ root: false }),
      tphRequester({ entries: 1 + draw.below(6) }),
      accessControl({ capabilities: draw.one([0x5c, 0x1d, 0x5f]) }),
      latencyTolerance(),
      l1Substates(),
    ],
    5,
  );
  if (draw.chance(4)) {
    extended.push(singleRootVirtualization({ totalVfs: 8, vfDeviceId: 0x1234, vfBarSize: 0x1_0000 }));
    if (draw.chance(5)) extended.push(virtualFunctionResizableBar([{ bar: 0, sizes: 0xf, initial: 0 }]));
  }
  return randomTemplate(draw, 'express', [...capabilities, ...extended]);
};

const randomTemplate = (
  draw: Draw,
  space: 'express' | 'conventional',
  capabilities: readonly CapabilitySpec[],
): FunctionTemplate => {
  const bars: BarSpec[] = [{ index: 0, type: 'memory32', prefetchable: false, size: 0x1_0000 }];
  if (draw.chance(5)) bars.push({ index: 1, type: 'io', prefetchable: false, size: 0x20 });
  bars.push({ index: 2, type: 'memory64', prefetchable: true, size: 0x1000_0000 });
  return {
    key: 'random',
    name: 'Random device',
    className: 'Processing accelerators',
    kind: 'endpoint',
    space,
    vendorId: 0x1d0f,
    deviceId: 0xacc1,
    layout: buildConfigSpace({
      vendorId: 0x1d0f,
      deviceId: draw.below(0xffff),
      classCode: 0x120000,
      header: 'endpoint',
      space,
      bars,
      capabilities,
    }),
    engine: undefined,
    hostDriver: 'none',
  };
};

/** Registers that a user of VFIO may write and that do nothing else: no power states, resets, BARs or read-only ones. */
const writableRegisters = (device: ModelDevice): readonly { offset: number; width: 1 | 2 | 4 }[] => {
  const { layout } = device.fn;
  const registers: { offset: number; width: 1 | 2 | 4 }[] = [];
  const seen = new Set<number>();
  const kernelOwned = new Set<number>();
  for (const { space, id, offset, size } of layout.capabilities) {
    const owned =
      space === 'extended'
        ? (
            [
              extendedCapabilityId.resizableBar,
              extendedCapabilityId.virtualFunctionResizableBar,
              extendedCapabilityId.singleRootVirtualization,
              extendedCapabilityId.processAddressSpaceId,
              extendedCapabilityId.pageRequestInterface,
              extendedCapabilityId.addressTranslationServices,
              extendedCapabilityId.accessControlServices,
              extendedCapabilityId.tphRequester,
            ] as number[]
          ).includes(id)
        : id === 0x01 || id === 0x05 || id === 0x11;
    if (owned) for (let at = offset; at < offset + size; at += 1) kernelOwned.add(at);
  }
  for (const { offset, width, mask } of device.ledger.cells) {
    const bar = offset >= configOffset.baseAddress0 && offset < configOffset.cardBusCis;
    if (bar || seen.has(offset) || kernelOwned.has(offset)) continue;
    if ((valueAt(layout.writable, offset, width) & mask) === 0) continue;
    seen.add(offset);
    registers.push({ offset, width });
  }
  return registers;
};

const userWrite = (draw: Draw, device: ModelDevice): HistoryAction => {
  if (draw.chance(4)) {
    return {
      kind: 'write',
      offset: configOffset.command,
      width: 2,
      value: draw.one([0x0106, 0x0506, 0x0102, 0x0400, 0x0000]),
    };
  }
  const registers = writableRegisters(device);
  const chosen = registers[draw.below(registers.length)] ?? { offset: 0x0c, width: 1 };
  const { offset, width } = chosen;
  const writable = valueAt(device.fn.layout.writable, offset, width);
  const kept = valueAt(device.fn.config, offset, width) & ~writable;
  const wanted = draw.chance(2) ? 0 : draw.below(0xffff) * 0x1_0001;
  return { kind: 'write', offset, width, value: ((wanted & writable) | kept) >>> 0 };
};

const features: readonly [SwitchedFeature, ...SwitchedFeature[]] = [
  'msix',
  'msi',
  'tph',
  'ats',
  'pri',
  'pasid',
  'sriov',
];

export interface RandomHistory {
  readonly device: ModelDevice;
  readonly kernel: ModelledKernel;
  readonly policy: Exclude<RestorePolicy, 'unknown'>;
}

/** A random device, what happens to it, and a bench that keeps its config space now and then. */
export const randomHistory = (seed: number): RandomHistory => {
  const draw = new Draw(seed);
  const template = draw.chance(2) ? conventional(draw) : express(draw);
  const kernel = draw.one(modelledKernels);
  const policy = draw.one(['nothing', 'lastSave', 'openSnapshot', 'resetDone'] as const);
  const device = new ModelDevice(template, kernel, policy, ({ fn, state }) => {
    if (draw.chance(3)) resizeBar(state.live, fn, 9);
    if (draw.chance(3)) resizeVfBar(state.live, fn, 2);
    if (draw.chance(5)) fn.writeConfig(configOffset.cacheLineSize, 1, 0x10);
  });
  const read = (moment: string): void =>
    device.play([{ kind: 'read', moment, views: draw.one(['hardware', 'both']) }]);
  read('open');
  const count = 1 + draw.below(8);
  for (let step = 0; step < count; step += 1) {
    const kind = draw.below(10);
    if (kind < 4) device.play([userWrite(draw, device)]);
    else if (kind < 6) {
      const change = draw.chance(7) ? 'enabled' : 'disabled';
      device.play([{ kind: 'feature', feature: draw.one(features), change }]);
    } else if (kind < 8) device.play([{ kind: 'deviceReset' }]);
    else device.play([{ kind: 'recoveryReset' }]);
    if (draw.chance(5)) read(`step ${step}`);
  }
  read('end');
  return { device, kernel, policy };
};
