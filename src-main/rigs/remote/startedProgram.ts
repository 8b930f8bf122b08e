import { spawn, type ChildProcess } from 'node:child_process';
import { Duplex } from 'node:stream';

/** How a program ended, and what it said last on standard error. */
export interface ProgramEnd {
  /** Null when it did not start, or was killed. */
  readonly code: number | null;
  readonly how: string;
  readonly lastWords: readonly string[];
}

/** A program whose standard input and output are a wire. */
export interface StartedProgram {
  readonly channel: Duplex;
  /** Settles when the program is gone. */
  readonly ended: Promise<ProgramEnd>;
  /** Its input has ended; what does not end by itself is killed, with what it has started. */
  end(): Promise<void>;
}

/** How long a program whose input has ended may take to end, in milliseconds: it may have devices to close. */
const endPatience = 5_000;
/** Lines of standard error that are kept. */
const linesKept = 20;
const longestLine = 1_000;

/** With what it has started, which may hold its output open when it has ended itself. */
export const killGroup = ({ pid }: ChildProcess): void => {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All of it ended just now.
  }
};

/** Starts a program in a process group of its own. `log` gets what it says on standard error, line by line. */
export const startProgram = (
  program: string,
  words: readonly string[],
  log: (line: string) => void,
  patience = endPatience,
): StartedProgram => {
  // A group of its own: Ctrl+C is for the bench, which closes the devices and then the program's input.
  const child = spawn(program, words, { stdio: 'pipe', detached: true });
  const lastWords: string[] = [];
  let line = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    const lines = `${line}${text}`.split('\n');
    line = (lines.pop() ?? '').slice(-longestLine);
    for (const each of lines) {
      const said = each.trimEnd().slice(0, longestLine);
      lastWords.push(said);
      if (lastWords.length > linesKept) lastWords.shift();
      log(said);
    }
  });
  const channel = Duplex.from({ readable: child.stdout, writable: child.stdin });
  const ended = new Promise<ProgramEnd>((resolve) => {
    child.once('error', (error) => resolve({ code: null, how: error.message, lastWords }));
    child.once('close', (code, signal) => {
      const how = signal === null ? `exit code ${code ?? '?'}` : `ended by ${signal}`;
      resolve({ code, how, lastWords });
    });
  });
  return {
    channel,
    ended,
    end: async () => {
      channel.destroy();
      child.stdin.destroy();
      const timer = setTimeout(() => killGroup(child), patience);
      await ended;
      clearTimeout(timer);
    },
  };
};
