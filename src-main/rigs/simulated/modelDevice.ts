import { parsePciAddress } from '../../core/pci/address.ts';
import { commandBit, configOffset } from '../../core/pci/registers.ts';
import type {
  EventOf,
  KernelFeature,
  RestoreEvent,
  RestoreHistory,
  RestorePolicy,
  TraceSight,
} from '../../core/restore/history.ts';
import type { ModelledKernel } from '../../core/restore/kernelVersion.ts';
import type { RestoreStepName } from '../../core/restore/steps.ts';
import type { FunctionTemplate } from './hardware/functionTemplate.ts';
import { SimulatedFunction, type Width } from './hardware/simulatedFunction.ts';
import { VfioConfig } from './kernel/vfioConfig.ts';
import {
  disableMsix,
  disableTph,
  enableAts,
  enableMsi,
  enableMsix,
  enablePasid,
  enablePri,
  enableTph,
  setNumVfs,
} from './liveState.ts';
import { enumerate, loadSavedState, restoreState, saveState, storeSavedState } from './savedState.ts';
import type { KernelPciState, StoredState } from './savedState.ts';
import { SourceLedger } from './sourceLedger.ts';

/** One thing to do to a device; the same list can be played under every policy. */
export type HistoryAction =
  | { readonly kind: 'read'; readonly moment: string; readonly views: 'hardware' | 'vfio' | 'both' }
  | { readonly kind: 'write'; readonly offset: number; readonly width: Width; readonly value: number }
  | { readonly kind: 'deviceReset' }
  /** The kernel's recovery resets the bus, then does what the policy says. */
  | { readonly kind: 'recoveryReset' }
  | { readonly kind: 'feature'; readonly feature: SwitchedFeature; readonly change: 'enabled' | 'disabled' };

export type SwitchedFeature = Exclude<KernelFeature, 'resizableBar' | 'vfResizableBar'>;

const addressText = '0000:01:00.0';
const silent = { log: () => undefined, profile: { platform: 'aer' } } as const;

/** What firmware and enumeration leave: every BAR has an address, and a driver works. */
const powerOn = (fn: SimulatedFunction): void => {
  fn.layout.bars.forEach(({ index, type, size }) => {
    const address =
      type === 'io' ? 0x4000 + 0x100 * index : Math.max(0xc000_0000 + 0x0100_0000 * index, size);
    const aligned = type === 'io' ? address : Math.ceil(address / size) * size;
    fn.writeConfig(configOffset.baseAddress0 + 4 * index, 4, aligned % 2 ** 32);
    if (type === 'memory64') {
      fn.writeConfig(configOffset.baseAddress0 + 4 * index + 4, 4, Math.floor(aligned / 2 ** 32));
    }
    fn.assignedBars[index] = aligned;
  });
  fn.writeConfig(configOffset.command, 2, commandBit.memorySpace | commandBit.busMaster | commandBit.serr);
};

/**
 * One function under one kernel and one restore policy, without a machine, a clock or a session around it: what
 * happens to its config space, the events that a bench would record of it, and the true source of every value.
 */
export class ModelDevice {
  readonly fn: SimulatedFunction;
  readonly state: KernelPciState;
  readonly events: RestoreEvent[] = [];
  readonly ledger: SourceLedger;
  readonly #policy: Exclude<RestorePolicy, 'unknown'>;
  readonly #config: VfioConfig;
  readonly #opened: StoredState | undefined;
  readonly #traced: Omit<EventOf<'traced'>, 'at'>[] = [];
  /** What VFIO shows of it, and holds what is written next against. */
  #virtualIntxDisable: number;
  #at = 0;

  /** `prepare`: what a driver did to the device before it was opened. */
  constructor(
    template: FunctionTemplate,
    kernel: ModelledKernel,
    policy: Exclude<RestorePolicy, 'unknown'>,
    prepare: (device: { readonly fn: SimulatedFunction; readonly state: KernelPciState }) => void = () =>
      undefined,
  ) {
    const address = parsePciAddress(addressText);
    if (!address.ok) throw new Error(address.error.message);
    this.fn = new SimulatedFunction(address.value, template);
    this.#policy = policy;
    powerOn(this.fn);
    this.state = enumerate(this.fn, kernel);
    prepare(this);
    // vfio_pci_core_enable()
    const command = (this.fn.command & ~commandBit.busMaster) | commandBit.memorySpace;
    this.fn.writeConfig(configOffset.command, 2, command);
    saveState(this.state, this.fn);
    this.#resetHardware();
    restoreState(this.state, this.fn);
    saveState(this.state, this.fn);
    this.#opened = storeSavedState(this.state);
    this.#config = new VfioConfig(silent, { fn: this.fn, address: address.value });
    this.ledger = new SourceLedger(this.fn);
    this.#virtualIntxDisable = this.fn.command & commandBit.intxDisable;
    this.#record({ kind: 'opened' });
  }

  /** `trace`: what a trace of the kernel would show; without one nothing of it is in the history. */
  history(known: RestorePolicy = this.#policy, trace?: TraceSight): RestoreHistory {
    const { version: kernel } = this.state;
    const seen = (event: RestoreEvent): boolean =>
      event.kind !== 'traced' ||
      trace?.functions.has(event.function) === true ||
      trace?.steps.get(event.function as RestoreStepName) === 'seen';
    return {
      kernel,
      platform: 'aer',
      protocol: 'notify',
      policy: known,
      events: this.events.filter(seen),
      ...(trace === undefined ? {} : { trace }),
    };
  }

