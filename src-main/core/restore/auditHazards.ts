import { baseAddressesOf } from '../pci/base-addresses.ts';
import { longAt, wordAt } from '../pci/bytes.ts';
import { capabilityId, extendedCapabilityId } from '../pci/capability-ids.ts';
import {
  msiControlBit,
  msiRegister,
  msixControlBit,
  msixRegister,
  tphRegister,
} from '../pci/capability-registers.ts';
import { baseAddressBit, commandBit, configOffset } from '../pci/registers.ts';
import type { SnapshotView } from '../journal/line.ts';
import type { Microseconds } from '../recovery/phase.ts';
import type { AuditedDevice } from './auditRegisters.ts';
import { hazardKinds, hazardsIn, type SeenHazard } from './hazards.ts';
import { hazardWords, historyHazardKinds, type AuditHazardKind, type HazardText } from './hazardWords.ts';
import type { RestoreHistory } from './history.ts';
import { restoreBehaviourOf } from './kernelVersion.ts';
import { readabilityOf, readableBytes } from './readability.ts';
import { restorePolicyAt } from './restorePolicy.ts';

export interface AuditHazard extends HazardText {
  readonly kind: AuditHazardKind;
  /** The event that shows it: a reading, or the reset that did it. The last one, where there are several. */
  readonly event: number;
  readonly at: Microseconds;
  /** `present`: still so at the last reading. `passed`: it was put right since. */
  readonly state: 'present' | 'passed';
  /** What was read, in numbers. */
  readonly evidence: string;
  /** Offsets of the registers that show it. */
  readonly offsets: readonly number[];
}

type Seen = Omit<SeenHazard, 'kind'> & { readonly kind: AuditHazardKind };

const hex = (value: number, digits: number): string => `0x${value.toString(16).padStart(digits, '0')}`;

const capabilityAt = ({ placement }: AuditedDevice, id: number, extended: boolean): number | null =>
  placement.capabilities.find(({ entry }) => entry.id === id && entry.extended === extended)?.base ?? null;

const memoryOff = (config: Uint8Array): boolean =>
  (wordAt(config, configOffset.command) & commandBit.memorySpace) === 0;

/** Memory BARs that had an address in `before` and have none in `now`. */
const emptyBars = (before: Uint8Array, now: Uint8Array, device: AuditedDevice): readonly number[] =>
  baseAddressesOf(before, device.placement.headerKind).flatMap(({ offset, part }) => {
    if (part === 'upper' || part === 'io') return [];
    const address = (config: Uint8Array): number => longAt(config, offset) & baseAddressBit.memoryAddress;
    const upper = part === 'memory64' ? longAt(now, offset + 4) : 0;
    return address(before) !== 0 && address(now) === 0 && upper === 0 ? [offset] : [];
  });

/** The fold of a history into what it did to the state that the next restore builds upon. */
class Watch {
  readonly #device: AuditedDevice;
  readonly #history: RestoreHistory;
  readonly #first: Uint8Array;
  /** The last reading, while nothing has happened to the hardware since; else null. */
  #now: Uint8Array | null = null;
  #opened: Uint8Array | null = null;
  #mapped = false;
  /** Features that the kernel holds enabled: as last read before any reset, and as it was told since. */
  readonly #live = new Map<'msi' | 'msix' | 'tph', boolean>();
  #reset = false;
  /** Since the last restore: which snapshot it took, and COMMAND of that snapshot. */
  #restored: { readonly source: 'lastSave' | 'openSnapshot'; readonly saved: Uint8Array | null } | null =
    null;
  /** The kernel may have reset the device, how it restores is not known, and nobody else has written since. */
  #onlyKernel = false;
  /** What the last save holds that should not have been saved. */
  #badSave: readonly Seen[] = [];

  constructor(history: RestoreHistory, device: AuditedDevice, first: Uint8Array) {
    this.#history = history;
    this.#device = device;
    this.#first = first;
  }

  #control(feature: 'msi' | 'msix' | 'tph', config: Uint8Array): { offset: number; on: boolean } | null {
    const [id, wide, register, mask] = {
      msi: [capabilityId.msi, false, msiRegister.control, msiControlBit.enable],
      msix: [capabilityId.msix, false, msixRegister.control, msixControlBit.enable],
      tph: [extendedCapabilityId.tphRequester, true, tphRegister.control, 0x0300],
    }[feature] as [number, boolean, number, number];
    const base = capabilityAt(this.#device, id, wide);
    if (base === null || base + register + 2 > config.length) return null;
    return { offset: base + register, on: (wordAt(config, base + register) & mask) !== 0 };
  }

