import type { ErrnoName } from '../../../src-main/core/errno.ts';
import { errnoOf } from '../../../src-main/core/errno.ts';
import { done, success, type Result } from '../../../src-main/core/result.ts';
import { refused } from '../../../src-main/kernel/refusal.ts';
import type { TraceFiles } from '../../../src-main/kernel/trace/traceFiles.ts';

/** tracefs as a kernel would answer: it knows some functions, and refuses what is told to be refused. */
export class ScriptedTracefs implements TraceFiles {
  readonly root = '/tracing';
  readonly probes: string[] = [];
  readonly instances = new Set<string>();
  readonly written = new Map<string, string>();
  /** Symbols with a `.` and a module as available_filter_functions lists them. */
  readonly functions: string[] = [];
  /** Functions that are there and may not be probed. */
  readonly forbidden = new Set<string>();
  readonly refusing = new Map<string, ErrnoName>();
  /** What reading config space leaves in the trace of an instance. */
  trace = '';
  hasKprobes = true;

  async read(path: string): Promise<Result<string>> {
    if (path === 'available_filter_functions') return success(this.functions.join('\n'));
    if (path === 'kprobe_events') return success(this.probes.join(''));
    return path.endsWith('/trace') ? success(this.trace) : this.#refuse('ENOENT', path);
  }

  async write(path: string, text: string): Promise<Result<void>> {
    const why = this.refusing.get(path.replace(/^instances\/[^/]+\//, ''));
    if (why !== undefined) return this.#refuse(why, path);
    this.written.set(path, text);
    return done;
  }

  async append(path: string, text: string): Promise<Result<void>> {
    if (path !== 'kprobe_events') return this.write(path, text);
    for (const line of text.split('\n').filter((one) => one !== '')) {
      const why = this.#define(line);
      if (why !== null) return this.#refuse(why, path);
    }
    return done;
  }

  async names(path: string): Promise<readonly string[]> {
    if (path === 'instances') return [...this.instances];
    return this.hasKprobes ? ['kprobe_events', 'trace_clock'] : ['trace_clock'];
  }

  async makeFolder(path: string): Promise<Result<void>> {
    const why = this.refusing.get('instances');
    if (why !== undefined) return this.#refuse(why, path);
    this.instances.add(path.slice('instances/'.length));
    return done;
  }

  async removeFolder(path: string): Promise<Result<void>> {
    const why = this.refusing.get(path);
    if (why !== undefined) return this.#refuse(why, path);
    return this.instances.delete(path.slice('instances/'.length)) ? done : this.#refuse('ENOENT', path);
  }

  #define(line: string): ErrnoName | null {
    const [head = '', target = ''] = line.split(' ');
    if (head.startsWith('-:')) {
      const at = this.probes.findIndex((one) => one.includes(`:${head.slice(2)} `));
      if (at === -1) return 'ENOENT';
      const group = head.slice(2).split('/')[0] ?? '';
      const enabled = this.written.get(`instances/${group}/events/${group}/enable`) === '1';
      if (enabled && this.instances.has(group)) return 'EBUSY';
      this.probes.splice(at, 1);
      return null;
    }
    const why = this.refusing.get('kprobe_events');
    if (why !== undefined) return why;
    const symbol = target.split(':').at(-1) ?? '';
    if (this.forbidden.has(symbol)) return 'EINVAL';
    if (!this.functions.some((one) => one.split(' ')[0] === symbol)) return 'ENOENT';
    this.probes.push(`${line}\n`);
    return null;
  }

  #refuse(why: ErrnoName, path: string): ReturnType<typeof refused> {
    return refused(errnoOf(why).number, `The kernel refused ${path}.`);
  }
}
