import { failure, type BenchError } from '../../core/result.ts';
import { isRefusal, type Link } from './link.ts';
import { calls, type callLimits, type AnswerOf, type CallName, type InputOf } from './protocol.ts';

/** An answer, or why there is none. */
export type Outcome<Name extends CallName> =
  | { readonly answered: true; readonly answer: AnswerOf<Name> }
  | { readonly answered: false; readonly error: BenchError };

interface Pending {
  readonly number: number;
  readonly name: CallName;
  readonly input: unknown;
  /** Null once the caller has been told that it takes too long. */
  tell: ((outcome: Outcome<CallName>) => void) | null;
  readonly late: (answer: unknown) => void;
  timer: NodeJS.Timeout | null;
}

const lost = (message: string, name: CallName): BenchError =>
  failure('linkLost', message, { details: { call: name } }).error;

/**
 * The calls of a near end. Each is numbered, and asked again over the next link when its answer was lost with this one;
 * the far end does none twice. While there is no link the clock of a call stands still.
 */
export class Calls {
  readonly #title: string;
  readonly #pending = new Map<number, Pending>();
  readonly #limits: Readonly<Record<keyof typeof callLimits, number>>;
  #link: Link | null = null;
  #last = 0;

  constructor(title: string, limits: Readonly<Record<keyof typeof callLimits, number>>) {
    this.#title = title;
    this.#limits = limits;
  }

  /** `late` gets an answer that came after the caller was told that it takes too long. */
  call<Name extends CallName>(
    name: Name,
    input: InputOf<Name>,
    late: (answer: AnswerOf<Name>) => void = () => undefined,
  ): Promise<Outcome<Name>> {
    if (this.#link === null) {
      const message = `The link to ${this.#title} is lost; nothing was sent.`;
      return Promise.resolve({ answered: false, error: lost(message, name) });
    }
    return new Promise((resolve) => {
      this.#last += 1;
      const pending: Pending = {
        number: this.#last,
        name,
        input,
        tell: resolve as (outcome: Outcome<CallName>) => void,
        late: late as (answer: unknown) => void,
        timer: null,
      };
      this.#pending.set(pending.number, pending);
      this.#send(pending);
    });
  }

  /** Asks again for what has no answer yet. */
  linkUp(link: Link): void {
    this.#link = link;
    for (const pending of this.#pending.values()) this.#send(pending);
  }

  linkDown(): void {
    this.#link = null;
    for (const pending of this.#pending.values()) stopTimer(pending);
  }

  /** Tells every caller that nobody can say any more what became of the call. */
  giveUp(reason: string): void {
    for (const pending of this.#pending.values()) {
      const message = `${reason} Whether "${pending.name}" was carried out is unknown.`;
      this.#tell(pending, { answered: false, error: lost(message, pending.name) });
    }
    this.#pending.clear();
  }

  /** All answers up to this number have arrived. */
  get #settled(): number {
    const [first] = this.#pending.keys();
    return first === undefined ? this.#last : first - 1;
  }

  #send(pending: Pending): void {
    const link = this.#link;
    if (link === null) return;
    const { name, number, input } = pending;
    if (pending.tell !== null) {
      pending.timer = setTimeout(() => this.#timeOut(pending), this.#limits[calls[name].limit]);
    }
    link.request(name, { call: number, settled: this.#settled, input }).then(
      (raw) => this.#answered(pending, raw),
      (thrown: unknown) => {
        // When the link ended the call stays open: the next link asks again.
        if (isRefusal(thrown) && link === this.#link) this.#refused(pending, thrown.code, thrown.message);
      },
    );
  }

  #answered(pending: Pending, raw: unknown): void {
    if (!this.#pending.delete(pending.number)) return;
    const parsed = calls[pending.name].answer.safeParse(raw);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      const where = issue === undefined ? '' : ` (${[...issue.path, issue.message].join(': ')})`;
      this.#tell(pending, {
        answered: false,
        error: failure(
          'malformedMessage',
          `${this.#title} answered "${pending.name}" with something else${where}; what it did is unknown.`,
        ).error,
      });
    } else if (pending.tell === null) {
      pending.late(parsed.data);
    } else {
      this.#tell(pending, { answered: true, answer: parsed.data });
    }
  }

  #refused(pending: Pending, code: number, message: string): void {
    if (!this.#pending.delete(pending.number)) return;
    this.#tell(pending, {
      answered: false,
      error: failure('kernelRefused', `${this.#title} broke off at "${pending.name}": ${message}`, {
        details: { code },
      }).error,
    });
  }

  #timeOut(pending: Pending): void {
    const seconds = this.#limits[calls[pending.name].limit] / 1_000;
    this.#tell(pending, {
      answered: false,
      error: failure(
        'callTimedOut',
        `${this.#title} did not answer "${pending.name}" within ${seconds} s; it may still be carried out.`,
      ).error,
    });
  }

  #tell(pending: Pending, outcome: Outcome<CallName>): void {
    stopTimer(pending);
    const { tell } = pending;
    pending.tell = null;
    tell?.(outcome);
  }
}

const stopTimer = (pending: Pending): void => {
  if (pending.timer !== null) clearTimeout(pending.timer);
  pending.timer = null;
};
