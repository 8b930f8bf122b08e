import { z } from 'zod';
import { errorCodes } from '../core/result.ts';
import { outcomes, phases, protocols } from '../core/recovery/phase.ts';
import { decisions, defaultPolicy, timeoutActions } from '../core/recovery/policy.ts';
import { reasons, type Reason } from '../core/recovery/reasons.ts';
import { resetKinds } from '../core/recovery/reports.ts';
import { auditHazardKinds } from '../core/restore/hazardWords.ts';
import { parsePciAddress } from '../core/pci/address.ts';
import { findAerError } from '../core/pci/aer.ts';
import { profileNames } from '../rigs/simulated/kernel/profile.ts';
import { topologies, type TopologyName } from '../rigs/simulated/hardware/topologies.ts';
import { chosenByKey, type Chosen } from './chosenByKey.ts';
import { parseDuration } from './duration.ts';

const duration = z.string().transform((text, context) => {
  const value = parseDuration(text);
  if (value !== null) return value;
  context.addIssue({ code: 'custom', message: `"${text}" is no duration; write 200ms, 5s or 2m` });
  return z.NEVER;
});

const address = z.string().transform((text, context) => {
  const parsed = parsePciAddress(text);
  if (parsed.ok) return parsed.value;
  context.addIssue({ code: 'custom', message: parsed.error.message });
  return z.NEVER;
});

const aerName = z.string().refine((name) => findAerError(name) !== undefined, {
  message: 'no AER error has this name; names are those of QEMU, such as MALF_TLP or COMP_TIME',
});

/** Every action can be aimed at another device, and can be expected to be refused with a code. */
const aim = { device: address.optional(), refused: z.enum(errorCodes).optional() };
const decision = { reason: z.string().min(1), operator: z.string().min(1).default('scenario') };

const faults = {
  error: z.strictObject({
    ...aim,
    error: aerName,
    severity: z.enum(['correctable', 'nonFatal', 'fatal']).nullable().default(null),
  }),
  zpciDma: z.strictObject({ ...aim, zpciDma: z.enum(['unmapped', 'belowAperture', 'aboveAperture']) }),
  eeh: z.strictObject({ ...aim, eeh: z.literal('freeze') }),
  loopback: z.strictObject({ ...aim, loopback: z.literal(true) }),
  unplug: z.strictObject({ ...aim, unplug: z.literal(true) }),
};

const onDevice = { device: address.optional() };
const within = { ...onDevice, within: duration.default(5_000_000) };

const bar = z.number().int().min(0).max(5);
const offset = z.number().int().min(0).max(0xffff_ffff);
const width = z.union([z.literal(1), z.literal(2), z.literal(4)]).default(4);

const expectations = {
  phase: z.strictObject({ phase: z.enum(phases), ...within }),
  outcome: z.strictObject({ outcome: z.enum(outcomes), ...within }),
  reason: z.strictObject({ reason: z.enum(Object.keys(reasons) as [Reason, ...Reason[]]), ...within }),
  uevent: z.strictObject({
    uevent: z.enum(['beginRecovery', 'successfulRecovery', 'failedRecovery']),
    ...within,
  }),
  kernelLog: z.strictObject({ kernelLog: z.string().min(1), ...within }),
  /** No further signal for this long. */
  silence: z.strictObject({ silence: duration, ...onDevice }),
  /**
   * `command`, `baseAddress4` or `PCI Express/deviceControl`, as the config space decode names them; `value` is a
   * number, or how it compares with the moment of arming.
   */
  register: z.strictObject({
    register: z.string().min(1),
    view: z.enum(['vfio', 'hardware']).default('hardware'),
    value: z.union([z.number().int().nonnegative(), z.enum(['asArmed', 'notAsArmed'])]),
    ...onDevice,
  }),
  /** The last proof; `failing`: exactly which of its checks failed. */
  proof: z.strictObject({
    proof: z.enum(['proven', 'notProven', 'failed']),
    failing: z.array(z.enum(['registers', 'dma', 'msix'])).optional(),
    ...onDevice,
  }),
  /**
   * What the audit of the last recovery finds in what was recorded so far. `present`: the last reading shows it;
   * `passed`: an earlier one did; `absent`: none.
   */
  hazard: z.strictObject({
    hazard: z.enum(auditHazardKinds),
    state: z.enum(['present', 'passed', 'absent']).default('present'),
    ...within,
  }),
  /** A load from a BAR that a step has mapped. */
  mapped: z.strictObject({ mapped: bar, offset: offset.default(0), width, value: offset, ...onDevice }),
  /** How far the last fault came: to the kernel, or it was lost on its way. */
  delivery: z.strictObject({ delivery: z.enum(['reported', 'lost']), ...onDevice }),
  severity: z.strictObject({ severity: z.enum(['correctable', 'nonFatal', 'fatal']), ...onDevice }),
  /** Names of AER errors or zPCI event codes, in the order in which they were reported. */
  errors: z.strictObject({ errors: z.array(z.string()).min(1), ...onDevice }),
  spuriousSignals: z.strictObject({ spuriousSignals: z.number().int().positive(), ...within }),
};

