import { failure, success, type Result } from '../core/result.ts';
import type { Protocol } from '../core/recovery/phase.ts';
import type { FaultWitness } from '../rigs/faultWitness.ts';
import { isKernelTracer } from '../rigs/kernelTracer.ts';
import { isPlatformRig } from '../rigs/platformRig.ts';
import { packConfig, packReading } from '../rigs/remote/packedConfig.ts';
import type { AnswerOf, CallName, InputOf } from '../rigs/remote/protocol.ts';
import type { DeviceSession, Rig } from '../rigs/rig.ts';
import type { HeldSessions } from './heldSessions.ts';

type Answers = { readonly [Name in CallName]: (input: InputOf<Name>) => Promise<AnswerOf<Name>> };

/** `undefined` does not exist in JSON. */
const asNull = (result: Result<void>): Result<null> => (result.ok ? success(null) : result);
const copied = <Item>(result: Result<readonly Item[]>): Result<Item[]> =>
  result.ok ? success([...result.value]) : result;

/** A rig that can see what faults of others come to. */
const isWitness = (rig: Rig): rig is Rig & FaultWitness => 'expectFault' in rig && 'settleFault' in rig;

const noWitness = (rig: Rig): Result<never> =>
  failure('notSupported', `${rig.info.title} cannot tell whether a fault arrived that somebody else causes.`);

const noPlatform = (rig: Rig): Result<never> =>
  failure('notSupported', `${rig.info.title} has no platform that could act on a function.`);

/** What each call does with the rig. */
export const answersOf = (rig: Rig, sessions: HeldSessions): Answers => {
  const onSession = async <Answer>(
    number: number,
    run: (session: DeviceSession) => Promise<Result<Answer>>,
  ): Promise<Result<Answer>> => {
    const found = sessions.get(number);
    return found.ok ? run(found.value) : found;
  };
  const sessionOr = <Answer>(
    number: number,
    run: (session: DeviceSession) => Promise<Answer>,
    otherwise: (error: Extract<Result<never>, { ok: false }>['error']) => Answer,
  ): Promise<Answer> => {
    const found = sessions.get(number);
    return found.ok ? run(found.value) : Promise.resolve(otherwise(found.error));
  };

  return {
    devices: async () => copied(await rig.devices()),
    injectors: async ({ address }) => copied(await rig.injectors(address)),
    faultTarget: ({ address }) => rig.faultTarget(address),
    inject: ({ request }) => rig.inject(request),
    expectFault: async ({ request }) => (isWitness(rig) ? rig.expectFault(request) : noWitness(rig)),
    settleFault: async ({ expectation }) => (isWitness(rig) ? rig.settleFault(expectation) : noWitness(rig)),
    traceKernel: async ({ wish }) =>
      isKernelTracer(rig)
        ? rig.traceKernel(wish)
        : failure('notSupported', `${rig.info.title} has no kernel that could be traced.`),
    bind: async ({ address, driver }) => asNull(await rig.bind(address, driver)),
    rescan: async () => copied(await rig.rescan()),
    platformOffers: async ({ address }) =>
      isPlatformRig(rig) ? copied(await rig.platformOffers(address)) : noPlatform(rig),
    platformAct: async ({ address, action }) =>
      isPlatformRig(rig) ? rig.platformAct(address, action) : noPlatform(rig),
    open: async ({ address }) => {
      const opened = await rig.open(address);
      if (!opened.ok) return opened;
      const { capabilities, opening, setUp } = opened.value;
      return success({
        session: sessions.add(opened.value),
        capabilities,
        opening: {
          vfio: opening.vfio === null ? null : packConfig(opening.vfio),
          hardware: opening.hardware === null ? null : packConfig(opening.hardware),
        },
        setUp,
      });
    },
    arm: ({ session: number, protocol }) =>
      onSession(number, async (session) => {
        const armed = await session.arm(protocol as Protocol);
        if (armed.ok) sessions.armed(number, protocol);
        return asNull(armed);
      }),
    disarm: ({ session: number, heard }) =>
      onSession(number, async (session) => {
        const disarmed = await session.disarm(heard);
        if (disarmed.ok) sessions.armed(number, null);
        return asNull(disarmed);
      }),
    acknowledge: ({ session, heard }) =>
      onSession(session, async (held) => asNull(await held.acknowledge(heard))),
    handDown: ({ session, order, heard }) =>
      onSession(session, async (held) => asNull(await held.handDown(order, heard))),
    takeBack: ({ session }) => onSession(session, async (held) => asNull(await held.takeBack())),
    inspect: ({ session }) => onSession(session, (held) => held.inspect()),
    quiesce: ({ session }) =>
      sessionOr(
        session,
        (held) => held.quiesce(),
        (error) => ({
          succeeded: false,
          actions: [{ action: 'touchingStopped', result: 'failed', error }],
        }),
      ),
    reset: ({ session, kind }) => onSession(session, (held) => held.reset(kind)),
    eeh: ({ session, operation }) => onSession(session, (held) => held.eeh(operation)),
    drainErrors: ({ session }) => onSession(session, async (held) => copied(await held.drainErrors())),
    readConfig: ({ session, view }) =>
      onSession(session, async (held) => {
        const read = await held.readConfig(view);
        return read.ok ? success(packConfig(read.value)) : read;
      }),
    readBothViews: ({ session }) =>
      onSession(session, async (held) => success(packReading(await held.readBothViews()))),
    writeConfig: ({ session, offset, width, value }) =>
      onSession(session, async (held) => asNull(await held.writeConfig(offset, width, value))),
    reinitialise: ({ session, readings: wanted }) =>
      sessionOr(
        session,
        async (held) => {
          const readings: AnswerOf<'reinitialise'>['readings'] = [];
          const report = await held.reinitialise(
            wanted ? (step, reading) => readings.push({ step, ...packReading(reading) }) : undefined,
          );
          return { report, readings };
        },
        (error) => ({
          report: { succeeded: false, steps: [{ step: 'open device', result: 'failed', error }] },
          readings: [],
        }),
      ),
    prove: ({ session }) =>
      sessionOr(
        session,
        (held) => held.prove(),
        ({ message }) => ({
          verdict: 'failed',
          checks: [{ check: 'registers', result: 'failed', detail: message }],
        }),
      ),
    triggerLoopback: ({ session }) =>
      onSession(session, async (held) => asNull(await held.triggerLoopback())),
    startEngine: ({ session }) => onSession(session, async (held) => asNull(await held.startEngine())),
    mapBar: ({ session, bar }) => onSession(session, async (held) => asNull(await held.mapBar(bar))),
    loadMapped: ({ session, bar, offset, width }) =>
      onSession(session, (held) => held.loadMapped(bar, offset, width)),
    close: ({ session: number }) =>
      onSession(number, async (session) => {
        const closed = await session.close();
        sessions.remove(number);
        return asNull(closed);
      }),
  };
};
