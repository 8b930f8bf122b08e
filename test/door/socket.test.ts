import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closeCodes } from '../../preload/contract/socket.ts';
import type { DeltaBatch } from '../../preload/contract/deltas.ts';
import { errorCodes, failure, success } from '../../src-main/core/result.ts';
import { defaultLimits } from '../../src-main/door/attendSocket.ts';
import type { ServiceConnection } from '../../src-main/service/benchService.ts';
import { addRig, openService, TestViewer } from '../service/desk.ts';
import { essence } from '../service/foldDeltas.ts';
import { openTestDoor, RawViewer } from './wire.ts';

const service = openService();
const started = await service.start();
if (!started.ok) throw new Error(started.error.message);
const local = new TestViewer(service, { name: 'Ada', transport: 'electron' });
const door = await openTestDoor({ service });
const digest = async (): Promise<string> => {
  const { rigs } = essence(await local.snapshot(), 10_000);
  return JSON.stringify(rigs);
};

/** A service that tells what it is told to, and answers when it is let. */
const scripted = () => {
  const connections: { closed: boolean; tell: (batch: DeltaBatch) => void }[] = [];
  const asked: string[] = [];
  let gate: Promise<void> = Promise.resolve();
  return {
    connections,
    asked,
    hold: (): (() => void) => {
      let release = (): void => undefined;
      gate = new Promise((resolve) => (release = resolve));
      return release;
    },
    connect: (): ServiceConnection => {
      const listeners = new Set<(batch: DeltaBatch) => void>();
      const connection = {
        closed: false,
        tell: (batch: DeltaBatch) => listeners.forEach((listener) => listener(batch)),
      };
      connections.push(connection);
      return {
        execute: async (name) => {
          asked.push(name);
          await gate;
          return success(null);
        },
        onDeltas: (listener) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
        close: () => {
          connection.closed = true;
        },
      };
    },
  };
};

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
};

const snapshotRequest = (id: number): string => JSON.stringify({ id, command: 'snapshot', input: {} });

