import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BenchError, Result } from '../../../src-main/core/result.ts';
import { koffiProvider, koffiSyscalls } from '../../../src-main/kernel/koffiSyscalls.ts';
import { openFlags, pollEvents } from '../../../src-main/kernel/syscalls.ts';
import type { AnswerGiven, AutomaticAnswer } from '../../../src-main/kernel/waiter/messages.ts';
import { openWaiter, type Signal, type Waiter } from '../../../src-main/kernel/waiter/waiter.ts';
import { openDescriptors, taken } from '../../conformance/syscallsSuite.ts';
import { Arrivals, counted, counterOf, newEventfd, signal } from '../descriptors.ts';

const calls = koffiSyscalls();

const valueOf = <Value>(result: Result<Value>): Value => {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
};

describe('the waiter', () => {
  let waiter: Waiter;
  let directory: string;
  let opened: number[];

  beforeEach(() => {
    waiter = valueOf(openWaiter(calls, koffiProvider()));
    directory = mkdtempSync(join(tmpdir(), 'waiter-'));
    opened = [];
  });
  afterEach(async () => {
    await waiter.close();
    for (const fd of opened) calls.close(fd);
    rmSync(directory, { recursive: true, force: true });
  });

  const keep = (fd: number): number => {
    opened.push(fd);
    return fd;
  };
  const eventfd = (): number => keep(newEventfd(calls));
  const listening = () => {
    const signals = new Arrivals<Signal>();
    const errors = new Arrivals<BenchError>();
    return { signals, errors, listener: { signal: signals.add, broken: errors.add } };
  };
  /** Blocks the main thread until the descriptor is readable. */
  const blockUntilReadable = (fd: number): void => {
    expect(calls.poll([{ fd, events: pollEvents.POLLIN }], 20_000)).toEqual({ ok: true, value: [1] });
  };
  const acknowledging = (fd: number, uses = 1): AutomaticAnswer => ({
    quiesce: [],
    acknowledge: { call: 'write', fd, bytes: counted(1n) },
    uses,
  });

  it('tells each signal with its counter and its time', async () => {
    const fd = eventfd();
    const { signals, listener } = listening();
    valueOf(await waiter.watchEventfd(fd, listener));
    const before = calls.monotonic();
    signal(calls, fd);
    const first = await signals.next();
    const after = calls.monotonic();
    expect(first).toMatchObject({ count: 1n, answer: null });
    expect(first.at).toBeGreaterThanOrEqual(Math.floor(before));
    expect(first.at).toBeLessThanOrEqual(after);
    expect(first.at).toBe(Math.trunc(first.at));
    signal(calls, fd, 3n);
    expect(await signals.next()).toMatchObject({ count: 3n });
  });

  it('gives the automatic answer while the main thread is blocked: first what quiesces, then the ack', async () => {
    const fd = eventfd();
    const acknowledged = eventfd();
    const { signals, listener } = listening();
    const path = join(directory, 'config');
    writeFileSync(path, 'untouched!');
    const config = keep(taken(calls.open(path, openFlags.O_RDWR)));
    const counterAtAck = eventfd();
    const automatic: AutomaticAnswer = {
      quiesce: [
        { call: 'pwrite', fd: config, offset: 2n, bytes: Buffer.from('NOW') },
        { call: 'write', fd: counterAtAck, bytes: counted(7n) },
      ],
      acknowledge: { call: 'write', fd: acknowledged, bytes: counted(1n) },
      uses: 1,
    };
    valueOf(await waiter.watchEventfd(fd, listener, automatic));
    signal(calls, fd);
    blockUntilReadable(acknowledged);
    expect(readFileSync(path, 'latin1')).toBe('unNOWched!');
    expect(counterOf(calls, counterAtAck)).toBe(7n);
    expect(signals.pending).toBe(0);
    const { at, answer } = await signals.next();
    expect(answer).toMatchObject({ quiesceErrnos: [0, 0], acknowledgeErrno: 0 });
    expect(answer?.at).toBeGreaterThanOrEqual(at);
  });

  it('answers once, until it is handed down again, and not after it was taken back', async () => {
    const fd = eventfd();
    const acknowledged = eventfd();
    const { signals, listener } = listening();
    const watch = valueOf(await waiter.watchEventfd(fd, listener, acknowledging(acknowledged)));
    const answered = async (): Promise<boolean> => {
      signal(calls, fd);
      const { answer } = await signals.next();
      expect(counterOf(calls, acknowledged)).toBe(answer === null ? null : 1n);
      return answer !== null;
    };
    expect([await answered(), await answered()]).toEqual([true, false]);
    valueOf(await watch.handDown(acknowledging(acknowledged, 2), 2));
    expect([await answered(), await answered(), await answered()]).toEqual([true, true, false]);
    valueOf(await watch.handDown(acknowledging(acknowledged), 5));
    valueOf(await watch.takeBack());
    expect(await answered()).toBe(false);
  });

  it('tells answered signals in their order, before one that waits for the main thread', async () => {
    const fd = eventfd();
    const acknowledged = eventfd();
    const { signals, listener } = listening();
    valueOf(await waiter.watchEventfd(fd, listener, acknowledging(acknowledged, 3)));
    for (let round = 0; round < 3; round += 1) {
      signal(calls, fd);
      blockUntilReadable(acknowledged);
      counterOf(calls, acknowledged);
    }
    signal(calls, fd);
    const told = [await signals.next(), await signals.next(), await signals.next(), await signals.next()];
    expect(told.map(({ answer }) => answer !== null)).toEqual([true, true, true, false]);
    const times = told.map(({ at }) => at);
    expect(times).toEqual([...times].sort((one, other) => one - other));
  });

  it('gives no ack for signals that came together, and none afterwards', async () => {
    const fd = eventfd();
    const acknowledged = eventfd();
    const { signals, listener } = listening();
    valueOf(await waiter.watchEventfd(fd, listener, acknowledging(acknowledged)));
    signal(calls, fd, 2n);
    expect(await signals.next()).toMatchObject({ count: 2n, answer: null });
    signal(calls, fd);
    expect(await signals.next()).toMatchObject({ count: 1n, answer: null });
    expect(counterOf(calls, acknowledged)).toBeNull();
  });

  it('gives no ack when quiescing failed, and tells each errno', async () => {
    const fd = eventfd();
    const acknowledged = eventfd();
    const { signals, listener } = listening();
    valueOf(
      await waiter.watchEventfd(fd, listener, {
        ...acknowledging(acknowledged),
        quiesce: [
          { call: 'pwrite', fd: -1, offset: 0n, bytes: new Uint8Array(1) },
          { call: 'ioctl', fd, request: 0x3b6e, argument: new Uint8Array(20) },
        ],
      }),
    );
    signal(calls, fd);
    expect((await signals.next()).answer).toMatchObject({ quiesceErrnos: [9, 25], acknowledgeErrno: null });
    expect(counterOf(calls, acknowledged)).toBeNull();
  });

  it('withholds the ack from a device that is still busy, but not from one that does not answer', async () => {
    const path = join(directory, 'config');
    writeFileSync(path, Buffer.from([0x20, 0x00, 0xff, 0xff]));
    const config = keep(taken(calls.open(path, openFlags.O_RDWR)));
    const answerAt = async (offset: bigint): Promise<Signal['answer']> => {
      const fd = eventfd();
      const { signals, listener } = listening();
      const place = { fd: config, offset, length: 2 };
      const automatic: AutomaticAnswer = {
        ...acknowledging(eventfd()),
        looks: [place],
        quiesce: [{ call: 'expectClear', ...place, bits: 0x20 }],
      };
      valueOf(await waiter.watchEventfd(fd, listener, automatic));
      signal(calls, fd);
      return (await signals.next()).answer;
    };
    expect(await answerAt(0n)).toMatchObject({
      looked: [Uint8Array.of(0x20, 0)],
      quiesceErrnos: [16],
      acknowledgeErrno: null,
    });
    expect(await answerAt(2n)).toMatchObject({
      looked: [Uint8Array.of(0xff, 0xff)],
      quiesceErrnos: [0],
      acknowledgeErrno: 0,
    });
  });

  it('gives a late answer after its delay, once, and none that is too late', async () => {
    const fd = eventfd();
    const acknowledged = eventfd();
    const { signals, listener } = listening();
    const late = new Arrivals<{ readonly number: number; readonly answer: AnswerGiven }>();
    const owing = { ...acknowledging(acknowledged), delay: 20_000, latest: 10_000_000 };
    const watch = valueOf(await waiter.watchEventfd(fd, { ...listener, answered: late.add }, owing));
    signal(calls, fd);
    const { at, answer } = await signals.next();
    expect(answer).toBeNull();
    const given = await late.next();
    expect(given).toMatchObject({ number: 2, answer: { acknowledgeErrno: 0 } });
    expect(given.answer.at - at).toBeGreaterThanOrEqual(20_000);
    expect(counterOf(calls, acknowledged)).toBe(1n);
    valueOf(await watch.handDown({ ...owing, latest: 20_000 }, 2));
    signal(calls, fd);
    expect((await late.next()).answer.acknowledgeErrno).toBeNull();
    expect(counterOf(calls, acknowledged)).toBeNull();
  });

  it('gives no late answer after another signal, or after it was taken back', async () => {
    const fd = eventfd();
    const acknowledged = eventfd();
    const { signals, listener } = listening();
    const late = new Arrivals<unknown>();
    const owing = { ...acknowledging(acknowledged), delay: 60_000 };
    const watch = valueOf(await waiter.watchEventfd(fd, { ...listener, answered: late.add }, owing));
    signal(calls, fd);
    await signals.next();
    signal(calls, fd);
    await signals.next();
    valueOf(await watch.handDown(owing, 2));
    signal(calls, fd);
    await signals.next();
    valueOf(await watch.takeBack());
    // One that is given after all of them would have been.
    valueOf(await watch.handDown(owing, 3));
    signal(calls, fd);
    expect(await late.next()).toMatchObject({ number: 5 });
    expect(late.pending).toBe(0);
    expect(counterOf(calls, acknowledged)).toBe(1n);
  });

  it('refuses what was decided without knowing of the last signal', async () => {
    const fd = eventfd();
    const acknowledged = eventfd();
    const { signals, listener } = listening();
    const watch = valueOf(await waiter.watchEventfd(fd, listener));
    signal(calls, fd);
    expect(await signals.next()).toMatchObject({ number: 1 });
    expect(await watch.handDown(acknowledging(acknowledged), 0)).toMatchObject({
      error: { code: 'stepUnderWay', errno: { name: 'EAGAIN' } },
    });
    signal(calls, fd);
    expect(await signals.next()).toMatchObject({ number: 2, answer: null });
    valueOf(await watch.handDown(acknowledging(acknowledged), 2));
    signal(calls, fd);
    expect((await signals.next()).answer).not.toBeNull();
    expect(counterOf(calls, acknowledged)).toBe(1n);
  });

  type Act = 'signal' | 'twoSignals' | 'handDown' | 'handDownOnOldNews' | 'takeBack';

  it('acks, in whatever order things come, only the first lone signal after an order that knew of all before', async () => {
    const acts = fc.array(
      fc.constantFrom<Act>(
        'signal',
        'signal',
        'twoSignals',
        'handDown',
        'handDown',
        'handDownOnOldNews',
        'takeBack',
      ),
      { maxLength: 20 },
    );
    await fc.assert(
      fc.asyncProperty(acts, async (order) => {
        const fd = newEventfd(calls);
        const acknowledged = newEventfd(calls);
        const { signals, listener } = listening();
        const watch = valueOf(await waiter.watchEventfd(fd, listener));
        let stands = false;
        let told = 0;
        let owed = 0n;
        for (const act of order) {
          switch (act) {
            case 'signal':
            case 'twoSignals': {
              signal(calls, fd, act === 'signal' ? 1n : 2n);
              const { answer, number } = await signals.next();
              told += 1;
              expect(number).toBe(told);
              const expected = stands && act === 'signal';
              expect(answer !== null).toBe(expected);
              if (expected) owed += 1n;
              stands = false;
              break;
            }
            case 'handDown':
              valueOf(await watch.handDown(acknowledging(acknowledged), told));
              stands = true;
              break;
            case 'handDownOnOldNews':
              expect((await watch.handDown(acknowledging(acknowledged), told - 1)).ok).toBe(false);
              break;
            case 'takeBack':
              valueOf(await watch.takeBack());
              stands = false;
          }
        }
        expect(counterOf(calls, acknowledged) ?? 0n).toBe(owed);
        valueOf(await watch.stop());
        calls.close(fd);
        calls.close(acknowledged);
      }),
      { numRuns: 60 },
    );
  });

  it('waits for 300 eventfds, added and taken away while it waits', async () => {
    const watched = await Promise.all(
      Array.from({ length: 300 }, async () => {
        const fd = eventfd();
        const { signals, listener } = listening();
        return { fd, signals, watch: valueOf(await waiter.watchEventfd(fd, listener)) };
      }),
    );
    for (const { fd } of watched) signal(calls, fd);
    for (const { signals } of watched) expect((await signals.next()).count).toBe(1n);
    const [even, odd] = [0, 1].map((rest) => watched.filter((_, position) => position % 2 === rest));
    await Promise.all((even ?? []).map(async ({ watch }) => valueOf(await watch.stop())));
    for (const { fd } of watched) signal(calls, fd);
    for (const { signals } of odd ?? []) expect((await signals.next()).count).toBe(1n);
    expect((even ?? []).map(({ fd, signals }) => [counterOf(calls, fd), signals.pending])).toEqual(
      (even ?? []).map(() => [1n, 0]),
    );
  });

  it('reads records, and says when there will be no more', async () => {
    const path = join(directory, 'records');
    execFileSync('mkfifo', [path]);
    const reader = keep(taken(calls.open(path, openFlags.O_RDONLY | openFlags.O_NONBLOCK)));
    const writer = taken(calls.open(path, openFlags.O_WRONLY));
    const records = new Arrivals<string>();
    const errors = new Arrivals<BenchError>();
    valueOf(
      await waiter.watchRecords(reader, 64, {
        record: ({ bytes }) => records.add(Buffer.from(bytes).toString()),
        lost: () => undefined,
        broken: errors.add,
      }),
    );
    taken(calls.write(writer, Buffer.from('add@/devices')));
    expect(await records.next()).toBe('add@/devices');
    taken(calls.close(writer));
    expect(await errors.next()).toMatchObject({ code: 'deviceLost' });
  });

  it('tells the errno of a descriptor that cannot be read any more, and goes on with the others', async () => {
    const broken = keep(taken(calls.socket(2, 1, 0))); // a TCP socket that is not connected
    const fd = eventfd();
    const one = listening();
    const other = listening();
    valueOf(await waiter.watchEventfd(fd, other.listener));
    valueOf(await waiter.watchEventfd(broken, one.listener));
    expect(await one.errors.next()).toMatchObject({ errno: { name: 'ENOTCONN' } });
    signal(calls, fd);
    expect(await other.signals.next()).toMatchObject({ count: 1n });
  });

  it('refuses to watch what cannot be watched', async () => {
    const { listener } = listening();
    const fd = eventfd();
    const path = join(directory, 'file');
    writeFileSync(path, '');
    const file = keep(taken(calls.open(path, openFlags.O_RDONLY)));
    valueOf(await waiter.watchEventfd(fd, listener));
    const errnos = await Promise.all(
      [-1, file, fd].map(async (refused) => {
        const result = await waiter.watchEventfd(refused, listener);
        return result.ok ? 'watched' : result.error.errno?.name;
      }),
    );
    expect(errnos).toEqual(['EBADF', 'EPERM', 'EEXIST']);
  });
});

