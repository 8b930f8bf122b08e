import { missingCase } from '../core/exhaustive.ts';
import type { FaultReceipt } from '../core/faults/fault.ts';
import type { PciAddress } from '../core/pci/address.ts';
import type { Microseconds } from '../core/recovery/phase.ts';
import { isConcluded, isOpen } from '../core/recovery/state.ts';
import type { AuditHazard } from '../core/restore/auditHazards.ts';
import type { Coordinator } from '../coordinator/coordinator.ts';
import type { Recorder } from '../coordinator/recorder.ts';
import { lastAuditOf } from './audit.ts';
import type { History } from './history.ts';
import { findRegister, valueIn } from './registerPath.ts';
import type { Expectation } from './schema.ts';

/** Null when it holds; otherwise what was seen instead. */
export type Finding = string | null;

export interface ExpectationNeeds {
  readonly coordinator: Coordinator;
  readonly recorder: Recorder;
  readonly history: History;
  /** The hardware's and vfio's view of each device when it was armed. */
  readonly armedConfig: ReadonlyMap<string, Uint8Array>;
}

const list = (values: readonly string[]): string => (values.length === 0 ? 'nothing' : values.join(', '));

/** Judges the expectations of a scenario against what was recorded, waiting for it on the rig's clock. */
export class Judge {
  readonly #needs: ExpectationNeeds;
  /** How far each list of a device has been looked at, so that "awaitingAck" twice means twice. */
  readonly #cursors = new Map<string, number>();

  constructor(needs: ExpectationNeeds) {
    this.#needs = needs;
  }

