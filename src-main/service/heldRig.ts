import type { ArmedView, RigView } from '../../preload/contract/views.ts';
import { attempt } from '../coordinator/attempt.ts';
import type { Coordinator } from '../coordinator/coordinator.ts';
import type { Recorder } from '../coordinator/recorder.ts';
import type { JournalLine } from '../core/journal/line.ts';
import type { PciAddress } from '../core/pci/address.ts';
import type { Arming } from '../core/recovery/policy.ts';
import { armedState, isOpen, openDecision, openWait, type RecoveryState } from '../core/recovery/state.ts';
import { done, failure, success, type BenchError, type Result } from '../core/result.ts';
import type { JournalWriter } from '../journal/writer.ts';
import type { Disposer, Rig } from '../rigs/rig.ts';
import { reportDefect } from './defects.ts';
import { DeviceWatch } from './deviceWatch.ts';
import { JournalArchive } from './journalArchive.ts';
import { LineStore } from './lineStore.ts';
import type { DeltaBody } from './outbox.ts';
import type { ScenarioPlay } from './scenarioPlay.ts';
import type { OpenWait } from './waits.ts';

/** Lines that a snapshot brings along. */
const recentLines = 1_000;
/** A device that does not let go is left to the kernel after this long, in milliseconds. */
const closePatience = 2_000;
/** A guest that does not end when asked is killed within this, in milliseconds. */
const rigPatience = 4_500;

export interface HeldRigParts {
  readonly id: string;
  readonly title: string;
  readonly rig: Rig;
  /** Settles with why, when the machine has ended for good; null where it cannot. */
  readonly gone: Promise<string> | null;
  readonly pace: number;
  readonly recorder: Recorder;
  readonly journal: JournalWriter | null;
  /** The first line of the journal, which its writer wrote. */
  readonly head: JournalLine | null;
  readonly coordinator: Coordinator;
  readonly play: ScenarioPlay | null;
  readonly publish: (body: DeltaBody) => void;
  readonly waitsMayHaveChanged: () => void;
}

const afterAtMost = async (milliseconds: number, work: Promise<unknown>): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([work, patience]);
  clearTimeout(timer);
};

/** A rig in use: its run, what is known of its devices, and the words about it that go to the viewers. */
export class HeldRig {
  readonly id: string;
  readonly rig: Rig;
  readonly recorder: Recorder;
  readonly journal: JournalWriter | null;
  readonly coordinator: Coordinator;
  readonly play: ScenarioPlay | null;
  readonly lines = new LineStore();
  readonly devices: DeviceWatch;
  /** What devices were on before the bench changed their drivers last. */
  readonly previousDrivers = new Map<PciAddress, string | null>();
  readonly #parts: HeldRigParts;
  readonly #disposers: Disposer[];
  readonly #archive: JournalArchive | null;
  /** Devices that somebody waits for, and those of which a step has not been looked at yet. */
  readonly #waiting = new Set<PciAddress>();
  readonly #stepped = new Set<PciAddress>();
  #trouble: string | null = null;
  #link: RigView['link'] = 'up';
  /** Why the machine is gone for good. */
  #gone: BenchError | null = null;
  #ending: Promise<void> | null = null;

