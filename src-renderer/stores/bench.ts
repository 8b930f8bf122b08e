import { defineStore } from 'pinia';
import { computed, ref, shallowRef, watch } from 'vue';
import type { InputOf, OutputOf } from '../../preload/contract/commands.ts';
import type { ConsoleDelta } from '../../preload/contract/deltas.ts';
import type { CommandName } from '../../preload/contract/names.ts';
import type {
  ConsoleSnapshot,
  DeviceView,
  OpeningView,
  OperatorView,
  RigView,
} from '../../preload/contract/views.ts';
import type { JournalLine } from '../../src-main/core/journal/line.ts';
import { failure, type Result } from '../../src-main/core/result.ts';
import type { Link, LinkState } from '../bridge/link.ts';
import { useClock } from './clock.ts';
import { fold, modelOf, type ArmedDevice, type ConsoleModel, type RigModel } from './fold.ts';
import { onNextFrame } from './frame.ts';
import { useNotices } from './notices.ts';
import { RigLog } from './rigLog.ts';
import { waitsOf, type Wait } from './waits.ts';

const nobody: OperatorView = { you: '', holder: null, asking: null, viewers: [] };
const olderLines = 5_000;

/**
 * What the bench shows: a fold of the same events as in the main process. A snapshot first, then numbered deltas, put
 * in once per frame; a gap in the numbers or a new link means another snapshot.
 */