describe('a program whose main thread hangs', () => {
  it('acks at the signal and after it all the same, before the main thread comes back', () => {
    const room = new URL('../../../src-main/kernel/', import.meta.url);
    const script = `
      import { koffiProvider, koffiSyscalls } from '${new URL('koffiSyscalls.ts', room)}';
      import { openWaiter } from '${new URL('waiter/waiter.ts', room)}';
      const calls = koffiSyscalls();
      const waiter = openWaiter(calls, koffiProvider()).value;
      const eventfd = () => calls.eventfd(0, 0o4000).value;
      const one = new Uint8Array(BigUint64Array.of(1n).buffer);
      const told = {};
      const watch = async (name, delay) => {
        const fd = eventfd();
        const acknowledge = { call: 'write', fd: eventfd(), bytes: one };
        const listener = {
          signal: ({ at, answer }) => { told[name] = { signalled: at, acked: answer?.at }; },
          answered: ({ answer }) => { told[name].acked = answer.at; },
          broken: () => undefined,
        };
        await waiter.watchEventfd(fd, listener, { quiesce: [], acknowledge, uses: 1, delay });
        return fd;
      };
      const fds = [await watch('atOnce', 0), await watch('late', 200_000)];
      const began = calls.monotonic();
      for (const fd of fds) calls.write(fd, one);
      while (calls.monotonic() < began + 2_000_000);
      const ended = calls.monotonic();
      while (told.atOnce === undefined || told.late?.acked === undefined) await new Promise((r) => setTimeout(r, 1));
      console.log(JSON.stringify({ began, ended, ...told }));
      await waiter.close();`;
    const output = execFileSync('node', ['--input-type=module', '--eval', script], { timeout: 20_000 });
    const { began, ended, atOnce, late } = JSON.parse(output.toString()) as {
      readonly [Moment in 'began' | 'ended']: number;
    } & { readonly [Name in 'atOnce' | 'late']: { readonly signalled: number; readonly acked: number } };
    for (const { signalled, acked } of [atOnce, late]) {
      expect(signalled).toBeGreaterThanOrEqual(Math.floor(began));
      expect(acked).toBeGreaterThanOrEqual(signalled);
      expect(acked).toBeLessThan(ended);
    }
    expect(late.acked - late.signalled).toBeGreaterThanOrEqual(200_000);
  });
});

