/** What resets are known to set: from the specification, and from what one was seen to change. */
import { configSize } from '../pci/registers.ts';
import type { AuditedDevice } from './auditRegisters.ts';
import { byteState, copyOf, type KnownImage } from './knownImage.ts';
import { zeroedByReset } from './registerNature.ts';

export type ResetReach = 'function' | 'slot';

/** Bits that a reset is known to set, and to what. */
export interface ResetKnowledge {
  readonly value: Uint8Array;
  readonly mask: Uint8Array;
}

const specified = ({ size, placement }: AuditedDevice): ResetKnowledge => {
  const mask = new Uint8Array(size);
  for (const rule of zeroedByReset(placement)) {
    mask[rule.offset] = rule.mask & 0xff;
    if (rule.offset + 1 < size) mask[rule.offset + 1] = rule.mask >>> 8;
  }
  return { value: new Uint8Array(size), mask };
};

/** Learns from each reset that is read before anything else has touched the hardware. */
export class ResetLearning {
  readonly known: Readonly<Record<ResetReach, ResetKnowledge>>;
  /** The hardware before a reset that nothing has touched since. */
  #before: { readonly reach: ResetReach; readonly hardware: KnownImage } | null = null;

  constructor(device: AuditedDevice) {
    this.known = { function: specified(device), slot: specified(device) };
  }

  reset(reach: ResetReach, hardware: KnownImage): void {
    this.#before = { reach, hardware: copyOf(hardware) };
  }

  /** The next reading shows something else than what the reset left. */
  forget(): void {
    this.#before = null;
  }

  touched(from: number, to: number): void {
    this.#before?.hardware.state.fill(byteState.lost, from, to);
  }

  /** What a reset changed it sets; what it left may be sticky, or be the same anyway. */
  read(config: Uint8Array, readable: number): void {
    const before = this.#before;
    this.#before = null;
    if (before === null) return;
    const { reach, hardware } = before;
    // What a function level reset sets, a conventional one sets as well (PCIe 6.6.2).
    for (const known of ['function', 'slot'] as const) {
      const knowledge = this.known[known];
      // Of the header it keeps nothing that a conventional one sets: the exceptions of 6.6.2 are in capabilities.
      const end = known === 'function' && reach === 'slot' ? Math.min(readable, configSize.header) : readable;
      for (let at = 0; at < end; at += 1) {
        if (hardware.state[at] !== byteState.known) continue;
        const changed = (hardware.value[at] ?? 0) ^ (config[at] ?? 0);
        if (changed === 0) continue;
        knowledge.value[at] = ((knowledge.value[at] ?? 0) & ~changed) | ((config[at] ?? 0) & changed);
        knowledge.mask[at] = (knowledge.mask[at] ?? 0) | changed;
      }
    }
  }
}
