import type { ConsoleDelta, DeltaBatch } from '../../preload/contract/deltas.ts';
import type {
  ArmedView,
  ConsoleSnapshot,
  DeviceView,
  OpeningView,
  OperatorView,
  RigView,
  ScenarioProgress,
} from '../../preload/contract/views.ts';
import { missingCase } from '../../src-main/core/exhaustive.ts';
import type { JournalLine, LineOf, RigHeader } from '../../src-main/core/journal/line.ts';
import type { ResetKind } from '../../src-main/core/recovery/reports.ts';
import { armedState, isConcluded, type RecoveryState } from '../../src-main/core/recovery/state.ts';
import { step } from '../../src-main/core/recovery/step.ts';

/** A device that is armed, or was and has a last recovery to show. */
export interface ArmedDevice {
  readonly device: string;
  readonly state: RecoveryState;
  /** Whether the next error would be signalled: the eventfd is registered. */
  readonly listening: boolean;
  /** What only a view says, not the `armed` line: null until it has come. */
  readonly found: { readonly sharers: readonly string[]; readonly resetKinds: readonly ResetKind[] } | null;
}

export interface RigModel {
  readonly id: string;
  readonly header: RigHeader;
  /** Why it cannot be used, or null. */
  readonly trouble: string | null;
  /** While it is lost, and when it is gone, the phase of each device is unknown. */
  readonly link: RigView['link'];
  readonly devices: readonly DeviceView[];
  readonly byAddress: ReadonlyMap<string, DeviceView>;
  /** By address. */
  readonly armed: ReadonlyMap<string, ArmedDevice>;
  /** Addresses that the bench holds open: what is disarmed stays so until it is closed. */
  readonly open: ReadonlySet<string>;
  /** The run being recorded; null when nothing is. */
  readonly run: string | null;
  readonly scenario: ScenarioProgress | null;
}

export interface ConsoleModel {
  /** The number of the last delta that is in it. */
  readonly number: number;
  /** In the order they were added. */
  readonly rigs: ReadonlyMap<string, RigModel>;
  /** Rigs on their way, and those that could not be opened, in the order they were asked for. */
  readonly openings: ReadonlyMap<string, OpeningView>;
  readonly operator: OperatorView;
  readonly profiles: ConsoleSnapshot['profiles'];
  readonly topologies: readonly string[];
  readonly kernelWatched: boolean;
  /** Version of the bench. */
  readonly bench: string;
}

export interface Folded {
  readonly model: ConsoleModel;
  /** New lines by rig, for the rigs' logs. */
  readonly lines: ReadonlyMap<string, readonly JournalLine[]>;
  /** Rigs that came with this batch. */
  readonly added: readonly RigView[];
  /** Deltas are missing: the rest of the batch was left out, and a new snapshot is needed. */
  readonly gap: boolean;
}

const isListening = (state: RecoveryState): boolean => !(isConcluded(state) && state.eventfd === 'removed');

const armedOf = ({ device, state, sharers, resetKinds }: ArmedView): ArmedDevice => ({
  device,
  state,
  listening: isListening(state),
  found: { sharers, resetKinds },
});

const byAddress = (devices: readonly DeviceView[]): ReadonlyMap<string, DeviceView> =>
  new Map(devices.map((device) => [device.address, device]));

export const rigModel = (view: RigView): RigModel => ({
  id: view.id,
  header: view.rig,
  trouble: view.trouble,
  link: view.link,
  devices: view.devices,
  byAddress: byAddress(view.devices),
  armed: new Map(view.armed.map((armed) => [armed.device, armedOf(armed)])),
  open: new Set(view.open),
  run: view.run,
  scenario: view.scenario,
});

export const modelOf = (snapshot: ConsoleSnapshot): ConsoleModel => ({
  number: snapshot.number,
  rigs: new Map(snapshot.rigs.map((rig) => [rig.id, rigModel(rig)])),
  openings: new Map(snapshot.openings.map((opening) => [opening.id, opening])),
  operator: snapshot.operator,
  profiles: snapshot.profiles,
  topologies: snapshot.topologies,
  kernelWatched: snapshot.kernelWatched,
  bench: snapshot.bench,
});

/** A device whose closing fails is given up all the same. */
const openAfter = (
  open: ReadonlySet<string>,
  { device, operation, result }: LineOf<'operation'>,
): ReadonlySet<string> => {
  if (operation === 'open' && result === 'done') return new Set(open).add(device);
  if (operation !== 'close' || !open.has(device)) return open;
  const left = new Set(open);
  left.delete(device);
  return left;
};

