import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { commands } from '../../preload/contract/commands.ts';
import { commandNames, type CommandName } from '../../preload/contract/names.ts';
import { errorCodes } from '../../src-main/core/result.ts';
import { addRig, openService, rng, TestViewer } from './desk.ts';
import { malformed, withoutRefusals } from './badPayloads.ts';
import { validInputs } from './validInputs.ts';

/** Together, over all commands, more than 10^5 payloads. */
const payloadsForEach = 3_100;

const service = openService();
const operator = new TestViewer(service, { name: 'Ada', transport: 'browser' });
const onlooker = new TestViewer(service, { name: 'Grace', transport: 'browser' });
let rig = '';
beforeAll(async () => {
  rig = await addRig(operator);
  await operator.arm(rig);
  await operator.inject(rig);
  await operator.phase(rig, 'awaitingAck');
  // The list of devices is looked at again after the error; that is not what is tested here.
  await operator.until('devices', (delta) => delta.kind === 'devices');
});

/** Everything a viewer can see, without the clock and the refusals. */
const digest = async (): Promise<unknown> => withoutRefusals(await operator.snapshot());

/** Runs this and makes sure that nothing has changed by it, and nothing was recorded but refusals. */
const changesNothing = async (run: () => Promise<void>): Promise<void> => {
  const before = await digest();
  await run();
  expect(await digest()).toEqual(before);
};

const refused = async (name: CommandName, input: unknown, viewer = operator): Promise<string> => {
  const result = await viewer.connection.execute(name, input);
  if (result.ok) throw new Error(`${name} was carried out with ${fc.stringify(input)}`);
  expect(errorCodes).toContain(result.error.code);
  expect(result.error.message.length).toBeGreaterThan(0);
  expect(result.error.message.length).toBeLessThan(1_000);
  return result.error.code;
};

describe('bad input', () => {
  it.each(commandNames)('%s refuses what is malformed with a code, and nothing changes', async (name) => {
    const payload = malformed(name, validInputs(rig)[name]);
    await changesNothing(() =>
      fc.assert(
        fc.asyncProperty(payload, async (input) => {
          expect(await refused(name, input)).toBe('malformedInput');
        }),
        { numRuns: payloadsForEach },
      ),
    );
  });

  it('refuses rigs, devices, runs and scenarios that do not exist', async () => {
    const strange = fc
      .string({ minLength: 1, maxLength: 60 })
      .filter((text) => text.trim() !== '' && text !== rig);
    const hex = (digits: number) =>
      fc.integer({ min: 0, max: 16 ** digits - 1 }).map((value) => value.toString(16).padStart(digits, '0'));
    const address = fc
      .tuple(hex(4), hex(2), fc.integer({ min: 0x10, max: 0x1f }), fc.integer({ min: 0, max: 7 }))
      .map(([domain, bus, device, fn]) => `${domain}:${bus}:${device.toString(16)}.${fn}`);
    const onRig = commandNames.filter((name) => 'rig' in validInputs(rig)[name]);
    const onDevice = onRig.filter((name) => 'device' in validInputs(rig)[name]);
    await changesNothing(async () => {
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...onRig), strange, async (name, other) => {
          expect(await refused(name, { ...validInputs(rig)[name], rig: other })).toBe('unknownRig');
        }),
        { numRuns: 1_000 },
      );
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...onDevice), address, async (name, device) => {
          expect(await refused(name, { ...validInputs(rig)[name], device })).toBe('unknownAddress');
        }),
        { numRuns: 1_000 },
      );
      await fc.assert(
        fc.asyncProperty(strange, async (text) => {
          for (const name of ['openRun', 'runLines', 'runMoment', 'exportRun'] as const) {
            expect(await refused(name, { ...validInputs(rig)[name], run: text })).toBe('unknownRun');
          }
          for (const name of ['scenario', 'startScenario'] as const) {
            expect(await refused(name, { ...validInputs(rig)[name], name: text })).toBe('unknownScenario');
          }
          expect(await refused('offerOperator', { viewer: `${text}, not here` })).toBe('malformedInput');
          expect(await refused('addRig', { ...validInputs(rig).addRig, topology: `${text}?` })).toBe(
            'malformedInput',
          );
          expect(await refused('addRig', { ...validInputs(rig).addRig, profile: `${text}?` })).toBe(
            'unknownRig',
          );
        }),
        { numRuns: 500 },
      );
    });
  });

  it('never takes a name for a path', async () => {
    await changesNothing(async () => {
      for (const name of [
        '../package',
        '/etc/passwd',
        'x/../notify-fatal-acknowledged',
        'notify-fatal-acknowledged.yaml',
      ]) {
        expect(await refused('scenario', { name })).toBe('unknownScenario');
        expect(await refused('startScenario', { name, profile: null })).toBe('unknownScenario');
        expect(await refused('exportRun', { run: name, format: 'jsonl' })).toBe('unknownRun');
      }
    });
  });

  it('answers a name that is no command, an input that cannot be read, and one that is not there', async () => {
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error('no');
        },
        ownKeys: () => {
          throw new Error('no');
        },
      },
    );
    await changesNothing(async () => {
      for (const name of ['', 'constructor', 'toString', '__proto__', 'bench:arm', 7, null, undefined, {}]) {
        expect(await refused(name as CommandName, {})).toBe('malformedInput');
      }
      for (const name of commandNames) expect(await refused(name, hostile)).toBe('malformedInput');
    });
  });

  it('lets nobody act but the operator, whatever is sent', async () => {
    const acting = commandNames.filter((name) => commands[name].role === 'operator');
    expect(acting.length).toBeGreaterThan(15);
    await changesNothing(async () => {
      for (const name of acting)
        expect(await refused(name, validInputs(rig)[name], onlooker)).toBe('notOperator');
    });
  });

  it('has tried all that on a rig where the kernel still waits', async () => {
    expect(service.waits()).toMatchObject([{ rig, device: rng }]);
  });
});
