import type { Bridge } from '../../preload/contract/bridge.ts';
import type { Result } from '../../src-main/core/result.ts';
import type { Link } from './link.ts';
import { bridgeOver } from './timeLimit.ts';

/** The preload's functions, each with its time limit. */
export const electronLink = (exposed: Bridge): Link => ({
  bridge: bridgeOver(
    (command, input) => (exposed[command] as (input: unknown) => Promise<Result<unknown>>)(input),
    (listener) => exposed.onDeltas(listener),
  ),
  state: () => 'open',
  onState: () => () => undefined,
  close: () => undefined,
});