describe('a message', () => {
  it.each<[string, string | Buffer, number | null]>([
    ['nothing', '', null],
    ['no JSON', '{', null],
    ['a word', '"snapshot"', null],
    ['null', 'null', null],
    ['a list', '[]', null],
    ['an empty object', '{}', null],
    ['no id', '{"command":"snapshot","input":{}}', null],
    ['an id that is no number', '{"id":"1","command":"snapshot","input":{}}', null],
    ['a negative id', '{"id":-1,"command":"snapshot","input":{}}', null],
    ['an id between two numbers', '{"id":1.5,"command":"snapshot","input":{}}', null],
    ['an id beyond what is exact', '{"id":9007199254740993,"command":"snapshot","input":{}}', null],
    ['no command', '{"id":1,"input":{}}', 1],
    ['an unknown command', '{"id":2,"command":"reboot","input":{}}', 2],
    ['the name of a member of every object', '{"id":3,"command":"constructor","input":{}}', 3],
    ['another one', '{"id":4,"command":"__proto__","input":{}}', 4],
    ['a command that is a list', '{"id":5,"command":["snapshot"],"input":{}}', 5],
    ['no input', '{"id":6,"command":"snapshot"}', 6],
    ['bytes', Buffer.from(snapshotRequest(7)), null],
    ['half a megabyte of brackets', '['.repeat(500_000), null],
  ])('that is %s is answered with a refusal', async (_what, message, id) => {
    const viewer = await RawViewer.open(door);
    viewer.socket.send(message);
    await viewer.answered(1);
    const [answer] = viewer.answers();
    expect(answer?.id).toBe(id);
    expect(answer?.result).toMatchObject({ ok: false, error: { code: 'malformedInput' } });
    // The socket is as good as before.
    viewer.socket.send(snapshotRequest(8));
    await viewer.answered(2);
    expect(viewer.answers()[1]).toMatchObject({ id: 8, result: { ok: true } });
    viewer.socket.terminate();
  });

  it('that is too big ends the socket and its seat, and nobody else’s', async () => {
    const scene = scripted();
    const own = await openTestDoor({ service: scene });
    const big = await RawViewer.open(own);
    const other = await RawViewer.open(own);
    const filled = (bytes: number): string => {
      const frame = JSON.stringify({ id: 1, command: 'explain', input: { text: '' } });
      return frame.replace('""', `"${'x'.repeat(bytes - frame.length)}"`);
    };
    big.socket.send(filled(1024 * 1024));
    await big.answered(1);
    big.socket.send(filled(1024 * 1024 + 1));
    expect((await big.closed).code).toBe(closeCodes.messageTooBig);
    await until(() => scene.connections[0]?.closed === true);
    expect(scene.asked).toEqual(['explain']);
    other.socket.send(snapshotRequest(1));
    await other.answered(1);
    expect(scene.connections[1]?.closed).toBe(false);
  });

  it('that is no UTF-8 ends the socket', async () => {
    const viewer = await RawViewer.open(door);
    viewer.socket.send(Buffer.from([0xc3, 0x28]), { binary: false });
    expect((await viewer.closed).code).toBe(1007);
  });

  it('of ten thousand random ones is answered each, and changes nothing', async () => {
    const count = 10_000;
    const before = await digest();
    const messages = fc.sample(
      fc.oneof(
        fc.string({ maxLength: 200 }),
        fc.json(),
        fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
        fc
          .record(
            {
              id: fc.oneof(fc.nat(), fc.anything()),
              command: fc.oneof(fc.constantFrom('arm', 'inject', 'acknowledge', 'removeRig'), fc.string()),
              input: fc.oneof(fc.jsonValue(), fc.record({ rig: fc.constant('simulated-1') })),
            },
            { requiredKeys: [] },
          )
          .map((message) =>
            JSON.stringify(message, (_key, value: unknown) => (typeof value === 'bigint' ? 0 : value)),
          ),
      ),
      { numRuns: count, seed: 1 },
    );
    const viewer = await RawViewer.open(door);
    for (const message of messages) viewer.socket.send(message);
    await viewer.answered(count);
    for (const { result } of viewer.answers()) {
      if (result.ok) throw new Error('a random message was carried out');
      expect(errorCodes).toContain(result.error.code);
    }
    expect(await digest()).toBe(before);
    viewer.socket.send(snapshotRequest(1));
    await viewer.answered(count + 1);
    expect(viewer.answers().at(-1)).toMatchObject({ id: 1, result: { ok: true } });
    viewer.socket.terminate();
  }, 60_000);
});

