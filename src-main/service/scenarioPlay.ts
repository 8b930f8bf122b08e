import type { ScenarioProgress, ScenarioSummary } from '../../preload/contract/views.ts';
import { done, failure, type Result } from '../core/result.ts';
import type { Disposer } from '../rigs/rig.ts';
import type { Scenario } from '../scenarios/load.ts';
import type { ScenarioPlayer } from '../scenarios/player.ts';

export const summaryOf = ({ name, title, seed, story, needs, device, lines }: Scenario): ScenarioSummary => ({
  name,
  title,
  seed,
  story: story.trim(),
  protocol: needs.protocol,
  profiles: needs.profiles,
  topology: needs.topology,
  device,
  steps: lines,
});

/** A scenario that is being played, a step at a time. */
export class ScenarioPlay {
  readonly player: ScenarioPlayer;
  readonly #summary: ScenarioSummary;
  readonly #listeners = new Set<(progress: ScenarioProgress) => void>();
  readonly #gone: Promise<Result<void>>;
  #leave: (result: Result<void>) => void = () => undefined;
  #played = 0;
  #running = false;
  #failed: ScenarioProgress['failed'] = null;

  constructor(player: ScenarioPlayer) {
    this.player = player;
    this.#summary = summaryOf(player.scenario);
    this.#gone = new Promise((resolve) => {
      this.#leave = resolve;
    });
  }

  progress(): ScenarioProgress {
    return {
      scenario: this.#summary,
      played: this.#played,
      running: this.#running,
      failed: this.#failed,
      ended: this.player.ended,
    };
  }

  onProgress(listener: (progress: ScenarioProgress) => void): Disposer {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Plays the next step. How it went is told by the progress: a step that fails has been played all the same. */
  async step(): Promise<Result<void>> {
    if (this.#running) return failure('stepUnderWay', 'A step of this scenario is being played already.');
    if (this.player.ended) {
      return failure('notSupported', 'This scenario is at its end; stop it and start it anew.');
    }
    this.#running = true;
    this.#tell();
    // When the scenario is stopped in the middle of a step, the rig's clock stands still and no answer comes.
    return Promise.race([this.#play(), this.#gone]);
  }

  outcome(): string {
    if (this.#failed !== null) return 'failed';
    return this.player.ended ? 'passed' : 'stopped';
  }

  dispose(): void {
    this.player.dispose();
    this.#leave(failure('rigClosed', 'The scenario was stopped.'));
  }

  async #play(): Promise<Result<void>> {
    try {
      const { number, result, detail } = await this.player.step();
      this.#played = number;
      if (result === 'failed') this.#failed = { step: number, detail: detail ?? 'failed' };
    } finally {
      this.#running = false;
      this.#tell();
    }
    return done;
  }

  #tell(): void {
    const progress = this.progress();
    for (const listener of this.#listeners) listener(progress);
  }
}
