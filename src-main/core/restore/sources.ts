/** From what happened to what may have written which bytes: the history as readings and writers, in order. */
import { wordAt } from '../pci/bytes.ts';
import { commandBit, configOffset } from '../pci/registers.ts';
import type { AuditedDevice } from './auditRegisters.ts';
import type { Entry, Strength } from './entries.ts';
import type { EventOf, KernelFeature, RestoreEvent, RestoreHistory } from './history.ts';
import { restoreBehaviourOf } from './kernelVersion.ts';
import { byteState, copyOf, knownBits, lose, openImage, reopen, tell } from './knownImage.ts';
import type { KnownImage } from './knownImage.ts';
import { blocksOf, gateOf, gatesOf, rewritten } from './liveGates.ts';
import { readabilityOf, readableBytes } from './readability.ts';
import { restorePolicyAt, tracedPolicyAt } from './restorePolicy.ts';
import { ResetLearning, type ResetKnowledge, type ResetReach } from './resetKnowledge.ts';

export interface Sources {
  readonly entries: readonly Entry[];
  readonly reset: Readonly<Record<ResetReach, ResetKnowledge>>;
}

const baseAddresses = { from: configOffset.baseAddress0, to: configOffset.cardBusCis } as const;

/** What the bench believes of COMMAND.Memory and the BARs between two readings. Null: it cannot say. */
interface Beliefs {
  hardwareMemory: boolean | null;
  barsKept: boolean | null;
}
const noBelief: Readonly<Beliefs> = { hardwareMemory: null, barsKept: null };

class Compiler {
  readonly entries: Entry[] = [];
  readonly #resets: ResetLearning;
  readonly #history: RestoreHistory;
  readonly #device: AuditedDevice;
  readonly #first: Uint8Array;
  /** The hardware as last known, the last save, the open-time snapshot, what the kernel holds live, vfio's rbar. */
  readonly #hardware: KnownImage;
  #saved: KnownImage;
  #opened: KnownImage | null = null;
  readonly #live: KnownImage;
  #bars: KnownImage;
  #stateSaved: boolean;
  readonly #told = new Map<number, 'on' | 'off'>();
  /** Whether the device answered when it was last looked at; where nobody could look, that is not known. */
  #answers: boolean | null = true;
  #beliefs: Beliefs = { ...noBelief };
  /** The same of what the last save and the open-time snapshot hold. */
  #savedBeliefs: Readonly<Beliefs> = noBelief;
  #openedBeliefs: Readonly<Beliefs> = noBelief;
  /** What VFIO shows of COMMAND.Memory, and what its vfio_bar_restore() goes by. */
  #virtualMemory: boolean | null = null;
  /** COMMAND's INTx Disable as user space wrote it last. */
  #virtualIntxDisable: boolean | null = null;

  constructor(history: RestoreHistory, device: AuditedDevice, first: Uint8Array) {
    this.#history = history;
    this.#device = device;
    this.#first = first;
    const { size } = device;
    this.#hardware = openImage(size);
    this.#saved = openImage(size);
    this.#saved.state.fill(byteState.lost);
    this.#live = openImage(size);
    this.#bars = openImage(size);
    this.#stateSaved = restoreBehaviourOf[history.kernel].alwaysRestores;
    this.#resets = new ResetLearning(device);
  }

  get reset(): Sources['reset'] {
    return this.#resets.known;
  }

  run(view: 'vfio' | 'hardware'): void {
    const { events } = this.#history;
    const opensItself = events.some(({ kind }) => kind === 'opened');
    events.forEach((event, index) => {
      if (event.kind === 'reading') {
        if (event.view !== view) return;
        if (event.moment === 'open' && !opensItself && this.#opened === null) this.#open();
        this.#read(event, index);
      } else {
        this.#happen(event, index);
      }
    });
  }

  #happen(event: Exclude<RestoreEvent, { kind: 'reading' }>, index: number): void {
    switch (event.kind) {
      case 'opened':
        return this.#open();
      case 'ownWrite':
        return this.#write(event, index);
      case 'deviceReset':
        return this.#deviceReset(event.reach, index);
      case 'recoveryReset':
        return this.#recoveryReset(index, event.proof === 'certain' ? 'inferred' : this.#disproved(index));
      case 'kernelFeature':
        return this.#feature(event.feature, event.change, index);
      case 'gap':
        return this.#forget(index);
      case 'mapping':
      case 'traced':
        return undefined;
    }
  }

