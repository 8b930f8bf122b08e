import type { ConsoleDelta } from '../../preload/contract/deltas.ts';
import type { ArmedView, ConsoleSnapshot, JournalLine, RigView } from '../../preload/contract/views.ts';
import { armedState } from '../../src-main/core/recovery/state.ts';
import { step } from '../../src-main/core/recovery/step.ts';

const withArmed = (
  armed: readonly ArmedView[],
  device: string,
  view: ArmedView | null,
): readonly ArmedView[] => {
  const others = armed.filter((candidate) => candidate.device !== device);
  return view === null ? others : [...others, view];
};

const takeLine = (rig: RigView, line: JournalLine): RigView => {
  const recent = [...rig.recent, line];
  switch (line.type) {
    case 'armed': {
      const { device } = line;
      const view = { device, state: armedState(line.arming), sharers: [], resetKinds: [] };
      return { ...rig, recent, armed: withArmed(rig.armed, device, view) };
    }
    case 'operation': {
      const { device, operation, result } = line;
      const others = rig.open.filter((address) => address !== device);
      if (operation === 'close') return { ...rig, recent, open: others };
      return operation === 'open' && result === 'done'
        ? { ...rig, recent, open: [...others, device] }
        : { ...rig, recent };
    }
    case 'disarmed':
      return { ...rig, recent, armed: withArmed(rig.armed, line.device, null) };
    case 'step': {
      const known = rig.armed.find(({ device }) => device === line.device);
      if (known === undefined) throw new Error(`line ${line.seq}: ${line.device} is not armed`);
      const { state } = step(known.state, line.event);
      if (state.phase !== line.phase) throw new Error(`line ${line.seq}: ${state.phase}, not ${line.phase}`);
      return { ...rig, recent, armed: withArmed(rig.armed, line.device, { ...known, state }) };
    }
    default:
      return { ...rig, recent };
  }
};

const takeDelta = (snapshot: ConsoleSnapshot, delta: ConsoleDelta): ConsoleSnapshot => {
  const inRig = (id: string, change: (rig: RigView) => RigView): ConsoleSnapshot => ({
    ...snapshot,
    rigs: snapshot.rigs.map((rig) => (rig.id === id ? change(rig) : rig)),
  });
  switch (delta.kind) {
    case 'line':
      return inRig(delta.rig, (rig) => takeLine(rig, delta.line));
    case 'armed':
      return inRig(delta.rig, (rig) => ({
        ...rig,
        armed: withArmed(rig.armed, delta.armed.device, delta.armed),
      }));
    case 'devices':
      return inRig(delta.rig, (rig) => ({ ...rig, devices: delta.devices }));
    case 'scenario':
      return inRig(delta.rig, (rig) => ({ ...rig, scenario: delta.progress }));
    case 'trouble':
      return inRig(delta.rig, (rig) => ({ ...rig, trouble: delta.trouble }));
    case 'link':
      return inRig(delta.rig, (rig) => ({ ...rig, link: delta.link }));
    case 'opening': {
      const others = snapshot.openings.filter(({ id }) => id !== delta.opening.id);
      return { ...snapshot, openings: [...others, delta.opening] };
    }
    case 'openingEnded':
      return { ...snapshot, openings: snapshot.openings.filter(({ id }) => id !== delta.id) };
    case 'rigAdded':
      return { ...snapshot, rigs: [...snapshot.rigs, delta.rig] };
    case 'rigRemoved':
      return { ...snapshot, rigs: snapshot.rigs.filter(({ id }) => id !== delta.rig) };
    case 'kernelWatched':
      return { ...snapshot, kernelWatched: delta.kernelWatched };
    case 'operator':
      return { ...snapshot, operator: delta.operator };
  }
};

/** What a page makes of a snapshot and the deltas after it, as plain as can be. A hole in the numbers is an error. */
export const foldDeltas = (snapshot: ConsoleSnapshot, deltas: readonly ConsoleDelta[]): ConsoleSnapshot => {
  let shown = snapshot;
  for (const delta of deltas) {
    if (delta.number !== shown.number + 1) throw new Error(`${delta.number} follows ${shown.number}`);
    shown = { ...takeDelta(shown, delta), number: delta.number };
  }
  return shown;
};

/** What two views of the same moment have in common: not the clock, nor how far back the lines go. */
export const essence = (snapshot: ConsoleSnapshot, lines = 200) => ({
  operator: snapshot.operator,
  kernelWatched: snapshot.kernelWatched,
  openings: snapshot.openings,
  rigs: snapshot.rigs
    .map(({ id, devices, armed, open, recent, scenario, trouble, link, run }) => ({
      id,
      link,
      devices,
      armed: [...armed].sort((one, other) => (one.device < other.device ? -1 : 1)),
      open: [...open].sort(),
      lines: recent.slice(-lines),
      scenario,
      trouble,
      run,
    }))
    .sort((one, other) => (one.id < other.id ? -1 : 1)),
});
