import type { InputOf } from '../../preload/contract/commands.ts';
import type { CommandName } from '../../preload/contract/names.ts';
import { defaultPolicy } from '../../src-main/core/recovery/policy.ts';
import { decision, fatal, rng } from './desk.ts';

/** One well-formed input for each command, aimed at a rig that exists and a device that is there. */
export const validInputs = (rig: string): { readonly [Name in CommandName]: InputOf<Name> } => {
  const device = rng;
  const onDevice = { rig, device };
  const confirmed = { ...onDevice, token: 'x'.repeat(24) };
  return {
    snapshot: {},
    lines: { rig, before: 10, count: 10 },
    rigOffers: {},
    confirmRig: { commandLine: 'ssh lab rbench-agent' },
    addRig: { kind: 'simulated', profile: 'notify-7.2', topology: 'single', seed: 1, ackTimeout: null },
    answerOpening: { rig, question: 'Copy it there?', agreed: true },
    cancelOpening: { rig },
    restartRig: { rig },
    removeRig: { rig },
    arm: { ...onDevice, protocol: 'notify', policy: defaultPolicy },
    disarm: onDevice,
    closeDevice: onDevice,
    bind: { ...confirmed, driver: null },
    rescan: { rig },
    setPolicy: { ...onDevice, policy: defaultPolicy },
    injectors: onDevice,
    quiesce: onDevice,
    reinitialise: onDevice,
    prove: onDevice,
    readConfig: { ...onDevice, view: 'vfio' },
    confirmation: { ...onDevice, action: 'inject' },
    inject: { ...confirmed, injector: 'simulated', fault: fatal },
    acknowledge: { ...confirmed, ...decision },
    withdraw: { ...confirmed, ...decision },
    reset: { ...confirmed, ...decision, kind: 'device' },
    planMarking: onDevice,
    mark: { ...confirmed, ...decision },
    unmark: onDevice,
    whatIf: { ...onDevice, recovery: null },
    platformOffers: onDevice,
    platformAct: { ...confirmed, ...decision, action: 'recover' },
    scenarios: {},
    scenario: { name: 'notify-fatal-acknowledged' },
    startScenario: { name: 'notify-fatal-acknowledged', profile: null },
    stepScenario: { rig },
    stopScenario: { rig },
    runs: {},
    openRun: { run: '2026-11-21T02-31-07Z-5f0a' },
    runLines: { run: '2026-11-21T02-31-07Z-5f0a', from: 0, count: 10 },
    runMoment: { run: '2026-11-21T02-31-07Z-5f0a', at: 0, device: rng },
    exportRun: { run: '2026-11-21T02-31-07Z-5f0a', format: 'jsonl' },
    watchKernel: { watched: true },
    explain: { text: 'EAGAIN' },
    takeOperator: {},
    offerOperator: { viewer: 'Grace' },
    answerOffer: { grant: true },
  };
};