/** What one line makes of the rig; the same fold of the same events as in the main process, through the core's `step`. */
const follow = (rig: RigModel, armed: Map<string, ArmedDevice>, line: JournalLine): RigModel => {
  switch (line.type) {
    case 'armed': {
      const found = armed.get(line.device)?.found ?? null;
      const state = armedState(line.arming);
      armed.set(line.device, { device: line.device, state, listening: true, found });
      return rig;
    }
    case 'disarmed':
      armed.delete(line.device);
      return rig;
    case 'step': {
      const known = armed.get(line.device);
      if (known === undefined) return rig;
      const { state } = step(known.state, line.event);
      armed.set(line.device, { ...known, state, listening: isListening(state) });
      return rig;
    }
    case 'run':
      return { ...rig, run: line.run };
    case 'end':
      return { ...rig, run: null };
    case 'operation':
      return { ...rig, open: openAfter(rig.open, line) };
    case 'handDown':
    case 'refusal':
    case 'approval':
    case 'fault':
    case 'uevent':
    case 'kernelLog':
    case 'kernelTrace':
    case 'snapshot':
    case 'unreadable':
    case 'scenario':
      return rig;
    default:
      return missingCase(line);
  }
};

/** The maps of one batch: copied once however many deltas touch them. */
class Draft {
  readonly rigs: Map<string, RigModel>;
  readonly lines = new Map<string, JournalLine[]>();
  readonly added: RigView[] = [];
  readonly openings: Map<string, OpeningView>;
  operator: OperatorView;
  kernelWatched: boolean;
  readonly #armed = new Map<string, Map<string, ArmedDevice>>();

  constructor(model: ConsoleModel) {
    this.rigs = new Map(model.rigs);
    this.openings = new Map(model.openings);
    this.operator = model.operator;
    this.kernelWatched = model.kernelWatched;
  }

  change(id: string, change: (rig: RigModel) => RigModel): void {
    const rig = this.rigs.get(id);
    if (rig !== undefined) this.rigs.set(id, change(rig));
  }

  armedOf(rig: RigModel): Map<string, ArmedDevice> {
    const copied = this.#armed.get(rig.id);
    if (copied !== undefined) return copied;
    const copy = new Map(rig.armed);
    this.#armed.set(rig.id, copy);
    return copy;
  }

  apply(delta: ConsoleDelta): void {
    switch (delta.kind) {
      case 'line': {
        const kept = this.lines.get(delta.rig);
        if (kept === undefined) this.lines.set(delta.rig, [delta.line]);
        else kept.push(delta.line);
        return this.change(delta.rig, (rig) => {
          const armed = this.armedOf(rig);
          const next = follow(rig, armed, delta.line);
          return next.armed === armed ? next : { ...next, armed };
        });
      }
      case 'armed':
        return this.change(delta.rig, (rig) => {
          const armed = this.armedOf(rig).set(delta.armed.device, armedOf(delta.armed));
          return { ...rig, armed };
        });
      case 'rigAdded':
        this.#armed.delete(delta.rig.id);
        this.lines.delete(delta.rig.id);
        this.added.push(delta.rig);
        this.rigs.set(delta.rig.id, rigModel(delta.rig));
        return;
      case 'opening':
        this.openings.set(delta.opening.id, delta.opening);
        return;
      case 'openingEnded':
        this.openings.delete(delta.id);
        return;
      case 'rigRemoved':
        this.#armed.delete(delta.rig);
        this.rigs.delete(delta.rig);
        return;
      case 'devices': {
        const { devices } = delta;
        return this.change(delta.rig, (rig) => ({ ...rig, devices, byAddress: byAddress(devices) }));
      }
      case 'trouble':
        return this.change(delta.rig, (rig) => ({ ...rig, trouble: delta.trouble }));
      case 'link':
        return this.change(delta.rig, (rig) => ({ ...rig, link: delta.link }));
      case 'scenario':
        return this.change(delta.rig, (rig) => ({ ...rig, scenario: delta.progress }));
      case 'kernelWatched':
        this.kernelWatched = delta.kernelWatched;
        return;
      case 'operator':
        this.operator = delta.operator;
        return;
      default:
        return missingCase(delta);
    }
  }
}

/** Applies deltas in order. Those that the model has already are left out; at the first gap it stops. */
export const fold = (model: ConsoleModel, batch: DeltaBatch): Folded => {
  const draft = new Draft(model);
  let { number } = model;
  let gap = false;
  for (const delta of batch) {
    if (delta.number <= number) continue;
    if (delta.number !== number + 1) {
      gap = true;
      break;
    }
    number = delta.number;
    draft.apply(delta);
  }
  const changed = number !== model.number;
  const next = changed
    ? {
        ...model,
        number,
        rigs: draft.rigs,
        openings: draft.openings,
        operator: draft.operator,
        kernelWatched: draft.kernelWatched,
      }
    : model;
  return { model: next, lines: draft.lines, added: draft.added, gap };
};
