/** What a configuration space is made of: the declarative input of configSpaceBuilder.ts, and its result. */

/**
 * One register and how its bits behave. All masks are in the bits of the register; a bit in none of them is read-only
 * and has its reset value for ever. Attributes: PCIe base specification 7.4.
 */
export interface RegisterSpec {
  /** From the start of the capability, or of the configuration space for header registers. Bytes. */
  readonly offset: number;
  readonly width: 1 | 2 | 4;
  readonly reset?: number;
  /** RW, RWS */
  readonly writable?: number;
  /** RW1C, RW1CS */
  readonly writeOneToClear?: number;
  /** ROS, RWS, RW1CS: kept over every reset but power loss. */
  readonly sticky?: number;
  /** Kept over a function level reset but not over a conventional reset (PCIe 6.6.2 lists them). */
  readonly keptByFunctionLevelReset?: number;
}

export type CapabilitySpace = 'standard' | 'extended';

export interface CapabilitySpec {
  readonly space: CapabilitySpace;
  readonly id: number;
  /** Of an extended capability header; ignored for a standard one. */
  readonly version?: number;
  /** Bytes, with the capability header. */
  readonly size: number;
  /** Where it lies; right behind the one before it when nothing is said. */
  readonly at?: number;
  readonly registers: readonly RegisterSpec[];
}

/** One base address register (two for 64 bits). Sizes are powers of two, in bytes. */
export interface BarSpec {
  readonly index: number;
  readonly type: 'memory32' | 'memory64' | 'io';
  readonly prefetchable: boolean;
  /** The size after a conventional reset; a resizable BAR capability may change it. */
  readonly size: number;
}

export interface LocatedCapability {
  readonly space: CapabilitySpace;
  readonly id: number;
  readonly offset: number;
  readonly size: number;
}

export type HeaderKind = 'endpoint' | 'bridge';

/**
 * A reset, made ready: the bytes that hold anything are copied from `values`, and in the few 32-bit words listed the
 * bits of `masks` keep what they had. Words are in the byte order of the machine, on both sides of the copy.
 */
export interface ResetPlan {
  readonly values: Uint32Array;
  readonly words: Uint16Array;
  readonly masks: Uint32Array;
}

/** Registers whose writing does more than to store bits; the values are flags in `ConfigSpaceLayout.watched`. */
export const watchedRegister = {
  baseAddress: 0x01,
  deviceControl: 0x02,
  powerManagementControl: 0x04,
  bridgeControl: 0x08,
} as const;

/** A finished configuration space: shared, and never written, by all functions of one template. */
export interface ConfigSpaceLayout {
  /** 256 or 4096 bytes. */
  readonly size: number;
  readonly header: HeaderKind;
  readonly resetValue: Uint8Array;
  readonly writable: Uint8Array;
  readonly writeOneToClear: Uint8Array;
  readonly sticky: Uint8Array;
  readonly keptByFunctionLevelReset: Uint8Array;
  readonly conventionalReset: ResetPlan;
  readonly functionLevelReset: ResetPlan;
  /** Flags of `watchedRegister`, one byte for each 4 bytes of configuration space. */
  readonly watched: Uint8Array;
  /** In the order of the two lists. */
  readonly capabilities: readonly LocatedCapability[];
  readonly bars: readonly BarSpec[];
}

/** Offset of a capability in a layout, or 0 as the kernel's `pci_find_capability` says it. */
export const offsetOfCapability = (layout: ConfigSpaceLayout, space: CapabilitySpace, id: number): number =>
  layout.capabilities.find((capability) => capability.space === space && capability.id === id)?.offset ?? 0;