  /** What the event itself shows; `event` is its index. */
  events(index: number): readonly Seen[] {
    const event = this.#history.events[index];
    if (event === undefined) return [];
    if (event.kind !== 'reading' && event.kind !== 'traced') {
      this.#onlyKernel =
        event.kind === 'recoveryReset' && restorePolicyAt(this.#history, index) === 'unknown';
    }
    switch (event.kind) {
      case 'deviceReset':
        return this.#deviceReset();
      case 'recoveryReset': {
        const policy = restorePolicyAt(this.#history, index);
        this.#reset = true;
        this.#now = null;
        if (policy === 'openSnapshot') this.#restored = { source: policy, saved: this.#opened };
        else if (policy !== 'lastSave') this.#restored = null;
        return [];
      }
      case 'kernelFeature':
        if (event.feature === 'msi' || event.feature === 'msix' || event.feature === 'tph') {
          this.#live.set(event.feature, event.change === 'enabled');
          // The registers, and with MSI-X the table, are written anew.
          if (event.feature !== 'msi') this.#restored = null;
        }
        this.#now = null;
        return [];
      case 'mapping':
        this.#mapped = event.change === 'mapped';
        return [];
      case 'ownWrite':
        this.#now = null;
        return [];
      case 'opened':
        this.#live.clear();
        return [];
      case 'gap':
        this.#now = null;
        this.#live.clear();
        this.#reset = false;
        this.#restored = null;
        this.#badSave = [];
        return [];
      case 'reading':
      case 'traced':
        return [];
    }
  }

  /** A save before it, a reset, a restore after it: what was saved is what comes back. */
  #deviceReset(): readonly Seen[] {
    const seen: Seen[] = [];
    const now = this.#now;
    if (now !== null) {
      const bars = emptyBars(this.#first, now, this.#device);
      if (bars.length > 0) {
        const evidence = bars
          .map(
            (offset) =>
              `BAR at ${hex(offset, 2)} was ${hex(longAt(this.#first, offset), 8)}, saved ${hex(longAt(now, offset), 8)}`,
          )
          .join('; ');
        seen.push({ kind: 'poisonedSave', evidence, offsets: bars });
      }
      if (memoryOff(now)) {
        const evidence = `COMMAND ${hex(wordAt(now, configOffset.command), 4)} when it was saved`;
        seen.push({ kind: 'memoryOffSaved', evidence, offsets: [configOffset.command] });
      }
    }
    this.#badSave = seen;
    const resetDone = this.#history.policy === 'resetDone';
    this.#restored = resetDone
      ? { source: 'openSnapshot', saved: this.#opened }
      : { source: 'lastSave', saved: now };
    this.#reset = true;
    this.#now = null;
    return seen;
  }

  /** What a reading shows in the light of all before it. */
  reading(config: Uint8Array, readable: number, moment: string): readonly Seen[] {
    const seen: Seen[] = [];
    if (moment === 'open' && this.#opened === null) this.#opened = config;
    const command = wordAt(config, configOffset.command);
    for (const feature of ['msi', 'msix', 'tph'] as const) {
      const control = this.#control(feature, config);
      if (control === null || control.offset + 2 > readable) continue;
      if (!this.#reset && !this.#live.has(feature)) this.#live.set(feature, control.on);
      else if (!this.#reset && control.on) this.#live.set(feature, true);
      const live = this.#live.get(feature) === true;
      const name = feature === 'msix' ? 'MSI-X' : feature.toUpperCase();
      const { offset, on } = control;
      const value = hex(wordAt(config, offset), 4);
      if (live && !on && this.#reset && feature !== 'tph') {
        const evidence = `${name} Message Control ${value}; the kernel was never told to switch it off`;
        seen.push({ kind: 'interruptsKernelOnly', evidence, offsets: [offset] });
      }
      if (feature === 'tph' && live && !on && this.#fromOpening(config)) {
        const opened = this.#opened === null ? null : this.#control('tph', this.#opened);
        if (opened?.on !== true) {
          const evidence = `TPH control ${value} after a restore from the open-time snapshot; TPH was switched on after opening`;
          seen.push({ kind: 'tphTrap', evidence, offsets: [offset] });
        }
      }
      if (feature === 'msix' && live && on && this.#tableLost(config)) {
        const evidence = `MSI-X Message Control ${value} with COMMAND ${hex(command, 4)} after a restore; this kernel writes the table as COMMAND stands`;
        seen.push({ kind: 'msixMemoryOff', evidence, offsets: [offset, configOffset.command] });
      }
    }
    if (this.#mapped) {
      const bars = emptyBars(this.#first, config, this.#device);
      if (memoryOff(config) || bars.length > 0) {
        const evidence = `A BAR is mapped; COMMAND ${hex(command, 4)}${bars.length === 0 ? '' : `, ${bars.length} BAR(s) without an address`}`;
        seen.push({
          kind: 'mappedReadsZero',
          evidence,
          offsets: memoryOff(config) ? [configOffset.command] : bars,
        });
      }
    }
    // It is there as long as the device shows it.
    for (const one of this.#badSave) {
      const still =
        one.kind === 'poisonedSave'
          ? emptyBars(this.#first, config, this.#device).length > 0
          : memoryOff(config);
      if (still) seen.push(one);
    }
    this.#now = readable === config.length ? config : null;
    return seen;
  }

  /**
   * Whether the kernel's restore of the open-time snapshot, or of a save that is no younger, is what shows. Of a driver
   * that says nothing: a reset leaves BARs without addresses (observation 3), so that who has them was restored.
   */
  #fromOpening(config: Uint8Array): boolean {
    if (this.#restored !== null) return this.#restored.source === 'openSnapshot';
    const lost = (now: Uint8Array): number => emptyBars(this.#first, now, this.#device).length;
    return this.#onlyKernel && lost(config) === 0 && lost(new Uint8Array(this.#first.length)) > 0;
  }

  /** Stays so until the vectors are set up anew, whatever COMMAND becomes. */
  #tableLost(config: Uint8Array): boolean {
    if (this.#restored === null || !this.#reset) return false;
    if (restoreBehaviourOf[this.#history.kernel].enablesMemoryForMsixTable) return false;
    const { saved } = this.#restored;
    return saved === null ? memoryOff(config) : memoryOff(saved);
  }
}

const overlaid = (known: Uint8Array, config: Uint8Array, readable: number): Uint8Array => {
  if (readable >= known.length) return config;
  const whole = known.slice();
  whole.set(config.subarray(0, readable));
  return whole;
};

const order: readonly AuditHazardKind[] = [
  'allOnes',
  ...historyHazardKinds,
  ...hazardKinds.filter((kind) => kind !== 'allOnes'),
];

/**
 * What is dangerous in the state that a device came back with, from the readings and from what happened between them;
 * the worst first, those that were put right last. `first` is the first reading of `view`, which the others are held
 * against.
 */
export const auditHazards = (
  history: RestoreHistory,
  device: AuditedDevice,
  first: Uint8Array,
  view: SnapshotView,
): readonly AuditHazard[] => {
  const watch = new Watch(history, device, first);
  const { events } = history;
  const last = events.findLastIndex((event) => event.kind === 'reading' && event.view === view);
  const found = new Map<AuditHazardKind, AuditHazard>();
  let baseline: Uint8Array = first;
  let known: Uint8Array = first;
  let seenLast: ReadonlySet<AuditHazardKind> = new Set();
  events.forEach((event, index) => {
    const add = ({ kind, evidence, offsets }: Seen): void => {
      const { at } = event;
      found.set(kind, { kind, event: index, at, state: 'passed', ...hazardWords[kind], evidence, offsets });
    };
    if (event.kind !== 'reading') {
      for (const one of watch.events(index)) add(one);
      return;
    }
    // Where nothing was read nobody knows better than before.
    if (event.view !== view || event.config === null) return;
    const { moment } = event;
    const readable = readableBytes(readabilityOf(event, first), event.config.length);
    // What did not answer is taken to be as it was last read; ones from the start on are a hazard of their own.
    const config = readable === 0 ? event.config : overlaid(known, event.config, readable);
    if (readable > 0) known = config;
    const seen: Seen[] = [...hazardsIn(baseline, config, device.placement, index === last)];
    // VFIO's own view makes up BARs and MSI; what happened behind it cannot be told from it.
    if (view === 'hardware' && readable > 0) seen.push(...watch.reading(config, readable, moment));
    if (moment === 'armed' && readable > 0) baseline = config;
    for (const one of seen) add(one);
    seenLast = new Set(seen.map(({ kind }) => kind));
  });
  const focus = history.focus ?? 0;
  const rank = ({ kind, state }: AuditHazard): number =>
    order.indexOf(kind) + (state === 'present' ? 0 : order.length);
  return [...found.values()]
    .map((one): AuditHazard => ({ ...one, state: seenLast.has(one.kind) ? 'present' : 'passed' }))
    .filter(({ event, state }) => state === 'present' || event >= focus)
    .sort((one, other) => rank(one) - rank(other));
};
