import { capabilityId, extendedCapabilityId } from '../../../core/pci/capability-ids.ts';
import {
  deviceCapabilitiesBit,
  deviceControlBit,
  msixControlBit,
  msixRegister,
  pciExpressRegister,
  powerManagementControlBit,
  powerManagementRegister,
  resizableBarControlBit,
  resizableBarRegister,
} from '../../../core/pci/capability-registers.ts';
import { baseAddressBit, bridgeControlBit, bridgeOffset } from '../../../core/pci/registers.ts';
import { commandBit, configOffset } from '../../../core/pci/registers.ts';
import { longAt } from '../../../core/pci/bytes.ts';
import type { PciAddress } from '../../../core/pci/address.ts';
import { offsetOfCapability, watchedRegister } from './configSpaceLayout.ts';
import type { BarSpec, ConfigSpaceLayout, ResetPlan } from './configSpaceLayout.ts';
import type { FunctionTemplate } from './functionTemplate.ts';
import { msixTableOf } from './msixTable.ts';
import type { MsixTable } from './msixTable.ts';

export type Width = 1 | 2 | 4;

/**
 * `frozen`: the platform has cut the function off (an EEH freeze, a zPCI function in error state): accesses answer all
 * ones and go nowhere. `removed`: it is not there any more. On x86 with QEMU a function with a fatal error stays `up`.
 */
export type LinkState = 'up' | 'frozen' | 'removed';

/**
 * How the function is attached to the machine.
 * - `memoryBus`: BARs are claimed by their addresses, and an MSI-X message is a memory write like any DMA, which needs the
 *   bus master (PCIe 6.1.4).
 * - `zpci`: the machine reaches a BAR by the function's handle and the BAR's number, whatever the register holds (under
 *   QEMU it stays 0), and turns MSI-X messages into adapter interruptions; vector 0 was seen to fire with BusMaster off.
 */
export type Attachment = 'memoryBus' | 'zpci';

/** Whether an access to a BAR reaches the device, and if not, what stops it. */
export type MmioDecode =
  | 'decoded'
  | 'noSuchBar'
  | 'memoryOff'
  | 'barUnassigned'
  | 'barElsewhere'
  | 'poweredDown'
  | 'frozen'
  | 'removed';

export type DmaResult =
  | { readonly kind: 'done' }
  | {
      readonly kind: 'blocked';
      readonly because:
        Exclude<MmioDecode, 'decoded'> | 'busMasterOff' | 'noEngine' | 'engineNotInitialised' | 'notMapped';
    };

export type MsixResult =
  | { readonly kind: 'delivered'; readonly address: number; readonly data: number }
  | {
      readonly kind: 'blocked';
      readonly because:
        | 'noMsix'
        | 'noSuchVector'
        | 'msixDisabled'
        | 'functionMasked'
        | 'vectorMasked'
        | 'entryZero'
        | 'busMasterOff'
        | 'poweredDown'
        | 'frozen'
        | 'removed';
    };

export type EngineResult =
  | { readonly kind: 'done' }
  | { readonly kind: 'blocked'; readonly because: Exclude<MmioDecode, 'decoded'> | 'noEngine' };

/** Sees what happens to a configuration space, after it has happened; only what witnesses of the truth need. */
export interface ConfigObserver {
  wrote(offset: number, width: Width, value: number): void;
  /** `kept`: the bits that this reset left as they were. */
  wasReset(kept: Uint8Array): void;
}

export type ResetResult = 'reset' | 'notCapable' | 'unreachable';

const allOnes = (width: Width): number => (width === 4 ? 0xffff_ffff : width === 2 ? 0xffff : 0xff);

const readBytes = (bytes: Uint8Array, offset: number, width: Width): number => {
  let value = 0;
  for (let byte = width - 1; byte >= 0; byte--) value = (value << 8) | (bytes[offset + byte] ?? 0);
  return value >>> 0;
};

const done = { kind: 'done' } as const;

/**
 * One PCI function as hardware: a configuration space with real write masks, BARs that decode or not, an MSI-X table,
 * and an engine that works only when it was made to. Nothing here knows of a kernel.
 */
