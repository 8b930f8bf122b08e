import type { OutputOf, ParsedOf } from '../../../preload/contract/commands.ts';
import type { CommandName } from '../../../preload/contract/names.ts';
import type { Result } from '../../core/result.ts';
import type { Bench } from '../bench.ts';
import type { Caller } from '../caller.ts';

export interface CommandContext {
  readonly bench: Bench;
  readonly caller: Caller;
}

/** The input has been parsed and the role checked. */
export type Handler<Name extends CommandName> = (
  input: ParsedOf<Name>,
  context: CommandContext,
) => Promise<Result<OutputOf<Name>>>;

export type HandlersOf<Name extends CommandName> = { readonly [Each in Name]: Handler<Each> };
