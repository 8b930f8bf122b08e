import { z } from 'zod';
import { parsePciAddress } from '../../src-main/core/pci/address.ts';
import { injectorNames } from '../../src-main/core/faults/fault.ts';
import { protocols } from '../../src-main/core/recovery/phase.ts';
import { decisions, timeoutActions } from '../../src-main/core/recovery/policy.ts';
import {
  resetKinds,
  type ProofReport,
  type QuiesceReport,
  type ReinitialiseReport,
  type ResetReport,
} from '../../src-main/core/recovery/reports.ts';
import type { FaultReceipt } from '../../src-main/core/faults/fault.ts';
import type { MarkingPlan } from '../../src-main/core/restore/marking.ts';
import type { WhatIfAnswer } from '../../src-main/core/restore/whatIf.ts';
import type { PlatformOffer } from '../../src-main/core/faults/platformPreflight.ts';
import { platformActions, type PlatformReport } from '../../src-main/core/zpci/platformActions.ts';
import type { CommandName } from './names.ts';
import {
  confirmedActions,
  guestMachines,
  type ConfigView,
  type ConfirmationView,
  type ConsoleSnapshot,
  type Explanation,
  type ExportedRun,
  type InjectorOffer,
  type JournalLine,
  type OpenedRun,
  type RigConfirmation,
  type RigOffers,
  type RunMoment,
  type RunView,
  type ScenarioCatalogue,
  type ScenarioSummary,
} from './views.ts';

/** `viewer`: everybody may look. `operator`: only who drives may act. */
export type Role = 'viewer' | 'operator';

interface CommandDescription<Input extends z.ZodType, Output> {
  readonly input: Input;
  readonly role: Role;
  /** Only a type: what comes from the main process is not checked again. */
  readonly output?: Output;
}

const answers =
  <Output>() =>
  <Input extends z.ZodType>(role: Role, input: Input): CommandDescription<Input, Output> => ({
    input,
    role,
  });

const address = z
  .string()
  .max(32)
  .transform((text, context) => {
    const parsed = parsePciAddress(text);
    if (parsed.ok) return parsed.value;
    context.addIssue({ code: 'custom', message: parsed.error.message });
    return z.NEVER;
  });

const rig = z.string().min(1).max(64);
const onDevice = { rig, device: address };
const name = z.string().min(1).max(200);
const token = z.string().min(1).max(64);
const words = z.string().trim().min(1).max(2_000);
const count = z.int().min(1).max(10_000);
const run = z.string().min(1).max(100);

const policy = z.strictObject({
  decision: z.enum(decisions),
  onTimeout: z.enum(timeoutActions),
  afterReset: z.enum(['reinitialise', 'wait']),
  patience: z.int().min(1).max(86_400_000_000),
});

const fault = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('aer'),
    error: z.string().min(1).max(40),
    severity: z.enum(['correctable', 'nonFatal', 'fatal']).nullable(),
  }),
  z.strictObject({
    kind: z.literal('zpciDma'),
    where: z.enum(['unmapped', 'belowAperture', 'aboveAperture']),
  }),
  z.strictObject({ kind: z.literal('eehFreeze') }),
  z.strictObject({ kind: z.literal('loopback') }),
  z.strictObject({ kind: z.literal('unplug') }),
]);

/** `previous`: the one that it was on before the bench changed it; null leaves the device without a driver. */
const boundDriver = z.enum(['vfio-pci', 'vfio-pci-notify', 'previous']).nullable();

/** No control characters: what is shown and confirmed is what runs. */
const commandLine = z
  .string()
  .trim()
  .min(1)
  .max(2_000)
  .regex(/^\P{Cc}*$/u, 'is one line');

const rigWish = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('simulated'),
    profile: name,
    topology: name,
    seed: z.int().min(0).max(0xffff_ffff),
    ackTimeout: z.int().min(100_000).max(600_000_000).nullable(),
  }),
  z.strictObject({
    kind: z.literal('virtual'),
    machine: z.enum(guestMachines),
    kernel: name,
    topology: name,
    driver: z.enum(['vfio-pci', 'vfio-pci-notify']),
    // Of the driver's module, such as ack_timeout_ms; which ones there are is for the module to say.
    moduleParameters: z.record(
      z.string().regex(/^[a-z][a-z0-9_]{0,40}$/),
      z.string().regex(/^[A-Za-z0-9._+-]{1,40}$/),
    ),
  }),
  z.strictObject({ kind: z.literal('local') }),
  z.strictObject({ kind: z.literal('remote'), commandLine, token }),
  // user@host:port; what is none is refused by `core/ssh`.
  z.strictObject({ kind: z.literal('ssh'), target: z.string().trim().min(1).max(400) }),
]);

const decision = { ...onDevice, token, operator: words, reason: words };

/**
 * The commands; their time-outs are in `timeouts.ts`. Whatever the page sends is parsed by `input` in the main process
 * before anything is done; every answer is a Result, and nothing is thrown across the boundary.
 */
