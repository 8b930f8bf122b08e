import {
  baseAddressBit,
  commandBit,
  configOffset,
  configSize,
  statusBit,
} from '../../../core/pci/registers.ts';
import { bridgeControlBit, bridgeOffset, firstExtendedCapability } from '../../../core/pci/registers.ts';
import { headerTypeOf, multiFunctionBit } from '../../../core/pci/registers.ts';
import { capabilityId, extendedCapabilityId } from '../../../core/pci/capability-ids.ts';
import { pciExpressRegister, powerManagementRegister } from '../../../core/pci/capability-registers.ts';
import { watchedRegister } from './configSpaceLayout.ts';
import type {
  BarSpec,
  CapabilitySpec,
  ConfigSpaceLayout,
  HeaderKind,
  LocatedCapability,
  RegisterSpec,
  ResetPlan,
} from './configSpaceLayout.ts';

export interface ConfigSpaceDescription {
  readonly vendorId: number;
  readonly deviceId: number;
  readonly subsystemVendorId?: number;
  readonly subsystemId?: number;
  /** Base class, sub-class, programming interface: 0x010802 is an NVMe controller. */
  readonly classCode: number;
  readonly revision?: number;
  readonly header: HeaderKind;
  readonly space: 'conventional' | 'express';
  readonly multiFunction?: boolean;
  readonly bars: readonly BarSpec[];
  /** Chained in this order, the standard and the extended ones each in their own list. */
  readonly capabilities: readonly CapabilitySpec[];
}

const firstStandardCapability = 0x40;

interface Planes {
  readonly resetValue: Uint8Array;
  readonly writable: Uint8Array;
  readonly writeOneToClear: Uint8Array;
  readonly sticky: Uint8Array;
  readonly keptByFunctionLevelReset: Uint8Array;
}

const put = (plane: Uint8Array, offset: number, width: number, value: number): void => {
  for (let byte = 0; byte < width; byte++) plane[offset + byte] = (value >>> (8 * byte)) & 0xff;
};

const place = (planes: Planes, base: number, register: RegisterSpec): void => {
  const at = base + register.offset;
  const sticky = register.sticky ?? 0;
  put(planes.resetValue, at, register.width, register.reset ?? 0);
  put(planes.writable, at, register.width, register.writable ?? 0);
  put(planes.writeOneToClear, at, register.width, register.writeOneToClear ?? 0);
  put(planes.sticky, at, register.width, sticky);
  // A function level reset keeps all that a conventional reset keeps (PCIe 6.6.2), and a little more.
  put(planes.keptByFunctionLevelReset, at, register.width, sticky | (register.keptByFunctionLevelReset ?? 0));
};

const writableCommand =
  commandBit.ioSpace |
  commandBit.memorySpace |
  commandBit.busMaster |
  commandBit.parityErrorResponse |
  commandBit.serr |
  commandBit.intxDisable;

const latchedStatus =
  statusBit.masterDataParityError |
  statusBit.signalledTargetAbort |
  statusBit.receivedTargetAbort |
  statusBit.receivedMasterAbort |
  statusBit.signalledSystemError |
  statusBit.detectedParityError;

const commonHeader = (description: ConfigSpaceDescription, hasCapabilities: boolean): RegisterSpec[] => [
  { offset: configOffset.vendorId, width: 2, reset: description.vendorId },
  { offset: configOffset.deviceId, width: 2, reset: description.deviceId },
  { offset: configOffset.command, width: 2, writable: writableCommand },
  {
    offset: configOffset.status,
    width: 2,
    reset: hasCapabilities ? statusBit.capabilityList : 0,
    writeOneToClear: latchedStatus,
  },
  {
    offset: configOffset.revisionId,
    width: 4,
    reset: ((description.classCode << 8) | (description.revision ?? 1)) >>> 0,
  },
  { offset: configOffset.cacheLineSize, width: 1, writable: 0xff },
  {
    offset: configOffset.headerType,
    width: 1,
    reset: headerTypeOf[description.header] | (description.multiFunction === true ? multiFunctionBit : 0),
  },
  { offset: configOffset.interruptLine, width: 1, writable: 0xff },
  { offset: configOffset.interruptPin, width: 1, reset: 1 },
];