  async check(expectation: Expectation, fallback: PciAddress): Promise<Finding> {
    const { history } = this.#needs;
    const { kind, value } = expectation;
    const address = ('device' in value ? value.device : undefined) ?? fallback;
    const seen = history.device(address);
    switch (kind) {
      case 'phase':
        if (seen.trace.at(-1) === value.phase) return this.#pass(`${address} phase`, seen.trace.length);
        return this.#await(`${address} phase`, () => seen.trace, value.phase, value.within, 'phases');
      case 'outcome':
        return this.#await(
          `${address} outcome`,
          () => seen.outcomes,
          value.outcome,
          value.within,
          'outcomes',
        );
      case 'reason':
        return this.#await(`${address} reason`, () => seen.reasons, value.reason, value.within, 'reasons');
      case 'uevent':
        return this.#await(`${address} uevent`, () => seen.uevents, value.uevent, value.within, 'uevents');
      case 'kernelLog': {
        const cursor = `kernelLog ${value.kernelLog}`;
        const matches = (): string[] => history.kernelLog.filter((text) => text.includes(value.kernelLog));
        const found = await this.#until(value.within, () => matches().length > this.#cursor(cursor));
        return found ? this.#pass(cursor, matches().length) : `the kernel log has no "${value.kernelLog}"`;
      }
      case 'silence': {
        const before = seen.signals;
        await this.#until(value.silence, () => seen.signals > before);
        return seen.signals === before ? null : `${seen.signals - before} more signal(s) came`;
      }
      case 'register':
        return this.#register(address, value);
      case 'proof':
        return this.#proof(address, value);
      case 'hazard':
        return this.#hazard(address, value);
      case 'mapped':
        return this.#mapped(address, value);
      case 'delivery':
        return this.#compare('the last fault', this.#delivery(address), value.delivery);
      case 'severity':
        return this.#compare('the severity', this.#recovery(address)?.severity ?? 'unknown', value.severity);
      case 'errors': {
        const names = (this.#recovery(address)?.errors ?? []).map((error) =>
          error.source === 'aer' ? error.name : error.source === 'ccdf' ? error.pecName : 'eeh log',
        );
        return this.#compare('the errors', list(names), list(value.errors));
      }
      case 'spuriousSignals': {
        const count = (): number => {
          const state = this.#needs.coordinator.state(address);
          return state?.phase === 'armed' ? state.spuriousSignals : 0;
        };
        const found = await this.#until(value.within, () => count() >= value.spuriousSignals);
        return found ? null : `${count()} spurious signal(s)`;
      }
      default:
        return missingCase(expectation);
    }
  }

  #recovery(address: PciAddress) {
    const state = this.#needs.coordinator.state(address);
    return state !== null && (isOpen(state) || isConcluded(state)) ? state.recovery : null;
  }

  #proof(address: PciAddress, value: Extract<Expectation, { kind: 'proof' }>['value']): Finding {
    const report = this.#needs.history.proofs.get(address);
    if (report === undefined) return 'nothing was proven since the device was last changed';
    const failing = report.checks.filter(({ result }) => result === 'failed').map(({ check }) => check);
    const exact = value.failing === undefined || list(value.failing) === list(failing);
    return report.verdict === value.proof && exact
      ? null
      : `the proof: ${report.verdict}, failing: ${list(failing)}`;
  }

  /** The audit is made anew only when something was recorded. */
  async #hazard(
    address: PciAddress,
    { hazard, state, within }: Extract<Expectation, { kind: 'hazard' }>['value'],
  ): Promise<Finding> {
    const { history, coordinator } = this.#needs;
    let found: readonly AuditHazard[] = [];
    let known = -1;
    const holds = (): boolean => {
      if (history.length !== known) {
        found = lastAuditOf(history.linesOf(address), coordinator.rig.info)?.hazards ?? [];
      }
      known = history.length;
      return (found.find(({ kind }) => kind === hazard)?.state ?? 'absent') === state;
    };
    if (await this.#until(within, holds)) return null;
    return `the audit finds: ${list(found.map((one) => `${one.kind} (${one.state})`))}`;
  }

  async #mapped(
    address: PciAddress,
    { mapped, offset, width, value }: Extract<Expectation, { kind: 'mapped' }>['value'],
  ): Promise<Finding> {
    const session = this.#needs.coordinator.session(address);
    if (session === null) return `${address} is not open`;
    const loaded = await session.loadMapped(mapped, offset, width);
    if (!loaded.ok) return loaded.error.message;
    return loaded.value === value ? null : `it reads 0x${loaded.value.toString(16)}`;
  }

  #delivery(address: PciAddress): string {
    const lines = this.#needs.history.linesOf(address);
    const fault = lines.findLast((line) => line.type === 'fault' && line.receipt !== null);
    return fault?.type === 'fault' ? (fault.receipt as FaultReceipt).delivery.kind : 'none was caused';
  }

  #compare(what: string, actual: string, expected: string): Finding {
    return actual === expected ? null : `${what}: ${actual}`;
  }

  async #register(
    address: PciAddress,
    value: Extract<Expectation, { kind: 'register' }>['value'],
  ): Promise<Finding> {
    const session = this.#needs.coordinator.session(address);
    if (session === null) return `${address} is not open`;
    const config = await session.readConfig(value.view);
    if (!config.ok) return config.error.message;
    const armed = this.#needs.armedConfig.get(`${address} ${value.view}`);
    // Where a register lies is asked of the space as it was armed: after a reset the list may be all that is left.
    const register = findRegister(armed ?? config.value, value.register);
    if (register === null) return `${address} has no register "${value.register}"`;
    const actual = valueIn(config.value, register);
    const before = armed === undefined ? null : valueIn(armed, register);
    const hex = `0x${actual.toString(16)}`;
    switch (value.value) {
      case 'asArmed':
        return actual === before
          ? null
          : `${value.register} is ${hex}, armed it was 0x${before?.toString(16) ?? '?'}`;
      case 'notAsArmed':
        return actual !== before ? null : `${value.register} is ${hex}, as when it was armed`;
      default:
        return actual === value.value ? null : `${value.register} is ${hex}`;
    }
  }

  #cursor(name: string): number {
    return this.#cursors.get(name) ?? 0;
  }

  #pass(name: string, position: number): null {
    this.#cursors.set(name, position);
    return null;
  }

  async #await(
    name: string,
    values: () => readonly string[],
    wanted: string,
    within: Microseconds,
    what: string,
  ): Promise<Finding> {
    const from = this.#cursor(name);
    const position = (): number => values().indexOf(wanted, from);
    const found = await this.#until(within, () => position() !== -1);
    return found ? this.#pass(name, position() + 1) : `${what} since then: ${list(values().slice(from))}`;
  }

  /** Looks again after every recorded line, until it holds or the rig's time has come. */
  #until(within: Microseconds, holds: () => boolean): Promise<boolean> {
    if (holds()) return Promise.resolve(true);
    const { recorder, coordinator } = this.#needs;
    const { clock } = coordinator.rig;
    return new Promise((resolve) => {
      const finish = (result: boolean): void => {
        stopWatching();
        stopWaiting();
        resolve(result);
      };
      const stopWatching = recorder.watch(() => {
        if (holds()) finish(true);
      });
      const stopWaiting = clock.at(clock.now() + within, () => finish(holds()));
    });
  }
}
