/** Which of the entries of a history may have written one register, with what. */
import { valueAt, wordAt } from '../pci/bytes.ts';
import { commandBit, configOffset } from '../pci/registers.ts';
import { capabilityId } from '../pci/capability-ids.ts';
import { msixControlBit } from '../pci/capability-registers.ts';
import type { AuditedRegister } from './auditRegisters.ts';
import { knownBits } from './knownImage.ts';
import type { KernelFeature } from './history.ts';
import type { KnownImage } from './knownImage.ts';
import type { Provenance } from './provenance.ts';
import { hasVfBaseAddress } from './liveGates.ts';
import type { Entry, Strength } from './entries.ts';
import type { Sources } from './sources.ts';
import type { RestoreStepName } from './steps.ts';

/** A writer of some bits of one register. Values and masks are those of the register, unshifted. */
export interface Writer {
  readonly kind: 'writer';
  readonly source: Provenance;
  readonly strength: Strength;
  readonly event: number;
  readonly step: RestoreStepName | null;
  /** Bits that it writes. */
  readonly covers: number;
  readonly value: number;
  /** Bits of `value` that are known. */
  readonly known: number;
}

export interface Read {
  readonly kind: 'read';
  readonly event: number;
  readonly value: number;
}

export type Sequence = readonly (Writer | Read)[];

const widthMask = (width: 1 | 2 | 4): number => (width === 4 ? 0xffff_ffff : 2 ** (8 * width) - 1);

const channelEnable = 0x8000_0000;

const fromImage = (
  image: KnownImage,
  { offset, width }: AuditedRegister,
): { readonly value: number; readonly known: number } => ({
  value: valueAt(image.value, offset, width),
  known: knownBits(image, offset, width),
});

/** A channel that was saved as off stays as the hardware has it (drivers/pci/vc.c, pci_vc_do_save_buffer). */
const settled = (
  { name, step }: AuditedRegister,
  { value, known }: { readonly value: number; readonly known: number },
): number => {
  const channel = step?.name === 'pci_restore_vc_state' && name.endsWith('resourceControl');
  return channel && (value & channelEnable) === 0 ? (known & ~channelEnable) >>> 0 : known;
};

const restoreWriter = (
  entry: Extract<Entry, { kind: 'restore' }>,
  register: AuditedRegister,
  first: Uint8Array,
): Writer | null => {
  const { step } = register;
  if (step === null || step.provenance === 'hardwareStatus') return null;
  const { event, strength, gates } = entry;
  const gate = gates.get(register.base);
  const gated = step.provenance === 'liveKernelState' || step.snapshotDependent === 'gated';
  if (gated && gate === 'off') return null;
  const common = {
    kind: 'writer',
    event,
    step: step.name,
    strength: gated && gate === 'unknown' ? 'possible' : strength,
    covers: widthMask(register.width),
  } as const;
  if (step.provenance === 'lastSave') {
    const image = fromImage(entry.saved, register);
    return { ...common, source: entry.source, ...image, known: settled(register, image) };
  }
  if (
    register.name.startsWith('vfBaseAddress') &&
    !hasVfBaseAddress(first, register.offset, register.base + 0x24)
  )
    return null;
  return { ...common, source: step.provenance, ...fromImage(entry.live, register) };
};

const intxOf = (event: number, strength: Strength, step: RestoreStepName | null): Writer => ({
  kind: 'writer',
  source: 'liveKernelState',
  strength,
  event,
  step,
  covers: commandBit.intxDisable,
  value: commandBit.intxDisable,
  known: commandBit.intxDisable,
});

/** The MSI step sets INTx Disable in COMMAND as well, where the restored header has it clear (pci_intx_for_msi()). */
const intxWriter = (
  entry: Extract<Entry, { kind: 'restore' }>,
  messageBases: readonly number[],
): Writer | null => {
  const { saved, gates, event } = entry;
  const on = messageBases.map((base) => gates.get(base));
  if (!on.includes('on') && !on.includes('unknown')) return null;
  const known = (knownBits(saved, configOffset.command, 2) & commandBit.intxDisable) !== 0;
  if (known && (wordAt(saved.value, configOffset.command) & commandBit.intxDisable) !== 0) return null;
  return intxOf(event, known && on.includes('on') ? entry.strength : 'possible', 'pci_restore_msi_state');
};

/** The part of a write that falls on a register. */
const written = (
  entry: Extract<Entry, { kind: 'write' }>,
  { offset, width }: AuditedRegister,
): { readonly value: number; readonly covers: number } => {
  let [value, covers] = [0, 0];
  for (let byte = 0; byte < width; byte += 1) {
    const from = offset + byte - entry.offset;
    if (from < 0 || from >= entry.width) continue;
    value |= ((entry.value >>> (8 * from)) & 0xff) << (8 * byte);
    covers |= 0xff << (8 * byte);
  }
  // vfio keeps the user's Interrupt Disable for itself where it does not change, and writes the hardware's own bit back.
  if (offset === configOffset.command && entry.intxDisable !== 'certain') covers &= ~commandBit.intxDisable;
  return { value: value >>> 0, covers: covers >>> 0 };
};