describe('a viewer', () => {
  it('who asks too fast is answered completely, but not faster than is allowed', async () => {
    const own = await openTestDoor({
      service: scripted(),
      limits: { ...defaultLimits, rate: { perSecond: 200, burst: 50 } },
    });
    const viewer = await RawViewer.open(own);
    const since = performance.now();
    for (let id = 0; id < 250; id += 1) viewer.socket.send(snapshotRequest(id));
    await viewer.answered(250);
    // One read of a socket brings many messages at once; what came early is made up for before the next.
    viewer.socket.send(snapshotRequest(250));
    await viewer.answered(251);
    expect(performance.now() - since).toBeGreaterThanOrEqual(((250 - 50) / 200) * 1_000 - 50);
    expect(new Set(viewer.answers().map(({ id }) => id)).size).toBe(251);
  });

  it('whose questions are not answered yet is not heard further', async () => {
    const scene = scripted();
    const own = await openTestDoor({ service: scene, limits: { ...defaultLimits, unanswered: 16 } });
    const viewer = await RawViewer.open(own);
    const release = scene.hold();
    const padding = 'x'.repeat(60_000);
    for (let id = 0; id < 400; id += 1) {
      viewer.socket.send(JSON.stringify({ id, command: 'explain', input: { text: padding } }));
    }
    await until(() => scene.asked.length >= 16);
    const other = await RawViewer.open(own);
    for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    // What had been read with the sixteenth still comes.
    expect(scene.asked.length).toBeLessThan(32);
    release();
    await viewer.answered(400);
    expect(viewer.answers().map(({ id }) => id)).toEqual(Array.from({ length: 400 }, (_, id) => id));
    other.socket.send(snapshotRequest(1));
    await other.answered(1);
  });

  it('who does not take what changes is cut off, told so, and may come back', async () => {
    const scene = scripted();
    const own = await openTestDoor({ service: scene, limits: { ...defaultLimits, backlog: 256 * 1024 } });
    const slow = await RawViewer.open(own);
    const quick = await RawViewer.open(own);
    await until(() => scene.connections.length === 2);
    const [toSlow, toQuick] = scene.connections;
    slow.socket.pause();
    let number = 0;
    const batch = (): DeltaBatch => {
      number += 1;
      return [{ number, kind: 'trouble', rig: 'x', trouble: 'y'.repeat(100_000) }];
    };
    const most = 2_000;
    while (toSlow?.closed === false && number < most) {
      const deltas = batch();
      toSlow.tell(deltas);
      toQuick?.tell(deltas);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(toSlow?.closed).toBe(true);
    expect(number).toBeLessThan(most);
    expect(toQuick?.closed).toBe(false);
    const told = number;
    toSlow?.tell(batch());
    slow.socket.resume();
    const { code, reason } = await slow.closed;
    expect(code).toBe(closeCodes.viewerTooSlow);
    expect(reason).toContain('snapshot');
    await until(() => quick.messages.length === told);
    expect(slow.messages.length).toBeLessThanOrEqual(told);
    const again = await RawViewer.open(own);
    again.socket.send(snapshotRequest(1));
    await again.answered(1);
  });

  it('who goes leaves the seat, whichever way he goes', async () => {
    const scene = scripted();
    const own = await openTestDoor({ service: scene });
    const polite = await RawViewer.open(own);
    const abrupt = await RawViewer.open(own);
    polite.socket.close();
    abrupt.socket.terminate();
    await until(() => scene.connections.every(({ closed }) => closed));
    // What is told to nobody is no error.
    for (const { tell } of scene.connections) tell([{ number: 1, kind: 'rigRemoved', rig: 'x' }]);
  });

  it('is one of at most 32', async () => {
    const own = await openTestDoor({ service: scripted() });
    const viewers = await Promise.all(Array.from({ length: 32 }, () => RawViewer.open(own)));
    await expect(RawViewer.open(own)).rejects.toThrow('503');
    viewers[0]?.socket.close();
    await viewers[0]?.closed;
    await RawViewer.open(own);
  });
});

describe('the door', () => {
  it('says farewell to everybody when it closes, and lets nobody in any more', async () => {
    const scene = scripted();
    const own = await openTestDoor({ service: scene });
    const viewers = await Promise.all([RawViewer.open(own), RawViewer.open(own)]);
    const deaf = await RawViewer.open(own);
    deaf.socket.pause();
    await own.close();
    for (const { closed } of viewers) expect((await closed).code).toBe(closeCodes.goingAway);
    expect(scene.connections.map(({ closed }) => closed)).toEqual([true, true, true]);
    await expect(RawViewer.open(own)).rejects.toThrow('ECONNREFUSED');
    const next = await openTestDoor({ service: scene, port: own.port });
    expect(next.port).toBe(own.port);
    expect(next.token).not.toBe(own.token);
  });

  it('says which port it cannot have', async () => {
    await expect(openTestDoor({ service: scripted(), port: door.port })).rejects.toThrow(
      `Port ${door.port} of 127.0.0.1 cannot be had: another program has it.`,
    );
  });

  it('has a fresh name for each viewer', async () => {
    const rig = await addRig(local);
    const viewers = await Promise.all([RawViewer.open(door), RawViewer.open(door)]);
    const names = (await local.snapshot()).operator.viewers;
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => name.startsWith('Browser')).length).toBeGreaterThanOrEqual(2);
    for (const { socket } of viewers) socket.terminate();
    expect(await local.codeOf('removeRig', { rig })).toBe('ok');
  });
});

describe('a refusal', () => {
  it('crosses the wire as it is', async () => {
    const refusal = failure('kernelRefused', 'It says no.', { errno: { name: 'EAGAIN', number: 11 } });
    const own = await openTestDoor({
      service: { connect: () => ({ ...scripted().connect(), execute: () => Promise.resolve(refusal) }) },
    });
    const viewer = await RawViewer.open(own);
    viewer.socket.send(snapshotRequest(1));
    await viewer.answered(1);
    expect(viewer.answers()).toEqual([{ id: 1, result: refusal }]);
  });
});