export const useBench = defineStore('bench', () => {
  const clock = useClock();
  const notices = useNotices();
  const model = shallowRef<ConsoleModel | null>(null);
  const linkState = ref<LinkState>('waiting');
  const logs = new Map<string, RigLog>();
  const logsVersion = ref(0);
  let link: Link | null = null;
  let disposers: (() => void)[] = [];
  let queue: ConsoleDelta[] = [];
  let resyncing = false;
  let frameAsked = false;

  const ask = <Name extends CommandName>(
    name: Name,
    input: InputOf<Name>,
  ): Promise<Result<OutputOf<Name>>> => {
    if (link === null) return Promise.resolve(failure('linkLost', 'The bench is not connected.'));
    const { bridge } = link;
    // TypeScript does not follow that the function of a name takes the input of that name.
    const command = bridge[name] as (given: InputOf<Name>) => Promise<Result<OutputOf<Name>>>;
    return command(input);
  };

  const perform = async <Name extends CommandName>(
    name: Name,
    input: InputOf<Name>,
    about = '',
  ): Promise<Result<OutputOf<Name>>> => {
    const result = await ask(name, input);
    if (!result.ok) notices.add(result.error, about);
    return result;
  };

  const log = (rig: string): RigLog => {
    // The log of a rig that comes back under the same name is another one.
    void logsVersion.value;
    let known = logs.get(rig);
    if (known === undefined) logs.set(rig, (known = new RigLog()));
    return known;
  };

  const welcome = (rig: RigView): void => {
    clock.anchor(rig.id, rig.now, rig.pace);
    log(rig.id).resume(rig.recent, rig.run);
  };

  const forgetGone = (next: ConsoleModel): void => {
    for (const id of logs.keys()) {
      if (next.rigs.has(id)) continue;
      logs.delete(id);
      clock.forget(id);
      logsVersion.value += 1;
    }
  };

  const takeSnapshot = (snapshot: ConsoleSnapshot): void => {
    for (const rig of snapshot.rigs) welcome(rig);
    model.value = modelOf(snapshot);
    forgetGone(model.value);
  };

  const resync = async (): Promise<void> => {
    if (resyncing) return;
    resyncing = true;
    const snapshot = await ask('snapshot', {});
    resyncing = false;
    if (!snapshot.ok) {
      // A lost link asks again by itself when it is back.
      if (snapshot.error.code === 'linkLost') return;
      notices.add(snapshot.error, 'Read the state of the bench');
      setTimeout(() => void resync(), 1_000);
      return;
    }
    takeSnapshot(snapshot.value);
    apply();
  };

  const putLines = (lines: ReadonlyMap<string, readonly JournalLine[]>): void => {
    for (const [rig, added] of lines) {
      log(rig).append(added);
      const last = added.at(-1);
      if (last !== undefined) clock.reached(rig, last.at);
    }
  };

  const apply = (): void => {
    frameAsked = false;
    if (model.value === null || resyncing) return;
    const batch = queue;
    queue = [];
    const folded = fold(model.value, batch);
    for (const rig of folded.added) welcome(rig);
    putLines(folded.lines);
    model.value = folded.model;
    if (folded.model.rigs.size < logs.size) forgetGone(folded.model);
    if (folded.gap) void resync();
    else if (lacksFinding(folded.model)) void resync();
  };

  const receive = (batch: readonly ConsoleDelta[]): void => {
    for (const delta of batch) queue.push(delta);
    if (frameAsked) return;
    frameAsked = true;
    onNextFrame(apply);
  };

  /** Starts to follow the bench over this link. */
  const connect = (next: Link): void => {
    disconnect();
    link = next;
    disposers = [
      next.bridge.onDeltas(receive),
      next.onState((state) => {
        linkState.value = state;
        // Numbers start anew with each connection.
        queue = [];
        if (state === 'open') void resync();
      }),
    ];
    linkState.value = next.state();
    if (linkState.value === 'open') void resync();
  };

  const disconnect = (): void => {
    for (const dispose of disposers) dispose();
    disposers = [];
    link?.close();
    link = null;
    linkState.value = 'waiting';
  };

  const rigs = computed<readonly RigModel[]>(() => [...(model.value?.rigs.values() ?? [])]);
  const rig = (id: string | null): RigModel | null =>
    id === null ? null : (model.value?.rigs.get(id) ?? null);
  const openings = computed<readonly OpeningView[]>(() => [...(model.value?.openings.values() ?? [])]);
  const opening = (id: string): OpeningView | null => model.value?.openings.get(id) ?? null;
  const device = (id: string | null, address: string | null): DeviceView | null =>
    address === null ? null : (rig(id)?.byAddress.get(address) ?? null);
  const armed = (id: string | null, address: string | null): ArmedDevice | null =>
    address === null ? null : (rig(id)?.armed.get(address) ?? null);

  const operator = computed(() => model.value?.operator ?? nobody);
  /** Why this viewer cannot act now, or null when it drives. */
  const notDriving = computed<string | null>(() => {
    if (linkState.value !== 'open') return 'The link to the bench is down.';
    const { you, holder } = operator.value;
    if (holder === you) return null;
    return holder === null ? 'Nobody drives; take over first.' : `${holder} drives; ask to take over first.`;
  });

  const waits = computed<readonly Wait[]>(() =>
    waitsOf(rigs.value, (id, deadline) => clock.pageMomentOf(id, deadline)),
  );
  watch(
    () => waits.value.length > 0,
    (waiting) => {
      clock.setBeat(waiting ? 100 : 1_000);
    },
    { immediate: true },
  );

  /** Puts older lines of this rig's run in front of its log; false when there are none or they could not be read. */
  const readOlder = async (id: string): Promise<boolean> => {
    const rigLog = log(id);
    const before = rigLog.firstSeq;
    if (before === null || before <= 1) {
      rigLog.exhausted = true;
      return false;
    }
    const older = await ask('lines', { rig: id, before, count: olderLines });
    if (!older.ok) {
      notices.add(older.error, 'Read older lines');
      return false;
    }
    const first = rigLog.firstSeq;
    rigLog.prepend(older.value);
    rigLog.exhausted = rigLog.firstSeq === first;
    return !rigLog.exhausted;
  };

  return {
    ready: computed(() => model.value !== null),
    linkState,
    rigs,
    rig,
    openings,
    opening,
    device,
    armed,
    waits,
    operator,
    notDriving,
    profiles: computed(() => model.value?.profiles ?? []),
    topologies: computed(() => model.value?.topologies ?? []),
    /** Whether the functions of real kernels are watched; null until the bench has said. */
    kernelWatched: computed(() => model.value?.kernelWatched ?? null),
    version: computed(() => model.value?.bench ?? ''),
    log,
    readOlder,
    ask,
    perform,
    connect,
    disconnect,
  };
});

/** Sharers and reset kinds of a device that was armed are in no line: without the delta that tells them, a snapshot does. */
const lacksFinding = (model: ConsoleModel): boolean => {
  for (const { armed } of model.rigs.values()) {
    for (const { found } of armed.values()) if (found === null) return true;
  }
  return false;
};
