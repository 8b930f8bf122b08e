import { byteAt, longAt, wordAt } from './bytes.ts';
import { capabilityId, capabilityName, extendedCapabilityName } from './capability-ids.ts';
import { capabilityLength, extendedCapabilityLength } from './capability-lengths.ts';
import { pciExpressFlagsBit, pciExpressRegister } from './capability-registers.ts';
import { configOffset, configSize, firstExtendedCapability, headerTypeMask, statusBit } from './registers.ts';

/** A capability found by following the list. */
export interface CapabilityEntry {
  readonly id: number;
  readonly name: string;
  readonly offset: number;
  readonly extended: boolean;
  /** Extended capabilities only. */
  readonly version?: number;
  /** Bytes with the header, where the capability itself says so; may reach beyond the bytes that were read. */
  readonly length?: number;
}

/** `list` says which of the two lists it is; `from` is the offset of the capability (or pointer) that led there. */
export type WalkProblem =
  /** The bytes are not even a header. */
  | { readonly kind: 'headerTruncated'; readonly length: number }
  /** Vendor id ffff: nobody answers. Or all zero: not a configuration space (a reset VF hides its ids as ffff). */
  | { readonly kind: 'unreadable'; readonly reading: 'allOnes' | 'allZero' }
  | { readonly kind: 'loop'; readonly list: CapabilityList; readonly from: number; readonly pointer: number }
  /** The two low bits are reserved; software must mask them (PCI 3.0 6.7), so the walk goes on with them masked. */
  | {
      readonly kind: 'misaligned';
      readonly list: CapabilityList;
      readonly from: number;
      readonly pointer: number;
    }
  | {
      readonly kind: 'intoHeader';
      readonly list: CapabilityList;
      readonly from: number;
      readonly pointer: number;
    }
  /** The list goes on where no byte was read: a short read, or an unprivileged reader, which gets 64 bytes. */
  | {
      readonly kind: 'truncated';
      readonly list: CapabilityList;
      readonly from: number;
      readonly pointer: number;
      readonly length: number;
    }
  /** The header of a capability reads as all ones: the device stopped answering, or the pointer is wrong. */
  | {
      readonly kind: 'allOnes';
      readonly list: CapabilityList;
      readonly from: number;
      readonly pointer: number;
    }
  /** The body of this capability is longer than what was read. */
  | {
      readonly kind: 'capabilityTruncated';
      readonly list: CapabilityList;
      readonly offset: number;
      readonly needed: number;
      readonly length: number;
    }
  /** A PCI Express function of which only the conventional 256 bytes (or less) were read. */
  | { readonly kind: 'extendedSpaceMissing'; readonly length: number };

export type CapabilityList = 'conventional' | 'extended';

export interface CapabilityWalk {
  readonly capabilities: readonly CapabilityEntry[];
  readonly problems: readonly WalkProblem[];
}

interface Walk {
  readonly config: Uint8Array;
  readonly capabilities: CapabilityEntry[];
  readonly problems: WalkProblem[];
}

// A pointer that is a multiple of 4 has at most this many values, so a longer chain has passed one offset twice.
const longestConventional = (configSize.conventional - configSize.header) / 4;
const longestExtended = (configSize.extended - firstExtendedCapability) / 4;

/**
 * Follows both capability lists of `config`, the first 0 to 4096 bytes of a configuration space. Always ends: a chain
 * that comes back to itself is cut and reported. What could not be followed is in `problems`, in the order it was met.
 */
export const walkCapabilities = (config: Uint8Array): CapabilityWalk => {
  const walk: Walk = { config, capabilities: [], problems: [] };
  walkBoth(walk);
  return { capabilities: walk.capabilities, problems: walk.problems };
};

const walkBoth = (walk: Walk): void => {
  const { config, problems } = walk;
  const reading = unreadable(config);
  if (reading !== undefined) {
    problems.push({ kind: 'unreadable', reading });
  } else if (config.length < configSize.header) {
    problems.push({ kind: 'headerTruncated', length: config.length });
  } else {
    if ((wordAt(config, configOffset.status) & statusBit.capabilityList) !== 0) walkConventional(walk);
    walkExtended(walk);
  }
};

/** The offset of a capability, or `undefined`; for the common case of needing one register of one capability. */
export const findCapability = (config: Uint8Array, id: number): number | undefined =>
  walkCapabilities(config).capabilities.find((entry) => !entry.extended && entry.id === id)?.offset;

export const findExtendedCapability = (config: Uint8Array, id: number): number | undefined =>
  walkCapabilities(config).capabilities.find((entry) => entry.extended && entry.id === id)?.offset;

/** The port type of the PCI Express capability among `capabilities`, see `portType`. */
export const portTypeOf = (
  config: Uint8Array,
  capabilities: readonly CapabilityEntry[],
): number | undefined => {
  const express = capabilities.find((entry) => !entry.extended && entry.id === capabilityId.pciExpress);
  if (express === undefined) return undefined;
  return (wordAt(config, express.offset + pciExpressRegister.flags) & pciExpressFlagsBit.portType) >>> 4;
};

