import { missingCase } from '../core/exhaustive.ts';
import type { Fault, InjectorName } from '../core/faults/fault.ts';
import type { PciAddress } from '../core/pci/address.ts';
import { seconds, type Outcome, type Phase } from '../core/recovery/phase.ts';
import { done, failure, success, type BenchError, type Result } from '../core/result.ts';
import { Coordinator } from '../coordinator/coordinator.ts';
import type { Recorder } from '../coordinator/recorder.ts';
import type { Disposer, Rig } from '../rigs/rig.ts';
import { deviceOf, refusalOf } from './aim.ts';
import { chooseInjector } from './chooseInjector.ts';
import { Judge } from './expectations.ts';
import { History } from './history.ts';
import type { Scenario } from './load.ts';
import { findRegister } from './registerPath.ts';
import type { FaultStep, Step, StepOf } from './schema.ts';
import type { RigTricks } from './tricks.ts';

export interface StepReport {
  /** From 1. */
  readonly number: number;
  readonly text: string;
  readonly result: 'passed' | 'failed';
  readonly detail?: string;
  /** What the bench or the rig answered, where the step failed on that. */
  readonly error?: BenchError;
}

export interface DeviceResult {
  readonly outcome: Outcome | null;
  /** The phases in order. */
  readonly trace: readonly Phase[];
}

export interface ScenarioResult extends DeviceResult {
  readonly passed: boolean;
  readonly failedStep: StepReport | null;
  readonly devices: Readonly<Record<string, DeviceResult>>;
}

/** Longer than the longest wait of a kernel (60 s) and a policy's reaction to it. */
const longestStep = seconds(300);

const faultOf = (step: FaultStep): Fault => {
  switch (step.kind) {
    case 'error':
      return { kind: 'aer', error: step.value.error, severity: step.value.severity };
    case 'zpciDma':
      return { kind: 'zpciDma', where: step.value.zpciDma };
    case 'eeh':
      return { kind: 'eehFreeze' };
    case 'loopback':
      return { kind: 'loopback' };
    case 'unplug':
      return { kind: 'unplug' };
    default:
      return missingCase(step);
  }
};

/** Plays one scenario on one rig, a step at a time: the console's buttons and the command line both drive this. */
export class ScenarioPlayer {
  readonly scenario: Scenario;
  readonly coordinator: Coordinator;
  readonly #recorder: Recorder;
  readonly #tricks: RigTricks;
  readonly #history = new History();
  readonly #armedConfig = new Map<string, Uint8Array>();
  readonly #judge: Judge;
  readonly #unwatch: Disposer;
  #next = 0;
  #failed: StepReport | null = null;

