import { done, failure, type BenchError, type Result } from '../../core/result.ts';
import type { PciAddress } from '../../core/pci/address.ts';
import type { ReinitialiseReport } from '../../core/recovery/reports.ts';
import type { AutomaticOrder, ConfigReading, DeviceCapabilities, DeviceSession, StepReader } from '../rig.ts';
import type { Calls, Outcome } from './calls.ts';
import type { CallName, InputOf } from './protocol.ts';
import { unpackConfig, unpackReading, type PackedReading } from './packedConfig.ts';
import type { RemoteClock } from './remoteClock.ts';

type SessionCall = {
  [Name in CallName]: InputOf<Name> extends { session: number } ? Name : never;
}[CallName];

export interface RemoteSessionNeeds {
  readonly calls: Calls;
  readonly clock: RemoteClock;
  readonly session: number;
  readonly address: PciAddress;
  readonly capabilities: DeviceCapabilities;
  readonly opening: DeviceSession['opening'];
  readonly setUp: ReinitialiseReport;
  readonly closed: () => void;
}

/** What a call answered whose answer is a Result, with the reason for no answer as its error. */
export const resultOfCall = <Value>(
  outcome:
    | { readonly answered: true; readonly answer: Result<Value> }
    | { readonly answered: false; readonly error: BenchError },
): Result<Value> => (outcome.answered ? outcome.answer : { ok: false, error: outcome.error });

export const doneOfCall = (outcome: Parameters<typeof resultOfCall<null>>[0]): Result<void> => {
  const result = resultOfCall(outcome);
  return result.ok ? done : result;
};

/** A session that an agent holds. It is over when it was closed here, or the far end does not have it any more. */
export class RemoteSession implements DeviceSession {
  readonly address: PciAddress;
  readonly capabilities: DeviceCapabilities;
  readonly opening: DeviceSession['opening'];
  readonly setUp: ReinitialiseReport;
  readonly #needs: RemoteSessionNeeds;
  #open = true;

  constructor(needs: RemoteSessionNeeds) {
    this.#needs = needs;
    this.address = needs.address;
    this.capabilities = needs.capabilities;
    this.opening = needs.opening;
    this.setUp = needs.setUp;
  }

  /** Nothing is sent any more. */
  end(): void {
    this.#open = false;
  }

  async arm(protocol: Parameters<DeviceSession['arm']>[0]): Promise<Result<void>> {
    return doneOfCall(await this.#ask('arm', { protocol }));
  }

  async disarm(heard?: number): Promise<Result<void>> {
    return doneOfCall(await this.#ask('disarm', heard === undefined ? {} : { heard }));
  }

  async acknowledge(heard?: number): Promise<Result<void>> {
    return doneOfCall(await this.#ask('acknowledge', heard === undefined ? {} : { heard }));
  }

  async handDown(order: AutomaticOrder, heard: number): Promise<Result<void>> {
    return doneOfCall(await this.#ask('handDown', { order, heard }));
  }

  async takeBack(): Promise<Result<void>> {
    return doneOfCall(await this.#ask('takeBack', {}));
  }

  async inspect(): ReturnType<DeviceSession['inspect']> {
    return resultOfCall(await this.#ask('inspect', {}));
  }

  async quiesce(): ReturnType<DeviceSession['quiesce']> {
    const outcome = await this.#ask('quiesce', {});
    if (outcome.answered) return outcome.answer;
    const { error } = outcome;
    return { succeeded: false, actions: [{ action: 'touchingStopped', result: 'failed', error }] };
  }

  async reset(kind: Parameters<DeviceSession['reset']>[0]): ReturnType<DeviceSession['reset']> {
    return resultOfCall(await this.#ask('reset', { kind }));
  }

  async eeh(operation: Parameters<DeviceSession['eeh']>[0]): ReturnType<DeviceSession['eeh']> {
    return resultOfCall(await this.#ask('eeh', { operation }));
  }

  async drainErrors(): ReturnType<DeviceSession['drainErrors']> {
    return resultOfCall(await this.#ask('drainErrors', {}));
  }

  async readConfig(view: 'vfio' | 'hardware'): Promise<Result<Uint8Array>> {
    const read = resultOfCall(await this.#ask('readConfig', { view }));
    return read.ok ? { ok: true, value: unpackConfig(read.value) } : read;
  }

  async readBothViews(): Promise<ConfigReading> {
    const { clock } = this.#needs;
    const at = clock.now();
    const read = resultOfCall(await this.#ask('readBothViews', {}));
    return read.ok ? this.#unpack(read.value) : { at, vfio: read, hardware: read };
  }

  async writeConfig(offset: number, width: 1 | 2 | 4, value: number): Promise<Result<void>> {
    return doneOfCall(await this.#ask('writeConfig', { offset, width, value }));
  }

  /** What was read comes with the report. */
  async reinitialise(reader?: StepReader): Promise<ReinitialiseReport> {
    const outcome = await this.#ask('reinitialise', { readings: reader !== undefined });
    if (outcome.answered) {
      for (const { step, ...reading } of outcome.answer.readings) reader?.(step, this.#unpack(reading));
      return outcome.answer.report;
    }
    return {
      succeeded: false,
      steps: [{ step: 'ask the agent', result: 'failed', error: outcome.error }],
    };
  }

  async prove(): ReturnType<DeviceSession['prove']> {
    const outcome = await this.#ask('prove', {});
    if (outcome.answered) return outcome.answer;
    const detail = outcome.error.message;
    return { verdict: 'failed', checks: [{ check: 'registers', result: 'failed', detail }] };
  }

  async triggerLoopback(): Promise<Result<void>> {
    return doneOfCall(await this.#ask('triggerLoopback', {}));
  }

  async startEngine(): Promise<Result<void>> {
    return doneOfCall(await this.#ask('startEngine', {}));
  }

  async mapBar(bar: number): Promise<Result<void>> {
    return doneOfCall(await this.#ask('mapBar', { bar }));
  }

  async loadMapped(bar: number, offset: number, width: 1 | 2 | 4): Promise<Result<number>> {
    return resultOfCall(await this.#ask('loadMapped', { bar, offset, width }));
  }

  async close(): Promise<Result<void>> {
    const closing = this.#ask('close', {});
    this.#open = false;
    this.#needs.closed();
    return doneOfCall(await closing);
  }

  #unpack(reading: PackedReading): ConfigReading {
    return unpackReading(reading, (far) => this.#needs.clock.heard(far));
  }

  #ask<Name extends SessionCall>(name: Name, input: Omit<InputOf<Name>, 'session'>): Promise<Outcome<Name>> {
    const { calls, session } = this.#needs;
    if (this.#open) return calls.call(name, { ...input, session } as InputOf<Name>);
    const message = `The session of ${this.address} is closed; open the device again.`;
    return Promise.resolve({ answered: false, error: failure('sessionClosed', message).error });
  }
}
