import { z } from 'zod';
import { traceState } from '../../../preload/contract/kernelTrace.ts';
import {
  eehOperation,
  eehReport,
  errorRecord,
  inspection,
  microseconds,
  proofReport,
  quiesceReport,
  reinitialiseReport,
  resetKind,
  resetReport,
  resultOf,
} from '../../../preload/contract/reports.ts';
import { packedConfig, packedReading, packedStepReadings } from './packedConfig.ts';
import {
  address,
  automaticOrder,
  deviceCapabilities,
  deviceSummary,
  farEvent,
  faultDelivery,
  faultReceipt,
  faultRequest,
  faultTarget,
  injectorOffer,
  platformAction,
  platformOffer,
  platformReport,
  protocol,
  rigInfo,
} from './shapes.ts';

/**
 * The wire between a console and an agent: JSON-RPC 2.0, one message a line. Both ends derive their types from this
 * file, and both parse every message on arrival.
 *
 * Raised with every change of what crosses the wire; ends with different numbers do not talk to each other.
 */
export const wireVersion = 9;

/**
 * How long a call may take, in milliseconds. `kernel`: the call blocks for as long as the kernel does, which during a
 * recovery is its whole wait for an ack, twice over on a bus with two waiting devices, and the reset after it.
 */
export const callLimits = { brief: 15_000, kernel: 300_000 } as const;
export type CallLimit = keyof typeof callLimits;

const number = z.int().nonnegative();
const nothing = z.strictObject({});
const session = number;
const onDevice = z.strictObject({ address });
const onSession = z.strictObject({ session });
/** The number of the last signal or answer that this end has heard of; absent when that does not matter. */
const heard = number.exactOptional();
const done = resultOf(z.null());
const bar = number.max(5);
/** Bytes. */
const accessWidth = z.union([z.literal(1), z.literal(2), z.literal(4)]);

const call = <Input extends z.ZodType, Answer extends z.ZodType>(
  limit: CallLimit,
  input: Input,
  answer: Answer,
) => ({ limit, input, answer });

/**
 * The calls, each a member of `Rig`, of `FaultWitness`, of `KernelTracer`, of `PlatformRig` or of `DeviceSession`. Each is carried out once: a call whose answer was lost with
 * the link is asked for again under its number, and answered without being done again.
 */
export const calls = {
  devices: call('brief', nothing, resultOf(z.array(deviceSummary))),
  injectors: call('brief', onDevice, resultOf(z.array(injectorOffer))),
  faultTarget: call('brief', onDevice, resultOf(faultTarget)),
  inject: call('kernel', z.strictObject({ request: faultRequest }), resultOf(faultReceipt)),
  expectFault: call('brief', z.strictObject({ request: faultRequest }), resultOf(number)),
  settleFault: call('brief', z.strictObject({ expectation: number }), resultOf(faultDelivery)),
  bind: call('kernel', z.strictObject({ address, driver: z.string().max(200).nullable() }), done),
  traceKernel: call('brief', z.strictObject({ wish: z.enum(['on', 'off', 'ask']) }), resultOf(traceState)),
  rescan: call('kernel', nothing, resultOf(z.array(address))),
  platformOffers: call('brief', onDevice, resultOf(z.array(platformOffer))),
  platformAct: call('kernel', z.strictObject({ address, action: platformAction }), resultOf(platformReport)),
  open: call(
    'kernel',
    onDevice,
    resultOf(
      z.object({
        session,
        capabilities: deviceCapabilities,
        opening: z.object({ vfio: packedConfig.nullable(), hardware: packedConfig.nullable() }),
        setUp: reinitialiseReport,
      }),
    ),
  ),
  // The far end's session refuses a protocol that it does not have, so that the refusal is the same everywhere.
  arm: call('brief', z.strictObject({ session, protocol: z.string().max(40) }), done),
  disarm: call('kernel', z.strictObject({ session, heard }), done),
  acknowledge: call('kernel', z.strictObject({ session, heard }), done),
  handDown: call('brief', z.strictObject({ session, order: automaticOrder, heard: number }), done),
  takeBack: call('brief', onSession, done),
  inspect: call('brief', onSession, resultOf(inspection)),
  quiesce: call('kernel', onSession, quiesceReport),
  reset: call('kernel', z.strictObject({ session, kind: resetKind }), resultOf(resetReport)),
  eeh: call('kernel', z.strictObject({ session, operation: eehOperation }), resultOf(eehReport)),
  drainErrors: call('brief', onSession, resultOf(z.array(errorRecord))),
  readConfig: call(
    'brief',
    z.strictObject({ session, view: z.enum(['vfio', 'hardware']) }),
    resultOf(packedConfig),
  ),
  readBothViews: call('brief', onSession, resultOf(packedReading)),
  writeConfig: call(
    'brief',
    z.strictObject({
      session,
      offset: number.max(4095),
      width: accessWidth,
      value: number.max(0xffff_ffff),
    }),
    done,
  ),
  reinitialise: call(
    'kernel',
    z.strictObject({ session, readings: z.boolean() }),
    z.object({ report: reinitialiseReport, readings: packedStepReadings }),
  ),
  prove: call('kernel', onSession, proofReport),
  triggerLoopback: call('brief', onSession, done),
  startEngine: call('brief', onSession, done),
  mapBar: call('brief', z.strictObject({ session, bar }), done),
  loadMapped: call(
    'brief',
    z.strictObject({ session, bar, offset: number.max(0xffff_ffff), width: accessWidth }),
    resultOf(number),
  ),
  close: call('kernel', onSession, done),
} as const;