  constructor(scenario: Scenario, rig: Rig, recorder: Recorder, tricks: RigTricks) {
    this.scenario = scenario;
    this.coordinator = new Coordinator(rig, recorder);
    this.#recorder = recorder;
    this.#tricks = tricks;
    const { coordinator } = this;
    this.#judge = new Judge({
      coordinator,
      recorder,
      history: this.#history,
      armedConfig: this.#armedConfig,
    });
    this.#unwatch = recorder.watch((line) => this.#history.add(line));
  }

  /** Whether there is another step to play: none after a failure. */
  get ended(): boolean {
    return this.#failed !== null || this.#next >= this.scenario.steps.length;
  }

  /** Plays the next step and says how it went. */
  async step(): Promise<StepReport> {
    const number = this.#next + 1;
    const step = this.scenario.steps[this.#next];
    const text = this.scenario.lines[this.#next] ?? '';
    if (step === undefined) throw new RangeError('The scenario has no further step.');
    this.#next = number;
    this.#recorder.record({ type: 'scenario', step: number, text, result: 'started' });
    const report = await this.#play(step, number, text);
    if (report.result === 'failed') this.#failed = report;
    const { result, detail } = report;
    const recorded = this.#recorder.record({
      type: 'scenario',
      step: number,
      text,
      result,
      ...(detail === undefined ? {} : { detail }),
    });
    if (recorded.ok || report.result === 'failed') return report;
    this.#failed = { number, text, result: 'failed', detail: recorded.error.message, error: recorded.error };
    return this.#failed;
  }

  /** Plays what is left. */
  async play(): Promise<ScenarioResult> {
    while (!this.ended) await this.step();
    return this.result();
  }

  result(): ScenarioResult {
    const of = (address: string): DeviceResult => {
      const { outcomes, trace } = this.#history.device(address as PciAddress);
      return { outcome: outcomes.at(-1) ?? null, trace: [...trace] };
    };
    return {
      passed: this.#failed === null && this.#next >= this.scenario.steps.length,
      failedStep: this.#failed,
      ...of(this.scenario.device),
      devices: Object.fromEntries(this.#history.addresses().map((address) => [address, of(address)])),
    };
  }

  dispose(): void {
    this.#unwatch();
    this.coordinator.dispose();
  }

  async #play(step: Step, number: number, text: string): Promise<StepReport> {
    if (step.kind === 'expect') {
      const finding = await this.#judge.check(step.value, this.scenario.device);
      return finding === null
        ? { number, text, result: 'passed' }
        : { number, text, result: 'failed', detail: `expected ${text.replace(/^expect: /, '')}; ${finding}` };
    }
    const expectedRefusal = refusalOf(step);
    const result = await this.#answer(step);
    if (expectedRefusal !== null) {
      if (!result.ok && result.error.code === expectedRefusal) {
        return { number, text, result: 'passed', detail: result.error.message };
      }
      const seen = result.ok ? 'it was done' : `${result.error.code}: ${result.error.message}`;
      return { number, text, result: 'failed', detail: `expected the refusal ${expectedRefusal}; ${seen}` };
    }
    return result.ok
      ? { number, text, result: 'passed' }
      : { number, text, result: 'failed', detail: result.error.message, error: result.error };
  }

  /** What blocks for good in the kernel must not block the scenario, nor stop a clock that nobody else advances. */
  #answer(step: Exclude<Step, { kind: 'expect' }>): Promise<Result<unknown>> {
    // How long a "wait" takes is its own business.
    if (step.kind === 'wait') return this.#act(step);
    const { clock } = this.coordinator.rig;
    return new Promise((resolve, reject) => {
      const giveUp = clock.at(clock.now() + longestStep, () => {
        const message = `"${step.kind}" has no answer after ${longestStep / seconds(1)} s on the rig's clock.`;
        resolve(failure('busy', `${message} The kernel may be waiting for the device to be closed.`));
      });
      this.#act(step).finally(giveUp).then(resolve, reject);
    });
  }

  async #act(step: Exclude<Step, { kind: 'expect' }>): Promise<Result<unknown>> {
    const { coordinator } = this;
    const { rig } = coordinator;
    const address = deviceOf(step) ?? this.scenario.device;
    switch (step.kind) {
      case 'arm':
        return this.#arm(address, step.value);
      case 'inject': {
        const fault = faultOf(step.value);
        const injector =
          fault.kind === 'loopback'
            ? success<InjectorName>('loopback')
            : await chooseInjector(rig, address, fault);
        return injector.ok ? coordinator.inject(address, fault, injector.value) : injector;
      }
      case 'ack':
        return coordinator.acknowledge(address, step.value);
      case 'withdraw':
        return coordinator.withdraw(address, step.value);
      case 'reset':
        return coordinator.reset(address, step.value.kind, step.value);
      case 'quiesce':
        return coordinator.quiesce(address);
      case 'reinitialise':
        return coordinator.reinitialise(address);
      case 'prove':
        return coordinator.prove(address);
      case 'disarm':
        return coordinator.disarm(address);
      case 'open':
        return coordinator.open(address);
      case 'close':
        return coordinator.close(address);
      case 'rescan':
        return rig.rescan();
      case 'bind':
        return rig.bind(address, step.value.driver);
      case 'wait':
        await new Promise<void>((resolve) => rig.clock.at(rig.clock.now() + step.value, resolve));
        return done;
      case 'writeRegister':
        return this.#writeRegister(address, step.value);
      case 'enableTph':
        return this.#tricks.enableTph(address, step.value.control);
      case 'startEngine':
        return coordinator.touch(address, { operation: 'startEngine' });
      case 'mapBar':
        return coordinator.touch(address, { operation: 'mapBar', bar: step.value.bar });
      case 'look':
        return coordinator.look(address);
      case 'strayTrigger': {
        const session = coordinator.session(address);
        return (
          session?.triggerLoopback() ?? failure('sessionClosed', `${address} is not open; arm it first.`)
        );
      }
      case 'slowReader':
        return this.#tricks.slowReader(address, step.value.takes);
      default:
        return missingCase(step);
    }
  }

  /** Through VFIO's config region, as a user-space driver would. */
  async #writeRegister(
    address: PciAddress,
    { register: path, value }: StepOf<'writeRegister'>['value'],
  ): Promise<Result<void>> {
    const session = this.coordinator.session(address);
    if (session === null) return failure('sessionClosed', `${address} is not open; arm it first.`);
    const config = await session.readConfig('vfio');
    if (!config.ok) return config;
    const register = findRegister(config.value, path);
    return register === null
      ? failure('malformedInput', `${address} has no register "${path}".`)
      : this.coordinator.touch(address, {
          operation: 'writeRegister',
          offset: register.offset,
          width: register.width,
          value,
        });
  }

  async #arm(address: PciAddress, value: Extract<Step, { kind: 'arm' }>['value']): Promise<Result<void>> {
    const { protocol, policy, onTimeout, afterReset, patience } = value;
    const armed = await this.coordinator.arm(address, protocol, {
      decision: policy,
      onTimeout,
      afterReset,
      patience,
    });
    const session = this.coordinator.session(address);
    if (armed.ok && session !== null) {
      for (const view of ['vfio', 'hardware'] as const) {
        const config = await session.readConfig(view);
        if (config.ok) this.#armedConfig.set(`${address} ${view}`, config.value);
      }
    }
    return armed;
  }
}
