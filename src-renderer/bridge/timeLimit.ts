import { commandNames, type CommandName } from '../../preload/contract/names.ts';
import { timeouts } from '../../preload/contract/timeouts.ts';
import type { Bridge } from '../../preload/contract/bridge.ts';
import { failure, type Result } from '../../src-main/core/result.ts';

export type Send = (command: CommandName, input: unknown) => Promise<Result<unknown>>;

/** The answer, or `callTimedOut` once the command's time is up; a transport that throws is a lost link. */
export const withinTime = (
  command: CommandName,
  answer: Promise<Result<unknown>>,
): Promise<Result<unknown>> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => {
      resolve(
        failure(
          'callTimedOut',
          `No answer to "${command}" within ${timeouts[command] / 1_000} s; it may still be carried out, and the timeline will tell.`,
        ),
      );
    }, timeouts[command]);
    const settle = (result: Result<unknown>): void => {
      clearTimeout(timer);
      resolve(result);
    };
    answer.then(settle, (thrown: unknown) => {
      settle(failure('linkLost', `"${command}" did not get through: ${String(thrown)}`));
    });
  });

/** One function a command, each with its time limit, over whatever `send` is. */
export const bridgeOver = (send: Send, onDeltas: Bridge['onDeltas']): Bridge => {
  const functions = commandNames.map((name) => [
    name,
    // A reactive object of a view cannot be cloned by IPC, and undefined members mean nothing in JSON: plain data goes.
    (input: unknown) => withinTime(name, send(name, JSON.parse(JSON.stringify(input)))),
  ]);
  return { ...Object.fromEntries(functions), onDeltas } as Bridge;
};