  constructor(parts: HeldRigParts) {
    const { id, rig, recorder, journal, coordinator, play, head, publish } = parts;
    this.id = id;
    this.rig = rig;
    this.recorder = recorder;
    this.journal = journal;
    this.coordinator = coordinator;
    this.play = play;
    this.#parts = parts;
    this.#archive = journal === null ? null : new JournalArchive(journal.path);
    if (head !== null) this.lines.add(head);
    this.devices = new DeviceWatch(
      () => coordinator.devices(),
      (devices) => publish({ kind: 'devices', rig: id, devices }),
    );
    this.#disposers = [
      recorder.watch((line) => this.#take(line)),
      rig.onEvent(() => this.devices.hint()),
      play?.onProgress((progress) => publish({ kind: 'scenario', rig: id, progress })) ?? (() => undefined),
    ];
    void parts.gone?.then((why) => this.#machineEnded(why));
  }

  /** Whether the machine can be heard. */
  get link(): RigView['link'] {
    return this.#link;
  }

  get ending(): boolean {
    return this.#ending !== null;
  }

  view(): RigView {
    const { title, pace } = this.#parts;
    const { kind, name, kernel, architecture } = this.rig.info;
    const recent = this.lines.newest(recentLines);
    return {
      id: this.id,
      rig: { kind, name, title, kernel, architecture },
      trouble: this.#trouble,
      link: this.#link,
      devices: this.devices.devices,
      armed: [...this.coordinator.states()].map(([address, state]) => this.#armedView(address, state)),
      open: this.#open(),
      now: this.rig.clock.now(),
      pace,
      run: this.journal?.run ?? null,
      recent,
      // What is no longer in memory is in the journal, from its first line on.
      firstSeq: this.journal === null ? this.lines.first : 1,
      scenario: this.play?.progress() ?? null,
    };
  }

  /** A device that the rig named at some time; whether it is still there is for the rig to say. */
  checkDevice(address: PciAddress): Result<void> {
    if (this.devices.known.has(address)) return done;
    return failure('unknownAddress', `${this.#parts.title} has no device ${address}.`);
  }

  /** Up to `count` lines with numbers below `before`, the newest of them, oldest first. */
  async earlierLines(before: number, count: number): Promise<Result<readonly JournalLine[]>> {
    const kept = this.lines.before(before, count);
    const missing = count - kept.length;
    const end = Math.min(before, this.lines.first);
    if (missing === 0 || end <= 1 || this.#archive === null) return success(kept);
    const from = Math.max(1, end - missing);
    const old = await this.#archive.read(from, end - from);
    return old.ok ? success([...old.value, ...kept]) : old;
  }

  /** Nobody waits any more on a machine that is gone. */
  waits(): OpenWait[] {
    if (this.#gone !== null) return [];
    return [...new Set([...this.#waiting, ...this.#stepped])].flatMap((device) => this.#waitOf(device) ?? []);
  }

  /** To be called between two steps: within one, the line and the state do not fit together. */
  settleWaits(): void {
    for (const device of this.#stepped) {
      if (this.#waitOf(device) === null) this.#waiting.delete(device);
      else this.#waiting.add(device);
    }
    this.#stepped.clear();
  }

  /** The devices whose ack the kernel waits for. */
  kernelWaits(): readonly PciAddress[] {
    return [...this.coordinator.states()]
      .filter(([, state]) => openWait(state) !== null)
      .map(([address]) => address);
  }

  waitsFor(address: PciAddress): boolean {
    const state = this.coordinator.state(address);
    return state !== null && openWait(state) !== null;
  }

  /** The answer to a wish that is not granted, with its line in the run. */
  refuse(
    address: PciAddress,
    wish: string,
    error: BenchError,
  ): { readonly ok: false; readonly error: BenchError } {
    this.recorder.record({ type: 'refusal', device: address, wish, error });
    return { ok: false, error };
  }

  /** Something done to a device that is not the coordinator's: not done when it cannot be recorded. */
  async operate<Value>(
    address: PciAddress,
    operation: string,
    detail: Readonly<Record<string, unknown>>,
    run: () => Promise<Result<Value>>,
  ): Promise<Result<Value>> {
    const { trouble } = this.recorder;
    if (trouble !== null) return this.refuse(address, operation, trouble);
    const result = await attempt(operation, run);
    this.recorder.record({
      type: 'operation',
      device: address,
      operation,
      result: result.ok ? 'done' : result.error,
      detail,
    });
    return result;
  }

  /**
   * Ends the run in good order: closes what is open, writes the last line, closes the journal and the rig. Whoever
   * calls has seen to open waits; a device that is closed in one is closed all the same, and the run says so.
   */
  end(outcome: string): Promise<void> {
    this.#ending ??= this.#end(outcome);
    return this.#ending;
  }

  async #end(outcome: string): Promise<void> {
    this.devices.close();
    const closing = this.#open().map((address) => this.coordinator.close(address));
    await afterAtMost(closePatience, Promise.all(closing));
    this.play?.dispose();
    this.coordinator.dispose();
    this.recorder.record({ type: 'end', outcome }, 'durable');
    for (const dispose of this.#disposers) dispose();
    const closed = (await this.journal?.close()) ?? done;
    if (!closed.ok) process.stderr.write(`recovery-bench: ${closed.error.message}\n`);
    await afterAtMost(
      rigPatience,
      this.rig.close().catch((thrown: unknown) => reportDefect(`closing ${this.id}`, thrown)),
    );
  }

  #machineEnded(why: string): void {
    if (this.ending) return;
    const sentence = `${why.charAt(0).toUpperCase()}${why.slice(1)}; restart the rig or remove it.`;
    this.#gone = failure('linkLost', sentence).error;
    this.recorder.record({ type: 'kernelLog', device: null, text: sentence }, 'durable');
    this.#parts.waitsMayHaveChanged();
  }

  #open(): readonly PciAddress[] {
    return ([...this.devices.known] as PciAddress[]).filter(
      (address) => this.coordinator.session(address) !== null,
    );
  }

  #waitOf(device: PciAddress): OpenWait | null {
    const state = this.coordinator.state(device);
    if (state === null || !isOpen(state) || (openWait(state) === null && openDecision(state) === null))
      return null;
    const { deadline, arming } = state;
    const left = Math.max(0, deadline - this.rig.clock.now());
    return { rig: this.id, device, deadline, left, protocol: arming.protocol };
  }

  #armedView(address: PciAddress, state: RecoveryState): ArmedView {
    const capabilities = this.coordinator.session(address)?.capabilities;
    return {
      device: address,
      state,
      sharers: capabilities?.sharers ?? [],
      resetKinds: capabilities?.resetKinds ?? [],
    };
  }

  #take(line: JournalLine): void {
    const { publish, waitsMayHaveChanged } = this.#parts;
    this.lines.add(line);
    publish({ kind: 'line', rig: this.id, line });
    if (line.type === 'armed') publish(this.#armedDelta(line.device as PciAddress, line.arming));
    const lost = this.#gone ?? this.coordinator.linkLost;
    const link = lost === null ? 'up' : this.#gone === null ? 'lost' : 'gone';
    if (link !== this.#link) {
      this.#link = link;
      publish({ kind: 'link', rig: this.id, link });
    }
    const trouble = (this.recorder.trouble ?? lost)?.message ?? null;
    if (trouble !== this.#trouble) {
      this.#trouble = trouble;
      publish({ kind: 'trouble', rig: this.id, trouble });
    }
    if (line.type === 'step' || line.type === 'armed' || line.type === 'disarmed') {
      this.#stepped.add(line.device as PciAddress);
      waitsMayHaveChanged();
    }
    if (line.type !== 'snapshot' && line.type !== 'scenario') this.devices.hint();
  }

  /** When the line is told the fold is just being started; its state is what `armed` means. */
  #armedDelta(address: PciAddress, arming: Arming): DeltaBody {
    return { kind: 'armed', rig: this.id, armed: this.#armedView(address, armedState(arming)) };
  }
}

export const rigClosed = (id: string): ReturnType<typeof failure> =>
  failure('rigClosed', `The rig ${id} is being closed.`);