export class SimulatedFunction {
  readonly address: PciAddress;
  readonly template: FunctionTemplate;
  readonly layout: ConfigSpaceLayout;
  /** The live bytes. Software goes through `readConfig` and `writeConfig`; only hardware touches them directly. */
  readonly config: Uint8Array;
  readonly msixTable: MsixTable | undefined;
  /** The bus address the platform gave each BAR, by BAR index; 0 for none. The platform forwards nothing else. */
  readonly assignedBars: Float64Array = new Float64Array(6);
  /** How often this function was reset since power on, by whichever way. */
  resets = 0;
  /** Set by the hierarchy: what happens when software sets the secondary bus reset bit of this port. */
  onSecondaryBusReset: (() => void) | undefined;
  observer: ConfigObserver | undefined;
  /** Offsets of capabilities, 0 where absent, as the kernel's `dev->aer_cap` and its likes. */
  readonly expressCapability: number;
  readonly aerCapability: number;
  readonly msixCapability: number;
  readonly attachment: Attachment;
  readonly #words: Uint32Array;
  readonly #engine: Uint8Array;
  readonly #powerManagement: number;
  readonly #resizableBar: number;
  #link: LinkState = 'up';

  constructor(address: PciAddress, template: FunctionTemplate, attachment: Attachment = 'memoryBus') {
    const { layout } = template;
    this.address = address;
    this.attachment = attachment;
    this.template = template;
    this.layout = layout;
    this.config = layout.resetValue.slice();
    this.#words = new Uint32Array(this.config.buffer);
    this.#engine = template.engine?.resetValue.slice() ?? new Uint8Array(0);
    this.msixTable = msixTableOf(layout);
    this.expressCapability = offsetOfCapability(layout, 'standard', capabilityId.pciExpress);
    this.msixCapability = offsetOfCapability(layout, 'standard', capabilityId.msix);
    this.#powerManagement = offsetOfCapability(layout, 'standard', capabilityId.powerManagement);
    this.aerCapability = offsetOfCapability(layout, 'extended', extendedCapabilityId.advancedErrorReporting);
    this.#resizableBar = offsetOfCapability(layout, 'extended', extendedCapabilityId.resizableBar);
  }

  get link(): LinkState {
    return this.#link;
  }

  setLink(link: LinkState): void {
    this.#link = link;
  }

  get command(): number {
    return (this.config[configOffset.command] ?? 0) | ((this.config[configOffset.command + 1] ?? 0) << 8);
  }

