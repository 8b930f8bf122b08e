import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { success } from '../../../src-main/core/result.ts';
import { wireVersion } from '../../../src-main/rigs/remote/protocol.ts';
import { openRemoteRig, type RemoteRig } from '../../../src-main/rigs/remote/remoteRig.ts';
import type { RigEvent } from '../../../src-main/rigs/rig.ts';
import { codeOf, rng, valueOf } from '../../coordinator/lab.ts';
import { bench, cuttable, farEnd, nearEnd, type FarEnd } from './pair.ts';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});
const machine = (...options: Parameters<typeof farEnd>): FarEnd => {
  const far = farEnd(...options);
  opened.push(far.agent);
  return far;
};
const near = async (...options: Parameters<typeof nearEnd>): Promise<RemoteRig> => {
  const rig = await nearEnd(...options);
  opened.push(rig);
  return rig;
};
const heard = (rig: RemoteRig): RigEvent[] => {
  const events: RigEvent[] = [];
  rig.onEvent((event) => events.push(event));
  return events;
};
const eventOf = (rig: RemoteRig, kind: RigEvent['kind']): Promise<RigEvent> =>
  new Promise((resolve) => {
    const stop = rig.onEvent((event) => {
      if (event.kind !== kind) return;
      stop();
      resolve(event);
    });
  });
/** The far machine's kernel says something; the words are counted. */
const say = ({ rig }: FarEnd, from: number, count: number): void => {
  for (let index = from; index < from + count; index += 1) rig.machine.log(null, `word ${index}`);
};
const words = (events: readonly RigEvent[]): string[] =>
  events.flatMap((event) => (event.kind === 'kernelLog' ? [event.text] : []));
const counted = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `word ${from + index}`);

describe('time-outs', () => {
  const limits = { brief: 60, kernel: 60_000 };

  it('end a call that is not answered, and it alone: a call that blocks in the kernel blocks no other', async () => {
    const far = machine();
    // The kernel keeps the driver change for itself, and the list of devices as well.
    let release: () => void = () => undefined;
    const blocked = new Promise<void>((resolve) => {
      release = resolve;
    });
    far.rig.bind = async () => {
      await blocked;
      return success(undefined);
    };
    far.rig.devices = () => new Promise(() => undefined);
    const rig = await near(far.connect().near, { limits });
    const bound = rig.bind(rng, null);
    const listed = await rig.devices();
    expect(codeOf(listed)).toBe('callTimedOut');
    if (!listed.ok) expect(listed.error.message).toContain('did not answer "devices" within 0.06 s');
    expect((await rig.faultTarget(rng)).ok).toBe(true);
    release();
    expect((await bound).ok).toBe(true);
  });

  it('close a device whose opening took too long for anybody to wait for', async () => {
    const far = machine();
    const open = far.rig.open.bind(far.rig);
    let release: () => void = () => undefined;
    far.rig.open = async (address) => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return open(address);
    };
    const closed = new Promise<void>((resolve) => {
      far.rig.open = ((slow) => async (address: typeof rng) => {
        const session = await slow(address);
        if (session.ok) {
          const { close } = session.value;
          session.value.close = async () => {
            resolve();
            return close();
          };
        }
        return session;
      })(far.rig.open);
    });
    const rig = await near(far.connect().near, { limits: { brief: 60_000, kernel: 60 } });
    expect(codeOf(await rig.open(rng))).toBe('callTimedOut');
    release();
    await closed;
  });

  it('mean a lost link when the far end is silent altogether', async () => {
    const far = machine();
    let deaf = false;
    const channel = far.connect({ toNear: (line) => (deaf ? null : line) });
    const rig = await near(channel.near, { heartbeat: 10, silence: 100 });
    const lost = eventOf(rig, 'linkLost');
    deaf = true;
    expect(await lost).toMatchObject({ reason: 'nothing was heard for 0.1 s' });
    expect(codeOf(await rig.devices())).toBe('linkLost');
  });

  it('tell those who wait for a link that does not come back that nobody knows', async () => {
    const far = machine();
    far.rig.bind = () => new Promise(() => undefined);
    const channel = far.connect();
    const rig = await near(channel.near, { patience: 20 });
    const bound = rig.bind(rng, null);
    await rig.devices();
    channel.cut();
    const result = await bound;
    expect(codeOf(result)).toBe('linkLost');
    if (!result.ok) expect(result.error.message).toContain('Whether "bind" was carried out is unknown.');
  });
});