interface Switched {
  readonly covers: number;
  readonly value: number;
  readonly known: number;
  readonly strength: Strength;
}

/**
 * What the kernel writes when it switches a feature on or off: the control, and when on the addresses and tables, not
 * what is fixed beside them. That TPH fills every tag, nobody knows.
 */
const switched = (register: AuditedRegister, feature: KernelFeature, on: boolean): Switched | null => {
  const { name, nature, width, fields } = register;
  if (nature !== 'ordinary') return null;
  const all = { covers: widthMask(width), value: 0, known: 0, strength: 'inferred' } as const;
  const control = name === 'control' || name === 'messageControl';
  if (name === 'messageControl' && fields.some((field) => field.name === 'functionMask')) {
    const covers = msixControlBit.enable | msixControlBit.functionMask;
    return { covers, value: on ? msixControlBit.enable : 0, known: covers, strength: 'inferred' };
  }
  if (feature === 'sriov') return control || name === 'numVfs' ? all : null;
  if (feature === 'tph' && !control) return on ? { ...all, strength: 'possible' } : null;
  return on || control ? all : null;
};

const isBaseAddress = ({ owner, name }: AuditedRegister): boolean =>
  owner === 'Header' && name.startsWith('baseAddress');

export interface SequenceContext {
  /** The first reading. */
  readonly first: Uint8Array;
  readonly sources: Sources;
  /** Where MSI and MSI-X start. */
  readonly messageBases: readonly number[];
}

export const messageBasesOf = (
  capabilities: readonly {
    readonly base: number;
    readonly entry: { readonly id: number; readonly extended: boolean };
  }[],
): readonly number[] =>
  capabilities
    .filter(
      ({ entry }) => !entry.extended && (entry.id === capabilityId.msi || entry.id === capabilityId.msix),
    )
    .map(({ base }) => base);

/** The readings of a register and its possible writers, in order. */
export const sequenceOf = (
  register: AuditedRegister,
  { sources, messageBases, first }: SequenceContext,
): Sequence => {
  const { offset, width, base } = register;
  const all = widthMask(width);
  const sequence: (Writer | Read)[] = [];
  const add = (writer: Writer | null): void => {
    if (writer !== null) sequence.push(writer);
  };
  for (const entry of sources.entries) {
    const { event } = entry;
    switch (entry.kind) {
      case 'gap':
        sequence.length = 0;
        break;
      case 'reading':
        if (offset + width <= entry.readable) {
          sequence.push({ kind: 'read', event, value: valueAt(entry.config, offset, width) });
        }
        break;
      case 'write': {
        const { value, covers } = written(entry, register);
        if (offset === configOffset.command && entry.intxDisable === 'possible') {
          const bit = commandBit.intxDisable;
          const common = { kind: 'writer', source: 'userSpace', event, step: null } as const;
          add({ ...common, strength: 'possible', covers: bit, value: value & bit, known: bit });
        }
        if (covers === 0) break;
        add({
          kind: 'writer',
          source: 'userSpace',
          strength: 'certain',
          event,
          step: null,
          covers,
          value,
          known: covers,
        });
        break;
      }
      case 'reset': {
        const { value, mask } = sources.reset[entry.reach];
        add({
          kind: 'writer',
          source: 'hardwareReset',
          strength: entry.strength,
          event,
          step: null,
          covers: all,
          value: valueAt(value, offset, width),
          known: valueAt(mask, offset, width),
        });
        break;
      }
      case 'restore':
        add(restoreWriter(entry, register, first));
        if (offset === configOffset.command) add(intxWriter(entry, messageBases));
        break;
      case 'feature': {
        if (offset === configOffset.command && entry.setIntxDisable !== false) {
          add(intxOf(event, entry.setIntxDisable === null ? 'possible' : 'inferred', null));
        }
        if (base === 0 || !entry.bases.includes(base)) break;
        const change = switched(register, entry.feature, entry.change === 'enabled');
        if (change !== null) add({ kind: 'writer', source: 'liveKernelState', event, step: null, ...change });
        break;
      }
      case 'baseAddresses':
        if (!isBaseAddress(register)) break;
        add({
          kind: 'writer',
          source: 'liveKernelState',
          strength: entry.strength,
          event,
          step: null,
          covers: all,
          ...fromImage(entry.live, register),
        });
        break;
    }
  }
  return sequence;
};
