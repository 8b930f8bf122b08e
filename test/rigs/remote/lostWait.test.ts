import { afterEach, describe, expect, it } from 'vitest';
import { Coordinator } from '../../../src-main/coordinator/coordinator.ts';
import { Recorder } from '../../../src-main/coordinator/recorder.ts';
import type { JournalLine } from '../../../src-main/core/journal/line.ts';
import { seconds } from '../../../src-main/core/recovery/phase.ts';
import { isConcluded, openWait, type RecoveryState } from '../../../src-main/core/recovery/state.ts';
import type { RemoteRig } from '../../../src-main/rigs/remote/remoteRig.ts';
import { codeOf, decision, fatal, policyOf, rng, valueOf } from '../../coordinator/lab.ts';
import { farEnd, nearEnd, type Channel, type FarEnd, type Watch } from './pair.ts';

/** A coordinator here, a machine behind an agent there, and the wire between them. */
class Bench {
  readonly rig: RemoteRig;
  readonly coordinator: Coordinator;
  readonly lines: JournalLine[] = [];

  private constructor(rig: RemoteRig) {
    this.rig = rig;
    const recorder = new Recorder(rig.clock, null);
    recorder.watch((line) => this.lines.push(line));
    this.coordinator = new Coordinator(rig, recorder);
  }

  static async open({ near }: Channel): Promise<Bench> {
    return new Bench(await nearEnd(near));
  }

  get state(): RecoveryState {
    const state = this.coordinator.state(rng);
    if (state === null) throw new Error('not armed');
    return state;
  }

  /** Settles when the state is such; looked at after each line. */
  async until(holds: (state: RecoveryState) => boolean): Promise<RecoveryState> {
    while (!holds(this.state)) {
      const before = this.lines.length;
      while (this.lines.length === before) await new Promise((resolve) => setImmediate(resolve));
    }
    return this.state;
  }

  async hit(): Promise<void> {
    await this.arm();
    valueOf(await this.coordinator.inject(rng, fatal, 'simulated'));
    await this.until(({ phase }) => phase === 'awaitingAck');
  }

  async arm(policy: Parameters<typeof policyOf>[0] = {}): Promise<void> {
    valueOf(await this.coordinator.arm(rng, 'notify', policyOf(policy)));
  }

  texts(): string {
    return this.lines.flatMap((line) => (line.type === 'kernelLog' ? [line.text] : [])).join('\n');
  }
}