describe('an end of another version', () => {
  it('is refused by the console in one sentence', async () => {
    const channel = machine().connect({
      toNear: (line) =>
        line.replace(`"version":${wireVersion},"bench":"${bench}"`, '"version":77,"bench":"9.9.9"'),
    });
    const result = await openRemoteRig({ channel: channel.near, kind: 'remote', name: 'remote:x', bench });
    expect(result).toMatchObject({ ok: false, error: { code: 'otherVersion' } });
    if (!result.ok) expect(result.error.message).toMatch(/another version \(9\.9\.9, wire 77\)/);
    expect(channel.near.destroyed).toBe(true);
  });

  it('is refused by the agent, which says which one it is', async () => {
    const far = machine();
    const { near: ours, far: theirs } = cuttable();
    // What a console of the next version would say.
    const newer = Duplex.from({
      readable: ours,
      writable: async (source: AsyncIterable<Buffer>) => {
        for await (const chunk of source)
          ours.write(chunk.toString('utf8').replace(`"version":${wireVersion}`, '"version":78'));
      },
    });
    void far.agent.serve(theirs);
    const result = await openRemoteRig({ channel: newer, kind: 'remote', name: 'remote:x', bench });
    expect(result).toMatchObject({ ok: false, error: { code: 'otherVersion' } });
    expect(far.log).toEqual(['A console of another version was refused: 0.0.0-test, wire 78.']);
  });
});

