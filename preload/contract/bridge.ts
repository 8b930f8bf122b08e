import type { Result } from '../../src-main/core/result.ts';
import type { InputOf, OutputOf } from './commands.ts';
import type { DeltaBatch } from './deltas.ts';
import type { CommandName } from './names.ts';

/** What the page has of the other side, over whichever transport: one function a command, and the deltas. */
export type Bridge = {
  readonly [Name in CommandName]: (input: InputOf<Name>) => Promise<Result<OutputOf<Name>>>;
} & {
  /** The disposer ends the subscription. */
  onDeltas(listener: (batch: DeltaBatch) => void): () => void;
};