  /** vfio never writes its open-time snapshot anew; of all else nothing is known any more. */
  #forget(event: number): void {
    const { size } = this.#device;
    this.#touched(0, size);
    for (const image of [this.#saved, this.#live, this.#bars]) image.state.fill(byteState.lost);
    this.#told.clear();
    this.#resets.forget();
    this.#beliefs = { ...noBelief };
    this.#savedBeliefs = noBelief;
    this.#virtualMemory = null;
    this.#virtualIntxDisable = null;
    this.#stateSaved = true;
    this.#answers = null;
    this.entries.push({ kind: 'gap', event });
  }

  #open(): void {
    const { size } = this.#device;
    this.#saved = openImage(size);
    // TPH is off then, so that its part of the save buffer is never written and stays zero (seed 2).
    for (const { base, entry } of blocksOf(this.#device.placement, 'tph')) {
      const end = base + (entry.length ?? 0);
      this.#saved.state.fill(byteState.known, base, end);
    }
    this.#opened = copyOf(this.#saved);
    this.#bars = openImage(size);
    this.#stateSaved = true;
    // vfio_pci_core_enable() switches Memory on before it saves.
    this.#virtualMemory = true;
    this.#virtualIntxDisable = null;
    this.#beliefs = { hardwareMemory: true, barsKept: true };
    this.#savedBeliefs = { ...this.#beliefs };
    this.#openedBeliefs = { ...this.#beliefs };
  }

  #read(reading: EventOf<'reading'>, event: number): void {
    const { config } = reading;
    const readability = readabilityOf(reading, this.#first);
    const readable = readableBytes(readability, config?.length ?? 0);
    const silent = readability.kind === 'nothing';
    this.#answers = silent ? (readability.because === 'allOnes' ? false : null) : true;
    if (config === null || readable === 0) return;
    reopen(this.#hardware, 0, readable);
    for (const image of [this.#hardware, this.#saved, this.#opened, this.#live, this.#bars]) {
      if (image !== null) tell(image, config, readable);
    }
    this.#resets.read(config, readable);
    const memory = (wordAt(config, configOffset.command) & commandBit.memorySpace) !== 0;
    this.#beliefs.hardwareMemory = memory;
    this.#virtualMemory ??= memory;
    this.#beliefs.barsKept = this.#sameBars(config);
    this.entries.push({ kind: 'reading', event, config, readable });
  }

  #sameBars(config: Uint8Array): boolean | null {
    for (let at: number = baseAddresses.from; at < baseAddresses.to; at += 1) {
      if (this.#bars.state[at] !== byteState.known) return null;
      if (this.#bars.value[at] !== config[at]) return false;
    }
    return true;
  }

  #touched(from: number, to: number): void {
    for (const image of [this.#saved, this.#opened, this.#live, this.#bars]) {
      if (image !== null) lose(image, from, to);
    }
    reopen(this.#hardware, from, to);
    if (from === 0 && to >= this.#device.size) return;
    this.#resets.touched(from, to);
  }

  #write(event: EventOf<'ownWrite'>, index: number): void {
    const { offset, width, value } = event;
    // vfio keeps what user space writes there for itself (vfio_pci_init_perm_bits(): all of it is virtual).
    if (offset === configOffset.interruptLine && width === 1) return;
    const command = offset <= configOffset.command && offset + width > configOffset.command;
    if (command) this.#beforeCommand(value >>> (8 * (configOffset.command - offset)), index);
    this.#touched(offset, offset + width);
    const intxDisable = this.#intxFollows(event);
    this.entries.push({ kind: 'write', event: index, offset, width, value, intxDisable });
  }

  /** vfio_pci_intx_mask() and _unmask(): the hardware's bit follows the user's when that changes. */
  #intxFollows({ offset, width, value }: EventOf<'ownWrite'>): Strength | null {
    const byte = configOffset.command + 1 - offset;
    if (byte < 0 || byte >= width) return null;
    const wanted = ((value >>> (8 * byte)) & (commandBit.intxDisable >>> 8)) !== 0;
    const before = this.#virtualIntxDisable;
    this.#virtualIntxDisable = wanted;
    if (before === null) return 'possible';
    return before === wanted ? null : 'certain';
  }

  /** vfio_basic_config_write() (drivers/vfio/pci/vfio_pci_config.c): puts the BARs back when they seem lost. */
  #beforeCommand(command: number, event: number): void {
    const beliefs = this.#beliefs;
    const wanted = (command & commandBit.memorySpace) !== 0;
    const memoryLost =
      !wanted || this.#virtualMemory === false
        ? false
        : beliefs.hardwareMemory === null || this.#virtualMemory === null
          ? null
          : !beliefs.hardwareMemory;
    const barsLost = beliefs.barsKept === null ? null : !beliefs.barsKept;
    if (memoryLost === true || barsLost === true || memoryLost === null || barsLost === null) {
      const strength: Strength = memoryLost === true || barsLost === true ? 'inferred' : 'possible';
      this.#touched(baseAddresses.from, baseAddresses.to);
      this.entries.push({ kind: 'baseAddresses', event, strength, live: copyOf(this.#bars) });
      beliefs.barsKept = strength === 'inferred' ? true : null;
    }
    beliefs.hardwareMemory = wanted;
    this.#virtualMemory = wanted;
  }

  #hardwareReset(reach: ResetReach, event: number, strength: Strength): void {
    // It may have woken up.
    if (this.#answers === false) this.#answers = null;
    if (strength === 'possible') this.#resets.forget();
    else this.#resets.reset(reach, this.#hardware);
    this.#touched(0, this.#device.size);
    this.entries.push({ kind: 'reset', event, reach, strength });
    this.#beliefs.hardwareMemory = strength === 'possible' ? null : false;
    this.#beliefs.barsKept = strength === 'possible' ? null : false;
  }

  #restore(source: 'lastSave' | 'openSnapshot', event: number, strength: Strength): void {
    const behaviour = restoreBehaviourOf[this.#history.kernel];
    if (source === 'lastSave' && !behaviour.alwaysRestores && !this.#stateSaved) return;
    const saved = source === 'lastSave' ? this.#saved : (this.#opened ?? this.#saved);
    const image = copyOf(saved);
    if (source === 'openSnapshot' && this.#opened === null) image.state.fill(byteState.lost);
    const live = copyOf(this.#live);
    const gates = gatesOf(this.#device.placement, live, this.#told);
    this.entries.push({ kind: 'restore', event, source, strength, saved: image, live, gates });
    this.#resets.forget();
    if (strength === 'possible') {
      this.#beliefs = { ...noBelief };
      return;
    }
    if (source === 'openSnapshot') {
      this.#saved = copyOf(image);
      this.#savedBeliefs = this.#openedBeliefs;
    }
    this.#stateSaved = false;
    this.#beliefs = { ...this.#savedBeliefs };
  }

  #deviceReset(reach: ResetReach, event: number): void {
    const behaviour = restoreBehaviourOf[this.#history.kernel];
    if (!(behaviour.refusesInaccessibleSave && this.#answers === false)) {
      const kept = this.#saved;
      const answered = this.#answers === true;
      this.#saved = copyOf(this.#hardware);
      lose(this.#saved, 0, this.#device.size);
      if (!answered) this.#saved.state.fill(byteState.lost);
      this.#savedBeliefs = answered ? { ...this.#beliefs } : noBelief;
      for (const block of blocksOf(this.#device.placement, 'tph')) {
        const gate = gateOf(block, this.#live, this.#told);
        const end = block.base + (block.entry.length ?? 0);
        // pci_save_tph_state() leaves the buffer as it is while TPH is off.
        if (gate === 'off') {
          this.#saved.value.set(kept.value.subarray(block.base, end), block.base);
          this.#saved.state.set(kept.state.subarray(block.base, end), block.base);
        } else if (gate !== 'on') this.#saved.state.fill(byteState.lost, block.base, end);
      }
      this.#stateSaved = true;
    }
    this.#hardwareReset(reach, event, 'inferred');
    this.#restore('lastSave', event, 'inferred');
    if (this.#history.policy === 'resetDone') this.#restore('openSnapshot', event, 'inferred');
  }

  /** Event 2 is no proof of a reset (observation 2), but a COMMAND that kept its bits is proof of none. */
  #disproved(index: number): Strength | 'none' {
    const before = this.#hardware;
    if (knownBits(before, configOffset.command, 2) !== 0xffff) return 'possible';
    const bits = commandBit.memorySpace | commandBit.busMaster | commandBit.serr;
    if ((wordAt(before.value, configOffset.command) & bits) === 0) return 'possible';
    const next = this.#history.events
      .slice(index + 1)
      .find(({ kind }) => kind !== 'traced' && kind !== 'mapping');
    if (next?.kind !== 'reading' || next.config === null) return 'possible';
    const policy = restorePolicyAt(this.#history, index);
    if (policy !== 'nothing' && policy !== 'resetDone') return 'possible';
    return (wordAt(next.config, configOffset.command) & bits) === 0 ? 'inferred' : 'none';
  }

  #recoveryReset(event: number, strength: Strength | 'none'): void {
    if (strength === 'none') return;
    this.#hardwareReset('slot', event, strength);
    const seen = ['lastSave', 'openSnapshot'].includes(tracedPolicyAt(this.#history, event));
    const restore: Strength = strength === 'possible' && !seen ? 'possible' : 'inferred';
    const policy = restorePolicyAt(this.#history, event);
    if (policy === 'lastSave' || policy === 'openSnapshot') this.#restore(policy, event, restore);
    if (policy !== 'unknown') return;
    this.#restore('lastSave', event, 'possible');
    this.#restore('openSnapshot', event, 'possible');
  }

  #feature(feature: KernelFeature, change: 'enabled' | 'disabled', event: number): void {
    const blocks = blocksOf(this.#device.placement, feature);
    for (const { base, entry } of blocks) {
      const end = base + (entry.length ?? 0);
      this.#touched(base, end);
      for (const [from, to] of rewritten(feature, change, base, end)) reopen(this.#live, from, to);
      this.#told.set(base, change === 'enabled' ? 'on' : 'off');
    }
    const bases = blocks.map(({ base }) => base);
    const interrupts = feature === 'msi' || feature === 'msix';
    // pci_intx_for_msi() writes COMMAND only where the bit is not set yet.
    const known = (knownBits(this.#hardware, configOffset.command, 2) & commandBit.intxDisable) !== 0;
    const set = (wordAt(this.#hardware.value, configOffset.command) & commandBit.intxDisable) !== 0;
    const setIntxDisable = interrupts && change === 'enabled' ? (known ? !set : null) : false;
    if (setIntxDisable !== false) this.#touched(configOffset.command + 1, configOffset.command + 2);
    this.entries.push({ kind: 'feature', event, feature, change, bases, setIntxDisable });
  }
}

/** Everything that may have written a register, and the readings between. `first` is the first reading of the view. */
export const sourcesOf = (
  history: RestoreHistory,
  device: AuditedDevice,
  first: Uint8Array,
  view: 'vfio' | 'hardware',
): Sources => {
  const compiler = new Compiler(history, device, first);
  compiler.run(view);
  return { entries: compiler.entries, reset: compiler.reset };
};
