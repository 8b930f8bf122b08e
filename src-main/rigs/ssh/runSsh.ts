import { spawn } from 'node:child_process';
import { failure, success, type Result } from '../../core/result.ts';
import { formatSshTarget } from '../../core/ssh/sshTarget.ts';
import { killGroup } from '../remote/startedProgram.ts';
import { sshWords, type SshAccess } from './sshProgram.ts';
import { sshFailed, sshMissing, sshTrouble } from './sshTrouble.ts';

/** What was run on a far machine, at its end. */
export interface FarEnd {
  /** Of what was run there. */
  readonly code: number;
  readonly out: string;
  /** Its standard error, and that of ssh, line by line. */
  readonly said: readonly string[];
}

/** More than any answer has; a far end that goes on talking shall not fill the memory. In characters. */
const longestAnswer = 1024 * 1024;

export interface SshRun {
  /** What sh on the far machine reads. */
  readonly script: string;
  /** Milliseconds before it is given up. */
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
}

export const givenUpOn = ({ target }: SshAccess): ReturnType<typeof failure> =>
  failure('sshRefused', `${formatSshTarget(target)} was given up before it had answered.`);

/** Runs a script on the far machine, to its end. A refusal is ssh's; whatever way it ends, no process of it is left. */
export const runSsh = (access: SshAccess, { script, limit, signal }: SshRun): Promise<Result<FarEnd>> =>
  new Promise((resolve) => {
    const machine = formatSshTarget(access.target);
    const givenUp = givenUpOn(access);
    if (signal?.aborted === true) return resolve(givenUp);
    // A group of its own: a jump host is reached by another ssh, which has to end with this one.
    const child = spawn('ssh', sshWords(access, 'sh'), { stdio: 'pipe', detached: true });
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      killGroup(child);
    }, limit);
    const giveUp = (): void => killGroup(child);
    signal?.addEventListener('abort', giveUp, { once: true });
    let out = '';
    let said = '';
    child.stdout
      .setEncoding('utf8')
      .on('data', (text: string) => (out = `${out}${text}`.slice(0, longestAnswer)));
    child.stderr
      .setEncoding('utf8')
      .on('data', (text: string) => (said = `${said}${text}`.slice(0, longestAnswer)));
    // It has ended, and says so itself.
    child.stdin.on('error', () => undefined);
    child.stdin.end(script);
    const settle = (result: Result<FarEnd>): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', giveUp);
      resolve(signal?.aborted === true ? givenUp : result);
    };
    child.once('error', () => settle(sshMissing));
    child.once('close', (code) => {
      const lines = said
        .split('\n')
        .map((line) => line.trimEnd())
        .filter((line) => line !== '');
      if (late) {
        const sentence = `${machine} has not answered within ${limit / 1_000} s; see in a terminal what its login waits for.`;
        return settle(failure('sshRefused', sentence, { details: { said: lines } }));
      }
      if (code === sshFailed || code === null) return settle(sshTrouble(access.target, lines));
      settle(success({ code, out, said: lines }));
    });
  });
