import type { Microseconds } from '../../core/recovery/phase.ts';
import type { AutomaticReport } from '../../core/recovery/reports.ts';
import { done, failure, type Result } from '../../core/result.ts';
import type { Disposer, RigClock } from '../rig.ts';
import type { GivenAnswer, PreparedAnswer, Told } from '../session/vfioDevice.ts';

export interface AnswerPorts {
  readonly give: (answer: PreparedAnswer, signalAt: Microseconds) => GivenAnswer;
  readonly late: (told: { readonly number: number; readonly answered: AutomaticReport }) => void;
}

/** The waiter's entry for one eventfd, in virtual time: what stands for its next signal (kernel/waiter). */
export class StandingAnswer {
  #answer: PreparedAnswer | null = null;
  #late: Disposer | null = null;
  #number = 0;
  #told: Told = { signal: 0, acknowledged: 0 };

  get told(): Told {
    return this.#told;
  }

  handDown(answer: PreparedAnswer, heard: number): Result<void> {
    if (this.#number > heard) {
      return failure(
        'stepUnderWay',
        'Something was signalled meanwhile; what to do next has to be decided anew.',
      );
    }
    this.takeBack();
    this.#answer = answer;
    return done;
  }

  takeBack(): void {
    this.#answer = null;
    this.#late?.();
    this.#late = null;
  }

  /** One read of the eventfd: used up whatever it says, given when it says 1. */
  signalled(
    count: number,
    at: Microseconds,
    clock: RigClock,
    ports: AnswerPorts,
  ): { readonly number: number; readonly answered: AutomaticReport | null } {
    const answer = this.#answer;
    this.takeBack();
    this.#number += 1;
    const number = this.#number;
    this.#told = { ...this.#told, signal: number };
    if (answer === null || count !== 1) return { number, answered: null };
    if (answer.delay === 0) return { number, answered: this.#give(answer, at, number, ports) };
    this.#late = clock.at(at + answer.delay, () => {
      this.#late = null;
      this.#number += 1;
      const answered = this.#give(answer, at, this.#number, ports);
      ports.late({ number: this.#number, answered });
    });
    return { number, answered: null };
  }

  #give(answer: PreparedAnswer, signalAt: Microseconds, number: number, ports: AnswerPorts): AutomaticReport {
    const report = answer.report(ports.give(answer, signalAt));
    if (report.acknowledge.kind === 'taken') this.#told = { ...this.#told, acknowledged: number };
    return report;
  }
}
