import type { TraceState } from '../../core/kernelTrace/told.ts';
import type { PciAddress } from '../../core/pci/address.ts';
import type { Result } from '../../core/result.ts';
import type { PciFunction } from '../../kernel/sysfs/pciFunction.ts';
import type { KernelTrace, KernelTraceEvent } from '../../kernel/trace/kernelTrace.ts';
import type { RigEvent } from '../rig.ts';

export interface RigTraceParts {
  readonly open: (listener: (event: KernelTraceEvent) => void) => Promise<Result<KernelTrace>>;
  readonly now: () => number;
  readonly emit: (event: RigEvent) => void;
}

const busOf = (address: PciAddress): string => address.slice(0, address.lastIndexOf(':'));

/**
 * The trace of one rig. It begins with the first device that is opened, so that the save of its opening is seen too, and
 * costs nothing before. What the kernel does with devices that nobody has opened here is not told.
 */
export class RigTrace {
  readonly #parts: RigTraceParts;
  readonly #ports = new Set<PciAddress>();
  /** Functions on one bus are reset together, and each of their drivers is asked. */
  readonly #buses = new Set<string>();
  #opened: Promise<Result<KernelTrace>> | null = null;
  #wanted = true;

  constructor(parts: RigTraceParts) {
    this.#parts = parts;
  }

  /** Calls for this function and the ports above it are told from here on, also after it is closed. */
  concerns({ address, ports }: PciFunction): void {
    this.#buses.add(busOf(address));
    for (const port of ports) this.#ports.add(port);
  }

  /** Once; where the kernel does not permit it, that is told, and tried again only when somebody wishes it. */
  async begin(): Promise<void> {
    if (!this.#wanted || this.#opened !== null) {
      await this.#opened;
      return;
    }
    const opening = this.#parts.open((event) => this.#hear(event));
    this.#opened = opening;
    await opening;
    this.#tellState(await this.#state());
  }

  async wish(wish: 'on' | 'off' | 'ask'): Promise<TraceState> {
    if (wish === 'off') {
      this.#wanted = false;
      if (await this.#end()) this.#tellState(await this.#state());
    }
    if (wish === 'on') {
      this.#wanted = true;
      const opened = await this.#opened;
      if (opened?.ok === false) this.#opened = null;
      await this.begin();
    }
    return this.#state();
  }

  async close(): Promise<void> {
    this.#wanted = false;
    await this.#end();
  }

  /** Whether there was one. */
  async #end(): Promise<boolean> {
    const opening = this.#opened;
    this.#opened = null;
    const opened = await opening;
    if (opened?.ok === true) await opened.value.close();
    return opened?.ok === true;
  }

  async #state(): Promise<TraceState> {
    const opened = await this.#opened;
    if (opened === null) return { kind: 'off', error: null };
    return opened.ok ? opened.value.state : { kind: 'off', error: opened.error };
  }

  #tellState(state: TraceState): void {
    this.#parts.emit({
      kind: 'kernelTrace',
      at: this.#parts.now(),
      address: null,
      told: { kind: 'state', state },
    });
  }

  #hear(event: KernelTraceEvent): void {
    const { address } = event;
    if (address !== null && !this.#ports.has(address) && !this.#buses.has(busOf(address))) return;
    this.#parts.emit({ kind: 'kernelTrace', ...event });
  }
}