  play(actions: readonly HistoryAction[]): void {
    for (const action of actions) this.#play(action);
  }

  #record(
    event: RestoreEvent extends infer One ? (One extends RestoreEvent ? Omit<One, 'at'> : never) : never,
  ): void {
    this.events.push({ at: this.#at, ...event } as RestoreEvent);
    this.#at += 1_000;
  }

  #play(action: HistoryAction): void {
    switch (action.kind) {
      case 'read':
        return this.#read(action.moment, action.views);
      case 'write':
        return this.#write(action.offset, action.width, action.value);
      case 'deviceReset':
        this.#deviceReset();
        this.#record({ kind: 'deviceReset', reach: 'function' });
        return this.#tellTrace();
      case 'recoveryReset':
        this.fn.conventionalReset();
        if (this.#policy === 'openSnapshot') {
          loadSavedState(this.state, this.#opened);
          this.#ran('pci_load_saved_state', 'recovery');
        }
        if (this.#policy === 'openSnapshot' || this.#policy === 'lastSave') {
          this.#restore(this.#policy, 'recovery');
        }
        this.#record({ kind: 'recoveryReset', proof: 'certain' });
        return this.#tellTrace();
      case 'feature':
        return this.#feature(action.feature, action.change);
    }
  }

  #read(moment: string, views: 'hardware' | 'vfio' | 'both'): void {
    if (views !== 'hardware') {
      const config = this.#config.readAll();
      this.#record({ kind: 'reading', moment, view: 'vfio', config: config.ok ? config.value : null });
    }
    if (views !== 'vfio') {
      this.#record({ kind: 'reading', moment, view: 'hardware', config: this.fn.snapshot() });
    }
  }

  #write(offset: number, width: Width, value: number): void {
    const command = offset === configOffset.command;
    const follows = command && ((value ^ this.#virtualIntxDisable) & commandBit.intxDisable) !== 0;
    if (command) this.#virtualIntxDisable = value & commandBit.intxDisable;
    this.ledger.throughVfio(offset, follows, () => this.#config.write(offset, width, value));
    this.#record({ kind: 'ownWrite', offset, width, value, purpose: 'program' });
  }

  #resetHardware(): void {
    if (this.fn.functionLevelReset() !== 'reset') this.fn.conventionalReset();
  }

  #restore(from: 'lastSave' | 'openSnapshot', by: 'recovery' | 'reset'): void {
    const { ledger, state } = this;
    ledger.restoring();
    this.#ran('pci_restore_state', by);
    restoreState(state, this.fn, ({ step }) => {
      ledger.step(step, from, state.saved);
      this.#ran(step, by);
    });
    ledger.restored();
  }

  #ran(name: string, by: 'recovery' | 'reset'): void {
    this.#traced.push({ kind: 'traced', function: name, by });
  }

  /** The trace comes with what it is of, or after it. */
  #tellTrace(): void {
    for (const event of this.#traced.splice(0)) this.#record(event);
  }

  /** pci_try_reset_function(), and the reset_done callback where the policy has it. */
  #deviceReset(): void {
    saveState(this.state, this.fn);
    this.ledger.during('liveKernelState', () =>
      this.fn.writeConfig(configOffset.command, 2, commandBit.intxDisable),
    );
    this.#resetHardware();
    this.#restore('lastSave', 'reset');
    if (this.#policy !== 'resetDone') return;
    loadSavedState(this.state, this.#opened);
    this.#restore('openSnapshot', 'reset');
  }

  #feature(feature: SwitchedFeature, change: 'enabled' | 'disabled'): void {
    const { fn } = this;
    const { live } = this.state;
    const enable = change === 'enabled';
    /** `enabled`: what was asked for was done. */
    let result: 'enabled' | 'absent' | undefined;
    this.ledger.during('liveKernelState', () => {
      switch (feature) {
        case 'msi':
          // The simulated kernel never switches MSI off again.
          if (enable) result = enableMsi(live, fn, { address: 0xfee0_2000, data: 0x30, vectors: 1 });
          break;
        case 'msix':
          if (enable) result = enableMsix(live, fn, [{ address: 0xfee0_1000, data: 0x41, masked: false }]);
          else if (fn.msixTable !== undefined) {
            disableMsix(live, fn);
            result = 'enabled';
          }
          break;
        case 'tph':
          if (enable) result = enableTph(live, fn, 0x0101, [0x11, 0x22]);
          else if (live.tph.kind === 'on') {
            disableTph(live, fn);
            result = 'enabled';
          }
          break;
        case 'ats':
          if (enable) result = enableAts(live, fn, 16);
          break;
        case 'pri':
          if (enable) result = enablePri(live, fn, 32);
          break;
        case 'pasid':
          if (enable) result = enablePasid(live, fn, 0x2);
          break;
        case 'sriov':
          result = setNumVfs(live, fn, enable ? 4 : 0);
          break;
      }
    });
    if (result === 'enabled') this.#record({ kind: 'kernelFeature', feature, change });
  }
}