  /** Little-endian value, unsigned. All ones when the function cannot be reached or the offset is outside. */
  readConfig(offset: number, width: Width): number {
    if (this.#link !== 'up' || offset + width > this.config.length) return allOnes(width);
    return readBytes(this.config, offset, width);
  }

  /** Lost when the function cannot be reached; otherwise each bit does what its attribute says. */
  writeConfig(offset: number, width: Width, value: number): void {
    if (this.#link !== 'up' || offset + width > this.config.length) return;
    const { writable, writeOneToClear, watched } = this.layout;
    const flags = watched[offset >>> 2] ?? 0;
    const before = flags === 0 ? 0 : readBytes(this.config, offset, width);
    for (let byte = 0; byte < width; byte++) {
      const at = offset + byte;
      const written = (value >>> (8 * byte)) & 0xff;
      const mask = writable[at] ?? 0;
      const kept = (this.config[at] ?? 0) & ~mask;
      this.config[at] = (kept | (written & mask)) & ~(written & (writeOneToClear[at] ?? 0));
    }
    if (flags !== 0) this.#afterWatchedWrite(flags, offset, before, value);
    this.observer?.wrote(offset, width, value);
  }

  /** A register as the device itself sets it, read-only bits included. */
  latch(offset: number, width: Width, value: number): void {
    for (let byte = 0; byte < width; byte++) this.config[offset + byte] = (value >>> (8 * byte)) & 0xff;
  }

  snapshot(): Uint8Array {
    return this.config.slice();
  }

  /** Hot reset, secondary bus reset, slot reset, link down: all clear the same bits (PCIe 6.6.1). */
  conventionalReset(): ResetResult {
    if (this.#link === 'removed') return 'unreachable';
    this.#reset(this.layout.conventionalReset);
    this.observer?.wasReset(this.layout.sticky);
    return 'reset';
  }

  /**
   * The machine disables and enables a zPCI function. Under QEMU its registers keep their values (s390-pci-inst.c,
   * clp_service_call() resets the zPCI half alone); what its driver set up is taken for lost all the same.
   */
  reenable(): ResetResult {
    if (this.#link === 'removed') return 'unreachable';
    if (this.template.engine !== undefined) this.#engine.set(this.template.engine.resetValue);
    this.#link = 'up';
    this.resets += 1;
    return 'reset';
  }

  /** Function level reset, when Device Capabilities offers it (PCIe 6.6.2). A frozen function cannot be told to. */
  functionLevelReset(): ResetResult {
    if (!this.canFunctionLevelReset) return 'notCapable';
    if (this.#link !== 'up') return 'unreachable';
    this.#reset(this.layout.functionLevelReset);
    this.observer?.wasReset(this.layout.keptByFunctionLevelReset);
    return 'reset';
  }

  get canFunctionLevelReset(): boolean {
    if (this.expressCapability === 0) return false;
    const capabilities = longAt(
      this.layout.resetValue,
      this.expressCapability + pciExpressRegister.deviceCapabilities,
    );
    return (capabilities & deviceCapabilitiesBit.functionLevelReset) !== 0;
  }

  get poweredDown(): boolean {
    const at = this.#powerManagement;
    if (at === 0) return false;
    return (
      ((this.config[at + powerManagementRegister.control] ?? 0) & powerManagementControlBit.powerState) !== 0
    );
  }

  barSpec(bar: number): BarSpec | undefined {
    return this.layout.bars.find((spec) => spec.index === bar);
  }

  /** The address in the BAR register, whatever the platform thinks of it. */
  barAddress(bar: number): number {
    const spec = this.barSpec(bar);
    if (spec === undefined) return 0;
    const at = configOffset.baseAddress0 + 4 * bar;
    const lower = readBytes(this.config, at, 4);
    if (spec.type === 'io') return (lower & baseAddressBit.ioAddress) >>> 0;
    const upper = spec.type === 'memory64' ? readBytes(this.config, at + 4, 4) : 0;
    return upper * 2 ** 32 + ((lower & baseAddressBit.memoryAddress) >>> 0);
  }

  decodeOf(bar: number): MmioDecode {
    const spec = this.barSpec(bar);
    if (spec === undefined) return 'noSuchBar';
    if (this.#link !== 'up') return this.#link;
    if (this.poweredDown) return 'poweredDown';
    const enable = spec.type === 'io' ? commandBit.ioSpace : commandBit.memorySpace;
    if ((this.command & enable) === 0) return 'memoryOff';
    if (this.attachment === 'zpci') return 'decoded';
    const address = this.barAddress(bar);
    if (address === 0) return 'barUnassigned';
    return address === this.assignedBars[bar] ? 'decoded' : 'barElsewhere';
  }

  /**
   * A load from `bar`. Where nothing decodes it the answer is 0, as measured on x86 under QEMU ("BAR reads return 0,
   * not an error"); from a frozen or removed function it is all ones.
   */
  readBar(bar: number, offset: number, width: Width): number {
    const decode = this.decodeOf(bar);
    if (decode === 'frozen' || decode === 'removed') return allOnes(width);
    if (decode !== 'decoded') return 0;
    if (this.msixTable?.holds(bar, offset) === true) return this.msixTable.read(offset);
    return bar === this.template.engine?.bar ? readBytes(this.#engine, offset, width) : 0;
  }

  /** A store to `bar`; the answer says whether it arrived. MSI-X entries take 32-bit stores only. */
  writeBar(bar: number, offset: number, width: Width, value: number): MmioDecode {
    const decode = this.decodeOf(bar);
    if (decode !== 'decoded') return decode;
    if (this.msixTable?.holds(bar, offset) === true) {
      this.msixTable.write(offset, value);
    } else {
      const ready = this.template.engine?.ready;
      if (bar === this.template.engine?.bar && offset === ready?.offset && width === ready.width) {
        for (let byte = 0; byte < width; byte++) this.#engine[offset + byte] = (value >>> (8 * byte)) & 0xff;
      }
    }
    return decode;
  }

  get engineReady(): boolean {
    const ready = this.template.engine?.ready;
    if (ready === undefined) return false;
    return (readBytes(this.#engine, ready.offset, ready.width) & ready.value) >>> 0 === ready.value;
  }

  /** What a driver does to make the device work, through its BAR: it fails when the BAR does not answer. */
  initialiseEngine(): EngineResult {
    const { engine } = this.template;
    if (engine === undefined) return { kind: 'blocked', because: 'noEngine' };
    const decode = this.writeBar(engine.bar, engine.ready.offset, engine.ready.width, engine.ready.value);
    return decode === 'decoded' ? done : { kind: 'blocked', because: decode };
  }

  /** One DMA to `iova`: told through the BAR (the doorbell), then done as a bus master through the IOMMU. */
  performDma(iova: number, isMapped: (iova: number) => boolean): DmaResult {
    const { engine } = this.template;
    if (engine === undefined) return { kind: 'blocked', because: 'noEngine' };
    const decode = this.decodeOf(engine.bar);
    if (decode !== 'decoded') return { kind: 'blocked', because: decode };
    if (!this.engineReady) return { kind: 'blocked', because: 'engineNotInitialised' };
    if ((this.command & commandBit.busMaster) === 0) return { kind: 'blocked', because: 'busMasterOff' };
    return isMapped(iova) ? done : { kind: 'blocked', because: 'notMapped' };
  }

  /** The device raises one vector, with the address and data of its table entry (PCIe 6.1.4). */
  raiseMsix(vector: number): MsixResult {
    const table = this.msixTable;
    if (table === undefined) return { kind: 'blocked', because: 'noMsix' };
    const entry = table.entry(vector);
    if (entry === undefined) return { kind: 'blocked', because: 'noSuchVector' };
    if (this.#link !== 'up') return { kind: 'blocked', because: this.#link };
    if (this.poweredDown) return { kind: 'blocked', because: 'poweredDown' };
    const control = readBytes(this.config, this.msixCapability + msixRegister.control, 2);
    if ((control & msixControlBit.enable) === 0) return { kind: 'blocked', because: 'msixDisabled' };
    if ((control & msixControlBit.functionMask) !== 0) return { kind: 'blocked', because: 'functionMasked' };
    if (entry.masked) return { kind: 'blocked', because: 'vectorMasked' };
    if (entry.address === 0) return { kind: 'blocked', because: 'entryZero' };
    if (this.attachment === 'memoryBus' && (this.command & commandBit.busMaster) === 0) {
      return { kind: 'blocked', because: 'busMasterOff' };
    }
    return { kind: 'delivered', address: entry.address, data: entry.data };
  }

  #reset(plan: ResetPlan): void {
    const { values, words, masks } = plan;
    const live = this.#words;
    // The kept bits are taken aside by exclusive or, so that no buffer is needed: live ends as reset ^ difference.
    const differences = words.length === 0 ? noDifferences : scratch;
    for (let index = 0; index < words.length; index++) {
      const word = words[index] ?? 0;
      differences[index] = ((live[word] ?? 0) ^ (values[word] ?? 0)) & (masks[index] ?? 0);
    }
    live.set(values);
    for (let index = 0; index < words.length; index++) {
      const word = words[index] ?? 0;
      live[word] = (live[word] ?? 0) ^ (differences[index] ?? 0);
    }
    this.msixTable?.clear();
    if (this.template.engine !== undefined) this.#engine.set(this.template.engine.resetValue);
    this.resets += 1;
  }

  #afterWatchedWrite(flags: number, offset: number, before: number, value: number): void {
    if ((flags & watchedRegister.baseAddress) !== 0) this.#clampResizableBars();
    if ((flags & watchedRegister.deviceControl) !== 0) {
      const shift = 8 * (this.expressCapability + pciExpressRegister.deviceControl - offset);
      const control = shift < 0 ? value << -shift : value >>> shift;
      if ((control & deviceControlBit.functionLevelReset) !== 0) this.functionLevelReset();
    }
    if ((flags & watchedRegister.bridgeControl) !== 0) {
      const shift = 8 * (bridgeOffset.bridgeControl - offset);
      const reset = bridgeControlBit.secondaryBusReset << shift;
      if ((before & reset) === 0 && (value & reset) !== 0) this.onSecondaryBusReset?.();
    }
    const powerManagementControl = this.#powerManagement + powerManagementRegister.control;
    if ((flags & watchedRegister.powerManagementControl) !== 0 && offset === powerManagementControl) {
      const { powerState, noSoftReset } = powerManagementControlBit;
      // D3hot to D0 without No_Soft_Reset ends in "D0 uninitialized" (PCI PM 1.2, 5.4.1).
      const left = (before & powerState) === powerState && !this.poweredDown;
      if (left && (before & noSoftReset) === 0) this.#reset(this.layout.conventionalReset);
    }
  }

  /** A larger size makes more of the address bits read-only zero (PCIe 7.8.6.3). */
  #clampResizableBars(): void {
    const first = this.#resizableBar + resizableBarRegister.control;
    const count = (readBytes(this.config, first, 4) & resizableBarControlBit.entryCount) >>> 5;
    for (let entry = 0; entry < count; entry++) {
      const control = readBytes(this.config, first + entry * resizableBarRegister.entrySize, 4);
      const exponent = 20 + ((control & resizableBarControlBit.barSize) >>> 8);
      const at = configOffset.baseAddress0 + 4 * (control & resizableBarControlBit.barIndex);
      const keptLower = exponent >= 32 ? 0 : ~(2 ** exponent - 1);
      const keptUpper = exponent > 32 ? ~(2 ** (exponent - 32) - 1) : 0xffff_ffff;
      this.latch(at, 4, readBytes(this.config, at, 4) & (keptLower | 0xf));
      this.latch(at + 4, 4, readBytes(this.config, at + 4, 4) & keptUpper);
    }
  }
}

// A reset runs to its end before anything else: one buffer serves all functions.
const scratch = new Uint32Array(1024);
const noDifferences = new Uint32Array(0);
