import type { OpeningView } from '../../preload/contract/views.ts';
import { done, failure, type BenchError, type Result } from '../core/result.ts';
import type { RigWish } from '../rigs/opening/openRig.ts';
import { reportDefect } from './defects.ts';
import type { DeltaBody } from './outbox.ts';

/** More than the build of an image has; a far end that talks on standard error shall not fill the memory. */
const stepsKept = 60;
/** In characters. */
const stepLength = 300;
/** Steps that come faster are told together, in milliseconds. */
const tellingPause = 100;

export interface OpeningWork {
  readonly signal: AbortSignal;
  readonly onProgress: (text: string) => void;
  /** Settles with what the operator answers; with no when the opening is given up. */
  readonly agree: (question: string) => Promise<boolean>;
}

/** Opens the rig and adds it; runs to its end also when it is given up. */
export type Open = (id: string, wish: RigWish, work: OpeningWork) => Promise<Result<void>>;

class Opening {
  readonly id: string;
  readonly wish: RigWish;
  readonly title: string;
  readonly abort = new AbortController();
  state: OpeningView['state'] = 'opening';
  question: { readonly text: string; readonly answer: (agreed: boolean) => void } | null = null;
  steps: string[] = [];
  error: BenchError | null = null;
  ended: Promise<void> = Promise.resolve();
  timer: NodeJS.Timeout | null = null;

  constructor(id: string, wish: RigWish, title: string) {
    this.id = id;
    this.wish = wish;
    this.title = title;
  }

  view(): OpeningView {
    const { id, wish, title, state, steps, question, error } = this;
    return {
      ...{ id, kind: wish.kind, title, state, error },
      steps: [...steps],
      question: question?.text ?? null,
    };
  }
}

/**
 * Rigs that are being opened beside everything else, and those that could not be: a failure stays until somebody has
 * read it.
 */
export class Openings {
  readonly #openings = new Map<string, Opening>();
  readonly #open: Open;
  readonly #publish: (body: DeltaBody) => void;

  constructor(open: Open, publish: (body: DeltaBody) => void) {
    this.#open = open;
    this.#publish = publish;
  }

  views(): readonly OpeningView[] {
    return [...this.#openings.values()].map((opening) => opening.view());
  }

  begin(id: string, wish: RigWish, title: string): void {
    const opening = new Opening(id, wish, title);
    this.#openings.set(id, opening);
    this.#tell(opening);
    opening.ended = this.#run(opening);
  }

  /** Answers what an opening asks; undefined when nothing of that name is being opened. */
  answer(id: string, question: string, agreed: boolean): Result<void> | undefined {
    const opening = this.#openings.get(id);
    if (opening === undefined) return undefined;
    if (opening.question?.text !== question) {
      return failure('confirmationInvalid', `${opening.title} does not ask that any more; nothing was done.`);
    }
    opening.question.answer(agreed);
    return done;
  }

  /** Gives up what is under way, or lets go of a failure; undefined when nothing of that name is being opened. */
  cancel(id: string): Result<void> | undefined {
    const opening = this.#openings.get(id);
    if (opening === undefined) return undefined;
    if (opening.state === 'failed') this.#forget(opening);
    if (opening.state === 'opening') {
      opening.state = 'cancelling';
      this.#tell(opening);
      opening.abort.abort();
    }
    return done;
  }

  /** Lets go of a failure and answers what was wished; undefined when nothing of that name is being opened. */
  again(id: string): Result<{ readonly wish: RigWish; readonly title: string }> | undefined {
    const opening = this.#openings.get(id);
    if (opening === undefined) return undefined;
    if (opening.state !== 'failed') return failure('busy', `${opening.title} is being opened.`);
    this.#forget(opening);
    return { ok: true, value: opening };
  }

  async close(): Promise<void> {
    const all = [...this.#openings.values()];
    for (const opening of all) opening.abort.abort();
    await Promise.all(all.map(({ ended }) => ended));
  }

  async #run(opening: Opening): Promise<void> {
    const { id, wish, abort } = opening;
    const onProgress = (text: string): void => this.#step(opening, text);
    let opened: Result<void>;
    try {
      opened = await this.#open(id, wish, {
        signal: abort.signal,
        onProgress,
        agree: (question) => this.#ask(opening, question),
      });
    } catch (thrown) {
      opened = { ok: false, error: reportDefect(`opening ${id}`, thrown) };
    }
    if (opened.ok || abort.signal.aborted) return this.#forget(opening);
    opening.state = 'failed';
    opening.error = opened.error;
    this.#tell(opening);
  }

  #ask(opening: Opening, text: string): Promise<boolean> {
    const { signal } = opening.abort;
    if (signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const answer = (agreed: boolean): void => {
        signal.removeEventListener('abort', giveUp);
        opening.question = null;
        this.#tell(opening);
        resolve(agreed);
      };
      const giveUp = (): void => answer(false);
      signal.addEventListener('abort', giveUp);
      opening.question = { text, answer };
      this.#tell(opening);
    });
  }

  #step(opening: Opening, text: string): void {
    if (opening.state === 'failed' || !this.#openings.has(opening.id)) return;
    opening.steps = [...opening.steps, text.slice(0, stepLength)].slice(-stepsKept);
    opening.timer ??= setTimeout(() => this.#tell(opening), tellingPause);
  }

  #tell(opening: Opening): void {
    if (opening.timer !== null) clearTimeout(opening.timer);
    opening.timer = null;
    this.#publish({ kind: 'opening', opening: opening.view() });
  }

  #forget(opening: Opening): void {
    if (opening.timer !== null) clearTimeout(opening.timer);
    if (this.#openings.delete(opening.id)) this.#publish({ kind: 'openingEnded', id: opening.id });
  }
}