const endpointHeader = (description: ConfigSpaceDescription): RegisterSpec[] => [
  {
    offset: configOffset.subsystemVendorId,
    width: 2,
    reset: description.subsystemVendorId ?? description.vendorId,
  },
  { offset: configOffset.subsystemId, width: 2, reset: description.subsystemId ?? 0x1100 },
];

// PCIe 7.5.1.3. The windows come back empty from a reset of the bridge itself; a reset of the secondary bus leaves them.
const bridgeHeader: readonly RegisterSpec[] = [
  { offset: bridgeOffset.primaryBus, width: 1, writable: 0xff },
  { offset: bridgeOffset.secondaryBus, width: 1, writable: 0xff },
  { offset: bridgeOffset.subordinateBus, width: 1, writable: 0xff },
  { offset: bridgeOffset.ioBase, width: 1, reset: 0x01, writable: 0xf0 },
  { offset: bridgeOffset.ioLimit, width: 1, reset: 0x01, writable: 0xf0 },
  { offset: bridgeOffset.secondaryStatus, width: 2, writeOneToClear: 0xf900 },
  { offset: bridgeOffset.memoryBase, width: 2, writable: 0xfff0 },
  { offset: bridgeOffset.memoryLimit, width: 2, writable: 0xfff0 },
  { offset: bridgeOffset.prefetchableBase, width: 2, reset: 0x0001, writable: 0xfff0 },
  { offset: bridgeOffset.prefetchableLimit, width: 2, reset: 0x0001, writable: 0xfff0 },
  { offset: bridgeOffset.prefetchableBaseUpper, width: 4, writable: 0xffff_ffff },
  { offset: bridgeOffset.prefetchableLimitUpper, width: 4, writable: 0xffff_ffff },
  { offset: bridgeOffset.ioBaseUpper, width: 2, writable: 0xffff },
  { offset: bridgeOffset.ioLimitUpper, width: 2, writable: 0xffff },
  {
    offset: bridgeOffset.bridgeControl,
    width: 2,
    writable:
      bridgeControlBit.parityErrorResponse |
      bridgeControlBit.serr |
      bridgeControlBit.vgaForwarding |
      bridgeControlBit.secondaryBusReset,
  },
];

// Sizing works by itself: the address bits below the size cannot be written (PCI 3.0, 6.2.5.1).
const barRegisters = (bar: BarSpec): RegisterSpec[] => {
  const offset = configOffset.baseAddress0 + 4 * bar.index;
  if (bar.type === 'io') {
    return [{ offset, width: 4, reset: baseAddressBit.ioSpace, writable: ~(bar.size - 1) & 0xffff_fffc }];
  }
  const type = bar.type === 'memory64' ? baseAddressBit.memoryType64 : 0;
  const reset = type | (bar.prefetchable ? baseAddressBit.prefetchable : 0);
  const lower: RegisterSpec = {
    offset,
    width: 4,
    reset,
    writable: bar.size >= 2 ** 32 ? 0 : ~(bar.size - 1) & 0xffff_fff0,
  };
  if (bar.type === 'memory32') return [lower];
  const upper = bar.size > 2 ** 32 ? ~(bar.size / 2 ** 32 - 1) : 0xffff_ffff;
  return [lower, { offset: offset + 4, width: 4, writable: upper }];
};

const align4 = (value: number): number => (value + 3) & ~3;

/** Lays capabilities out where they ask to be, or one after the other; writes the two chains, and answers where each one went. */
const chain = (planes: Planes, capabilities: readonly CapabilitySpec[]): LocatedCapability[] => {
  const located: LocatedCapability[] = [];
  let next: Record<CapabilitySpec['space'], number> = {
    standard: firstStandardCapability,
    extended: firstExtendedCapability,
  };
  let link: Record<CapabilitySpec['space'], number> = {
    standard: configOffset.capabilityPointer,
    extended: 0,
  };
  for (const capability of capabilities) {
    const { space, id, size } = capability;
    const offset = capability.at ?? next[space];
    for (const register of capability.registers) place(planes, offset, register);
    if (space === 'standard') {
      planes.resetValue[offset] = id;
      planes.resetValue[link.standard] = offset;
    } else {
      put(planes.resetValue, offset, 4, id | ((capability.version ?? 1) << 16));
      // The next pointer is the upper 12 bits of the header before this one (PCIe 7.6.3).
      if (link.extended !== 0) {
        planes.resetValue[link.extended + 2] =
          (planes.resetValue[link.extended + 2] ?? 0) | ((offset & 0xf) << 4);
        planes.resetValue[link.extended + 3] = offset >>> 4;
      }
    }
    link = { ...link, [space]: space === 'standard' ? offset + 1 : offset };
    next = { ...next, [space]: Math.max(next[space], align4(offset + size)) };
    located.push({ space, id, offset, size });
  }
  return located;
};

