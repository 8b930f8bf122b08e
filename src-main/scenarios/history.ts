import type { PciAddress } from '../core/pci/address.ts';
import type { RecoveryEvent } from '../core/recovery/event.ts';
import type { Outcome, Phase } from '../core/recovery/phase.ts';
import type { Reason } from '../core/recovery/reasons.ts';
import type { ProofReport } from '../core/recovery/reports.ts';
import { concerns } from '../core/restore/historyLines.ts';
import type { JournalLine } from '../core/journal/line.ts';

/** What was seen of one device, in order; steps of a scenario look for what came since the last thing they found. */
export interface DeviceHistory {
  readonly trace: Phase[];
  readonly outcomes: Outcome[];
  readonly reasons: Reason[];
  readonly uevents: string[];
  signals: number;
}

/** After these a device is not what it was when it was proven. */
const outdating: ReadonlySet<RecoveryEvent['kind']> = new Set([
  'signal',
  'resetFinished',
  'reinitialiseFinished',
  'closed',
  'deviceRemoved',
]);

/** A fold of the recorded lines: the scenario knows what the journal knows and nothing else. */
export class History {
  readonly #devices = new Map<string, DeviceHistory>();
  readonly #lines: JournalLine[] = [];
  readonly kernelLog: string[] = [];
  /** The last proof of each device, until something is done to it that the proof knows nothing of. */
  readonly proofs = new Map<string, ProofReport>();

  device(address: PciAddress): DeviceHistory {
    return this.#of(address);
  }

  addresses(): readonly string[] {
    return [...this.#devices].filter(([, history]) => history.trace.length > 0).map(([address]) => address);
  }

  get length(): number {
    return this.#lines.length;
  }

  /** All that the audit of a device is made from. */
  linesOf(address: PciAddress): readonly JournalLine[] {
    return this.#lines.filter((line) => concerns(line, address));
  }

  add(line: JournalLine): void {
    this.#lines.push(line);
    switch (line.type) {
      case 'armed':
        this.proofs.delete(line.device);
        this.#enter(line.device, 'armed');
        return;
      case 'step': {
        const history = this.#of(line.device);
        if (line.event.kind === 'signal') history.signals += line.event.count;
        history.reasons.push(line.reason);
        if (outdating.has(line.event.kind)) this.proofs.delete(line.device);
        if (line.event.kind === 'proofFinished') this.proofs.set(line.device, line.event.report);
        for (const effect of line.effects) {
          // A step that ends one recovery and opens the next passes through the outcome.
          if (effect.kind !== 'conclude') continue;
          history.outcomes.push(effect.outcome);
          this.#enter(line.device, effect.outcome);
        }
        this.#enter(line.device, line.phase);
        return;
      }
      case 'operation':
        this.proofs.delete(line.device);
        if (line.operation === 'prove' && line.result === 'done')
          this.proofs.set(line.device, (line.detail as { report: ProofReport }).report);
        return;
      case 'fault':
        this.proofs.delete(line.device);
        return;
      case 'uevent':
        this.#of(line.device).uevents.push(line.uevent);
        return;
      case 'kernelLog':
        this.kernelLog.push(line.text);
        return;
      default:
        return;
    }
  }

  #of(address: string): DeviceHistory {
    const known = this.#devices.get(address);
    if (known !== undefined) return known;
    const fresh: DeviceHistory = { trace: [], outcomes: [], reasons: [], uevents: [], signals: 0 };
    this.#devices.set(address, fresh);
    return fresh;
  }

  #enter(address: string, phase: Phase): void {
    const { trace } = this.#of(address);
    if (trace.at(-1) !== phase) trace.push(phase);
  }
}