const unreadable = (config: Uint8Array): 'allOnes' | 'allZero' | undefined => {
  const vendorId = wordAt(config, configOffset.vendorId);
  if (config.length === 0 || (vendorId !== 0xffff && vendorId !== 0)) return undefined;
  // A virtual function really has vendor and device id ffff (PCIe 9.3.4.1.1), so every byte of the header counts.
  const expected = vendorId === 0xffff ? 0xff : 0;
  const header = config.subarray(0, configSize.header);
  if (!header.every((byte) => byte === expected)) return undefined;
  return expected === 0 ? 'allZero' : 'allOnes';
};

const walkConventional = (walk: Walk): void => {
  const { config, capabilities, problems } = walk;
  // CardBus bridges keep the pointer elsewhere (PCI_CB_CAPABILITY_LIST).
  const cardBus = (byteAt(config, configOffset.headerType) & headerTypeMask) === 2;
  let from: number = cardBus ? 0x14 : configOffset.capabilityPointer;
  let pointer = byteAt(config, from);
  const visited = new Uint8Array(configSize.conventional);
  for (let steps = 0; pointer !== 0 && steps <= longestConventional; steps += 1) {
    const offset = pointer & ~3;
    if (offset !== pointer) problems.push({ kind: 'misaligned', list: 'conventional', from, pointer });
    if (offset < configSize.header) {
      // A pointer of 1 to 3 masks to the end of the list; anything else in the header is wrong.
      if (offset !== 0) problems.push({ kind: 'intoHeader', list: 'conventional', from, pointer });
      return;
    }
    if (visited[offset] === 1) {
      problems.push({ kind: 'loop', list: 'conventional', from, pointer });
      return;
    }
    visited[offset] = 1;
    if (offset + 2 > config.length) {
      problems.push({ kind: 'truncated', list: 'conventional', from, pointer, length: config.length });
      return;
    }
    const id = byteAt(config, offset);
    if (id === 0xff) {
      problems.push({ kind: 'allOnes', list: 'conventional', from, pointer });
      return;
    }
    const length = capabilityLength(config, id, offset);
    capabilities.push({
      id,
      name: capabilityName(id),
      offset,
      extended: false,
      ...(length === undefined ? {} : { length }),
    });
    reportShortBody(walk, 'conventional', offset, length);
    from = offset;
    pointer = byteAt(config, offset + 1);
  }
};

const walkExtended = (walk: Walk): void => {
  const { config, capabilities, problems } = walk;
  if (config.length <= firstExtendedCapability) {
    if (capabilities.some((entry) => entry.id === capabilityId.pciExpress)) {
      problems.push({ kind: 'extendedSpaceMissing', length: config.length });
    }
    return;
  }
  const port = portTypeOf(config, capabilities);
  // The first header is always at 0x100; a zero dword there says that there is no list (PCIe 7.6.2.1).
  let from: number = firstExtendedCapability;
  let pointer: number = firstExtendedCapability;
  const visited = new Uint8Array(configSize.extended);
  for (let steps = 0; pointer !== 0 && steps <= longestExtended; steps += 1) {
    const offset = pointer & ~3;
    if (offset !== pointer) problems.push({ kind: 'misaligned', list: 'extended', from, pointer });
    if (offset < firstExtendedCapability) {
      if (offset !== 0) problems.push({ kind: 'intoHeader', list: 'extended', from, pointer });
      return;
    }
    if (visited[offset] === 1) {
      problems.push({ kind: 'loop', list: 'extended', from, pointer });
      return;
    }
    visited[offset] = 1;
    if (offset + 4 > config.length) {
      problems.push({ kind: 'truncated', list: 'extended', from, pointer, length: config.length });
      return;
    }
    const header = longAt(config, offset);
    if (header === 0 && offset === firstExtendedCapability) return;
    if (header === 0xffff_ffff) {
      problems.push({ kind: 'allOnes', list: 'extended', from, pointer });
      return;
    }
    const id = header & 0xffff;
    const length = extendedCapabilityLength(config, id, offset, port);
    capabilities.push({
      id,
      name: extendedCapabilityName(id),
      offset,
      extended: true,
      version: (header >>> 16) & 0xf,
      ...(length === undefined ? {} : { length }),
    });
    reportShortBody(walk, 'extended', offset, length);
    from = offset;
    pointer = header >>> 20;
  }
};

const reportShortBody = (
  walk: Walk,
  list: CapabilityList,
  offset: number,
  needed: number | undefined,
): void => {
  const { length } = walk.config;
  if (needed !== undefined && offset + needed > length) {
    walk.problems.push({ kind: 'capabilityTruncated', list, offset, needed, length });
  }
};
