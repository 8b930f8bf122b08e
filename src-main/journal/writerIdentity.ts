import { readFileSync } from 'node:fs';
import type { WriterIdentity } from '../core/journal/line.ts';

/**
 * A boot and the moment in it when the process was started (proc(5): field 22 of /proc/pid/stat, counted after the
 * last parenthesis because the command name may hold blanks). Null where there is no /proc.
 */
const startOf = (pid: number): string | null => {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return ticks === undefined ? null : `${boot}/${ticks}`;
  } catch {
    return null;
  }
};

export const thisProcess = (): WriterIdentity => ({ pid: process.pid, started: startOf(process.pid) });

/** Signal 0 only asks. EPERM means that the process is there, but another user's. */
const exists = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return thrown instanceof Error && 'code' in thrown && thrown.code === 'EPERM';
  }
};

/**
 * Whether the process that began a journal is still there. Exact where /proc says when a process was started;
 * elsewhere a later process with the same pid is taken for it, which only puts a repair off.
 */
export const isAlive = (writer: WriterIdentity): boolean =>
  exists(writer.pid) && (writer.started === null || startOf(writer.pid) === writer.started);