describe('events', () => {
  it('come once and in order, also those of the time without a link', async () => {
    const far = machine();
    const channel = far.connect();
    const rig = await near(channel.near);
    const events = heard(rig);
    say(far, 0, 5);
    await rig.devices();
    const lost = eventOf(rig, 'linkLost');
    channel.cut();
    await lost;
    say(far, 5, 50);
    valueOf(await rig.reconnect(far.connect().near));
    say(far, 55, 5);
    await rig.devices();
    expect(words(events)).toEqual(counted(0, 60));
    // What was missed comes before the word that the link is back.
    const kinds = events.map(({ kind }) => kind);
    expect(kinds.lastIndexOf('kernelLog')).toBeGreaterThan(kinds.indexOf('linkRestored'));
    expect(kinds.indexOf('linkRestored')).toBe(kinds.indexOf('linkLost') + 51);
    expect(events.find(({ kind }) => kind === 'linkRestored')).toMatchObject({ dropped: 0, closed: [] });
  });

  it('that nobody has any more are counted', async () => {
    const far = machine('notify-6.1', 50, { eventsKept: 10 });
    const channel = far.connect();
    const rig = await near(channel.near);
    const events = heard(rig);
    const lost = eventOf(rig, 'linkLost');
    channel.cut();
    await lost;
    say(far, 0, 25);
    valueOf(await rig.reconnect(far.connect().near));
    expect(words(events)).toEqual(counted(15, 10));
    expect(events.at(-1)).toMatchObject({ kind: 'linkRestored', dropped: 15 });
  });

  it('that were lost on the way are asked for', async () => {
    const far = machine();
    let swallowed = 0;
    const channel = far.connect({
      toNear: (line) => {
        if (!/word (3|4)"/.test(line) || swallowed >= 2) return line;
        swallowed += 1;
        return null;
      },
    });
    const rig = await near(channel.near);
    const events = heard(rig);
    const all = new Promise<void>((resolve) => {
      rig.onEvent((event) => {
        if (event.kind === 'kernelLog' && event.text === 'word 9') resolve();
      });
    });
    say(far, 0, 10);
    await all;
    expect(swallowed).toBe(2);
    expect(words(events)).toEqual(counted(0, 10));
  });
});

describe('bytes that are no messages', () => {
  it('are left out by the console, and what comes after them is heard', async () => {
    const far = machine();
    const rubbish = [
      'Welcome to the lab!',
      '{"jsonrpc":"2.0","id":0,"result":{}}',
      '[]',
      '{',
      '\u0000\u0001',
    ];
    const channel = far.connect({ toNear: (line) => [...rubbish, line].join('\n') });
    const rig = await near(channel.near);
    expect((await rig.devices()).ok).toBe(true);
    expect(rig.refused).toBeGreaterThanOrEqual(rubbish.length);
    expect(rig.link).toBe('up');
  });

  it('as an answer are an error of that call alone', async () => {
    const far = machine();
    const channel = far.connect({
      toNear: (line) => (line.includes('0000:00:1e.0') ? line.replaceAll('"address"', '"adress"') : line),
    });
    const rig = await near(channel.near);
    const listed = await rig.devices();
    expect(codeOf(listed)).toBe('malformedMessage');
    expect((await rig.faultTarget(rng)).ok).toBe(true);
  });

  it('change nothing at the agent: ten thousand random messages are each refused', async () => {
    const far = machine();
    const rig = await near(far.connect().near);
    const session = valueOf(await rig.open(rng));
    valueOf(await session.arm('notify'));
    const before = valueOf(await rig.devices());
    const lost = eventOf(rig, 'linkLost');

    // A channel that says hello, as a console would, and then anything.
    const { near: ours, far: theirs } = cuttable();
    void far.agent.serve(theirs);
    await lost;
    const answers = new Map<string, { result?: unknown; error?: { code: number } }>();
    let rest = '';
    let waiting: { id: string; resolve: () => void } | null = null;
    ours.on('data', (chunk: Buffer) => {
      const lines = `${rest}${chunk.toString('utf8')}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines.filter((text) => text !== '')) {
        const message = JSON.parse(line) as { id?: string; error?: { code: number } };
        if (message.id !== undefined) answers.set(message.id, message);
        if (waiting?.id === message.id) waiting?.resolve();
      }
    });
    const answerTo = (id: string): Promise<void> =>
      new Promise((resolve) => {
        waiting = { id, resolve };
        if (answers.has(id)) resolve();
      });
    const { name: agent } = far.agent;
    ours.write(
      `${JSON.stringify({ jsonrpc: '2.0', id: 'hello', method: 'hello', params: { version: wireVersion, bench, resume: { agent, after: 0 } } })}\n`,
    );
    await answerTo('hello');
    const envelope = { call: fc.nat(), settled: fc.nat(), input: fc.jsonValue() };
    const method = fc.oneof(
      fc.constantFrom(
        'bind',
        'reset',
        'close',
        'acknowledge',
        'disarm',
        'inject',
        'open',
        'events',
        'quiesce',
      ),
      fc.string(),
      fc.constantFrom('__proto__', 'constructor', 'toString', '$/cancelRequest'),
    );
    const params = fc.oneof(fc.jsonValue(), fc.record(envelope), fc.dictionary(fc.string(), fc.jsonValue()));
    const messages = fc.sample(
      fc.oneof(
        fc.record({ jsonrpc: fc.constant('2.0'), id: fc.uuid(), method, params }),
        fc.record({ jsonrpc: fc.constant('2.0'), method, params }),
        fc.jsonValue(),
      ),
      { numRuns: 10_000, seed: 4 },
    );
    for (const message of messages) ours.write(`${JSON.stringify(message)}\n`);
    ours.write(`${JSON.stringify({ jsonrpc: '2.0', id: 'last', method: 'time', params: {} })}\n`);
    await answerTo('last');
    answers.delete('hello');
    answers.delete('last');
    expect(answers.size).toBeGreaterThan(1_000);
    for (const [id, { result, error }] of answers) {
      expect([id, result, typeof error?.code]).toEqual([id, undefined, 'number']);
    }
    expect(far.agent.openSessions).toBe(1);
    ours.destroy();
    valueOf(await rig.reconnect(far.connect().near));
    expect(valueOf(await rig.devices())).toEqual(before);
    expect(codeOf(await session.arm('notify'))).toBe('alreadyArmed');
  });
});