const resetPlan = (values: Uint8Array, kept: Uint8Array, usedSize: number): ResetPlan => {
  const keptWords = new Uint32Array(kept.buffer);
  const words = Uint16Array.from(keptWords.keys()).filter((word) => keptWords[word] !== 0);
  return {
    values: new Uint32Array(values.buffer, 0, usedSize / 4),
    words,
    masks: Uint32Array.from(words, (word) => keptWords[word] ?? 0),
  };
};

const watchedWords = (
  header: HeaderKind,
  capabilities: readonly LocatedCapability[],
  size: number,
): Uint8Array => {
  const watched = new Uint8Array(size / 4);
  const watch = (offset: number, flag: number): void => {
    watched[offset >>> 2] = (watched[offset >>> 2] ?? 0) | flag;
  };
  if (header === 'bridge') watch(bridgeOffset.bridgeControl, watchedRegister.bridgeControl);
  const rebar = capabilities.find(
    ({ space, id }) => space === 'extended' && id === extendedCapabilityId.resizableBar,
  );
  if (rebar !== undefined) {
    for (let index = 0; index < 6; index++) {
      watch(configOffset.baseAddress0 + 4 * index, watchedRegister.baseAddress);
    }
    for (let at = 8; at < rebar.size; at += 8) watch(rebar.offset + at, watchedRegister.baseAddress);
  }
  for (const { space, id, offset } of capabilities) {
    if (space !== 'standard') continue;
    if (id === capabilityId.pciExpress) {
      watch(offset + pciExpressRegister.deviceControl, watchedRegister.deviceControl);
    }
    if (id === capabilityId.powerManagement) {
      watch(offset + powerManagementRegister.control, watchedRegister.powerManagementControl);
    }
  }
  return watched;
};

/**
 * Throws on a description that cannot exist (a capability that does not fit): descriptions are program text, so that
 * is a mistake of the programmer and not of input.
 */
export const buildConfigSpace = (description: ConfigSpaceDescription): ConfigSpaceLayout => {
  const size = description.space === 'express' ? configSize.extended : configSize.conventional;
  const planes: Planes = {
    resetValue: new Uint8Array(size),
    writable: new Uint8Array(size),
    writeOneToClear: new Uint8Array(size),
    sticky: new Uint8Array(size),
    keptByFunctionLevelReset: new Uint8Array(size),
  };
  const capabilities = chain(planes, description.capabilities);
  let usedSize: number = configSize.header;
  for (const { space, id, offset, size: length } of capabilities) {
    const end = offset + length;
    if (end > (space === 'standard' ? configSize.conventional : size)) {
      throw new Error(
        `The ${space} capability ${id} at ${offset} does not fit into the configuration space.`,
      );
    }
    usedSize = Math.max(usedSize, align4(end));
  }
  const header = [
    ...commonHeader(description, capabilities.length > 0),
    ...(description.header === 'bridge' ? bridgeHeader : endpointHeader(description)),
    ...description.bars.flatMap(barRegisters),
  ];
  for (const register of header) place(planes, 0, register);
  return {
    size,
    header: description.header,
    ...planes,
    conventionalReset: resetPlan(planes.resetValue, planes.sticky, usedSize),
    functionLevelReset: resetPlan(planes.resetValue, planes.keptByFunctionLevelReset, usedSize),
    watched: watchedWords(description.header, capabilities, size),
    capabilities,
    bars: description.bars,
  };
};