export const commands = {
  snapshot: answers<ConsoleSnapshot>()('viewer', z.strictObject({})),
  lines: answers<readonly JournalLine[]>()('viewer', z.strictObject({ rig, before: z.int().min(1), count })),
  rigOffers: answers<RigOffers>()('viewer', z.strictObject({})),
  // A command line starts a program on the bench's machine: only the operator has it confirmed, and only as typed.
  confirmRig: answers<RigConfirmation>()('operator', z.strictObject({ commandLine })),
  // Answers the id that the rig has, or is going to have when it is open.
  addRig: answers<string>()('operator', rigWish),
  // Yes or no to the question that an opening waits with. `question` is what was read: the answer is for no other one.
  answerOpening: answers<void>()(
    'operator',
    z.strictObject({ rig, question: z.string().min(1).max(4_000), agreed: z.boolean() }),
  ),
  // One that is under way ends; one that failed is not shown any more.
  cancelOpening: answers<void>()('operator', z.strictObject({ rig })),
  // Ends what is left of the rig or the failed opening, and opens the same again under a new id, which it answers.
  restartRig: answers<string>()('operator', z.strictObject({ rig })),
  removeRig: answers<void>()('operator', z.strictObject({ rig })),
  arm: answers<void>()('operator', z.strictObject({ ...onDevice, protocol: z.enum(protocols), policy })),
  disarm: answers<void>()('operator', z.strictObject(onDevice)),
  closeDevice: answers<void>()('operator', z.strictObject(onDevice)),
  bind: answers<void>()('operator', z.strictObject({ ...onDevice, token, driver: boundDriver })),
  rescan: answers<readonly string[]>()('operator', z.strictObject({ rig })),
  setPolicy: answers<void>()('operator', z.strictObject({ ...onDevice, policy })),
  injectors: answers<readonly InjectorOffer[]>()('viewer', z.strictObject(onDevice)),
  quiesce: answers<QuiesceReport>()('operator', z.strictObject(onDevice)),
  reinitialise: answers<ReinitialiseReport | null>()('operator', z.strictObject(onDevice)),
  prove: answers<ProofReport>()('operator', z.strictObject(onDevice)),
  readConfig: answers<ConfigView>()(
    'viewer',
    z.strictObject({ ...onDevice, view: z.enum(['vfio', 'hardware']) }),
  ),
  confirmation: answers<ConfirmationView>()(
    'operator',
    z.strictObject({
      ...onDevice,
      action: z.enum(confirmedActions),
      // What exactly is going to be asked for; the refusal and the consequence are then about that.
      fault: fault.optional(),
      kind: z.enum(resetKinds).optional(),
      driver: boundDriver.optional(),
      platform: z.enum(platformActions).optional(),
    }),
  ),
  inject: answers<FaultReceipt>()(
    'operator',
    z.strictObject({ ...onDevice, token, injector: z.enum(injectorNames), fault }),
  ),
  acknowledge: answers<void>()('operator', z.strictObject(decision)),
  withdraw: answers<void>()('operator', z.strictObject(decision)),
  reset: answers<ResetReport | null>()('operator', z.strictObject({ ...decision, kind: z.enum(resetKinds) })),
  planMarking: answers<MarkingPlan>()('viewer', z.strictObject(onDevice)),
  mark: answers<void>()('operator', z.strictObject(decision)),
  // `atTheEnd`: a recovery is open, and no more marks are written in it.
  unmark: answers<'putBack' | 'atTheEnd'>()('operator', z.strictObject(onDevice)),
  // `recovery`: the number of the line that it begins with; null for a recovery as the bench does it.
  whatIf: answers<WhatIfAnswer>()(
    'viewer',
    z.strictObject({ ...onDevice, recovery: z.int().min(1).nullable() }),
  ),
  platformOffers: answers<readonly PlatformOffer[]>()('viewer', z.strictObject(onDevice)),
  platformAct: answers<PlatformReport>()(
    'operator',
    z.strictObject({ ...decision, action: z.enum(platformActions) }),
  ),
  scenarios: answers<ScenarioCatalogue>()('viewer', z.strictObject({})),
  scenario: answers<ScenarioSummary>()('viewer', z.strictObject({ name })),
  startScenario: answers<string>()('operator', z.strictObject({ name, profile: name.nullable() })),
  stepScenario: answers<void>()('operator', z.strictObject({ rig })),
  stopScenario: answers<void>()('operator', z.strictObject({ rig })),
  runs: answers<readonly RunView[]>()('viewer', z.strictObject({})),
  openRun: answers<OpenedRun>()('viewer', z.strictObject({ run })),
  runLines: answers<readonly JournalLine[]>()('viewer', z.strictObject({ run, from: z.int().min(0), count })),
  runMoment: answers<RunMoment>()(
    'viewer',
    z.strictObject({ run, at: z.int().min(0), device: z.string().min(1).max(64).nullable() }),
  ),
  exportRun: answers<ExportedRun>()('viewer', z.strictObject({ run, format: z.enum(['jsonl', 'html']) })),
  // Of all rigs that have a real kernel, also of those that are opened later.
  watchKernel: answers<void>()('operator', z.strictObject({ watched: z.boolean() })),
  explain: answers<readonly Explanation[]>()('viewer', z.strictObject({ text: words })),
  takeOperator: answers<void>()('viewer', z.strictObject({})),
  offerOperator: answers<void>()('operator', z.strictObject({ viewer: name })),
  answerOffer: answers<void>()('operator', z.strictObject({ grant: z.boolean() })),
} satisfies Record<CommandName, CommandDescription<z.ZodType, unknown>>;

export type Commands = typeof commands;
/** What the page sends. */
export type InputOf<Name extends CommandName> = z.input<Commands[Name]['input']>;
/** What the main process gets after parsing. */
export type ParsedOf<Name extends CommandName> = z.output<Commands[Name]['input']>;
export type OutputOf<Name extends CommandName> =
  Exclude<Commands[Name]['output'], undefined> extends never
    ? void
    : Exclude<Commands[Name]['output'], undefined>;