const steps = {
  arm: z.strictObject({
    ...aim,
    protocol: z.enum(protocols),
    policy: z.enum(decisions).default('askPerson'),
    onTimeout: z.enum(timeoutActions).default('letExpire'),
    afterReset: z.enum(['reinitialise', 'wait']).default('wait'),
    patience: duration.default(defaultPolicy.patience),
  }),
  inject: chosenByKey(faults, 'whole'),
  expect: chosenByKey(expectations, 'whole'),
  ack: z.strictObject({ ...aim, ...decision }),
  withdraw: z.strictObject({ ...aim, ...decision }),
  reset: z.strictObject({ ...aim, ...decision, kind: z.enum(resetKinds).default('device') }),
  wait: duration,
  quiesce: z.strictObject(aim).nullable(),
  reinitialise: z.strictObject(aim).nullable(),
  prove: z.strictObject(aim).nullable(),
  disarm: z.strictObject(aim).nullable(),
  open: z.strictObject(aim).nullable(),
  close: z.strictObject(aim).nullable(),
  rescan: z.strictObject({}).nullable(),
  bind: z.strictObject({ ...aim, driver: z.string().min(1).nullable() }),
  writeRegister: z.strictObject({
    ...aim,
    register: z.string().min(1),
    value: z.number().int().nonnegative(),
  }),
  /** What a kernel that lets user space enable TPH would do (seed 2). */
  enableTph: z.strictObject({ ...onDevice, control: z.number().int().positive() }),
  /** Sets up the device's own engine and nothing else, as a driver does that trusts the kernel's restore. */
  startEngine: z.strictObject(aim).nullable(),
  /** Maps a BAR and leaves it mapped, as a program does that does not quiesce. */
  mapBar: z.strictObject({ ...aim, bar }),
  /** Keeps the config space as it is, for the audit. */
  look: z.strictObject(aim).nullable(),
  /** Triggers the eventfd behind the bench's back: a signal that nobody announced. */
  strayTrigger: z.strictObject(onDevice).nullable(),
  /** How long the reader of the eventfd takes (observation 8). */
  slowReader: z.strictObject({ ...onDevice, takes: duration }),
};

export type Step = Chosen<typeof steps>;
export type StepOf<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>;
export type Expectation = Chosen<typeof expectations>;
export type FaultStep = Chosen<typeof faults>;

const topologyNames = Object.keys(topologies) as [TopologyName, ...TopologyName[]];

export const scenarioSchema = z.strictObject({
  title: z.string().min(1),
  /** The mailing-list thread whose story this is. */
  seed: z.number().int().min(1).max(4),
  /** What it shows and why, for a person who plays it. */
  story: z.string().min(1),
  needs: z.strictObject({
    protocol: z.enum(protocols),
    /** The kernels on which it goes as written; the first is the one to play it on when none is named. */
    profiles: z.array(z.enum(profileNames)).min(1),
    topology: z.enum(topologyNames),
    ackTimeout: duration.optional(),
  }),
  /** What the steps are aimed at when they do not say. */
  device: address,
  steps: z.array(chosenByKey(steps, 'member')).min(1),
});

export type ScenarioDocument = z.output<typeof scenarioSchema>;
