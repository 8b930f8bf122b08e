import { spawn, type ChildProcess } from 'node:child_process';
import { Duplex } from 'node:stream';
import { failure, success, type Result } from '../../core/result.ts';
import { openRemoteRig, type LinkTiming, type RemoteRig } from './remoteRig.ts';

export interface RemoteCommandOptions {
  /** As a shell takes it; its standard input and output are the wire. */
  readonly commandLine: string;
  readonly bench: string;
  /** What the command says on standard error, line by line. */
  readonly log: (line: string) => void;
  readonly timing?: Partial<LinkTiming>;
  /** Gives the opening up: the command is ended. */
  readonly signal?: AbortSignal;
}

/** How long a command whose input has ended may take to end, in milliseconds. */
const endPatience = 5_000;
/** Milliseconds before the command is started again after its link was lost; the last one repeats. */
const restartPauses = [0, 1_000, 2_000, 5_000, 15_000, 30_000] as const;
/** Lines of standard error that a refusal quotes. */
const linesQuoted = 3;

interface Running {
  readonly channel: Duplex;
  /** Settles when the command is gone. */
  readonly ended: Promise<string>;
  /** Its input has ended; what does not end by itself is killed, with what it has started. */
  end(): Promise<void>;
  readonly lastWords: readonly string[];
}

/** With what it has started, which may hold its output open when it has ended itself. */
const kill = (child: ChildProcess): void => {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // All of it ended just now.
  }
};

const run = (commandLine: string, log: (line: string) => void): Running => {
  // A group of its own: Ctrl+C is for the bench, which closes the devices and then the command's input.
  const child = spawn('/bin/sh', ['-c', commandLine], { stdio: 'pipe', detached: true });
  const lastWords: string[] = [];
  let line = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    const lines = `${line}${text}`.split('\n');
    line = (lines.pop() ?? '').slice(-1_000);
    for (const each of lines) {
      lastWords.push(each.slice(0, 1_000));
      if (lastWords.length > linesQuoted) lastWords.shift();
      log(each);
    }
  });
  const channel = Duplex.from({ readable: child.stdout, writable: child.stdin });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) =>
      resolve(signal === null ? `exit code ${code ?? '?'}` : `ended by ${signal}`),
    );
  });
  return {
    channel,
    ended,
    lastWords,
    end: async () => {
      channel.destroy();
      child.stdin.destroy();
      const timer = setTimeout(() => kill(child), endPatience);
      await ended;
      clearTimeout(timer);
    },
  };
};

/** What the command said about itself, for the sentence of a refusal. */
const words = async (running: Running): Promise<string> => {
  const end = await running.ended;
  return [end, ...running.lastWords].join('; ').replace(/\.$/, '');
};

/**
 * A rig whose agent is started by a command: `node out/agent/agent.mjs --simulated notify-6.1`, or ssh and the same on
 * another machine. When the link is lost the command is started again; an agent that was started anew holds nothing of
 * what the one before held open, and says so.
 */
export const openRemoteCommand = async (options: RemoteCommandOptions): Promise<Result<RemoteRig>> => {
  const { commandLine, bench, log, timing } = options;
  if (commandLine.trim() === '') {
    return failure('malformedInput', 'A remote rig needs a command: remote:ssh lab-machine rbench-agent.');
  }
  let running = run(commandLine, log);
  let closing = false;
  const giveUp = (): void => void running.end();
  options.signal?.addEventListener('abort', giveUp, { once: true });
  let pause: { timer: NodeJS.Timeout; wake: () => void } | null = null;
  const opened = await openRemoteRig({
    channel: running.channel,
    kind: 'remote',
    name: `remote:${commandLine}`,
    bench,
    ...(timing === undefined ? {} : { timing }),
    release: async () => {
      closing = true;
      pause?.wake();
      await running.end();
    },
  });
  options.signal?.removeEventListener('abort', giveUp);
  if (!opened.ok) {
    await running.end();
    const { code, message } = opened.error;
    return failure(code, `${message} The command: ${await words(running)}.`, { details: { commandLine } });
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
    for (let attempt = 0; !closing && rig.link === 'lost'; attempt += 1) {
      await running.end();
      await wait(restartPauses[Math.min(attempt, restartPauses.length - 1)] ?? 0);
      if (closing) return;
      running = run(commandLine, log);
      const connected = await rig.reconnect(running.channel);
      if (!connected.ok) log(connected.error.message);
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
