import { Coordinator } from '../coordinator/coordinator.ts';
import { Recorder } from '../coordinator/recorder.ts';
import { success, type Result } from '../core/result.ts';
import { beginJournal, type JournalWriter } from '../journal/writer.ts';
import { openRig as openWishedRig, type RigWish } from '../rigs/opening/openRig.ts';
import type { OpeningNeeds } from '../rigs/opening/openVirtual.ts';
import type { Rig, RigClock } from '../rigs/rig.ts';
import { SimulatedRig } from '../rigs/simulated/simulatedRig.ts';
import type { Scenario } from '../scenarios/load.ts';
import { checkOffer } from '../scenarios/offer.ts';
import { ScenarioPlayer } from '../scenarios/player.ts';
import { noTricks, simulatedTricks } from '../scenarios/tricks.ts';
import { HeldRig, type HeldRigParts } from './heldRig.ts';
import { ScenarioPlay } from './scenarioPlay.ts';

export interface RigToOpen {
  readonly wish: RigWish;
  readonly scenario: Scenario | null;
}

export interface OpeningContext extends Pick<HeldRigParts, 'id' | 'publish' | 'waitsMayHaveChanged'> {
  readonly needs: OpeningNeeds;
  /** Where the run is recorded; null: nowhere. */
  readonly runs: string | null;
}

/**
 * The wall clock is read with the monotonic one, once for each line: the writer and the watchers of a run ask for it one
 * after the other, and have to get the same.
 */
const lineClock = (clock: RigClock): RigClock => {
  let wall = clock.wall();
  return {
    now: () => {
      wall = clock.wall();
      return clock.now();
    },
    wall: () => wall,
    at: (moment, callback) => clock.at(moment, callback),
  };
};

const beginRecording = async (
  rig: Rig,
  clock: RigClock,
  { wish, scenario }: RigToOpen,
  { runs, needs }: OpeningContext,
): Promise<Result<JournalWriter | null>> => {
  if (runs === null) return success(null);
  const { kind, name, title, kernel, architecture } = rig.info;
  return beginJournal({
    directory: runs,
    header: {
      bench: needs.places.bench,
      rig: { kind, name, title, kernel, architecture },
      ...(wish.kind === 'simulated' ? { seed: wish.seed } : {}),
      ...(scenario === null ? {} : { scenario: scenario.name }),
    },
    at: clock.now(),
    now: () => Date.parse(clock.wall()),
  });
};

/** Opens a rig and begins its run. When that fails, nothing of it is left. */
export const openRig = async (wanted: RigToOpen, context: OpeningContext): Promise<Result<HeldRig>> => {
  const { id, publish, waitsMayHaveChanged, needs } = context;
  const { wish } = wanted;
  const opened = await openWishedRig(wish, needs);
  if (!opened.ok) return opened;
  const { rig, gone } = opened.value;
  const clock = lineClock(rig.clock);
  const { scenario } = wanted;
  const offered = scenario === null ? success(undefined) : await checkOffer(scenario, rig);
  const begun = offered.ok ? await beginRecording(rig, clock, wanted, context) : offered;
  if (!begun.ok) {
    await rig.close();
    return begun;
  }
  const journal = begun.value;
  const recorder = new Recorder(clock, journal);
  const tricks = rig instanceof SimulatedRig ? simulatedTricks(rig) : noTricks(rig);
  const player = scenario === null ? null : new ScenarioPlayer(scenario, rig, recorder, tricks);
  const held = new HeldRig({
    id,
    title: scenario?.title ?? rig.info.title,
    rig,
    gone,
    pace: wish.kind === 'simulated' && wish.pace.kind === 'paced' ? wish.pace.factor : 1,
    recorder,
    journal,
    head: journal?.head ?? null,
    coordinator: player?.coordinator ?? new Coordinator(rig, recorder),
    play: player === null ? null : new ScenarioPlay(player),
    publish,
    waitsMayHaveChanged,
  });
  await held.devices.refresh();
  return success(held);
};