describe('the end of a waiter', () => {
  const silent = { signal: () => undefined, broken: () => undefined };

  it('closes what it opened, leaves what it was given, and refuses afterwards', async () => {
    const before = openDescriptors();
    const waiter = valueOf(openWaiter(calls, koffiProvider()));
    const fd = newEventfd(calls);
    const watch = valueOf(await waiter.watchEventfd(fd, silent));
    await waiter.close();
    signal(calls, fd);
    expect(counterOf(calls, fd)).toBe(1n);
    expect(await waiter.watchEventfd(fd, silent)).toMatchObject({ error: { code: 'benchDefect' } });
    expect(await watch.takeBack()).toMatchObject({ error: { code: 'benchDefect' } });
    await waiter.close();
    taken(calls.close(fd));
    expect(openDescriptors()).toEqual(before);
  });

  it('turns a thread that cannot start into errors', async () => {
    const before = openDescriptors();
    const lame = valueOf(openWaiter(calls, { ...koffiProvider(), addOn: '/missing.node' }));
    const fd = newEventfd(calls);
    expect(await lame.watchEventfd(fd, silent)).toMatchObject({
      ok: false,
      error: { code: 'benchDefect', message: expect.stringContaining('missing.node') },
    });
    await lame.close();
    taken(calls.close(fd));
    expect(openDescriptors()).toEqual(before);
  });

  it.each([
    ['process.exit(3)', 3],
    ['throw new Error("a defect")', 1],
  ])('does not keep a process from ending by %s', (ending, code) => {
    const room = new URL('../../../src-main/kernel/', import.meta.url);
    const script = `
      import { koffiProvider, koffiSyscalls } from '${new URL('koffiSyscalls.ts', room)}';
      import { openWaiter } from '${new URL('waiter/waiter.ts', room)}';
      const calls = koffiSyscalls();
      const waiter = openWaiter(calls, koffiProvider());
      await waiter.value.watchEventfd(calls.eventfd(0, 0o4000).value, {});
      ${ending};`;
    let status: number | undefined;
    try {
      execFileSync('node', ['--input-type=module', '--eval', script], { timeout: 20_000, stdio: 'pipe' });
    } catch (error) {
      status = (error as { status?: number }).status;
    }
    expect(status).toBe(code);
  });
});