export type CallName = keyof typeof calls;
export type InputOf<Name extends CallName> = z.output<(typeof calls)[Name]['input']>;
export type AnswerOf<Name extends CallName> = z.output<(typeof calls)[Name]['answer']>;

export const isCallName = (name: string): name is CallName => Object.hasOwn(calls, name);

/** Around the input of each call. `settled`: the answers up to this number have arrived and need not be kept. */
export const callEnvelope = z.strictObject({ call: number.positive(), settled: number, input: z.unknown() });

/** An event of the far rig with its number; numbers go up by one. */
export const numberedEvent = z.strictObject({ number: number.positive(), event: farEvent });
export type NumberedEvent = z.output<typeof numberedEvent>;

/** Events from a number on. `dropped` came too long ago: the far end does not have them any more. */
const missedEvents = z.object({ events: z.array(numberedEvent), dropped: number, last: number });
export type MissedEvents = z.output<typeof missedEvents>;

/** A session that the far end holds open, and what it is armed with. */
const heldSession = z.object({ session, address, armed: protocol.nullable() });
export type HeldSession = z.output<typeof heldSession>;

/** The far machine's clock. `rate`: its seconds per real one, 1 but for a simulated rig. */
const time = z.object({
  now: microseconds,
  /** Milliseconds since 1970. */
  wall: z.int(),
  rate: z.number().min(0.001).max(1_000_000),
});

/**
 * What is said besides the calls. The first message of a near end is `hello`; until then everything else is refused.
 * The version is read by itself first, so that an end of any version can say that it is another one.
 */
export const greetings = {
  hello: {
    input: z.object({
      version: number,
      bench: z.string().max(100),
      /** To go on where a lost link ended: with which agent, and after which event. */
      resume: z.object({ agent: z.string().max(100), after: number }).nullable(),
    }),
    answer: z.object({
      version: number,
      bench: z.string(),
      /** Another name is another agent: it holds nothing of what the one before held. */
      agent: z.string(),
      resumed: z.boolean(),
      info: rigInfo,
      time,
      sessions: z.array(heldSession),
      missed: missedEvents,
    }),
  },
  time: { input: nothing, answer: time },
  events: { input: z.strictObject({ after: number }), answer: missedEvents },
  /** Closes all sessions; the near end needs nothing any more. */
  bye: { input: nothing, answer: nothing },
} as const;

export type Hello = z.output<typeof greetings.hello.answer>;
export type FarTime = z.output<typeof time>;

/** What both versions of a `hello` have in common. */
export const versionOf = (message: unknown): { version: number; bench: string } | null => {
  const parsed = z.object({ version: z.number(), bench: z.string() }).safeParse(message);
  return parsed.success ? parsed.data : null;
};

/** The notification that carries an event. */
export const eventNotification = 'event';
/** The error code of a JSON-RPC answer by an agent of another version. Above the range that JSON-RPC reserves. */
export const otherVersionCode = 1;
/** A call before `hello`, or one whose answer is not there any more. */
export const outOfTurnCode = 2;
