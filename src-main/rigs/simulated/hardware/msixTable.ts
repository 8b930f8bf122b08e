import { capabilityId } from '../../../core/pci/capability-ids.ts';
import { msixControlBit, msixEntrySize, msixLocationBit } from '../../../core/pci/capability-registers.ts';
import { msixRegister } from '../../../core/pci/capability-registers.ts';
import { longAt, wordAt } from '../../../core/pci/bytes.ts';
import { offsetOfCapability } from './configSpaceLayout.ts';
import type { ConfigSpaceLayout } from './configSpaceLayout.ts';

/** One entry as the device holds it (PCIe 6.1.4.2): an all-zero address means that nobody ever filled it in. */
export interface MsixEntry {
  /** 64 bits; addresses on the platforms modelled fit a number. */
  readonly address: number;
  readonly data: number;
  readonly masked: boolean;
}

const maskBit = 0x1;

/** The MSI-X table in the device's memory. It is reached through its BAR, never through configuration space. */
export class MsixTable {
  readonly vectors: number;
  readonly bar: number;
  readonly tableOffset: number;
  readonly #words: Uint32Array;

  constructor(layout: ConfigSpaceLayout, capability: number) {
    const location = longAt(layout.resetValue, capability + msixRegister.table);
    this.vectors =
      (wordAt(layout.resetValue, capability + msixRegister.control) & msixControlBit.tableSizeMinusOne) + 1;
    this.bar = location & msixLocationBit.bar;
    this.tableOffset = (location & msixLocationBit.offset) >>> 0;
    this.#words = new Uint32Array(4 * this.vectors);
    this.clear();
  }

  /** What a reset leaves: every vector masked (PCIe 7.7.2.4), addresses and data gone. */
  clear(): void {
    this.#words.fill(0);
    for (let vector = 0; vector < this.vectors; vector++) this.#words[4 * vector + 3] = maskBit;
  }

  /** `offset` from the start of the BAR. */
  holds(bar: number, offset: number): boolean {
    return (
      bar === this.bar &&
      offset >= this.tableOffset &&
      offset < this.tableOffset + this.vectors * msixEntrySize
    );
  }

  read(offset: number): number {
    return this.#words[(offset - this.tableOffset) >>> 2] ?? 0;
  }

  write(offset: number, value: number): void {
    const word = (offset - this.tableOffset) >>> 2;
    this.#words[word] = (word & 3) === 3 ? value & maskBit : value;
  }

  entry(vector: number): MsixEntry | undefined {
    if (!Number.isInteger(vector) || vector < 0 || vector >= this.vectors) return undefined;
    const lower = this.#words[4 * vector] ?? 0;
    const upper = this.#words[4 * vector + 1] ?? 0;
    return {
      address: upper * 2 ** 32 + lower,
      data: this.#words[4 * vector + 2] ?? 0,
      masked: ((this.#words[4 * vector + 3] ?? 0) & maskBit) !== 0,
    };
  }
}

/** Undefined for a function without the capability. */
export const msixTableOf = (layout: ConfigSpaceLayout): MsixTable | undefined => {
  const capability = offsetOfCapability(layout, 'standard', capabilityId.msix);
  return capability === 0 ? undefined : new MsixTable(layout, capability);
};