describe('a link that is lost while the kernel waits', () => {
  const opened: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close();
  });
  /** 60 s of the kernel are 0.6 s here. */
  const machine = (): FarEnd => {
    const far = farEnd('notify-7.2', 100);
    opened.push(far.agent);
    return far;
  };
  const waiting = async (far: FarEnd, watch?: Watch): Promise<{ bench: Bench; channel: Channel }> => {
    const channel = far.connect(watch);
    const bench = await Bench.open(channel);
    opened.unshift(bench.rig);
    await bench.hit();
    return { bench, channel };
  };
  const lost = (rig: RemoteRig): Promise<void> =>
    new Promise((resolve) => {
      const stop = rig.onEvent(({ kind }) => {
        if (kind !== 'linkLost') return;
        stop();
        resolve();
      });
    });
  const onAck = (far: FarEnd, told: () => void): void => {
    const acknowledgement = far.rig.machine.devices.get(rng)?.vfio?.acknowledgement;
    if (acknowledgement === undefined) throw new Error('no device');
    const complete = acknowledgement.complete.bind(acknowledgement);
    acknowledgement.complete = () => {
      told();
      complete();
    };
  };
  const acksAt = (far: FarEnd): Promise<void> => new Promise((resolve) => onAck(far, resolve));
  const farMoment = ({ rig }: FarEnd, moment: number): Promise<void> =>
    new Promise((resolve) => rig.clock.at(moment, resolve));

  it('decides nothing here, and after it what happened there, when it happened', async () => {
    const far = machine();
    const { bench, channel } = await waiting(far);
    const wait = openWait(bench.state);
    const cut = lost(bench.rig);
    channel.cut();
    await cut;
    await farMoment(far, (wait?.deadline ?? 0) + seconds(20));
    // By this clock too the time is long over, and nobody has said so.
    expect(bench.rig.clock.now()).toBeGreaterThan((wait?.deadline ?? 0) + seconds(15));
    expect(bench.state.phase).toBe('awaitingAck');
    expect(bench.coordinator.linkLost?.code).toBe('linkLost');
    expect(codeOf(await bench.coordinator.acknowledge(rng, decision))).toBe('linkLost');
    expect(bench.state.phase).toBe('awaitingAck');

    valueOf(await bench.rig.reconnect(far.connect().near));
    expect(bench.coordinator.linkLost).toBeNull();
    const state = await bench.until(isConcluded);
    expect(state.phase).toBe('timedOut');
    expect(bench.texts()).toMatch(/All phases are unknown[\s\S]*The link to the rig is back\./);
  });

  it('goes on with the wait when it comes back in time, and the ack resets the slot', async () => {
    const far = machine();
    const { bench, channel } = await waiting(far);
    const cut = lost(bench.rig);
    channel.cut();
    await cut;
    valueOf(await bench.rig.reconnect(far.connect().near));
    expect(bench.state.phase).toBe('awaitingAck');
    valueOf(await bench.coordinator.acknowledge(rng, decision));
    expect((await bench.until(isConcluded)).phase).toBe('recovered');
  });

  it('sends an ack once, also when the answer to it was lost', async () => {
    const far = machine();
    const { bench } = await waiting(far, {
      toFar: (line, channel) => {
        if (line.includes('"acknowledge"')) channel.cut();
      },
    });
    let acks = 0;
    onAck(far, () => {
      acks += 1;
    });
    const cut = lost(bench.rig);
    const acknowledged = bench.coordinator.acknowledge(rng, decision);
    await cut;
    valueOf(await bench.rig.reconnect(far.connect().near));
    valueOf(await acknowledged);
    expect((await bench.until(isConcluded)).phase).toBe('recovered');
    expect(acks).toBe(1);
  });

  it.each([
    ['at the signal', { decision: 'ackWhenQuiesced' }, 'policy'],
    ['when nobody has decided in time', { onTimeout: 'acknowledge' }, 'timeoutPolicy'],
  ] as const)(
    'costs no deadline: the far end acks by itself %s, and says so afterwards',
    async (_, policy, by) => {
      const far = machine();
      const channel = far.connect();
      const bench = await Bench.open(channel);
      opened.unshift(bench.rig);
      await bench.arm(policy);
      const acked = acksAt(far);
      const cut = lost(bench.rig);
      channel.cut();
      await cut;
      valueOf(await far.rig.inject({ address: rng, injector: 'simulated', fault: fatal }));
      await acked;
      expect(bench.state.phase).toBe('armed');

      valueOf(await bench.rig.reconnect(far.connect().near));
      const state = await bench.until(isConcluded);
      expect(state).toMatchObject({ phase: 'recovered', recovery: { number: 1, approval: { by } } });
      const phases = bench.lines.flatMap((line) => (line.type === 'step' ? [line.phase] : []));
      expect([...new Set(phases)]).toEqual([
        'errorDetected',
        'quiescing',
        'awaitingAck',
        'resetting',
        'slotReset',
        'reinitialising',
        'recovered',
      ]);
    },
  );

  it('says that the device was closed when another agent answers, and the rig can be used again', async () => {
    const far = machine();
    const { bench, channel } = await waiting(far);
    const cut = lost(bench.rig);
    channel.cut();
    await cut;
    const before = bench.rig.clock.now();
    valueOf(await bench.rig.reconnect(machine().connect().near));
    const state = await bench.until(isConcluded);
    expect(state).toMatchObject({ reason: 'closedDuringWait' });
    expect(bench.texts()).toContain('The far end has closed the device, or has ended.');
    expect(bench.coordinator.session(rng)).toBeNull();
    expect(bench.rig.clock.now()).toBeGreaterThanOrEqual(before);
    await bench.hit();
    valueOf(await bench.coordinator.acknowledge(rng, decision));
    expect((await bench.until(isConcluded)).phase).toBe('recovered');
  });
});
