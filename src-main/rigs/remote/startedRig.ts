import { success, type BenchError, type Result } from '../../core/result.ts';
import { openRemoteRig, type LinkTiming, type RemoteRig } from './remoteRig.ts';
import type { ProgramEnd, StartedProgram } from './startedProgram.ts';

export interface StartedRigOptions {
  /** Starts the program that reaches an agent; called again when the link was lost. */
  readonly start: () => StartedProgram;
  readonly name: string;
  /** Without one, the far end's. */
  readonly title?: string;
  readonly bench: string;
  readonly log: (line: string) => void;
  /** Says why there is no link, with how the program ended. */
  readonly explain: (error: BenchError, end: ProgramEnd) => BenchError;
  readonly timing?: Partial<LinkTiming>;
  /** Gives the opening up: the program is ended. */
  readonly signal?: AbortSignal | undefined;
}

/** Milliseconds before the program is started again after its link was lost; the last one repeats. */
const restartPauses = [0, 1_000, 2_000, 5_000, 15_000, 30_000] as const;

/**
 * A rig whose agent is reached by a program. When the link is lost the program is started again, until the link is back
 * or the rig is closed.
 */
export const openStartedRig = async (options: StartedRigOptions): Promise<Result<RemoteRig>> => {
  const { start, name, title, bench, log, explain, timing, signal } = options;
  let running = start();
  let closing = false;
  const giveUp = (): void => void running.end();
  signal?.addEventListener('abort', giveUp, { once: true });
  let pause: { timer: NodeJS.Timeout; wake: () => void } | null = null;
  const opened = await openRemoteRig({
    channel: running.channel,
    kind: 'remote',
    name,
    ...(title === undefined ? {} : { title }),
    bench,
    ...(timing === undefined ? {} : { timing }),
    release: async () => {
      closing = true;
      pause?.wake();
      await running.end();
    },
  });
  signal?.removeEventListener('abort', giveUp);
  if (!opened.ok) {
    await running.end();
    return { ok: false, error: explain(opened.error, await running.ended) };
  }
  const rig = opened.value;

  const wait = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => {
      const wake = (): void => {
        if (pause !== null) clearTimeout(pause.timer);
        pause = null;
        resolve();
      };
      pause = { timer: setTimeout(wake, milliseconds), wake };
    });

  const restart = async (): Promise<void> => {
    let said = '';
    for (let attempt = 0; !closing && rig.link === 'lost'; attempt += 1) {
      await running.end();
      await wait(restartPauses[Math.min(attempt, restartPauses.length - 1)] ?? 0);
      if (closing) return;
      running = start();
      const connected = await rig.reconnect(running.channel);
      if (connected.ok) return;
      await running.end();
      const { message } = explain(connected.error, await running.ended);
      log(message);
      // Tried again and again, and said once.
      if (message !== said) rig.remark(message);
      said = message;
    }
  };
  let restarting: Promise<void> | null = null;
  rig.onEvent(({ kind }) => {
    if (kind !== 'linkLost' || closing) return;
    restarting ??= restart().finally(() => {
      restarting = null;
    });
  });
  return success(rig);
};
